"""What a petition gives to print and to share, and the public record of what was handed over.

Files are set once and kept in memory by what they show; they are the same for everyone and hold nothing of the visitor.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, render_template, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import NotFoundError
from app.petitions import delivering, printing, queries, typesetting
from app.petitions.queries import ShownPetition
from app.web import language
from app.web.context import config, reading

printed = Blueprint("printed", __name__)
log = logging.getLogger(__name__)

_kept = typesetting.Kept()


@printed.get("/<locale:locale>/petitions/<slug:slug>/poster.pdf")
def poster(slug: str) -> ResponseReturnValue:
    """A4 to put up: title, one sentence, QR code and short link."""
    return _file(printing.POSTER, slug)


@printed.get("/<locale:locale>/petitions/<slug:slug>/sheet.pdf")
def sheet(slug: str) -> ResponseReturnValue:
    """A4 to sign on: the demands, empty rows, what happens with it, where it goes."""
    return _file(printing.SHEET, slug)


@printed.get("/<locale:locale>/petitions/<slug:slug>/share.png")
def share(slug: str) -> ResponseReturnValue:
    """The picture that other sites show beside a link, 1200 x 630; it holds no number that moves."""
    return _file(printing.SHARE, slug)


@printed.get("/<locale:locale>/petitions/<slug:slug>/delivery")
def delivery(slug: str) -> ResponseReturnValue:
    """What was handed over: for each file its day, its line and its SHA-256."""
    with reading() as session:
        found = queries.shown_petition(session, slug, language.current(), config().locales)
        files = delivering.handed_over(session, found.id)
    return render_template("petitions/delivery.html", petition=found, files=files)


def _file(form: str, slug: str) -> Response:
    with reading() as session:
        found = queries.shown_petition(session, slug, language.current(), config().locales)
    if form != printing.SHARE and not found.open:
        raise NotFoundError("a closed petition has nothing to sign")
    if not typesetting.available():
        log.error("Pango is missing: there are no posters, sheets and share pictures")
        raise NotFoundError("documents cannot be set here")
    page = printing.document(form, found, _place(found))
    mark = typesetting.mark(form, page)
    content = _kept.get(mark, lambda: printing.made(form, page))
    answer = Response(content, mimetype=printing.FORMS[form])
    kind = "png" if form == printing.SHARE else "pdf"
    name = f"{found.slug}-{form}.{found.language}.{kind}"
    answer.headers["Content-Disposition"] = f'inline; filename="{name}"'
    return answer


def _place(found: ShownPetition) -> printing.Place:
    base = config().base_url
    return printing.Place(
        organisation=config().organisation_name(found.language),
        link=f"{base}/p/{found.id}",
        contact=base + url_for("desk.contact", locale=language.current()),
    )
