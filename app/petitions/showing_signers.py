"""Which signers the public sees, and when they appear: in shuffled batches that hide who signed when (C21)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.petitions import guarding
from app.petitions.models import (
    ANONYMOUS,
    APPROVED,
    DRAFT,
    FULL_NAME,
    Petition,
    Signature,
)
from app.petitions.queries import FEW

FIRST_BATCH: Final = 20
BATCH: Final = 5
A_PAGE: Final = 300
"""Names on one page."""


@dataclass(frozen=True)
class ShownSigner:
    """What a signer chose to show; country and union only ever beside a whole name."""

    name: str
    full_name: bool
    country: str
    affiliation: str


@dataclass(frozen=True)
class ShownComment:
    """An approved comment, beside its signer's name once that is shown; else nobody's."""

    text: str
    language: str
    name: str


def publish(session: Session, *, now: datetime) -> None:
    """Show the approved signers who wait: twenty the first time, then five or more, at most one batch a day.

    A batch is the number of its day, so that the database, too, holds no order within it.
    """
    batch = now.date().toordinal()
    waiting = _those(Signature.shown_in.is_(None))
    for petition_id, number in session.execute(
        sa.select(Signature.petition_id, sa.func.count())
        .join(Petition, Petition.id == Signature.petition_id)
        .where(Petition.state != DRAFT, waiting)
        .group_by(Signature.petition_id)
    ).all():
        last = session.scalar(
            sa.select(sa.func.max(Signature.shown_in)).where(
                Signature.petition_id == petition_id, Signature.shown_in.is_not(None)
            )
        )
        if number < (FIRST_BATCH if last is None else BATCH):
            continue
        if last is not None and last >= batch:
            continue
        session.execute(
            sa.update(Signature)
            .where(Signature.petition_id == petition_id, waiting)
            .values(shown_in=batch)
        )


def signers(
    session: Session, petition_id: int, *, limit: int = A_PAGE, page: int = 1
) -> list[ShownSigner]:
    """Shown signers in the order of their random ids, which is none: it stays the same and tells nothing."""
    rows = session.execute(
        sa.select(
            Signature.shown_name, Signature.shown_as, Signature.country, Signature.affiliation
        )
        .where(*_shown(petition_id))
        .order_by(Signature.id)
        .limit(limit)
        .offset((page - 1) * limit)
    )
    return [
        ShownSigner(
            name=row.shown_name,
            full_name=row.shown_as == FULL_NAME,
            country=row.country if row.shown_as == FULL_NAME else "",
            affiliation=row.affiliation if row.shown_as == FULL_NAME else "",
        )
        for row in rows
    ]


def number_of_signers(session: Session, petition_id: int) -> int:
    """How many are shown."""
    return int(
        session.scalar(
            sa.select(sa.func.count()).select_from(Signature).where(*_shown(petition_id))
        )
        or 0
    )


def comments(
    session: Session, petition_id: int, *, day: date, limit: int = A_PAGE, page: int = 1
) -> list[ShownComment]:
    """Approved comments whose day has come, in no order of signing; none while the total is untold."""
    if not _is_told(session, petition_id):
        return []
    shown = sa.and_(*_shown(petition_id))
    rows = session.execute(
        sa.select(
            Signature.comment,
            Signature.comment_language,
            sa.case((shown, Signature.shown_name), else_="").label("name"),
        )
        .where(*_said(petition_id, day))
        .order_by(Signature.id)
        .limit(limit)
        .offset((page - 1) * limit)
    )
    return [ShownComment(row.comment, row.comment_language, row.name) for row in rows]


def number_of_comments(session: Session, petition_id: int, *, day: date) -> int:
    """How many comments are shown."""
    if not _is_told(session, petition_id):
        return 0
    return int(
        session.scalar(
            sa.select(sa.func.count()).select_from(Signature).where(*_said(petition_id, day))
        )
        or 0
    )


def _is_told(session: Session, petition_id: int) -> bool:
    total = session.scalar(sa.select(Petition.published_total).where(Petition.id == petition_id))
    return (total or 0) >= FEW


def _said(petition_id: int, day: date) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        Signature.petition_id == petition_id,
        # As a literal, so that the index of these few is used.
        sa.literal_column("comment_state") == sa.literal_column("'approved'"),
        Signature.comment != "",
        Signature.comment_day <= day,
        guarding.counts(),
    )


def may_be_named() -> sa.ColumnElement[bool]:
    """SQL: whether a signer wants a name shown and a moderator has seen it."""
    return sa.and_(
        Signature.shown_state == APPROVED,
        Signature.shown_as != ANONYMOUS,
        Signature.shown_name != "",
    )


def _those(batch: sa.ColumnElement[bool]) -> sa.ColumnElement[bool]:
    return sa.and_(batch, may_be_named(), guarding.counts())


def _shown(petition_id: int) -> tuple[sa.ColumnElement[bool], ...]:
    return Signature.petition_id == petition_id, _those(Signature.shown_in.is_not(None))
