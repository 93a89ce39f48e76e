"""Links that are shown once: to make a new account, or to sign in to one that exists (C28).

The database holds the SHA-256 of a link's secret. A link is taken by one conditional DELETE, so that two clicks
make one account.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import tokens
from app.core.errors import InvalidError, NotFoundError, StaleError
from app.staff import accounts
from app.staff.models import ROLES, Account, Invitation

GOOD_FOR: Final = timedelta(days=7)
SIGN_IN_GOOD_FOR: Final = timedelta(days=1)


def invite(session: Session, role: str, *, invited_by: int | None, now: datetime) -> str:
    """Make an invitation and return its secret, which is nowhere else: the inviter hands the link over.

    Raises InvalidError for a role that does not exist.
    """
    if role not in ROLES:
        raise InvalidError("no such role", field="role")
    return _made(session, role, None, invited_by, now, GOOD_FOR)


def sign_in_link(session: Session, account: Account, now: datetime) -> str:
    """Make a link that signs an existing account in once, within a day, and return its secret."""
    return _made(session, account.role, account.id, None, now, SIGN_IN_GOOD_FOR)


def address(base_url: str, token: str) -> str:
    """The link that carries a secret: what the inviter hands over, and what the terminal prints."""
    return f"{base_url}/staff/link/{token}"


def behind_link(session: Session, token: str, *, now: datetime) -> Invitation | None:
    """What a live link is for; None alike for a used, an expired and a false one. Changes nothing."""
    return session.scalar(
        sa.select(Invitation).where(
            Invitation.token_hash == tokens.fingerprint(token), Invitation.expires_at > now
        )
    )


def accept(
    session: Session, token: str, *, name: str, password: str, language: str, now: datetime
) -> Account:
    """Use an invitation up and make the account.

    Raises StaleError for a link that is used, expired or false, InvalidError as ``accounts.create`` does; then
    the caller's transaction is rolled back and the link stays good.
    """
    taken = _taken(session, token, now, Invitation.account_id.is_(None))
    return accounts.create(session, name, taken.role, password, language)


def take_sign_in_link(session: Session, token: str, *, now: datetime) -> Account:
    """Use a sign-in link up and return its account.

    Raises StaleError for a link that is used, expired or false, NotFoundError for an account that is locked.
    """
    taken = _taken(session, token, now, Invitation.account_id.is_not(None))
    account = session.get(Account, taken.account_id)
    if account is None or not account.active:
        raise NotFoundError("the account is locked")
    return account


def pending(session: Session, *, now: datetime) -> Sequence[Invitation]:
    """The invitations that nobody has taken yet, the one that ends first on top."""
    return session.scalars(
        sa.select(Invitation)
        .where(Invitation.account_id.is_(None), Invitation.expires_at > now)
        .order_by(Invitation.expires_at)
    ).all()


def withdraw(session: Session, mark: str) -> None:
    """End an open invitation, named by the hash that the staff list holds in hexadecimal.

    Nothing happens where there is none any more.
    """
    try:
        token_hash = bytes.fromhex(mark)
    except ValueError:
        return
    session.execute(
        sa.delete(Invitation).where(
            Invitation.token_hash == token_hash, Invitation.account_id.is_(None)
        )
    )


def _made(
    session: Session,
    role: str,
    account_id: int | None,
    invited_by: int | None,
    now: datetime,
    good_for: timedelta,
) -> str:
    session.execute(sa.delete(Invitation).where(Invitation.expires_at <= now))
    token = secrets.token_urlsafe(32)
    session.add(
        Invitation(
            token_hash=tokens.fingerprint(token),
            role=role,
            account_id=account_id,
            invited_by=invited_by,
            expires_at=now + good_for,
        )
    )
    session.flush()
    return token


def _taken(
    session: Session, token: str, now: datetime, kind: sa.ColumnElement[bool]
) -> sa.Row[str, int | None]:
    taken = session.execute(
        sa.delete(Invitation)
        .where(
            Invitation.token_hash == tokens.fingerprint(token), Invitation.expires_at > now, kind
        )
        .returning(Invitation.role, Invitation.account_id)
    ).one_or_none()
    if taken is None:
        raise StaleError("the link is used or too old")
    return taken
