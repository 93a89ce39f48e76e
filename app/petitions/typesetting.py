"""From a template to a PDF or a picture: WeasyPrint and PDFium, with no network and no trace of when or by whom.

The same input gives the same bytes: no time, author or program stands in a file. Knows no Flask, since officers set
their deliveries on a machine that serves nothing.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import hashlib
import io
import logging
import os
import threading
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.core import catalogue, languages
from app.core.countries import country_name
from app.core.errors import PeyvandError
from app.web.text import markdown

APP: Final = Path(__file__).resolve().parents[1]
FONTS: Final = APP / "static" / "fonts"
FACES: Final = {"Vazirmatn": "vazirmatn-fa.woff2", "Public Sans": "public-sans-la.woff2"}
MOST_KEPT: Final = 256
"""Documents that one process keeps; a poster has about 40 KB, a share picture 60."""

LIBRARIES: Final = (
    ("libpango-1.0.so.0", "libpango-1.0.dylib", "libpango-1.0-0.dll"),
    ("libpangoft2-1.0.so.0", "libpangoft2-1.0.dylib", "libpangoft2-1.0-0.dll"),
)
"""Pango by its names on Linux, macOS and Windows."""

# What it warns of may quote the text that is set (C23).
for _name in ("weasyprint", "weasyprint.progress", "fontTools"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)

# fontTools writes the moment into each font it cuts down, unless this names another (reproducible-builds.org).
os.environ.setdefault("SOURCE_DATE_EPOCH", "0")

_one_at_a_time = threading.Lock()


class TypesettingError(PeyvandError):
    """A document that cannot be set: Pango is not installed here (see docs/running.md), or it asks for the network."""


@functools.cache
def available() -> bool:
    """Whether documents can be set here; without Pango they cannot, and the rest of the service goes on.

    Loads Pango alone, so that a page may ask it: WeasyPrint takes half a second and waits for the first document.
    """
    return all(any(_loads(name) for name in names) for names in LIBRARIES)


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def html(template: str, language: str, **values: object) -> str:
    """The document ``template`` (its name in app/templates/print) in ``language``."""
    return _environment(language).get_template(f"print/{template}").render(values)


def pdf(document: str) -> bytes:
    """Set an HTML document. Takes 0.2 s and more; one at a time, since Pango keeps state between documents.

    Raises TypesettingError where Pango is missing, and when the document asks for more than fonts and itself.
    """
    if not available():
        raise TypesettingError("documents cannot be set here: Pango is missing")
    import weasyprint
    from weasyprint.urls import FatalURLFetchingError

    with _one_at_a_time:
        try:
            faces, configuration = _fonts()
            found = weasyprint.HTML(string=document, url_fetcher=_fetcher()).write_pdf(
                finisher=_without_program,
                font_config=configuration,
                stylesheets=[faces],
                pdf_tags=True,
            )
        except FatalURLFetchingError:  # no Exception: it would end the thread that serves
            raise TypesettingError("a document asked for something from elsewhere") from None
    return bytes(found)


def png(document: str, width: int, *, colours: int) -> bytes:
    """The first page of an HTML document as a picture, ``width`` pixels wide, in so many colours.

    Raises TypesettingError as ``pdf``.
    """
    import pypdfium2

    set_page = pdf(document)
    with _one_at_a_time:  # PDFium is not for several threads
        opened = pypdfium2.PdfDocument(set_page)
        try:
            page = opened[0]
            drawn = page.render(scale=width / page.get_width()).to_pil().convert("RGB")
            page.close()
        finally:
            opened.close()
    written = io.BytesIO()
    drawn.quantize(colours).save(written, "PNG", optimize=True)
    return written.getvalue()


class Kept:
    """Documents already set, by what they show; the oldest goes when there are too many."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._found: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()
        self._making = threading.Lock()

    def get(self, mark: str, make: Callable[[], bytes]) -> bytes:
        """What stands under ``mark``, else what ``make`` makes; two who ask at once make it once."""
        found = self._look(mark)
        if found is not None:
            return found
        with self._making:
            found = self._look(mark)
            if found is None:
                found = make()
                with self._lock:
                    self._found[mark] = found
                    while len(self._found) > self._most:
                        self._found.popitem(last=False)
        return found

    def _look(self, mark: str) -> bytes | None:
        with self._lock:
            found = self._found.get(mark)
            if found is not None:
                self._found.move_to_end(mark)
            return found


def mark(form: str, document: str) -> str:
    """What tells one document from another: the SHA-256 of what is set, and in which form."""
    return hashlib.sha256(f"{form}\n{document}".encode()).hexdigest()


def facing(text: str) -> str:
    """``rtl`` or ``ltr``, by the text's first letter (UAX 9, P2): WeasyPrint knows no ``dir="auto"`` (F03)."""
    for sign in text:
        kind = unicodedata.bidirectional(sign)
        if kind in ("L", "R", "AL"):
            return "ltr" if kind == "L" else "rtl"
    return "ltr"


@functools.cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(APP / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = catalogue.translations(language)

    def gettext(msgid: str, **values: object) -> Markup:
        # Ours, not typed by anyone; what is put in is escaped by the Markup's own formatting.
        text = Markup(found.gettext(msgid))  # noqa: S704
        return text % values if values else text

    def ngettext(one: str, many: str, number: int, **values: object) -> Markup:
        return Markup(found.ngettext(one, many, number)) % values  # noqa: S704

    environment.globals.update(
        _=gettext,
        ngettext=ngettext,
        locale=language,
        direction=languages.direction,
        own_name=languages.own_name,
        tongue=lambda code: languages.name_in(code, language),
    )
    environment.filters.update(
        figure=lambda value: languages.figure(value, language),
        digits=lambda value: languages.digits(value, language),
        both_days=functools.partial(_both_days, language),
        country=lambda code: country_name(code, language),
        facing=facing,
        markdown=markdown,
    )
    return environment


def _both_days(language: str, value: date) -> str:
    return languages.both_days(value, language)


@functools.cache
def _fonts() -> tuple[Any, Any]:
    """The service's own fonts, registered once: Pango forgets none of them, so each document would leave its own."""
    import weasyprint
    from weasyprint.text.fonts import FontConfiguration

    configuration = FontConfiguration()
    faces = "".join(
        f'@font-face{{font-family:"{family}";src:url({(FONTS / file).as_uri()}) format("woff2");'
        "font-weight:400 800}"
        for family, file in FACES.items()
    )
    # Its end needs modules that are gone when the interpreter ends.
    atexit.register(_fonts.cache_clear)
    css = weasyprint.CSS(string=faces, font_config=configuration, url_fetcher=_fetcher())
    return css, configuration


def _fetcher() -> Any:
    """Reads the service's fonts and what stands in the document itself, and nothing else."""
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    allowed = {path.as_uri() for path in FONTS.glob("*.woff2")}

    class OwnFiles(URLFetcher):  # type: ignore[misc]
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url not in allowed and not url.startswith("data:"):
                raise FatalURLFetchingError("neither a font nor part of the document")
            return super().fetch(url, headers)

    return OwnFiles(allowed_protocols={"file", "data"}, allow_redirects=False, fail_on_errors=True)


def _without_program(_document: Any, written: Any) -> None:
    for name in ("Producer", "Creator", "Author", "CreationDate", "ModDate"):
        written.info.pop(name, None)
