"""What a petition gives to print and to share, and the public record of what was handed over.

Files are set once and kept in memory by what they show; they are the same for everyone and hold nothing of the visitor.
"""

from __future__ import annotations

import logging

from flask import Blueprint, Response, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_babel import gettext as _

from app.core.errors import NotFoundError
from app.petitions import address_views, delivering, picturing, printing, snippets, typesetting
from app.petitions.picturing import ShownPicture
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


@printed.get("/<locale:locale>/petitions/<slug:slug>/snippet")
def snippet(slug: str) -> ResponseReturnValue:
    """For other sites: a few words of HTML to copy and a picture to keep there; nothing of it is loaded from here."""
    with reading() as session:
        found = address_views.petition(session, slug)
        picture = picturing.of_petition(session, found.id)
    file, source = _to_download(found, picture)
    with force_locale(found.language):
        call = _("Sign this petition") if found.open else _("Read this petition")
    written = snippets.html(found, _place(found).link, call, file)
    return render_template(
        "petitions/snippet.html",
        petition=found,
        snippet=str(written),
        file=file,
        source=source,
        share=_place(found).link,
    )


@printed.get("/<locale:locale>/petitions/<slug:slug>/delivery")
def delivery(slug: str) -> ResponseReturnValue:
    """What was handed over: for each file its day, its line and its SHA-256."""
    with reading() as session:
        found = address_views.petition(session, slug)
        files = delivering.handed_over(session, found.id)
    return render_template("petitions/delivery.html", petition=found, files=files)


def _file(form: str, slug: str) -> Response:
    picture = None
    with reading() as session:
        found = address_views.petition(session, slug)
        if form == printing.SHARE:
            picture = picturing.octets(session, found.id)
    if form != printing.SHARE and not found.open:
        raise NotFoundError("a closed petition has nothing to sign")
    if not typesetting.available():
        log.error("Pango is missing: there are no posters, sheets and share pictures")
        raise NotFoundError("documents cannot be set here")
    page = printing.document(form, found, _place(found), picture)
    mark = typesetting.mark(form, page)
    content = _kept.get(mark, lambda: printing.made(form, page, photo=picture is not None))
    answer = Response(content, mimetype=printing.FORMS[form])
    answer.headers["Content-Disposition"] = f'inline; filename="{_name(found, form)}"'
    return answer


def _to_download(
    found: ShownPetition, picture: ShownPicture | None
) -> tuple[snippets.File | None, str]:
    """The picture for another site and where it is: the share picture, else the petition's own, else none."""
    if typesetting.available():
        source = url_for(".share", slug=found.slug)
        size = printing.SHARE_WIDTH, printing.SHARE_HEIGHT
        # It shows the title, which stands beside it.
        return snippets.File(_name(found, printing.SHARE), *size, ""), source
    if picture is not None:
        source = url_for("pictures.picture", digest=picture.digest)
        name = f"{found.name}.webp"
        alt = picture.alt(found.language)
        return snippets.File(name, picture.width, picture.height, alt), source
    return None, ""


def _name(found: ShownPetition, form: str) -> str:
    kind = "png" if form == printing.SHARE else "pdf"
    return f"{found.name}-{form}.{found.language}.{kind}"


def _place(found: ShownPetition) -> printing.Place:
    base = config().base_url
    return printing.Place(
        organisation=config().organisation_name(found.language),
        link=address_views.short_link(found),
        contact=base + url_for("desk.contact", locale=language.current()),
    )
