"""What stands around a petition's text and signatures: pictures, updates, endorsements, paper, delivery."""

from __future__ import annotations

from datetime import date
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import ids
from app.core.database import Base
from app.organisations.models import Organisation  # noqa: F401 (its table)

NEWS: Final = "news"
MILESTONE: Final = "milestone"
OUTCOME: Final = "outcome"
ANSWER: Final = "answer"
KINDS: Final = (NEWS, MILESTONE, ANSWER, OUTCOME)

ASKED: Final = "asked"
"""The union asked for it on the page and proved its address; staff have not looked yet."""
CHECKED: Final = "checked"
"""Staff saw its mandate."""
REFUSED: Final = "refused"


class Picture(Base):
    """A petition's picture or an organisation's logo, encoded anew so that nothing hides in it.

    Kept: as long as what it shows.
    """

    __tablename__ = "picture"
    __table_args__ = (sa.UniqueConstraint("petition_id"), sa.UniqueConstraint("organisation_id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    petition_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("petition.id", ondelete="CASCADE")
    )
    """Plain: the petition that shows it."""
    organisation_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("organisation.id", ondelete="CASCADE")
    )
    """Plain: the organisation whose logo it is."""
    octets: Mapped[bytes] = mapped_column(sa.LargeBinary)
    """Plain: WebP, without metadata."""
    width: Mapped[int]
    """Plain: in pixels."""
    height: Mapped[int]
    """Plain: in pixels."""
    alts: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    """Plain: what it shows, in each language."""
    digest: Mapped[str] = mapped_column(sa.String(64), index=True)
    """Plain: SHA-256 of the octets, which stands in its address."""


class PetitionUpdate(Base):
    """News of a petition: a report, a milestone, the addressee's answer, the outcome.

    Kept: as long as its petition.
    """

    __tablename__ = "petition_update"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    petition_id: Mapped[int] = mapped_column(
        sa.ForeignKey("petition.id", ondelete="CASCADE"), index=True
    )
    """Plain: whose it is."""
    kind: Mapped[str] = mapped_column(sa.String(10))
    """Plain: news, milestone, answer or outcome."""
    published: Mapped[date | None]
    """Plain: the day it appeared; a draft has none."""
    texts: Mapped[list[UpdateText]] = relationship(
        cascade="all, delete-orphan", order_by="UpdateText.language"
    )


class UpdateText(Base):
    """An update in one language.

    Kept: as long as its update.
    """

    __tablename__ = "update_text"

    update_id: Mapped[int] = mapped_column(
        sa.ForeignKey("petition_update.id", ondelete="CASCADE"), primary_key=True
    )
    """Plain: whose it is."""
    language: Mapped[str] = mapped_column(sa.String(8), primary_key=True)
    """Plain: its language."""
    title: Mapped[str] = mapped_column(sa.String(200))
    """Plain: the title."""
    body: Mapped[str] = mapped_column(sa.Text)
    """Plain: the text."""


class Endorsement(Base):
    """An organisation stands behind a petition, in its own name (U04).

    One that was asked for on the page names no organisation until staff have matched it.

    Kept: as long as its petition; a withdrawn one is deleted, a refused one within seven days.
    """

    __tablename__ = "endorsement"
    __table_args__ = (
        sa.UniqueConstraint("petition_id", "organisation_id"),
        sa.UniqueConstraint("petition_id", "exact_hash"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=ids.new)
    """Random: tells it from others."""
    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petition.id", ondelete="CASCADE"))
    """Plain: what is endorsed."""
    organisation_id: Mapped[int | None] = mapped_column(
        sa.ForeignKey("organisation.id", ondelete="CASCADE"), index=True
    )
    """Plain: who endorses it; none until staff have matched what was typed."""
    index_key_id: Mapped[str | None] = mapped_column(sa.String(8))
    """Plain: which index key made the hash."""
    exact_hash: Mapped[bytes | None]
    """Hashed: HMAC of petition and the address that asked, for rights; none where staff entered it."""
    typed: Mapped[dict[str, str]] = mapped_column(sa.JSON, default=dict)
    """Plain: the organisation as it wrote of itself: its name, type, country and website."""
    wording_id: Mapped[int | None] = mapped_column(sa.ForeignKey("consent_wording.id"))
    """Plain: the sentence that was agreed to."""
    state: Mapped[str] = mapped_column(sa.String(8))
    """Plain: asked, checked or refused."""
    reason: Mapped[str] = mapped_column(sa.String(200), default="")
    """Plain: why it was refused, for colleagues."""
    mandate: Mapped[str] = mapped_column(sa.String(300))
    """Plain: which body decided it, and when; no person's name."""
    document: Mapped[str] = mapped_column(sa.String(300), default="")
    """Plain: where the decision can be read."""
    language: Mapped[str] = mapped_column(sa.String(8))
    """Plain: the language of the statement."""
    statement: Mapped[str] = mapped_column(sa.Text, default="")
    """Plain: what the organisation says publicly."""
    may_publish: Mapped[bool] = mapped_column(default=False)
    """Plain: whether it may be shown."""
    day: Mapped[date]
    """Plain: when it was confirmed, entered or refused."""
    entered_by: Mapped[int | None]
    """Plain: which colleague entered it; none where the union asked itself."""


class PaperSheets(Base):
    """Signatures on paper: a number of them, from one scan; the sheets stay with whoever collected them.

    Kept: as long as its petition.
    """

    __tablename__ = "paper_sheets"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    petition_id: Mapped[int] = mapped_column(
        sa.ForeignKey("petition.id", ondelete="CASCADE"), index=True
    )
    """Plain: what was signed."""
    scanned: Mapped[date]
    """Plain: when the sheets were scanned."""
    signatures: Mapped[int]
    """Plain: how many stand on them."""
    note: Mapped[str] = mapped_column(sa.String(200), default="")
    """Plain: where they were collected, without a person's name."""
    entered_by: Mapped[int | None]
    """Plain: which colleague entered it."""


class Handover(Base):
    """The public record of a file made for the addressee: its hash and its random line.

    Kept: as long as its petition: it proves what was handed over.
    """

    __tablename__ = "handover"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    petition_id: Mapped[int] = mapped_column(
        sa.ForeignKey("petition.id", ondelete="CASCADE"), index=True
    )
    """Plain: which petition."""
    day: Mapped[date]
    """Plain: when it was made."""
    form: Mapped[str] = mapped_column(sa.String(4))
    """Plain: pdf or csv."""
    language: Mapped[str] = mapped_column(sa.String(8), default="")
    """Plain: the language of a PDF."""
    line: Mapped[str] = mapped_column(sa.String(64))
    """Plain: the random line that stands in the file."""
    digest: Mapped[str] = mapped_column(sa.String(64))
    """Plain: SHA-256 of the file."""
