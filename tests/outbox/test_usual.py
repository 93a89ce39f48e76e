"""What is said for every mail over the lasting connection does as the units of work do (C18, R01, R02, R04)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
import sqlalchemy as sa

from app.audience import suppressions
from app.audience.models import COMPLAINT
from app.audience.subscriptions import Desk
from app.core import ids
from app.core.database import Database
from app.outbox import lanes, usual
from app.outbox.gate import Gate
from app.outbox.lanes import Fetched, Lane
from app.outbox.line import Line, LineError
from app.outbox.models import PAUSED, Delivery, Retry, Send, SendMinute, Slice
from app.outbox.recording import Record
from emails.transport import Outcome
from tests.fixtures import NOON
from tests.outbox.road import (
    ACCEPTED,
    Worker,
    a_send,
    a_slice,
    confirmations,
    counters_agree,
    states,
)

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

OWNER = ids.new()


def over_a_line(database: Database, work: Callable[[Line], Awaitable[None]]) -> None:
    async def main() -> None:
        line = await Line.open(database.engine, usual.PLANS, usual.BY_KEY)
        try:
            async with asyncio.timeout(20):
                await work(line)
        finally:
            line.close()

    asyncio.run(main())


def claimed(database: Database, desk: Desk, count: int, *, domain: str) -> tuple[Lane, Fetched]:
    """A lane of this worker's and what a unit of work finds in it."""
    with database.unit_of_work() as session:
        send = session.scalars(sa.select(Send)).first() or a_send(session)
        a_slice(session, desk, send, count, domain=domain)
        hands = Worker(session)
        hands.id = OWNER
        lane = hands.claim()
        assert lane is not None
        return lane, hands.fetch(now=NOON)


def test_R01_the_same_mails_are_found_in_the_same_order(database: Database, desk: Desk) -> None:
    lane, expected = claimed(database, desk, 7, domain="a.example")
    tried = expected.mails[2].delivery_id
    with database.unit_of_work() as session:
        session.add(Retry(delivery_id=tried, attempts=1, again_after_unknown=False))

    async def fetch(line: Line) -> None:
        found = await usual.fetch(line, lane, OWNER, after=-1, limit=5, now=NOON)
        assert found is not None
        assert list(found.mails) == [
            replace(mail, tried=mail.delivery_id == tried) for mail in expected.mails[:5]
        ]
        rest = await usual.fetch(line, lane, OWNER, after=4, limit=5, now=NOON)
        assert rest == Fetched(expected.mails[5:], going_on=True)
        assert await usual.fetch(line, lane, OWNER, after=6, limit=5, now=NOON) == Fetched(
            (), going_on=True
        )

    over_a_line(database, fetch)
    with database.unit_of_work() as session:
        assert session.scalars(sa.select(Slice.lease_until)).one() == NOON + lanes.LEASE


def test_R01_mails_to_strangers_are_found_too(database: Database, desk: Desk) -> None:
    with database.unit_of_work() as session:
        confirmations(session, desk, 3)
        hands = Worker(session)
        hands.id = OWNER
        lane = hands.claim()
        expected = hands.fetch()
    assert lane is not None

    async def fetch(line: Line) -> None:
        assert await usual.fetch(line, lane, OWNER, after=-1, limit=9, now=NOON) == expected

    over_a_line(database, fetch)
    assert len(expected.mails) == 3


def test_C18_a_batch_with_who_may_not_get_it_is_left_to_the_unit_of_work(
    database: Database, desk: Desk
) -> None:
    lane, known = claimed(database, desk, 4, domain="a.example")
    gone = known.mails[1]
    with database.unit_of_work() as session:
        suppressions.add(session, gone.index_key_id, gone.mailbox_index, COMPLAINT, day=NOON.date())

    async def fetch(line: Line) -> None:
        assert await usual.fetch(line, lane, OWNER, after=-1, limit=9, now=NOON) is None
        gate = Gate(database, OWNER, stopping=asyncio.Event())
        found = await gate.fetch(lane, after=-1, limit=9)
        gate.close()
        assert found.passed_over == 1
        assert gone not in found.mails

    over_a_line(database, fetch)
    with database.unit_of_work() as session:
        assert states(session, lane.slice_id)[1] == "suppressed"


@pytest.mark.parametrize("why", ["taken over", "paused"])
def test_R02_a_lane_that_is_lost_or_whose_send_pauses_goes_on_no_further(
    database: Database, desk: Desk, why: str
) -> None:
    lane, _ = claimed(database, desk, 2, domain="a.example")
    with database.unit_of_work() as session:
        if why == "paused":
            session.execute(sa.update(Send).values(state=PAUSED))
        else:
            session.execute(sa.update(Slice).values(owner=ids.new()))

    async def fetch(line: Line) -> None:
        found = await usual.fetch(line, lane, OWNER, after=-1, limit=9, now=NOON)
        assert found == Fetched((), going_on=False)

    over_a_line(database, fetch)


