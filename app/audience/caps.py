"""At most so many unproven requests are mailed to a mailbox in a day and a month, silently (C15)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import CapCounter
from app.core.database import insert_into
from app.core.sealing import Index

MONTH_DAYS: Final = 31


def take(
    session: Session, indexes: Sequence[Index], *, a_day: int, a_month: int, today: date
) -> bool:
    """Take one place for a mail to this mailbox; False when the day or the month is full.

    Counts under every index key the mailbox is known by; writes under the first. The place is taken before it is
    counted, so that of two workers at once the second waits and sees the first one's.
    """
    current = indexes[0]
    statement = insert_into(session, CapCounter).values(
        mailbox_index=current.mailbox, day=today, index_key_id=current.key_id, mailed=1
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["mailbox_index", "day"], set_={"mailed": CapCounter.mailed + 1}
        )
    )
    mailed_today, mailed = session.execute(
        sa.select(
            sa.func.sum(sa.case((CapCounter.day == today, CapCounter.mailed), else_=0)),
            sa.func.sum(CapCounter.mailed),
        ).where(
            CapCounter.mailbox_index.in_([index.mailbox for index in indexes]),
            CapCounter.day > today - timedelta(days=MONTH_DAYS),
        )
    ).one()
    if mailed_today <= a_day and mailed <= a_month:
        return True
    session.execute(
        sa.update(CapCounter)
        .where(CapCounter.mailbox_index == current.mailbox, CapCounter.day == today)
        .values(mailed=CapCounter.mailed - 1)
        .execution_options(synchronize_session=False)
    )
    return False


def give_back(session: Session, indexes: Sequence[Index], *, mails: int, day: date) -> None:
    """A proof gives back the places that its request's mails took, on ``day`` and, for a resend, the days after."""
    counters = session.scalars(
        sa.select(CapCounter)
        .where(
            CapCounter.mailbox_index.in_([index.mailbox for index in indexes]),
            CapCounter.day >= day,
        )
        .order_by(CapCounter.day)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    for counter in counters:
        returned = min(mails, counter.mailed)
        counter.mailed -= returned
        mails -= returned
    session.flush()


def forget(session: Session, *, before: date) -> None:
    """Delete the counters of days before ``before`` (C16)."""
    session.execute(sa.delete(CapCounter).where(CapCounter.day < before))


def drop(session: Session, indexes: Sequence[Index]) -> None:
    """Delete the counters of a mailbox that asked to be erased."""
    session.execute(
        sa.delete(CapCounter).where(
            CapCounter.mailbox_index.in_([index.mailbox for index in indexes])
        )
    )
