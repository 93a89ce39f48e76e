"""The sentences people agree to, in numbered versions that never change (C13)."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import ConsentWording


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


def current(session: Session, purpose: str, language: str) -> ConsentWording | None:
    """The wording shown today for a purpose in a language."""
    return session.scalar(
        sa.select(ConsentWording)
        .where(ConsentWording.purpose == purpose, ConsentWording.language == language)
        .order_by(ConsentWording.version.desc())
        .limit(1)
    )


_CURRENT_ID: Final = (
    sa.select(ConsentWording.id)
    .where(
        ConsentWording.purpose == sa.bindparam("purpose"),
        ConsentWording.language == sa.bindparam("language"),
    )
    .order_by(ConsentWording.version.desc())
    .limit(1)
)


def current_id(session: Session, purpose: str, language: str) -> int | None:
    """The id of the wording shown today, for a form that comes back: no more is read than it needs."""
    return session.connection().scalar(_CURRENT_ID, {"purpose": purpose, "language": language})
