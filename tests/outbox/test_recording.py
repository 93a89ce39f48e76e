"""What became of mails: rows, counters, retries, suppressions and audit agree, in one transaction (M09, M10, R02)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import HARD_BOUNCE, Suppression
from app.audience.subscriptions import Desk
from app.outbox import pacing, recording, sends, takeover
from app.outbox.models import (
    BOUNCED,
    DONE,
    QUEUED,
    UNKNOWN,
    Delivery,
    Envelope,
    Retry,
    SendMinute,
    Slice,
)
from app.staff.models import AuditEntry
from emails.transport import Outcome
from tests.fixtures import NOON
from tests.outbox.road import (
    ACCEPTED,
    DEFERRED,
    HARD,
    LOST,
    POLICY,
    SOFT,
    Worker,
    a_send,
    a_slice,
    confirmations,
    counters_agree,
    states,
)

MINUTE = timedelta(minutes=1)


@pytest.fixture
def worker(session: Session) -> Worker:
    return Worker(session)


@pytest.mark.both_databases
def test_R01_each_outcome_stands_in_its_row_and_its_slice_s_counter(
    session: Session, desk: Desk, worker: Worker
) -> None:
    made = a_slice(session, desk, a_send(session), 6)
    worker.claim()
    said = [ACCEPTED, DEFERRED, HARD, SOFT, LOST]
    worker.record(worker.fetch().mails[:5], said)
    assert states(session, made.id) == [
        "accepted",
        "deferred",
        "bounced",
        "bounced",
        "unknown",
        "queued",
    ]
    codes = session.scalars(sa.select(Delivery.code).order_by(Delivery.position)).all()
    assert codes == [250, 451, 550, 552, None, None], "C23: the code, and no word of the answer"
    counters_agree(session)


@pytest.mark.both_databases
def test_M10_only_an_address_that_does_not_exist_is_suppressed(
    session: Session, desk: Desk, worker: Worker
) -> None:
    a_slice(session, desk, a_send(session), 5)
    worker.claim()
    mails = worker.fetch().mails
    worker.record(mails, [ACCEPTED, SOFT, HARD, POLICY, DEFERRED])
    (found,) = session.scalars(sa.select(Suppression))
    assert (found.reason, found.mailbox_index) == (HARD_BOUNCE, mails[2].mailbox_index)
    assert found.day == NOON.date()


def test_M10_a_refusal_of_the_sender_is_told_to_staff(
    session: Session, desk: Desk, worker: Worker
) -> None:
    a_slice(session, desk, a_send(session), 1)
    worker.claim()
    worker.record(worker.fetch().mails, [POLICY])
    (entry,) = session.scalars(sa.select(AuditEntry))
    assert (entry.action, entry.subject) == ("destination-paused", "rest")


@pytest.mark.both_databases
def test_C01_a_stranger_s_box_goes_with_the_final_outcome(
    session: Session, desk: Desk, worker: Worker
) -> None:
    confirmations(session, desk, 5)
    worker.claim()
    worker.record(worker.fetch().mails, [ACCEPTED, DEFERRED, HARD, SOFT, LOST])
    rows = session.execute(
        sa.select(Envelope.box)
        .join(Delivery, Delivery.id == Envelope.delivery_id)
        .order_by(Delivery.position)
    ).scalars()
    assert [box is None for box in rows] == [True, False, True, True, False]


@pytest.mark.both_databases
def test_C11_requests_are_told_which_of_their_mails_were_taken(
    session: Session, desk: Desk, worker: Worker
) -> None:
    told: list[tuple[UUID, datetime]] = []

    def note(_: Session, requests: Sequence[UUID], now: datetime) -> None:
        told.extend((request, now) for request in requests)

    confirmations(session, desk, 3)
    worker.claim()
    mails = worker.fetch().mails
    worker.record(mails, [ACCEPTED, DEFERRED, ACCEPTED], on_accepted=note)
    assert set(told) == {(mails[0].recipient, NOON), (mails[2].recipient, NOON)}


def test_a_subscriber_s_mail_is_no_request(session: Session, desk: Desk, worker: Worker) -> None:
    a_slice(session, desk, a_send(session), 1)
    worker.claim()
    worker.record(
        worker.fetch().mails,
        [ACCEPTED],
        on_accepted=lambda *_: pytest.fail("a newsletter answers no request"),
    )


@pytest.mark.both_databases
def test_the_minutes_of_a_send_count_what_was_accepted(
    session: Session, desk: Desk, worker: Worker
) -> None:
    send = a_send(session)
    a_slice(session, desk, send, 4)
    worker.claim()
    mails = worker.fetch().mails
    worker.record(mails[:2], [ACCEPTED, SOFT], now=NOON + timedelta(seconds=10))
    worker.record(mails[2:3], [ACCEPTED], now=NOON + timedelta(seconds=50))
    worker.record(mails[3:], [ACCEPTED], now=NOON + MINUTE)
    rows = session.execute(
        sa.select(SendMinute.minute, SendMinute.accepted).order_by(SendMinute.minute)
    )
    assert [tuple(row) for row in rows] == [(NOON, 2), (NOON + MINUTE, 1)]


@pytest.mark.both_databases
def test_M09_a_deferred_mail_is_tried_again_with_longer_waits_and_then_given_up(
    session: Session, desk: Desk
) -> None:
    """The whole life of a mail whose server is away: minutes, then hours, and an end under five days."""
    a_slice(session, desk, a_send(session), 1)
    now, waits = NOON, []
    for _ in range(40):
        worker = Worker(session)
        assert worker.claim(now=now) is not None
        worker.record(worker.fetch(now=now).mails, [DEFERRED], now=now)
        worker.release(now=now)
        counters_agree(session)
        retry = session.scalars(sa.select(Retry)).one_or_none()
        if retry is None:
            break
        assert retry.due_at is not None
        assert recording.due_retries(session, now=retry.due_at - timedelta(seconds=1)) == []
        waits.append(retry.due_at - now)
        now = retry.due_at
        due = recording.due_retries(session, now=now)
        assert recording.due_retries(session, now=now) == [], "it is under way"
        sends.requeue(session, due)
    assert session.scalars(sa.select(Delivery.state)).all() == [BOUNCED]
    assert waits == sorted(waits)
    assert timedelta(minutes=1) <= waits[0] <= timedelta(minutes=10)
    assert waits[-1] <= timedelta(hours=8)
    assert timedelta(days=4) < now - NOON <= timedelta(days=5)
    counters_agree(session)


@pytest.mark.both_databases
def test_R02_a_confirmation_of_unknown_fate_goes_once_more(
    session: Session, desk: Desk, worker: Worker
) -> None:
    confirmations(session, desk, 1)
    worker.claim()
    worker.record(worker.fetch().mails, [LOST])
    worker.release()
    (due,) = recording.due_retries(session, now=NOON)
    sends.requeue(session, [due])
    again = Worker(session)
    again.claim()
    (mail,) = again.fetch().mails
    assert mail.delivery_id == due, "the same delivery: the same Message-ID"
    again.record([mail], [LOST])
    assert recording.due_retries(session, now=NOON + timedelta(days=9)) == []
    assert session.scalars(sa.select(Delivery.state)).all() == [UNKNOWN]
    counters_agree(session)


def test_R02_a_newsletter_of_unknown_fate_waits_for_staff(
    session: Session, desk: Desk, worker: Worker
) -> None:
    a_slice(session, desk, a_send(session), 1)
    worker.claim()
    worker.record(worker.fetch().mails, [LOST])
    assert recording.due_retries(session, now=NOON + timedelta(days=9)) == []


@pytest.mark.both_databases
def test_R02_a_late_outcome_corrects_what_a_taker_called_unknown(
    session: Session, desk: Desk, worker: Worker
) -> None:
    made = a_slice(session, desk, a_send(session), 3)
    worker.claim()
    mails = worker.fetch().mails
    takeover.recover(session, now=NOON, is_alive=lambda _: False)
    session.flush()
    session.expire_all()
    assert states(session, made.id) == [UNKNOWN, QUEUED, QUEUED]
    worker.record(mails[:2], [ACCEPTED, ACCEPTED])
    assert states(session, made.id) == ["accepted", QUEUED, QUEUED], "the second is the taker's now"
    counters_agree(session)


@pytest.mark.both_databases
def test_R02_a_late_outcome_of_a_row_that_was_queued_anew_changes_nothing(
    session: Session, desk: Desk, worker: Worker
) -> None:
    send = a_send(session)
    a_slice(session, desk, send, 1)
    worker.claim()
    mails = worker.fetch().mails
    takeover.recover(session, now=NOON, is_alive=lambda _: False)
    session.flush()
    sends.send_again(session, send.id)
    worker.record(mails, [ACCEPTED])
    assert session.scalars(sa.select(Delivery.state)).all() == [QUEUED]
    counters_agree(session)


def test_an_outcome_of_a_send_that_is_closed_is_nothing(
    session: Session, desk: Desk, worker: Worker
) -> None:
    made = a_slice(session, desk, a_send(session), 1)
    worker.claim()
    mails = worker.fetch().mails
    session.execute(sa.delete(Delivery))
    session.execute(sa.delete(Slice).where(Slice.id == made.id))
    worker.record(mails, [ACCEPTED])


# Property style: whatever happens in whatever order, counters are those of the rows.

SAYINGS = [ACCEPTED, ACCEPTED, DEFERRED, HARD, SOFT, LOST, POLICY]


@pytest.mark.both_databases
@pytest.mark.parametrize("seed", range(6))
def test_R02_counters_agree_with_rows_after_any_sequence_of_outcomes(
    session: Session, desk: Desk, seed: int
) -> None:
    chance = random.Random(seed)
    send = a_send(session)
    for number in range(3):
        a_slice(session, desk, send, chance.randint(1, 7), domain=f"d{number}.example")
    confirmations(session, desk, 4)
    total = session.scalar(sa.select(sa.func.count()).select_from(Delivery))
    now = NOON
    workers = [Worker(session) for _ in range(3)]
    for _ in range(60):
        now += timedelta(minutes=chance.randint(0, 400))
        worker = chance.choice(workers)
        what = chance.random()
        if worker.lane is None:
            worker.claim(now=now)
        elif what < 0.5:
            mails = worker.fetch(limit=chance.randint(1, 5), now=now).mails
            worker.record(mails, [chance.choice(SAYINGS) for _ in mails], now=now)
        elif what < 0.65:
            worker.release(now=now)
            worker.lane = None
        elif what < 0.75:
            dead = worker.id
            takeover.recover(session, now=now, is_alive=lambda one, dead=dead: one != dead)  # type: ignore[misc]
            session.flush()
        elif what < 0.9:
            sends.requeue(session, recording.due_retries(session, now=now))
        else:
            sends.send_again(session, send.id)
            sends.finish(session, now=now)
        counters_agree(session)
    assert session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == total
    done = session.scalars(sa.select(Slice).where(Slice.state == DONE))
    assert all(slice_.queued == 0 for slice_ in done)


def test_M09_421_never_counts_as_a_bounce() -> None:
    """It ends a connection, and the mail stays queued: nothing records it."""
    assert Outcome("unsent", 421, "4.7.0", scope="connection").ends_connection
    assert timedelta(minutes=5) >= pacing.GREYLIST_PAUSE
