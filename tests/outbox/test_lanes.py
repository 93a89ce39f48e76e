"""A lane's rows: claimed by one, fetched in order, passed over, released, recovered (C18, R02, R03)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import suppressions
from app.audience.models import COMPLAINT, DO_NOT_CONTACT, HARD_BOUNCE, Contact, Subscription
from app.audience.subscriptions import Desk
from app.core import addresses, ids
from app.core.database import Database
from app.outbox import lanes, returns, sends
from app.outbox.lanes import LEASE
from app.outbox.models import (
    CLAIMED,
    CONFIRMATION,
    DONE,
    FREEZING,
    INVITATION,
    PAUSED,
    QUEUED,
    READY,
    RUNNING,
    SENT,
    SUPPRESSED,
    UNKNOWN,
    WAITING,
    Delivery,
    Envelope,
    Slice,
)
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
from tests.servers.process import wait_until

SECOND = timedelta(seconds=1)


def suppress_reader(session: Session, desk: Desk, position: int, reason: str) -> None:
    mailbox = session.execute(
        sa.select(Contact.index_key_id, Contact.mailbox_index)
        .join(Delivery, Delivery.recipient == Contact.id)
        .where(Delivery.position == position)
    ).one()
    suppressions.add(session, mailbox[0], mailbox[1], reason, day=NOON.date())


@pytest.mark.both_databases
def test_R05_a_slice_is_claimed_by_one_worker(session: Session, desk: Desk) -> None:
    made = a_slice(session, desk, a_send(session), 3)
    one, other = Worker(session), Worker(session)
    lane = one.claim()
    assert lane is not None
    assert (lane.slice_id, lane.purpose, lane.destination) == (made.id, "newsletter", "rest")
    assert other.claim() is None
    assert (made.state, made.owner, made.lease_until) == (CLAIMED, one.id, NOON + LEASE)


@pytest.mark.both_databases
def test_R02_a_slice_that_a_lane_still_holds_is_not_claimed_again(
    session: Session, desk: Desk
) -> None:
    held = a_slice(session, desk, a_send(session), 2)
    assert lanes.claim(session, ids.new(), most=9, now=NOON, but=[held.id]) is None
    assert lanes.claim(session, ids.new(), most=9, now=NOON, but=[held.id + 1]) is not None


@pytest.mark.both_databases
def test_confirmations_overtake_newsletters(session: Session, desk: Desk) -> None:
    a_slice(session, desk, a_send(session), 1)
    confirmations(session, desk, 1)
    worker = Worker(session)
    lane = worker.claim()
    assert lane is not None
    assert lane.purpose == CONFIRMATION
    assert Worker(session).claim(most=1) is None, "an urgent connection takes no newsletter"
    assert Worker(session).claim(most=2) is not None


@pytest.mark.parametrize(
    ("state", "taken"),
    [(RUNNING, True), (FREEZING, True), (PAUSED, False), (WAITING, False), (SENT, False)],
)
def test_only_a_running_send_is_claimed(
    session: Session, desk: Desk, state: str, taken: bool
) -> None:
    a_slice(session, desk, a_send(session, state), 1)
    assert (Worker(session).claim() is not None) is taken


@pytest.mark.both_databases
@pytest.mark.parametrize(("kind", "goes"), [(INVITATION, 0), (CONFIRMATION, 1)])
def test_C18_an_invitation_stays_when_do_not_contact_came_after_it_was_posted(
    session: Session, desk: Desk, kind: str, goes: int
) -> None:
    confirmations(session, desk, 1, kind=kind)
    index = desk.indexer.index(addresses.parse("asker0@a.example"))
    suppressions.add(session, index.key_id, index.mailbox, DO_NOT_CONTACT, day=NOON.date())
    worker = Worker(session)
    worker.claim()
    assert len(worker.fetch().mails) == goes


def test_M09_a_parked_slice_waits(session: Session, desk: Desk) -> None:
    a_slice(session, desk, a_send(session), 1).not_before = NOON + SECOND
    assert Worker(session).claim(now=NOON) is None
    assert Worker(session).claim(now=NOON + SECOND) is not None


@pytest.mark.both_databases
def test_rows_come_in_order_with_their_boxes(session: Session, desk: Desk) -> None:
    made = a_slice(session, desk, a_send(session), 5)
    worker = Worker(session)
    worker.claim()
    first = worker.fetch(limit=2).mails
    rest = worker.fetch(after=1).mails
    assert [mail.position for mail in (*first, *rest)] == [0, 1, 2, 3, 4]
    for mail in (*first, *rest):
        assert mail.contact
        opened = desk.opener.open("contact", mail.recipient, mail.box)
        assert opened["address"].endswith("@union.example")
        assert mail.subscription_key == "1"
    assert "union" not in repr(first[0])
    assert made.state == CLAIMED


@pytest.mark.both_databases
def test_C18_who_left_or_was_suppressed_after_the_freeze_gets_nothing(
    session: Session, desk: Desk
) -> None:
    made = a_slice(session, desk, a_send(session), 5)
    suppress_reader(session, desk, 0, COMPLAINT)
    suppress_reader(session, desk, 2, HARD_BOUNCE)
    left, erased = session.execute(
        sa.select(Delivery.subscription_id, Delivery.recipient)
        .where(Delivery.position.in_((3, 4)))
        .order_by(Delivery.position)
    ).all()
    session.execute(sa.delete(Subscription).where(Subscription.id == left.subscription_id))
    session.execute(sa.delete(Contact).where(Contact.id == erased.recipient))
    worker = Worker(session)
    worker.claim()
    fetched = worker.fetch()
    assert [mail.position for mail in fetched.mails] == [1]
    assert fetched.going_on
    assert states(session, made.id) == [SUPPRESSED, QUEUED, SUPPRESSED, SUPPRESSED, SUPPRESSED]
    counters_agree(session)


@pytest.mark.both_databases
def test_C18_a_confirmation_is_asked_about_once_more_before_it_goes(
    session: Session, desk: Desk
) -> None:
    letter = confirmations(session, desk, 4)
    rows = session.execute(sa.select(Delivery.id).order_by(Delivery.position)).scalars().all()
    mailboxes = dict(session.execute(sa.select(Envelope.delivery_id, Envelope.mailbox_index)).all())
    for delivery_id, reason in ((rows[0], COMPLAINT), (rows[1], HARD_BOUNCE)):
        suppressions.add(session, "1", mailboxes[delivery_id], reason, day=NOON.date())
    token = desk.secrets.token("never-write", rows[2], letter.key_id)
    returns.never_write(session, token)
    worker = Worker(session)
    worker.claim()
    fetched = worker.fetch()
    assert [mail.delivery_id for mail in fetched.mails] == [rows[3]]
    session.expire_all()
    boxes = {row.delivery_id: row.box for row in session.scalars(sa.select(Envelope))}
    assert [boxes[delivery_id] is None for delivery_id in rows] == [True, True, True, False]
    counters_agree(session)


def test_C17_an_erased_asker_s_confirmation_is_passed_over(session: Session, desk: Desk) -> None:
    confirmations(session, desk, 1)
    mailbox = desk.indexer.index(addresses.parse("asker0@a.example")).mailbox
    returns.forget(session, None, [mailbox])
    worker = Worker(session)
    worker.claim()
    assert worker.fetch().mails == ()
    counters_agree(session)


@pytest.mark.both_databases
@pytest.mark.parametrize("why", ["paused", "lost"])
def test_a_lane_that_was_paused_or_lost_goes_on_no_further(
    session: Session, desk: Desk, why: str
) -> None:
    send = a_send(session)
    made = a_slice(session, desk, send, 3)
    suppress_reader(session, desk, 0, COMPLAINT)
    worker = Worker(session)
    worker.claim()
    if why == "paused":
        assert sends.pause(session, send.id)
    else:
        made.owner = ids.new()
        session.flush()
    fetched = worker.fetch()
    assert not fetched.going_on
    assert fetched.mails == ()
    assert states(session, made.id) == [QUEUED] * 3, "a lane that is not ours is not written to"


def test_fetching_renews_the_lease(session: Session, desk: Desk) -> None:
    made = a_slice(session, desk, a_send(session), 3)
    worker = Worker(session)
    worker.claim()
    worker.fetch(now=NOON + 30 * SECOND)
    assert made.lease_until == NOON + 30 * SECOND + LEASE
    lanes.renew(session, worker.id, now=NOON + 50 * SECOND)
    session.expire_all()
    assert made.lease_until == NOON + 50 * SECOND + LEASE


@pytest.mark.both_databases
def test_R03_a_released_slice_is_done_or_ready_again(session: Session, desk: Desk) -> None:
    made = a_slice(session, desk, a_send(session), 2)
    worker = Worker(session)
    worker.claim()
    mails = worker.fetch().mails
    worker.record(mails[:1], [ACCEPTED])
    worker.release(not_before=NOON + SECOND)
    assert (made.state, made.owner, made.lease_until) == (READY, None, None)
    assert (made.not_before, made.done_on) == (NOON + SECOND, None)
    other = Worker(session)
    other.claim(now=NOON + SECOND)
    assert [mail.position for mail in other.fetch().mails] == [1]
    other.record(mails[1:], [ACCEPTED])
    other.release()
    assert (made.state, made.done_on) == (DONE, NOON.date())
    counters_agree(session)


def test_only_the_owner_releases(session: Session, desk: Desk) -> None:
    made = a_slice(session, desk, a_send(session), 2)
    worker, stranger = Worker(session), Worker(session)
    stranger.lane = worker.claim()
    stranger.release()
    assert made.owner == worker.id


# Recovering.


@pytest.mark.both_databases
def test_R05_two_workers_at_once_never_share_a_slice(database: Database, desk: Desk) -> None:
    with database.unit_of_work() as session:
        send = a_send(session)
        for number in range(8):
            a_slice(session, desk, send, 1, domain=f"d{number}.example")
    ready = threading.Barrier(4)
    taken: list[int] = []

    def claim() -> None:
        ready.wait()
        worker = ids.new()
        while True:
            with database.unit_of_work() as session:
                lane = lanes.claim(session, worker, most=9, now=NOON)
                if lane is None:
                    return
                taken.append(lane.slice_id)

    threads = [threading.Thread(target=claim) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 8


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_R04_who_queues_anew_waits_for_no_recorder_in_a_ring(
    database: Database, desk: Desk
) -> None:
    # given two slices of one worker, of which the first lies behind the second on disk
    owner = ids.new()
    with database.unit_of_work() as session:
        send = a_send(session)
        first, second = (
            a_slice(session, desk, send, 2, domain=f"{name}.example").id for name in "ab"
        )
        for slice_id in (second, first):
            session.execute(
                sa.update(Slice).where(Slice.id == slice_id).values(owner=owner, state=CLAIMED)
            )
        session.execute(sa.update(Delivery).where(Delivery.position == 0).values(state=UNKNOWN))
        session.execute(sa.update(Slice).values(queued=1, unknown=1))
        unknown = session.scalars(
            sa.select(Delivery.id)
            .where(Delivery.state == UNKNOWN)
            .order_by(Delivery.slice_id.desc())
        ).all()
    began = threading.Event()
    failed: list[Exception] = []

    def locks_many() -> None:
        try:
            with database.unit_of_work() as session:
                began.set()
                sends.requeue(session, unknown)
        except sa.exc.OperationalError as error:
            failed.append(error)

    # when the recorder holds the first, another act wants both, and the recorder goes on to the second
    other = threading.Thread(target=locks_many)
    with database.unit_of_work() as session:
        session.execute(sa.text("SET LOCAL lock_timeout = '3s'"))
        session.execute(sa.select(Slice.id).where(Slice.id == first).with_for_update())
        other.start()
        assert began.wait(5)
        waits = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        wait_until(lambda: bool(session.scalar(waits)), seconds=5, what="the other to wait")
        session.execute(sa.select(Slice.id).where(Slice.id == second).with_for_update())
    other.join(10)
    # then both come to their end
    assert failed == []
