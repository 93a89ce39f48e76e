"""When a deferred mail is tried again, and when it is given up (M09)."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from app.outbox.models import CONFIRMATION, TEST

_FIRST: Final = {CONFIRMATION: timedelta(minutes=1), TEST: timedelta(minutes=1)}
_OTHERS_FIRST: Final = timedelta(minutes=5)
_LONGEST: Final = timedelta(hours=8)
_GIVE_UP: Final = {CONFIRMATION: timedelta(hours=24), TEST: timedelta(hours=24)}
_OTHERS_GIVE_UP: Final = timedelta(days=5)
DESTINATION_PAUSE: Final = timedelta(hours=1)
"""How long a destination rests after it refused the sender as such (M10) or said 421."""
GREYLIST_PAUSE: Final = timedelta(minutes=1)


def next_attempt(purpose: str, attempts: int) -> timedelta | None:
    """How long to wait after the ``attempts``-th failure (from 1), or None to give up.

    The wait doubles from minutes to hours (RFC 5321 4.5.4.1); the sum of all waits stays under a day for
    confirmations and under five days for the rest.
    """
    limit = _GIVE_UP.get(purpose, _OTHERS_GIVE_UP)
    waited = timedelta()
    for failure in range(1, attempts + 1):
        wait = min(_FIRST.get(purpose, _OTHERS_FIRST) * 2 ** (failure - 1), _LONGEST)
        waited += wait
        if waited > limit:
            return None
    return wait if attempts else timedelta()
