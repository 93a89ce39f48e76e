"""What changed between two texts, field by field and word by word."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

WORD: Final = re.compile(r"\S+")
_WORD_OR_BREAK: Final = re.compile(r"\S+|\n+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words of a changed text: ``same``, ``gone`` or ``new``."""

    kind: Literal["same", "gone", "new"]
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    """A field that does not say what it said before."""

    field: str
    pieces: Sequence[Piece]


def changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[Change]:
    """What changed field by field, in the order of ``after``; a field that says the same is left out."""
    return [
        Change(field, difference(before.get(field, ""), text))
        for field, text in after.items()
        if before.get(field, "") != text
    ]


def difference(before: str, after: str) -> list[Piece]:
    """Two texts compared word by word; words that stand together make one piece.

    Line ends stay as they are in ``after`` and are told as no change of their own.
    """
    return list(_difference(before, after))


@functools.lru_cache(maxsize=64)
def _difference(before: str, after: str) -> tuple[Piece, ...]:
    """Kept, since long texts take half a second and versions never change."""
    old, new = _WORD_OR_BREAK.findall(before), _WORD_OR_BREAK.findall(after)
    pieces: list[Piece] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", " ".join(new[j1:j2])))
            continue
        gone, come = " ".join(old[i1:i2]), " ".join(new[j1:j2])
        if gone.strip():
            pieces.append(Piece("gone", gone))
        if come:
            pieces.append(Piece("new" if come.strip() else "same", come))
    return tuple(pieces)
