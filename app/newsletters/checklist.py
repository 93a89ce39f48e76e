"""What must be true before an issue may go, and the mark by which a page knows that it is still the same issue."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import NotFoundError
from app.newsletters import readers, translating
from app.newsletters.models import BUTTON, PETITION, Issue
from app.petitions import queries

Reason = Literal["missing", "stale", "button", "petition", "empty", "nobody", "render"]


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One reason why an issue cannot go yet: what, how many, and in which language."""

    reason: Reason
    count: int = 1
    language: str = ""


def hindrances(session: Session, issue: Issue) -> list[Hindrance]:
    """Everything that stands in the way of sending ``issue``; empty when it may go.

    A missing translation is none where staff chose that the source stands in for it; a missing source always is,
    and so is a stale translation, which would say what is no longer true.
    """
    found: list[Hindrance] = []
    waiting = translating.unready(issue)
    for language in issue.languages:
        for at in (translating.MISSING, translating.STALE):
            if at == translating.MISSING and issue.fall_back and language != issue.source_language:
                continue
            count = sum(1 for one in waiting if (one.language, one.state) == (language, at))
            if count:
                found.append(Hindrance(at, count, language))
    if len(issue.blocks) < 2:
        found.append(Hindrance("empty"))
    buttons = sum(
        1 for block in issue.blocks if block.kind == BUTTON and not block.url.startswith("https://")
    )
    if buttons:
        found.append(Hindrance("button", buttons))
    shut = _unusable_petitions(session, issue)
    if shut:
        found.append(Hindrance("petition", shut))
    if not readers.audience(session, issue, today=clock.today()).total:
        found.append(Hindrance("nobody"))
    return found


def stamp(issue: Issue) -> str:
    """A mark of everything an issue says and to whom: a page sends it back, so that no other issue goes out."""
    seen: list[Any] = [issue.languages, sorted(issue.lists), issue.fall_back]
    for block in issue.blocks:
        texts = sorted((text.language, text.revision, text.source_revision) for text in block.texts)
        seen.append((block.id.hex, block.kind, block.url, block.petition_id, texts))
    return hashlib.sha256(repr(seen).encode()).hexdigest()[:16]


def _unusable_petitions(session: Session, issue: Issue) -> int:
    """How many petition blocks lead to no open petition, or to one without words in a language of the issue."""
    needed = (issue.source_language,) if issue.fall_back else issue.languages
    return sum(
        not all(_usable(session, block.petition_id or 0, language) for language in needed)
        for block in issue.blocks
        if block.kind == PETITION
    )


def _usable(session: Session, petition_id: int, language: str) -> bool:
    try:
        found = queries.petition_of_id(session, petition_id, language)
    except NotFoundError:
        return False
    return found.open and found.language == language
