"""Two of everything start one send once, and share it (R05)."""

from __future__ import annotations

import threading
import time
from typing import Final
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.core import clock
from app.newsletters import sending
from app.newsletters.sending import AlreadyScheduledError
from app.outbox.models import ACCEPTED, SENT, Send, Slice
from tests.faults.conftest import MakeWorld
from tests.journeys import arrivals
from tests.journeys.worlds import World

pytestmark = [pytest.mark.faults, pytest.mark.sockets]


READERS: Final = 300


def test_R05_two_clicks_two_schedulers_and_two_workers_send_once(any_world: MakeWorld) -> None:
    # given two workers, each of which also schedules
    world = any_world(mail="sink", delay_ms=20, settings={"PEYVAND_SMTP_CONNECTIONS": "3"})
    readers = world.subscribe(READERS, domains=("one.example", "two.example"))
    issue, account = world.issue(), world.account()
    second = world.add_worker()
    world.start_worker()
    world.start_worker(second)
    # when two click at once
    refused = _click_twice(world, issue, account)
    send_id = world.read(lambda session: session.scalars(sa.select(Send.id)).one())
    owners = _owners_until_sent(world, send_id)
    # then one click is told so, both workers took lanes, and each reader got one mail
    assert refused == [AlreadyScheduledError]
    assert len(owners) == 2
    got = world.received()
    assert arrivals.twice(got) == set()
    assert sorted(one.recipient for one in got) == sorted(readers)
    assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: READERS}


def _click_twice(world: World, issue: int, account: int) -> list[type[Exception]]:
    together = threading.Barrier(2)
    refused: list[type[Exception]] = []

    def click() -> None:
        together.wait(10)
        try:
            world.write(
                lambda session: sending.schedule(
                    session, issue, account, world.config, now=clock.now()
                )
            )
        except AlreadyScheduledError as error:
            refused.append(type(error))

    clicks = [threading.Thread(target=click) for _ in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join(20)
    return refused


def _owners_until_sent(world: World, send_id: int) -> set[UUID | None]:
    owners: set[UUID | None] = set()
    held = sa.select(Slice.owner).where(Slice.owner.is_not(None)).distinct()
    end = time.monotonic() + 60
    while world.send_state(send_id) != SENT:
        assert time.monotonic() < end, world.rows(send_id)
        owners.update(world.read(lambda session: session.scalars(held).all()))
        time.sleep(0.05)
    return owners
