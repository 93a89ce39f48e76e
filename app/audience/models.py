"""Who gets mail: contacts without names, their subscriptions and consents, and who must get none."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import ids
from app.core.database import Base, Languages

NEWSLETTER: Final = "newsletter"
UNIONS: Final = "unions"

COMPLAINT: Final = "complaint"
NEVER_WRITE: Final = "never-write"
HARD_BOUNCE: Final = "hard-bounce"
ASKED_AGAIN: Final = "asked-again"
"""Beside a hard bounce: the day on which a confirmation was let through all the same."""
DO_NOT_CONTACT: Final = "do-not-contact"
ALL_REASONS: Final = (COMPLAINT, NEVER_WRITE, HARD_BOUNCE, DO_NOT_CONTACT)


class MailingList(Base):
    """A list that people subscribe to; ``slug`` is ``newsletter``, ``unions`` or ``petition-ID``."""

    __tablename__ = "mailing_list"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(64), unique=True)
    names: Mapped[dict[str, str]] = mapped_column(sa.JSON)


class ConsentWording(Base):
    """One version of the sentence a person agreed to; never changed once written (C13)."""

    __tablename__ = "consent_wording"
    __table_args__ = (sa.UniqueConstraint("purpose", "language", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    purpose: Mapped[str] = mapped_column(sa.String(24))
    language: Mapped[str] = mapped_column(sa.String(8))
    version: Mapped[int]
    text: Mapped[str] = mapped_column(sa.Text)


class Contact(Base):
    """A mailbox that asked for mail: a sealed address, two indexes and a destination, no name (C06)."""

    __tablename__ = "contact"
    __table_args__ = (
        sa.UniqueConstraint("index_key_id", "exact_index"),
        sa.Index(None, "mailbox_index"),
        sa.Index(None, "destination", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    box: Mapped[bytes]
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    exact_index: Mapped[bytes]
    mailbox_index: Mapped[bytes]
    destination: Mapped[str] = mapped_column(sa.String(64))
    subscriptions: Mapped[list[Subscription]] = relationship(
        back_populates="contact", cascade="all, delete-orphan", passive_deletes=True
    )


class Subscription(Base):
    """One contact on one list, in the languages of their choice and order (F08)."""

    __tablename__ = "subscription"
    __table_args__ = (
        sa.UniqueConstraint("contact_id", "list_id"),
        sa.Index(None, "list_id", "languages"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    contact_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact.id", ondelete="CASCADE"))
    list_id: Mapped[int] = mapped_column(sa.ForeignKey("mailing_list.id"))
    languages: Mapped[tuple[str, ...]] = mapped_column(Languages)
    quiet: Mapped[bool] = mapped_column(default=False)
    day: Mapped[date]
    key_id: Mapped[str] = mapped_column(sa.String(8))
    unsubscribe_hash: Mapped[bytes] = mapped_column(unique=True)
    contact: Mapped[Contact] = relationship(back_populates="subscriptions")
    mailing_list: Mapped[MailingList] = relationship()
    consents: Mapped[list[Consent]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class Consent(Base):
    """What one subscription rests on: purpose, exact wording, language, day (C13)."""

    __tablename__ = "consent"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    subscription_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("subscription.id", ondelete="CASCADE"), index=True
    )
    wording_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_wording.id"))
    language: Mapped[str] = mapped_column(sa.String(8))
    day: Mapped[date]


class Suppression(Base):
    """A mailbox that must get no mail, by its provider-rule index; it needs no contact (C18)."""

    __tablename__ = "suppression"
    __table_args__ = (sa.UniqueConstraint("mailbox_index", "reason"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    mailbox_index: Mapped[bytes]
    reason: Mapped[str] = mapped_column(sa.String(16))
    day: Mapped[date]


class CapCounter(Base):
    """How many unproven requests were mailed to a mailbox on a day (C15)."""

    __tablename__ = "cap_counter"

    mailbox_index: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    mailed: Mapped[int]
