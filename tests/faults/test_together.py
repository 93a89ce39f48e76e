"""Two of everything start one send once, and share it (R05)."""

from __future__ import annotations

import threading
import time
from typing import Final
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import clock
from app.newsletters import sending
from app.newsletters.sending import AlreadyScheduledError
from app.outbox import sends
from app.outbox.models import ACCEPTED, QUEUED, SENT, STATES, UNKNOWN, Delivery, Send, Slice
from tests.faults.conftest import MakeWorld
from tests.journeys import arrivals
from tests.journeys.worlds import World

pytestmark = [pytest.mark.faults, pytest.mark.sockets]


READERS: Final = 300
MANY: Final = 360


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


def test_R05_two_clicks_on_send_again_send_once(server_world: MakeWorld) -> None:
    # given a send of which some mails are unknown
    world = server_world(mail="sink")
    world.subscribe(60, choices=[("en",)])
    world.start_worker()
    send_id = world.send_newsletter()
    world.wait_until_sent(send_id)
    world.worker.stop()
    world.write(_make_unknown)
    # when two click "send again" at once, again and again
    for _ in range(5):
        together = threading.Barrier(2)

        def click(together: threading.Barrier = together) -> None:
            together.wait(10)
            world.write(lambda session: sends.send_again(session, send_id))

        clicks = [threading.Thread(target=click) for _ in range(2)]
        for one in clicks:
            one.start()
        for one in clicks:
            one.join(20)
        # then each is queued once
        assert world.rows(send_id) == world.counters(send_id) == {QUEUED: 60}
        world.write(_make_unknown)


def test_R02_a_worker_that_slept_through_its_lease_sends_nothing_that_another_took_over(
    server_world: MakeWorld,
) -> None:
    # given two workers that know nothing of each other but their leases, as on two machines
    world = server_world(mail="sink", delay_ms=20, settings={"PEYVAND_SMTP_CONNECTIONS": "3"})
    names = world.subscribe(MANY, domains=("one.example", "two.example"))
    elsewhere = world.add_worker()
    (world.folder / "elsewhere").mkdir()
    elsewhere.environment["TMPDIR"] = str(world.folder / "elsewhere")
    world.start_worker()
    send_id = world.send_newsletter()
    listed: set[str] = set()
    for nap in (1, 2):
        world.wait_for_arrivals(50 * nap)
        # when the first falls asleep in the middle, its lease runs out, and the second takes over
        _falls_asleep_and_loses_its_lease(world)
        world.start_worker(elsewhere)
        stood_at = world.arrived()
        world.wait_for_arrivals(stood_at + 10)
        listed |= set(world.message_ids(send_id, UNKNOWN))
        # when it wakes up
        world.worker.thaw()
        time.sleep(0.3)
        elsewhere.stop()
    world.wait_until_sent(send_id)
    # then nobody has it twice who was not listed as unknown, and nobody is lost
    assert arrivals.twice(world.received()) <= listed
    assert world.rows(send_id) == world.counters(send_id)
    unknown = world.rows(send_id)[UNKNOWN]
    assert world.rows(send_id)[ACCEPTED] == MANY - unknown
    assert len(set(arrivals.recipients(world.received()))) >= MANY - unknown
    assert set(arrivals.recipients(world.received())) <= set(names)


def _falls_asleep_and_loses_its_lease(world: World) -> None:
    """Freeze the first worker between two transactions: in the middle of one nobody could take its rows over."""
    for _ in range(10):
        world.worker.freeze()
        try:
            return world.write(_end_leases)
        except sa.exc.OperationalError:
            world.worker.thaw()
            time.sleep(0.05)
    raise AssertionError("the worker was always caught in the middle of a transaction")


def _end_leases(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(sa.text("SET LOCAL lock_timeout = '300ms'"))
    session.execute(sa.update(Slice).values(lease_until=clock.now()))


def _make_unknown(session: Session) -> None:
    session.execute(sa.update(Delivery).values(state=UNKNOWN))
    zero = dict.fromkeys(STATES, 0)
    session.execute(sa.update(Slice).values({**zero, "unknown": Slice.size, "state": "done"}))
    session.execute(sa.update(Send).values(state=SENT))
