"""The sender over a transport in memory: order, the gate, pauses, cuts, and what nobody foresaw (M09, R02-R04)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import datetime

import pytest
import sqlalchemy as sa

from app.audience.subscriptions import Desk
from app.core import clock, ids
from app.core.database import Database
from app.core.errors import MisplacedBoxError
from app.core.sealing import Mac
from app.outbox import composing, takeover
from app.outbox.lanes import Outgoing
from app.outbox.models import DONE, PAUSED, QUEUED, READY, Delivery, Letter, Send, Slice
from app.outbox.sending import Sender, urgent_lanes
from emails.memory import MemoryTransport
from emails.transport import Envelope, Outcome
from tests.outbox.road import (
    ACCEPTED,
    DEFERRED,
    HARD,
    LOST,
    POLICY,
    a_send,
    a_slice,
    confirmations,
)
from tests.outbox.senders import CUT, GREYLISTED, Away, Hanging, Road, wait_until


@pytest.fixture
def road(database: Database, desk: Desk) -> Road:
    return Road(database, desk)


@pytest.mark.both_databases
def test_R01_every_row_becomes_one_mail_and_is_recorded(road: Road) -> None:
    road.sends(9, slices=3)
    transport = MemoryTransport()
    road.run(transport, connections=4)
    to = [sent.envelope.recipient for sent in transport.messages]
    assert len(to) == len(set(to)) == 27
    assert road.states() == {"accepted": 27}
    assert all(one.owner is None and one.done_on for one in road.slices())
    road.agree()


def test_a_slice_goes_in_order_over_one_lasting_connection(road: Road) -> None:
    road.sends(150)
    transport = MemoryTransport()
    road.run(transport, connections=1)
    assert transport.connections == 1
    with road.database.reading() as reading:
        in_order = reading.scalars(sa.select(Delivery.id).order_by(Delivery.position)).all()
    key = road.desk.indexer.child("verp", "1")
    senders = [f"{composing.bounce_local(Mac(key), '1', one)}@peyvand.example" for one in in_order]
    assert [sent.envelope.sender for sent in transport.messages] == senders


@pytest.mark.both_databases
def test_R02_the_gate_a_mail_is_recorded_before_the_next_body_goes(road: Road) -> None:
    road.sends(6)
    recorded: list[int] = []

    def look(_: Envelope) -> Outcome:
        recorded.append(road.states()["accepted"])
        return ACCEPTED

    road.run(MemoryTransport(at_deliver=look))
    assert recorded == [0, 1, 2, 3, 4, 5]


@pytest.mark.both_databases
def test_R02_a_lane_that_was_taken_over_sends_nothing_more_of_what_it_has_read(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a lane that has read six mails, and another worker that takes it over while the first is refused
    road.sends(6)
    compose = composing.Composer.compose
    refused: list[float] = []

    def taken_over(
        composer: composing.Composer, mail: Outgoing, *, now: datetime
    ) -> composing.Composed:
        if refused:
            return compose(composer, mail, now=now)
        with road.database.unit_of_work() as session:
            session.execute(sa.update(Slice).values(owner=ids.new()))
        refused.append(time.monotonic())
        raise MisplacedBoxError("another row's")

    monkeypatch.setattr(composing.Composer, "compose", taken_over)
    transport = MemoryTransport()
    # when it has had half a second to go on
    road.run(transport, until=lambda: bool(refused) and time.monotonic() - refused[0] > 0.5)
    # then it sent none of the others
    assert transport.messages == []


@pytest.mark.both_databases
def test_R02_a_slice_that_came_back_is_not_claimed_while_an_old_lane_of_it_hangs(
    road: Road,
) -> None:
    # given a lane whose first mail hangs at the mail server
    road.sends(3)
    transport = Hanging()
    gave_back_at: list[float] = []

    def story() -> bool:
        if transport.hangs and not gave_back_at:
            # when another worker takes the slice over, and gives it back
            with road.database.unit_of_work() as session:
                takeover.recover(session, now=clock.now(), is_alive=lambda _: False)
            gave_back_at.append(time.monotonic())
        # and this worker had time to look for work
        if gave_back_at and time.monotonic() - gave_back_at[0] > 1.5:
            transport.go_on.set()
        return road.settled()

    road.run(transport, connections=4, until=story)
    # then each mail went once, and the late answer is on record
    to = [sent.envelope.recipient for sent in transport.messages]
    assert len(to) == len(set(to)) == 3
    assert road.states() == {"accepted": 3}


def test_M09_M10_outcomes_at_the_envelope_and_at_the_body_are_recorded(road: Road) -> None:
    road.sends(12)
    offers = iter([None, DEFERRED, None, HARD] * 3)
    bodies = iter([ACCEPTED, DEFERRED, HARD] * 2)
    road.run(MemoryTransport(at_offer=lambda _: next(offers), at_deliver=lambda _: next(bodies)))
    assert road.states() == {"accepted": 2, "deferred": 5, "bounced": 5}
    road.agree()


def test_R02_a_line_cut_after_the_body_leaves_that_one_unknown_and_goes_on(road: Road) -> None:
    road.sends(5)
    bodies = iter([ACCEPTED, LOST, ACCEPTED, ACCEPTED, ACCEPTED])
    transport = MemoryTransport(at_deliver=lambda _: next(bodies))
    road.run(transport)
    assert road.states() == {"accepted": 4, "unknown": 1}
    assert transport.connections == 2
    road.agree()


def test_R04_a_line_cut_before_the_body_loses_and_doubles_nothing(road: Road) -> None:
    road.sends(4)
    offers = iter([None, None, CUT])
    transport = MemoryTransport(at_offer=lambda _: next(offers, None))
    road.run(transport)
    assert road.states() == {"accepted": 4}
    assert len(transport.messages) == 4
    road.agree()


def test_R04_a_line_that_is_always_cut_parks_its_lane(road: Road) -> None:
    road.sends(3)
    transport = MemoryTransport(at_offer=lambda _: CUT)
    road.run(transport, until=lambda: all(one.not_before for one in road.slices()))
    assert road.states() == {QUEUED: 3}
    assert [one.state for one in road.slices()] == [READY]
    assert 2 <= transport.connections <= 6


@pytest.mark.both_databases
def test_M09_421_parks_the_lane_and_counts_as_nothing(road: Road) -> None:
    road.sends(3)
    offers = iter([None])
    transport = MemoryTransport(at_offer=lambda _: next(offers, GREYLISTED))
    road.run(transport, until=lambda: any(one.not_before for one in road.slices()))
    assert road.states() == {"accepted": 1, QUEUED: 2}
    assert transport.connections == 1
    road.agree()


def test_M10_a_refusal_of_the_sender_rests_that_destination(road: Road) -> None:
    road.sends(3, slices=2)
    with road.database.unit_of_work() as session:
        one, other = session.scalars(sa.select(Slice).order_by(Slice.id))
        one.destination = other.destination = "gmail.com"
    answers = iter([POLICY])
    transport = MemoryTransport(at_deliver=lambda _: next(answers, ACCEPTED))

    def resting() -> bool:
        return all(one.not_before or one.state == DONE for one in road.slices())

    road.run(transport, until=resting)
    assert road.states()["bounced"] == 1
    assert road.slices()[0].not_before is not None
    road.agree()


def test_M09_one_domain_s_refusal_stalls_no_other_of_the_rest(road: Road) -> None:
    road.sends(4)
    answers = iter([POLICY])
    road.run(MemoryTransport(at_deliver=lambda _: next(answers, ACCEPTED)))
    assert road.states() == {"bounced": 1, "accepted": 3}


def test_R04_a_server_that_is_away_gets_everything_when_it_comes(road: Road) -> None:
    road.sends(5)
    away = Away(refusals=2)
    road.run(away, connections=2)
    assert road.states() == {"accepted": 5}
    road.agree()


def test_confirmations_have_connections_of_their_own(road: Road) -> None:
    assert [urgent_lanes(count) for count in (1, 2, 8, 100)] == [0, 1, 2, 8]
    road.sends(40)
    with road.database.unit_of_work() as session:
        confirmations(session, road.desk, 2)
    transport = MemoryTransport()
    road.run(transport, connections=2)
    assert len(transport.messages) == 42
    assert len(road.told) == 2, "their requests are told that a server took them (C11)"


def test_R05_a_paused_send_stops_where_it_stands(road: Road) -> None:
    road.sends(300)
    seen: list[str] = []

    def pause_at_ten(envelope: Envelope) -> Outcome:
        seen.append(envelope.recipient)
        if len(seen) == 10:
            with road.database.unit_of_work() as session:
                session.execute(sa.update(Send).values(state=PAUSED))
        return ACCEPTED

    road.run(
        MemoryTransport(at_deliver=pause_at_ten),
        until=lambda: road.slices()[0].state == READY and len(seen) >= 10,
    )
    assert road.states()[QUEUED] == 300 - len(seen)
    assert len(seen) <= 10 + 2 * 64
    road.agree()


@pytest.mark.both_databases
def test_R03_a_stop_gives_the_slice_back_exactly_as_it_stands(road: Road) -> None:
    road.sends(300)
    transport = MemoryTransport()
    road.run(transport, until=lambda: len(transport.messages) > 5)
    accepted = road.states()["accepted"]
    assert accepted == len(transport.messages)
    assert [one.state for one in road.slices()] in ([READY], [DONE])
    road.agree()
    road.run(transport)
    to = [sent.envelope.recipient for sent in transport.messages]
    assert len(to) == len(set(to)) == 300


def test_C03_a_row_that_cannot_be_composed_is_recorded_and_stops_no_other(
    road: Road, caplog: pytest.LogCaptureFixture
) -> None:
    road.sends(4)
    with road.database.unit_of_work() as session:
        first, second = session.scalars(
            sa.select(Delivery.recipient).order_by(Delivery.position).limit(2)
        )
        session.execute(
            sa.text("UPDATE contact SET box = :box WHERE id = :id").bindparams(
                sa.bindparam("id", type_=sa.Uuid()), box=b"1:canary"
            ),
            {"id": first},
        )
        assert first != second
    road.run(MemoryTransport())
    assert road.states() == {"bounced": 1, "accepted": 3}
    assert "canary" not in caplog.text
    road.agree()


def test_R02_after_what_nobody_foresaw_the_mail_in_flight_is_unknown(
    road: Road, caplog: pytest.LogCaptureFixture
) -> None:
    road.sends(5)
    bodies: Iterator[Outcome | Exception]
    bodies = iter([ACCEPTED, RuntimeError("canary@example.org")])

    def deliver(_: Envelope) -> Outcome:
        answer = next(bodies, ACCEPTED)
        if isinstance(answer, Exception):
            raise answer
        return answer

    road.run(
        MemoryTransport(at_deliver=deliver),
        until=lambda: bool(road.slices()[0].not_before) or road.settled(),
    )
    assert road.states() == {"accepted": 1, "unknown": 1, QUEUED: 3}
    assert [one.state for one in road.slices()] == [READY]
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text
    road.agree()


def test_R04_a_letter_that_is_damaged_holds_up_no_other_send(road: Road) -> None:
    road.sends(2)
    with road.database.unit_of_work() as session:
        letter = session.scalars(sa.select(Letter)).one()
        letter.holes = [[9999, "to", "header-address"]]
        other = a_send(session, subject="2")
        a_slice(session, road.desk, other, 2, domain="other.example")
    transport = MemoryTransport()
    road.run(transport, until=lambda: road.states()["accepted"] == 2)
    assert {sent.envelope.recipient for sent in transport.messages} == {
        "r0@other.example",
        "r1@other.example",
    }


def test_R03_a_nudge_starts_work_at_once(road: Road) -> None:
    transport = MemoryTransport()

    async def main() -> None:
        sender = Sender(road.database, road.desk, transport, worker_id=ids.new(), connections=1)
        running = asyncio.create_task(sender.run())
        await asyncio.sleep(0.3)
        await asyncio.to_thread(road.sends, 2)
        sender.nudge()
        await wait_until(lambda: len(transport.messages) == 2, 0.7)
        sender.stop()
        await running

    asyncio.run(main())


def test_an_idle_connection_is_closed(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.outbox.sending.IDLE_SECONDS", 0.0)
    monkeypatch.setattr("app.outbox.sending.LOOK_SECONDS", 0.05)
    road.sends(1)
    transport = MemoryTransport()
    open_: list[bool] = []

    def closed() -> bool:
        open_.append(True)
        return road.settled() and len(open_) > 20

    road.run(transport, until=closed)
    road.sends_more()
    road.run(transport)
    assert transport.connections == 2


@pytest.mark.both_databases
def test_R05_two_senders_at_once_send_once(road: Road) -> None:
    road.sends(8, slices=4)
    transport = MemoryTransport()

    async def main() -> None:
        senders = [
            Sender(road.database, road.desk, transport, worker_id=ids.new(), connections=2)
            for _ in range(2)
        ]
        running = [asyncio.create_task(sender.run()) for sender in senders]
        await wait_until(road.settled, 20)
        for sender in senders:
            sender.stop()
        await asyncio.gather(*running)

    asyncio.run(main())
    to = [sent.envelope.recipient for sent in transport.messages]
    assert len(to) == len(set(to)) == 32
    road.agree()
