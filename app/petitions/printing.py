"""What a petition gives to print and to share: a poster, a signature sheet, a picture; each in one language."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Final

import segno

from app.petitions import typesetting
from app.petitions.queries import ShownPetition

POSTER: Final = "poster"
SHEET: Final = "sheet"
SHARE: Final = "share"
FORMS: Final = {POSTER: "application/pdf", SHEET: "application/pdf", SHARE: "image/png"}
"""What there is, and its media type."""

SHARE_WIDTH: Final = 1200
SHARE_HEIGHT: Final = 630
PLAIN_COLOURS: Final = 64
PHOTO_COLOURS: Final = 256
ROWS: Final = 34
"""Empty rows of a sheet: what is left of the first page, and a second one for its back."""
SIZES: Final = ((60, "short"), (110, "long"), (150, "longer"))
"""Letters up to which a title is set in each size; beyond them it is the smallest, so that every page holds its text."""


@dataclass(frozen=True)
class Place:
    """Where a petition stands: what is printed beside it, in the language of the page."""

    organisation: str
    link: str
    """The short link, which the QR code holds."""
    contact: str
    """The address of the page that says how to reach the organisation."""


def document(form: str, petition: ShownPetition, place: Place, picture: bytes | None = None) -> str:
    """The page of one of ``FORMS`` as HTML, in the language of the petition's text.

    A share picture shows ``picture``, which is WebP.
    """
    return typesetting.html(
        f"{form}.html",
        petition.language,
        petition=petition,
        place=place,
        qr=qr(place.link),
        written_link=place.link.partition("://")[2],
        size=_size(form, petition),
        rows=ROWS,
        picture=in_itself(picture) if picture else "",
    )


def made(form: str, page: str, *, photo: bool = False) -> bytes:
    """The file of a page that ``document`` wrote: a PDF, or a PNG of 1200 x 630, with a ``photo`` in more colours.

    Takes up to a second. Raises TypesettingError where documents cannot be set.
    """
    if form == SHARE:
        return typesetting.png(page, SHARE_WIDTH, colours=PHOTO_COLOURS if photo else PLAIN_COLOURS)
    return typesetting.pdf(page)


def in_itself(picture: bytes) -> str:
    """A WebP picture as an address that stands in the document itself."""
    return f"data:image/webp;base64,{base64.b64encode(picture).decode('ascii')}"


def qr(link: str) -> str:
    """A QR code (ISO 18004, a quarter of it may be damaged) as a picture that stands in the document itself."""
    return str(segno.make_qr(link, error="q").svg_data_uri(border=0, dark="#10242B"))


def _size(form: str, petition: ShownPetition) -> str:
    letters = len(petition.title)
    if form == POSTER:
        # Beside the title stand the sentence and the addressee, set smaller.
        letters = max(letters, (2 * letters + len(petition.summary) + len(petition.addressee)) // 4)
    return size_of(letters)


def size_of(letters: int) -> str:
    """The word for the size in which a title of so many letters is set; templates say what it means."""
    return next((size for most, size in SIZES if letters <= most), "longest")
