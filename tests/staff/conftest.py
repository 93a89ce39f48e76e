"""A database with the staff's tables, a moment, and people who work here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

import app.staff.models  # noqa: F401 (its tables)
from app.core.database import Base, Database

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PASSWORD = "seven amber bricks"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database."""
    found = Database(database_url)
    Base.metadata.create_all(found.engine)
    yield found
    found.dispose()
