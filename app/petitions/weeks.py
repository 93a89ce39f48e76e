"""Signatures by week as the public may see them: in groups of twenty or more, never the running week (C21).

What was told is kept on the petition, and is looked at again once a day at most. A group that was told keeps its days,
and its figure until that is off by five or more: so nobody sees in which week someone had signed who withdraws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.petitions import guarding
from app.petitions.models import DRAFT, Petition, Signature
from app.petitions.publishing import STEP
from app.petitions.queries import FEW

WEEK: Final = timedelta(days=7)
LEAST: Final = 2
"""One group alone says no more than the total does."""


@dataclass(frozen=True)
class Group:
    """One week, or neighbouring ones that had too few signatures each; ``last`` is a Sunday."""

    first: date
    last: date
    signatures: int

    @property
    def weeks(self) -> int:
        """How many weeks it spans."""
        return ((self.last - self.first).days + 1) // WEEK.days


def publish(session: Session, *, now: datetime) -> None:
    """Look at every public petition once a day, and tell the weeks that may be told."""
    day = now.date()
    for petition in session.scalars(
        sa.select(Petition).where(
            Petition.state != DRAFT,
            sa.or_(Petition.weeks_made.is_(None), Petition.weeks_made < day),
        )
    ):
        counted = session.execute(
            sa.select(Signature.day, sa.func.count())
            .where(Signature.petition_id == petition.id, guarding.counts())
            .group_by(Signature.day)
        )
        by_day = {row[0]: int(row[1]) for row in counted}
        groups = told(by_day, _read(petition), total=petition.published_total, day=day)
        petition.published_weeks = [
            [group.first.isoformat(), group.last.isoformat(), group.signatures] for group in groups
        ]
        petition.weeks_made = day


def published(session: Session, petition_id: int) -> list[Group]:
    """What may be told of a petition now, the oldest week first; nothing while it is one group or its total is untold.

    The total moves more often than the weeks are looked at, and may have shrunk since.
    """
    petition = session.get(Petition, petition_id)
    if petition is None or petition.published_total < FEW:
        return []
    groups = _leaving_enough(_read(petition), petition.published_total)
    return groups if len(groups) >= LEAST else []


def told(
    by_day: Mapping[date, int], before: Sequence[Group], *, total: int, day: date
) -> list[Group]:
    """The groups that may be told on ``day``, given what was told ``before``."""
    by_week: dict[date, int] = {}
    for signed, number in by_day.items():
        by_week[_monday(signed)] = by_week.get(_monday(signed), 0) + number
    groups = _kept(by_week, before)
    monday = groups[-1].last + timedelta(days=1) if groups else min(by_week, default=day)
    first, number = monday, 0
    while monday < _monday(day):
        number += by_week.get(monday, 0)
        monday += WEEK
        if number >= FEW:
            groups.append(Group(first, monday - timedelta(days=1), number))
            first, number = monday, 0
    return _leaving_enough(groups, total)


def _leaving_enough(groups: list[Group], total: int) -> list[Group]:
    """The groups without the newest ones that must join what is left of ``total`` beside them.

    That is twenty or more too, since anyone can subtract.
    """
    while groups and total - sum(group.signatures for group in groups) < FEW:
        groups.pop()
    return groups


def _kept(by_week: Mapping[date, int], before: Sequence[Group]) -> list[Group]:
    """The groups of ``before`` that still stand, from the first one on."""
    groups = []
    for group in before:
        number = sum(by_week.get(group.first + WEEK * place, 0) for place in range(group.weeks))
        if abs(number - group.signatures) < STEP:
            groups.append(group)
        elif number >= FEW:
            groups.append(Group(group.first, group.last, number))
        else:
            break
    return groups


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _read(petition: Petition) -> list[Group]:
    return [
        Group(date.fromisoformat(first), date.fromisoformat(last), int(number))
        for first, last, number in petition.published_weeks
    ]
