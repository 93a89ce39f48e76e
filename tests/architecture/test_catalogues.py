"""Catalogues are complete and in step with what code, pages and mails say (F01)."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parents[2]
TRANSLATIONS = ROOT / "app" / "translations"
CATALOGUES = sorted(TRANSLATIONS.glob("*/LC_MESSAGES/messages.po"))
KEYWORDS = ("lazy_gettext", "lazy_pgettext:1c,2", "lazy_ngettext:1,2")
EXTRACT = (sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "babel.cfg")
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]")
ZWNJ = "\u200c"


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def texts(message: Message) -> list[str]:
    found = message.string
    return [found] if isinstance(found, str) else list(found or ())


def named(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    """What stands in code, pages and mails today."""
    file = tmp_path_factory.mktemp("catalogue") / "messages.pot"
    keywords = [part for keyword in KEYWORDS for part in ("-k", keyword)]
    subprocess.run(
        [*EXTRACT, *keywords, "-o", str(file), "."],
        cwd=ROOT,
        check=True,
        timeout=120,
    )
    with file.open("rb") as opened:
        return read_po(opened)


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_F01_every_text_is_translated_and_none_is_left_over(path: Path, template: Catalog) -> None:
    wanted = {named(message) for message in template if message.id}
    found = {named(message): message for message in catalogue(path) if message.id}
    assert sorted(wanted - found.keys()) == []
    assert sorted(found.keys() - wanted) == []
    empty = [name for name, message in found.items() if not all(texts(message))]
    assert empty == []
    assert [name for name, message in found.items() if message.fuzzy] == []


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_placeholders_survive_translation(path: Path) -> None:
    for message in catalogue(path):
        if message.id and isinstance(message.id, str):
            for text in texts(message):
                assert sorted(PLACEHOLDER.findall(text)) == sorted(
                    PLACEHOLDER.findall(message.id)
                ), message.id


def test_F04_persian_texts_are_written_in_persian_letters() -> None:
    path = TRANSLATIONS / "fa" / "LC_MESSAGES" / "messages.po"
    for message in catalogue(path):
        for text in texts(message) if message.id else []:
            assert not set("يكىةٱ٠١٢٣٤٥٦٧٨٩") & set(text), text
            assert "..." not in text, text
            assert f" {ZWNJ}" not in text, text
            assert f"{ZWNJ} " not in text, text
            plain = PLACEHOLDER.sub("", text)
            assert not re.search(r"\b(می|نمی) [آ-ی]", plain), text
            assert not re.search(r"[آ-ی] (ها|های|هایی|تر|ترین)\b", plain), text
            assert not re.search(r"[آ-ی][,;?]", plain), text
            assert '"' not in plain, text
