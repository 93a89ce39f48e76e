"""Petitions, their addresses, their immutable texts, and signatures that are linked to nobody (C05)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.hybrid import hybrid_property
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.database import Base, UtcDateTime

DRAFT: Final = "draft"
OPEN: Final = "open"
CLOSED: Final = "closed"
DELIVERED: Final = "delivered"
ARCHIVED: Final = "archived"
PUBLIC: Final = (OPEN, CLOSED, DELIVERED, ARCHIVED)
"""States in which a petition has a page."""

ANONYMOUS: Final = "anonymous"
INITIALS: Final = "initials"
FULL_NAME: Final = "full-name"
SHOWN_AS: Final = (ANONYMOUS, INITIALS, FULL_NAME)

NOTHING: Final = ""
WAITS: Final = "waits"
APPROVED: Final = "approved"
REFUSED: Final = "refused"
"""What a moderator says of a name, an affiliation or a comment."""


class Petition(Base):
    """A document people sign. ``published_total`` is what every public place shows (C21).

    Kept: as long as staff keep it.
    """

    __tablename__ = "petition"

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    state: Mapped[str] = mapped_column(sa.String(10), default=DRAFT)
    """Plain: draft, open, closed, delivered or archived."""
    source_language: Mapped[str] = mapped_column(sa.String(8), default="fa")
    """Plain: the language it is written in first; the others are its translations."""
    goal: Mapped[int]
    """Plain: how many signatures it is for."""
    later_goals: Mapped[list[int]] = mapped_column(sa.JSON, default=list)
    """Plain: the goals after that one, each larger; the next one shows when one is reached."""
    live: Mapped[bool] = mapped_column(default=False)
    """Plain: whether the exact total is shown at once."""
    hand_over_names: Mapped[bool] = mapped_column(default=False)
    """Plain: whether names may be passed on to the addressee."""
    index_key_id: Mapped[str | None] = mapped_column(sa.String(8))
    """Plain: which index key its signatures are made with."""
    takes_comments: Mapped[bool] = mapped_column(default=False)
    """Plain: whether signers may add a comment."""
    asks_country: Mapped[bool] = mapped_column(default=False)
    """Plain: whether signers may say their country."""
    asks_affiliation: Mapped[bool] = mapped_column(default=False)
    """Plain: whether signers may say their union or occupation."""
    hold_all: Mapped[bool] = mapped_column(default=False)
    """Plain: whether every new signature is held until staff look, as under attack."""
    opens_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: when it opens by itself."""
    closes_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: when it closes by itself."""
    opened: Mapped[date | None]
    """Plain: when it was published."""
    closed: Mapped[date | None]
    """Plain: when it was closed."""
    delivered: Mapped[date | None]
    """Plain: when it was handed over."""
    published_total: Mapped[int] = mapped_column(default=0)
    """Plain: what every public place shows."""
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: when that last moved."""
    publish_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Plain: the random minute at which it may move next."""
    published_weeks: Mapped[list[list[Any]]] = mapped_column(sa.JSON, default=list)
    """Plain: past weeks as every public place tells them: first day, last day, signatures."""
    weeks_made: Mapped[date | None]
    """Plain: the day on which that was last looked at."""
    texts: Mapped[list[PetitionText]] = relationship(
        back_populates="petition", cascade="all, delete-orphan", order_by="PetitionText.version"
    )
    addresses: Mapped[list[PetitionAddress]] = relationship(
        cascade="all, delete-orphan", order_by="PetitionAddress.id"
    )

    @property
    def slug(self) -> str:
        """Its place in the addresses of every language that has none of its own."""
        return self._default().slug

    @slug.setter
    def slug(self, slug: str) -> None:
        self._default().slug = slug

    def _default(self) -> PetitionAddress:
        found = next((one for one in self.addresses if not one.language), None)
        if found is None:
            self.addresses.append(found := PetitionAddress(language="", slug="", current=True))
        return found


class PetitionAddress(Base):
    """A petition's place in addresses: of one language, or of all that have none of their own.

    A slug leads to one petition for good: one that readers knew stays when another takes its place, and leads there.

    Kept: as long as its petition.
    """

    __tablename__ = "petition_address"
    __table_args__ = (
        sa.UniqueConstraint("slug"),
        sa.Index(
            None,
            "petition_id",
            "language",
            unique=True,
            sqlite_where=sa.text("current"),
            postgresql_where=sa.text("current"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petition.id", ondelete="CASCADE"))
    """Plain: whose it is."""
    language: Mapped[str] = mapped_column(sa.String(8))
    """Plain: in which language; empty for all that have none of their own."""
    slug: Mapped[str] = mapped_column(sa.String(80))
    """Plain: its place in addresses."""
    current: Mapped[bool]
    """Plain: whether it is used now; else it only leads on."""


class PetitionText(Base):
    """One version of the text in one language; a signature says which version was signed.

    Kept: as long as its petition: signatures name their version.
    """

    __tablename__ = "petition_text"
    __table_args__ = (sa.UniqueConstraint("petition_id", "language", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Plain: its number."""
    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petition.id", ondelete="CASCADE"))
    """Plain: whose it is."""
    language: Mapped[str] = mapped_column(sa.String(8))
    """Plain: its language."""
    version: Mapped[int]
    """Plain: counts up with each change after the opening, those that nobody approved too."""
    day: Mapped[date]
    """Plain: since when readers see it; until they do, when it was written."""
    topic: Mapped[str] = mapped_column(sa.String(80), default="")
    """Plain: a word above the title."""
    title: Mapped[str] = mapped_column(sa.String(200))
    """Plain: the title."""
    summary: Mapped[str] = mapped_column(sa.String(400))
    """Plain: a sentence or two."""
    body: Mapped[str] = mapped_column(sa.Text)
    """Plain: the text."""
    demands: Mapped[str] = mapped_column(sa.Text, default="")
    """Plain: the demands, a line each."""
    addressee: Mapped[str] = mapped_column(sa.String(300))
    """Plain: to whom it goes."""
    source_version: Mapped[int | None]
    """Plain: which version of the source language it translates; an original has none."""
    approved_by: Mapped[int | None]
    """Plain: which colleague approved this translation."""
    petition: Mapped[Petition] = relationship(back_populates="texts")

    @hybrid_property
    def is_hidden(self) -> bool:
        """Whether it is a translation that nobody has approved yet."""
        return self.source_version is not None and self.approved_by is None

    @is_hidden.inplace.expression
    @classmethod
    def _is_hidden(cls) -> sa.ColumnElement[bool]:
        return sa.and_(cls.source_version.is_not(None), cls.approved_by.is_(None))


