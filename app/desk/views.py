"""The site's front page and the operator's own texts: safety, privacy, contact, Tor."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import text

from app.core import clock
from app.desk import texts
from app.newsletters import reports
from app.petitions import queries
from app.web import language
from app.web.context import config, reading

desk = Blueprint("desk", __name__)

LATEST = 3


@desk.get("/")
def front_page() -> ResponseReturnValue:
    """Lead to the home page in the browser's language."""
    return language.to_front_page()


@desk.get("/<locale:locale>/")
def home() -> ResponseReturnValue:
    """Open and closed petitions, the latest news, the newsletter's box."""
    with reading() as session:
        shown = queries.shown_petitions(session, language.current(), config().locales)
        news = reports.latest(session, language.current(), limit=LATEST, locales=config().locales)
    opened = [petition for petition in shown if petition.open]
    return render_template(
        "desk/home.html",
        featured=opened[0] if opened else None,
        opened=opened,
        closed=[petition for petition in shown if not petition.open],
        news=news,
    )


@desk.get("/<locale:locale>/safety")
def safety() -> ResponseReturnValue:
    """How to sign without being found."""
    return _text("safety", section="safety")


@desk.get("/<locale:locale>/contact")
def contact() -> ResponseReturnValue:
    """How to reach the organisation."""
    return _text("contact")


@desk.get("/<locale:locale>/tor")
def tor() -> ResponseReturnValue:
    """Tor Browser, and the site's onion address where it has one."""
    return _text("tor")


@desk.get("/<locale:locale>/privacy")
def privacy() -> ResponseReturnValue:
    """What is kept, why and for how long, with the periods of this instance's settings (C16)."""
    return _text("privacy")


@desk.get("/health")
def health() -> ResponseReturnValue:
    """200 while the database answers; else the page for a database that is away, 503."""
    with reading() as session:
        session.execute(text("SELECT 1"))
    return {"status": "ok", "day": clock.today().isoformat()}


def _text(name: str, *, section: str = "") -> str:
    found = texts.find(name, language.current(), config())
    return render_template("desk/text.html", text=found, section=section)
