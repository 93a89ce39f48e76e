"""What the service knows of languages: names, directions, digits, dates, isolation of foreign text (F01-F06)."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, TypeVar

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_decimal
from persiantools.jdatetime import JalaliDate

from app.core import persian

T = TypeVar("T")

FSI: Final = "\u2068"
PDI: Final = "\u2069"
_PERSIAN_DIGITS: Final = str.maketrans("0123456789,.", "۰۱۲۳۴۵۶۷۸۹٬٫")
_DIGITS_ONLY: Final = {sign: to for sign, to in _PERSIAN_DIGITS.items() if chr(sign).isdigit()}
_BIDI_CONTROLS: Final = dict.fromkeys(
    [0x200E, 0x200F, 0x061C, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], None
)
MOST_MARKS: Final = 30
"""Marks in a row on one letter that are kept, as in UAX 15's stream-safe text: sorting them costs their square."""
OWN_NAMES: Final = {"fa": "فارسی", "en": "English", "de": "Deutsch", "fr": "Français"}


@functools.cache
def direction(language: str) -> str:
    """``rtl`` or ``ltr``."""
    return str(Locale.parse(language).text_direction)


def is_known(language: str) -> bool:
    """Whether there is such a language; written as ``fa`` or ``pt_BR``, in ASCII and at most 8 characters."""
    if not re.fullmatch(r"[a-z]{2,3}(_[A-Za-z]{2,4})?", language):
        return False
    try:
        return bool(Locale.parse(language))
    except UnknownLocaleError:
        return False


def own_name(language: str) -> str:
    """The language's name in itself."""
    return OWN_NAMES.get(language) or str(Locale.parse(language).get_display_name(language))


def name_in(language: str, spoken: str) -> str:
    """The language's name in the language ``spoken``."""
    return str(Locale.parse(language).get_display_name(spoken) or own_name(language))


def digits(text: object, language: str) -> str:
    """The text with the digits of ``language``; for prose and figures, never for codes and addresses."""
    return str(text).translate(_DIGITS_ONLY) if language == "fa" else str(text)


def figure(value: float, language: str) -> str:
    """A number as readers of ``language`` write it: 6,184 or ۶٬۱۸۴."""
    text = str(format_decimal(value, locale="en" if language == "fa" else language))
    return text.translate(_PERSIAN_DIGITS) if language == "fa" else text


def day(value: date, language: str) -> str:
    """A date in words: ۳ آذر ۱۴۰۵ (Solar Hijri) or 24 November 2026."""
    if language == "fa":
        jalali = JalaliDate.to_jalali(value)  # type: ignore[no-untyped-call]
        return f"{digits(jalali.day, 'fa')} {jalali.strftime('%B %Y', locale='fa')}"
    return str(format_date(value, "d MMMM y", locale=language))


def both_days(value: date, language: str) -> str:
    """The date with its Gregorian twin beside it, where the language has a calendar of its own."""
    if language == "fa":
        return f"{day(value, 'fa')} ({digits(value.strftime('%Y/%m/%d'), 'fa')})"
    return day(value, language)


def sort_key(text: str, language: str) -> tuple[tuple[int, ...], str]:
    """A key that sorts names by the alphabet of ``language`` (F06)."""
    if language == "fa":
        return persian.sort_key(text)
    plain = unicodedata.normalize("NFKD", text).casefold()
    return tuple(ord(sign) for sign in plain if not unicodedata.combining(sign)), text


def isolate(text: str) -> str:
    """Foreign text for a subject or plain text, so that its direction leaks nowhere (F03)."""
    return f"{FSI}{text}{PDI}"


def tidy(text: str) -> str:
    """One typed line: no stray bidi controls or control characters, NFC, trimmed; ZWNJ stays (F03, F04)."""
    return " ".join(tidy_lines(text).split())


def first_of(known: Mapping[str, T], *wanted: str) -> T | None:
    """What is there in the first of the ``wanted`` languages that has it, else in any; None for nothing at all."""
    found = next((known[code] for code in wanted if known.get(code)), None)
    return found if found is not None else next(iter(known.values()), None)


def tidy_lines(text: str) -> str:
    """Typed text of several lines, cleaned like ``tidy`` but with its line ends as LF."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").translate(_BIDI_CONTROLS)
    text = unicodedata.normalize("NFC", text if text.isascii() else _with_few_marks(text))
    return "".join(
        sign
        for sign in text
        if sign in "\n\t\u200c\u200d"
        or unicodedata.category(sign) not in ("Cc", "Cs", "Cn", "Cf", "Co")
    ).strip()


def _with_few_marks(text: str) -> str:
    kept, marks = [], 0
    for sign in text:
        marks = marks + 1 if unicodedata.category(sign).startswith("M") else 0
        if marks <= MOST_MARKS:
            kept.append(sign)
    return "".join(kept)


def in_order(wanted: Iterable[str], known: Sequence[str]) -> tuple[str, ...]:
    """The known ones of ``wanted``, once each, in the order given: a subscription's languages (F08)."""
    return tuple(code for code in dict.fromkeys(wanted) if code in known)
