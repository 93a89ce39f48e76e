"""Petitions, their immutable texts, and signatures that are linked to nobody (C05)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, UtcDateTime

DRAFT: Final = "draft"
OPEN: Final = "open"
CLOSED: Final = "closed"

ANONYMOUS: Final = "anonymous"
INITIALS: Final = "initials"
FULL_NAME: Final = "full-name"
SHOWN_AS: Final = (ANONYMOUS, INITIALS, FULL_NAME)


class Petition(Base):
    """A document people sign. ``published_total`` is what every public place shows (C21)."""

    __tablename__ = "petition"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    state: Mapped[str] = mapped_column(sa.String(10), default=DRAFT)
    goal: Mapped[int]
    live: Mapped[bool] = mapped_column(default=False)
    hand_over_names: Mapped[bool] = mapped_column(default=False)
    index_key_id: Mapped[str | None] = mapped_column(sa.String(8))
    opened: Mapped[date | None]
    closed: Mapped[date | None]
    published_total: Mapped[int] = mapped_column(default=0)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    publish_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    texts: Mapped[list[PetitionText]] = relationship(
        back_populates="petition", cascade="all, delete-orphan", order_by="PetitionText.version"
    )


class PetitionText(Base):
    """One version of the text in one language; a signature says which version was signed."""

    __tablename__ = "petition_text"
    __table_args__ = (sa.UniqueConstraint("petition_id", "language", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petition.id", ondelete="CASCADE"))
    language: Mapped[str] = mapped_column(sa.String(8))
    version: Mapped[int]
    day: Mapped[date]
    topic: Mapped[str] = mapped_column(sa.String(80), default="")
    title: Mapped[str] = mapped_column(sa.String(200))
    summary: Mapped[str] = mapped_column(sa.String(400))
    body: Mapped[str] = mapped_column(sa.Text)
    demands: Mapped[str] = mapped_column(sa.Text, default="")
    addressee: Mapped[str] = mapped_column(sa.String(300))
    petition: Mapped[Petition] = relationship(back_populates="texts")


class Signature(Base):
    """A counted signature: two hashes that match no other petition's, versions, a day, what is shown (C05).

    It holds no address and points to no person; a withdrawn one is deleted.
    """

    __tablename__ = "signature"
    __table_args__ = (
        sa.UniqueConstraint("petition_id", "mailbox_hash"),
        sa.Index(None, "petition_id", "exact_hash"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petition.id"))
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    exact_hash: Mapped[bytes]
    mailbox_hash: Mapped[bytes]
    text_id: Mapped[int] = mapped_column(sa.ForeignKey("petition_text.id"))
    wording_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_wording.id"))
    day: Mapped[date]
    shown_as: Mapped[str] = mapped_column(sa.String(10), default=ANONYMOUS)
    shown_name: Mapped[str] = mapped_column(sa.String(80), default="")
    names_box: Mapped[bytes | None]
