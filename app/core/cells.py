"""Counts as they may be told: no cell under twenty, and none that a total would betray (C19, C21)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

SMALLEST_CELL: Final = 20


@dataclass(frozen=True)
class Cells:
    """Counts of twenty and more, largest first, and the rest together."""

    shown: Mapping[Any, int]
    other: int


def merged(counts: Mapping[Any, int]) -> Cells:
    """The cells of twenty and more, largest first; smaller ones become "other".

    "Other" itself is never a number under twenty that a total would betray: then the smallest shown cell joins it.
    """
    order = sorted(counts.items(), key=lambda item: -item[1])
    shown = [item for item in order if item[1] >= SMALLEST_CELL]
    other = sum(count for _, count in order) - sum(count for _, count in shown)
    if 0 < other < SMALLEST_CELL and shown:
        other += shown.pop()[1]
    return Cells(dict(shown), other)
