"""What was read from the database a moment ago, and is the same for everyone: read once, though many ask (C21)."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, Final, TypeVar

from flask import Flask, current_app

T = TypeVar("T")

RECENT: Final = "peyvand-recent"
MOST: Final = 512
"""How many things are remembered; beyond them all are read anew."""


class Recent:
    """Things by key, each for ``seconds``. What a visitor sent is never among them, nor part of a key that is kept."""

    def __init__(self, seconds: int) -> None:
        self._seconds = seconds
        self._things: dict[Hashable, tuple[float, Any]] = {}

    def get(
        self, key: Hashable, read: Callable[[], T], *, holds: Callable[[T], bool] = lambda _: True
    ) -> T:
        """What ``read`` returned within the last seconds, where it ``holds`` still; else what it returns now.

        What ``read`` raises is raised, and not remembered.
        """
        until, thing = self._things.get(key, (0.0, None))
        if until > time.monotonic() and holds(thing):
            return thing  # type: ignore[no-any-return]
        found = read()
        if self._seconds:
            if len(self._things) >= MOST:
                self._things = {}
            self._things[key] = (time.monotonic() + self._seconds, found)
        return found


def init_app(app: Flask, seconds: int) -> None:
    """Give ``app`` its memory; zero seconds remember nothing."""
    app.extensions[RECENT] = Recent(seconds)


def recent() -> Recent:
    """What the running application read a moment ago."""
    found: Recent = current_app.extensions[RECENT]
    return found
