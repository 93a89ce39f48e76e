"""What the database says of a petition, and what C21 then lets each public place show; and whether it moved as it may.

The rules stand here once more, in plain words over plain rows, and share nothing with the code that shows: a place that
differs from this is wrong, or this is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.organisations.models import Organisation
from app.petitions.campaign_models import (
    Endorsement,
    Handover,
    PaperSheets,
    PetitionUpdate,
)
from app.petitions.models import Petition, PetitionText, Signature

FEW: Final = 20
STEP: Final = 5
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)

Name = tuple[str, str, str]
"""A shown name, its country and its union; both empty beside initials."""
Week = tuple[date, date, int]
"""First day, last day, signatures."""


@dataclass(frozen=True)
class Allowed:
    """What the public may see at one moment. ``total`` is None for "fewer than 20"."""

    state: str
    total: int | None
    goal: int
    paper: int
    weeks: tuple[Week, ...]
    names: Counter[Name]
    comments: Counter[tuple[str, str]]
    endorsers: frozenset[tuple[str, str]]
    updates: dict[str, tuple[str, ...]]
    titles: dict[str, str]
    versions: dict[str, int]
    files: frozenset[tuple[str, str]]
    day: date
    counted: int = field(compare=False)
    """How many do count; no place may show it before its time."""

    @property
    def words(self) -> set[str]:
        """All that is shown of signers."""
        shown = {part for name in self.names for part in name}
        return (shown | {part for comment in self.comments for part in comment}) - {""}


@dataclass(frozen=True)
class _Seen:
    """What was so when it was last looked at."""

    at: datetime
    counted: int = 0
    told: int = 0
    moved: datetime | None = None
    differs_since: datetime | None = None
    minute: datetime | None = None
    weeks: tuple[Week, ...] = ()
    shown: frozenset[UUID] = frozenset()
    batch: date | None = None


class Truth:
    """Looks at one petition again and again; each look is held against the one before."""

    def __init__(self, petition_id: int, *, since: datetime) -> None:
        self._petition = petition_id
        self._seen = _Seen(since)

    def look(self, session: Session, now: datetime) -> Allowed:
        """What may be shown now. Asserts that what is kept to be shown moved by the rules since the last look."""
        petition = session.get_one(Petition, self._petition)
        signatures = session.scalars(
            sa.select(Signature).where(Signature.petition_id == self._petition)
        ).all()
        counting = [one for one in signatures if one.held == "" and one.invalid == ""]
        self._moves_by_rule(petition, len(counting), now)
        shown = [one for one in counting if one.shown_in is not None and _is_named(one)]
        self._appear_in_batches(shown, now)
        weeks = self._weeks_by_rule(petition, counting, now)
        told = petition.published_total
        self._seen = replace(self._seen, at=now, weeks=weeks)
        return Allowed(
            state=petition.state,
            total=told if told >= FEW else None,
            goal=petition.goal,
            paper=_paper(session, self._petition),
            weeks=weeks,
            names=Counter(_as_shown(one) for one in shown),
            comments=_comments(counting, shown, now.date()) if told >= FEW else Counter(),
            endorsers=_endorsers(session, self._petition),
            updates=_updates(session, self._petition, now.date()),
            titles={text.language: text.title for text in _texts(session, self._petition)},
            versions={text.language: text.version for text in _texts(session, self._petition)},
            files=frozenset(
                (row.line, row.digest)
                for row in session.scalars(
                    sa.select(Handover).where(Handover.petition_id == self._petition)
                )
            ),
            day=now.date(),
            counted=len(counting),
        )

    def _moves_by_rule(self, petition: Petition, counted: int, now: datetime) -> None:
        """The total moves at the minute that was drawn for the next hour, by five or more or after a day."""
        before, told = self._seen, petition.published_total
        moved, since = before.moved, before.differs_since
        if told != before.told:
            assert told == counted, "a total that moves, moves to what counts"
            assert since is not None, "it moves only after something came or went"
            assert now >= _next_hour(since), "never in the hour in which it came"
            assert before.minute is None or now >= before.minute, "never before its minute"
            far = abs(told - before.told) >= STEP
            assert far or moved is None or now - moved >= DAY, "by five or more, or after a day"
            moved = now
        if told == counted:
            since = None
        elif told != before.told or since is None:
            since = now
        minute = petition.publish_after
        if minute is not None and minute != before.minute:
            assert _next_hour(now) <= minute < _next_hour(now) + HOUR, "a minute of the next hour"
        self._seen = replace(
            before, told=told, moved=moved, differs_since=since, minute=minute, counted=counted
        )

    def _appear_in_batches(self, shown: list[Signature], now: datetime) -> None:
        """Names come in twenties first, then in fives or more, once a day; they go at any time."""
        now_shown = frozenset(one.id for one in shown)
        new = now_shown - self._seen.shown
        batch = self._seen.batch
        if new:
            least = FEW if batch is None else STEP
            assert len(new) >= least, "too few came at once"
            assert batch is None or batch < now.date(), "one batch a day"
            batch = now.date()
        self._seen = replace(self._seen, shown=now_shown, batch=batch)

    def _weeks_by_rule(
        self, petition: Petition, counting: list[Signature], now: datetime
    ) -> tuple[Week, ...]:
        """Whole past weeks, in groups of twenty or more, and twenty or more left of the total beside them."""
        kept = [
            (date.fromisoformat(first), date.fromisoformat(last), int(number))
            for first, last, number in petition.published_weeks
        ]
        while kept and petition.published_total - sum(number for *_days, number in kept) < FEW:
            kept.pop()
        told = tuple(kept) if len(kept) > 1 and petition.published_total >= FEW else ()
        monday = now.date() - timedelta(days=now.weekday())
        before = {week[:2]: week[2] for week in self._seen.weeks}
        for place, (first, last, number) in enumerate(told):
            assert first.weekday() == 0 and last.weekday() == 6, "whole weeks"  # noqa: PT018
            assert last < monday, "no running week"
            assert number >= FEW, "no cell under twenty"
            assert place == 0 or first == told[place - 1][1] + timedelta(days=1), "no gap"
            if self._seen.at.date() < now.date():
                there = sum(first <= one.day <= last for one in counting)
                assert abs(there - number) < STEP, "a figure is never five off on a new day"
            was = before.get((first, last), number)
            assert was == number or abs(was - number) >= STEP, "a figure moves by five or more"
        return told


def _next_hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0) + HOUR


def _is_named(one: Signature) -> bool:
    return one.shown_state == "approved" and one.shown_as != "anonymous" and one.shown_name != ""


def _as_shown(one: Signature) -> Name:
    whole = one.shown_as == "full-name"
    return one.shown_name, one.country if whole else "", one.affiliation if whole else ""


def _comments(
    counting: list[Signature], shown: list[Signature], day: date
) -> Counter[tuple[str, str]]:
    """Approved ones whose day has come; under a name only where that name is shown anyway."""
    named = {one.id for one in shown}
    return Counter(
        (one.comment, one.shown_name if one.id in named else "")
        for one in counting
        if one.comment_state == "approved" and one.comment_day and one.comment_day <= day
    )


def _paper(session: Session, petition_id: int) -> int:
    rows = sa.select(PaperSheets.signatures).where(PaperSheets.petition_id == petition_id)
    return sum(session.scalars(rows))


def _endorsers(session: Session, petition_id: int) -> frozenset[tuple[str, str]]:
    """English name and statement of who was checked and agreed to be named."""
    rows = session.execute(
        sa.select(Endorsement, Organisation)
        .join(Organisation, Organisation.id == Endorsement.organisation_id)
        .where(Endorsement.petition_id == petition_id)
    )
    return frozenset(
        (next(iter(organisation.names.values())), endorsement.statement)
        for endorsement, organisation in rows
        if endorsement.state == "checked" and endorsement.may_publish
    )


def _updates(session: Session, petition_id: int, day: date) -> dict[str, tuple[str, ...]]:
    """The titles in each language, the newest first."""
    rows = session.scalars(
        sa.select(PetitionUpdate).where(PetitionUpdate.petition_id == petition_id)
    ).all()
    told = sorted(
        (row for row in rows if row.published and row.published <= day),
        key=lambda row: (row.published, row.id),
        reverse=True,
    )
    return {
        language: tuple(
            text.title for row in told for text in row.texts if text.language == language
        )
        for language in ("fa", "en")
    }


def _texts(session: Session, petition_id: int) -> list[PetitionText]:
    """Every text that readers may see, the oldest version first."""
    rows = session.scalars(
        sa.select(PetitionText)
        .where(PetitionText.petition_id == petition_id)
        .order_by(PetitionText.version)
    )
    return [text for text in rows if text.source_version is None or text.approved_by]
