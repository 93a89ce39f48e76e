"""Asking and proving, as the web process does it: without keys, and alike for everyone (C01, C09-C12).

Every function takes the caller's session and leaves the commit to the unit of work. None tells whether an
address is known: the web cannot know.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import tokens, wake
from app.core.database import wake_after_commit
from app.optin.models import ANSWERED, ASKED, MAX_MAILS, MAX_TRIES, ORDERS, PROVEN, Request

_ASK: Final = sa.insert(cast("sa.Table", Request.__table__))
"""Every visitor's one row: the ORM's way to it takes twice as long."""


def ask(
    session: Session,
    request_id: UUID,
    purpose: str,
    subject: str,
    box: bytes,
    *,
    language: str,
    now: datetime,
    keep_days: int,
) -> None:
    """Write down a wish, sealed, and wake the worker after the commit.

    ``box`` holds the address, the subject once more, and what the first form consented to; it is sealed for
    ``request_id``.
    """
    session.connection().execute(
        _ASK,
        {
            "id": request_id,
            "purpose": purpose,
            "subject": subject,
            "language": language,
            "day": now.date(),
            "state": ASKED,
            "expires_at": now + timedelta(days=keep_days),
            "box": box,
        },
    )
    wake_after_commit(session, wake.REQUESTS)


def order(
    session: Session,
    request_id: UUID,
    purpose: str,
    box: bytes,
    *,
    language: str,
    now: datetime,
    keep_days: int,
) -> None:
    """What staff order about an address that they typed: sealed like a wish, carried out without a mail.

    The page answers the same for every address, known or not (C19). ``purpose`` is one of ORDERS.
    """
    if purpose not in ORDERS:
        raise ValueError("no such order")
    ask(session, request_id, purpose, purpose, box, language=language, now=now, keep_days=keep_days)
    session.flush()
    session.execute(
        sa.update(Request)
        .where(Request.id == request_id, Request.purpose == purpose)
        .values(state=PROVEN)
    )


def resend(session: Session, request_id: UUID, purpose: str) -> None:
    """Ask for the same mail once more: same link, same code, spent tries stay spent (C11).

    Nothing happens while the last mail is still to be dealt with, after the third, or for an unknown id; the
    page is the same.
    """
    session.execute(
        sa.update(Request)
        .where(
            Request.id == request_id,
            Request.purpose == purpose,
            Request.state == ANSWERED,
            Request.mails == Request.answered,
            Request.mails < MAX_MAILS,
        )
        .values(mails=Request.mails + 1)
    )
    wake_after_commit(session, wake.REQUESTS)


def prove_by_code(
    session: Session,
    request_id: UUID,
    purpose: str,
    code: str,
    choices: bytes,
    *,
    now: datetime,
    subject: str | None = None,
) -> bool:
    """Prove a request by the mailed code, with the choices made beside it; False tells nothing of why not.

    ``subject`` is what the page is about, where its address says so: another petition's request is refused there,
    since its choices were not the ones that were read. Each call spends one of five tries in one statement, so that no two at once share a try. Wrong, spent,
    expired and never sent run the same two statements.
    """
    same = [Request.id == request_id, Request.purpose == purpose]
    if subject is not None:
        same.append(Request.subject == subject)
    spent = session.execute(
        sa.update(Request).where(*same, Request.tries < MAX_TRIES).values(tries=Request.tries + 1)
    )
    allowed = cast("sa.CursorResult[object]", spent).rowcount == 1
    typed = tokens.code_fingerprint(request_id, tokens.typed_code(code)) if allowed else b""
    return _prove(
        session,
        choices,
        *same,
        Request.code_hash == typed,
        Request.code_expires_at > now,
        Request.expires_at > now,
    )


def prove_by_link(session: Session, token: str, choices: bytes, *, now: datetime) -> bool:
    """Prove a request by its link's button; False for a used, expired or false link."""
    return _prove(
        session, choices, Request.link_hash == tokens.fingerprint(token), Request.expires_at > now
    )


def behind_link(session: Session, token: str, *, now: datetime) -> Request | None:
    """What a live link asks for; None alike for a used, an expired and a false one. Changes nothing (C10)."""
    return session.scalar(
        sa.select(Request).where(
            Request.link_hash == tokens.fingerprint(token),
            Request.state == ANSWERED,
            Request.expires_at > now,
        )
    )


def _prove(session: Session, choices: bytes, *conditions: sa.ColumnElement[bool]) -> bool:
    proven = session.execute(
        sa.update(Request)
        .where(*conditions, Request.state == ANSWERED)
        .values(state=PROVEN, choices=choices)
    )
    wake_after_commit(session, wake.REQUESTS)
    return cast("sa.CursorResult[object]", proven).rowcount == 1
