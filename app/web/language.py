"""Which language a page is in: the first part of its address, else what the browser prefers (F01).

Public pages never look into a cookie. The workroom, whose addresses carry no language, keeps the staff member's
choice in its own session, which ``app.staff`` sets through ``prefer``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import (
    Flask,
    Response,
    current_app,
    g,
    has_request_context,
    redirect,
    request,
    session,
    url_for,
)
from flask_babel import Babel
from werkzeug.routing import BaseConverter, BuildError, IntegerConverter, Map

from app.core import languages, persian
from app.web.context import config

STAFF_PREFIX: Final = "/staff"
LANGUAGE: Final = "language"
"""The query's word for a language where the address has none, and the workroom's session's too."""


LARGEST_NUMBER: Final = 2**31 - 1


class SlugConverter(BaseConverter):
    """The readable part of an address: lower-case Latin or Persian letters, digits, hyphens."""

    regex = f"[a-z0-9{persian.LETTERS}][a-z0-9{persian.LETTERS}-]{{0,79}}"


class NumberConverter(IntegerConverter):
    """A row's number; what no database column could hold is no page (R06)."""

    def __init__(self, url_map: Map, **options: Any) -> None:
        super().__init__(url_map, **{"max": LARGEST_NUMBER, **options})


def init_app(app: Flask, locales: tuple[str, ...]) -> None:
    """Teach the application its languages."""

    class LocaleConverter(BaseConverter):
        regex = "(?:" + "|".join(locales) + ")"

    app.url_map.converters["locale"] = LocaleConverter
    app.url_map.converters["slug"] = SlugConverter
    app.url_map.converters["int"] = NumberConverter
    Babel(app, locale_selector=current, default_locale=locales[0])

    @app.url_value_preprocessor
    def take_locale(_endpoint: str | None, values: dict[str, Any] | None) -> None:
        g.locale = values.pop("locale") if values and "locale" in values else None

    @app.url_defaults
    def add_locale(endpoint: str, values: dict[str, Any]) -> None:
        if "locale" not in values and app.url_map.is_endpoint_expecting(endpoint, "locale"):
            values["locale"] = current()

    @app.before_request
    def take_staff_language() -> None:
        wanted = request.args.get(LANGUAGE, "")
        if is_staff() and wanted in locales:
            prefer(wanted)

    @app.context_processor
    def for_templates() -> dict[str, Any]:
        return {
            "locale": current(),
            "direction": languages.direction,
            "own_name": languages.own_name,
            "language_links": language_links,
        }


def is_staff(path: str | None = None) -> bool:
    """Whether ``path``, or this request's, is the workroom's."""
    asked = request.path if path is None else path
    return asked == STAFF_PREFIX or asked.startswith(STAFF_PREFIX + "/")


def current() -> str:
    """The language of this page."""
    if not has_request_context():
        return config().locales[0]
    chosen: str | None = g.get("locale")
    if chosen is None:
        chosen = _guess()
        g.locale = chosen
    return chosen


def prefer(locale: str) -> None:
    """Remember a staff member's language in the workroom's session, and use it from here on."""
    session[LANGUAGE] = locale
    g.locale = locale


def say_arguments(arguments: Mapping[str, Mapping[str, str]]) -> None:
    """Say which parts of this page's address are others in another language: for each language, by name."""
    g.arguments = arguments


def language_links() -> list[tuple[str, str]]:
    """The languages of the site with the address of this same page in each of them.

    A page that must not repeat its own address (a dead link) sets ``g.neutral_links``; it links to the front page.
    """
    return [(locale, _same_page(locale)) for locale in config().locales]


def to_front_page() -> Response:
    """Send whoever comes to ``/`` to the page in their language."""
    answer = redirect(url_for("desk.home"), 302)
    answer.vary.add("Accept-Language")
    return answer  # type: ignore[return-value]


def _guess() -> str:
    locales = config().locales
    first = request.path.split("/", 2)[1] if request.path.startswith("/") else ""
    if first in locales:
        return first
    if request.args.get(LANGUAGE) in locales:
        return request.args[LANGUAGE]
    if is_staff() and session.get(LANGUAGE) in locales:
        return str(session[LANGUAGE])
    return request.accept_languages.best_match(locales) or locales[0]


def _same_page(locale: str) -> str:
    if is_staff():
        return f"{request.path}?{LANGUAGE}={locale}"
    if g.get("neutral_links") or request.endpoint is None:
        return f"/{locale}/"
    if not current_app.url_map.is_endpoint_expecting(request.endpoint, "locale"):
        return f"{request.path}?{LANGUAGE}={locale}"
    try:
        own = g.get("arguments", {}).get(locale, {})
        return url_for(request.endpoint, **{**(request.view_args or {}), **own, "locale": locale})
    except BuildError:
        return f"/{locale}/"
