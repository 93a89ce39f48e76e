"""The gate while the database is away, and with an outcome that cannot be recorded (R02, R04)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import ids
from app.core.database import Database
from app.outbox import gate as gates
from app.outbox import recording
from app.outbox.gate import Gate
from app.outbox.lanes import Lane, Outgoing
from app.outbox.models import Delivery, Slice
from app.outbox.recording import Record
from tests.fixtures import NOON
from tests.outbox.road import ACCEPTED, Worker, a_send, a_slice, counters_agree

AWAY = sa.exc.OperationalError("", {}, Exception("canary"))


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


def through(
    database: Database, stopping: asyncio.Event, work: Callable[[Gate], Awaitable[None]]
) -> None:
    """Do something with a gate whose recorder runs."""

    async def main() -> None:
        gate = Gate(database, OWNER, stopping=stopping)
        recorder = asyncio.create_task(gate.run())
        try:
            async with asyncio.timeout(20):
                await work(gate)
        finally:
            recorder.cancel()
            gate.close()

    asyncio.run(main())


OWNER = ids.new()


class Failing:
    """Work that fails a few times and then is done."""

    def __init__(self, times: int, error: Exception = AWAY) -> None:
        self.left, self.error, self.calls = times, error, 0

    def __call__(self, session: Session) -> str:
        self.calls += 1
        if self.left:
            self.left -= 1
            raise self.error
        return "done"


def test_R04_work_is_done_again_while_the_database_is_away(
    database: Database, stopping: asyncio.Event, caplog: pytest.LogCaptureFixture
) -> None:
    work = Failing(2)

    async def persist(gate: Gate) -> None:
        assert await gate.persist(work) == "done"

    through(database, stopping, persist)
    assert work.calls == 3
    assert "canary" not in caplog.text


def test_R04_what_waiting_cannot_mend_is_raised_at_once(
    database: Database, stopping: asyncio.Event
) -> None:
    work = Failing(9, sa.exc.IntegrityError("", {}, Exception()))

    async def persist(gate: Gate) -> None:
        with pytest.raises(sa.exc.IntegrityError):
            await gate.persist(work)

    through(database, stopping, persist)
    assert work.calls == 1


def test_R03_a_stop_waits_for_a_database_that_is_away_but_not_for_ever(
    database: Database, stopping: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "STOP_SECONDS", 0.2)
    work = Failing(99)

    async def persist(gate: Gate) -> None:
        stopping.set()
        with pytest.raises(sa.exc.OperationalError):
            await gate.persist(work)

    through(database, stopping, persist)
    assert 2 <= work.calls < 10


def claimed(database: Database, desk: Desk, count: int) -> tuple[Lane, tuple[Outgoing, ...]]:
    """A slice of this worker's, and its mails."""
    with database.unit_of_work() as session:
        a_slice(session, desk, a_send(session), count)
        hands = Worker(session)
        hands.id = OWNER
        lane = hands.claim()
        assert lane is not None
        return lane, hands.fetch(now=NOON).mails


@pytest.mark.both_databases
def test_R02_outcomes_of_all_lanes_are_recorded_in_one_commit(
    database: Database, desk: Desk, stopping: asyncio.Event
) -> None:
    lane, mails = claimed(database, desk, 12)
    commits: list[int] = []

    def committed(_: sa.Connection) -> None:
        commits.append(1)

    async def record(gate: Gate) -> None:
        sa.event.listen(database.engine, "commit", committed)
        await asyncio.gather(*(gate.durable(Record(lane, mail, ACCEPTED)) for mail in mails))
        sa.event.remove(database.engine, "commit", committed)

    through(database, stopping, record)
    assert len(commits) <= 2
    with database.unit_of_work() as session:
        assert set(session.scalars(sa.select(Delivery.state))) == {"accepted"}
        counters_agree(session)


def test_R02_one_outcome_that_cannot_be_recorded_spoils_no_other(
    database: Database, desk: Desk, stopping: asyncio.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane, mails = claimed(database, desk, 4)
    real = recording.record

    def record(session: Session, owner: object, records: list[Record], **more: object) -> set[int]:
        if any(one.mail.position == 2 for one in records):
            raise ValueError("canary")
        return real(session, owner, records, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(gates, "record", record)
    said: list[object] = []

    async def durable(gate: Gate) -> None:
        said.extend(
            await asyncio.gather(
                *(gate.durable(Record(lane, mail, ACCEPTED)) for mail in mails),
                return_exceptions=True,
            )
        )

    through(database, stopping, durable)
    assert [said[0], said[1], said[3]] == [True, True, True]
    assert isinstance(said[2], ValueError)
    with database.unit_of_work() as session:
        states = session.scalars(sa.select(Delivery.state).order_by(Delivery.position)).all()
        assert states == ["accepted", "accepted", "queued", "accepted"]
        assert session.scalars(sa.select(Slice.accepted)).one() == 3
