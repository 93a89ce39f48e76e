"""Slices whose worker is gone, fell over or does not know what it holds: given back, taken over (R02, R03).

A row that may have been sent and has no outcome becomes unknown; a confirmation goes once more by itself, of a
newsletter staff decide.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.outbox.lanes import Lane, release
from app.outbox.models import (
    CLAIMED,
    CONFIRMATION,
    QUEUED,
    READY,
    UNKNOWN,
    Delivery,
    Retry,
    Send,
    Slice,
)


def disown(session: Session, owner: UUID, *, but: Collection[int]) -> None:
    """Free the slices that this worker claimed without learning of it: the answer to the commit was lost.

    ``but`` are those it works on. No mail of the others can be in flight.
    """
    session.execute(
        sa.update(Slice)
        .where(Slice.owner == owner, Slice.state == CLAIMED, Slice.id.not_in(but))
        .values(state=READY, owner=None, lease_until=None)
        .execution_options(synchronize_session=False)
    )


def abandon(
    session: Session,
    lane: Lane,
    owner: UUID,
    *,
    now: datetime,
    in_flight: bool,
    not_before: datetime,
) -> None:
    """Give a slice back after an unexpected error, to rest until ``not_before``.

    With a mail ``in_flight`` its first open row may have gone, as after a crash: it becomes unknown.
    """
    slice_ = session.scalar(
        sa.select(Slice)
        .where(Slice.id == lane.slice_id, Slice.owner == owner, Slice.state == CLAIMED)
        .with_for_update()
    )
    if slice_ is not None:
        if in_flight:
            _mark_unknown(session, slice_, now)
            session.flush()
        release(session, lane, owner, now=now, not_before=not_before)


def recover(session: Session, *, now: datetime, is_alive: Callable[[UUID], bool | None]) -> int:
    """Take over the slices of workers that are gone; returns how many.

    ``is_alive`` knows the workers of this host; of others it says None, and their lease decides.

    The first row without an outcome may have been sent: it becomes unknown (R02). A confirmation goes once more
    by itself; a newsletter waits for staff.
    """
    claimed = session.scalars(
        sa.select(Slice).where(Slice.state == CLAIMED).with_for_update(skip_locked=True)
    ).all()
    alive = {owner: is_alive(owner) for owner in {slice_.owner for slice_ in claimed} if owner}
    taken = 0
    for slice_ in claimed:
        lives = alive.get(slice_.owner) if slice_.owner else False
        expired = slice_.lease_until is None or slice_.lease_until <= now
        if lives or (lives is None and not expired):
            continue
        taken += 1
        _mark_unknown(session, slice_, now)
        session.flush()
        if slice_.owner is not None:
            lane = Lane(slice_.id, slice_.send_id, "", slice_.letter_id, slice_.destination)
            release(session, lane, slice_.owner, now=now)
    return taken


def _mark_unknown(session: Session, slice_: Slice, now: datetime) -> None:
    first = session.execute(
        sa.select(Delivery.position, Delivery.id, Send.purpose)
        .join(Send, Send.id == Delivery.send_id)
        .where(Delivery.slice_id == slice_.id, Delivery.state == QUEUED)
        .order_by(Delivery.position)
        .limit(1)
    ).first()
    if first is None:
        return
    session.execute(
        sa.update(Delivery)
        .where(Delivery.slice_id == slice_.id, Delivery.position == first.position)
        .values(state=UNKNOWN)
    )
    slice_.queued -= 1
    slice_.unknown += 1
    again_once(session, first.purpose, [first.id], now=now)


def again_once(
    session: Session, purpose: str, delivery_ids: Sequence[UUID], *, now: datetime
) -> None:
    """Plan the one repeat of confirmations of unknown fate; of other mail, staff decide (R02)."""
    if purpose != CONFIRMATION or not delivery_ids:
        return
    known = {
        retry.delivery_id: retry
        for retry in session.scalars(sa.select(Retry).where(Retry.delivery_id.in_(delivery_ids)))
    }
    for delivery_id in delivery_ids:
        retry = known.get(delivery_id)
        if retry is None:
            retry = Retry(delivery_id=delivery_id, attempts=0, again_after_unknown=False)
            session.add(retry)
        retry.due_at = None if retry.again_after_unknown else now
        retry.again_after_unknown = True
