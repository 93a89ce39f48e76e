"""Confirmations overtake newsletters, and one of unknown fate goes once more, never a third time (R02)."""

from __future__ import annotations

import time

import pytest
import sqlalchemy as sa

from app.outbox.models import ACCEPTED, QUEUED, UNKNOWN, Delivery, Envelope
from tests.emails.sink import CLOSE, Moment, Sink, running
from tests.faults.conftest import MakeWorld
from tests.journeys.worlds import World
from tests.servers.process import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.sockets]

ASKED = "asks@elsewhere.example"


def test_R02_a_confirmation_overtakes_a_long_newsletter(server_world: MakeWorld) -> None:
    # given a send that will take a minute and more, with every lane for newsletters busy
    world = server_world(mail="sink", delay_ms=300)
    world.subscribe(1500, domains=("one.example", "two.example", "three.example"))
    world.start_worker()
    send_id = world.send_newsletter()
    world.wait_for_arrivals(20)
    # when someone asks to subscribe
    asked = time.monotonic()
    world.ask(ASKED)
    world.wait_for_mail(ASKED)
    # then their mail is there within a few seconds, while the newsletter goes on
    assert time.monotonic() - asked < 5
    assert world.rows(send_id)[QUEUED] > 700


def test_R02_a_confirmation_of_unknown_fate_goes_once_more_and_never_a_third_time(
    sqlite_world: MakeWorld,
) -> None:
    # given a server that takes each mail and hangs up instead of saying so
    with running(Sink(answer=_takes_and_hangs_up)) as sink:
        world = sqlite_world(mail=f"smtp://127.0.0.1:{sink.port}")
        world.start_worker()
        # when someone asks
        world.ask(ASKED)
        wait_until(lambda: len(sink.received) == 2, seconds=20, what="the second time")
        # then the same mail goes once more by itself, and never a third time
        time.sleep(3)
        assert len(sink.received) == 2
        assert len({mail.message_id for mail in sink.received}) == 1
        assert _states(world) == [UNKNOWN]


def test_R02_a_killed_worker_s_confirmation_goes_once_more_under_the_same_id(
    sqlite_world: MakeWorld,
) -> None:
    # given a worker killed between the dot and the answer
    world = sqlite_world(mail="sink", delay_ms=2000)
    world.start_worker()
    world.ask(ASKED)
    world.wait_for_arrivals(1)
    world.worker.kill()
    world.restart_sink()
    # when the next one starts
    world.start_worker()
    # then the mail goes once more by itself, and its code is good
    world.wait_for_arrivals(2)
    wait_until(lambda: _states(world) == [ACCEPTED], seconds=10, what="its acceptance")
    assert len({got.message_id for got in world.received()}) == 1
    boxes = world.read(lambda session: session.scalars(sa.select(Envelope.box)).all())
    assert boxes == [None]


def _takes_and_hangs_up(moment: Moment) -> str | None:
    return CLOSE if moment.stage == "recorded" else None


def _states(world: World) -> list[str]:
    return list(world.read(lambda session: session.scalars(sa.select(Delivery.state)).all()))
