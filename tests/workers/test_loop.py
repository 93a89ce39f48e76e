"""The worker's one process, here in the test's own: it starts, is woken, drains and ends (R01, R03, R04)."""

from __future__ import annotations

import asyncio
import dataclasses
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.core import clock
from app.core.database import Database
from app.core.wake import REQUESTS, SOCKET_NAME, SocketWaker
from app.optin.models import ANSWERED, SIGNATURE, Request
from app.outbox.models import Delivery, Worker
from config import Config, ConfigError
from emails import mailbox
from tests.factories import Keys, a_request
from workers import loop as loop_of
from workers.broker import Alarm
from workers.chores import Chores
from workers.loop import WorkerProcess


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The instance folder; its socket's path must be short."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def settings(config: Config, database_url: str, folder: Path) -> Config:
    return dataclasses.replace(
        config,
        database_url=database_url,
        instance=".",
        smtp_url=f"mailbox:{folder / 'mailbox'}",
        smtp_connections=2,
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that looks often, so that the test need not wait."""
    monkeypatch.setattr(loop_of, "LOOK_SECONDS", 0.05)


def work(settings: Config, story: Callable[[WorkerProcess], Awaitable[None]]) -> None:
    """Run a worker beside a story, then stop it."""

    async def main() -> None:
        worker = WorkerProcess(settings)
        running = asyncio.create_task(worker.run())
        try:
            async with asyncio.timeout(20):
                await story(worker)
        finally:
            worker._stop()
            await running

    asyncio.run(main())


async def until(condition: Callable[[], bool], seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 (a row, and no event tells of it)
            await asyncio.sleep(0.02)


def asked(database: Database, keys: Keys) -> None:
    with database.unit_of_work() as session:
        a_request(session, keys.desk, SIGNATURE, "1", now=clock.now())


def test_R01_a_request_is_answered_and_mailed_and_the_worker_ends_cleanly(
    settings: Config, database: Database, keys: Keys, folder: Path
) -> None:
    asked(database, keys)

    async def mailed(worker: WorkerProcess) -> None:
        await until(lambda: bool(mailbox.read_folder(folder / "mailbox")))

    work(settings, mailed)
    with database.reading() as reading:
        assert reading.scalar(sa.select(Request.state)) == ANSWERED
        assert reading.scalar(sa.select(Delivery.state)) == "accepted"
        assert reading.scalar(sa.select(Worker)) is None, "its row went with it"
    (mail,) = mailbox.read_folder(folder / "mailbox")
    assert mail.to == "leila@example.org"


def test_R01_a_datagram_wakes_a_worker_that_would_look_in_a_minute(
    settings: Config, database: Database, keys: Keys, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_of, "LOOK_SECONDS", 60.0)

    async def woken(worker: WorkerProcess) -> None:
        await until((folder / "wake.sock").exists)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(asked, database, keys)
        SocketWaker(folder / "wake.sock")(REQUESTS)
        await until(lambda: bool(mailbox.read_folder(folder / "mailbox")), 10)

    work(settings, woken)
    assert not (folder / "wake.sock").exists()


def test_R01_both_ends_take_a_socket_path_that_is_too_long_for_the_kernel(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given an instance folder so deep that its socket's whole path would be refused
    deep = tmp_path / ("x" * 60) / ("y" * 60)
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    rings = threading.Event()
    settings = dataclasses.replace(config, instance=str(deep), broker_url="")
    alarm = Alarm(settings, rings.set)
    alarm.start()
    try:
        # when the web process wakes the worker
        SocketWaker(deep / SOCKET_NAME)(REQUESTS)
        # then the alarm rings
        assert rings.wait(5)
    finally:
        alarm.stop()


@pytest.mark.parametrize(
    "error", [RuntimeError("canary"), sa.exc.OperationalError("", {}, Exception("canary"))]
)
def test_R04_a_round_that_fails_is_followed_by_the_next(
    settings: Config,
    database: Database,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    rounds: list[int] = []

    def fails(_: Chores) -> bool:
        rounds.append(1)
        raise error

    monkeypatch.setattr(Chores, "run", fails)

    async def three(worker: WorkerProcess) -> None:
        await until(lambda: len(rounds) >= 3)

    work(settings, three)
    assert "canary" not in caplog.text


def test_R04_the_worker_ends_although_the_database_is_away(
    settings: Config,
    database: Database,
    quick: None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def away(_: Chores) -> None:
        raise sa.exc.OperationalError("", {}, Exception())

    monkeypatch.setattr(Chores, "leave", away)

    async def nothing(worker: WorkerProcess) -> None:
        await asyncio.sleep(0)

    work(settings, nothing)
    assert "stays until it is missed" in caplog.text


def test_R06_an_odd_mail_server_stops_the_start_and_is_named(
    settings: Config, database: Database
) -> None:
    with pytest.raises(ConfigError, match="PEYVAND_SMTP_URL"):
        loop_of.run(dataclasses.replace(settings, smtp_url="smtp://user@mail.example"))
