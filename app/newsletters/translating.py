"""Where each translation stands: missing, stale or approved, and what changed in its source since (F08).

A translation remembers the revision of the source text that it was approved against, and that text. When the
source moves on, it is stale until a person approves it again, with or without a change of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from app.core.differences import WORD, Piece, difference
from app.newsletters.models import BUTTON, PETITION, SUBJECT, Block, BlockText, Issue

State = Literal["missing", "stale", "approved"]

MISSING: Final = "missing"
STALE: Final = "stale"
APPROVED: Final = "approved"


@dataclass(frozen=True, slots=True)
class Unready:
    """A block that stands in the way of sending in one language, and why."""

    block: Block
    language: str
    state: State


def text_in(block: Block, language: str) -> BlockText | None:
    """The block's text in ``language``, where something is written."""
    return next(
        (text for text in block.texts if text.language == language and is_written(block, text)),
        None,
    )


def is_written(block: Block, text: BlockText | None) -> bool:
    """Whether a text says what its kind of block must say: a heading, or a body."""
    if text is None:
        return False
    return bool(text.heading if block.kind in (SUBJECT, BUTTON) else text.body)


def whole(text: BlockText) -> str:
    """Heading and body as one text: what is kept as the source of a translation, and compared."""
    return f"{text.heading}\n\n{text.body}".strip()


def state(block: Block, language: str, source_language: str) -> State:
    """Where the block stands in ``language``; in the source language it is written or missing.

    A petition's words come from the petition, so there is nothing to translate here.
    """
    if block.kind == PETITION:
        return APPROVED
    text = text_in(block, language)
    if text is None:
        return MISSING
    if language == source_language:
        return APPROVED
    source = text_in(block, source_language)
    if source is None or text.source_revision != source.revision:
        return STALE
    return APPROVED


def approved_of(issue: Issue, language: str) -> tuple[int, int]:
    """How many of the issue's blocks are approved in ``language``, of how many."""
    states = [state(block, language, issue.source_language) for block in issue.blocks]
    return states.count(APPROVED), len(states)


def unready(issue: Issue) -> list[Unready]:
    """Every text that is missing or stale, in the order of the blocks."""
    found = []
    for block in issue.blocks:
        for language in issue.languages:
            at = state(block, language, issue.source_language)
            if at != APPROVED:
                found.append(Unready(block, language, at))
    return found


def change_of_source(block: Block, language: str, source_language: str) -> list[Piece]:
    """What changed in the source since the stale translation was approved; empty where nothing can be told."""
    text, source = text_in(block, language), text_in(block, source_language)
    if text is None or source is None or not text.source_body:
        return []
    if text.source_revision == source.revision:
        return []
    return difference(text.source_body, whole(source))


def words(text: str) -> int:
    """How many words a text has; ZWNJ joins, so «می‌کنم» is one."""
    return len(WORD.findall(text))


def pairs(languages: Sequence[str], source_language: str) -> list[tuple[str, ...]]:
    """The pairs an editor works in: the source beside each other language, or the source alone."""
    others = [language for language in languages if language != source_language]
    return [(source_language, other) for other in others] or [(source_language,)]
