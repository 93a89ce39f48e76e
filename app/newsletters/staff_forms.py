"""What an editor's page holds and sends back: the texts of a language pair, and what each block shares.

Everything typed is kept, whatever is wrong with it. Each text carries the revision that the page showed and a mark
of its words, so that a text which this person left alone is told apart from one they changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict

from app.core import persian
from app.core.languages import tidy, tidy_lines
from app.newsletters import translating
from app.newsletters.issues import MAX_BODY, MAX_HEADING, BlockChange, Key, Typed
from app.newsletters.models import BUTTON, PETITION, SUBJECT, Block, BlockText, Issue

MAX_URL: Final = 400


@dataclass
class TextField:
    """A block in one language, as it stands in the form."""

    block: Block
    language: str
    heading: str = ""
    body: str = ""
    revision: int = 0
    mark: str = ""
    errors: list[str] = field(default_factory=list)
    theirs: BlockText | None = None
    """What somebody else saved meanwhile, to be read beside one's own."""

    @property
    def name(self) -> str:
        return f"{self.block.id.hex}-{self.language}"

    @property
    def anchor(self) -> str:
        """The id of the input that errors lead to."""
        return f"t-{self.name}-{'body' if self.has_body else 'heading'}"

    @property
    def seen(self) -> str:
        return f"{self.revision}.{self.mark}"

    @property
    def words(self) -> int:
        return translating.words(f"{self.heading} {self.body}")

    @property
    def has_heading(self) -> bool:
        return self.block.kind != PETITION

    @property
    def has_body(self) -> bool:
        return self.block.kind not in (SUBJECT, BUTTON, PETITION)

    @property
    def rows(self) -> int:
        return 4 if len(self.body) < 300 else 9


@dataclass
class BlockFields:
    """A block with its texts in the pair, and what is the same in all languages."""

    block: Block
    texts: list[TextField]
    url: str = ""
    petition_id: int | None = None
    errors: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.block.id.hex

    def heading(self, language: str) -> str:
        """The heading in the language of the page, else in the pair's other one."""
        own = sorted(self.texts, key=lambda text: text.language != language)
        return next((text.heading for text in own if text.heading), "")


class EditorForm:
    """All blocks of an issue in the languages of one pair."""

    def __init__(self, issue: Issue, pair: Sequence[str]) -> None:
        self.issue = issue
        self.pair = tuple(pair)
        self.blocks = [self._stored(block) for block in issue.blocks]

    def _stored(self, block: Block) -> BlockFields:
        texts = []
        for language in self.pair:
            row = next((text for text in block.texts if text.language == language), None)
            shown = TextField(block, language, mark=mark("", ""))
            if row is not None:
                shown.heading, shown.body, shown.revision = row.heading, row.body, row.revision
                shown.mark = mark(tidy(row.heading), tidy_lines(row.body))
            texts.append(shown)
        return BlockFields(block, texts, block.url, block.petition_id)

    def take(self, sent: MultiDict[str, str], *, source_too: bool) -> None:
        """Put what was sent over what is stored; ``source_too`` is False for who only translates."""
        for fields in self.blocks:
            for text in fields.texts:
                if text.language == self.issue.source_language and not source_too:
                    continue
                _take_text(text, sent)
            if source_too:
                _take_shared(fields, sent)

    @property
    def texts(self) -> list[TextField]:
        return [text for fields in self.blocks for text in fields.texts]

    @property
    def errors(self) -> list[tuple[str, str]]:
        """Every error with the field it stands at."""
        found = [(text.anchor, error) for text in self.texts for error in text.errors]
        return found + [
            (f"b-{fields.name}-url", error) for fields in self.blocks for error in fields.errors
        ]

    def typed(self) -> list[Typed]:
        """The texts for ``issues.save``."""
        return [
            Typed(
                text.block.id,
                text.language,
                text.heading,
                text.body,
                text.revision,
                touched=mark(text.heading, text.body) != text.mark,
            )
            for text in self.texts
            if text.has_heading
        ]

    def changes(self) -> Mapping[UUID, BlockChange]:
        """What blocks share, for ``issues.change_blocks``."""
        return {
            fields.block.id: BlockChange(fields.url, fields.petition_id)
            for fields in self.blocks
            if fields.block.kind in (BUTTON, PETITION)
        }

    def show_theirs(self, keys: Sequence[Key], fresh: Issue) -> None:
        """Set beside each overwritten text what is stored now; sending again then is a choice."""
        stored = {(block.id, text.language): text for block in fresh.blocks for text in block.texts}
        for text in self.texts:
            key = (text.block.id, text.language)
            if key not in keys:
                continue
            text.theirs = stored.get(key)
            if text.theirs is not None:
                text.revision = text.theirs.revision
                text.mark = mark(text.theirs.heading, text.theirs.body)
            text.errors.append(
                _("Somebody else changed this text meanwhile. Put the two together and save again.")
            )


def mark(heading: str, body: str) -> str:
    """A short mark of a text's words."""
    return hashlib.sha256(f"{heading}\0{body}".encode()).hexdigest()[:12]


def block_id(text: str) -> UUID | None:
    """The id in a button's value, or None."""
    try:
        return UUID(hex=text) if len(text) == 32 else None
    except ValueError:
        return None


def number(text: str | None) -> int | None:
    """A row's number as a form sends it, in any digits, or None."""
    plain = persian.latin_digits((text or "").strip())
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 10 else None


def _take_text(text: TextField, sent: MultiDict[str, str]) -> None:
    base = f"t-{text.name}"
    if f"{base}-seen" not in sent:
        return
    revision, _dot, seen = sent[f"{base}-seen"].partition(".")
    text.revision, text.mark = number(revision) or 0, seen
    if text.has_heading:
        text.heading = tidy(sent.get(f"{base}-heading", ""))
    if text.has_body:
        text.body = tidy_lines(sent.get(f"{base}-body", ""))
    if len(text.heading) > MAX_HEADING:
        text.errors.append(_("This line is too long; shorten it to 200 characters."))
    if len(text.body) > MAX_BODY:
        text.errors.append(_("This text is too long; divide it into two blocks."))


def _take_shared(fields: BlockFields, sent: MultiDict[str, str]) -> None:
    base = f"b-{fields.name}"
    if fields.block.kind == BUTTON and f"{base}-url" in sent:
        fields.url = tidy(sent[f"{base}-url"])
        if fields.url and not _is_link(fields.url):
            fields.errors.append(
                _("Write a whole address that begins with https://, like https://example.org/page.")
            )
    if fields.block.kind == PETITION and f"{base}-petition" in sent:
        fields.petition_id = number(sent[f"{base}-petition"])


def _is_link(url: str) -> bool:
    if len(url) > MAX_URL or " " in url or not url.isascii():
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme == "https" and "." in (parts.hostname or "") and '"' not in url
    except ValueError:
        return False
