"""Who may get mail (C18), asked in the statement that fetches a lane's next rows, and what is noted of someone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from app.audience import suppressions
from app.audience.models import Contact, MailingList, Subscription, Suppression
from app.core.sealing import Index


def may_receive(
    subscription_id: InstrumentedAttribute[Any] | sa.ColumnElement[Any],
) -> sa.ColumnElement[bool]:
    """SQL: whether what is mailed to a subscriber may still go: the subscription lives, nothing suppresses it.

    Who left that list, was erased, complained, bounced or asked for silence gets nothing.
    """
    # Aliases, since the statement around it may join the same tables.
    subscription, contact = aliased(Subscription), aliased(Contact)
    return sa.exists().where(
        subscription.id == subscription_id,
        contact.id == subscription.contact_id,
        ~suppressions.blocks_newsletters(contact.mailbox_index.expression),
    )


def may_be_asked(session: Session, indexes: Sequence[Index], *, today: date) -> bool:
    """Whether a confirmation may go to this mailbox, under any index key it is known by (C03, C18).

    A mailbox that bounced gets one confirmation a week: the one let through now begins the next week.
    """
    known = [index.mailbox for index in indexes]
    column = sa.bindparam("mailbox", type_=sa.LargeBinary())
    blocked = sa.select(suppressions.blocks_confirmations(column, today=today))
    if any(session.scalar(blocked, {"mailbox": mailbox}) for mailbox in known):
        return False
    session.execute(
        sa.update(Suppression)
        .where(Suppression.mailbox_index.in_(known), Suppression.reason == "hard-bounce")
        .values(day=today)
    )
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
