"""Countries by their two letters (ISO 3166-1), and what each is called."""

from __future__ import annotations

from typing import Final

from babel import Locale

from app.core import languages

NO_COUNTRY: Final = ("EU", "EZ", "UN", "ZZ", "XA", "XB", "QO")
"""Codes that stand for no country."""


def countries(page_language: str) -> list[tuple[str, str]]:
    """All countries with their names in the page's language, sorted by its alphabet."""
    names = {str(code): name for code, name in Locale.parse(page_language).territories.items()}
    found = [code for code in names if len(code) == 2 and code.isalpha() and code not in NO_COUNTRY]
    return sorted(
        ((code, str(names[code])) for code in found),
        key=lambda pair: languages.sort_key(pair[1], page_language),
    )


def country_name(code: str, page_language: str) -> str:
    """A country's name in the page's language."""
    return str(Locale.parse(page_language).territories.get(code, code)) if code else ""
