"""The database is restarted, cut off or locked in the middle of a send: it goes on by itself (R04)."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.outbox.models import ACCEPTED, UNKNOWN
from tests.faults.conftest import MakeWorld
from tests.faults.lossy import lossy
from tests.journeys import arrivals
from tests.journeys.worlds import World
from tests.servers.postgresql import PostgreSQL
from tests.servers.redis import Redis

pytestmark = [pytest.mark.faults, pytest.mark.sockets]

READERS = 240


def test_R04_postgresql_restarted_and_killed_in_the_middle_of_a_send(
    tmp_path: Path, postgresql: PostgreSQL, redis_server: Redis
) -> None:
    # given a send under way
    with World(
        tmp_path,
        database_url=postgresql.database(),
        broker_url=redis_server.url,
        mail="sink",
        delay_ms=30,
    ) as world:
        names = world.subscribe(READERS, domains=("one.example", "two.example"))
        world.start_worker()
        send_id = world.send_newsletter()
        # when the database is restarted, loses its connections, and dies as in a power cut
        for arrived, fault in (
            (30, postgresql.restart),
            (80, postgresql.disconnect_all),
            (130, postgresql.kill),
        ):
            world.wait_for_arrivals(arrived)
            fault()
            time.sleep(0.5)
            postgresql.start()
            world.database.dispose()
        # then the same worker goes on by itself, and everyone has the mail once
        world.wait_until_sent(send_id, seconds=60)
        assert world.worker.running
        _once_each(world, send_id, names)


def test_R04_sqlite_locked_for_longer_than_anyone_waits(sqlite_world: MakeWorld) -> None:
    # given a send under way
    world = sqlite_world(mail="sink", delay_ms=20)
    names = world.subscribe(READERS, domains=("one.example", "two.example"))
    world.start_worker()
    send_id = world.send_newsletter()
    world.wait_for_arrivals(30)
    # when someone holds the file's write lock for longer than the five seconds
    path = world.instance / "peyvand.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        time.sleep(7)
        stood_at = world.arrived()
        holder.execute("ROLLBACK")
    # then nothing was sent that could not be recorded, and afterwards all goes on by itself
    assert stood_at <= 30 + 120
    world.wait_until_sent(send_id, seconds=40)
    _once_each(world, send_id, names)


def _once_each(world: World, send_id: int, names: list[str]) -> None:
    got = world.received()
    assert arrivals.twice(got) == set()
    assert sorted(one.recipient for one in got) == sorted(names)
    assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: READERS}
    assert world.rows(send_id)[UNKNOWN] == 0


def test_R02_a_commit_whose_answer_is_lost_counts_once(
    tmp_path: Path, postgresql: PostgreSQL
) -> None:
    # given a worker that does not learn of each ninth of its commits
    url = postgresql.database()
    with (
        lossy(url, nth=9) as (lossy_url, way),
        World(tmp_path, database_url=url, mail="sink", delay_ms=10) as world,
    ):
        world.worker.environment["PEYVAND_DATABASE_URL"] = lossy_url
        names = world.subscribe(READERS, domains=("one.example", "two.example"))
        world.start_worker()
        # when it sends, and answers someone
        send_id = world.send_newsletter()
        world.ask("asks@elsewhere.example")
        world.wait_until_sent(send_id, seconds=60)
        world.wait_for_mail("asks@elsewhere.example")
        # then everyone has the mail once, and the counters are those of the rows
        assert way.lost > 10
        assert arrivals.twice(world.received()) == set()
        got = sorted(one.recipient for one in world.received())
        assert got == sorted([*names, "asks@elsewhere.example"])
        assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: READERS}
        minutes = world.read(lambda session: session.scalar(_ACCEPTED_IN_ALL, {"send": send_id}))
        assert minutes == READERS


_ACCEPTED_IN_ALL = sa.text("SELECT sum(accepted) FROM send_minute WHERE send_id = :send")
