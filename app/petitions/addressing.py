"""Where a petition stands in addresses: a slug for each language that has one of its own, else the petition's.

A slug is unique over all petitions and languages. One that readers knew leads to its petition for good: when another
takes its place it stays, and leads there. What a draft or a hidden translation tried leaves nothing, and the slug of
a translation that nobody has approved is no page yet: whoever guesses it learns nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container
from typing import Final

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core import languages, persian
from app.core.errors import InvalidError
from app.petitions.models import DRAFT, Petition, PetitionAddress

LONGEST: Final = 80
SUGGESTED: Final = 60
"""Letters that a suggestion has at most."""
_SIGN: Final = f"a-z0-9{persian.LETTERS}"
PATTERN: Final = f"[{_SIGN}](?:[{_SIGN}-]{{0,{LONGEST - 2}}}[{_SIGN}])?"
_SLUG: Final = re.compile(PATTERN)
_SPELLED: Final = str.maketrans(
    {
        "ي": "ی",
        "ى": "ی",
        "ك": "ک",
        "ة": "ه",
        "ۀ": "ه",
        "إ": "ا",
        "ٱ": "ا",
        "\u0640": None,
        persian.ZWNJ: "-",
        "\u200d": None,
    }
)


def spelled(typed: str) -> str:
    """A slug as it is kept: lower case, one form of each letter, digits of ASCII; spaces and ZWNJ are hyphens.

    In NFC (UAX 15), without accents and vowel signs. What no slug may hold stays, so that ``give`` can refuse it.
    """
    text = unicodedata.normalize("NFKC", languages.tidy(typed)).translate(_SPELLED)
    text = "".join(map(_plain, persian.latin_digits(text).casefold()))
    return re.sub(r"[\s_-]+", "-", text).strip("-")


def suggestion(title: str) -> str:
    """A slug made from a title, cut at a word; empty where nothing of the title may stand in one."""
    words = re.sub(r"['’`]", "", title)
    slug = re.sub(f"[^{_SIGN}]+", "-", spelled(words)).strip("-")
    if len(slug) > SUGGESTED:
        slug = slug[: SUGGESTED + 1].rpartition("-")[0] or slug[:SUGGESTED]
    return slug


def own(petition: Petition, language: str) -> str:
    """The slug that staff chose for ``language``; empty where the petition's own stands in."""
    row = _current(petition, language)
    return row.slug if row else ""


def slug_in(petition: Petition, language: str) -> str:
    """The slug of ``language``."""
    return own(petition, language) or petition.slug


def leads(language: str, current: bool, shown: Container[str]) -> bool:
    """Whether readers get somewhere by a slug of ``language``, where ``shown`` are the languages that they may read.

    Not by that of a translation that waits for approval.
    """
    return not (current and language) or language in shown


def give(session: Session, petition: Petition, language: str, typed: str) -> bool:
    """Let a language have the slug that was typed; an empty one gives it the petition's again.

    A language without a text has none. Returns whether anything changed; the caller commits.

    Raises InvalidError (field ``slug``) for an odd one, and for one that another petition or language has or had.
    """
    texts = [text for text in petition.texts if text.language == language]
    slug = spelled(typed) if texts else ""
    before = _current(petition, language)
    if slug == petition.slug:
        slug = ""
    if slug == (before.slug if before else ""):
        return False
    if slug and not _SLUG.fullmatch(slug):
        raise InvalidError("odd", field="slug")
    if before:
        if petition.state != DRAFT and not all(text.is_hidden for text in texts):
            before.current = False
        else:
            petition.addresses.remove(before)
        session.flush()
    if slug:
        _take(session, petition, language, slug)
    return True


def _take(session: Session, petition: Petition, language: str, slug: str) -> None:
    back = next((row for row in petition.addresses if row.slug == slug), None)
    if back is not None and (back.current or back.language != language):
        raise InvalidError("taken", field="slug")
    try:
        with session.begin_nested():
            if back is not None:
                back.current = True
            else:
                petition.addresses.append(
                    PetitionAddress(language=language, slug=slug, current=True)
                )
    except IntegrityError:
        raise InvalidError("taken", field="slug") from None


def _current(petition: Petition, language: str) -> PetitionAddress | None:
    rows = petition.addresses
    return next((row for row in rows if row.current and row.language == language), None)


def _plain(sign: str) -> str:
    """A sign without its accents; Persian letters keep their hamza and madda."""
    if sign in persian.LETTERS:
        return sign
    return "".join(
        one for one in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(one)
    )
