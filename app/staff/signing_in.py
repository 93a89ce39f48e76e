"""Signing in and out, and whom a browser's secret stands for (C28).

The session lives in the database by the hash of that secret; the cookie carries the secret alone.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, contains_eager

from app.core import tokens
from app.core.languages import tidy
from app.staff import accounts, passwords
from app.staff.models import Account, StaffSession

SEEN_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True)
class Limits:
    """How long a session lives without a request, and at most."""

    idle: timedelta
    whole: timedelta


def check(session: Session, name: str, password: str) -> Account | None:
    """The account, when name and password fit and it is not locked; None tells nothing of why not.

    Unknown, wrong and locked run the same query and the same argon2 work. It only reads: the slow hash must not
    hold SQLite's write lock.
    """
    account = accounts.by_name(session, name)
    fits = passwords.matches(account.password_hash if account else None, password)
    return account if account is not None and fits and account.active else None


def admit(session: Session, checked: Account, password: str, now: datetime) -> str | None:
    """Begin a session for an account that ``check`` gave; None if it was locked or changed since.

    A hash made with weaker parameters is made anew.
    """
    account = session.get(Account, checked.id, populate_existing=True)
    if account is None or not account.active or account.password_hash != checked.password_hash:
        return None
    if passwords.is_outdated(account.password_hash):
        account.password_hash = passwords.hashed(password)
    return begin(session, account.id, now)


def begin(session: Session, account_id: int, now: datetime) -> str:
    """Begin a session and return the secret for the cookie."""
    token = secrets.token_urlsafe(32)
    session.add(
        StaffSession(
            token_hash=tokens.fingerprint(token), account_id=account_id, began_at=now, seen_at=now
        )
    )
    session.flush()
    return token


def current(session: Session, token: str, limits: Limits, now: datetime) -> StaffSession | None:
    """The live session of a secret, with its account; None when idle or old, or when the account is locked."""
    return session.scalar(
        sa.select(StaffSession)
        .join(StaffSession.account)
        .options(contains_eager(StaffSession.account))
        .where(
            StaffSession.token_hash == tokens.fingerprint(token),
            StaffSession.seen_at > now - limits.idle,
            StaffSession.began_at > now - limits.whole,
            Account.active,
        )
    )


def is_due(found: StaffSession, now: datetime) -> bool:
    """Whether it is time to note that the session is in use: once a minute, so that reading writes little."""
    return found.seen_at <= now - SEEN_EVERY


def touch(session: Session, found: StaffSession, now: datetime) -> None:
    """Note that the session is in use; a session that ended meanwhile is not brought back."""
    session.execute(
        sa.update(StaffSession)
        .where(StaffSession.token_hash == found.token_hash)
        .values(seen_at=now)
    )


def sign_out(session: Session, token: str) -> None:
    """End one session."""
    session.execute(
        sa.delete(StaffSession).where(StaffSession.token_hash == tokens.fingerprint(token))
    )


def forget_ended(session: Session, limits: Limits, now: datetime) -> None:
    """Delete the sessions that are over; done at each sign-in."""
    session.execute(
        sa.delete(StaffSession).where(
            sa.or_(
                StaffSession.seen_at <= now - limits.idle,
                StaffSession.began_at <= now - limits.whole,
            )
        )
    )


def subject_of(name: str) -> str:
    """The name as the sign-in limit counts it: one spelling for all that reach the same account."""
    return tidy(name)[:64].casefold()