def test_R01_outcomes_of_several_lanes_stand_in_rows_counters_and_the_minute(
    database: Database, desk: Desk
) -> None:
    both = [claimed(database, desk, 3, domain=f"{name}.example") for name in "ab"]
    records = [
        Record(lane, mail, ACCEPTED)
        for mail_number in (0, 1)
        for lane, found in both
        for mail in found.mails[mail_number : mail_number + 1]
    ]

    async def record(line: Line) -> None:
        for of_each in (records[:2], records[2:]):
            quick, others = usual.split(of_each)
            assert (len(quick), others) == (2, [])
            held = await usual.record(line, OWNER, quick, now=NOON)
            assert held == {lane.slice_id for lane, _ in both}

    over_a_line(database, record)
    with database.unit_of_work() as session:
        for lane, _ in both:
            assert states(session, lane.slice_id) == ["accepted", "accepted", "queued"]
        counters_agree(session)
        assert session.scalars(sa.select(SendMinute.accepted)).all() == [4]
        assert set(session.scalars(sa.select(Delivery.code).where(Delivery.position < 2))) == {250}


def test_R02_a_row_that_has_its_outcome_already_is_counted_once(
    database: Database, desk: Desk
) -> None:
    """The first answer was lost: what is said again writes nothing, not even of the others."""
    both = [claimed(database, desk, 2, domain=f"{name}.example") for name in "ab"]
    first = [Record(both[0][0], both[0][1].mails[0], ACCEPTED)]

    async def record(line: Line) -> None:
        await usual.record(line, OWNER, first, now=NOON)
        again = [*first, Record(both[1][0], both[1][1].mails[0], ACCEPTED)]
        with pytest.raises(LineError):
            await usual.record(line, OWNER, again, now=NOON)
        # The connection itself is sound.
        assert await usual.record(line, OWNER, again[1:], now=NOON) == {both[1][0].slice_id}

    over_a_line(database, record)
    with database.unit_of_work() as session:
        counters_agree(session)
        assert session.scalars(sa.select(SendMinute.accepted)).all() == [2]


def test_R02_a_lane_of_another_worker_is_named_and_not_written(
    database: Database, desk: Desk
) -> None:
    both = [claimed(database, desk, 2, domain=f"{name}.example") for name in "ab"]
    with database.unit_of_work() as session:
        session.execute(
            sa.update(Slice).where(Slice.id == both[0][0].slice_id).values(owner=ids.new())
        )

    async def record(line: Line) -> None:
        records = [Record(lane, found.mails[0], ACCEPTED) for lane, found in both]
        assert await usual.record(line, OWNER, records, now=NOON) == {both[1][0].slice_id}

    over_a_line(database, record)
    with database.unit_of_work() as session:
        assert states(session, both[0][0].slice_id) == ["queued", "queued"]
        assert states(session, both[1][0].slice_id) == ["accepted", "queued"]


def test_only_first_attempts_that_were_accepted_are_usual_one_of_each_lane(
    database: Database, desk: Desk
) -> None:
    lane, found = claimed(database, desk, 4, domain="a.example")
    one, two, three, four = found.mails
    records = [
        Record(lane, one, Outcome("deferred", 451)),
        Record(lane, replace(two, tried=True), ACCEPTED),
        Record(lane, three, ACCEPTED),
        Record(lane, four, ACCEPTED),
    ]
    quick, others = usual.split(records)
    assert quick == [records[2]]
    assert others == [records[0], records[1], records[3]]


def test_R04_a_connection_that_is_cut_says_so_and_the_gate_goes_on_without_it(
    database: Database, desk: Desk
) -> None:
    lane, found = claimed(database, desk, 3, domain="a.example")

    async def main() -> None:
        gate = Gate(database, OWNER, stopping=asyncio.Event())
        recorder = asyncio.create_task(gate.run())
        async with asyncio.timeout(20):
            assert await gate.durable(Record(lane, found.mails[0], ACCEPTED))
            with database.unit_of_work() as session:
                session.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                    )
                )
            for mail in found.mails[1:]:
                assert await gate.durable(Record(lane, mail, ACCEPTED))
        recorder.cancel()
        gate.close()

    asyncio.run(main())
    with database.unit_of_work() as session:
        assert states(session, lane.slice_id) == ["accepted"] * 3
        counters_agree(session)


def test_R04_a_statement_in_flight_ends_with_an_error_when_the_server_ends_the_connection(
    database: Database,
) -> None:
    async def cut(line: Line) -> None:
        asked = asyncio.create_task(line.ask("SELECT pg_sleep(30)", ()))
        while True:
            await asyncio.sleep(0.05)
            with database.unit_of_work() as session:
                ended = session.execute(
                    sa.text(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE query LIKE 'SELECT pg_sleep%' AND state = 'active'"
                    )
                ).all()
            if ended:
                break
        with pytest.raises(LineError):
            await asked
        with pytest.raises(LineError):
            await line.ask("SELECT 1", ())

    over_a_line(database, cut)


def test_large_values_and_many_questions_at_once_keep_their_answers_apart(
    database: Database,
) -> None:
    async def ask(line: Line) -> None:
        texts = [str(number).encode() * 200_000 for number in range(6)]
        found = await asyncio.gather(*(line.ask("SELECT $1::text", (text,)) for text in texts))
        assert [one.get_value(0, 0) for one in found] == texts

    over_a_line(database, ask)
