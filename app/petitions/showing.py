"""How a signer is shown: nothing, initials, or the name as they wrote it."""

from __future__ import annotations

from typing import Final

from app.core import languages, persian
from app.petitions.models import FULL_NAME, INITIALS

MOST_INITIALS: Final = 4


def shown_name(shown_as: str, name: str) -> str:
    """What of ``name`` is kept to be shown: for initials only those, for an anonymous signer nothing (C05)."""
    if shown_as == INITIALS:
        return initials(name)
    return languages.tidy(name) if shown_as == FULL_NAME else ""


def initials(name: str) -> str:
    """The first letter of each word: "م. ر." or "M. R."."""
    words = name.replace("-", " ").split()
    letters = [
        next((sign for sign in word.strip(persian.ZWNJ) if sign.isalpha()), "") for word in words
    ]
    return " ".join(f"{letter.upper()}." for letter in letters if letter)[: MOST_INITIALS * 4]
