"""Recording what became of mails: one transaction for whatever has gathered over all connections (the gate)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import suppressions
from app.audience.models import HARD_BOUNCE
from app.core.database import insert_into
from app.outbox import pacing
from app.outbox.lanes import Lane, Outgoing, again_once
from app.outbox.models import (
    ACCEPTED,
    BOUNCED,
    DEFERRED,
    QUEUED,
    UNKNOWN,
    Delivery,
    Envelope,
    Retry,
    SendMinute,
    Slice,
)
from app.staff import audit
from emails.transport import Outcome

Accepted = Callable[[Session, Sequence[UUID], datetime], None]
"""Told, in the recording transaction, which requests' confirmations a server has taken (C11, C16)."""

_FINAL: Final = (ACCEPTED, BOUNCED)


@dataclass(frozen=True)
class Record:
    """One mail's outcome, on its way to its row."""

    lane: Lane
    mail: Outgoing
    outcome: Outcome


def record(
    session: Session,
    owner: UUID,
    records: Sequence[Record],
    *,
    now: datetime,
    on_accepted: Accepted | None = None,
) -> None:
    """Write all outcomes, counters, retries and suppressions of a group in one transaction.

    A row that another worker marked unknown meanwhile gets its true outcome. Locks slices in the order of their
    ids, so that two workers cannot wait for each other.
    """
    by_slice: dict[int, list[Record]] = defaultdict(list)
    for one in records:
        by_slice[one.lane.slice_id].append(one)
    for slice_id in sorted(by_slice):
        _record_slice(session, owner, by_slice[slice_id], now)
    _accepted(session, records, now, on_accepted)
    _suppress(session, records, now)


def _record_slice(session: Session, owner: UUID, records: Sequence[Record], now: datetime) -> None:
    lane = records[0].lane
    slice_ = session.execute(
        sa.select(Slice.owner).where(Slice.id == lane.slice_id).with_for_update()
    ).one_or_none()
    if slice_ is None:
        return
    states = _states(session, lane, records, now)
    if slice_.owner == owner:
        change: Counter[str] = Counter(states)
        _update_rows(session, records, states)
    else:
        change = _correct_rows(session, records, states)
    moved = {state: getattr(Slice, state) + count for state, count in change.items() if count}
    if slice_.owner == owner:
        moved[QUEUED] = Slice.queued - len(records)
    if moved:
        session.execute(sa.update(Slice).where(Slice.id == lane.slice_id).values(**moved))


def _states(session: Session, lane: Lane, records: Sequence[Record], now: datetime) -> list[str]:
    """The state each row gets; a deferred one also its next attempt, or none any more (M09)."""
    states = [one.outcome.state for one in records]
    late = [one.mail.delivery_id for one in records if one.outcome.state == DEFERRED]
    if late:
        given_up = _defer(session, lane, late, now)
        states = [
            BOUNCED if one.mail.delivery_id in given_up else state
            for one, state in zip(records, states, strict=True)
        ]
    again_once(
        session,
        lane.purpose,
        [one.mail.delivery_id for one in records if one.outcome.state == UNKNOWN],
        now=now,
    )
    return [str(state) for state in states]


def _defer(session: Session, lane: Lane, delivery_ids: Sequence[UUID], now: datetime) -> set[UUID]:
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
        wait = pacing.next_attempt(lane.purpose, retry.attempts)
        retry.due_at = None if wait is None else now + wait
        if wait is None:
            given_up.add(delivery_id)
    return given_up


def _update_rows(session: Session, records: Sequence[Record], states: Iterable[str]) -> None:
    session.connection().execute(
        sa.update(Delivery.__table__)  # type: ignore[arg-type]
        .where(
            Delivery.slice_id == sa.bindparam("in_slice"), Delivery.position == sa.bindparam("at")
        )
        .values(state=sa.bindparam("became"), code=sa.bindparam("said")),
        [
            {
                "in_slice": one.lane.slice_id,
                "at": one.mail.position,
                "became": state,
                "said": one.outcome.code or None,
            }
            for one, state in zip(records, states, strict=True)
        ],
    )
    _forget_boxes(session, records, states)


def _forget_boxes(session: Session, records: Sequence[Record], states: Iterable[str]) -> None:
    final = [
        one.mail.delivery_id
        for one, state in zip(records, states, strict=True)
        if state in _FINAL and not one.mail.contact
    ]
    if final:
        session.execute(sa.update(Envelope).where(Envelope.delivery_id.in_(final)).values(box=None))
    ended = [
        one.mail.delivery_id for one, state in zip(records, states, strict=True) if state in _FINAL
    ]
    if ended:
        session.execute(sa.delete(Retry).where(Retry.delivery_id.in_(ended)))


def _correct_rows(
    session: Session, records: Sequence[Record], states: Sequence[str]
) -> Counter[str]:
    """The slice was taken over: the taker called this lane's row in flight unknown. We know better."""
    change: Counter[str] = Counter()
    for one, state in zip(records, states, strict=True):
        corrected = session.execute(
            sa.update(Delivery)
            .where(Delivery.id == one.mail.delivery_id, Delivery.state == UNKNOWN)
            .values(state=state, code=one.outcome.code or None)
            .returning(Delivery.slice_id)
        ).scalar_one_or_none()
        if corrected is None:
            continue
        _forget_boxes(session, [one], [state])
        if corrected == one.lane.slice_id:
            change[UNKNOWN] -= 1
            change[state] += 1
    return change


def _accepted(
    session: Session, records: Sequence[Record], now: datetime, on_accepted: Accepted | None
) -> None:
    taken = [one for one in records if one.outcome.state == ACCEPTED]
    by_send: Counter[int] = Counter(one.lane.send_id for one in taken)
    minute = now.replace(second=0, microsecond=0)
    for send_id, count in sorted(by_send.items()):
        statement = insert_into(session, SendMinute).values(
            send_id=send_id, minute=minute, accepted=count
        )
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["send_id", "minute"],
                set_={"accepted": SendMinute.accepted + statement.excluded.accepted},
            )
        )
    asked = [one.mail.recipient for one in taken if not one.mail.contact]
    if asked and on_accepted:
        on_accepted(session, asked, now)


def _suppress(session: Session, records: Sequence[Record], now: datetime) -> None:
    for one in records:
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
