"""Writing a petition: each saved text is a new version that never changes; opening and closing (C05, R05).

What a signature names is a version, so a text that people may have signed is never overwritten and never taken
away. A draft may be half written; a petition opens once it is whole in at least one language and half written in
none.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, selectinload

from app.audience.models import MailingList
from app.core.database import insert_into
from app.core.errors import InvalidError, NotFoundError, StaleError
from app.core.languages import tidy, tidy_lines
from app.petitions.models import (
    ARCHIVED,
    CLOSED,
    DELIVERED,
    DRAFT,
    OPEN,
    Petition,
    PetitionText,
)
from app.staff import audit

GOALS: Final = range(1, 10_000_001)
LONGEST: Final = {
    "topic": 80,
    "title": 200,
    "summary": 400,
    "body": 40_000,
    "demands": 4_000,
    "addressee": 300,
}
NEEDED: Final = ("title", "summary", "body", "addressee")
"""What a language needs before it can be shown."""


class OverwriteError(StaleError):
    """Somebody else saved one of these texts since the page was opened; nothing was saved."""


@dataclass(frozen=True)
class Wording:
    """A petition in one language, as it was typed."""

    topic: str = ""
    title: str = ""
    summary: str = ""
    body: str = ""
    demands: str = ""
    addressee: str = ""

    @classmethod
    def of(cls, text: PetitionText) -> Wording:
        """The words of a saved version."""
        return cls(*(getattr(text, name) for name in cls.__dataclass_fields__))

    @property
    def is_empty(self) -> bool:
        return not any(astuple(self))

    @property
    def missing(self) -> tuple[str, ...]:
        """What a reader would miss, by field."""
        return tuple(name for name in NEEDED if not getattr(self, name))

    def tidied(self) -> Wording:
        """Without stray controls (F03); the text and the demands keep their lines."""
        several = ("body", "demands")
        return Wording(
            **{
                name: (tidy_lines if name in several else tidy)(getattr(self, name))
                for name in self.__dataclass_fields__
            }
        )


@dataclass(frozen=True)
class Settings:
    """What a petition is in every language."""

    goal: int
    live: bool = False
    hand_over_names: bool = False
    later_goals: tuple[int, ...] = ()
    takes_comments: bool = False
    asks_country: bool = False
    asks_affiliation: bool = False
    opens_at: datetime | None = None
    closes_at: datetime | None = None
    source_language: str = "fa"

    @classmethod
    def of(cls, petition: Petition) -> Settings:
        """What a petition is set to."""
        named = {name: getattr(petition, name) for name in cls.__dataclass_fields__}
        return cls(**{**named, "later_goals": tuple(petition.later_goals)})


def create(session: Session, slug: str, settings: Settings) -> Petition:
    """A new draft without a text. Raises InvalidError for an address that is taken, or a goal out of bounds."""
    petition = Petition(slug=slug, state=DRAFT)
    _set(petition, settings)
    try:
        with session.begin_nested():
            session.add(petition)
    except IntegrityError:
        raise InvalidError("taken", field="slug") from None
    return petition


def get(session: Session, petition_id: int) -> Petition:
    """The petition with all versions of its texts. Raises NotFoundError."""
    petition = session.scalar(
        sa.select(Petition)
        .where(Petition.id == petition_id)
        .options(selectinload(Petition.texts), selectinload(Petition.addresses))
        .execution_options(populate_existing=True)
    )
    if petition is None:
        raise NotFoundError("no such petition")
    return petition


def newest(petition: Petition) -> dict[str, PetitionText]:
    """The last version of each language that has one."""
    return {text.language: text for text in petition.texts}


def public_titles(petition: Petition) -> dict[str, str]:
    """The last title of each language that readers may see: no translation that waits for approval."""
    return {text.language: text.title for text in petition.texts if not text.is_hidden}


def change(session: Session, petition_id: int, settings: Settings, slug: str | None = None) -> bool:
    """Set what a petition is in every language; the address and the language it is written in while it is a draft.

    Returns whether anything changed. What was the source becomes a translation of the new one, to be reviewed.

    Raises InvalidError for a value that cannot be taken, NotFoundError for no such petition.
    """
    petition = get(session, petition_id)
    before = (petition.slug, Settings.of(petition))
    source_moves = petition.source_language != settings.source_language
    if source_moves and petition.state != DRAFT:
        raise InvalidError("translations were approved", field="source_language")
    _set(petition, settings)
    if slug is not None and slug != petition.slug:
        if petition.state != DRAFT:
            raise InvalidError("links lead there", field="slug")
        petition.slug = slug
    try:
        with session.begin_nested():
            session.flush()
    except IntegrityError:
        raise InvalidError("taken", field="slug") from None
    source = newest(petition).get(petition.source_language)
    if source_moves and source is not None:
        _review_anew(session, source)
    return before != (petition.slug, Settings.of(petition))


def write(
    session: Session,
    petition_id: int,
    language: str,
    wording: Wording,
    *,
    seen: int,
    now: datetime,
) -> PetitionText | None:
    """Save one language as its next version, where anything changed; returns the new version.

    ``seen`` is the version that the page showed (0 for none). In a draft an emptied language goes. Raises
    OverwriteError when another saved first, InvalidError for what is too long, and for a text of an open or
    closed petition that is not whole.
    """
    petition = get(session, petition_id)
    last = newest(petition).get(language)
    wording = wording.tidied()
    if wording == (Wording.of(last) if last else Wording()):
        return None
    if (last.version if last else 0) != seen:
        raise OverwriteError("somebody else saved this text meanwhile")
    for name, most in LONGEST.items():
        if len(getattr(wording, name)) > most:
            raise InvalidError("too long", field=name)
    if petition.state != DRAFT and wording.missing:
        raise InvalidError("needed", field=wording.missing[0])
    if wording.is_empty:
        for text in [text for text in petition.texts if text.language == language]:
            petition.texts.remove(text)
        session.flush()
        return None
    text = PetitionText(
        petition_id=petition.id,
        language=language,
        version=seen + 1,
        day=now.date(),
        source_version=_made_from(petition, language),
        **{name: getattr(wording, name) for name in Wording.__dataclass_fields__},
    )
    try:
        with session.begin_nested():
            session.add(text)
    except IntegrityError:
        raise OverwriteError("somebody else saved this text meanwhile") from None
    if petition.state == DRAFT and last is None and language == petition.source_language:
        _review_anew(session, text)
    return text


def publish(session: Session, petition_id: int, *, now: datetime) -> None:
    """Open a draft for signatures, and make the list that its news goes to.

    ``index_key_id`` stays empty: the web process knows no index key (C02), the worker notes it at the first
    signature. Raises InvalidError when no language is whole (field ``language``) or one is half written,
    StaleError when it is no draft any more.
    """
    petition = get(session, petition_id)
    texts = newest(petition)
    if petition.state == DRAFT:
        for text in texts.values():
            missing = Wording.of(text).missing
            if missing:
                raise InvalidError("half written", field=f"{missing[0]}-{text.language}")
        if all(text.is_hidden for text in texts.values()):
            raise InvalidError("no text", field="language")
        _forget_drafts(session, petition, texts, now.date())
    _move(session, petition_id, DRAFT, state=OPEN, opened=now.date())
    session.execute(
        insert_into(session, MailingList)
        .values(
            slug=f"petition-{petition_id}",
            names=public_titles(petition),
        )
        .on_conflict_do_nothing(index_elements=["slug"])
    )


def close(session: Session, petition_id: int, *, now: datetime) -> None:
    """Close an open petition for good. Raises StaleError when it is not open."""
    get(session, petition_id)
    _move(session, petition_id, OPEN, state=CLOSED, closed=now.date())


def keep_schedule(session: Session, *, now: datetime) -> None:
    """Worker: open and close what is due by its dates.

    A draft that cannot be opened yet loses its date, and staff find that in the audit.
    """
    due = session.scalars(
        sa.select(Petition.id).where(Petition.state == DRAFT, Petition.opens_at <= now)
    ).all()
    for petition_id in due:
        try:
            publish(session, petition_id, now=now)
            action = "petition.opened-on-time"
        except InvalidError:
            session.execute(
                sa.update(Petition).where(Petition.id == petition_id).values(opens_at=None)
            )
            action = "petition.not-ready"
        except StaleError:
            continue
        audit.record(session, None, action, f"petition:{petition_id}", now)
    for petition_id in session.scalars(
        sa.select(Petition.id).where(Petition.state == OPEN, Petition.closes_at <= now)
    ).all():
        try:
            close(session, petition_id, now=now)
        except StaleError:
            continue
        audit.record(session, None, "petition.closed-on-time", f"petition:{petition_id}", now)


def deliver(session: Session, petition_id: int, *, now: datetime) -> None:
    """Say that a closed petition was handed over. Raises StaleError when it is not closed."""
    get(session, petition_id)
    _move(session, petition_id, CLOSED, state=DELIVERED, delivered=now.date())


def archive(session: Session, petition_id: int) -> None:
    """Put a closed or delivered petition away: its page stays, the home page no longer lists it.

    Raises StaleError when it is neither.
    """
    petition = get(session, petition_id)
    _move(session, petition_id, DELIVERED if petition.delivered else CLOSED, state=ARCHIVED)


def _made_from(petition: Petition, language: str) -> int | None:
    """The version of the source that a text written now translates; None for an original."""
    source = newest(petition).get(petition.source_language)
    return source.version if source and language != petition.source_language else None


def _review_anew(session: Session, source: PetitionText) -> None:
    """Make ``source`` the original of a draft, and its other languages translations of it that nobody approved.

    Nobody has compared them with it, whatever they were before: an original, or a translation of another text.
    """
    own = PetitionText.language == source.language
    session.execute(
        sa.update(PetitionText)
        .where(PetitionText.petition_id == source.petition_id)
        .values(
            source_version=sa.case((own, sa.null()), else_=sa.literal(source.version, sa.Integer)),
            approved_by=None,
        )
        .execution_options(synchronize_session="fetch")
    )


def _forget_drafts(
    session: Session, petition: Petition, texts: dict[str, PetitionText], day: date
) -> None:
    """What was tried before the opening is nobody's business: what is left of each language is its version 1.

    Readers see it from ``day`` on, but for what nobody has approved yet.
    """
    for text in [text for text in petition.texts if text is not texts[text.language]]:
        petition.texts.remove(text)
    session.flush()
    source = texts.get(petition.source_language)
    for text in texts.values():
        if text.source_version is not None:
            text.source_version = int(source is not None and text.source_version == source.version)
    for text in texts.values():
        text.version = 1
        if not text.is_hidden:
            text.day = day


def _set(petition: Petition, settings: Settings) -> None:
    if settings.goal not in GOALS:
        raise InvalidError("out of bounds", field="goal")
    goals = (settings.goal, *settings.later_goals)
    if any(later <= earlier or later not in GOALS for earlier, later in pairwise(goals)):
        raise InvalidError("not rising", field="later_goals")
    if settings.opens_at and settings.closes_at and settings.closes_at <= settings.opens_at:
        raise InvalidError("before the opening", field="closes_at")
    for name in Settings.__dataclass_fields__:
        value = getattr(settings, name)
        setattr(petition, name, list(value) if name == "later_goals" else value)


def _move(session: Session, petition_id: int, expected: str, **values: object) -> None:
    moved = session.execute(
        sa.update(Petition)
        .where(Petition.id == petition_id, Petition.state == expected)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if cast("sa.CursorResult[object]", moved).rowcount != 1:
        raise StaleError("the petition is in another state")
