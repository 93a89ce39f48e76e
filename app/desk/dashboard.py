"""What the dashboard shows: first what needs somebody, then figures; never fewer than 20 people (C19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.audience.models import MailingList, Subscription
from app.core.cells import merged
from app.newsletters import models as newsletters
from app.newsletters.models import Issue
from app.optin import answering
from app.optin.models import ASKED, PROVEN, Request
from app.outbox import models as outbox
from app.outbox import sends
from app.outbox.models import Send, Slice
from app.petitions.queries import FEW
from app.staff.models import AuditEntry

SILENT_AFTER: Final = timedelta(seconds=10)
DESTINATION_PAUSED: Final = "destination-paused"
PAUSE_TOLD_FOR: Final = timedelta(days=1)
UNDER_WAY: Final = (outbox.WAITING, outbox.FREEZING, outbox.RUNNING, outbox.PAUSED)


@dataclass(frozen=True)
class People:
    """How many people, as staff may see it: None stands for "fewer than 20", nobody is told from few."""

    shown: int | None

    @classmethod
    def of(cls, count: int) -> People:
        return cls(count if count >= FEW else None)


@dataclass(frozen=True)
class Waiting:
    """Requests that the worker has not dealt with. ``count`` is for the command line, ``people`` for pages."""

    count: int
    since: datetime | None

    @property
    def people(self) -> People:
        return People.of(self.count)


@dataclass(frozen=True)
class OpenSend:
    """A send under way; its totals are exact (C19)."""

    id: int
    subject: str
    state: str
    scheduled_by: int | None
    begins_at: datetime | None
    counts: Mapping[str, int]
    stuck: bool = False
    """Its letters cannot be made; it tries again each minute, and can be taken back."""

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        return self.total - self.counts[outbox.QUEUED] - self.counts[outbox.DEFERRED]


def waiting_requests(session: Session, *, request_days: int, today: date) -> Waiting:
    """How many requests wait for the worker, and since when the oldest.

    A new request's moment follows from its expiry. A proven one's does not, and it keeps no other (C07): where
    only such wait, the day is all there is to tell.
    """
    count = session.scalar(
        sa.select(sa.func.count())
        .select_from(Request)
        .where(
            sa.or_(
                Request.state == ASKED,
                sa.and_(Request.state == PROVEN, answering.due(today=today)),
                Request.mails > Request.answered,
            )
        )
    )
    oldest = session.scalar(
        sa.select(sa.func.min(Request.expires_at)).where(Request.state == ASKED)
    )
    since = oldest - timedelta(days=request_days) if oldest else None
    return Waiting(count or 0, since)


def open_sends(session: Session) -> list[OpenSend]:
    """Newsletters that wait for their moment, run or are paused."""
    return _sends(session, Send.state.in_(UNDER_WAY), Send.purpose == outbox.NEWSLETTER)


def unapproved_sends(session: Session) -> list[OpenSend]:
    """Sends that wait for a second person (C28)."""
    return _sends(session, Send.state == outbox.UNAPPROVED)


def drafts(session: Session) -> Sequence[Issue]:
    """Issues that are still written, the newest first."""
    return session.scalars(
        sa.select(Issue)
        .where(Issue.state == newsletters.DRAFT)
        .options(selectinload(Issue.blocks).selectinload(newsletters.Block.texts))
        .order_by(Issue.number.desc())
    ).all()


def issue_numbers(session: Session, issue_ids: Sequence[int]) -> dict[int, int]:
    """The numbers that readers know issues by."""
    rows = session.execute(sa.select(Issue.id, Issue.number).where(Issue.id.in_(issue_ids)))
    return {row.id: row.number for row in rows}


def paused_destinations(session: Session, *, now: datetime) -> Sequence[str]:
    """Mail providers that refused us by policy lately, so that mail to them rests (M10)."""
    return session.scalars(
        sa.select(AuditEntry.subject)
        .where(AuditEntry.action == DESTINATION_PAUSED, AuditEntry.at > now - PAUSE_TOLD_FOR)
        .distinct()
        .order_by(AuditEntry.subject)
    ).all()


def subscribers(session: Session) -> list[tuple[MailingList, People, list[tuple[str, int]]]]:
    """Each list with its subscribers, and its language choices that 20 or more made; the rest is "other"."""
    rows = session.execute(
        sa.select(Subscription.list_id, Subscription.languages, sa.func.count())
        .group_by(Subscription.list_id, Subscription.languages)
        .order_by(sa.func.count().desc(), Subscription.languages)
    ).all()
    result = []
    for mailing_list in session.scalars(sa.select(MailingList).order_by(MailingList.id)):
        choices = [(codes, count) for list_id, codes, count in rows if list_id == mailing_list.id]
        total = sum(count for _, count in choices)
        result.append((mailing_list, People.of(total), _cells(choices)))
    return result


def _cells(choices: Sequence[tuple[Sequence[str], int]]) -> list[tuple[str, int]]:
    cells = merged({",".join(codes): count for codes, count in choices})
    return [*cells.shown.items(), *([("", cells.other)] if cells.other >= FEW else [])]


def _sends(session: Session, *where: sa.ColumnElement[bool]) -> list[OpenSend]:
    counters = [sa.func.coalesce(sa.func.sum(getattr(Slice, state)), 0) for state in outbox.STATES]
    rows = session.execute(
        sa.select(Send, *counters)
        .outerjoin(Slice, Slice.send_id == Send.id)
        .where(*where)
        .group_by(Send.id)
        .order_by(Send.id.desc())
    ).all()
    return [
        OpenSend(
            id=send.id,
            subject=send.subject,
            state=send.state,
            scheduled_by=send.scheduled_by,
            begins_at=send.begins_at,
            stuck=bool(send.options.get(sends.STUCK)),
            counts=dict(zip(outbox.STATES, (int(count) for count in counts), strict=True)),
        )
        for send, *counts in rows
    ]
