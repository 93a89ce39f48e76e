"""What every broker must do for the service: embedded, Redis and RabbitMQ keep one contract (R01, R04, R08)."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.emails.sink import Sink, running
from tests.journeys.processes import Child
from tests.journeys.worlds import World
from tests.servers.rabbitmq import RabbitMQ
from tests.servers.redis import Redis

pytestmark = [pytest.mark.faults, pytest.mark.sockets]

# A worker that looks by itself only each minute: what it does sooner, it was woken for.
SLEEPY = """
import sys
import app.outbox.sending, workers.loop
app.outbox.sending.LOOK_SECONDS = workers.loop.LOOK_SECONDS = 60.0
from workers.__main__ import cli
cli(["run"])
"""


@dataclass
class Case:
    """A broker with its faults, and a world whose mail goes to ``sink``."""

    world: World
    sink: Sink
    server: Redis | RabbitMQ | None
    asked: int = 0

    def sleepy_worker(self) -> Child:
        """A worker that does nothing for a minute unless it is woken."""
        worker = self.world.worker
        worker.command = [sys.executable, "-c", SLEEPY]
        self.world.start_worker()
        return worker

    def ask(self, *, within: float) -> float:
        """Ask for a confirmation; how long after the commit its mail arrived."""
        self.asked += 1
        address = f"someone{self.asked}@elsewhere.example"
        self.world.ask(address)
        began = time.monotonic()
        while not self.sink.of(address):
            assert time.monotonic() - began < within, "no mail came"
            time.sleep(0.005)
        return time.monotonic() - began


@pytest.fixture(params=["embedded", "redis", "rabbitmq"])
def case(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Case]:
    server: Redis | RabbitMQ | None = None
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
    elif request.param == "rabbitmq":
        server = request.getfixturevalue("rabbitmq")
    with (
        running(Sink()) as sink,
        World(
            tmp_path,
            mail=f"smtp://127.0.0.1:{sink.port}",
            broker_url=server.url if server else "",
        ) as world,
    ):
        yield Case(world, sink, server)


def test_R08_a_worker_is_woken_at_once_also_after_its_broker_was_emptied_or_died(
    case: Case,
) -> None:
    # given a worker that would look by itself in a minute
    worker = case.sleepy_worker()
    case.ask(within=20)
    # when someone asks, then the mail is there well before a second has gone
    took = [case.ask(within=20) for _ in range(7)]
    assert statistics.median(took) < 0.5, took
    # when the broker is emptied, restarted, or dies as in a power cut; the embedded one dies with its worker
    for fault in _faults(case, worker):
        fault()
        _woken_again(case)
    # and SIGTERM ends the worker within seconds
    _ends(case)


def test_R01_a_wake_that_is_lost_costs_a_second_and_never_a_mail(case: Case) -> None:
    # given a worker that looks each second
    case.world.start_worker()
    # when the web process's wake reaches nobody, then the mail comes all the same
    case.world.database._on_commit = None
    case.ask(within=6)
    if case.server is None:
        return
    # and also while the broker is away; SIGTERM ends the worker within seconds even then
    case.server.stop()
    case.ask(within=8)
    _ends(case)


def _faults(case: Case, worker: Child) -> list[Callable[[], None]]:
    server = case.server
    if server is None:

        def embedded() -> None:
            worker.kill()
            case.world.start_worker()

        return [embedded]

    def power_cut() -> None:
        server.kill()
        server.start()

    # RabbitMQ takes five seconds to start; its restart shows as much as its death.
    return [server.flush, power_cut if isinstance(server, Redis) else server.restart]


def _woken_again(case: Case) -> None:
    """A consumer comes back within seconds by itself; what was asked in between may wait for it."""
    end = time.monotonic() + 30
    while True:
        try:
            case.ask(within=2)
            break
        except AssertionError:
            assert time.monotonic() < end, "the worker was never woken again"
    took = [case.ask(within=20) for _ in range(5)]
    assert statistics.median(took) < 0.5, took


def _ends(case: Case) -> None:
    began = time.monotonic()
    case.world.worker.ask_to_end()
    assert case.world.worker.wait(15) == 0
    assert time.monotonic() - began < 6
