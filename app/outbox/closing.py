"""Closing a send: its deliveries become a count for each letter and outcome, and nothing else stays (C16)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core.database import insert_into
from app.outbox.models import (
    CLOSED,
    CONFIRMATION,
    DONE,
    SENT,
    Delivery,
    Retry,
    Send,
    SendMinute,
    SendResult,
    Slice,
)


def close_old(session: Session, *, now: datetime, days: int) -> None:
    """Close the sends whose last mail is ``days`` old, and drop the confirmations of that age."""
    before = now - timedelta(days=days)
    for send_id in session.scalars(
        sa.select(Send.id)
        .where(Send.state == SENT, Send.finished_at <= before)
        .with_for_update(skip_locked=True)
    ).all():
        _close(session, send_id)
    _drop_confirmations(session, before.date())


def _close(session: Session, send_id: int) -> None:
    counted = (
        sa.select(Slice.letter_id, Delivery.state, sa.func.count())
        .join(Slice, Slice.id == Delivery.slice_id)
        .where(Delivery.send_id == send_id)
        .group_by(Slice.letter_id, Delivery.state)
    )
    for letter_id, state, deliveries in session.execute(counted).all():
        session.execute(
            insert_into(session, SendResult).values(
                letter_id=letter_id, state=state, deliveries=deliveries
            )
        )
    of_send = sa.select(Delivery.id).where(Delivery.send_id == send_id)
    session.execute(sa.delete(Retry).where(Retry.delivery_id.in_(of_send)))
    session.execute(sa.delete(Delivery).where(Delivery.send_id == send_id))
    session.execute(sa.delete(Slice).where(Slice.send_id == send_id))
    session.execute(sa.delete(SendMinute).where(SendMinute.send_id == send_id))
    session.execute(sa.update(Send).where(Send.id == send_id).values(state=CLOSED))


def _drop_confirmations(session: Session, before: date) -> None:
    """The standing send never ends; its finished slices go when they are old."""
    old = (
        sa.select(Slice.id)
        .join(Send, Send.id == Slice.send_id)
        .where(Send.purpose == CONFIRMATION, Slice.state == DONE, Slice.done_on <= before)
    )
    gone = sa.select(Delivery.id).where(Delivery.slice_id.in_(old))
    session.execute(sa.delete(Retry).where(Retry.delivery_id.in_(gone)))
    session.execute(sa.delete(Delivery).where(Delivery.slice_id.in_(old)))
    session.execute(sa.delete(Slice).where(Slice.id.in_(old)))
