"""One reader's mail from a letter: the box opened, the holes filled, the ids derived (M06, M08, M16)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from app.audience.subscriptions import Desk
from app.core import tokens
from app.core.sealing import Mac
from app.outbox.lanes import Outgoing
from app.outbox.models import Letter
from emails.addresses import on_the_wire
from emails.message import date_text
from emails.skeleton import Skeleton
from emails.transport import Envelope

MAC_OCTETS: Final = 10
"""80 bits (M08)."""
_SECOND: Final = timedelta(seconds=1)


@dataclass(slots=True)
class Composed:
    """A mail ready to go."""

    envelope: Envelope = field(repr=False)
    message: bytes = field(repr=False)


class Composer:
    """Fills one letter for its readers; made once for the lanes that carry it."""

    def __init__(self, letter: Letter, desk: Desk) -> None:
        self._desk = desk
        self._skeleton = Skeleton.from_row(letter.skeleton, letter.holes)
        self._key_id = letter.key_id
        self._domain = letter.sender.rpartition("@")[2]
        self._unsubscribe = f"{letter.base_url}/u/"
        self._message_mac = Mac(desk.indexer.child("message", letter.key_id))
        self._bounce_mac = Mac(desk.indexer.child("verp", letter.key_id))
        self._second = datetime.min.replace(tzinfo=UTC)
        self._written_date = ""

    def compose(self, mail: Outgoing, *, now: datetime) -> Composed:
        """The message and its envelope.

        Raises MisplacedBoxError for a box of another row, AddressError or HoleError for what cannot be mailed.
        """
        if mail.contact:
            opened = self._desk.opener.open("contact", mail.recipient, mail.box)
        else:
            opened = self._desk.opener.open("envelope", mail.delivery_id, mail.box)
        address = on_the_wire(opened["address"])
        values: dict[str, str] = {
            "to": opened["address"],
            "message_id": f"{message_id(self._message_mac, mail.delivery_id)}@{self._domain}",
            "date": self._date(now),
        }
        self._add_holes(values, mail, opened.get("holes"))
        message, dots = self._skeleton.fill_for_wire(values)
        sender = f"{bounce_local(self._bounce_mac, self._key_id, mail.delivery_id)}@{self._domain}"
        envelope = Envelope(sender, address.spec, len(message), address.smtputf8, dots)
        return Composed(envelope, message)

    def _date(self, now: datetime) -> str:
        """The Date header; the mails of one second share it."""
        if not self._second <= now < self._second + _SECOND:
            self._second, self._written_date = now.replace(microsecond=0), date_text(now)
        return self._written_date

    def _add_holes(
        self, values: dict[str, str], mail: Outgoing, given: Mapping[str, str] | None
    ) -> None:
        if given:
            values.update(given)
        if mail.subscription_id is not None and mail.subscription_key:
            token = self._desk.secrets.token(
                tokens.ONE_CLICK, mail.subscription_id, mail.subscription_key
            )
            values["unsubscribe"] = f"{self._unsubscribe}{token}"


def message_id(mac: Mac, delivery_id: UUID) -> str:
    """The part before the @ of Message-ID: the same for every attempt of a delivery (M06)."""
    digest = mac.digest(delivery_id.bytes)[:20]
    return base64.b32encode(digest).decode("ascii").lower()


def bounce_local(mac: Mac, key_id: str, delivery_id: UUID) -> str:
    """The local part that bounces come back to: ``b-KEY-ID-MAC`` in lower-case base32 (M08)."""
    proof = mac.digest(delivery_id.bytes)[:MAC_OCTETS]
    written = (
        base64.b32encode(part).decode("ascii").rstrip("=").lower()
        for part in (delivery_id.bytes, proof)
    )
    return "-".join(("b", key_id, *written))
