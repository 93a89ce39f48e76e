"""The pages of sends: the list, how one stands, and what people do to it: agree, undo, pause, resume, send again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from flask import flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import NotFoundError, StaleError
from app.newsletters import progress as standings
from app.newsletters import sending
from app.newsletters.models import Issue
from app.newsletters.newsroom_views import newsletters_staff, record
from app.newsletters.progress import Standing, standing
from app.outbox import sends as road
from app.outbox.models import NEWSLETTER, STATES, UNAPPROVED, Send
from app.staff import gate
from app.staff.models import Account
from app.staff.roles import Permission
from app.web.context import config, reading, unit_of_work

Act = Callable[[Session, int, datetime], bool]


@newsletters_staff.get("/sends")
def sends() -> ResponseReturnValue:
    """Every send of an issue, the newest first."""
    now = clock.now()
    with reading() as session:
        ids = session.scalars(
            sa.select(Send.id).where(Send.purpose == NEWSLETTER).order_by(Send.id.desc())
        ).all()
        found = [standing(session, send_id, now=now) for send_id in ids]
        numbers = _numbers(session, found)
        return render_template("newsletters/staff_sends.html", sends=found, numbers=numbers)


@newsletters_staff.get("/sends/<int:row_id>")
def progress(row_id: int) -> ResponseReturnValue:
    """How a send stands; a small script moves it, a link reloads it."""
    with reading() as session:
        return _page(session, row_id)


@newsletters_staff.get("/sends/<int:row_id>.json")
def progress_json(row_id: int) -> ResponseReturnValue:
    """What the script asks for: the figures, and the part of the page that shows them."""
    with reading() as session:
        found = standing(session, row_id, now=clock.now())
    return jsonify(
        state=found.state,
        moving=found.moving,
        total=found.total,
        counts={state: found.counts[state] for state in STATES},
        rate=found.rate,
        minutes_left=found.minutes_left,
        unknown=found.unknown,
        html=render_template("newsletters/staff_standing.html", standing=found),
    )


@newsletters_staff.post("/sends/<int:row_id>")
@gate.needs(Permission.SEND)
def act(row_id: int) -> ResponseReturnValue:
    """Do what the button says, once; who comes second is told so."""
    name = request.form.get("do", "")
    if name not in ACTS:
        raise NotFoundError("no such act")
    action, done = ACTS[name]
    now = clock.now()
    try:
        with unit_of_work() as session:
            issue_id = sending.issue_of(session, row_id)
            if not action(session, row_id, now):
                raise StaleError("another got there first")
            record(session, f"send.{done}", issue_id, now)
    except StaleError:
        with reading() as session:
            return _page(session, row_id, late=True), 409
    if name == "undo":
        flash(_("The send is taken back. Nothing went out, and the issue is a draft again."), "ok")
        return redirect(url_for("newsletters_staff.editor", row_id=issue_id), 303)
    return redirect(url_for(".progress", row_id=row_id), 303)


def _page(session: Session, send_id: int, *, late: bool = False) -> str:
    found = standing(session, send_id, now=clock.now())
    issue = session.get_one(Issue, found.issue_id)
    wanted = [found.scheduled_by, found.approved_by]
    rows = session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(wanted)))
    people = {row.id: row.name for row in rows}
    me = gate.account().id
    return render_template(
        "newsletters/staff_progress.html",
        standing=found,
        issue=issue,
        people=people,
        may_send=gate.allows(Permission.SEND),
        may_approve=gate.allows(Permission.SEND) and me != found.scheduled_by,
        own=me == found.scheduled_by,
        unapproved=found.state == UNAPPROVED,
        undo_seconds=config().undo_seconds,
        over=standings.is_over(found.state),
        late=late,
    )


def _numbers(session: Session, found: list[Standing]) -> Mapping[int, int]:
    wanted = [one.issue_id for one in found]
    rows = session.execute(sa.select(Issue.id, Issue.number).where(Issue.id.in_(wanted)))
    return {row.id: row.number for row in rows}


def _approve(session: Session, send_id: int, now: datetime) -> bool:
    return road.approve(
        session,
        send_id,
        gate.account().id,
        now=now,
        undo_seconds=config().undo_seconds,
    )


def _undo(session: Session, send_id: int, now: datetime) -> bool:
    sending.undo(session, send_id, now=now)
    return True


ACTS: Final[Mapping[str, tuple[Act, str]]] = {
    "approve": (_approve, "approved"),
    "undo": (_undo, "undone"),
    "pause": (lambda session, send_id, _now: road.pause(session, send_id), "paused"),
    "resume": (lambda session, send_id, _now: road.resume(session, send_id), "resumed"),
    "again": (
        lambda session, send_id, _now: road.send_again(session, send_id) > 0,
        "sent-again",
    ),
    "leave": (
        lambda session, send_id, now: standings.leave_unknown(session, send_id, now=now) > 0,
        "unknown-left",
    ),
}
