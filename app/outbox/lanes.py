"""A lane's rows: claimed, fetched, recorded, released, recovered. All of it is short transactions, no mail.

A slice belongs to one owner until its lease ends. Rows are recorded in order, each before the next mail on the
connection is irrevocable; so the first row without an outcome is the only one whose fate can be unknown after a
crash, on any machine that takes over.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import suppressions
from app.audience.models import Contact, Subscription
from app.audience.queries import may_receive
from app.outbox.models import (
    CLAIMED,
    DONE,
    FREEZING,
    INVITATION,
    QUEUED,
    READY,
    RUNNING,
    SUPPRESSED,
    Delivery,
    Envelope,
    Letter,
    Retry,
    Send,
    Slice,
)

LEASE: Final = timedelta(seconds=60)


@dataclass(frozen=True)
class Lane:
    """A claimed slice, as the sender works through it."""

    slice_id: int
    send_id: int
    purpose: str
    letter_id: int
    destination: str
    outreach: bool = False
    """Whether its letter is one that nobody asked for: an invitation."""


@dataclass(slots=True)
class Outgoing:
    """The next mail of a lane: where it stands, whose box to open, which link it carries.

    Not frozen, for that would double the cost of making one; nobody changes it.
    """

    position: int
    delivery_id: UUID
    recipient: UUID
    box: bytes = field(repr=False)
    contact: bool
    index_key_id: str
    mailbox_index: bytes = field(repr=False)
    subscription_id: UUID | None = None
    subscription_key: str = ""
    tried: bool = False
    """Whether it was deferred before, or its fate was unknown: it has a row among the retries."""


@dataclass(frozen=True)
class Fetched:
    """What a lane may send now, and whether its send still wants it sent."""

    mails: tuple[Outgoing, ...]
    going_on: bool
    passed_over: int = 0
    """How many readers of this batch may no longer receive; nothing of them is queued any more."""


def claim(
    session: Session, owner: UUID, *, most: int, now: datetime, but: Collection[int] = ()
) -> Lane | None:
    """Take the first ready slice of a priority up to ``most``; None when there is none.

    Locked rows are skipped, so that two workers never wait for each other and never get the same slice. ``but`` are
    those that a lane of this worker has not let go of yet: it lost them to another worker, which gave them back, and
    claimed again it could not tell that they are no longer its own.
    """
    row = session.execute(
        sa.select(Slice, Send.purpose, Letter.kind)
        .join(Send, Send.id == Slice.send_id)
        .join(Letter, Letter.id == Slice.letter_id)
        .where(
            Slice.state == READY,
            Slice.priority <= most,
            Slice.id.not_in(but),
            Send.state.in_((RUNNING, FREEZING)),
            sa.or_(Slice.not_before.is_(None), Slice.not_before <= now),
        )
        .order_by(Slice.priority, Slice.id)
        .limit(1)
        .with_for_update(skip_locked=True, of=Slice)
    ).first()
    if row is None:
        return None
    slice_: Slice = row[0]
    slice_.state = CLAIMED
    slice_.owner = owner
    slice_.lease_until = now + LEASE
    slice_.not_before = None
    return Lane(
        slice_.id,
        slice_.send_id,
        row[1],
        slice_.letter_id,
        slice_.destination,
        outreach=row[2] == INVITATION,
    )


def next_in_lane(
    session: Session, lane: Lane, owner: UUID, *, after: int, limit: int, now: datetime
) -> Fetched:
    """The lane's next mails in order, without those whose reader may no longer receive (C18).

    Read at most two seconds before they go; the passed over ones are recorded as suppressed in the same
    transaction. Renews the lease; a lane that lost it, or whose send was paused, goes on no further.
    """
    held = session.connection().execute(
        _HOLD, {"in_slice": lane.slice_id, "of": owner, "until": now + LEASE}
    )
    if not _changed(held):
        return Fetched((), going_on=False)
    rows = (
        session.connection()
        .execute(
            next_rows(now.date(), lane.outreach),
            {"in_slice": lane.slice_id, "after": after, "most": limit},
        )
        .all()
    )
    passed = [row.position for row in rows if not row.allowed]
    if passed:
        _suppress(session, lane, passed)
        rows = [row for row in rows if row.allowed]
    return Fetched(tuple(map(_outgoing, rows)), going_on=True, passed_over=len(passed))


_HOLD: Final = (
    sa.update(Slice)
    .where(
        Slice.id == sa.bindparam("in_slice"),
        Slice.owner == sa.bindparam("of"),
        Slice.state == CLAIMED,
        sa.exists().where(Send.id == Slice.send_id, Send.state.in_((RUNNING, FREEZING))),
    )
    .values(lease_until=sa.bindparam("until"))
)


@functools.lru_cache(maxsize=4)
def next_rows(today: date, outreach: bool) -> sa.Select[*tuple[Any, ...]]:
    """A lane's next rows, whom they may not reach among them; takes ``in_slice``, ``after`` and ``most``.

    Kept: built for each batch, the statement would cost more than its answer.
    """
    subscribed = sa.and_(Contact.id.is_not(None), may_receive(Delivery.subscription_id))
    blocked = suppressions.blocks_confirmations(
        Envelope.mailbox_index.expression, today=today, outreach=outreach
    )
    asked = sa.and_(
        Envelope.box.is_not(None),
        Envelope.never_write.is_(False),
        ~blocked,
    )
    return (
        sa.select(
            Delivery.position,
            Delivery.id,
            Delivery.recipient,
            Delivery.subscription_id,
            Subscription.key_id,
            Contact.box.label("contact_box"),
            Contact.index_key_id.label("contact_key"),
            Contact.mailbox_index.label("contact_mailbox"),
            Envelope.box.label("envelope_box"),
            Envelope.index_key_id.label("envelope_key"),
            Envelope.mailbox_index.label("envelope_mailbox"),
            Retry.delivery_id.is_not(None).label("tried"),
            sa.case((Envelope.delivery_id.is_not(None), asked), else_=subscribed).label("allowed"),
        )
        .select_from(Delivery)
        .outerjoin(Contact, Contact.id == Delivery.recipient)
        .outerjoin(Envelope, Envelope.delivery_id == Delivery.id)
        .outerjoin(Subscription, Subscription.id == Delivery.subscription_id)
        .outerjoin(Retry, Retry.delivery_id == Delivery.id)
        .where(
            Delivery.slice_id == sa.bindparam("in_slice"),
            Delivery.position > sa.bindparam("after"),
            Delivery.state == QUEUED,
        )
        .order_by(Delivery.position)
        .limit(sa.bindparam("most"))
    )


def _outgoing(row: sa.Row[*tuple[Any, ...]]) -> Outgoing:
    position, delivery_id, recipient, subscription_id, subscription_key, *boxes, tried, _ = row
    contact = boxes[0] is not None
    box, index_key_id, mailbox_index = boxes[:3] if contact else boxes[3:]
    return Outgoing(
        position,
        delivery_id,
        recipient,
        box,
        contact,
        index_key_id,
        mailbox_index,
        subscription_id,
        subscription_key or "",
        tried,
    )


def _suppress(session: Session, lane: Lane, positions: Sequence[int]) -> None:
    gone = session.execute(
        sa.update(Delivery)
        .where(
            Delivery.slice_id == lane.slice_id,
            Delivery.position.in_(positions),
            Delivery.state == QUEUED,
        )
        .values(state=SUPPRESSED)
        .returning(Delivery.id)
    ).all()
    session.execute(
        sa.update(Envelope)
        .where(Envelope.delivery_id.in_([row.id for row in gone]))
        .values(box=None)
    )
    session.execute(
        sa.update(Slice)
        .where(Slice.id == lane.slice_id)
        .values(queued=Slice.queued - len(gone), suppressed=Slice.suppressed + len(gone))
    )


def release(
    session: Session, lane: Lane, owner: UUID, *, now: datetime, not_before: datetime | None = None
) -> None:
    """Give a slice back with everything recorded: done when nothing is queued, else ready (R03).

    Only for a lane that has no mail in flight: nothing of it is unknown.
    """
    left = sa.exists().where(Delivery.slice_id == lane.slice_id, Delivery.state == QUEUED)
    session.execute(
        sa.update(Slice)
        .where(Slice.id == lane.slice_id, Slice.owner == owner)
        .values(
            state=sa.case((left, READY), else_=DONE),
            done_on=sa.case((left, None), else_=sa.literal(now.date())),
            owner=None,
            lease_until=None,
            not_before=not_before,
        )
        .execution_options(synchronize_session=False)
    )


def rest_destination(session: Session, destination: str, *, not_before: datetime) -> None:
    """Let what is ready for a destination that refused us as such wait until ``not_before`` (M10)."""
    session.execute(
        sa.update(Slice)
        .where(Slice.state == READY, Slice.destination == destination)
        .values(not_before=not_before)
        .execution_options(synchronize_session=False)
    )


def renew(session: Session, owner: UUID, *, now: datetime) -> None:
    """Prolong the leases of a worker that lives, however slow the mail server is."""
    held = lock_in_order(session, Slice.owner == owner, Slice.state == CLAIMED)
    session.execute(
        sa.update(Slice)
        .where(Slice.id.in_(held))
        .values(lease_until=now + LEASE)
        .execution_options(synchronize_session=False)
    )


def lock_in_order(session: Session, *which: sa.ColumnElement[bool]) -> Sequence[int]:
    """Lock slices in the order of their ids, as recording does: who locks many then waits for nobody in a ring."""
    return session.scalars(
        sa.select(Slice.id).where(*which).order_by(Slice.id).with_for_update()
    ).all()


def letter_of(session: Session, lane: Lane) -> Letter:
    """The lane's letter; raises NoResultFound when it is gone."""
    return session.get_one(Letter, lane.letter_id)


def _changed(result: sa.Result[Any]) -> bool:
    return cast("sa.CursorResult[Any]", result).rowcount == 1