def _public(name: str, where: str) -> sa.Index:
    """An index of the few signatures that pages show something of; pages are read far more often than signed."""
    condition = sa.text(where)
    return sa.Index(name, "petition_id", "id", sqlite_where=condition, postgresql_where=condition)


class Signature(Base):
    """A counted signature: two hashes that match no other petition's, versions, a day, what is shown (C05).

    It holds no address and points to no person; a withdrawn one is deleted.

    Kept: as long as its petition, unless it is withdrawn or erased.
    """

    __tablename__ = "signature"
    __table_args__ = (
        sa.UniqueConstraint("petition_id", "mailbox_hash"),
        sa.Index(None, "petition_id", "exact_hash"),
        _public("ix_signature_shown", "shown_in IS NOT NULL"),
        _public("ix_signature_comment", "comment_state = 'approved'"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    """Random: minted at the proof; the names box is bound to it."""
    petition_id: Mapped[int] = mapped_column(sa.ForeignKey("petition.id"))
    """Plain: what was signed."""
    index_key_id: Mapped[str] = mapped_column(sa.String(8))
    """Plain: which index key made the two hashes."""
    exact_hash: Mapped[bytes]
    """Hashed: HMAC of petition and address letter for letter, for rights."""
    mailbox_hash: Mapped[bytes]
    """Hashed: HMAC of petition and mailbox by its provider's rules, so that it counts once."""
    text_id: Mapped[int] = mapped_column(sa.ForeignKey("petition_text.id"))
    """Plain: the version that was signed."""
    wording_id: Mapped[int] = mapped_column(sa.ForeignKey("consent_wording.id"))
    """Plain: the sentence that was agreed to."""
    day: Mapped[date]
    """Plain: when it was counted."""
    shown_as: Mapped[str] = mapped_column(sa.String(10), default=ANONYMOUS)
    """Plain: anonymous, initials or full name, as the signer chose."""
    shown_name: Mapped[str] = mapped_column(sa.String(80), default="")
    """Plain: the initials or name that the signer chose to publish; else empty."""
    names_box: Mapped[bytes | None]
    """Sealed: the name to be handed over, to a key that is kept offline."""
    country: Mapped[str] = mapped_column(sa.String(2), default="")
    """Plain: the country that the signer chose to say, of ISO 3166-1."""
    affiliation: Mapped[str] = mapped_column(sa.String(80), default="")
    """Plain: the union or occupation that the signer chose to publish."""
    shown_state: Mapped[str] = mapped_column(sa.String(8), default=NOTHING)
    """Plain: whether name and affiliation wait for a moderator, may be shown, or not."""
    shown_in: Mapped[int | None]
    """Plain: the batch in which it was shown first, in no order of signing."""
    held: Mapped[str] = mapped_column(sa.String(12), default="")
    """Plain: why it is held and not counted yet: burst, domain, all; empty when it counts."""
    invalid: Mapped[str] = mapped_column(sa.String(80), default="")
    """Plain: why staff took it out of the count; empty when it counts."""
    comment: Mapped[str] = mapped_column(sa.Text, default="")
    """Plain: what the signer wrote to be published; a refused one goes within seven days."""
    comment_language: Mapped[str] = mapped_column(sa.String(8), default="")
    """Plain: the language of the page it was written on."""
    comment_state: Mapped[str] = mapped_column(sa.String(8), default=NOTHING)
    """Plain: whether the comment waits for a moderator, may be shown, or not."""
    comment_day: Mapped[date | None]
    """Plain: a random day from which an approved comment shows, or the day it was refused."""
