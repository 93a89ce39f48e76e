"""One reader's mail from a letter: the box opened, the holes filled, the ids derived (M06, M08, M16)."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from app.audience.subscriptions import Desk
from app.core import tokens
from app.outbox.lanes import Outgoing
from app.outbox.models import Letter
from emails.addresses import on_the_wire
from emails.message import date_text
from emails.skeleton import Skeleton
from emails.transport import Envelope

MAC_OCTETS: Final = 10
"""80 bits (M08)."""


@dataclass(frozen=True)
class Composed:
    """A mail ready to go."""

    envelope: Envelope = field(repr=False)
    message: bytes = field(repr=False)


class Composer:
    """Fills one letter for its readers; made once a lane."""

    def __init__(self, letter: Letter, desk: Desk) -> None:
        self._desk = desk
        self._skeleton = Skeleton.from_row(letter.skeleton, letter.holes)
        self._key_id = letter.key_id
        self._domain = letter.sender.rpartition("@")[2]
        self._unsubscribe = f"{letter.base_url}/u/"
        self._message_key = desk.indexer.child("message", letter.key_id)
        self._verp_key = desk.indexer.child("verp", letter.key_id)
        self._second: datetime | None = None
        self._written_date = ""

    def compose(self, mail: Outgoing, *, now: datetime) -> Composed:
        """The message and its envelope.

        Raises MisplacedBoxError for a box of another row, AddressError or HoleError for what cannot be mailed.
        """
        record_id = mail.recipient if mail.contact else mail.delivery_id
        opened = self._desk.opener.open(
            "contact" if mail.contact else "envelope", record_id, mail.box
        )
        address = on_the_wire(opened["address"])
        values: dict[str, str] = {
            "to": opened["address"],
            "message_id": f"{message_id(self._message_key, mail.delivery_id)}@{self._domain}",
            "date": self._date(now),
            **self._holes(mail, opened.get("holes") or {}),
        }
        message = self._skeleton.fill(values)
        sender = f"{bounce_local(self._verp_key, self._key_id, mail.delivery_id)}@{self._domain}"
        return Composed(Envelope(sender, address.spec, len(message), address.smtputf8), message)

    def _date(self, now: datetime) -> str:
        """The Date header; the mails of one second share it."""
        second = now.replace(microsecond=0)
        if second != self._second:
            self._second, self._written_date = second, date_text(now)
        return self._written_date

    def _holes(self, mail: Outgoing, given: Mapping[str, str]) -> dict[str, str]:
        holes = dict(given)
        if mail.subscription_id is not None and mail.subscription_key:
            token = self._desk.secrets.token(
                tokens.ONE_CLICK, mail.subscription_id, mail.subscription_key
            )
            holes["unsubscribe"] = f"{self._unsubscribe}{token}"
        return holes


def message_id(key: bytes, delivery_id: UUID) -> str:
    """The part before the @ of Message-ID: the same for every attempt of a delivery (M06)."""
    digest = hmac.digest(key, delivery_id.bytes, hashlib.sha256)[:20]
    return base64.b32encode(digest).decode("ascii").lower()


def bounce_local(key: bytes, key_id: str, delivery_id: UUID) -> str:
    """The local part that bounces come back to: ``b-KEY-ID-MAC`` in lower-case base32 (M08)."""
    mac = hmac.digest(key, delivery_id.bytes, hashlib.sha256)[:MAC_OCTETS]
    written = (
        base64.b32encode(part).decode("ascii").rstrip("=").lower()
        for part in (delivery_id.bytes, mac)
    )
    return "-".join(("b", key_id, *written))
