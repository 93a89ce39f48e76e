"""What the public may read of petitions; the published total and nothing finer (C21)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.core import languages
from app.core.cells import SMALLEST_CELL
from app.core.errors import NotFoundError
from app.petitions import addressing
from app.petitions.models import (
    ARCHIVED,
    DRAFT,
    OPEN,
    PUBLIC,
    Petition,
    PetitionAddress,
    PetitionText,
)

FEW: Final = SMALLEST_CELL
"""Below this a total is not told, unless staff set the petition to live."""

TextRow = sa.Row[int, str, int, bool, int, str, str, bool]
"""Of a text no more than id, language, version and whether it is hidden; of its petition id, state, and the slug it was asked by."""
T = TypeVar("T", PetitionText, TextRow)
_WHOLE: Final = (selectinload(Petition.texts), selectinload(Petition.addresses))


@dataclass(frozen=True)
class Counts:
    """A petition's published numbers. ``total`` is None where all that is told is "fewer than 20"."""

    total: int | None
    goal: int
    live: bool

    @property
    def laid(self) -> int:
        """How far the bond is laid, at most up to the goal."""
        return min(self.total or 0, self.goal)

    @property
    def percent(self) -> int:
        return self.laid * 100 // self.goal if self.goal else 0


@dataclass(frozen=True)
class ShownPetition:
    """A petition as a reader of one language sees it; ``language`` is the text's own, if it had to fall back."""

    id: int
    name: str
    """Its slug in plain Latin letters: what its files are called."""
    slugs: Mapping[str, str]
    """Its place in addresses, in each language that it has."""
    open: bool
    draft: bool
    opened: date | None
    closed: date | None
    hand_over_names: bool
    takes_comments: bool
    asks_country: bool
    asks_affiliation: bool
    counts: Counts
    text_id: int
    version: int
    written: date
    language: str
    topic: str
    title: str
    summary: str
    body: str
    demands: tuple[str, ...]
    addressee: str

    @property
    def slug(self) -> str:
        """Its place in addresses of the language that is shown."""
        return self.slugs[self.language]

    def slug_in(self, language: str, locales: Sequence[str]) -> str:
        """Its place in addresses of another language, or of the text that is shown there instead."""
        return languages.first_of(self.slugs, language, *locales) or self.slug


def public_counts(session: Session, petition_id: int) -> Counts:
    """What page, feed, badge and export all show; nothing else counts.

    Raises NotFoundError for a petition that is not public.
    """
    petition = session.get(Petition, petition_id)
    if petition is None or petition.state not in PUBLIC:
        raise NotFoundError("no such petition")
    return _counts(petition)


def shown_petitions(
    session: Session, language: str, locales: Sequence[str] = ()
) -> list[ShownPetition]:
    """All public petitions but those put away, the newest first, each in ``language`` or the first language it has."""
    rows = session.scalars(
        sa.select(Petition)
        .where(Petition.state.in_(PUBLIC), Petition.state != ARCHIVED)
        .order_by(Petition.opened.desc(), Petition.id.desc())
        .options(*_WHOLE)
    )
    return [shown for row in rows if (shown := as_shown(row, language, locales))]


def shown_petition(
    session: Session, slug: str, language: str, locales: Sequence[str] = ()
) -> ShownPetition:
    """One public petition by any slug that leads to it; ``slug`` of what is returned is that of ``language``.

    Raises NotFoundError for a draft and for none.
    """
    owner = sa.select(PetitionAddress.petition_id).where(PetitionAddress.slug == slug)
    row = _public(session, Petition.id == owner.scalar_subquery())
    shown = as_shown(row, language, locales) if row else None
    if (
        not row
        or not shown
        or not any(
            one.slug == slug and addressing.leads(one.language, one.current, shown.slugs)
            for one in row.addresses
        )
    ):
        raise NotFoundError("no such petition")
    return shown


def petition_of_id(
    session: Session, petition_id: int, language: str, locales: Sequence[str] = ()
) -> ShownPetition:
    """One public petition by its number.

    Raises NotFoundError for a draft and for none.
    """
    row = _public(session, Petition.id == petition_id)
    shown = as_shown(row, language, locales) if row else None
    if shown is None:
        raise NotFoundError("no such petition")
    return shown


def current_texts(texts: Iterable[T], *, hidden_too: bool = False) -> dict[str, T]:
    """The newest version of each language; a translation that nobody has approved is not there yet."""
    newest: dict[str, T] = {}
    for text in texts:
        if text.is_hidden and not hidden_too:
            continue
        if text.language not in newest or newest[text.language].version < text.version:
            newest[text.language] = text
    return newest


def as_shown(
    petition: Petition, language: str, locales: Sequence[str], *, hidden_too: bool = False
) -> ShownPetition | None:
    """A petition in any state as its page would show it: for the pages above, and for staff's preview of a draft.

    ``hidden_too`` shows translations that nobody has approved yet.
    """
    newest = current_texts(petition.texts, hidden_too=hidden_too)
    text = languages.first_of(newest, language, *locales)
    if text is None:
        return None
    return ShownPetition(
        id=petition.id,
        name=petition.slug,
        slugs={code: addressing.slug_in(petition, code) for code in newest},
        open=petition.state == OPEN,
        draft=petition.state == DRAFT,
        opened=petition.opened,
        closed=petition.closed,
        hand_over_names=petition.hand_over_names,
        takes_comments=petition.takes_comments,
        asks_country=petition.asks_country,
        asks_affiliation=petition.asks_affiliation,
        counts=_counts(petition),
        text_id=text.id,
        version=public_number(petition, text),
        written=text.day,
        language=text.language,
        topic=text.topic,
        title=text.title,
        summary=text.summary,
        body=text.body,
        demands=tuple(line.strip() for line in text.demands.splitlines() if line.strip()),
        addressee=text.addressee,
    )


def public_number(petition: Petition, text: PetitionText) -> int:
    """A version's number as the public counts: those that nobody approved leave no gap."""
    return 1 + sum(
        other.language == text.language and other.version < text.version and not other.is_hidden
        for other in petition.texts
    )


def _public(session: Session, where: sa.ColumnElement[bool]) -> Petition | None:
    return session.scalar(
        sa.select(Petition).where(where, Petition.state.in_(PUBLIC)).options(*_WHOLE)
    )


def _counts(petition: Petition) -> Counts:
    total = petition.published_total
    told = petition.live or total >= FEW
    return Counts(total=total if told else None, goal=_goal(petition), live=petition.live)


def _goal(petition: Petition) -> int:
    """The first goal that the published total has not reached; the last where it reached all."""
    goals = (petition.goal, *petition.later_goals)
    return next((goal for goal in goals if goal > petition.published_total), goals[-1])
