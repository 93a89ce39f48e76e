"""One reader's mail from a letter: the box opened, the holes filled, the ids derived (M06, M08, M16)."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
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
    """Fills one letter for its readers; made once a lane."""

    def __init__(self, letter: Letter, desk: Desk) -> None:
        self._desk = desk
        self._skeleton = Skeleton.from_row(letter.skeleton, letter.holes)
        self._key_id = letter.key_id
        self._domain = letter.sender.rpartition("@")[2]
        self._unsubscribe = f"{letter.base_url}/u/"
        self._ids = _Ids(desk, letter.key_id, self._domain)
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
        message_id, sender = self._ids.of(mail.delivery_id)
        values: dict[str, str] = {
            "to": opened["address"],
            "message_id": message_id,
            "date": self._date(now),
        }
        self._add_holes(values, mail, opened.get("holes"))
        message, dots = self._skeleton.fill_for_wire(values)
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


class _Ids:
    """What ``message_id`` and ``bounce_local`` give, both at once and for many deliveries."""

    def __init__(self, desk: Desk, key_id: str, domain: str) -> None:
        self._message = Mac(desk.indexer.child("message", key_id))
        self._bounce = Mac(desk.indexer.child("verp", key_id))
        self._key_id = key_id
        self._domain = domain

    def of(self, delivery_id: UUID) -> tuple[str, str]:
        """Message-ID without its brackets, and the envelope's sender."""
        octets = delivery_id.bytes
        # Whole groups of five octets stand first, so that each part is what it would be alone.
        signs = _base32(
            self._message.digest(octets)[:20] + self._bounce.digest(octets)[:MAC_OCTETS] + octets
        )
        return (
            f"{signs[:32]}@{self._domain}",
            f"b-{self._key_id}-{signs[48:74]}-{signs[32:48]}@{self._domain}",
        )


def _base32(octets: bytes) -> str:
    """``octets`` in lower-case base32 [RFC 4648 6], the end padded with signs for zeros: up to 80 octets.

    Eight fives of bits are spread to eight octets by halves; ``base64`` does it in a loop of three times the cost.
    """
    number = int.from_bytes(octets.ljust(_SPREAD_OCTETS, b"\0"))
    for high, low, shift in _HALVES:
        number = (number & high) << shift | number & low
    return number.to_bytes(_SPREAD_SIGNS).translate(_SIGNS).decode("ascii")


_SPREAD_SIGNS: Final = 128
_SPREAD_OCTETS: Final = _SPREAD_SIGNS * 5 // 8
_SIGNS: Final = b"abcdefghijklmnopqrstuvwxyz234567".ljust(256, b"?")


def _halves() -> Iterator[tuple[int, int, int]]:
    """For each step, the bits that move up, those that stay, and how far the first move."""
    half = _SPREAD_SIGNS // 2
    while half:
        low = (1 << 5 * half) - 1
        slots = sum(1 << 16 * half * n for n in range(_SPREAD_SIGNS // 2 // half))
        yield (low << 5 * half) * slots, low * slots, 3 * half
        half //= 2


_HALVES: Final = tuple(_halves())


def message_id(key: bytes, delivery_id: UUID) -> str:
    """The part before the @ of Message-ID: the same for every attempt of a delivery (M06)."""
    digest = Mac(key).digest(delivery_id.bytes)[:20]
    return base64.b32encode(digest).decode("ascii").lower()


def bounce_local(key: bytes, key_id: str, delivery_id: UUID) -> str:
    """The local part that bounces come back to: ``b-KEY-ID-MAC`` in lower-case base32 (M08)."""
    mac = Mac(key).digest(delivery_id.bytes)[:MAC_OCTETS]
    written = (
        base64.b32encode(part).decode("ascii").rstrip("=").lower()
        for part in (delivery_id.bytes, mac)
    )
    return "-".join(("b", key_id, *written))
