"""What another site may show of a petition: a few words of HTML and a picture that it keeps itself.

Nothing in it is loaded from here, so that we learn of nobody who reads that site, and it learns nothing of us (C22).
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from app.core import languages
from app.petitions.queries import ShownPetition


@dataclass(frozen=True)
class File:
    """A picture to download: its name there, its size in pixels, and what it shows."""

    name: str
    width: int
    height: int
    alt: str


def html(petition: ShownPetition, link: str, call: str, file: File | None) -> Markup:
    """The snippet in the language of the petition's text: picture, title and ``call``, all one link."""
    shown = Markup("")
    if file:
        shown = Markup(
            '<img src="{0}" width="{1}" height="{2}" alt="{3}" style="max-width:100%;height:auto"><br>\n    '
        ).format(file.name, file.width, file.height, file.alt)
    return Markup(
        '<p lang="{language}" dir="{direction}">\n'
        '  <a href="{link}">\n'
        "    {shown}<strong>\n"
        "    {title}\n"
        "    </strong><br>\n"
        "    {call}\n"
        "  </a>\n"
        "</p>"
    ).format(
        language=petition.language,
        direction=languages.direction(petition.language),
        link=link,
        shown=shown,
        title=petition.title,
        call=call,
    )
