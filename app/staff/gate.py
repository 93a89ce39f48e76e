"""The workroom's gate: every staff blueprint is closed by it, and what is not declared is refused (C28).

A blueprint names the permission of its pages with ``close``; a view that needs another as well says so with
``needs``. Only the pages of the ``door`` blueprint open without a session.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from flask import (
    Blueprint,
    Flask,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue

from app.core import clock
from app.staff import signing_in
from app.staff.models import Account
from app.staff.roles import Permission, may
from app.staff.signing_in import Limits
from app.web import errors, language
from app.web.context import config, reading, unit_of_work

View = TypeVar("View", bound=Callable[..., Any])

SECRET: Final = "secret"  # noqa: S105 (a key of the cookie, not its value)
"""Where the browser's secret stands in the signed cookie."""
CSRF: Final = "csrf_token"
DOOR: Final = "door"
LARGEST_FORM: Final = 1024 * 1024
"""Octets of a workroom form: two long texts in Persian, percent-encoded."""

_closed: dict[str, Permission] = {}


def close(blueprint: Blueprint, permission: Permission) -> None:
    """Let nobody into any page of ``blueprint`` without a session whose role has ``permission``."""
    _closed[blueprint.name] = permission
    blueprint.before_request(_guard)


def needs(permission: Permission) -> Callable[[View], View]:
    """Ask one view's visitors for a permission on top of its blueprint's."""

    def mark(view: View) -> View:
        view.__dict__["needs"] = permission
        return view

    return mark


def takes(octets: int) -> Callable[[View], View]:
    """Let one view's forms carry files of so many octets in all, where the browser holds a session's cookie."""

    def mark(view: View) -> View:
        view.__dict__["takes"] = octets
        return view

    return mark


def required(app: Flask, endpoint: str) -> frozenset[Permission] | None:
    """What a page asks for; None for one that is not behind this gate."""
    blueprint = endpoint.rpartition(".")[0]
    if blueprint not in _closed:
        return None
    own: Permission | None = getattr(app.view_functions[endpoint], "needs", None)
    return frozenset({_closed[blueprint], own} - {None})  # type: ignore[arg-type]


def account() -> Account:
    """Who is signed in; only for pages behind the gate."""
    found: Account = g.staff_account
    return found


def allows(permission: Permission) -> bool:
    """Whether who is signed in may do something; False for a visitor."""
    found: Account | None = g.get("staff_account")
    return found is not None and may(found.role, permission)


def limits() -> Limits:
    """How long sessions live by this instance's settings."""
    return Limits(
        idle=timedelta(minutes=config().idle_minutes), whole=timedelta(hours=config().session_hours)
    )


def remember(token: str) -> None:
    """Put a new session's secret into the cookie.

    The CSRF token stays, so that a form left open overnight can still be sent after signing in again.
    """
    kept = {key: session[key] for key in (CSRF, language.LANGUAGE) if key in session}
    session.clear()
    session.update(kept)
    session[SECRET] = token


def forget() -> None:
    """Empty the cookie."""
    session.clear()


def safe_return(address: str | None) -> str | None:
    """``address`` where it is a page of the workroom, to go to after signing in."""
    if not address or "\\" in address or any(ord(sign) < 33 for sign in address):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    inside = parts.path == language.STAFF_PREFIX or parts.path.startswith(
        language.STAFF_PREFIX + "/"
    )
    return address if inside and not parts.scheme and not parts.netloc else None


def refuse_undeclared() -> ResponseReturnValue | None:
    """Before any request: an address of the workroom that no gate closes and the door does not know is refused."""
    if not language.is_staff() or request.endpoint is None:
        return None
    if request.blueprint == DOOR or request.blueprint in _closed:
        return None
    return errors.page(403)


def widen(endpoint: str | None, _values: dict[str, Any] | None) -> None:
    """Let the workroom's forms, but not those at its door, be longer than a visitor's; before any is read."""
    if language.is_staff() and request.blueprint != DOOR:
        request.max_content_length = request.max_form_memory_size = LARGEST_FORM
        files: int = getattr(_app().view_functions.get(endpoint or ""), "takes", 0)
        if files and SECRET in session:
            request.max_content_length = LARGEST_FORM + files


def _guard() -> ResponseReturnValue | None:
    found = _account_here()
    if found is None:
        return _ask_to_sign_in()
    g.staff_account = found
    asked = required(_app(), request.endpoint or "") or frozenset()
    if all(may(found.role, permission) for permission in asked):
        return None
    if _wants_json():
        return errors.page(403)
    return make_response(render_template("staff/refused.html"), 403)


def _account_here() -> Account | None:
    token = session.get(SECRET)
    if not isinstance(token, str):
        return None
    now = clock.now()
    with reading() as database:
        found = signing_in.current(database, token, limits(), now)
        if found is None:
            return None
        who = found.account
    if signing_in.is_due(found, now):
        with unit_of_work() as database:
            signing_in.touch(database, found, now)
    return who


def _ask_to_sign_in() -> ResponseReturnValue:
    if _wants_json():
        return errors.page(403)
    if request.method in ("GET", "HEAD"):
        back = request.full_path.rstrip("?")
        return redirect(url_for("door.sign_in", next=back), 303)
    return make_response(render_template("staff/ended.html"), 403)


def _wants_json() -> bool:
    accepted = request.accept_mimetypes
    return accepted.best_match(["text/html", "application/json"]) == "application/json"


def _app() -> Flask:
    from flask import current_app

    return current_app
