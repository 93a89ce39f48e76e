"""A petition's export in the workroom: asked for, made by the worker, fetched once (C20)."""

from __future__ import annotations

from flask import Blueprint, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock
from app.desk import exporting
from app.desk.models import NO_KEYS
from app.petitions import editing
from app.petitions.models import PUBLIC
from app.staff import audit, gate
from app.staff.roles import Permission
from app.web import language
from app.web.context import config, reading, unit_of_work

export_staff = Blueprint("export_staff", __name__, url_prefix=f"{language.STAFF_PREFIX}/exports")
gate.close(export_staff, Permission.EXPORT)


@export_staff.get("/<int:row_id>")
def show(row_id: int) -> ResponseReturnValue:
    """How far a petition's export is; a reload link moves the page."""
    return _page(row_id)


@export_staff.post("/<int:row_id>")
def ask(row_id: int) -> ResponseReturnValue:
    """Ask the worker to make it, or to make it anew."""
    now = clock.now()
    with unit_of_work() as session:
        exporting.ask(session, row_id, account_id=gate.account().id, day=now.date())
        audit.record(session, gate.account().id, "petition.export-asked", f"petition:{row_id}", now)
    flash(_("The worker makes the file. Reload this page in a moment."), "info")
    return redirect(url_for(".show", row_id=row_id), 303)


@export_staff.post("/<int:row_id>/fetch")
def fetch(row_id: int) -> ResponseReturnValue:
    """Hand the file over, once: it is deleted in the same transaction."""
    with unit_of_work() as session:
        octets = exporting.take(session, row_id)
        if octets is not None:
            audit.record(
                session,
                gate.account().id,
                "petition.export-fetched",
                f"petition:{row_id}",
                clock.now(),
            )
    if octets is None:
        flash(_("It is no longer here: it was fetched already, or its days are over."), "bad")
        return redirect(url_for(".show", row_id=row_id), 303)
    answer = make_response(octets)
    answer.headers["Content-Type"] = "application/octet-stream"
    answer.headers["Content-Disposition"] = f'attachment; filename="petition-{row_id}.age"'
    return answer


def _page(row_id: int) -> str:
    with reading() as session:
        petition = editing.get(session, row_id)
        return render_template(
            "staff/export.html",
            petition=petition,
            newest=editing.newest(petition),
            public=petition.state in PUBLIC,
            export=exporting.offered(session, row_id),
            no_keys=NO_KEYS,
            days=config().export_days,
        )
