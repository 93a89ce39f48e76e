"""Errors as pages in the reader's language (R06): what happened, what to do, nothing personal (C23).

A database that is away is the only 5xx an input can meet: that page says nothing was stored, and holds the form,
so that one press sends it again.
"""

from __future__ import annotations

import logging
from typing import Final

import sqlalchemy.exc
from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.globals import request_ctx
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from app.core.errors import (
    InvalidError,
    MisplacedBoxError,
    NotFoundError,
    PeyvandError,
    StaleError,
)
from app.web.headers import API_PREFIX

log = logging.getLogger(__name__)

STATUSES: Final[dict[type[PeyvandError], int]] = {
    NotFoundError: 404,
    StaleError: 409,
    InvalidError: 422,
    MisplacedBoxError: 400,
    PeyvandError: 400,
}
RETRY_SECONDS: Final = 10
KEPT_FIELDS: Final = 1000
"""More than the largest page of the workroom has: an issue of forty blocks in two languages."""
NEVER_KEPT: Final = ("password", "old", "new")


def init_app(app: Flask) -> None:
    """Register a page for everything that can go wrong."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        if error.response is not None:
            return error.response  # type: ignore[return-value]
        return page(error.code or 500, headers=dict(error.get_headers()))

    @app.errorhandler(PeyvandError)
    def own_error(error: PeyvandError) -> Response:
        return page(status_of(error))

    @app.errorhandler(sqlalchemy.exc.OperationalError)
    @app.errorhandler(sqlalchemy.exc.InterfaceError)
    @app.errorhandler(sqlalchemy.exc.TimeoutError)
    def database_away(error: sqlalchemy.exc.SQLAlchemyError) -> Response:
        log.error("the database did not answer: %s", type(error).__name__)
        return page(ServiceUnavailable.code, kept=_typed())


def status_of(error: PeyvandError) -> int:
    """The HTTP status of one of the service's own errors."""
    return next(STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES)


def page(
    status: int,
    *,
    headers: dict[str, str] | None = None,
    kept: list[tuple[str, str]] | None = None,
) -> Response:
    """The error page, or a JSON error for who asked for JSON."""
    title, advice = _words(status)
    wants = request.accept_mimetypes.best_match(["text/html", "application/json"])
    if wants == "application/json" or request.path.startswith(API_PREFIX):
        response = jsonify(error=title, advice=advice)
    elif request_ctx.url_adapter is None:
        # A host name that cannot be one: no address can be built, so this page has no links.
        response = make_response(render_template("errors/bare.html", title=title, advice=advice))
    else:
        response = make_response(
            render_template(
                "errors/error.html", status=status, title=title, advice=advice, kept=kept
            )
        )
    response.status_code = status
    if status == ServiceUnavailable.code:
        response.headers["Retry-After"] = str(RETRY_SECONDS)
    for name in ("Allow", "Retry-After"):
        if headers and name in headers:
            response.headers[name] = headers[name]
    return response


def _typed() -> list[tuple[str, str]] | None:
    """What stood in the form, to be sent again; passwords are typed anew."""
    if request.method != "POST":
        return None
    return [
        (name, value)
        for name, value in list(request.form.items(multi=True))[:KEPT_FIELDS]
        if name not in NEVER_KEPT
    ]


def _words(status: int) -> tuple[str, str]:
    known = {
        400: (
            _("This request could not be read"),
            _("Go back, reload the page and try again. What you typed was not stored."),
        ),
        403: (
            _("This page is not open to you"),
            _("It belongs to another role. Ask an administrator if you need it."),
        ),
        404: (
            _("There is no such page"),
            _("The address may be mistyped or out of date. The pages below lead on."),
        ),
        405: (
            _("This address does not take that"),
            _("Open the page again and use its form."),
        ),
        409: (
            _("This has changed in the meantime"),
            _(
                "Someone else was faster, or the step was already taken. Reload the page and look again."
            ),
        ),
        413: (
            _("That is too much at once"),
            _(
                "Shorten what you typed, or choose a smaller file, and send it again. Nothing was stored."
            ),
        ),
        422: (
            _("Something in the form cannot be taken"),
            _("Go back, correct it and send it again. Nothing was stored."),
        ),
        429: (
            _("Too many attempts from your network"),
            _("Wait an hour and try again, or come through Tor Browser. Nothing was stored."),
        ),
        503: (
            _("We cannot store anything at the moment"),
            _("Nothing you sent was stored. Please try again in a minute."),
        ),
    }
    if status in known:
        return known[status]
    if status < 500:
        return known[400]
    return (
        _("Something went wrong on our side"),
        _("It is not your fault. Please try again in a few minutes."),
    )
