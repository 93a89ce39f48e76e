"""The audit: which account did what to which row, and when; never a person's address or name (C28, C07)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.staff.models import Account, AuditEntry


def record(
    session: Session, account_id: int | None, action: str, subject: str, now: datetime
) -> None:
    """Write down one act in the transaction of the act itself.

    ``action`` is a word such as ``petition.published``; ``subject`` names a row (``petition:3``). An act from the
    command line has no account.
    """
    session.add(AuditEntry(account_id=account_id, action=action, subject=subject, at=now))


def latest(
    session: Session, *, limit: int, before: int | None = None
) -> Sequence[sa.Row[AuditEntry, str]]:
    """The newest entries, each with the name of who acted; ``before`` is the last id of the page before."""
    query = (
        sa.select(AuditEntry, Account.name)
        .outerjoin(Account, Account.id == AuditEntry.account_id)
        .order_by(AuditEntry.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(AuditEntry.id < before)
    return session.execute(query).all()
