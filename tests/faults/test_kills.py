"""Kill -9 in the middle of a send: nobody lost, and whoever may have got it twice was named (R02)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from app.outbox import sends
from app.outbox.models import ACCEPTED, UNKNOWN
from tests.journeys import arrivals
from tests.journeys.worlds import World

pytestmark = [pytest.mark.faults, pytest.mark.sockets, pytest.mark.slow]

READERS: Final = {"sqlite-mailbox": 2000, "sqlite-sink": 1000, "postgresql-redis-sink": 2000}
KILLS: Final = 10
CONNECTIONS: Final = 8
DOMAINS: Final = ("one.example", "two.example", "gmail.com", "three.example")


@pytest.fixture(params=list(READERS))
def world_and_readers(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[tuple[World, int]]:
    """A service whose mail takes long enough to be cut in the middle."""
    settings = {"PEYVAND_SMTP_CONNECTIONS": str(CONNECTIONS)}
    if request.param == "sqlite-mailbox":
        made = World(tmp_path, settings=settings)
    elif request.param == "sqlite-sink":
        made = World(tmp_path, mail="sink", delay_ms=8, settings=settings)
    else:
        made = World(
            tmp_path,
            database_url=request.getfixturevalue("postgresql").database(),
            broker_url=request.getfixturevalue("redis_server").url,
            mail="sink",
            delay_ms=8,
            settings=settings,
        )
    with made:
        yield made, READERS[request.param]


def test_R02_ten_kills_lose_no_one_and_name_whoever_may_have_it_twice(
    world_and_readers: tuple[World, int],
) -> None:
    world, count = world_and_readers
    chance = random.Random(7)
    # given a send under way
    readers = world.subscribe(count, domains=DOMAINS)
    send_id = world.send_newsletter()
    # when its worker is killed ten times in the middle, and started again each time
    listed: set[str] = set()
    for kill in range(1, KILLS + 1):
        world.start_worker()
        world.wait_for_arrivals(count * kill // (KILLS + 2) + chance.randrange(40))
        world.worker.kill()
        assert world.arrived() < count, "the kill came too late to show anything"
        listed |= world.message_ids(send_id, UNKNOWN).keys()
    world.start_worker()
    world.wait_until_sent(send_id)
    # then each mail was taken by the server, or is listed as unknown
    states = world.message_ids(send_id)
    got = world.received()
    arrived = {one.message_id for one in got}
    assert len(states) == count
    assert set(states.values()) <= {ACCEPTED, UNKNOWN}
    lost = [one for one, state in states.items() if state == ACCEPTED and one not in arrived]
    assert lost == []
    # and the counters that pages show are those of the rows
    assert world.counters(send_id) == world.rows(send_id)
    unknown = set(world.message_ids(send_id, UNKNOWN))
    listed |= unknown
    assert 0 < len(unknown) <= CONNECTIONS * KILLS
    # and who has it twice was named
    assert arrivals.twice(got) <= listed
    # when staff send again what is unknown
    again = world.write(lambda session: sends.send_again(session, send_id))
    world.wait_until_sent(send_id)
    # then everyone has it, at most one more for each open connection and kill
    assert again == len(unknown)
    got = world.received()
    assert set(arrivals.recipients(got)) == set(readers)
    assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: count}
    assert arrivals.twice(got) <= listed
    assert len(got) - count <= CONNECTIONS * KILLS
