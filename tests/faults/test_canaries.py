"""C08: after fifty canaries lived in the service, nothing that was seized tells of them."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path

import psycopg
import pytest
import redis

from tests.emails.sink import Sink, running
from tests.faults.canaries import Canaries, Story, live
from tests.faults.searching import files, found, redis_keys, tables
from tests.journeys.worlds import World
from tests.servers.postgresql import PostgreSQL
from tests.servers.redis import Redis

pytestmark = [pytest.mark.faults, pytest.mark.sockets, pytest.mark.slow]

DEBUG = """
import logging
logging.basicConfig(level=logging.DEBUG)
logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
"""


@pytest.fixture
def own_postgresql(postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """A cluster of its own, so that its files hold this story and no other (and are few)."""
    server = PostgreSQL()
    server.start()
    try:
        yield server
    finally:
        server.close()


def test_C08_nothing_seized_from_postgresql_and_redis_tells_of_a_canary(
    tmp_path: Path, own_postgresql: PostgreSQL, redis_server: Redis
) -> None:
    canaries = Canaries()
    url = own_postgresql.database()
    with (
        running(Sink()) as sink,
        World(
            tmp_path,
            database_url=url,
            broker_url=redis_server.url,
            mail=f"smtp://127.0.0.1:{sink.port}",
            settings=_talkative(tmp_path),
        ) as world,
        redis_server.client() as client,
    ):
        # given a service that logs all it can, a Redis that packs nothing, and who listens to it
        client.config_set("rdbcompression", "no")
        with _listening(redis_server) as overheard:
            # when fifty canaries live in it
            _start(world)
            live(Story(world, sink, canaries), own_postgresql.stop, own_postgresql.start)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")
        client.save()
        seized = list(
            itertools.chain(
                tables(url),
                files(own_postgresql.folder),
                files(redis_server.folder),
                redis_keys(client),
                [("what Redis was told", b"\n".join(overheard))],
                _of(world, tmp_path),
            )
        )
        # then no table, file, log, ledger or message tells of one, whatever way it is written
        _judge(canaries, seized, "table signature")
        assert len(overheard) > 50
        assert any(place.startswith("data/pg_wal/") for place, _ in seized)


def test_C08_nothing_seized_from_sqlite_tells_of_a_canary(tmp_path: Path) -> None:
    canaries = Canaries()
    with (
        running(Sink()) as sink,
        World(
            tmp_path, mail=f"smtp://127.0.0.1:{sink.port}", settings=_talkative(tmp_path)
        ) as world,
    ):
        _start(world)
        file = world.instance / "peyvand.sqlite"
        holder = sqlite3.connect(file, isolation_level=None, timeout=10, check_same_thread=False)
        with closing(holder):
            live(
                Story(world, sink, canaries),
                partial(holder.execute, "BEGIN IMMEDIATE"),
                partial(holder.execute, "ROLLBACK"),
            )
        seized = list(_of(world, tmp_path))
        assert {"instance/peyvand.sqlite", "instance/peyvand.sqlite-wal"} <= {p for p, _ in seized}
        _judge(canaries, seized, "instance/peyvand.sqlite")


def _judge(canaries: Canaries, seized: list[tuple[str, bytes]], public: str) -> None:
    assert len(canaries.words) >= 50
    assert found(canaries.markers, seized) == []
    # The search is not blind: what two signers chose to publish is found, and plainly.
    places = {(place, way) for place, _, way in found([canaries.published], seized)}
    assert any(place.startswith(public) and way == "plain" for place, way in places), places


def _of(world: World, logs: Path) -> Iterator[tuple[str, bytes]]:
    """Logs of both processes, the ledger, the instance folder; the sink's mails are in this process alone."""
    contents = list(itertools.chain(files(world.folder), files(logs)))
    names = {name for name, _ in contents}
    assert {"web.log", "worker-1.log", "instance/ledger.jsonl"} <= names, names
    assert all(content for name, content in contents if name.endswith((".log", ".jsonl")))
    told = b"".join(content for name, content in contents if name.endswith(".log"))
    assert told.count(b"sqlalchemy.engine") > 1000, "the logs were not as talkative as can be"
    return iter(contents)


def _talkative(folder: Path) -> dict[str, str]:
    """Both processes log everything, SQL and sockets too."""
    (folder / "debug").mkdir()
    (folder / "debug" / "sitecustomize.py").write_text(DEBUG)
    return {"PYTHONPATH": str(folder / "debug"), "PEYVAND_FORMS_AN_HOUR": "100000"}


def _start(world: World) -> None:
    world.web.command = ["debug" if word == "warning" else word for word in world.web.command]
    world.start()


@contextmanager
def _listening(server: Redis) -> Iterator[list[bytes]]:
    """All commands that Redis gets, as MONITOR tells them."""
    overheard: list[bytes] = []
    client = redis.Redis.from_url(server.url)
    with client.monitor() as monitor:  # type: ignore[no-untyped-call]

        def listen() -> None:
            try:
                overheard.extend(repr(command).encode() for command in monitor.listen())
            except (redis.RedisError, OSError, ValueError):
                return

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield overheard
        monitor.connection.disconnect()
        thread.join(5)
    client.close()
