"""Answering requests: the worker opens the box, asks caps and suppressions, and posts the mail or none (C01).

Every column is filled alike, mail or no mail; nothing tells the web process which it was.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import caps
from app.audience.queries import may_be_asked, noted_choices
from app.audience.subscriptions import Desk, contact_of
from app.core import addresses, ids, tokens
from app.core.addresses import Address
from app.core.errors import InvalidError, MisplacedBoxError
from app.optin.letters import Letters, kind_of
from app.optin.models import ANSWERED, ASKED, LIFT, PREFERENCES, PROVEN, Request
from app.outbox import posting
from app.outbox.models import INVITATION
from app.outbox.posting import Mail
from app.staff import audit
from config import Config

log = logging.getLogger(__name__)

BATCH = 100


def waiting(session: Session, *, limit: int = BATCH) -> Sequence[Request]:
    """Requests that want a first mail or one more; locked, so that two workers never answer one twice."""
    return session.scalars(
        sa.select(Request)
        .where(
            sa.or_(
                Request.state == ASKED,
                sa.and_(Request.state == ANSWERED, Request.answered < Request.mails),
            )
        )
        .order_by(Request.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def answer(session: Session, desk: Desk, letters: Letters, config: Config, *, now: datetime) -> int:
    """Answer a batch of requests; returns how many. All mails of a batch are posted in one transaction."""
    requests = waiting(session)
    mails = []
    for request in requests:
        try:
            with session.begin_nested():
                mail = _answer(session, desk, letters, config, request, now)
        except sa.exc.SQLAlchemyError:
            raise
        except Exception as error:  # noqa: BLE001 (one odd request must not hold up the others)
            _set_aside(session, desk, request, type(error).__name__, now)
            continue
        if mail is not None:
            mails.append(mail)
    posting.post(session, desk, mails, now=now)
    return len(requests)


def _set_aside(session: Session, desk: Desk, request: Request, reason: str, now: datetime) -> None:
    """Answer a request without a mail, since its mail cannot be made; staff see it in the audit."""
    log.error("a request could not be answered: %s", reason)
    audit.record(session, None, "request-failed", f"request:{request.purpose}", now)
    request.key_id = request.key_id or desk.indexer.key_id
    request.state = ANSWERED
    request.answered = request.mails


def _answer(
    session: Session, desk: Desk, letters: Letters, config: Config, request: Request, now: datetime
) -> Mail | None:
    address, fields = _opened(session, desk, request, now)
    link = _fill(session, desk, config, request, address, now)
    if address is None or not _may_go(
        session, desk, config, address, now, outreach=kind_of(request.purpose) == INVITATION
    ):
        return None
    kind = kind_of(request.purpose)
    letter = letters.letter(
        session,
        kind,
        request.language,
        organisation=str(fields.get("organisation", "")),
        by=str(fields.get("invited_by", "")),
    )
    host = f"{letters.base_url(kind)}/{request.language}"
    key_id = request.key_id or desk.indexer.key_id
    return Mail(
        letter=letter,
        recipient=request.id,
        round=request.answered - 1,
        address=address,
        holes={
            "link": f"{host}/c/{link}",
            "code": desk.secrets.code(request.id, key_id),
            "number": ids.number(request.id),
            "never_write": f"{host}/never/",
        },
        never_write=True,
    )


def _opened(
    session: Session, desk: Desk, request: Request, now: datetime
) -> tuple[Address | None, dict[str, Any]]:
    """Who asked; nobody for a box that does not belong here, which is reported (C03)."""
    try:
        fields = desk.opener.open("request", request.id, request.box)
        if fields.get("subject") != request.subject:
            raise MisplacedBoxError("the box names another subject")
        return addresses.parse(str(fields["address"])), fields
    except (MisplacedBoxError, InvalidError, KeyError) as error:
        log.error("a request was refused: %s", type(error).__name__)
        audit.record(session, None, "box-refused", f"request:{request.purpose}", now)
        return None, {}


def _fill(
    session: Session,
    desk: Desk,
    config: Config,
    request: Request,
    address: Address | None,
    now: datetime,
) -> str:
    """Fill every column alike and return the link's secret; a resend keeps what the first mail carried."""
    key_id = request.key_id or desk.indexer.key_id
    link = desk.secrets.token(tokens.LINK, request.id, key_id)
    request.key_id = key_id
    request.link_hash = tokens.fingerprint(link)
    request.code_hash = tokens.code_fingerprint(request.id, desk.secrets.code(request.id, key_id))
    contact = contact_of(session, desk, address) if address is not None else None
    if request.purpose == PREFERENCES:
        request.noted = noted_choices(session, contact)
    if request.state == ASKED:
        request.code_expires_at = now + timedelta(minutes=config.code_minutes)
        request.expires_at = _expiry(request, config, now)
    request.state = ANSWERED
    request.answered += 1
    return link


def _may_go(
    session: Session,
    desk: Desk,
    config: Config,
    address: Address,
    now: datetime,
    *,
    outreach: bool,
) -> bool:
    indexes = list(desk.indexer.every_index(address))
    if not may_be_asked(session, indexes, today=now.date(), outreach=outreach):
        return False
    return caps.take(
        session,
        indexes,
        a_day=config.mails_a_day,
        a_month=config.mails_a_month,
        today=now.date(),
    )


def mail_accepted(
    session: Session, request_ids: Sequence[UUID], now: datetime, *, config: Config
) -> None:
    """A server took these confirmations: code and request live from now (C11, C16)."""
    for request in session.scalars(
        sa.select(Request).where(Request.id.in_(request_ids), Request.state == ANSWERED)
    ):
        request.code_expires_at = now + timedelta(minutes=config.code_minutes)
        request.expires_at = _expiry(request, config, now)


def _expiry(request: Request, config: Config, now: datetime) -> datetime:
    """So many hours from now; never later than the days in all, of which the first counts as a whole."""
    at_most = datetime.combine(request.day, time(), UTC) + timedelta(days=config.request_days)
    return min(now + timedelta(hours=config.unproven_hours), at_most)


def due(*, today: date) -> sa.ColumnElement[bool]:
    """SQL: whether a proven request may be carried out by now.

    Staff's order to lift a suppression waits for the next day: one who watches the figures of an issue's readers
    then cannot see at once whether the address was among them (C19).
    """
    return sa.or_(Request.purpose != LIFT, Request.day < today)


def proven(session: Session, *, today: date, limit: int = BATCH) -> Sequence[Request]:
    """Requests that were proven and are to be carried out now; locked like those that wait for a mail."""
    return session.scalars(
        sa.select(Request)
        .where(Request.state == PROVEN, due(today=today))
        .order_by(Request.expires_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()


def forget_expired(session: Session, *, now: datetime) -> None:
    """Erase what nobody proved in time, and what could not be carried out (C16).

    A proven one waits for the worker, however late.
    """
    session.execute(sa.delete(Request).where(Request.state != PROVEN, Request.expires_at <= now))
