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
    """News of a struggle, as it stands on the site."""

    __tablename__ = "report"

    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(sa.String(80), unique=True)
    day: Mapped[date] = mapped_column(index=True)
    texts: Mapped[list[ReportText]] = relationship(cascade="all, delete-orphan")


class ReportText(Base):
    """A report in one language."""

    __tablename__ = "report_text"

    report_id: Mapped[int] = mapped_column(
        sa.ForeignKey("report.id", ondelete="CASCADE"), primary_key=True
    )
    language: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    topic: Mapped[str] = mapped_column(sa.String(80), default="")
    title: Mapped[str] = mapped_column(sa.String(200))
    summary: Mapped[str] = mapped_column(sa.String(400))
    body: Mapped[str] = mapped_column(sa.Text)


class Issue(Base):
    """One edition of the newsletter. ``fall_back`` says whether a missing translation falls back visibly."""

    __tablename__ = "issue"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)
    state: Mapped[str] = mapped_column(sa.String(10), default=DRAFT)
    day: Mapped[date]
    source_language: Mapped[str] = mapped_column(sa.String(8))
    languages: Mapped[tuple[str, ...]] = mapped_column(Languages)
    lists: Mapped[list[str]] = mapped_column(sa.JSON, default=list)
    fall_back: Mapped[bool] = mapped_column(default=False)
    blocks: Mapped[list[Block]] = relationship(
        back_populates="issue", cascade="all, delete-orphan", order_by="Block.position"
    )


class Block(Base):
    """One part of an issue, the same in all languages: its id outlives every edit. Position 0 is the subject."""

    __tablename__ = "block"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    issue_id: Mapped[int] = mapped_column(sa.ForeignKey("issue.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(16))
    petition_id: Mapped[int | None]
    url: Mapped[str] = mapped_column(sa.String(400), default="")
    issue: Mapped[Issue] = relationship(back_populates="blocks")
    texts: Mapped[list[BlockText]] = relationship(cascade="all, delete-orphan")


class BlockText(Base):
    """A block in one language. ``source_revision`` is the revision of the source text that it translates;
    ``source_body`` is that text, so that a change can be shown."""

    __tablename__ = "block_text"

    block_id: Mapped[UUID] = mapped_column(
        sa.ForeignKey("block.id", ondelete="CASCADE"), primary_key=True
    )
    language: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    heading: Mapped[str] = mapped_column(sa.String(200), default="")
    body: Mapped[str] = mapped_column(sa.Text, default="")
    revision: Mapped[int] = mapped_column(default=1)
    source_revision: Mapped[int | None]
    source_body: Mapped[str] = mapped_column(sa.Text, default="")
