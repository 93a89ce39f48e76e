"""Which way a language runs, its digits and its faces, as far as a mail needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from babel import Locale, UnknownLocaleError

FSI = "\u2068"
PDI = "\u2069"

_ARABEXT = str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")
DIGITS: dict[str, dict[int, int]] = {"latn": {}, "arabext": _ARABEXT}
"""Digit systems by their CLDR names; only Persian pages show others than 0 to 9."""

PERSIAN_FACES = "Vazirmatn,Tahoma,'Segoe UI',Arial,sans-serif"
LATIN_FACES = "'Public Sans','Segoe UI',Roboto,Helvetica,Arial,sans-serif"


@dataclass(frozen=True, slots=True)
class Script:
    """How a mail sets one language; sides are physical, for Outlook knows no others."""

    language: str
    dir: str
    start: str
    end: str
    digits: str
    faces: str
    body_size: str
    body_leading: str
    head_leading: str
    small_leading: str


@lru_cache(maxsize=64)
def script_of(language: str) -> Script:
    """How to set ``language`` (a tag such as fa, ckb, de); an unknown tag runs left to right."""
    base = language.replace("_", "-").split("-")[0].lower()
    try:
        rtl = Locale.parse(language.replace("-", "_")).text_direction == "rtl"
    except (UnknownLocaleError, ValueError):
        rtl = False
    return Script(
        language=language,
        dir="rtl" if rtl else "ltr",
        start="right" if rtl else "left",
        end="left" if rtl else "right",
        digits="arabext" if base == "fa" else "latn",
        faces=PERSIAN_FACES if rtl else LATIN_FACES,
        body_size="17px" if rtl else "16px",
        body_leading="1.95" if rtl else "1.6",
        head_leading="1.5" if rtl else "1.25",
        small_leading="1.9" if rtl else "1.6",
    )


def isolate(text: str) -> str:
    """``text`` between FSI and PDI, so that it cannot turn what stands beside it (F03)."""
    return f"{FSI}{text}{PDI}"
