"""Petitions in the workroom: the list, the editor with languages side by side, preview, opening and closing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from flask import Blueprint, flash, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.audience import wordings
from app.core import clock, languages
from app.core.errors import InvalidError, NotFoundError
from app.optin import pages
from app.petitions import (
    address_views,
    addressing,
    campaign,
    editing,
    picturing,
    queries,
    translating,
    typesetting,
)
from app.petitions import listing as petition_list
from app.petitions.forms import SignForm
from app.petitions.models import DRAFT, Petition, PetitionText
from app.petitions.staff_forms import (
    SettingsForm,
    TextForm,
    number_of,
    settings_form,
    show,
    text_form,
    words,
)
from app.staff import audit, gate
from app.staff.roles import Permission
from app.web import language
from app.web.context import config, reading, unit_of_work

petitions_staff = Blueprint(
    "petitions_staff", __name__, url_prefix=f"{language.STAFF_PREFIX}/petitions"
)
gate.close(petitions_staff, Permission.WRITE)

PREVIEW_POLICY: Final = (
    "sandbox allow-same-origin; default-src 'none'; style-src 'self'; font-src 'self'; "
    "img-src 'self' data:; frame-ancestors 'self'"
)
"""The page as the public sees it: no script, no form, no way out; its own style sheet needs its own origin."""


@petitions_staff.get("")
def listing() -> ResponseReturnValue:
    """All petitions with their totals."""
    with reading() as session:
        rows = petition_list.rows(session, config().locales)
    return render_template("petitions/staff_list.html", petitions=rows, locales=config().locales)


@petitions_staff.get("/new")
def new() -> ResponseReturnValue:
    """An empty petition."""
    return _editor(None, settings_form(None, config().locales), _text_forms(None))


@petitions_staff.post("/new")
def create() -> ResponseReturnValue:
    """Begin a petition with what was typed."""
    return _save(None)


@petitions_staff.get("/<int:row_id>")
def edit(row_id: int) -> ResponseReturnValue:
    """The editor."""
    petition = _petition(row_id)
    return _editor(petition, settings_form(petition, config().locales), _text_forms(petition))


@petitions_staff.post("/<int:row_id>")
def save(row_id: int) -> ResponseReturnValue:
    """Keep settings and texts; a text that changed becomes its next version."""
    return _save(row_id)


@petitions_staff.get("/<int:row_id>/preview/<code>")
def preview(row_id: int, code: str) -> ResponseReturnValue:
    """The page as the public will see it, with all that stands around the text, in a frame of its own."""
    if code not in config().locales:
        raise NotFoundError("no such language")
    petition = _petition(row_id)
    shown = queries.as_shown(petition, code, config().locales, hidden_too=True)
    if shown is None:
        raise NotFoundError("no text yet")
    if petition.state == DRAFT:
        shown = replace(shown, open=True)
    g.locale = code
    with force_locale(code), reading() as session:
        page = render_template(
            "petitions/petition.html",
            petition=shown,
            campaign=campaign.around(session, row_id, code, config().locales, day=clock.today()),
            picture=picturing.of_petition(session, row_id),
            picture_url=url_for(".picture_file", row_id=row_id),
            form=SignForm(),
            consent=pages.wording(session, wordings.SIGNATURE),
            printable=typesetting.available(),
            share=address_views.short_link(shown),
            days=config().request_days,
        )
    response = make_response(page)
    response.headers["Content-Security-Policy"] = PREVIEW_POLICY
    return response


@petitions_staff.get("/<int:row_id>/open")
@gate.needs(Permission.PUBLISH)
def before_opening(row_id: int) -> ResponseReturnValue:
    """What opening means, and what is still missing."""
    return _opening(_petition(row_id))


@petitions_staff.post("/<int:row_id>/open")
@gate.needs(Permission.PUBLISH)
def publish(row_id: int) -> ResponseReturnValue:
    """Open the petition for signatures."""
    now = clock.now()
    try:
        with unit_of_work() as session:
            editing.publish(session, row_id, now=now)
            audit.record(session, gate.account().id, "petition.opened", f"petition:{row_id}", now)
    except InvalidError as error:
        return _opening(_petition(row_id), problem=_why_not(error)), 422
    flash(_("The petition is open for signatures."), "ok")
    return redirect(url_for(".edit", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/close")
@gate.needs(Permission.PUBLISH)
def close(row_id: int) -> ResponseReturnValue:
    """Close the petition for good."""
    act(
        row_id,
        "petition.closed",
        lambda session: editing.close(session, row_id, now=clock.now()),
        _("The petition is closed. What was asked before still counts once it is proven."),
    )
    return redirect(url_for(".edit", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/approve/<code>")
@gate.needs(Permission.PUBLISH)
def approve(row_id: int, code: str) -> ResponseReturnValue:
    """Approve a translation as it was read, against its source as it was read."""
    if code not in config().locales:
        raise NotFoundError("no such language")
    act(
        row_id,
        "petition.approved",
        lambda session: translating.approve(
            session,
            row_id,
            code,
            seen=number_of(request.form.get("seen")),
            source_seen=number_of(request.form.get("source")),
            account_id=gate.account().id,
            now=clock.now(),
        ),
        _("%(language)s is approved.", language=languages.own_name(code)),
    )
    return redirect(url_for(".edit", row_id=row_id), 303)


def act(row_id: int, action: str, verb: Callable[[Session], object], done: str) -> None:
    """Do ``verb`` to a petition, write down in the same transaction who did it, and say that it is done.

    Raises what the verb raises; nothing is written down then.
    """
    with unit_of_work() as session:
        verb(session)
        audit.record(session, gate.account().id, action, f"petition:{row_id}", clock.now())
    flash(done, "ok")


def _save(row_id: int | None) -> ResponseReturnValue:
    petition = _petition(row_id) if row_id is not None else None
    settings = settings_form(petition, config().locales)
    texts = _text_forms(petition)
    if petition is not None and petition.state != DRAFT:
        settings.slug.data = petition.slug
        settings.source_language.data = petition.source_language
    if not settings.validate():
        return _editor(petition, settings, texts), 422
    wrong: SettingsForm | TextForm = settings
    saved: list[str] = []
    try:
        with unit_of_work() as session:
            petition_id = _keep_settings(session, row_id, settings)
            # The source first: a translation saved beside it is one of the new source.
            for code in sorted(texts, key=lambda code: code != settings.source_language.data):
                wrong = form = texts[code]
                saved += _keep_text(session, petition_id, code, form)
    except InvalidError as error:
        show(wrong, error)
        return _editor(petition, settings, texts), 422
    except editing.OverwriteError:
        return _overtaken(row_id, settings, texts)
    flash(_saved_words(saved), "ok")
    return redirect(url_for(".edit", row_id=petition_id), 303)


def _keep_settings(session: Session, row_id: int | None, form: SettingsForm) -> int:
    if row_id is None:
        made = editing.create(session, form.slug.data or "", form.settings())
        action, petition_id = "petition.created", made.id
    elif editing.change(session, row_id, form.settings(), form.slug.data):
        action, petition_id = "petition.changed", row_id
    else:
        return row_id
    audit.record(session, gate.account().id, action, f"petition:{petition_id}", clock.now())
    return petition_id


def _keep_text(session: Session, petition_id: int, code: str, form: TextForm) -> list[str]:
    now = clock.now()
    made = editing.write(
        session, petition_id, code, form.wording(), seen=form.version_seen, now=now
    )
    of, by = f"petition:{petition_id}", gate.account().id
    if made is not None:
        audit.record(session, by, "petition.wrote", of, now)
    petition = editing.get(session, petition_id)
    if addressing.give(session, petition, code, form.slug.data or ""):
        audit.record(session, by, "petition.addressed", of, now)
    return [code] if made is not None else []


def _overtaken(
    row_id: int | None, settings: SettingsForm, texts: dict[str, TextForm]
) -> ResponseReturnValue:
    """Somebody else saved first: show their text beside what was typed; the next press of Save decides."""
    petition = _petition(row_id) if row_id is not None else None
    newest = editing.newest(petition) if petition else {}
    theirs: dict[str, PetitionText] = {}
    for code, form in texts.items():
        last = newest.get(code)
        if last is not None and last.version != form.version_seen:
            theirs[code] = last
            form.seen.data = str(last.version)
    return _editor(petition, settings, texts, theirs=theirs), 409


def _saved_words(saved: list[str]) -> str:
    if not saved:
        return str(_("Saved."))
    names = ", ".join(languages.own_name(code) for code in saved)
    return str(_("Saved. New version in: %(languages)s.", languages=names))


def _petition(row_id: int) -> Petition:
    with reading() as session:
        return editing.get(session, row_id)


def _text_forms(petition: Petition | None) -> dict[str, TextForm]:
    newest = editing.newest(petition) if petition else {}
    return {code: text_form(code, newest.get(code), petition) for code in config().locales}


def _editor(
    petition: Petition | None,
    settings: SettingsForm,
    texts: dict[str, TextForm],
    *,
    theirs: dict[str, PetitionText] | None = None,
) -> str:
    newest = editing.newest(petition) if petition else {}
    return render_template(
        "petitions/staff_editor.html",
        petition=petition,
        settings=settings,
        texts=texts,
        newest={code: newest[code] for code in texts if code in newest},
        suggested={code: addressing.suggestion(text.title) for code, text in newest.items()},
        states={code: translating.state(petition, code) for code in texts} if petition else {},
        changed={code: translating.change_of_source(petition, code) for code in texts}
        if petition
        else {},
        theirs=theirs or {},
        wrong=bool(settings.errors) or any(form.errors for form in texts.values()),
        fields=translating.FIELDS,
    )


def _opening(petition: Petition, *, problem: str = "") -> str:
    newest = editing.newest(petition)
    return render_template(
        "petitions/staff_open.html",
        petition=petition,
        newest=newest,
        states={code: translating.state(petition, code) for code in config().locales},
        problem=problem,
    )


def _why_not(error: InvalidError) -> str:
    code = error.field.partition("-")[2]
    if code:
        return str(
            _(
                "The text in %(language)s is half written. Finish it, or empty all its fields.",
                language=languages.own_name(code),
            )
        )
    return words(error)
