"""The staff list for administrators, and signing out."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidError
from app.staff import accounts, audit, gate, invitations, signing_in
from app.staff.forms import ROLE_NAMES, InviteForm, words
from app.staff.models import ROLES
from app.staff.roles import Permission
from app.web import language
from app.web.context import config, reading, unit_of_work

staff = Blueprint("staff", __name__, url_prefix=language.STAFF_PREFIX)
gate.close(staff, Permission.ENTER)


@staff.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this session."""
    with unit_of_work() as database:
        signing_in.sign_out(database, session[gate.SECRET])
        audit.record(
            database,
            gate.account().id,
            "staff.signed-out",
            f"account:{gate.account().id}",
            clock.now(),
        )
    gate.forget()
    flash(_("You are signed out."), "ok")
    return redirect(url_for("door.sign_in"), 303)


@staff.get("/people")
@gate.needs(Permission.ADMINISTER)
def people() -> ResponseReturnValue:
    """Everyone who works here, and the invitations still open."""
    return _people()


@staff.post("/people/invite")
@gate.needs(Permission.ADMINISTER)
def invite() -> ResponseReturnValue:
    """Make an invitation and show its link, this once."""
    form = InviteForm()
    if not form.validate():
        return _people(form=form), 422
    now = clock.now()
    with unit_of_work() as database:
        token = invitations.invite(database, form.role.data, invited_by=gate.account().id, now=now)
        audit.record(database, gate.account().id, "staff.invited", f"role:{form.role.data}", now)
    link = invitations.address(config().base_url, token)
    return _people(link=link, link_role=form.role.data)


@staff.post("/people/invitations/<mark>/withdraw")
@gate.needs(Permission.ADMINISTER)
def withdraw(mark: str) -> ResponseReturnValue:
    """Take an open invitation back."""
    with unit_of_work() as database:
        invitations.withdraw(database, mark)
        audit.record(database, gate.account().id, "staff.withdrew", "invitation", clock.now())
    flash(_("The invitation is withdrawn; its link opens nothing any more."), "ok")
    return redirect(url_for(".people"), 303)


@staff.post("/people/<int:account_id>/role")
@gate.needs(Permission.ADMINISTER)
def change_role(account_id: int) -> ResponseReturnValue:
    """Give a colleague another role; their sessions end."""
    role = request.form.get("role", "")
    return _changed(
        account_id,
        f"staff.made-{role}",
        _("The role is changed. Your colleague has to sign in again."),
        lambda database: accounts.change_role(database, account_id, role, by=gate.account().id),
    )


@staff.post("/people/<int:account_id>/lock")
@gate.needs(Permission.ADMINISTER)
def lock(account_id: int) -> ResponseReturnValue:
    """Lock a colleague's account."""
    return _changed(
        account_id,
        "staff.locked",
        _("The account is locked: its sessions and links have ended."),
        lambda database: accounts.lock(database, account_id, by=gate.account().id),
    )


@staff.post("/people/<int:account_id>/unlock")
@gate.needs(Permission.ADMINISTER)
def unlock(account_id: int) -> ResponseReturnValue:
    """Open a locked account again."""
    return _changed(
        account_id,
        "staff.unlocked",
        _("The account is open again, with its old password."),
        lambda database: accounts.unlock(database, account_id, by=gate.account().id),
    )


def _changed(
    account_id: int, action: str, done: str, change: Callable[[Session], None]
) -> ResponseReturnValue:
    try:
        with unit_of_work() as database:
            change(database)
            audit.record(database, gate.account().id, action, f"account:{account_id}", clock.now())
    except InvalidError as error:
        return _people(problem=words(error)), 422
    flash(done, "ok")
    return redirect(url_for(".people"), 303)


def _people(
    *,
    form: InviteForm | None = None,
    link: str = "",
    link_role: str = "",
    problem: str = "",
) -> str:
    with reading() as database:
        everyone = accounts.everyone(database)
        pending = invitations.pending(database, now=clock.now())
    return render_template(
        "staff/people.html",
        everyone=everyone,
        pending=pending,
        form=form or InviteForm(role=ROLES[2]),
        role_names=ROLE_NAMES,
        roles=ROLES,
        link=link,
        link_role=link_role,
        problem=problem,
    )
