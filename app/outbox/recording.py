"""Recording what became of mails: one transaction for whatever has gathered over all connections (the gate)."""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import suppressions
from app.audience.models import HARD_BOUNCE
from app.core.database import UtcDateTime, one_of, update_many
from app.outbox import pacing
from app.outbox.lanes import Lane, Outgoing
from app.outbox.models import (
    ACCEPTED,
    BOUNCED,
    DEFERRED,
    QUEUED,
    STATES,
    UNKNOWN,
    Delivery,
    Envelope,
    Retry,
    Slice,
)
from app.outbox.takeover import again_once
from app.staff import audit
from emails.transport import Outcome

Accepted = Callable[[Session, Sequence[UUID], datetime], None]
"""Told, in the recording transaction, which requests' confirmations a server has taken (C11, C16)."""

_FINAL: Final = (ACCEPTED, BOUNCED)

# The tables themselves: this runs for every mail, and the ORM's own statements cost more than the database.
_DELIVERY: Final = cast("sa.Table", Delivery.__table__)
_ENVELOPE: Final = cast("sa.Table", Envelope.__table__)
_RETRY: Final = cast("sa.Table", Retry.__table__)
_SLICE: Final = cast("sa.Table", Slice.__table__)
_ADD_TO_MINUTE: Final = sa.text(
    "INSERT INTO send_minute (send_id, minute, accepted) VALUES (:send_id, :minute, :accepted)"
    " ON CONFLICT (send_id, minute) DO UPDATE SET accepted = send_minute.accepted + excluded.accepted"
).bindparams(sa.bindparam("minute", type_=UtcDateTime()))


@dataclass(frozen=True)
class _Statements:
    """What is said for every group: built once, since building costs more than the database's answer."""

    lock: sa.Select[tuple[int, UUID | None]]
    end_retries: sa.Delete


@functools.cache
def _statements(dialect: str) -> _Statements:
    return _Statements(
        lock=sa.select(_SLICE.c.id, _SLICE.c.owner)
        .where(one_of(dialect, _SLICE.c.id, "ids"))
        .order_by(_SLICE.c.id)
        .with_for_update(),
        end_retries=sa.delete(_RETRY).where(one_of(dialect, _RETRY.c.delivery_id, "ids")),
    )


@dataclass(frozen=True)
class Record:
    """One mail's outcome, on its way to its row."""

    lane: Lane
    mail: Outgoing
    outcome: Outcome
    refused_box: bool = False
    """Its box was not this row's, or was damaged: staff are told (C03)."""

    @property
    def is_usual(self) -> bool:
        """A subscriber's mail, accepted at the first attempt: nothing but its row and the counters changes."""
        return self.outcome.state == ACCEPTED and self.mail.contact and not self.mail.tried


def record(
    session: Session,
    owner: UUID,
    records: Sequence[Record],
    *,
    now: datetime,
    on_accepted: Accepted | None = None,
    again: bool = False,
) -> set[int]:
    """Write all outcomes, counters, retries and suppressions of a group in one transaction.

    Returns the slices that are no longer ``owner``'s: their lanes must stop, for another worker goes on with them.

    ``again`` says that an earlier attempt failed and may yet have been committed: what is on record then stays
    as it is.

    A row that another worker marked unknown meanwhile gets its true outcome. Locks slices in the order of their
    ids, so that two workers cannot wait for each other.
    """
    slices = {one.lane.slice_id for one in records}
    owners = _lock_slices(session, slices)
    if again:
        records = _not_on_record(session, owner, records, owners)
    known = [one for one in records if one.lane.slice_id in owners]
    states = _states(session, known, now)
    ours = [
        (one, state)
        for one, state in zip(known, states, strict=True)
        if owners[one.lane.slice_id] == owner
    ]
    changes: dict[int, Counter[str]] = defaultdict(Counter)
    _update_rows(session, ours)
    for one, state in ours:
        changes[one.lane.slice_id].update((state,))
        changes[one.lane.slice_id][QUEUED] -= 1
    if len(ours) < len(known):
        for one, state in zip(known, states, strict=True):
            if owners[one.lane.slice_id] != owner and _correct_row(session, one, state):
                changes[one.lane.slice_id].update((state,))
                changes[one.lane.slice_id][UNKNOWN] -= 1
    _count(session, changes)
    _accepted(session, records, now, on_accepted)
    _tell(session, records, now)
    return {slice_id for slice_id in slices if owners.get(slice_id) != owner}


def _lock_slices(session: Session, slice_ids: Iterable[int]) -> dict[int, UUID | None]:
    """The owners of these slices, locked in the order of their ids."""
    dialect = session.get_bind().dialect.name
    locked = session.connection().execute(_statements(dialect).lock, {"ids": sorted(slice_ids)})
    return {row.id: row.owner for row in locked}


def _not_on_record(
    session: Session,
    owner: UUID,
    records: Sequence[Record],
    owners: Mapping[int, UUID | None],
) -> list[Record]:
    """The records that the earlier attempt did not write: in slices of ours, those whose row is still queued."""
    ours = [one.mail.delivery_id for one in records if owners.get(one.lane.slice_id) == owner]
    queued = set(
        session.scalars(
            sa.select(Delivery.id).where(Delivery.id.in_(ours), Delivery.state == QUEUED)
        )
    )
    return [
        one
        for one in records
        if owners.get(one.lane.slice_id) != owner or one.mail.delivery_id in queued
    ]


