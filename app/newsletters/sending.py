"""Sending an issue: who agrees, how it can be undone, and what the worker renders and fixes for it.

The web schedules; a second person agrees where two may send; sixty seconds pass in which it can be undone (C28).
The worker then renders one letter for each list, choice of languages and wish for quiet, and fixes the readers.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import catalogue
from app.core.errors import InvalidError, NotFoundError, StaleError
from app.newsletters import checklist, issues, letters, readers
from app.newsletters.checklist import Hindrance
from app.newsletters.composing import GapError, Gettext
from app.newsletters.models import DRAFT, SENDING, Issue
from app.newsletters.proofs import send_test
from app.outbox import freezing, posting, sends
from app.outbox.models import NEWSLETTER, UNAPPROVED, WAITING, Send
from app.staff import accounts, audit
from app.staff.models import Account
from app.staff.roles import Permission, holders, may
from config import Config
from emails.errors import EmailsError

__all__ = [
    "AlreadyScheduledError",
    "ChangedError",
    "NotReadyError",
    "TooLateError",
    "freeze",
    "issue_of",
    "prepare",
    "schedule",
    "schedule_as",
    "send_test",
    "senders",
    "undo",
]


class NotReadyError(InvalidError):
    """The issue cannot be sent as it is; ``hindrances`` say why."""

    def __init__(self, hindrances: Sequence[Hindrance]) -> None:
        super().__init__("the issue is not ready to be sent")
        self.hindrances = tuple(hindrances)


class AlreadyScheduledError(StaleError):
    """Another click, or another person, scheduled this issue first (R05)."""


class TooLateError(StaleError):
    """The seconds of undo are over, and the mail is on its way."""


class ChangedError(StaleError):
    """The issue was changed after the page that asked to send it was opened."""


def senders(session: Session) -> int:
    """How many active accounts may send; where there are two, one schedules and another agrees (C28)."""
    return (
        session.scalar(
            sa.select(sa.func.count())
            .select_from(Account)
            .where(Account.active, Account.role.in_(holders(Permission.SEND)))
        )
        or 0
    )


def schedule(
    session: Session,
    issue_id: int,
    account_id: int,
    config: Config,
    *,
    now: datetime,
    seen: str | None = None,
) -> Send:
    """Lock the issue and put its send on the road: to be approved where two may send, else with its undo running.

    Raises AlreadyScheduledError for the second of two clicks, ChangedError where ``seen`` is no longer the
    issue's stamp, NotReadyError with what is missing. The letter is rendered once on trial, so that the worker
    meets no surprise. The caller's unit of work commits.
    """
    taken = session.execute(
        sa.update(Issue)
        .where(Issue.id == issue_id, Issue.state == DRAFT)
        .values(state=SENDING, day=now.date())
        .execution_options(synchronize_session=False)
    )
    if cast("sa.CursorResult[object]", taken).rowcount != 1:
        issues.get(session, issue_id)
        raise AlreadyScheduledError("the issue was scheduled already")
    issue = issues.get(session, issue_id)
    if seen is not None and seen != checklist.stamp(issue):
        raise ChangedError("the issue was changed meanwhile")
    wanting = checklist.hindrances(session, issue) or _trial(session, issue, config)
    if wanting:
        raise NotReadyError(wanting)
    second = senders(session) >= 2
    send = posting.schedule(
        session,
        purpose=NEWSLETTER,
        subject=str(issue_id),
        begins_at=None if second else now + timedelta(seconds=config.undo_seconds),
        scheduled_by=account_id,
        state=UNAPPROVED if second else WAITING,
    )
    if send is None:
        raise AlreadyScheduledError("the issue was scheduled already")
    return send


def schedule_as(
    session: Session, issue_id: int, name: str, config: Config, *, now: datetime
) -> Send:
    """Schedule from the command line, for a colleague who may send; the second person agrees all the same.

    Raises NotFoundError where no active account of that name may send, and what ``schedule`` raises.
    """
    account = accounts.by_name(session, name)
    if account is None or not account.active or not may(account.role, Permission.SEND):
        raise NotFoundError("nobody of that name may send")
    send = schedule(session, issue_id, account.id, config, now=now)
    audit.record(session, account.id, "newsletter.scheduled", f"issue:{issue_id}", now)
    return send


def undo(session: Session, send_id: int, *, now: datetime) -> int:
    """Take a send back before its time: nothing has gone, and the issue is a draft again; returns the issue's id.

    Raises TooLateError once its seconds are over, or when another did it first.
    """
    issue_id = issue_of(session, send_id)
    if not sends.undo(session, send_id, now=now):
        raise TooLateError("the mail is on its way, or was taken back already")
    session.execute(
        sa.update(Issue)
        .where(Issue.id == issue_id)
        .values(state=DRAFT)
        .execution_options(synchronize_session=False)
    )
    return issue_id


def issue_of(session: Session, send_id: int) -> int:
    """The id of the issue that a newsletter's send carries. Raises NotFoundError for any other send."""
    subject = session.scalar(
        sa.select(Send.subject).where(Send.id == send_id, Send.purpose == NEWSLETTER)
    )
    if subject is None:
        raise NotFoundError("no such send")
    return int(subject.partition("#")[0])


