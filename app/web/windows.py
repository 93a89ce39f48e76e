"""Windows of an hour in which things are counted: in Redis where there is one, else in this process's memory (C24).

A Redis that is away refuses nobody: counting goes on in memory until it answers again.
"""

from __future__ import annotations

import logging
import time
from functools import cache
from typing import Final

from limits import RateLimitItem, RateLimitItemPerHour
from limits.errors import StorageError
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

AWAY_SECONDS: Final = 30
"""How long a Redis that failed is left in peace."""

log = logging.getLogger(__name__)
item: Final = cache(RateLimitItemPerHour)
"""So many an hour."""


class Windows:
    """Counts by key; ``url`` names a Redis, or is empty for memory alone."""

    def __init__(self, url: str = "") -> None:
        self._own = FixedWindowRateLimiter(MemoryStorage())
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
