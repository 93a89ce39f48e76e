"""Who leaves while a send runs, and before their turn, gets nothing; pause, resume and undo (C18, C28)."""

from __future__ import annotations

import time
import urllib.parse
import urllib.request
from functools import partial
from uuid import UUID

import pytest
import sqlalchemy as sa

from app.audience import subscriptions
from app.audience.models import Subscription
from app.core import clock, tokens
from app.newsletters import issues, sending
from app.newsletters.models import DRAFT
from app.outbox import sends
from app.outbox.models import ACCEPTED, PAUSED, QUEUED, SUPPRESSED, Delivery, Send
from tests.faults.conftest import MakeWorld
from tests.journeys import arrivals
from tests.journeys.worlds import World
from tests.servers.process import wait_until

pytestmark = [pytest.mark.faults, pytest.mark.sockets]


def test_C18_who_leaves_two_seconds_before_their_turn_gets_nothing(server_world: MakeWorld) -> None:
    # given one lane that takes 50 ms a mail, in the middle of its slice
    world = server_world(mail="sink", delay_ms=50, settings={"PEYVAND_SMTP_CONNECTIONS": "1"})
    world.subscribe(130, choices=[("en",)])
    world.start()
    send_id = world.send_newsletter()
    world.wait_for_arrivals(10)
    # when readers leave one after the other, some by a mail client's single click and some by the verb
    left: dict[UUID, float] = {}
    while world.rows(send_id)[QUEUED] > 60:
        delivery, subscription, key_id = _one_from_the_end(world, send_id)
        token = world.desk.secrets.token(tokens.ONE_CLICK, subscription, key_id)
        if len(left) % 2:
            world.write(partial(subscriptions.end_by_token, token=token, day=clock.today()))
        else:
            _click(world, token)
        left[delivery] = time.monotonic()
        time.sleep(0.3)
    world.wait_until_sent(send_id)
    # then none of them got the mail, though their rows had been fixed before
    states = _states(world, send_id)
    assert len(left) >= 5
    assert {states[delivery] for delivery in left} == {SUPPRESSED}
    rows = world.rows(send_id)
    assert rows == world.counters(send_id) == {ACCEPTED: 130 - len(left), SUPPRESSED: len(left)}
    assert world.arrived() == 130 - len(left)


def test_C18_no_row_is_older_than_two_seconds_when_its_turn_comes(sqlite_world: MakeWorld) -> None:
    # given one lane that takes 100 ms a mail: a batch of rows would last for six seconds
    world = sqlite_world(mail="sink", delay_ms=100, settings={"PEYVAND_SMTP_CONNECTIONS": "1"})
    world.subscribe(80, choices=[("en",)])
    world.start_worker()
    send_id = world.send_newsletter()
    world.wait_for_arrivals(5)
    # when all who are still waiting leave at once
    world.write(lambda session: session.execute(sa.delete(Subscription)))
    left_at, arrived = time.monotonic(), world.arrived()
    world.wait_until_sent(send_id)
    # then mail stops within the two seconds (and the one in flight)
    assert world.arrived() - arrived <= 2 / 0.1 + 1
    assert world.rows(send_id)[SUPPRESSED] == 80 - world.arrived()
    assert time.monotonic() - left_at < 10


def test_R05_a_paused_send_stops_and_goes_on_where_it_stood(sqlite_world: MakeWorld) -> None:
    # given a send under way
    world = sqlite_world(mail="sink", delay_ms=40)
    names = world.subscribe(240, domains=("one.example", "two.example"))
    world.start_worker()
    send_id = world.send_newsletter()
    world.wait_for_arrivals(30)
    # when it is paused
    assert world.write(lambda session: sends.pause(session, send_id))
    wait_until(lambda: _at_rest(world), seconds=15, what="rest")
    stood_at = world.arrived()
    time.sleep(1.5)
    # then nothing goes any more, and what went is recorded
    assert world.arrived() == stood_at < 240
    assert world.send_state(send_id) == PAUSED
    assert world.rows(send_id) == {ACCEPTED: stood_at, QUEUED: 240 - stood_at}
    # when it is resumed, then the rest goes, and nothing twice
    assert world.write(lambda session: sends.resume(session, send_id))
    world.wait_until_sent(send_id)
    assert sorted(got.recipient for got in world.received()) == sorted(names)
    assert arrivals.twice(world.received()) == set()
    assert world.rows(send_id) == world.counters(send_id) == {ACCEPTED: 240}


def test_C28_a_send_undone_within_its_seconds_sends_nothing(sqlite_world: MakeWorld) -> None:
    # given a send that waits for its seconds of undo
    world = sqlite_world(mail="sink", settings={"PEYVAND_UNDO_SECONDS": "2"})
    world.subscribe(30)
    world.start_worker()
    issue = world.issue()
    send_id = world.send_newsletter(issue)
    time.sleep(0.5)
    # when it is undone
    world.write(lambda session: sending.undo(session, send_id, now=clock.now()))
    time.sleep(3)
    # then nothing goes, nothing of it stays, and the newsletter is a draft again
    assert world.arrived() == 0
    assert world.read(lambda session: session.scalar(sa.select(Send.id))) is None
    assert world.read(lambda session: issues.get(session, issue).state) == DRAFT
    # and scheduled once more it goes, after its seconds
    scheduled = time.monotonic()
    again = world.send_newsletter(issue)
    world.wait_until_sent(again)
    assert time.monotonic() - scheduled >= 2
    assert world.arrived() == 30


def _one_from_the_end(world: World, send_id: int) -> tuple[UUID, UUID, str]:
    """The last delivery of the lane that waits and whose reader is still there."""
    row = world.read(
        lambda session: session.execute(
            sa.select(Delivery.id, Subscription.id, Subscription.key_id)
            .join(Subscription, Subscription.id == Delivery.subscription_id)
            .where(Delivery.send_id == send_id, Delivery.state == QUEUED)
            .order_by(Delivery.position.desc())
            .limit(1)
        ).one()
    )
    return row[0], row[1], row[2]


def _click(world: World, token: str) -> None:
    body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
    with urllib.request.urlopen(f"{world.base_url}/u/{token}", body, timeout=10) as answer:  # noqa: S310
        assert answer.status == 200


def _states(world: World, send_id: int) -> dict[UUID, str]:
    rows = sa.select(Delivery.id, Delivery.state).where(Delivery.send_id == send_id)
    return {row.id: row.state for row in world.read(lambda s: s.execute(rows).all())}


def _at_rest(world: World) -> bool:
    from app.outbox.models import CLAIMED, Slice

    count = sa.select(sa.func.count()).where(Slice.state == CLAIMED)
    return world.read(lambda session: session.scalar(count)) == 0
