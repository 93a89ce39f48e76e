"""An issue as its readers will see it, and test mails to one's own address."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import catalogue, clock
from app.core.errors import NotFoundError
from app.newsletters import composing, issues, proofs, translating
from app.newsletters.models import Issue
from app.newsletters.newsroom_views import newsletters_staff, record, title_of
from app.newsletters.proofs import NoTestAddressError
from app.staff import gate
from app.web.context import config, reading, unit_of_work
from app.web.headers import as_document
from emails.errors import EmailsError
from emails.newsletter import render_newsletter
from emails.preview import preview as as_seen


@newsletters_staff.get("/newsletters/<int:row_id>/preview")
def preview(row_id: int) -> ResponseReturnValue:
    """The issue as its readers will see it."""
    with reading() as session:
        issue = issues.get(session, row_id)
        return render_template(
            "newsletters/staff_preview.html",
            issue=issue,
            title=title_of(issue),
            tab="preview",
            choices=choices_of(issue),
            subjects=_subjects(issue),
            has_address=gate.account().test_box is not None,
        )


@newsletters_staff.get("/newsletters/<int:row_id>/preview/<choice>")
def document(row_id: int, choice: str) -> ResponseReturnValue:
    """One letter as a document of its own, shut in by its own policy (C25)."""
    with reading() as session:
        issue = issues.get(session, row_id)
        languages = tuple(choice.split("-"))
        if languages not in choices_of(issue):
            raise NotFoundError("no such preview")
        try:
            rendered = render_newsletter(
                composing.editions(
                    session,
                    issue,
                    languages,
                    config=config(),
                    gettext=catalogue.gettext,
                    strict=False,
                ),
                organisation={code: config().organisation_name(code) for code in languages},
                gettext=catalogue.gettext,
            )
            html = as_seen(rendered, dark=request.args.get("scheme") == "dark")
        except EmailsError:
            html = render_template("newsletters/staff_unrenderable.html")
    return as_document(make_response(html))


@newsletters_staff.post("/newsletters/<int:row_id>/test")
def test(row_id: int) -> ResponseReturnValue:
    """Ask the worker for test mails to one's own address."""
    with reading() as session:
        known = choices_of(issues.get(session, row_id))
    wanted = [tuple(value.split("-")) for value in request.form.getlist("choice")]
    wanted = [choice for choice in dict.fromkeys(wanted) if choice in known]
    if not wanted:
        flash(_("Tick the letters that you want to get."), "bad")
        return redirect(url_for(".preview", row_id=row_id, _anchor="test"), 303)
    now = clock.now()
    try:
        with unit_of_work() as session:
            proofs.ask_for_test(
                session,
                row_id,
                gate.account(),
                wanted,
                quiet="quiet" in request.form,
                now=now,
            )
            record(session, "newsletter.tested", row_id, now)
    except NoTestAddressError:
        flash(_("Give and confirm an address for test mails first."), "bad")
    else:
        flash(_("The test mail is on its way to your own address."), "ok")
    return redirect(url_for(".preview", row_id=row_id, _anchor="test"), 303)


def choices_of(issue: Issue) -> list[tuple[str, ...]]:
    """The letters to look at: each language alone, then all in one mail in either order."""
    alone: list[tuple[str, ...]] = [(code,) for code in issue.languages]
    if len(issue.languages) < 2:
        return alone
    return [*alone, issue.languages, tuple(reversed(issue.languages))]


def _subjects(issue: Issue) -> dict[str, str]:
    """The subject in each language that has one."""
    subject = next(iter(issue.blocks), None)
    if subject is None:
        return {}
    found = {code: translating.text_in(subject, code) for code in issue.languages}
    return {code: text.heading for code, text in found.items() if text is not None}
