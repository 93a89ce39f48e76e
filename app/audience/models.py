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
LEFT: Final = "left:"
"""Followed by a list's number: that list was left, and no import puts the mailbox back. It stops no mail."""
ALL_REASONS: Final = (COMPLAINT, NEVER_WRITE, HARD_BOUNCE, DO_NOT_CONTACT)


class MailingList(Base):
    """A list that people subscribe to; ``slug`` is ``newsletter``, ``unions`` or ``petition-ID``.

    Kept: as long as the instance runs; it holds nothing of a person.
    """

    __tablename__ = "mailing_list"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    slug: Mapped[str] = mapped_column(sa.String(64), unique=True)
    """Plain: its name in code and headers."""
    names: Mapped[dict[str, str]] = mapped_column(sa.JSON)
    """Plain: what readers see, in each language."""


class ConsentWording(Base):
    """One version of the sentence a person agreed to; never changed once written (C13).

    Kept: as long as the instance runs: signatures and consents name their wording.
    """

    __tablename__ = "consent_wording"
    __table_args__ = (sa.UniqueConstraint("purpose", "language", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    purpose: Mapped[str] = mapped_column(sa.String(24))
    """Plain: signature, newsletter or news of a petition."""
    language: Mapped[str] = mapped_column(sa.String(8))
    """Plain: the language of the sentence."""
    version: Mapped[int]
    """Plain: counts up where the sentence changes."""
    text: Mapped[str] = mapped_column(sa.Text)
    """Plain: the sentence."""


class Contact(Base):
    """A mailbox that asked for mail: a sealed address, two indexes and a destination, no name (C06).

    Kept: until the last subscription ends; then it goes the same day (C16).
    """

    __tablename__ = "contact"
    __table_args__ = (
        sa.UniqueConstraint("index_key_id", "exact_index"),
        sa.Index(None, "mailbox_index"),
        sa.Index(None, "destination", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    """Random: also the order in which a send is fixed."""
    box: Mapped[bytes]
    """Sealed: the address."""
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    """Plain: which index key made the two hashes."""
    exact_index: Mapped[bytes]
    """Hashed: HMAC of the address letter for letter, for rights and mail."""
    mailbox_index: Mapped[bytes]
    """Hashed: HMAC of the mailbox by its provider's rules, for suppressions."""
    destination: Mapped[str] = mapped_column(sa.String(64))
    """Plain: a public provider's name, else the domain's HMAC; groups a send's connections."""
    subscriptions: Mapped[list[Subscription]] = relationship(
        back_populates="contact", cascade="all, delete-orphan", passive_deletes=True
    )


class Subscription(Base):
    """One contact on one list, in the languages of their choice and order (F08).

    Kept: until the reader leaves the list or is erased.
    """

    __tablename__ = "subscription"
    __table_args__ = (
        sa.UniqueConstraint("contact_id", "list_id"),
        sa.Index(None, "list_id", "languages"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    """Random: the unsubscribe link is made from it."""
    contact_id: Mapped[UUID] = mapped_column(sa.ForeignKey("contact.id", ondelete="CASCADE"))
    """Random: whose it is."""
    list_id: Mapped[int] = mapped_column(sa.ForeignKey("mailing_list.id"))
    """Plain: which list."""
    languages: Mapped[tuple[str, ...]] = mapped_column(Languages)
    """Plain: the reader's languages in the reader's order; the key of their letter."""
    quiet: Mapped[bool] = mapped_column(default=False)
    """Plain: whether subject and sender are to name nobody."""
    day: Mapped[date]
    """Plain: when it began."""
    key_id: Mapped[str] = mapped_column(sa.String(8))
    """Plain: which index key the unsubscribe link is made with."""
    unsubscribe_hash: Mapped[bytes] = mapped_column(unique=True)
    """Hashed: SHA-256 of the unsubscribe link's secret."""
    contact: Mapped[Contact] = relationship(back_populates="subscriptions")
    mailing_list: Mapped[MailingList] = relationship()
    consents: Mapped[list[Consent]] = relationship(
        cascade="all, delete-orphan", passive_deletes=True
    )


class Consent(Base):
    """What one subscription rests on: purpose, exact wording, language, day (C13).

    Kept: as long as its subscription.
    """

    __tablename__ = "consent"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    """Random: tells it from others."""
    subscription_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("subscription.id", ondelete="CASCADE"), index=True
    )
    """Random: what rests on it."""
    wording_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_wording.id"))
    """Plain: the exact sentence, which says the purpose."""
    language: Mapped[str] = mapped_column(sa.String(8))
    """Plain: the language it was read in."""
    day: Mapped[date]
    """Plain: when it was given."""


class Suppression(Base):
    """A mailbox that must get no mail, by its provider-rule index; it needs no contact (C18).

    Kept: for good, since it is the person's wish or protects them; a bounce until a proof, that a list was left until a proof for that list or an erasure, the rest until staff lift it.
    """

    __tablename__ = "suppression"
    __table_args__ = (sa.UniqueConstraint("mailbox_index", "reason"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    """Random: tells it from others."""
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    """Plain: which index key made the hash."""
    mailbox_index: Mapped[bytes]
    """Hashed: HMAC of the mailbox by its provider's rules."""
    reason: Mapped[str] = mapped_column(sa.String(16))
    """Plain: complaint, never-write, hard-bounce and when it was asked again, do-not-contact, or which list was left."""
    day: Mapped[date]
    """Plain: since when; a bounce holds for a week."""


class CapCounter(Base):
    """How many unproven requests were mailed to a mailbox on a day (C15).

    Kept: for the days of PEYVAND_CAP_DAYS.
    """

    __tablename__ = "cap_counter"

    mailbox_index: Mapped[bytes] = mapped_column(primary_key=True)
    """Hashed: HMAC of the mailbox by its provider's rules."""
    day: Mapped[date] = mapped_column(primary_key=True, index=True)
    """Plain: the day counted."""
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    """Plain: which index key made the hash."""
    mailed: Mapped[int]
    """Plain: how many unproven requests were mailed."""
