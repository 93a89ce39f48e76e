"""The workroom's door: signing in, and the links of invitations. The only staff pages without a session."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from flask import Blueprint, g, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core import clock
from app.core.errors import InvalidError, NotFoundError, StaleError
from app.staff import audit, gate, invitations, passwords, signing_in
from app.staff.forms import ROLE_NAMES, AcceptForm, SignInForm, show
from app.staff.models import Account
from app.web import language
from app.web.context import config, reading, unit_of_work
from app.web.limits import daily_key, limited, windows

door = Blueprint(gate.DOOR, __name__, url_prefix=language.STAFF_PREFIX)
door.before_app_request(gate.refuse_undeclared)
door.app_url_value_preprocessor(gate.widen)

HOME = "desk_staff.dashboard"
FAILURES_AN_HOUR = 20


@door.app_context_processor
def who() -> dict[str, object]:
    """What every page of the workroom knows of its reader."""
    if not language.is_staff():
        return {}
    return {"account": g.get("staff_account"), "home": HOME, "allows": gate.allows}


@door.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """Ask for name and password."""
    form = SignInForm(next=gate.safe_return(request.args.get("next")))
    return render_template("staff/sign_in.html", form=form)


def _name_key() -> str:
    name = signing_in.subject_of(request.form.get("name", ""))
    return hmac.digest(
        daily_key(), b"staff:" + name.encode("utf-8", "replace"), hashlib.sha256
    ).hex()


@door.post("/sign-in")
@limited("door")
def enter() -> ResponseReturnValue:
    """Sign in, or say only that it did not work; so many failures an hour for one name."""
    name = _name_key()
    if not windows().has_room(FAILURES_AN_HOUR, "name", name):
        # The same work and the same page as for a wrong password: others' attempts are nobody's business (C09).
        passwords.matches(None, request.form.get("password", ""))
        return _not_in(SignInForm())
    response = make_response(_enter())
    if response.status_code != 303:
        windows().hit(FAILURES_AN_HOUR, "name", name)
    return response


def _enter() -> ResponseReturnValue:
    form = SignInForm()
    if not form.validate():
        return _not_in(form)
    now = clock.now()
    password = form.password.data or ""
    with reading() as session:
        found = signing_in.check(session, form.name.data or "", password)
    if found is None:
        return _not_in(form)
    with unit_of_work() as session:
        token = signing_in.admit(session, found, password, now)
        if token is not None:
            _note(session, found, now)
    if token is None:
        return _not_in(form)
    return _inside(found, token, gate.safe_return(form.next.data))


@door.get("/link/<token>")
def link(token: str) -> ResponseReturnValue:
    """Show what a link is for, and change nothing."""
    return _link_page(token, AcceptForm())


@door.post("/link/<token>")
@limited("door")
def take_link(token: str) -> ResponseReturnValue:
    """Make the account that an invitation is for, or sign in the one that a sign-in link is for."""
    now = clock.now()
    form = AcceptForm()
    with reading() as session:
        found = invitations.behind_link(session, token, now=now)
    if found is None or not form.validate():
        return _link_page(token, form)
    try:
        with unit_of_work() as session:
            if found.account_id is None:
                account = invitations.accept(
                    session,
                    token,
                    name=form.name.data or "",
                    password=form.password.data or "",
                    language=language.current(),
                    now=now,
                )
                audit.record(session, account.id, "staff.joined", f"account:{account.id}", now)
            else:
                account = invitations.take_sign_in_link(session, token, now=now)
            secret = signing_in.begin(session, account.id, now)
            _note(session, account, now)
    except (StaleError, NotFoundError):
        return _dead_link()
    except InvalidError as error:
        show(form, error)
        return _link_page(token, form)
    return _inside(account, secret, None)


def _note(session: Session, account: Account, now: datetime) -> None:
    signing_in.forget_ended(session, gate.limits(), now)
    audit.record(session, account.id, "staff.signed-in", f"account:{account.id}", now)


def _inside(account: Account, token: str, back: str | None) -> ResponseReturnValue:
    gate.remember(token)
    if account.language in config().locales:
        language.prefer(account.language)
    return redirect(back or url_for(HOME), 303)


def _not_in(form: SignInForm) -> Response:
    form.password.errors = [
        _(
            "Name and password do not fit, or there were too many attempts. "
            "Type both again, or wait an hour."
        )
    ]
    return make_response(render_template("staff/sign_in.html", form=form), 422)


def _link_page(token: str, form: AcceptForm) -> ResponseReturnValue:
    with reading() as session:
        found = invitations.behind_link(session, token, now=clock.now())
        of = session.get(Account, found.account_id) if found and found.account_id else None
    if found is None or (of is not None and not of.active):
        return _dead_link()
    if of is not None:
        return _unreferred(make_response(render_template("staff/sign_in_link.html", of=of)))
    page = render_template("staff/accept.html", form=form, role_name=ROLE_NAMES[found.role])
    return _unreferred(make_response(page, 422 if form.errors else 200))


def _dead_link() -> Response:
    return _unreferred(make_response(render_template("staff/dead_link.html"), 404))


def _unreferred(response: Response) -> Response:
    # The address is the secret; no page that follows may learn it.
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
