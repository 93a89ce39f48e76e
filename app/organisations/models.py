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
    """A trade union or another body, with what it publishes about itself."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    type: Mapped[str] = mapped_column(sa.String(24))
    names: Mapped[dict[str, str]] = mapped_column(sa.JSON)
    folded_name: Mapped[str] = mapped_column(sa.String(400))
    country: Mapped[str] = mapped_column(sa.String(2), default="")
    sector: Mapped[str] = mapped_column(sa.String(80), default="")
    parent_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("organisation.id", ondelete="SET NULL")
    )
    members: Mapped[int | None]
    website: Mapped[str] = mapped_column(sa.String(300), default="")
    published_address: Mapped[str] = mapped_column(sa.String(254), default="")
    source: Mapped[str] = mapped_column(sa.String(300), default="")
    verified: Mapped[date | None]
    representatives: Mapped[list[Representative]] = relationship(
        back_populates="organisation", cascade="all, delete-orphan", passive_deletes=True
    )


class Representative(Base):
    """A person's role in an organisation, without a name; the contact comes when they confirm (U02, U05)."""

    __tablename__ = "representative"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    organisation_id: Mapped[int] = mapped_column(
        sa.ForeignKey("organisation.id", ondelete="CASCADE"), index=True
    )
    role: Mapped[str] = mapped_column(sa.String(80))
    language: Mapped[str] = mapped_column(sa.String(8))
    contact_id: Mapped[UUID | None] = mapped_column(
        sa.ForeignKey("contact.id", ondelete="SET NULL"), index=True
    )
    day: Mapped[date]
    organisation: Mapped[Organisation] = relationship(back_populates="representatives")
