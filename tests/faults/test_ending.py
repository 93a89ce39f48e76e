"""A worker that is asked to end drains; one that died is noticed (R03)."""

from __future__ import annotations

import time
from typing import Final
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.outbox.models import ACCEPTED, CLAIMED, QUEUED, Slice
from tests.emails.sink import HANG, Sink, at, running
from tests.faults.conftest import MakeWorld
from tests.journeys import arrivals
from tests.journeys.worlds import World
from tests.servers.process import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.sockets]


READERS: Final = 240


def test_R03_sigterm_finishes_the_mails_in_flight_and_the_next_start_goes_on_exactly(
    any_world: MakeWorld,
) -> None:
    # given a send under way
    world = any_world(mail="sink", delay_ms=30)
    readers = world.subscribe(READERS, domains=("one.example", "two.example"))
    world.start_worker()
    send_id = world.send_newsletter()
    world.wait_for_arrivals(40)
    # when the worker is asked to end
    asked = time.monotonic()
    world.worker.ask_to_end()
    status = world.worker.wait(10)
    took = time.monotonic() - asked
    # then it ends within seconds; what arrived is recorded, nothing is unknown, no slice is held
    assert status == 0
    assert took < 4
    rows = world.rows(send_id)
    assert rows == {ACCEPTED: world.arrived(), QUEUED: READERS - world.arrived()}
    assert world.counters(send_id) == rows
    assert rows[QUEUED] > 0, "the send was over before the worker was asked"
    assert _claimed(world) == 0
    # and the next start sends the others, and no one twice
    world.start_worker()
    world.wait_until_sent(send_id)
    got = world.received()
    assert arrivals.twice(got) == set()
    assert sorted(one.recipient for one in got) == sorted(readers)
    assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: READERS}


def test_R03_a_dead_worker_is_noticed_on_its_host_within_two_seconds(
    server_world: MakeWorld,
) -> None:
    # given two workers on one host, both in the middle of lanes
    world = server_world(mail="sink", delay_ms=40, settings={"PEYVAND_SMTP_CONNECTIONS": "3"})
    world.subscribe(READERS, domains=("one.example", "two.example"))
    second = world.add_worker()
    world.start_worker()
    world.start_worker(second)
    send_id = world.send_newsletter()
    wait_until(lambda: len(_owners(world)) == 2, seconds=30, what="both at work")
    # when one is killed
    second.kill()
    killed = time.monotonic()
    # then its slices are free or taken over within two seconds, and one mail of each may be unknown
    wait_until(lambda: len(_owners(world)) < 2, seconds=10, what="the taking over")
    took = time.monotonic() - killed
    world.wait_until_sent(send_id)
    assert took < 2
    assert world.rows(send_id)[ACCEPTED] >= READERS - 8
    assert arrivals.twice(world.received()) == set()


def test_R03_sigterm_ends_the_worker_although_the_mail_server_hangs(
    sqlite_world: MakeWorld,
) -> None:
    # given a server that takes a whole mail and says nothing any more
    with running(Sink(answer=at("dot", HANG, 1))) as sink:
        world = sqlite_world(mail=f"smtp://127.0.0.1:{sink.port}")
        world.subscribe(3, choices=[("en",)])
        world.start_worker()
        send_id = world.send_newsletter()
        wait_until(lambda: "DATA" in sink.commands, seconds=10, what="a body")
        time.sleep(0.3)
        # when the worker is asked to end
        asked = time.monotonic()
        world.worker.ask_to_end()
        status = world.worker.wait(15)
        assert time.monotonic() - asked < 12
        assert status == 0
        # then the next one lists the mail in flight as unknown, and sends the others
        world.start_worker()
        world.wait_until_sent(send_id)
        assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: 2, "unknown": 1}
        assert len(sink.received) == 2


def _claimed(world: World) -> int:
    count = sa.select(sa.func.count()).where(Slice.state == CLAIMED)
    return world.read(lambda session: session.scalar(count) or 0)


def _owners(world: World) -> set[UUID | None]:
    """Who holds slices now."""
    owners = sa.select(Slice.owner).where(Slice.state == CLAIMED).distinct()
    return set(world.read(lambda session: session.scalars(owners).all()))
