"""The workroom's page of a petition's campaign: updates, endorsements, signatures on paper."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core import clock, languages
from app.core.errors import InvalidError
from app.organisations import records
from app.organisations.models import Organisation
from app.petitions import campaigning, editing, endorsing, queries, translating
from app.petitions.campaign_forms import (
    KINDS,
    EndorsementForm,
    PaperForm,
    UpdateForm,
    UpdateTextForm,
    show,
    text_forms,
    texts_of,
)
from app.petitions.campaign_models import PetitionUpdate
from app.petitions.staff_views import act, petitions_staff
from app.staff import gate
from app.staff.roles import Permission
from app.web import language
from app.web.context import config, reading


@petitions_staff.get("/<int:row_id>/campaign")
def campaign(row_id: int) -> ResponseReturnValue:
    """Everything around a petition; ``?update=`` opens one of its updates."""
    update = None
    if request.args.get("update", "").isdecimal():
        with reading() as session:
            update = campaigning.update_of(session, row_id, int(request.args["update"]))
    return _page(row_id, update=update)


@petitions_staff.post("/<int:row_id>/updates")
def save_update(row_id: int) -> ResponseReturnValue:
    """Keep an update, as a draft or as it is shown."""
    typed = request.args.get("update", "")
    update_id = int(typed) if typed.isdecimal() else None
    form, texts = UpdateForm(), text_forms(config().locales, None)
    if not form.validate():
        return _page(row_id, update_form=form, texts=texts), 422
    try:
        _act(
            row_id,
            "petition.wrote-update",
            lambda session: campaigning.save_update(
                session, row_id, str(form.kind.data), texts_of(texts), update_id=update_id
            ),
        )
    except InvalidError as error:
        wrong = texts.get(error.field.partition("-")[2]) or next(iter(texts.values()))
        show(wrong, error)
        return _page(row_id, update_form=form, texts=texts), 422
    return redirect(url_for(".campaign", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/updates/<int:update_id>/publish")
@gate.needs(Permission.PUBLISH)
def publish_update(row_id: int, update_id: int) -> ResponseReturnValue:
    """Show it from today on."""
    _act(
        row_id,
        "petition.published-update",
        lambda session: campaigning.publish_update(session, row_id, update_id, day=clock.today()),
    )
    return redirect(url_for(".campaign", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/updates/<int:update_id>/remove")
@gate.needs(Permission.PUBLISH)
def remove_update(row_id: int, update_id: int) -> ResponseReturnValue:
    """Take it away."""
    _act(
        row_id,
        "petition.removed-update",
        lambda session: campaigning.remove_update(session, row_id, update_id),
    )
    return redirect(url_for(".campaign", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/endorsements")
@gate.needs(Permission.PUBLISH)
def endorse(row_id: int) -> ResponseReturnValue:
    """Enter an organisation's endorsement with its proof."""
    form = EndorsementForm()
    with reading() as session:
        form.offer(_organisations(session), config().locales)
    if not form.validate():
        return _page(row_id, endorsement=form), 422
    try:
        _act(
            row_id,
            "petition.endorsed",
            lambda session: campaigning.endorse(
                session,
                row_id,
                form.backing(),
                account_id=gate.account().id,
                day=clock.today(),
            ),
        )
    except InvalidError as error:
        show(form, error)
        return _page(row_id, endorsement=form), 422
    return redirect(url_for(".campaign", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/endorsements/<int:organisation_id>/withdraw")
@gate.needs(Permission.PUBLISH)
def withdraw_endorsement(row_id: int, organisation_id: int) -> ResponseReturnValue:
    """The organisation no longer stands behind it."""
    _act(
        row_id,
        "petition.endorsement-withdrawn",
        lambda session: campaigning.withdraw_endorsement(session, row_id, organisation_id),
    )
    return redirect(url_for(".campaign", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/paper")
@gate.needs(Permission.PUBLISH)
def enter_paper(row_id: int) -> ResponseReturnValue:
    """Enter signatures on paper as a number."""
    form = PaperForm()
    if not form.validate() or form.scanned.data is None:
        return _page(row_id, paper=form), 422
    scanned = form.scanned.data
    try:
        _act(
            row_id,
            "petition.entered-paper",
            lambda session: campaigning.enter_paper(
                session,
                row_id,
                form.signatures.data,
                scanned,
                form.note.data or "",
                account_id=gate.account().id,
                today=clock.today(),
            ),
        )
    except InvalidError as error:
        show(form, error)
        return _page(row_id, paper=form), 422
    return redirect(url_for(".campaign", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/paper/<int:sheets_id>/remove")
@gate.needs(Permission.PUBLISH)
def remove_paper(row_id: int, sheets_id: int) -> ResponseReturnValue:
    """Take an entry back."""
    _act(
        row_id,
        "petition.removed-paper",
        lambda session: campaigning.remove_paper(session, row_id, sheets_id),
    )
    return redirect(url_for(".campaign", row_id=row_id), 303)


def _act(row_id: int, action: str, verb: Callable[[Session], object]) -> None:
    act(row_id, action, verb, _("Saved."))


def _organisations(session: Session) -> list[tuple[int, str]]:
    rows = session.scalars(sa.select(Organisation).order_by(Organisation.folded_name))
    return [(row.id, records.name_in(row, language.current())) for row in rows]


def _page(
    row_id: int,
    *,
    update: PetitionUpdate | None = None,
    update_form: UpdateForm | None = None,
    texts: dict[str, UpdateTextForm] | None = None,
    endorsement: EndorsementForm | None = None,
    paper: PaperForm | None = None,
) -> str:
    with reading() as session:
        petition = editing.get(session, row_id)
        organisations = _organisations(session)
        backing = endorsement or EndorsementForm(formdata=None)
        if endorsement is None:
            backing.offer(organisations, config().locales)
        forms = [update_form, endorsement, paper, *(texts or {}).values()]
        return render_template(
            "petitions/staff_campaign.html",
            petition=petition,
            newest=editing.newest(petition),
            update=update,
            update_form=update_form or UpdateForm(formdata=None, obj=update),
            texts=texts or _fresh(update),
            updates=campaigning.updates(session, row_id),
            endorsement=backing,
            endorsements=campaigning.endorsements(session, row_id),
            asked=endorsing.how_many(session, row_id),
            refused=endorsing.refused(session, row_id),
            organisations=dict(organisations),
            paper=paper or PaperForm(formdata=None),
            papers=campaigning.papers(session, row_id),
            numbers={text.id: queries.public_number(petition, text) for text in petition.texts},
            signed=translating.signed_by_version(session, row_id),
            kinds=KINDS,
            own_name=languages.own_name,
            wrong=any(form.errors for form in forms if form is not None),
        )


def _fresh(update: PetitionUpdate | None) -> dict[str, UpdateTextForm]:
    return text_forms(config().locales, update)
