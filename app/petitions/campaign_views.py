"""What became of a petition, and who stands behind it: pages beside the petition's own."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.core import clock
from app.core.countries import country_name
from app.core.errors import NotFoundError
from app.petitions import address_views, charts, editing, news, showing_signers, translating
from app.petitions.showing_signers import A_PAGE
from app.web import language
from app.web.context import config, reading
from app.web.forms import plain_number

campaign = Blueprint("campaign", __name__)
campaign.add_app_template_filter(charts.by_week, "bars")


@campaign.app_template_filter("country")
def country(code: str) -> str:
    """A country's name in the page's language."""
    return country_name(code, language.current())


@campaign.get("/<locale:locale>/petitions/<slug:slug>/updates")
def updates(slug: str) -> ResponseReturnValue:
    """All updates of a petition, the newest first."""
    locales = config().locales
    with reading() as session:
        found = address_views.petition(session, slug)
        told = news.updates(
            session, language.current(), locales, petition_id=found.id, day=clock.today()
        )
    return render_template("petitions/updates.html", petition=found, updates=told)


@campaign.get("/<locale:locale>/petitions/<slug:slug>/signers")
def signers(slug: str) -> ResponseReturnValue:
    """The signers who chose to be shown, in no order; ``page`` turns the pages (C21)."""
    with reading() as session:
        found = address_views.petition(session, slug)
        shown = showing_signers.number_of_signers(session, found.id)
        number, last = _turned_to(shown)
        names = showing_signers.signers(session, found.id, page=number)
    return render_template(
        "petitions/signers.html", petition=found, signers=names, number=number, last=last
    )


@campaign.get("/<locale:locale>/petitions/<slug:slug>/comments")
def comments(slug: str) -> ResponseReturnValue:
    """What signers wrote to be published, in no order; ``page`` turns the pages (C21)."""
    day = clock.today()
    with reading() as session:
        found = address_views.petition(session, slug)
        number, last = _turned_to(showing_signers.number_of_comments(session, found.id, day=day))
        said = showing_signers.comments(session, found.id, day=day, page=number)
    return render_template(
        "petitions/comments.html", petition=found, comments=said, number=number, last=last
    )


@campaign.get("/<locale:locale>/petitions/<slug:slug>/versions")
def versions(slug: str) -> ResponseReturnValue:
    """The versions of the text in this language, the newest first, and what changed in each."""
    with reading() as session:
        found = address_views.petition(session, slug)
        petition = editing.get(session, found.id)
    told = translating.public_versions(petition, found.language)
    return render_template("petitions/versions.html", petition=found, versions=told)


def _turned_to(things: int) -> tuple[int, int]:
    """The page that was asked for, and the last one.

    Raises NotFoundError for one that is not there.
    """
    number = plain_number(request.args.get("page", "1"), 5) or 0
    last = max(-(-things // A_PAGE), 1)
    if not 1 <= number <= last:
        raise NotFoundError("no such page")
    return number, last
