"""Reports from the struggles, and issues of the newsletter made of blocks in several languages (F08)."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import ids
from app.core.database import Base, Languages

DRAFT: Final = "draft"
SENDING: Final = "sending"

SUBJECT: Final = "subject"
TEXT: Final = "text"
QUOTE: Final = "quote"
BUTTON: Final = "button"
PETITION: Final = "petition"
BLOCK_KINDS: Final = (TEXT, QUOTE, BUTTON, PETITION)


class Report(Base):
    """News of a struggle, as it stands on the site.

    Kept: as long as staff keep it.
    """

    __tablename__ = "report"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    """Plain: its place in addresses."""
    day: Mapped[date] = mapped_column(index=True)
    """Plain: the day it is about."""
    texts: Mapped[list[ReportText]] = relationship(cascade="all, delete-orphan")


class ReportText(Base):
    """A report in one language.

    Kept: as long as its report.
    """

    __tablename__ = "report_text"

    report_id: Mapped[int] = mapped_column(
        sa.ForeignKey("report.id", ondelete="CASCADE"), primary_key=True
    )
    """Plain: whose it is."""
    language: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    """Plain: its language."""
    topic: Mapped[str] = mapped_column(sa.String(80), default="")
    """Plain: a word above the title."""
    title: Mapped[str] = mapped_column(sa.String(200))
    """Plain: the title."""
    summary: Mapped[str] = mapped_column(sa.String(400))
    """Plain: a sentence or two."""
    body: Mapped[str] = mapped_column(sa.Text)
    """Plain: the text."""


class Issue(Base):
    """One edition of the newsletter. ``fall_back`` says whether a missing translation falls back visibly.

    Kept: as long as staff keep it.
    """

    __tablename__ = "issue"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number in the database."""
    number: Mapped[int] = mapped_column(unique=True)
    """Plain: its number for readers."""
    state: Mapped[str] = mapped_column(sa.String(10), default=DRAFT)
    """Plain: a draft, or on its way."""
    day: Mapped[date]
    """Plain: its date."""
    source_language: Mapped[str] = mapped_column(sa.String(8))
    """Plain: the language it is written in first."""
    languages: Mapped[tuple[str, ...]] = mapped_column(Languages)
    """Plain: the languages it is to have."""
    lists: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    """Plain: the lists it goes to."""
    fall_back: Mapped[bool] = mapped_column(default=False)
    """Plain: whether a missing translation falls back visibly."""
    blocks: Mapped[list[Block]] = relationship(
        back_populates="issue", cascade="all, delete-orphan", order_by="Block.position"
    )


class Block(Base):
    """One part of an issue, the same in all languages: its id outlives every edit. Position 0 is the subject.

    Kept: as long as its issue.
    """

    __tablename__ = "block"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    """Random: outlives every edit."""
    issue_id: Mapped[int] = mapped_column(sa.ForeignKey("issue.id", ondelete="CASCADE"), index=True)
    """Plain: whose it is."""
    position: Mapped[int]
    """Plain: its place."""
    kind: Mapped[str] = mapped_column(sa.String(16))
    """Plain: subject, text, quotation, button or petition."""
    petition_id: Mapped[int | None]
    """Plain: the petition it calls to."""
    url: Mapped[str] = mapped_column(sa.String(400), default="")
    """Plain: where its button leads."""
    issue: Mapped[Issue] = relationship(back_populates="blocks")
    texts: Mapped[list[BlockText]] = relationship(cascade="all, delete-orphan")


class BlockText(Base):
    """A block in one language. ``source_revision`` is the revision of the source text that it translates;
    ``source_body`` is that text, so that a change can be shown.

    Kept: as long as its block.
    """

    __tablename__ = "block_text"

    block_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("block.id", ondelete="CASCADE"), primary_key=True
    )
    """Random: whose it is."""
    language: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    """Plain: its language."""
    heading: Mapped[str] = mapped_column(sa.String(200), default="")
    """Plain: its heading."""
    body: Mapped[str] = mapped_column(sa.Text, default="")
    """Plain: its text."""
    revision: Mapped[int] = mapped_column(default=1)
    """Plain: counts up with each edit."""
    source_revision: Mapped[int | None]
    """Plain: the revision that it translates."""
    source_body: Mapped[str] = mapped_column(sa.Text, default="")
    """Plain: that text, so that a change can be shown."""
