"""What changed between two texts, word by word."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, Literal

WORD: Final = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words of a changed text: ``same``, ``gone`` or ``new``."""

    kind: Literal["same", "gone", "new"]
    text: str


def difference(before: str, after: str) -> list[Piece]:
    """Two texts compared word by word; words that stand together make one piece."""
    return list(_difference(before, after))


@functools.lru_cache(maxsize=32)
def _difference(before: str, after: str) -> tuple[Piece, ...]:
    """Kept, since long texts take half a second and versions never change."""
    old, new = WORD.findall(before), WORD.findall(after)
    pieces: list[Piece] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            pieces.append(Piece("same", " ".join(new[j1:j2])))
            continue
        if i1 < i2:
            pieces.append(Piece("gone", " ".join(old[i1:i2])))
        if j1 < j2:
            pieces.append(Piece("new", " ".join(new[j1:j2])))
    return tuple(pieces)
