"""Where the bars of a chart stand; numbers only, so that the drawing needs no style of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.petitions.weeks import Group

WIDTH: Final = 600
HEIGHT: Final = 120
GAP: Final = 3
LOWEST: Final = 2


@dataclass(frozen=True)
class Bar:
    """A rectangle in a field of 600 by 120; the newest one stands out."""

    x: float
    y: float
    width: float
    height: float
    newest: bool


def by_week(groups: Sequence[Group]) -> list[Bar]:
    """A bar for each group, as wide as its weeks and as high as their mean: its area is its number."""
    weeks = sum(group.weeks for group in groups)
    highest = max((group.signatures / group.weeks for group in groups), default=0)
    bars, x = [], 0.0
    for place, group in enumerate(groups):
        width = WIDTH * group.weeks / weeks
        height = max(HEIGHT * group.signatures / group.weeks / highest, LOWEST)
        bars.append(
            Bar(
                x=round(x, 1),
                y=round(HEIGHT - height, 1),
                width=round(max(width - GAP, 1), 1),
                height=round(height, 1),
                newest=place == len(groups) - 1,
            )
        )
        x += width
    return bars
