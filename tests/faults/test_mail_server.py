"""The mail server is away, slow, rude or refuses: the service goes on by itself, nobody lost or doubled (R04)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.audience.models import HARD_BOUNCE, Suppression
from app.core import clock
from app.outbox import sends
from app.outbox.models import ACCEPTED, BOUNCED, DEFERRED, QUEUED, UNKNOWN, Retry, Slice
from app.staff.models import AuditEntry
from tests.emails.sink import CLOSE, Answer, Moment, Sink, at, running
from tests.faults.conftest import MakeWorld
from tests.journeys import arrivals
from tests.journeys.worlds import World
from tests.servers.process import free_port, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.sockets]


@contextmanager
def sending_to(
    make: MakeWorld, sink: Sink, readers: int, domains: tuple[str, ...]
) -> Iterator[tuple[World, int, list[str]]]:
    """A send to ``readers`` under way at ``sink``, all in one language."""
    with running(sink):
        world = make(mail=f"smtp://127.0.0.1:{sink.port}")
        names = world.subscribe(readers, domains=domains, choices=[("en",)])
        send_id = world.send_newsletter()
        world.start_worker()
        yield world, send_id, names


def counted(sink: Sink) -> Counter[str]:
    return Counter(mail.recipient for mail in list(sink.received))


def test_R04_a_server_away_at_the_start_gets_everything_when_it_comes(
    sqlite_world: MakeWorld,
) -> None:
    port = free_port()
    world = sqlite_world(mail=f"smtp://127.0.0.1:{port}")
    names = world.subscribe(60)
    world.ask("asks@elsewhere.example")
    send_id = world.send_newsletter()
    # given no mail server, for some seconds
    world.start_worker()
    time.sleep(4)
    assert world.rows(send_id) == {QUEUED: 60}
    # when it comes
    with running(Sink(port=port)) as sink:
        came = time.monotonic()
        world.wait_until_sent(send_id, seconds=30)
        # then all mail goes by itself, soon, and once
        assert time.monotonic() - came < 12
        wait_until(lambda: len(sink.received) == 61, seconds=10, what="the confirmation")
        assert counted(sink) == Counter([*names, "asks@elsewhere.example"])


def test_R04_a_server_killed_and_started_again_in_the_middle_loses_no_one(
    server_world: MakeWorld,
) -> None:
    # given a send under way
    world = server_world(mail="sink", delay_ms=20)
    names = world.subscribe(200, domains=("one.example", "two.example"))
    world.start_worker()
    send_id = world.send_newsletter()
    for arrived in (40, 100):
        world.wait_for_arrivals(arrived)
        # when the mail server dies and comes back a moment later
        assert world.sink is not None
        world.sink.kill()
        time.sleep(0.5)
        world.restart_sink(delay_ms=20)
    world.wait_until_sent(send_id)
    # then each mail was taken or is listed as unknown, and none came twice
    got = world.received()
    states = world.message_ids(send_id)
    assert arrivals.twice(got) == set()
    arrived_ids = {one.message_id for one in got}
    assert {one for one, state in states.items() if state == ACCEPTED} <= arrived_ids
    rows = world.rows(send_id)
    assert rows == world.counters(send_id)
    assert set(rows) <= {ACCEPTED, UNKNOWN}
    assert rows[UNKNOWN] <= 2 * 8
    # and once staff send again what is unknown, everyone has it
    world.write(lambda session: sends.send_again(session, send_id))
    world.wait_until_sent(send_id)
    assert set(arrivals.recipients(world.received())) == set(names)


def test_R04_a_slow_server_only_makes_it_slow(sqlite_world: MakeWorld) -> None:
    with sending_to(sqlite_world, Sink(delay=0.3), 6, ("one.example",)) as (world, send_id, _):
        world.wait_until_sent(send_id, seconds=30)
        assert world.rows(send_id) == {ACCEPTED: 6}


def test_R04_a_line_cut_in_the_middle_of_a_mail_leaves_that_one_unknown(
    sqlite_world: MakeWorld,
) -> None:
    # given a server that hangs up in the middle of DATA, and once more between dot and answer
    sink = Sink(answer=_first(at("body", CLOSE, 5), at("recorded", CLOSE, 12)))
    with sending_to(sqlite_world, sink, 40, ("one.example",)) as (world, send_id, names):
        # then the send goes on by itself; the two whose fate is unknown are listed, none came twice
        world.wait_until_sent(send_id)
        assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: 38, UNKNOWN: 2}
        assert max(counted(sink).values()) == 1
        world.write(lambda session: sends.send_again(session, send_id))
        world.wait_until_sent(send_id)
        assert set(counted(sink)) == set(names)
        assert len(sink.received) == 41
        assert len({mail.message_id for mail in sink.received}) == 40


def test_R04_421_as_a_greeting_is_waited_out(sqlite_world: MakeWorld) -> None:
    sink = Sink(answer=at("connect", "421 4.3.2 too busy", *range(1, 5)))
    with sending_to(sqlite_world, sink, 30, ("one.example",)) as (world, send_id, names):
        world.wait_until_sent(send_id, seconds=30)
        assert counted(sink) == Counter(names)
        assert world.rows(send_id) == {ACCEPTED: 30}


def test_M09_421_for_one_destination_parks_it_and_stalls_no_other(server_world: MakeWorld) -> None:
    # given a server that says 421 to whatever goes to one destination
    busy = True

    def answer(moment: Moment) -> str | None:
        slow = moment.stage == "rcpt" and moment.argument.endswith("slow.example")
        return "421 4.7.0 try again later" if slow and busy else None

    with sending_to(server_world, Sink(answer=answer), 60, ("slow.example", "quick.example")) as (
        world,
        send_id,
        _,
    ):
        # then the other destination has all its mail at once, and nobody counts as bounced
        wait_until(
            lambda: world.rows(send_id) == {ACCEPTED: 30, QUEUED: 30}, seconds=20, what="the others"
        )
        parked = world.read(lambda s: s.scalars(sa.select(Slice.not_before).where(_open())).all())
        assert all(moment and moment > clock.now() + timedelta(seconds=30) for moment in parked)
        # and when the pause is over and the server is kind again, the rest goes by itself, once
        busy = False
        world.write(lambda s: s.execute(sa.update(Slice).where(_open()).values(not_before=None)))
        world.wait_until_sent(send_id)
        assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: 60}


def test_M09_4xx_is_deferred_and_tried_again_when_due(sqlite_world: MakeWorld) -> None:
    # given a server that greylists every recipient once
    seen: set[str] = set()
    sink = Sink()

    def greylist(moment: Moment) -> str | None:
        if moment.stage != "rcpt" or moment.argument in seen:
            return None
        seen.add(moment.argument)
        return "450 4.2.0 greylisted"

    sink.answer = greylist
    with sending_to(sqlite_world, sink, 30, ("one.example",)) as (world, send_id, names):
        # then all are deferred, with a next attempt in minutes, and the send is not over
        wait_until(lambda: world.rows(send_id) == {DEFERRED: 30}, seconds=20, what="30 deferred")
        assert world.counters(send_id) == {DEFERRED: 30}
        due = world.read(lambda s: s.scalars(sa.select(Retry.due_at)).all())
        now = clock.now()
        assert all(d and timedelta(minutes=3) < d - now < timedelta(hours=1) for d in due)
        assert world.send_state(send_id) == "sending"
        # and when that time has come, they go by themselves, once
        world.write(lambda s: s.execute(sa.update(Retry).values(due_at=now)))
        world.wait_until_sent(send_id)
        assert counted(sink) == Counter(names)
        assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: 30}
        assert world.read(lambda s: s.scalar(sa.select(sa.func.count()).select_from(Retry))) == 0


def test_M10_5xx_bounces_suppresses_an_address_that_is_not_there_and_pauses_a_destination(
    server_world: MakeWorld,
) -> None:
    # given a server that knows one reader no more, finds one mailbox full, and refuses one destination
    def answer(moment: Moment) -> str | None:
        if moment.stage != "rcpt":
            return None
        if moment.argument.endswith("blocked.example"):
            return "550 5.7.1 we do not take mail from you"
        gone, full = "reader1@quick.example", "reader3@quick.example"
        return {gone: "550 5.1.1 no such user", full: "552 5.2.2 full"}.get(moment.argument)

    sink = Sink(answer=answer)
    with running(sink):
        world = server_world(
            mail=f"smtp://127.0.0.1:{sink.port}", settings={"PEYVAND_SMTP_CONNECTIONS": "2"}
        )
        world.subscribe(160, domains=("blocked.example", "quick.example"))
        send_id = world.send_newsletter()
        world.start_worker()
        # then the others of the good destination have their mail
        wait_until(
            lambda: len(sink.received) == 78, seconds=20, what=f"78 of {world.rows(send_id)}"
        )
        wait_until(lambda: _audited(world) > 0, seconds=10, what="the staff to be told")
        wait_until(lambda: not _claimed(world), seconds=10, what="rest")
        rows = world.rows(send_id)
        # and of the blocked one a single mail was refused; its other mail waits for an hour
        assert rows == world.counters(send_id)
        assert rows[ACCEPTED] == 78
        assert rows[BOUNCED] == 3
        assert rows[QUEUED] == 79
        parked = world.read(lambda s: s.scalars(sa.select(Slice.not_before).where(_open())).all())
        assert len(parked) == 3
        assert all(moment and moment > clock.now() + timedelta(minutes=50) for moment in parked)
        # and exactly the address that is not there is suppressed
        reasons = world.read(lambda s: s.scalars(sa.select(Suppression.reason)).all())
        assert reasons == [HARD_BOUNCE]


def test_M09_a_small_domain_that_refuses_us_stalls_none_of_the_others_in_its_lane(
    sqlite_world: MakeWorld,
) -> None:
    # given domains with so few readers that they share one lane, and one of them refuses us
    def answer(moment: Moment) -> str | None:
        refuses = moment.stage == "rcpt" and moment.argument.endswith("@d2.example")
        return "550 5.7.1 we do not take mail from you" if refuses else None

    domains = tuple(f"d{n}.example" for n in range(5))
    with sending_to(sqlite_world, Sink(answer=answer), 30, domains) as (world, send_id, _):
        # then the others have their mail, and that domain's readers count as bounced
        world.wait_until_sent(send_id, seconds=20)
        assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: 24, BOUNCED: 6}


def _first(*answers: Answer) -> Answer:
    return lambda moment: next((said for one in answers if (said := one(moment))), None)


def _open() -> sa.ColumnElement[bool]:
    return Slice.queued > 0


def _claimed(world: World) -> int:
    count = sa.select(sa.func.count()).where(Slice.state == "claimed")
    return world.read(lambda session: session.scalar(count) or 0)


def _audited(world: World) -> int:
    count = sa.select(sa.func.count()).where(AuditEntry.action == "destination-paused")
    return world.read(lambda session: session.scalar(count) or 0)
