"""The workroom's pages for a petition's picture and an organisation's logo."""

from __future__ import annotations

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidError, NotFoundError
from app.organisations import records
from app.organisations.staff_views import names, organisations_staff
from app.petitions import editing, picturing, redrawing
from app.petitions.picture_forms import PictureForm, alts, picture_form, show
from app.petitions.picture_views import as_file
from app.petitions.staff_views import act, petitions_staff
from app.staff import audit, gate
from app.web.context import config, reading, unit_of_work


@petitions_staff.get("/<int:row_id>/picture")
def picture(row_id: int) -> ResponseReturnValue:
    """The petition's picture, what is said of it, and the form to replace it."""
    with reading() as session:
        shown = picturing.of_petition(session, row_id)
    return _picture_page(row_id, picture_form(config().locales, shown))


@petitions_staff.post("/<int:row_id>/picture")
@gate.takes(redrawing.MOST_OCTETS)
def keep_picture(row_id: int) -> ResponseReturnValue:
    """Draw the file anew and keep it, or change only what is said of the picture."""
    form = picture_form(config().locales, None)
    try:
        file = form.uploaded()
        drawn = redrawing.picture(file) if file is not None else None
        told = alts(form, config().locales)
        act(
            row_id,
            "petition.picture-kept",
            lambda session: picturing.keep(session, row_id, drawn, told),
            _("The picture is kept."),
        )
    except InvalidError as error:
        show(form, error)
        return _picture_page(row_id, form), 422
    return redirect(url_for(".picture", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/picture/remove")
def remove_picture(row_id: int) -> ResponseReturnValue:
    """Take the petition's picture away."""
    act(
        row_id,
        "petition.picture-removed",
        lambda session: picturing.remove(session, row_id),
        _("The picture is gone."),
    )
    return redirect(url_for(".picture", row_id=row_id), 303)


@petitions_staff.get("/<int:row_id>/picture.webp")
def picture_file(row_id: int) -> ResponseReturnValue:
    """The petition's picture, of a draft too."""
    with reading() as session:
        return _file(picturing.octets(session, row_id))


@organisations_staff.get("/<int:row_id>/logo")
def logo(row_id: int) -> ResponseReturnValue:
    """The organisation's logo, and the form to replace it."""
    return _logo_page(row_id, PictureForm())


@organisations_staff.post("/<int:row_id>/logo")
@gate.takes(redrawing.MOST_OCTETS)
def keep_logo(row_id: int) -> ResponseReturnValue:
    """Draw the file anew and keep it."""
    form = PictureForm()
    try:
        file = form.uploaded()
        if file is None:
            raise InvalidError("needed", field="picture")
        drawn = redrawing.logo(file)
        with unit_of_work() as session:
            picturing.keep_logo(session, row_id, drawn)
            _note(session, "organisation.logo-kept", row_id)
    except InvalidError as error:
        show(form, error)
        return _logo_page(row_id, form), 422
    flash(_("The logo is kept."), "ok")
    return redirect(url_for(".logo", row_id=row_id), 303)


@organisations_staff.post("/<int:row_id>/logo/remove")
def remove_logo(row_id: int) -> ResponseReturnValue:
    """Take the organisation's logo away."""
    with unit_of_work() as session:
        picturing.remove_logo(session, row_id)
        _note(session, "organisation.logo-removed", row_id)
    flash(_("The logo is gone."), "ok")
    return redirect(url_for(".logo", row_id=row_id), 303)


@organisations_staff.get("/<int:row_id>/logo.webp")
def logo_file(row_id: int) -> ResponseReturnValue:
    """The organisation's logo, whether or not it stands on a public page."""
    with reading() as session:
        return _file(picturing.logo_octets(session, [row_id]).get(row_id))


def _file(octets: bytes | None) -> Response:
    if octets is None:
        raise NotFoundError("no picture yet")
    return as_file(octets)


def _picture_page(row_id: int, form: PictureForm) -> str:
    with reading() as session:
        petition = editing.get(session, row_id)
        shown = picturing.of_petition(session, row_id)
    return render_template(
        "petitions/staff_picture.html",
        petition=petition,
        newest=editing.newest(petition),
        shown=shown,
        form=form,
        locales=config().locales,
    )


def _logo_page(row_id: int, form: PictureForm) -> str:
    with reading() as session:
        row = records.get(session, row_id)
        shown = picturing.logos(session, [row_id]).get(row_id)
    return render_template(
        "organisations/staff_logo.html", **names(), row=row, shown=shown, form=form
    )


def _note(session: Session, action: str, row_id: int) -> None:
    audit.record(session, gate.account().id, action, f"organisation:{row_id}", clock.now())
