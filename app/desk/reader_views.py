"""The readers, as staff may see them: counts; and what staff order about an address that they type (C18, C19)."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock, ids
from app.desk import dashboard as board
from app.desk.staff_forms import OrderForm
from app.optin import requests
from app.staff import audit, gate
from app.staff.roles import Permission
from app.web import language
from app.web.context import config, reading, sealer, unit_of_work

reader_staff = Blueprint("reader_staff", __name__, url_prefix=f"{language.STAFF_PREFIX}/readers")
gate.close(reader_staff, Permission.ORGANISE)


@reader_staff.get("")
def readers() -> ResponseReturnValue:
    """How many read what, and the form about one address."""
    return _page(OrderForm())


@reader_staff.post("")
def order() -> ResponseReturnValue:
    """Hand an order about an address to the worker; the same answer for every address."""
    form = OrderForm()
    if not form.validate() or form.address.address is None:
        return _page(form), 422
    now = clock.now()
    request_id = ids.new()
    purpose = form.order.data
    box = sealer().seal(
        "request", request_id, {"address": str(form.address.address), "subject": purpose}
    )
    with unit_of_work() as session:
        requests.order(
            session,
            request_id,
            purpose,
            box,
            language=language.current(),
            now=now,
            keep_days=config().request_days,
        )
        audit.record(session, gate.account().id, f"readers.{purpose}", "readers", now)
    flash(
        _("The worker carries it out. Whatever the address, this page says no more than that."),
        "ok",
    )
    return redirect(url_for(".readers"), 303)


def _page(form: OrderForm) -> str:
    with reading() as session:
        return render_template(
            "staff/readers.html", form=form, subscribers=board.subscribers(session)
        )
