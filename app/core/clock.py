"""The time, in one place, so that a test can freeze it."""

from datetime import UTC, date, datetime


def now() -> datetime:
    """The moment, in UTC and aware."""
    return datetime.now(UTC)


def today() -> date:
    """The day in UTC: the finest time kept beside a person (C07)."""
    return now().date()
