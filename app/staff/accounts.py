"""Staff accounts: made by invitation, changed, locked. Each change of password or role ends their sessions (C28)."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.errors import InvalidError, NotFoundError
from app.core.languages import tidy
from app.staff import passwords
from app.staff.models import ROLES, Account, Invitation, StaffSession

LONGEST_NAME = 40


def create(session: Session, name: str, role: str, password: str, language: str) -> Account:
    """Make an account.

    Raises InvalidError for a name that is empty, too long or taken, a role that does not exist, or a password
    that does not do.
    """
    name = tidy(name)
    if not name or len(name) > LONGEST_NAME:
        raise InvalidError("empty or too long", field="name")
    if role not in ROLES:
        raise InvalidError("no such role", field="role")
    passwords.check(password, name)
    account = Account(
        name=name, role=role, language=language, password_hash=passwords.hashed(password)
    )
    try:
        with session.begin_nested():
            session.add(account)
    except IntegrityError:
        raise InvalidError("taken", field="name") from None
    return account


def change_password(session: Session, account_id: int, old: str, new: str) -> None:
    """Set a new password and end every session and sign-in link of the account, the one that asks included.

    Raises InvalidError for a wrong old password (field ``old``) or a new one that does not do.
    """
    account = _found(session, account_id)
    if not passwords.matches(account.password_hash, old):
        raise InvalidError("wrong", field="old")
    passwords.check(new, account.name, field="new")
    account.password_hash = passwords.hashed(new)
    end_sessions(session, account_id)
    session.execute(sa.delete(Invitation).where(Invitation.account_id == account_id))


def change_role(session: Session, account_id: int, role: str, *, by: int) -> None:
    """Give another role; the account's sessions and the invitations it gave end.

    Raises InvalidError for one's own account, so that an administrator always stays, and for an unknown role.
    """
    if role not in ROLES:
        raise InvalidError("no such role", field="role")
    account = _someone_else(session, account_id, by)
    if account.role != role:
        account.role = role
        end_sessions(session, account_id)
        session.execute(sa.delete(Invitation).where(Invitation.invited_by == account_id))


def lock(session: Session, account_id: int, *, by: int) -> None:
    """Shut an account out: its sessions, its links and the invitations it gave end, its test address goes.

    Raises InvalidError for one's own account.
    """
    account = _someone_else(session, account_id, by)
    account.active = False
    account.test_box = account.test_box_id = None
    end_sessions(session, account_id)
    session.execute(
        sa.delete(Invitation).where(
            sa.or_(Invitation.account_id == account_id, Invitation.invited_by == account_id)
        )
    )


def unlock(session: Session, account_id: int, *, by: int) -> None:
    """Let a locked account sign in again, with its old password."""
    _someone_else(session, account_id, by).active = True


def set_language(session: Session, account_id: int, language: str) -> None:
    """The language the workroom opens in."""
    _found(session, account_id).language = language


def end_sessions(session: Session, account_id: int) -> None:
    """Sign an account out everywhere."""
    session.execute(sa.delete(StaffSession).where(StaffSession.account_id == account_id))


def lock_the_house(session: Session) -> int:
    """End all sessions and all links at once (``staff lock``); returns how many sessions there were.

    Accounts stay: whoever still knows a password signs in again.
    """
    ended = session.execute(sa.delete(StaffSession).returning(StaffSession.account_id)).all()
    session.execute(sa.delete(Invitation))
    return len(ended)


def everyone(session: Session) -> Sequence[Account]:
    """All accounts, those that are active first."""
    return session.scalars(sa.select(Account).order_by(Account.active.desc(), Account.id)).all()


def by_name(session: Session, name: str) -> Account | None:
    """The account with a working name."""
    return session.scalar(sa.select(Account).where(Account.name == tidy(name)))


def _found(session: Session, account_id: int) -> Account:
    account = session.get(Account, account_id)
    if account is None:
        raise NotFoundError("no such account")
    return account


def _someone_else(session: Session, account_id: int, by: int) -> Account:
    if account_id == by:
        raise InvalidError("one's own account", field="account")
    return _found(session, account_id)
