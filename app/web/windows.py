"""Windows of an hour in which things are counted: in Redis where there is one, else in this process's memory (C24).

A Redis that is away refuses nobody: counting goes on in memory until it answers again.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from threading import Lock
from typing import Final

from limits import RateLimitItem, RateLimitItemPerHour
from limits.errors import StorageError
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

AWAY_SECONDS: Final = 30
"""How long a Redis that failed is left in peace."""

SWEEP_SECONDS: Final = 60
"""How often counts of past hours are dropped."""

log = logging.getLogger(__name__)
item: Final = cache(RateLimitItemPerHour)
"""So many an hour."""


class OwnMemory(Storage):
    """Counts in this process's memory, for fixed windows.

    The library's own starts a thread that walks over every key a hundred times a second: many forms from many
    networks at once would cost most where least can be spared. Here one call a minute drops what is over.
    """

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._windows: dict[str, tuple[float, int]] = {}
        self._lock = Lock()
        self._swept = time.time()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = time.time()
        with self._lock:
            if now - self._swept >= SWEEP_SECONDS:
                self._swept = now
                self._windows = {
                    each: window for each, window in self._windows.items() if window[0] > now
                }
            until, count = self._windows.get(key, (0.0, 0))
            if until <= now:
                until, count = now + expiry, 0
            self._windows[key] = (until, count + amount)
        return count + amount

    def get(self, key: str) -> int:
        until, count = self._windows.get(key, (0.0, 0))
        return count if until > time.time() else 0

    def get_expiry(self, key: str) -> float:
        return self._windows.get(key, (time.time(), 0))[0]

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        with self._lock:
            gone, self._windows = len(self._windows), {}
        return gone

    def clear(self, key: str) -> None:
        with self._lock:
            self._windows.pop(key, None)


class Windows:
    """Counts by key; ``url`` names a Redis, or is empty for memory alone."""

    def __init__(self, url: str = "") -> None:
        self._own = FixedWindowRateLimiter(OwnMemory())
        self._shared = (
            FixedWindowRateLimiter(
                storage_from_string(
                    url, wrap_exceptions=True, socket_timeout=0.5, socket_connect_timeout=0.5
                )
            )
            if url
            else None
        )
        self._away_until = 0.0

    def hit(self, times: int, *key: str) -> bool:
        """Count one more under ``key``; False where that is more than ``times`` in this hour."""
        return self._ask("hit", item(times), key)

    def has_room(self, times: int, *key: str) -> bool:
        """Whether one more would still be within ``times``; counts nothing."""
        return self._ask("test", item(times), key)

    def _ask(self, what: str, limit: RateLimitItem, key: tuple[str, ...]) -> bool:
        if self._shared and time.monotonic() >= self._away_until:
            try:
                return bool(getattr(self._shared, what)(limit, *key))
            except StorageError:
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning("Redis does not answer; forms are counted in memory meanwhile")
        return bool(getattr(self._own, what)(limit, *key))
