"""What moderators see before anyone else does: names, affiliations and comments, and nothing beside them (C19).

They come in the order of their random ids, which tells nothing of who signed when. What is approved shows later, in
batches and on random days; what is refused is gone from the queue at once and erased within seven days.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.petitions import editing, guarding
from app.petitions.models import (
    ANONYMOUS,
    APPROVED,
    NOTHING,
    REFUSED,
    WAITS,
    Petition,
    Signature,
)

NAME: Final = "name"
COMMENT: Final = "comment"
PAGE: Final = 50
LATEST_DAYS: Final = 7
"""A comment shows one to seven days after it was approved; a refused one is erased after as many."""


@dataclass(frozen=True)
class Item:
    """One thing to decide: a name with its affiliation, or a comment."""

    kind: str
    id: UUID
    petition_id: int
    text: str
    affiliation: str = ""
    language: str = ""

    @property
    def key(self) -> str:
        """What the form calls it; a mark of the words goes along, so that no other words are approved."""
        words = f"{self.text}\0{self.affiliation}\0{self.language}"
        return f"{self.kind}-{self.id.hex}-{hashlib.sha256(words.encode()).hexdigest()[:16]}"


def waiting(session: Session, *, limit: int = PAGE) -> list[Item]:
    """What waits for a decision, names first; of signatures that count."""
    names = session.execute(
        _of_counted(Signature.shown_state == WAITS).order_by(Signature.id).limit(limit)
    ).scalars()
    comments = session.execute(
        _of_counted(Signature.comment_state == WAITS).order_by(Signature.id).limit(limit)
    ).scalars()
    found = [
        Item(NAME, one.id, one.petition_id, one.shown_name, affiliation=one.affiliation)
        for one in names
    ]
    found += [
        Item(COMMENT, one.id, one.petition_id, one.comment, language=one.comment_language)
        for one in comments
    ]
    return found[:limit]


def how_many(session: Session) -> int:
    """How many things wait for a decision."""
    return sum(
        session.scalar(sa.select(sa.func.count()).select_from(_of_counted(where).subquery())) or 0
        for where in (Signature.shown_state == WAITS, Signature.comment_state == WAITS)
    )


def approve(session: Session, items: Collection[Item], *, day: date) -> int:
    """Let these be shown; returns how many still waited with the same words.

    A comment waits for a random day of the next seven, so that its day tells nothing of the signature's.
    """
    done = 0
    for item in items:
        if item.kind == NAME:
            done += _decide(session, item, shown_state=APPROVED)
        else:
            appears = day + timedelta(days=1 + secrets.randbelow(LATEST_DAYS))
            done += _decide(session, item, comment_state=APPROVED, comment_day=appears)
    return done


def refuse(session: Session, items: Collection[Item], *, day: date) -> int:
    """Never show these; returns how many still waited. A refused name leaves an anonymous signature."""
    done = 0
    for item in items:
        if item.kind == NAME:
            done += _decide(
                session,
                item,
                shown_state=NOTHING,
                shown_as=ANONYMOUS,
                shown_name="",
                affiliation="",
            )
        else:
            done += _decide(session, item, comment_state=REFUSED, comment_day=day)
    return done


def forget_refused(session: Session, *, today: date) -> int:
    """Erase comments that were refused a week ago; returns how many."""
    erased = session.execute(
        sa.update(Signature)
        .where(
            Signature.comment_state == REFUSED,
            Signature.comment_day <= today - timedelta(days=LATEST_DAYS),
        )
        .values(comment="", comment_language="", comment_state=NOTHING, comment_day=None)
        .execution_options(synchronize_session=False)
    )
    return cast("sa.CursorResult[object]", erased).rowcount


def titles(session: Session, petition_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """The newest title of each petition in each language."""
    found = session.scalars(
        sa.select(Petition)
        .where(Petition.id.in_(petition_ids))
        .options(selectinload(Petition.texts))
    )
    return {
        one.id: {code: text.title for code, text in editing.newest(one).items()} for one in found
    }


def _of_counted(where: sa.ColumnElement[bool]) -> sa.Select[Signature]:
    return sa.select(Signature).where(where, guarding.counts())


def _decide(session: Session, item: Item, **values: object) -> int:
    """Settle one thing where it still waits with the words that the moderator saw."""
    if item.kind == NAME:
        same = [
            Signature.shown_state == WAITS,
            Signature.shown_name == item.text,
            Signature.affiliation == item.affiliation,
        ]
    else:
        same = [Signature.comment_state == WAITS, Signature.comment == item.text]
    moved = session.execute(
        sa.update(Signature)
        .where(Signature.id == item.id, *same)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return cast("sa.CursorResult[object]", moved).rowcount
