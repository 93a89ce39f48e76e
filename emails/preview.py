"""A letter as a page of its own, for the sandboxed preview (C25): holes filled, nothing loads."""

from __future__ import annotations

import re
from collections.abc import Mapping

from markupsafe import escape

from emails.direction import DIGITS
from emails.holes import Tokens
from emails.mailbox import inline_pictures
from emails.render import Rendered

SAMPLES: Mapping[str, str] = {
    "link": "https://example.org/link",
    "unsubscribe": "https://example.org/unsubscribe",
    "never_write": "https://example.org/never",
    "code": "ABCD2345",
    "number": "47",
}

_DARK = re.compile(r"@media \(prefers-color-scheme:\s?dark\)\s?\{((?:[^{}]*\{[^{}]*\})*)\s*\}")
_SCHEME = re.compile(r"(<meta name=\"(?:supported-)?color-schemes?\" content=\")light dark\"")


def preview(
    rendered: Rendered, *, dark: bool = False, values: Mapping[str, str] | None = None
) -> str:
    """The HTML of ``rendered`` as a reader's client shows it, whatever the viewer's own scheme.

    ``values`` replace the samples; pictures are written as data. No reader's secret belongs here.
    """
    filling = {**SAMPLES, **(values or {})}
    html = rendered.html
    if rendered.nonce:
        html = Tokens(rendered.nonce).pattern.sub(
            lambda found: str(escape(filling.get(found[1], "").translate(DIGITS[found[2]]))), html
        )
    pictures = {
        picture.cid: (f"image/{picture.subtype}", picture.content) for picture in rendered.pictures
    }
    return in_scheme(inline_pictures(html, pictures), dark=dark)


def in_scheme(html: str, *, dark: bool) -> str:
    """``html`` with its dark rules always on, or taken out."""
    scheme = "dark" if dark else "light"
    html = _DARK.sub((lambda found: found[1]) if dark else "", html)
    html = html.replace("color-scheme:light dark", f"color-scheme:{scheme}")
    html = html.replace("supported-color-schemes:light dark", f"supported-color-schemes:{scheme}")
    return _SCHEME.sub(rf'\1{scheme}"', html)
