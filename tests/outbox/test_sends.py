"""What staff and the clock do to a send, each from the state it expects (C28, R02, R05)."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import ids
from app.core.database import Database
from app.outbox import lanes, posting, queries, sends
from app.outbox.models import (
    CLOSED,
    CONFIRMATION,
    DONE,
    FREEZING,
    PAUSED,
    QUEUED,
    READY,
    RUNNING,
    SENT,
    UNAPPROVED,
    UNKNOWN,
    WAITING,
    Delivery,
    Retry,
    Send,
    Slice,
    Worker,
)
from tests.fixtures import NOON
from tests.outbox.road import (
    ACCEPTED,
    DEFERRED,
    HARD,
    LOST,
    SOFT,
    a_letter,
    a_send,
    a_slice,
    confirmations,
    counters_agree,
    states,
)
from tests.outbox.road import Worker as Hands

SECOND = timedelta(seconds=1)
ALL = (UNAPPROVED, WAITING, FREEZING, RUNNING, PAUSED, SENT, CLOSED)


def approve(session: Session, send: Send, account: int, *, seconds: int = 60) -> bool:
    done = sends.approve(session, send.id, account, now=NOON, undo_seconds=seconds)
    session.expire_all()
    return done


@pytest.mark.both_databases
def test_C28_a_second_person_agrees_and_then_sixty_seconds_pass(session: Session) -> None:
    send = a_send(session, UNAPPROVED, begins_at=None)
    assert not approve(session, send, 1), "not who scheduled it"
    assert send.state == UNAPPROVED
    assert approve(session, send, 2)
    assert (send.state, send.approved_by, send.begins_at) == (WAITING, 2, NOON + 60 * SECOND)
    assert not approve(session, send, 3), "another got there first (R05)"


@pytest.mark.both_databases
def test_C28_a_send_can_be_undone_within_its_seconds_and_nothing_of_it_stays(
    session: Session,
) -> None:
    send = a_send(session, WAITING, begins_at=NOON + 60 * SECOND)
    send_id = send.id
    assert not sends.undo(session, send_id, now=NOON + 60 * SECOND), "its time is over"
    assert sends.undo(session, send_id, now=NOON + 59 * SECOND)
    assert not sends.undo(session, send_id, now=NOON)
    session.expire_all()
    assert session.get(Send, send_id) is None
    unapproved = a_send(session, UNAPPROVED, begins_at=None)
    assert sends.undo(session, unapproved.id, now=NOON)


@pytest.mark.parametrize("state", [FREEZING, RUNNING, PAUSED, SENT, CLOSED])
def test_C28_what_has_begun_cannot_be_undone(session: Session, state: str) -> None:
    send = a_send(session, state, begins_at=NOON + 60 * SECOND)
    assert not sends.undo(session, send.id, now=NOON)


@pytest.mark.both_databases
def test_a_send_begins_when_its_seconds_are_over(session: Session) -> None:
    send = a_send(session, WAITING, begins_at=NOON)
    early = a_send(session, WAITING, "2", begins_at=NOON + SECOND)
    sends.start_due(session, now=NOON)
    session.expire_all()
    assert (send.state, send.started_at) == (FREEZING, NOON)
    assert (early.state, early.started_at) == (WAITING, None)
    sends.start_due(session, now=NOON + 5 * SECOND)
    session.expire_all()
    assert send.started_at == NOON, "once"


MOVES = [
    ("frozen", FREEZING, RUNNING),
    ("pause", RUNNING, PAUSED),
    ("resume", PAUSED, RUNNING),
]


@pytest.mark.parametrize(("name", "start", "end"), MOVES)
def test_R05_each_step_starts_from_its_own_state_only(
    session: Session, name: str, start: str, end: str
) -> None:
    for number, state in enumerate(ALL):
        send = a_send(session, state, str(number))
        done = getattr(sends, name)(session, send.id)
        session.expire_all()
        assert done is (state == start)
        assert send.state == (end if state == start else state)


@pytest.mark.both_databases
def test_a_send_is_sent_when_nothing_is_queued_or_due(session: Session, desk: Desk) -> None:
    send = a_send(session)
    made = a_slice(session, desk, send, 2)
    hands = Hands(session)

    def finish() -> str:
        sends.finish(session, now=NOON)
        session.expire_all()
        return send.state

    assert finish() == RUNNING, "a slice is ready"
    hands.claim()
    hands.record(hands.fetch().mails, [ACCEPTED, DEFERRED])
    assert finish() == RUNNING, "a slice is claimed"
    hands.release()
    assert made.state == DONE
    assert finish() == RUNNING, "a retry is due"
    session.execute(sa.update(Retry).values(due_at=None))
    assert finish() == SENT
    assert send.finished_at == NOON


def test_the_standing_send_never_ends(session: Session) -> None:
    send = posting.standing_send(session)
    sends.finish(session, now=NOON)
    session.expire_all()
    assert (send.purpose, send.state) == (CONFIRMATION, RUNNING)


@pytest.mark.both_databases
def test_R02_staff_send_those_of_unknown_fate_once_more(session: Session, desk: Desk) -> None:
    send = a_send(session)
    made = a_slice(session, desk, send, 4)
    hands = Hands(session)
    hands.claim()
    hands.record(hands.fetch().mails, [ACCEPTED, LOST, SOFT, LOST])
    hands.release()
    sends.finish(session, now=NOON)
    session.expire_all()
    before = set(session.scalars(sa.select(Delivery.id)))
    assert sends.send_again(session, send.id) == 2
    session.expire_all()
    assert (send.state, send.finished_at) == (RUNNING, None)
    assert states(session, made.id) == ["accepted", "bounced"]
    (anew,) = session.scalars(sa.select(Slice).where(Slice.state == READY))
    assert (anew.size, anew.queued, anew.destination) == (2, 2, "rest")
    assert set(session.scalars(sa.select(Delivery.id))) == before, "the same Message-IDs"
    counters_agree(session)
    assert sends.send_again(session, send.id) == 0


@pytest.mark.both_databases
def test_requeued_mails_keep_letter_and_destination_apart(session: Session, desk: Desk) -> None:
    send = a_send(session)
    for number in range(2):
        a_slice(session, desk, send, 2, domain=f"d{number}.example").destination = f"g{number}"
    session.flush()
    for _ in range(2):
        hands = Hands(session)
        hands.claim()
        hands.record(hands.fetch().mails, [LOST, LOST])
        hands.release()
    assert sends.send_again(session, send.id) == 4
    fresh = session.scalars(sa.select(Slice).where(Slice.state == READY)).all()
    assert sorted((one.destination, one.size) for one in fresh) == [("g0", 2), ("g1", 2)]
    counters_agree(session)


def test_requeueing_leaves_what_is_queued_already(session: Session, desk: Desk) -> None:
    made = a_slice(session, desk, a_send(session), 2)
    queued = session.scalars(sa.select(Delivery.id)).all()
    sends.requeue(session, queued)
    sends.requeue(session, [])
    assert states(session, made.id) == [QUEUED, QUEUED]
    assert session.scalar(sa.select(sa.func.count()).select_from(Slice)) == 1


@pytest.mark.both_databases
def test_R05_two_schedulers_start_and_two_clicks_resume_a_send_once(
    database: Database, desk: Desk
) -> None:
    with database.unit_of_work() as session:
        send_id = a_send(session, UNAPPROVED, begins_at=None).id
    ready = threading.Barrier(4)
    agreed: list[bool] = []

    def agree(account: int) -> None:
        ready.wait()
        with database.unit_of_work() as session:
            agreed.append(sends.approve(session, send_id, account, now=NOON, undo_seconds=0))
            sends.start_due(session, now=NOON)
            sends.frozen(session, send_id)

    threads = [threading.Thread(target=agree, args=(account,)) for account in range(2, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(agreed) == [False, False, False, True]
    with database.reading() as reading:
        assert reading.get_one(Send, send_id).state in (FREEZING, RUNNING)


# What pages read.


@pytest.mark.both_databases
def test_progress_shows_totals_letters_rate_and_time_left(session: Session, desk: Desk) -> None:
    send = a_send(session)
    send.started_at = NOON - timedelta(minutes=2)
    a_slice(session, desk, send, 6)
    a_letter(session, send, ("en",))
    hands = Hands(session)
    hands.claim()
    said = [ACCEPTED, ACCEPTED, HARD, DEFERRED]
    hands.record(hands.fetch().mails[:4], said, now=NOON - timedelta(minutes=1))
    found = queries.progress(session, send.id, now=NOON)
    assert (found.state, found.total, found.left) == (RUNNING, 6, 3)
    assert found.counts == {
        "queued": 2,
        "accepted": 2,
        "deferred": 1,
        "bounced": 1,
        "suppressed": 0,
        "unknown": 0,
    }
    assert [(one.languages, sum(one.counts.values())) for one in found.letters] == [
        (("fa",), 6),
        (("en",), 0),
    ]
    assert found.minutes == ((NOON - timedelta(minutes=1), 2),)
    assert found.rate == pytest.approx(1.0)
    assert found.time_left == timedelta(minutes=3)
    later = queries.progress(session, send.id, now=NOON + timedelta(hours=1))
    assert (later.rate, later.time_left) == (0.0, None)
    with pytest.raises(sa.exc.NoResultFound):
        queries.progress(session, 987, now=NOON)


@pytest.mark.both_databases
def test_states_are_summed_by_purpose(session: Session, desk: Desk) -> None:
    a_slice(session, desk, a_send(session), 2)
    confirmations(session, desk, 3)
    hands = Hands(session)
    hands.claim()
    hands.record(hands.fetch().mails[:1], [ACCEPTED])
    found = queries.states_by_purpose(session)
    assert found["newsletter"][QUEUED] == 2
    assert (found["confirmation"]["accepted"], found["confirmation"][QUEUED]) == (1, 2)
    assert found["newsletter"][UNKNOWN] == 0


def test_staff_watch_sends_but_not_the_standing_one(session: Session) -> None:
    posting.standing_send(session)
    made = [a_send(session, WAITING, str(number)).id for number in range(2)]
    assert [send.id for send in queries.running_sends(session)] == made[::-1]


def test_the_dashboard_sees_when_a_worker_was_last_heard(session: Session) -> None:
    silent = timedelta(seconds=30)
    assert queries.worker_state(session, now=NOON, silent_after=silent).last_beat is None
    for seconds in (5, 90):
        beat = NOON - seconds * SECOND
        session.add(Worker(id=ids.new(), host="h", began_at=NOON, beat_at=beat))
    session.flush()
    found = queries.worker_state(session, now=NOON, silent_after=silent)
    assert (found.last_beat, found.running) == (NOON - 5 * SECOND, 1)
    assert silent < lanes.LEASE
