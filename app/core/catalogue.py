"""The catalogue outside a web request: the same msgids, asked with a language (F01).

Reads the compiled catalogue, or the written one where nothing was compiled.
"""

from __future__ import annotations

import functools
import gettext as stdlib_gettext
import io
from pathlib import Path
from typing import Final

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

SOURCE: Final = "en"
"""The language of the msgids."""
FOLDER: Final = Path(__file__).parent.parent / "translations"


@functools.cache
def translations(language: str) -> stdlib_gettext.NullTranslations:
    """The catalogue of one language; English, the language of the msgids, needs none."""
    folder = FOLDER / language / "LC_MESSAGES"
    compiled, written = folder / "messages.mo", folder / "messages.po"
    if compiled.exists():
        with compiled.open("rb") as file:
            return Translations(file)
    if written.exists():
        buffer = io.BytesIO()
        with written.open("rb") as file:
            write_mo(buffer, read_po(file, locale=language))
        buffer.seek(0)
        return Translations(buffer)
    return stdlib_gettext.NullTranslations()


def has(language: str) -> bool:
    """Whether the texts can be shown in this language: it has a catalogue, or is that of the msgids."""
    return language == SOURCE or (FOLDER / language / "LC_MESSAGES" / "messages.po").exists()


def gettext(language: str, msgid: str) -> str:
    """``msgid`` in ``language``; itself where the catalogue has nothing."""
    return translations(language).gettext(msgid)
