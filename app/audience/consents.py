"""The sentences people agree to, in numbered versions that never change (C13)."""

from __future__ import annotations

from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import ConsentWording

S = TypeVar("S", ConsentWording, int)


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
    return session.scalar(
        _newest_first(sa.select(ConsentWording), codes, sa.literal(seen, sa.Integer)).where(
            ConsentWording.purpose == purpose
        )
    )


def current_id(
    purpose: str, codes: tuple[str, ...], seen: sa.ColumnElement[int | None]
) -> sa.ScalarSelect[int]:
    """The id of what ``current`` finds, to stand in another statement: a form that comes back needs no more."""
    return (
        _newest_first(sa.select(ConsentWording.id), codes, seen)
        .where(ConsentWording.purpose == purpose)
        .scalar_subquery()
    )


def _newest_first(
    statement: sa.Select[S], codes: tuple[str, ...], seen: sa.ColumnElement[int | None]
) -> sa.Select[S]:
    place = {code: place for place, code in enumerate(dict.fromkeys(codes))}
    return (
        statement.where(sa.or_(*(ConsentWording.language == code for code in place)))
        .order_by(
            sa.case((ConsentWording.id == seen, 0), else_=1),
            sa.case(place, value=ConsentWording.language),
            ConsentWording.version.desc(),
        )
        .limit(1)
    )
