"""The newsroom's pages: the issues, the editor, previews, test mails, readers, and the check-list before sending."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session, selectinload

from app.audience.models import NEWSLETTER, UNIONS, MailingList
from app.core import clock
from app.core.cells import SMALLEST_CELL, merged
from app.core.errors import InvalidError, NotFoundError
from app.core.languages import in_order
from app.newsletters import checklist, issues, readers, sending, translating
from app.newsletters import preview_views as _previews  # noqa: F401 (its pages join the blueprint)
from app.newsletters import send_views as _sends  # noqa: F401 (its pages join the blueprint)
from app.newsletters.issues import IssueLockedError, OverwriteError
from app.newsletters.models import BLOCK_KINDS, DRAFT, Block, Issue
from app.newsletters.newsroom_views import newsletters_staff, record, title_of
from app.newsletters.staff_forms import EditorForm, block_id, number
from app.outbox.models import NEWSLETTER as NEWSLETTER_SEND
from app.outbox.models import Send
from app.petitions import queries
from app.staff import gate
from app.staff.roles import Permission
from app.web import language
from app.web.context import config, reading, unit_of_work

__all__ = ["newsletters_staff"]

LISTS: Final = (NEWSLETTER, UNIONS)


@dataclass(frozen=True)
class Chosen:
    """Readers as they stand in the form."""

    lists: Sequence[str]
    languages: Sequence[str]
    fall_back: bool


@newsletters_staff.get("/newsletters")
def listing() -> ResponseReturnValue:
    """Every issue, the newest first."""
    with reading() as session:
        found = session.scalars(
            sa.select(Issue)
            .order_by(Issue.number.desc())
            .options(selectinload(Issue.blocks).selectinload(Block.texts))
        ).all()
        sends = {
            send.subject: send
            for send in session.scalars(sa.select(Send).where(Send.purpose == NEWSLETTER_SEND))
        }
        return render_template(
            "newsletters/staff_list.html",
            issues=[(issue, title_of(issue), sends.get(str(issue.id))) for issue in found],
            locales=config().locales,
            approved_of=translating.approved_of,
        )


@newsletters_staff.post("/newsletters")
@gate.needs(Permission.WRITE)
def begin() -> ResponseReturnValue:
    """A new draft, in all languages of the site."""
    locales = config().locales
    source = request.form.get("source", "")
    if source not in locales:
        source = locales[0]
    now = clock.now()
    with unit_of_work() as session:
        issue = issues.draft(session, source_language=source, languages=locales, day=now.date())
        record(session, "newsletter.begun", issue.id, now)
        issue_id = issue.id
    return redirect(url_for(".editor", row_id=issue_id), 303)


@newsletters_staff.get("/newsletters/<int:row_id>")
def editor(row_id: int) -> ResponseReturnValue:
    """The blocks of a draft, two languages side by side."""
    with reading() as session:
        issue = issues.get(session, row_id)
        if issue.state != DRAFT:
            return redirect(url_for(".preview", row_id=row_id), 303)
        return _editor(session, issue, EditorForm(issue, _pair(issue)))


@newsletters_staff.post("/newsletters/<int:row_id>")
def save(row_id: int) -> ResponseReturnValue:
    """Keep what was typed, and do what the button says: add, move, remove, approve."""
    writes = gate.allows(Permission.WRITE)
    now = clock.now()
    with reading() as session:
        issue = issues.get(session, row_id)
    form = EditorForm(issue, _pair(issue))
    form.take(request.form, source_too=writes)
    if form.errors:
        return _again(row_id, form, 422)
    act, _colon, rest = request.form.get("do", "save").partition(":")
    try:
        with unit_of_work() as session:
            _save(session, row_id, form, act, rest)
            anchor = _structure(session, row_id, act, rest) if writes else None
            record(session, "newsletter.saved", row_id, now)
    except OverwriteError as error:
        with reading() as session:
            form.show_theirs(error.keys, issues.get(session, row_id))
        return _again(row_id, form, 409)
    except IssueLockedError:
        return _again(row_id, form, 409, locked=True)
    except InvalidError as error:
        return _again(row_id, form, 422, problem=_words(error))
    flash(_("Saved."), "ok")
    return redirect(
        url_for(".editor", row_id=row_id, pair=form.pair[-1], _anchor=anchor or None), 303
    )


@newsletters_staff.get("/newsletters/<int:row_id>/readers")
def audience(row_id: int) -> ResponseReturnValue:
    """For whom the issue is, and how many would get it now."""
    with reading() as session:
        return _audience(session, issues.get(session, row_id))


@newsletters_staff.post("/newsletters/<int:row_id>/readers")
@gate.needs(Permission.WRITE)
def choose(row_id: int) -> ResponseReturnValue:
    """Set lists, languages, and what happens where a translation is missing."""
    lists = [slug for slug in LISTS if slug in request.form.getlist("list")]
    languages = in_order(config().locales, request.form.getlist("language"))
    typed = Chosen(lists, languages, request.form.get("fall_back") == "yes")
    now = clock.now()
    try:
        with unit_of_work() as session:
            issues.choose(
                session,
                row_id,
                lists=typed.lists,
                languages=typed.languages,
                fall_back=typed.fall_back,
            )
            record(session, "newsletter.readers-chosen", row_id, now)
    except InvalidError as error:
        with reading() as session:
            issue = issues.get(session, row_id)
            return _audience(session, issue, typed=typed, wrong=error.field), 422
    flash(_("Saved."), "ok")
    return redirect(url_for(".audience", row_id=row_id), 303)


@newsletters_staff.get("/newsletters/<int:row_id>/send")
def ready(row_id: int) -> ResponseReturnValue:
    """The check-list before sending."""
    with reading() as session:
        issue = issues.get(session, row_id)
        send_id = _send_id(session, issue)
        if send_id is not None:
            return redirect(url_for(".progress", row_id=send_id), 303)
        return _ready(session, issue)


@newsletters_staff.post("/newsletters/<int:row_id>/send")
@gate.needs(Permission.SEND)
def schedule(row_id: int) -> ResponseReturnValue:
    """Put the issue on the road; the second of two clicks lands on the same page (R05)."""
    now = clock.now()
    try:
        with unit_of_work() as session:
            send = sending.schedule(
                session,
                row_id,
                gate.account().id,
                config(),
                now=now,
                seen=request.form.get("seen", ""),
            )
            record(session, "newsletter.scheduled", row_id, now)
            send_id = send.id
    except sending.AlreadyScheduledError:
        return redirect(url_for(".ready", row_id=row_id), 303)
    except sending.ChangedError:
        with reading() as session:
            return _ready(session, issues.get(session, row_id), changed=True), 409
    except sending.NotReadyError as error:
        with reading() as session:
            issue = issues.get(session, row_id)
            return _ready(session, issue, hindrances=error.hindrances), 422
    return redirect(url_for(".progress", row_id=send_id), 303)


def _save(session: Session, issue_id: int, form: EditorForm, act: str, rest: str) -> None:
    approving = None
    if act == "approve":
        hexed, _colon, code = rest.partition(":")
        found = block_id(hexed)
        if found is None or code not in form.pair:
            raise NotFoundError("no such text")
        approving = (found, code)
    issues.save(session, issue_id, form.typed(), approving=approving)
    if gate.allows(Permission.WRITE):
        issues.change_blocks(session, issue_id, form.changes())


def _structure(session: Session, issue_id: int, act: str, rest: str) -> str | None:
    """Do what concerns the blocks themselves; the block to show then."""
    if act == "add":
        made = issues.add_block(
            session,
            issue_id,
            request.form.get("kind", ""),
            petition_id=number(request.form.get("petition")),
        )
        return f"b-{made.hex}"
    found = block_id(rest.partition(":")[0])
    if found is None:
        return None
    if act in ("up", "down"):
        issues.move_block(session, issue_id, found, up=act == "up")
    if act == "remove":
        issues.remove_block(session, issue_id, found)
        return None
    return f"b-{found.hex}"


def _editor(
    session: Session, issue: Issue, form: EditorForm, *, locked: bool = False, problem: str = ""
) -> str:
    shown = queries.shown_petitions(session, language.current(), config().locales)
    source = issue.source_language
    return render_template(
        "newsletters/staff_editor.html",
        issue=issue,
        title=title_of(issue),
        tab="editor",
        form=form,
        pairs=translating.pairs(issue.languages, source),
        approved_of=translating.approved_of,
        state=lambda block, code: translating.state(block, code, source),
        change=lambda block, code: translating.change_of_source(block, code, source),
        unready=translating.unready(issue),
        petitions=[petition for petition in shown if petition.open],
        kinds=BLOCK_KINDS,
        writes=gate.allows(Permission.WRITE),
        locked=locked,
        problem=problem,
        previews=_beside(issue, form.pair),
    )


def _again(
    issue_id: int, form: EditorForm, status: int, *, locked: bool = False, problem: str = ""
) -> ResponseReturnValue:
    with reading() as session:
        issue = issues.get(session, issue_id)
        return _editor(session, issue, form, locked=locked, problem=problem), status


def _audience(
    session: Session, issue: Issue, *, typed: Chosen | None = None, wrong: str = ""
) -> str:
    found = readers.audience(session, issue, today=clock.today())
    lists = session.scalars(sa.select(MailingList).where(MailingList.slug.in_(LISTS))).all()
    return render_template(
        "newsletters/staff_audience.html",
        issue=issue,
        title=title_of(issue),
        tab="audience",
        audience=found,
        cells=merged(found.languages),
        reasons=merged(found.suppressed),
        few=SMALLEST_CELL,
        lists=sorted(lists, key=lambda one: LISTS.index(one.slug)),
        locales=config().locales,
        writes=gate.allows(Permission.WRITE) and issue.state == DRAFT,
        chosen=typed or Chosen(issue.lists, issue.languages, issue.fall_back),
        wrong=wrong,
    )


def _ready(
    session: Session,
    issue: Issue,
    *,
    hindrances: Sequence[checklist.Hindrance] | None = None,
    changed: bool = False,
) -> str:
    return render_template(
        "newsletters/staff_ready.html",
        issue=issue,
        title=title_of(issue),
        tab="ready",
        hindrances=checklist.hindrances(session, issue) if hindrances is None else hindrances,
        audience=readers.audience(session, issue, today=clock.today()),
        few=SMALLEST_CELL,
        stamp=checklist.stamp(issue),
        second=sending.senders(session) >= 2,
        may_send=gate.allows(Permission.SEND),
        undo_seconds=config().undo_seconds,
        changed=changed,
    )


def _pair(issue: Issue) -> tuple[str, ...]:
    """The pair that the address names by its second language, else the issue's first."""
    known = translating.pairs(issue.languages, issue.source_language)
    wanted = request.args.get("pair", "")
    pair = next((pair for pair in known if pair[-1] == wanted), known[0])
    # The page's own language stands first in reading direction where it is one of the two.
    return tuple(sorted(pair, key=lambda code: code != "fa"))


def _beside(issue: Issue, pair: Sequence[str]) -> list[tuple[str, tuple[str, ...], str]]:
    """Beside the editor: a phone, a desktop with both languages in one mail, and a phone in the dark."""
    first = (pair[0],)
    both = issue.languages if len(issue.languages) > 1 else first
    return [("phone", first, "light"), ("desk", both, "light"), ("phone", first, "dark")]


def _send_id(session: Session, issue: Issue) -> int | None:
    return session.scalar(
        sa.select(Send.id).where(Send.purpose == NEWSLETTER_SEND, Send.subject == str(issue.id))
    )


def _words(error: InvalidError) -> str:
    known = {
        "kind": _("An issue holds up to forty blocks, each of one of the four kinds."),
        "approve": _("There is no translation to approve yet; write it first."),
    }
    return str(known.get(error.field, _("This cannot be taken; please write it another way.")))
