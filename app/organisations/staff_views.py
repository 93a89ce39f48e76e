"""The organisations' staff pages: list and search, enter and change, the page of one with its representatives."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock, ids
from app.core.countries import country_name
from app.core.errors import InvalidError, NotFoundError
from app.organisations import records, representatives
from app.organisations.models import TYPES
from app.organisations.staff_forms import (
    TYPE_NAMES,
    OrganisationForm,
    RepresentativeForm,
    organisation_form,
    show,
)
from app.staff import audit, gate
from app.staff.roles import Permission
from app.web import language
from app.web.context import config, reading, unit_of_work
from app.web.forms import plain_number

__all__ = ["organisations_staff", "page", "show"]

organisations_staff = Blueprint(
    "organisations_staff", __name__, url_prefix=f"{language.STAFF_PREFIX}/organisations"
)
gate.close(organisations_staff, Permission.ORGANISE)


def names() -> dict[str, object]:
    """How types, countries and organisations are called in the page's language."""
    here = language.current()
    return {
        "type_names": TYPE_NAMES,
        "country_name": lambda code: country_name(code, here),
        "name_of": lambda row: records.name_in(row, here),
        "language_of_name": lambda row: here if here in row.names else next(iter(row.names), here),
        "in_url": ids.in_url,
    }


@organisations_staff.get("")
def listing() -> ResponseReturnValue:
    """The directory: searched by any part of a name, by type, by country."""
    text = request.args.get("q", "")[:200]
    type_ = request.args.get("type", "")
    country = request.args.get("country", "")
    number = plain_number(request.args.get("page"), 5)
    page_number = 1 if number is None else number
    with reading() as session:
        found, total = records.search(
            session,
            text,
            type_=type_ if type_ in TYPES else "",
            country=country if country.isalpha() else "",
            language=language.current(),
            page=max(1, page_number),
        )
        return render_template(
            "organisations/staff_list.html",
            **names(),
            found=found,
            total=total,
            counts=representatives.counts(session, [row.id for row in found]),
            text=text,
            type=type_,
            country=country,
            countries=records.countries(session),
            page=max(1, page_number),
            pages=max(1, -(-total // records.PAGE)),
            per_page=records.PAGE,
        )


@organisations_staff.get("/new")
def new() -> ResponseReturnValue:
    """An empty form."""
    return _edit(None, organisation_form(config().locales))


@organisations_staff.post("/new")
def add() -> ResponseReturnValue:
    """Enter an organisation."""
    form = organisation_form(config().locales)
    _offer(form, None)
    if not form.validate():
        return _edit(None, form), 422
    try:
        with unit_of_work() as session:
            row = records.add(session, form.entry(config().locales))
            audit.record(
                session,
                gate.account().id,
                "organisation.added",
                f"organisation:{row.id}",
                clock.now(),
            )
    except InvalidError as error:
        show(form, error)
        return _edit(None, form), 422
    flash(_("The organisation is entered."), "ok")
    return redirect(url_for(".show", row_id=row.id), 303)


@organisations_staff.get("/<int:row_id>", endpoint="show")
def show_page(row_id: int) -> ResponseReturnValue:
    """One organisation, and who was invited for it."""
    return page(row_id)


@organisations_staff.get("/<int:row_id>/edit")
def edit(row_id: int) -> ResponseReturnValue:
    """The form with what is kept."""
    with reading() as session:
        row = records.get(session, row_id)
    return _edit(row_id, organisation_form(config().locales, row))


@organisations_staff.post("/<int:row_id>/edit")
def change(row_id: int) -> ResponseReturnValue:
    """Keep what was typed."""
    form = organisation_form(config().locales)
    _offer(form, row_id)
    if not form.validate():
        return _edit(row_id, form), 422
    try:
        with unit_of_work() as session:
            records.change(session, row_id, form.entry(config().locales))
            audit.record(
                session,
                gate.account().id,
                "organisation.changed",
                f"organisation:{row_id}",
                clock.now(),
            )
    except InvalidError as error:
        show(form, error)
        return _edit(row_id, form), 422
    flash(_("Saved."), "ok")
    return redirect(url_for(".show", row_id=row_id), 303)


@organisations_staff.post("/<int:row_id>/remove")
def remove(row_id: int) -> ResponseReturnValue:
    """Delete an organisation; subscriptions of its representatives are their own and stay."""
    with unit_of_work() as session:
        records.remove(session, row_id)
        audit.record(
            session,
            gate.account().id,
            "organisation.removed",
            f"organisation:{row_id}",
            clock.now(),
        )
    flash(_("The organisation is removed."), "ok")
    return redirect(url_for(".listing"), 303)


@organisations_staff.post("/<int:row_id>/representatives/<mark>/remove")
def remove_representative(row_id: int, mark: str) -> ResponseReturnValue:
    """Take a role away."""
    representative_id = ids.from_url(mark)
    if representative_id is None:
        raise NotFoundError("no such representative")
    with unit_of_work() as session:
        representatives.remove(session, row_id, representative_id)
        audit.record(
            session,
            gate.account().id,
            "organisation.removed-representative",
            f"organisation:{row_id}",
            clock.now(),
        )
    flash(_("The role is removed. The person’s own subscription stays theirs."), "ok")
    return redirect(url_for(".show", row_id=row_id), 303)


def page(row_id: int, form: RepresentativeForm | None = None) -> str:
    """The page of one organisation, with the invitation's form as it was typed. Raises NotFoundError."""
    if form is None:
        form = RepresentativeForm(formdata=None)
        form.offer(config().locales)
    with reading() as session:
        row = records.get(session, row_id)
        return render_template(
            "organisations/staff_page.html",
            **names(),
            row=row,
            parent=records.get(session, row.parent_id) if row.parent_id else None,
            affiliates=records.affiliates(session, row_id),
            representatives=representatives.of(session, row_id),
            form=form,
        )


def _offer(form: OrganisationForm, row_id: int | None) -> None:
    here = language.current()
    with reading() as session:
        parents = records.possible_parents(session, row_id, here)
    form.offer(here, [(row.id, records.name_in(row, here)) for row in parents])


def _edit(row_id: int | None, form: OrganisationForm) -> str:
    _offer(form, row_id)
    name = ""
    if row_id is not None:
        with reading() as session:
            name = records.name_in(records.get(session, row_id), language.current())
    return render_template(
        "organisations/staff_edit.html",
        form=form,
        row_id=row_id,
        name=name,
        locales=config().locales,
    )
