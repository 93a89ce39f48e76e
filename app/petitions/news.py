"""News of a petition as readers see it: reports, milestones, the addressee's answer, the outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.core import languages
from app.petitions.campaign_models import ANSWER, OUTCOME, PetitionUpdate, UpdateText
from app.petitions.models import PUBLIC, Petition


@dataclass(frozen=True)
class ShownUpdate:
    """One update in the reader's language, or in the first it has."""

    id: int
    petition_id: int
    kind: str
    day: date
    language: str
    title: str
    body: str

    @property
    def weighs(self) -> bool:
        """Whether it is what the petition was for: an answer or the outcome."""
        return self.kind in (ANSWER, OUTCOME)


def updates(
    session: Session,
    language: str,
    locales: Sequence[str] = (),
    *,
    petition_id: int | None = None,
    day: date,
    limit: int | None = None,
) -> list[ShownUpdate]:
    """What was published until ``day``, the newest first: of one petition, or of all public ones."""
    chosen = _published(petition_id, day).limit(limit)
    return [shown for row in session.scalars(chosen) if (shown := _shown(row, language, locales))]


def _published(petition_id: int | None, day: date) -> sa.Select[PetitionUpdate]:
    """The newest first: of one petition, or of all public ones."""
    chosen = (
        sa.select(PetitionUpdate)
        .join(Petition, Petition.id == PetitionUpdate.petition_id)
        .where(PetitionUpdate.published <= day, Petition.state.in_(PUBLIC))
        .order_by(PetitionUpdate.published.desc(), PetitionUpdate.id.desc())
        .options(selectinload(PetitionUpdate.texts))
    )
    return chosen.where(PetitionUpdate.petition_id == petition_id) if petition_id else chosen


def _shown(update: PetitionUpdate, language: str, locales: Sequence[str]) -> ShownUpdate | None:
    texts = {text.language: text for text in update.texts}
    text = languages.first_of(texts, language, *locales)
    return _of(update, text) if text else None


def in_each_language(
    session: Session, petition_id: int, *, day: date
) -> list[tuple[ShownUpdate, ...]]:
    """The same updates, each in all the languages it has."""
    rows = session.scalars(_published(petition_id, day))
    return [tuple(_of(row, text) for text in row.texts) for row in rows if row.texts]


def _of(update: PetitionUpdate, text: UpdateText) -> ShownUpdate:
    if update.published is None:
        raise ValueError("a draft is shown to nobody")
    return ShownUpdate(
        id=update.id,
        petition_id=update.petition_id,
        kind=update.kind,
        day=update.published,
        language=text.language,
        title=text.title,
        body=text.body,
    )
