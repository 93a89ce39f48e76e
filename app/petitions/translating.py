"""Where each translation of a petition stands, and its review (F08).

A translation names the version of the source that it was made from. It is hidden until a colleague who may publish
approved it; when the source moves on it is stale, and stays public, since people signed it, until it is written
anew or approved again. What is written in the source language, or where nothing else is written yet, is an original:
it needs no approval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import cells
from app.core.differences import Change, changes
from app.core.errors import InvalidError, StaleError
from app.petitions import editing, guarding
from app.petitions.models import DRAFT, Petition, PetitionText, Signature

State = Literal["missing", "half", "review", "stale", "approved"]

MISSING: Final = "missing"
HALF: Final = "half"
"""Something is written, and something that a reader needs is not."""
REVIEW: Final = "review"
"""Whole, and nobody has approved it yet."""
STALE: Final = "stale"
"""Approved, and the source has changed since."""
APPROVED: Final = "approved"
TO_DO: Final = (REVIEW, STALE)
"""What waits for whoever approves."""
FIELDS: Final = ("topic", "title", "summary", "addressee", "body", "demands")
"""What a text consists of, in the order of reading."""


def state(petition: Petition, language: str) -> State:
    """Where the last version in ``language`` stands."""
    newest = editing.newest(petition)
    text = newest.get(language)
    if text is None:
        return MISSING
    if editing.Wording.of(text).missing:
        return HALF
    if text.is_hidden:
        return REVIEW
    source = newest.get(petition.source_language)
    if text.source_version is None or source is None or text.source_version == source.version:
        return APPROVED
    return STALE


def change_of_source(petition: Petition, language: str) -> list[Change]:
    """What changed in the source since the version that a translation was made from; empty where nothing did."""
    newest = editing.newest(petition)
    text, source = newest.get(language), newest.get(petition.source_language)
    if text is None or source is None or text.source_version in (None, source.version):
        return []
    before = next(
        (
            one
            for one in petition.texts
            if one.language == source.language and one.version == text.source_version
        ),
        None,
    )
    return changes(_fields(before) if before else {}, _fields(source))


def approve(
    session: Session,
    petition_id: int,
    language: str,
    *,
    seen: int,
    source_seen: int,
    account_id: int,
    now: datetime,
) -> None:
    """Say that a translation says what its source says, both as the approver saw them.

    Its first approval in a petition that has a page is what readers see it from.

    Raises InvalidError for one that is not whole or an original, StaleError where either moved on, NotFoundError.
    """
    petition = editing.get(session, petition_id)
    newest = editing.newest(petition)
    text, source = newest.get(language), newest.get(petition.source_language)
    if (
        text is None
        or source is None
        or text.source_version is None
        or editing.Wording.of(text).missing
    ):
        raise InvalidError("nothing to approve", field=language)
    if (text.version, source.version) != (seen, source_seen):
        raise StaleError("the text moved on")
    appears = text.is_hidden and petition.state != DRAFT
    moved = session.execute(
        sa.update(PetitionText)
        .where(PetitionText.id == text.id, PetitionText.version == seen)
        .values(
            approved_by=account_id,
            source_version=source.version,
            day=now.date() if appears else text.day,
        )
    )
    if cast("sa.CursorResult[object]", moved).rowcount != 1:
        raise StaleError("the text moved on")


@dataclass(frozen=True)
class Version:
    """One public version of a language, its number among those, and what changed in it."""

    number: int
    text: PetitionText
    changes: Sequence[Change]


def public_versions(petition: Petition, language: str) -> list[Version]:
    """The versions of a language that readers could sign, the newest first.

    Versions of a draft go when it opens, and a translation that nobody approved was never shown.
    """
    shown = [text for text in petition.texts if text.language == language and not text.is_hidden]
    before: Sequence[PetitionText | None] = [None, *shown]
    found = [
        Version(number, text, changes(_fields(last), _fields(text)) if last else [])
        for number, (last, text) in enumerate(zip(before, shown, strict=False), 1)
    ]
    return found[::-1]


def _fields(text: PetitionText) -> dict[str, str]:
    return {name: getattr(text, name) for name in FIELDS}


def signed_by_version(
    session: Session, petition_id: int, published: int | None = None
) -> cells.Cells:
    """How many signed which version, by its id, as staff may see it (C19).

    With the ``published`` total, as everyone may: together as many as that, so that they tell no newer one (C21). What
    is not told yet is missing where most signed.
    """
    count = sa.func.count().label("signed")
    rows = session.execute(
        sa.select(Signature.text_id, count)
        .where(Signature.petition_id == petition_id, guarding.counts())
        .group_by(Signature.text_id)
    )
    counts = {row.text_id: int(row.signed) for row in rows}
    untold = sum(counts.values()) - published if published is not None else 0
    for text_id, signed in sorted(counts.items(), key=lambda item: -item[1]):
        taken = min(untold, signed)
        counts[text_id] -= taken
        untold -= taken
    return cells.merged(counts)