def _states(session: Session, records: Sequence[Record], now: datetime) -> list[str]:
    """The state each row gets; a deferred one also its next attempt, or none any more (M09)."""
    given_up: set[UUID] = set()
    by_purpose: dict[tuple[str, str], list[UUID]] = defaultdict(list)
    for one in records:
        if one.outcome.state in (DEFERRED, UNKNOWN):
            by_purpose[one.outcome.state, one.lane.purpose].append(one.mail.delivery_id)
    for (state, purpose), delivery_ids in by_purpose.items():
        if state == DEFERRED:
            given_up |= _defer(session, purpose, delivery_ids, now)
        else:
            again_once(session, purpose, delivery_ids, now=now)
    return [
        BOUNCED if one.mail.delivery_id in given_up else str(one.outcome.state) for one in records
    ]


def _defer(
    session: Session, purpose: str, delivery_ids: Sequence[UUID], now: datetime
) -> set[UUID]:
    known = {
        retry.delivery_id: retry
        for retry in session.scalars(sa.select(Retry).where(Retry.delivery_id.in_(delivery_ids)))
    }
    given_up = set()
    for delivery_id in delivery_ids:
        retry = known.get(delivery_id)
        if retry is None:
            retry = Retry(delivery_id=delivery_id, attempts=0, again_after_unknown=False)
            session.add(retry)
        retry.attempts += 1
        wait = pacing.next_attempt(purpose, retry.attempts)
        retry.due_at = None if wait is None else now + wait
        if wait is None:
            given_up.add(delivery_id)
    return given_up


def _update_rows(session: Session, ended: Sequence[tuple[Record, str]]) -> None:
    if not ended:
        return
    update_many(
        session,
        _DELIVERY,
        keys=("slice_id", "position"),
        values={
            "slice_id": [one.lane.slice_id for one, _ in ended],
            "position": [one.mail.position for one, _ in ended],
            "state": [state for _, state in ended],
            "code": [one.outcome.code or None for one, _ in ended],
        },
    )
    _forget_boxes(session, ended)


def _forget_boxes(
    session: Session, ended: Sequence[tuple[Record, str]], *, taken_over: bool = False
) -> None:
    final = [one.mail for one, state in ended if state in _FINAL]
    strangers = [mail.delivery_id for mail in final if not mail.contact]
    if strangers:
        session.execute(
            sa.update(_ENVELOPE).where(_ENVELOPE.c.delivery_id.in_(strangers)).values(box=None)
        )
    tried = [mail.delivery_id for mail in final if mail.tried or taken_over]
    if tried:
        session.flush()
        dialect = session.get_bind().dialect.name
        session.connection().execute(_statements(dialect).end_retries, {"ids": tried})


def _correct_row(session: Session, one: Record, state: str) -> bool:
    """The slice was taken over: the taker called this lane's row in flight unknown. We know better.

    True when its slice's counters are to follow; a row that was queued anew stands in another slice.
    """
    corrected = session.execute(
        sa.update(Delivery)
        .where(Delivery.id == one.mail.delivery_id, Delivery.state == UNKNOWN)
        .values(state=state, code=one.outcome.code or None)
        .returning(Delivery.slice_id)
    ).scalar_one_or_none()
    if corrected is None:
        return False
    _forget_boxes(session, [(one, state)], taken_over=True)
    return corrected == one.lane.slice_id


def _count(session: Session, changes: Mapping[int, Counter[str]]) -> None:
    """Move the counters of the slices, which are locked already."""
    if changes:
        in_order = sorted(changes)
        moved = [state for state in STATES if any(change[state] for change in changes.values())]
        update_many(
            session,
            _SLICE,
            keys=("id",),
            values={
                "id": in_order,
                **{state: [changes[at][state] for at in in_order] for state in moved},
            },
            add=True,
        )


def _accepted(
    session: Session, records: Sequence[Record], now: datetime, on_accepted: Accepted | None
) -> None:
    taken = [one for one in records if one.outcome.state == ACCEPTED]
    by_send = Counter(one.lane.send_id for one in taken)
    minute = now.replace(second=0, microsecond=0)
    for send_id, count in sorted(by_send.items()):
        session.connection().execute(
            _ADD_TO_MINUTE, {"send_id": send_id, "minute": minute, "accepted": count}
        )
    asked = [one.mail.recipient for one in taken if not one.mail.contact]
    if asked and on_accepted:
        on_accepted(session, asked, now)


def _tell(session: Session, records: Sequence[Record], now: datetime) -> None:
    """What an outcome says beyond its mail: to the suppressions, and to staff."""
    for one in records:
        if one.refused_box:
            audit.record(session, None, "box-refused", f"send:{one.lane.send_id}", now)
        if one.outcome.suppresses:
            suppressions.add(
                session,
                one.mail.index_key_id,
                one.mail.mailbox_index,
                HARD_BOUNCE,
                day=now.date(),
            )
        elif one.outcome.pauses_destination:
            audit.record(session, None, "destination-paused", one.lane.destination, now)


def due_retries(session: Session, *, now: datetime, limit: int = 500) -> list[UUID]:
    """Deliveries whose next attempt is due; they are marked as under way."""
    due: list[Any] = list(
        session.scalars(
            sa.select(Retry)
            .where(Retry.due_at <= now)
            .order_by(Retry.due_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    for retry in due:
        retry.due_at = None
    return [retry.delivery_id for retry in due]
