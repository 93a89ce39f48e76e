"""Organisations and the people who speak for them (U01, U02)."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import ids
from app.core.database import Base

TYPES: Final = (
    "local",
    "national-union",
    "national-centre",
    "global-federation",
    "ituc",
    "ngo",
    "embassy",
    "other",
)


class Organisation(Base):
    """A trade union or another body, with what it publishes about itself.

    Kept: as long as staff keep it; it is what the organisation publishes itself.
    """

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    type: Mapped[str] = mapped_column(sa.String(24))
    """Plain: what kind of body it is."""
    names: Mapped[dict[str, str]] = mapped_column(sa.JSON)
    """Plain: its name in each language."""
    folded_name: Mapped[str] = mapped_column(sa.String(400))
    """Plain: its names as search compares them."""
    country: Mapped[str] = mapped_column(sa.String(2), default="")
    """Plain: where it is."""
    sector: Mapped[str] = mapped_column(sa.String(80), default="")
    """Plain: whom it organises."""
    parent_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("organisation.id", ondelete="SET NULL")
    )
    """Plain: the body it belongs to."""
    members: Mapped[int | None]
    """Plain: how many members it says it represents."""
    website: Mapped[str] = mapped_column(sa.String(300), default="")
    """Plain: its site."""
    published_address: Mapped[str] = mapped_column(sa.String(254), default="")
    """Plain: the address it publishes itself."""
    source: Mapped[str] = mapped_column(sa.String(300), default="")
    """Plain: where that was found."""
    verified: Mapped[date | None]
    """Plain: when staff last checked it."""
    representatives: Mapped[list[Representative]] = relationship(
        back_populates="organisation", cascade="all, delete-orphan", passive_deletes=True
    )


class Representative(Base):
    """A person's role in an organisation, without a name; the contact comes when they confirm (U02, U05).

    Kept: as long as staff keep it, unless the person is erased.
    """

    __tablename__ = "representative"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    """Random: tells it from others."""
    organisation_id: Mapped[int] = mapped_column(
        sa.ForeignKey("organisation.id", ondelete="CASCADE"), index=True
    )
    """Plain: whom they speak for."""
    role: Mapped[str] = mapped_column(sa.String(80))
    """Plain: their office, without a name."""
    language: Mapped[str] = mapped_column(sa.String(8))
    """Plain: the language to write in."""
    contact_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("contact.id", ondelete="SET NULL"), index=True
    )
    """Random: the contact, once they confirmed."""
    day: Mapped[date]
    """Plain: when staff entered it."""
    organisation: Mapped[Organisation] = relationship(back_populates="representatives")
