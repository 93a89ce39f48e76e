"""Who may get mail (C18), asked in the statement that fetches a lane's next rows, and what is noted of someone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from app.audience import suppressions
from app.audience.models import (
    ASKED_AGAIN,
    HARD_BOUNCE,
    Contact,
    MailingList,
    Subscription,
    Suppression,
)
from app.core.sealing import Index


def may_receive(
    subscription_id: InstrumentedAttribute[Any] | sa.ColumnElement[Any],
) -> sa.ColumnElement[bool]:
    """SQL: whether what is mailed to a subscriber may still go: the subscription lives, nothing suppresses it.

    Who left that list, was erased, complained, bounced or asked for silence gets nothing.
    """
    # Aliases, since the statement around it may join the same tables.
    subscription, contact = aliased(Subscription), aliased(Contact)
    # Not EXISTS, which PostgreSQL may answer from a hash of all subscriptions, built anew for each batch of mails.
    found = sa.select(subscription.id).where(
        subscription.id == subscription_id,
        contact.id == subscription.contact_id,
        ~suppressions.blocks_newsletters(contact.mailbox_index.expression),
    )
    return found.scalar_subquery().is_not(None)


def may_be_asked(
    session: Session, indexes: Sequence[Index], *, today: date, outreach: bool = False
) -> bool:
    """Whether a confirmation may go to this mailbox, under any index key it is known by (C03, C18).

    A mailbox that bounced gets one confirmation a week: letting one through now begins the next week. The bounce
    keeps its own day, so that the lane, which asks once more, tells the old bounce from a new one. ``outreach`` is
    what nobody asked for: do-not-contact keeps it back.
    """
    rows = session.scalars(
        sa.select(Suppression).where(
            Suppression.mailbox_index.in_([one.mailbox for one in indexes])
        )
    ).all()
    if any(suppressions.in_force(row, today=today, outreach=outreach) for row in rows):
        return False
    for row in rows:
        if row.reason == HARD_BOUNCE:
            suppressions.add(session, row.index_key_id, row.mailbox_index, ASKED_AGAIN, day=today)
    return True


def noted_choices(session: Session, contact: Contact | None) -> dict[str, Any]:
    """Lists and languages of a contact, as a preferences link shows them; empty alike for nobody (C17)."""
    if contact is None:
        return {"lists": {}}
    rows = session.execute(
        sa.select(MailingList.slug, Subscription.languages, Subscription.quiet)
        .join(Subscription, Subscription.list_id == MailingList.id)
        .where(Subscription.contact_id == contact.id)
    )
    return {
        "lists": {row.slug: {"languages": list(row.languages), "quiet": row.quiet} for row in rows}
    }
