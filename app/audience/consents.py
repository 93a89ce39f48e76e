"""The sentences people agree to, in numbered versions that never change (C13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import ConsentWording

Sentence = sa.Row[int, str, int]
"""Of a wording its id, its language and its version."""


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
    place = {code: place for place, code in enumerate(dict.fromkeys(codes))}
    return session.scalar(
        sa.select(ConsentWording)
        .where(ConsentWording.purpose == purpose, ConsentWording.language.in_(place))
        .order_by(
            sa.case((ConsentWording.id == sa.literal(seen, sa.Integer), 0), else_=1),
            sa.case(place, value=ConsentWording.language),
            ConsentWording.version.desc(),
        )
        .limit(1)
    )


def published(session: Session, purpose: str) -> Sequence[Sentence]:
    """Every wording of a purpose there ever was, without its words."""
    return session.execute(
        sa.select(ConsentWording.id, ConsentWording.language, ConsentWording.version).where(
            ConsentWording.purpose == purpose
        )
    ).all()


def newest(sentences: Iterable[Sentence], codes: Sequence[str]) -> Sentence | None:
    """What ``current`` finds, among ``sentences``."""
    known = sorted(
        (sentence for sentence in sentences if sentence.language in codes),
        key=lambda sentence: (codes.index(sentence.language), -sentence.version),
    )
    return next(iter(known), None)
