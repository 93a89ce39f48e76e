"""Mailboxes that must get no mail, and why (C18). Kept by provider-rule index, with or without a contact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import (
    ALL_REASONS,
    ASKED_AGAIN,
    COMPLAINT,
    DO_NOT_CONTACT,
    HARD_BOUNCE,
    LEFT,
    NEVER_WRITE,
    Suppression,
)
from app.core import ids
from app.core.database import insert_into

FOR_GOOD: Final = (COMPLAINT, NEVER_WRITE)
BOUNCE_DAYS: Final = 7


def add(
    session: Session, index_key_id: str, mailbox_index: bytes, reason: str, *, day: date
) -> None:
    """Suppress a mailbox; one that is suppressed for the same reason gets the newer day."""
    statement = insert_into(session, Suppression).values(
        id=ids.new(), index_key_id=index_key_id, mailbox_index=mailbox_index, reason=reason, day=day
    )
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["mailbox_index", "reason"], set_={"day": statement.excluded.day}
        )
    )


def lift(session: Session, mailbox_index: bytes, *reasons: str) -> None:
    """End suppressions of a mailbox: a proof lifts a bounce, staff lift the others at the person's wish."""
    ended = (*reasons, ASKED_AGAIN) if HARD_BOUNCE in reasons else reasons
    session.execute(
        sa.delete(Suppression).where(
            Suppression.mailbox_index == mailbox_index, Suppression.reason.in_(ended)
        )
    )


def left(list_id: int) -> str:
    """The reason that keeps a mailbox which left this list out of imports to it (C18); it stops no mail."""
    return f"{LEFT}{list_id}"


def forget_left(session: Session, mailbox_indexes: Sequence[bytes]) -> None:
    """Forget which lists an erased person left: the ledger keeps them out of every import (C17)."""
    session.execute(
        sa.delete(Suppression).where(
            Suppression.mailbox_index.in_(mailbox_indexes), Suppression.reason.startswith(LEFT)
        )
    )


def keeps_out(list_id: int) -> sa.ColumnElement[bool]:
    """SQL: whether a row keeps its mailbox out of an import to this list; a bounce does until a proof."""
    return sa.or_(Suppression.reason.in_(ALL_REASONS), Suppression.reason == left(list_id))


def in_force(row: Suppression, *, today: date, outreach: bool = False) -> bool:
    """Whether a suppression keeps a new confirmation back: for good, or for the week after it.

    ``outreach`` is what nobody asked for, as an invitation; do-not-contact keeps back that alone.
    """
    recent = row.day > today - timedelta(days=BOUNCE_DAYS)
    return (
        row.reason in FOR_GOOD
        or (row.reason == DO_NOT_CONTACT and outreach)
        or (row.reason in (HARD_BOUNCE, ASKED_AGAIN) and recent)
    )


def blocks_newsletters(mailbox_index: sa.ColumnElement[bytes]) -> sa.ColumnElement[bool]:
    """SQL: whether a mailbox is suppressed for what it once asked for: any complaint, wish or hard bounce."""
    return _any(
        Suppression.mailbox_index == mailbox_index, Suppression.reason.in_((*FOR_GOOD, HARD_BOUNCE))
    )


def blocks_confirmations(
    mailbox_index: sa.ColumnElement[bytes], *, today: date, outreach: bool = False
) -> sa.ColumnElement[bool]:
    """SQL: whether not even a confirmation that was let through may go: a complaint or wish, or a bounce this week.

    Of ``outreach``, do-not-contact too.
    """
    return _any(
        Suppression.mailbox_index == mailbox_index,
        sa.or_(
            Suppression.reason.in_((*FOR_GOOD, DO_NOT_CONTACT) if outreach else FOR_GOOD),
            sa.and_(
                Suppression.reason == HARD_BOUNCE,
                Suppression.day > today - timedelta(days=BOUNCE_DAYS),
            ),
        ),
    )


def _any(*conditions: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    """EXISTS in a form that PostgreSQL asks row by row, over an index.

    EXISTS itself, in what is selected, may be answered from a hash of the whole table, built anew each time.
    """
    found = sa.select(Suppression.id).where(*conditions).limit(1).scalar_subquery()
    return found.is_not(None)
