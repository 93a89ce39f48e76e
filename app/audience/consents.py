"""The sentences people agree to, in numbered versions that never change (C13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import ConsentWording

Sentence = sa.Row[int, str, int]
"""Of a wording its id, its language and its version."""
S = TypeVar("S", ConsentWording, Sentence)


def publish(session: Session, purpose: str, language: str, text: str) -> ConsentWording:
    """Make ``text`` the current wording; a new version only where it differs from the last."""
    last = current(session, purpose, language)
    if last is not None and last.text == text:
        return last
    wording = ConsentWording(
        purpose=purpose, language=language, version=last.version + 1 if last else 1, text=text
    )
    session.add(wording)
    session.flush()
    return wording


def current(
    session: Session, purpose: str, *codes: str, seen: int | None = None
) -> ConsentWording | None:
    """The wording shown today for a purpose, in the first of these languages that has one.

    ``seen`` is the id of the one that a page showed: where it is one of these, it goes before a newer one.
    """
    wordings = sa.select(ConsentWording).where(
        ConsentWording.purpose == purpose, ConsentWording.language.in_(codes)
    )
    return newest(session.scalars(wordings), codes, seen=seen)


def published(session: Session, purpose: str) -> Sequence[Sentence]:
    """Every wording of a purpose there ever was, without its words."""
    return session.execute(
        sa.select(ConsentWording.id, ConsentWording.language, ConsentWording.version).where(
            ConsentWording.purpose == purpose
        )
    ).all()


def newest(sentences: Iterable[S], codes: Sequence[str], *, seen: int | None = None) -> S | None:
    """What ``current`` finds, among ``sentences``."""
    return min(
        (sentence for sentence in sentences if sentence.language in codes),
        key=lambda one: (one.id != seen, codes.index(one.language), -one.version),
        default=None,
    )
