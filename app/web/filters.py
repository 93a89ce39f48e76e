"""How figures, days and foreign text look in templates, each in the language of the page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from flask import Flask
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from app.core import languages
from app.web.forms import control
from app.web.language import current
from app.web.text import markdown


def figure(value: float, language: str | None = None) -> str:
    """A number as the page's readers write it."""
    return languages.figure(value, language or current())


def digits(value: object, language: str | None = None) -> str:
    """The text with the page's digits."""
    return languages.digits(value, language or current())


def day(value: date, language: str | None = None) -> Markup:
    """A day in words, as a ``time`` element."""
    return _time(value, languages.day(value, language or current()))


def both_days(value: date, language: str | None = None) -> Markup:
    """A day in the reader's calendar with the Gregorian day beside it."""
    return _time(value, languages.both_days(value, language or current()))


def clock_time(value: datetime, language: str | None = None) -> str:
    """Hours and minutes in UTC; for the workroom only, never beside a person."""
    return languages.digits(value.strftime("%H:%M"), language or current())


def isolate(value: object, direction: str = "auto") -> Markup:
    """Text from data, so that its direction leaks nowhere (F03)."""
    return Markup('<bdi dir="{}">{}</bdi>').format(direction, value)


def init_app(app: Flask) -> None:
    """Offer the filters to templates."""
    app.jinja_env.filters.update(
        figure=_at_run_time(figure),
        digits=_at_run_time(digits),
        day=_at_run_time(day),
        both_days=_at_run_time(both_days),
        clock_time=_at_run_time(clock_time),
        isolate=isolate,
        markdown=markdown,
    )
    app.jinja_env.globals["control"] = control
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _at_run_time(show: Callable[..., Any]) -> Callable[..., Any]:
    """A filter that Jinja must not work out while compiling: ``20|figure`` is another text in each language."""

    @pass_context
    def filtered(_context: Context, value: Any, language: str | None = None) -> Any:
        return show(value, language)

    return filtered


def _time(value: date, text: str) -> Markup:
    moment = value.date() if isinstance(value, datetime) else value
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), escape(text))