def prepare(session: Session, desk: Desk, send: Send, config: Config, gettext: Gettext) -> None:
    """Worker: render the letters that the readers need, and note in the send which choice gets which.

    Done once; called again it changes nothing. Raises GapError if the issue has a gap, which scheduling forbids.
    """
    if "letters" in send.options:
        return
    issue = issues.get(session, int(send.subject))
    plan = []
    rendered: dict[tuple[str, tuple[str, ...], bool], int] = {}
    for slug, choice, quiet, languages in _needed(session, issue):
        key = (slug, languages, quiet)
        if key not in rendered:
            made = letters.render(
                session, issue, languages, config, gettext, slug=slug, quiet=quiet
            )
            rendered[key] = posting.add_letter(
                session,
                send,
                kind=slug[:16],
                languages=languages,
                quiet=quiet,
                skeleton=made.skeleton,
                sender=made.sender,
                base_url=made.base_url,
                key_id=desk.indexer.key_id,
            ).id
        plan.append([slug, list(choice), quiet, rendered[key]])
    send.options = {**send.options, "letters": plan, "lists": list(issue.lists), "fixed": []}
    session.flush()


def freeze(session: Session, send: Send) -> bool:
    """Worker: fix the readers, list by list; True once all are. May be cut anywhere and called again."""
    plan = send.options["letters"]
    readable = [tuple(choice) for _, choice, _, _ in plan]
    for slug in send.options["lists"]:
        if slug in send.options["fixed"]:
            continue
        ids = {
            (tuple(choice), quiet): letter_id for of, choice, quiet, letter_id in plan if of == slug
        }
        chosen = readers.recipients(send.options["lists"], readable, of=slug)
        if ids and not freezing.freeze(session, send, ids, chosen):
            return False
        kept: dict[str, Any] = {k: v for k, v in send.options.items() if k != "freeze"}
        send.options = {**kept, "fixed": [*kept["fixed"], slug]}
        session.flush()
    return True


def _trial(session: Session, issue: Issue, config: Config) -> list[Hindrance]:
    """Render the issue in all its languages; what the mail room refuses is a hindrance."""
    try:
        for quiet in (False, True):
            letters.render(
                session,
                issue,
                issue.languages,
                config,
                catalogue.gettext,
                slug=issue.lists[0],
                quiet=quiet,
            )
    except (GapError, EmailsError):
        return [Hindrance("render")]
    return []


def _needed(
    session: Session, issue: Issue
) -> list[tuple[str, tuple[str, ...], bool, tuple[str, ...]]]:
    """List, choice, quiet and the languages that meet it, for every kind of reader there is."""
    met = readers.choices(session, issue)
    chosen = readers.recipients(issue.lists, met).subquery("chosen")
    rows = session.execute(
        sa.select(chosen.c.slug, chosen.c.languages, chosen.c.quiet)
        .distinct()
        .order_by(chosen.c.slug, chosen.c.languages, chosen.c.quiet)
    )
    return [(row.slug, row.languages, row.quiet, met[row.languages]) for row in rows]
