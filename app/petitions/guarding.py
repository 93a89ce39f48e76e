"""What is held back from the count until staff look: bursts, throw-away mailboxes, or everything by a switch.

A held signature is kept and acknowledged like any other, so that nobody learns the limits by trying; it only does
not count yet. What bursts are told by is counted in the worker's memory: no row keeps a minute or a network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core.addresses import Address, is_throw_away
from app.core.cells import SMALLEST_CELL, merged
from app.core.errors import InvalidError, NotFoundError
from app.petitions.models import Petition, Signature
from config import Config

ALL: Final = "all"
DOMAIN: Final = "domain"
BURST: Final = "burst"
REASONS: Final = (ALL, DOMAIN, BURST)
LONGEST_REASON: Final = 80

T = TypeVar("T")


@dataclass(frozen=True)
class Sighting:
    """What a signature is judged by; ``network`` is its network's hash of the day, where the web knew one."""

    petition_id: int
    address: Address
    destination: str
    network: str | None


@dataclass
class Watch:
    """One worker's memory of the last minute and of the day, for telling bursts; gone with the process."""

    _minute: datetime | None = None
    _in_minute: dict[tuple[object, ...], int] = field(default_factory=dict)
    _day: date | None = None
    _in_day: dict[tuple[object, ...], int] = field(default_factory=dict)

    def why_held(self, seen: Sighting, config: Config, *, hold_all: bool, now: datetime) -> str:
        """Count a signature, and say why it is held; empty when it is not.

        A public provider is no burst: half the world has its mailbox there.
        """
        self._turn(now)
        too_many = [
            self._add(self._in_minute, "petition", seen.petition_id) > config.burst_minute,
            seen.address.provider is None
            and self._add(self._in_minute, seen.petition_id, seen.destination)
            > config.burst_domain,
            seen.network is not None
            and self._add(self._in_day, seen.petition_id, seen.network) > config.burst_network,
        ]
        if hold_all:
            return ALL
        if is_throw_away(seen.address.domain):
            return DOMAIN
        return BURST if any(too_many) else ""

    def _turn(self, now: datetime) -> None:
        minute = now.replace(second=0, microsecond=0)
        if minute != self._minute:
            self._minute, self._in_minute = minute, {}
        if now.date() != self._day:
            self._day, self._in_day = now.date(), {}

    @staticmethod
    def _add(counts: dict[tuple[object, ...], int], *key: object) -> int:
        counts[key] = counts.get(key, 0) + 1
        return counts[key]


@dataclass(frozen=True)
class Standing:
    """What stands outside a petition's count, as staff may see it: a None is fewer than 20 (C19).

    The days tell of the reasons that are told; ``other_days`` are those that are not told by day.
    """

    held: Mapping[str, int | None]
    by_day: Mapping[date, int]
    other_days: int
    invalid: Mapping[str, int | None]


def standing(session: Session, petition_id: int) -> Standing:
    """How many are held and why, the trend by day, and what was taken out of the count with which reason."""
    of_petition = Signature.petition_id == petition_id
    held = _counted(session, Signature.held, of_petition, Signature.held != "")
    told = [reason for reason, count in held.items() if count >= SMALLEST_CELL]
    days = merged(_counted(session, Signature.day, of_petition, Signature.held.in_(told)))
    invalid = _counted(session, Signature.invalid, of_petition, Signature.invalid != "")
    return Standing(
        held={reason: _told(count) for reason, count in held.items()},
        by_day=dict(sorted(days.shown.items())),
        other_days=days.other,
        invalid={reason: _told(count) for reason, count in invalid.items()},
    )


def hold_all(session: Session, petition_id: int, *, on: bool) -> None:
    """Hold every new signature of a petition, or hold none but by rule again. Raises NotFoundError."""
    petition = session.get(Petition, petition_id)
    if petition is None:
        raise NotFoundError("no such petition")
    petition.hold_all = on


def release(session: Session, petition_id: int, reason: str) -> int:
    """Let the signatures count that were held for ``reason``; returns how many."""
    return _move(session, petition_id, Signature.held == reason, held="")


def invalidate(session: Session, petition_id: int, reason: str, why: str) -> int:
    """Take the signatures held for ``reason`` out of the count; ``restore`` takes that back.

    Raises InvalidError without a reason that staff can be asked about later.
    """
    why = why.strip()
    if not why or len(why) > LONGEST_REASON:
        raise InvalidError("needed" if not why else "too long", field="why")
    return _move(session, petition_id, Signature.held == reason, held="", invalid=why)


def restore(session: Session, petition_id: int, why: str) -> int:
    """Count again what was taken out with this reason; returns how many."""
    return _move(session, petition_id, Signature.invalid == why, invalid="")


def counts() -> sa.ColumnElement[bool]:
    """SQL: whether a signature counts: it is neither held nor taken out."""
    return sa.and_(Signature.held == "", Signature.invalid == "")


def _move(
    session: Session, petition_id: int, which: sa.ColumnElement[bool], **values: object
) -> int:
    moved = session.execute(
        sa.update(Signature)
        .where(Signature.petition_id == petition_id, which)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return cast("sa.CursorResult[object]", moved).rowcount


def _counted(
    session: Session, by: InstrumentedAttribute[T], *where: sa.ColumnElement[bool]
) -> dict[T, int]:
    rows = session.execute(sa.select(by, sa.func.count()).where(*where).group_by(by))
    return {row[0]: int(row[1]) for row in rows}


def _told(count: int) -> int | None:
    return count if count >= SMALLEST_CELL else None
