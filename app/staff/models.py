"""Staff: their accounts, sessions and invitations, and the audit of what they did (C28)."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, UtcDateTime

ADMIN: Final = "admin"
ORGANISER: Final = "organiser"
EDITOR: Final = "editor"
TRANSLATOR: Final = "translator"
ROLES: Final = (ADMIN, ORGANISER, EDITOR, TRANSLATOR)


class Account(Base):
    """A staff member by a working name; the address for test mails is sealed and proven once.

    Kept: as long as staff keep it.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    name: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """Plain: a working name."""
    role: Mapped[str] = mapped_column(sa.String(16))
    """Plain: what it may do."""
    language: Mapped[str] = mapped_column(sa.String(8))
    """Plain: the language of the workroom."""
    password_hash: Mapped[str] = mapped_column(sa.String(160))
    """Hashed: argon2 of the password."""
    active: Mapped[bool] = mapped_column(default=True)
    """Plain: whether it may sign in."""
    test_box_id: Mapped[str | None] = mapped_column(sa.String(32))
    """Random: what the box is bound to."""
    test_box: Mapped[bytes | None]
    """Sealed: the proven address for test mails."""
    sessions: Mapped[list[StaffSession]] = relationship(
        back_populates="account", cascade="all, delete-orphan", passive_deletes=True
    )


class StaffSession(Base):
    """A signed-in browser, by the hash of the secret in its cookie.

    Kept: PEYVAND_IDLE_MINUTES after the last request, PEYVAND_SESSION_HOURS in any case.
    """

    __tablename__ = "staff_session"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """Hashed: SHA-256 of the secret in the cookie."""
    account_id: Mapped[int] = mapped_column(
        sa.ForeignKey("account.id", ondelete="CASCADE"), index=True
    )
    """Plain: who is signed in."""
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Plain: when they signed in."""
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Plain: their last request."""
    account: Mapped[Account] = relationship(back_populates="sessions")


class Invitation(Base):
    """A link, shown once: with ``account_id`` it signs that account in, without it makes a new account.

    Kept: until it is used or expires.
    """

    __tablename__ = "invitation"

    token_hash: Mapped[bytes] = mapped_column(primary_key=True)
    """Hashed: SHA-256 of the link's secret."""
    role: Mapped[str] = mapped_column(sa.String(16))
    """Plain: the role it gives."""
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id", ondelete="CASCADE"))
    """Plain: the account it signs in, if it makes none."""
    invited_by: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id", ondelete="SET NULL"))
    """Plain: the account that invited."""
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """Plain: until when it is good."""


class AuditEntry(Base):
    """One act of staff: who, when, what, on which row; never a person's address or name.

    Kept: as long as the instance runs.
    """

    __tablename__ = "audit_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    account_id: Mapped[int | None] = mapped_column(sa.ForeignKey("account.id", ondelete="SET NULL"))
    """Plain: who did it; nobody for the worker and the command line."""
    at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    """Plain: when it was done."""
    action: Mapped[str] = mapped_column(sa.String(48))
    """Plain: what was done."""
    subject: Mapped[str] = mapped_column(sa.String(64))
    """Plain: to which row; never an address or a name."""
