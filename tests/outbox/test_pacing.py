"""How long a deferred mail waits, and when it is given up (M09)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.outbox.models import CONFIRMATION, NEWSLETTER, TEST
from app.outbox.pacing import next_attempt

LIMITS = {
    CONFIRMATION: timedelta(hours=24),
    TEST: timedelta(hours=24),
    NEWSLETTER: timedelta(days=5),
    "outreach": timedelta(days=5),
}


def waits(purpose: str) -> list[timedelta]:
    """Every wait until a mail is given up."""
    found: list[timedelta] = []
    for attempt in range(1, 500):
        wait = next_attempt(purpose, attempt)
        if wait is None:
            return found
        found.append(wait)
    raise AssertionError("never given up")


@pytest.mark.parametrize("purpose", LIMITS)
def test_M09_all_waits_together_stay_under_the_limit_and_use_most_of_it(purpose: str) -> None:
    total = sum(waits(purpose), timedelta())
    assert LIMITS[purpose] * 0.6 < total <= LIMITS[purpose]


@pytest.mark.parametrize("purpose", LIMITS)
def test_M09_waits_grow_from_minutes_to_hours(purpose: str) -> None:
    found = waits(purpose)
    assert found == sorted(found)
    assert timedelta(minutes=1) <= found[0] <= timedelta(minutes=5)
    assert timedelta(hours=1) <= found[-1] <= timedelta(hours=8)


def test_M09_what_has_not_failed_waits_for_nothing() -> None:
    assert next_attempt(NEWSLETTER, 0) == timedelta()


@pytest.mark.parametrize("purpose", LIMITS)
def test_M09_given_up_is_given_up(purpose: str) -> None:
    last = len(waits(purpose))
    assert [next_attempt(purpose, last + more) for more in (1, 2, 50)] == [None] * 3
