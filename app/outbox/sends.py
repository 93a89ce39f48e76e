"""What staff and the clock do to a send: approve, undo, start, pause, resume, send again, finish.

Each is a conditional UPDATE from the state it expects; a False answer means that another got there first (R05).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import wake
from app.core.database import wake_after_commit
from app.outbox import lanes
from app.outbox.models import (
    CONFIRMATION,
    DONE,
    FREEZING,
    PAUSED,
    QUEUED,
    READY,
    RUNNING,
    SENT,
    TEST,
    UNAPPROVED,
    UNKNOWN,
    WAITING,
    Delivery,
    Retry,
    Send,
    Slice,
)
from app.staff import audit

POSTPONED: Final = timedelta(minutes=1)
STUCK: Final = "stuck"
"""In a send's options: its letters could not be made, and it waits for a change."""


def approve(
    session: Session, send_id: int, account_id: int, *, now: datetime, undo_seconds: int
) -> bool:
    """The second person agrees; the seconds of undo begin (C28). Not for who scheduled it."""
    return _move(
        session,
        send_id,
        (UNAPPROVED,),
        WAITING,
        Send.scheduled_by != account_id,
        approved_by=account_id,
        begins_at=now + timedelta(seconds=undo_seconds),
    )


def undo(session: Session, send_id: int, *, now: datetime) -> bool:
    """Take a send back before its seconds are over or before it was approved; nothing of it stays."""
    undone = session.execute(
        sa.delete(Send).where(
            Send.id == send_id,
            sa.or_(Send.state == UNAPPROVED, sa.and_(Send.state == WAITING, Send.begins_at > now)),
        )
    )
    return _changed(undone)


def start_due(session: Session, *, now: datetime) -> None:
    """Let the sends begin whose seconds of undo are over; two schedulers start one once (R05)."""
    session.execute(
        sa.update(Send)
        .where(Send.state == WAITING, Send.begins_at <= now)
        .values(state=FREEZING, started_at=now)
    )


def has_slices(session: Session, send_id: int) -> bool:
    """Whether any reader of a send is fixed."""
    return bool(session.scalar(sa.select(sa.exists().where(Slice.send_id == send_id))))


def postpone(session: Session, send: Send, *, now: datetime) -> None:
    """Let a send whose letters cannot be made wait a minute and tell staff, who may take it back meanwhile.

    It must have fixed no reader yet. A test mail is given up: whoever asked for it asks again.
    """
    if not send.options.get(STUCK):
        audit.record(session, None, "send-stuck", f"send:{send.id}", now)
    if send.purpose == TEST:
        session.delete(send)
        return
    send.options = {**send.options, STUCK: True}
    send.state, send.begins_at, send.started_at = WAITING, now + POSTPONED, None


def frozen(session: Session, send_id: int) -> bool:
    """All recipients are fixed."""
    send = session.get_one(Send, send_id)
    if STUCK in send.options:
        send.options = {key: value for key, value in send.options.items() if key != STUCK}
    return _move(session, send_id, (FREEZING,), RUNNING)


def pause(session: Session, send_id: int) -> bool:
    """Stop after the mails in flight; lanes look before each batch."""
    return _move(session, send_id, (RUNNING,), PAUSED)


def resume(session: Session, send_id: int) -> bool:
    """Go on where it was paused."""
    return _move(session, send_id, (PAUSED,), RUNNING)


def finish(session: Session, *, now: datetime) -> None:
    """Mark sends of which nothing is queued or due any more as sent."""
    open_slice = sa.exists().where(Slice.send_id == Send.id, Slice.state != DONE)
    open_retry = sa.exists().where(
        Delivery.send_id == Send.id, Retry.delivery_id == Delivery.id, Retry.due_at.is_not(None)
    )
    session.execute(
        sa.update(Send)
        .where(Send.state == RUNNING, Send.purpose != CONFIRMATION, ~open_slice, ~open_retry)
        .values(state=SENT, finished_at=now)
        .execution_options(synchronize_session=False)
    )


def send_again(session: Session, send_id: int) -> int:
    """Queue the mails of unknown fate once more, with the same Message-ID; returns how many (R02)."""
    unknown = session.scalars(
        sa.select(Delivery.id).where(Delivery.send_id == send_id, Delivery.state == UNKNOWN)
    ).all()
    requeue(session, unknown)
    _move(session, send_id, (SENT,), RUNNING, finished_at=None)
    return len(unknown)


def requeue(session: Session, delivery_ids: Sequence[UUID]) -> None:
    """Move deliveries that wait (deferred or unknown) into new slices, so that a lane takes them in order.

    The counters move with them; a delivery's id, and with it its Message-ID, stays.
    """
    if not delivery_ids:
        return
    of_these = sa.select(Delivery.slice_id).where(Delivery.id.in_(delivery_ids))
    lanes.lock_in_order(session, Slice.id.in_(of_these))
    rows = session.execute(
        sa.select(Delivery.id, Delivery.state, Slice)
        .join(Slice, Slice.id == Delivery.slice_id)
        .where(Delivery.id.in_(delivery_ids), Delivery.state != QUEUED)
        .order_by(Slice.letter_id, Slice.destination, Delivery.id)
        .with_for_update(of=[Slice, Delivery])
    ).all()
    for _, group in groupby(rows, key=lambda row: (row.Slice.letter_id, row.Slice.destination)):
        lane = list(group)
        old = lane[0].Slice
        new = Slice(
            send_id=old.send_id,
            letter_id=old.letter_id,
            destination=old.destination,
            priority=old.priority,
            state=READY,
            size=len(lane),
            queued=len(lane),
        )
        session.add(new)
        session.flush()
        for place, row in enumerate(lane):
            session.execute(
                sa.update(Delivery)
                .where(Delivery.id == row.id)
                .values(slice_id=new.id, position=place, state=QUEUED)
            )
            setattr(row.Slice, row.state, getattr(row.Slice, row.state) - 1)
            row.Slice.size -= 1
    session.flush()
    wake_after_commit(session, wake.DELIVER)


def _move(
    session: Session,
    send_id: int,
    from_states: Sequence[str],
    state: str,
    *conditions: sa.ColumnElement[bool],
    **values: object,
) -> bool:
    moved = session.execute(
        sa.update(Send)
        .where(Send.id == send_id, Send.state.in_(from_states), *conditions)
        .values(state=state, **values)
    )
    wake_after_commit(session, wake.DELIVER)
    return _changed(moved)


def _changed(result: sa.Result[object] | sa.Result[tuple[object, ...]]) -> bool:
    return cast("sa.CursorResult[object]", result).rowcount == 1
