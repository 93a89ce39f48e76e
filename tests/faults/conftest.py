"""Worlds for fault tests, on SQLite alone or on PostgreSQL with Redis."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests.journeys.worlds import World
from tests.servers.postgresql import PostgreSQL
from tests.servers.redis import Redis


class MakeWorld(Protocol):
    """Makes a world that ends with the test; takes what ``World`` takes."""

    def __call__(self, **options: Any) -> World: ...


@pytest.fixture
def sqlite_world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Worlds on SQLite with the embedded broker, unless told otherwise."""
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> World:
            return stack.enter_context(World(tmp_path, **options))

        yield make


@pytest.fixture
def server_world(
    postgresql: PostgreSQL, redis_server: Redis, tmp_path: Path
) -> Iterator[MakeWorld]:
    """Worlds on PostgreSQL with Redis."""
    servers = {"database_url": postgresql.database(), "broker_url": redis_server.url}
    with contextlib.ExitStack() as stack:

        def make(**options: Any) -> World:
            return stack.enter_context(World(tmp_path, **{**servers, **options}))

        yield make


@pytest.fixture(params=["sqlite", "server"])
def any_world(request: pytest.FixtureRequest) -> MakeWorld:
    """Both, for what the databases might do differently."""
    made: MakeWorld = request.getfixturevalue(f"{request.param}_world")
    return made
