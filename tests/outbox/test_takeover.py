"""Slices of workers that are gone are taken over once, and say what may have been sent (R02, R03)."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import ids
from app.core.database import Database
from app.outbox import lanes, sends, takeover
from app.outbox.models import (
    CLAIMED,
    DONE,
    QUEUED,
    READY,
    UNKNOWN,
    Delivery,
    Retry,
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

SECOND = timedelta(seconds=1)


def recover(session: Session, alive: dict[UUID, bool | None], now: datetime = NOON) -> int:
    taken = takeover.recover(session, now=now, is_alive=alive.get)
    session.flush()
    session.expire_all()
    return taken


@pytest.mark.both_databases
@pytest.mark.parametrize("sent", [0, 2, 4, 5])
def test_R02_the_first_row_without_an_outcome_and_only_it_is_unknown(
    session: Session, desk: Desk, sent: int
) -> None:
    made = a_slice(session, desk, a_send(session), 5)
    worker = Worker(session)
    worker.claim()
    mails = worker.fetch().mails
    worker.record(mails[:sent], [ACCEPTED] * sent)
    assert recover(session, {worker.id: False}) == 1
    expected = ["accepted"] * sent + [UNKNOWN] * (sent < 5) + [QUEUED] * max(0, 4 - sent)
    assert states(session, made.id) == expected
    assert (made.state, made.owner) == (READY if sent < 4 else DONE, None)
    counters_agree(session)
    assert session.scalars(sa.select(Retry)).all() == [], "a newsletter waits for staff"


@pytest.mark.both_databases
def test_R02_a_confirmation_goes_once_more_by_itself_and_then_no_more(
    session: Session, desk: Desk
) -> None:
    confirmations(session, desk, 1)
    worker = Worker(session)
    worker.claim()
    recover(session, {worker.id: False})
    retry = session.scalars(sa.select(Retry)).one()
    assert (retry.due_at, retry.again_after_unknown) == (NOON, True)
    delivery_id = retry.delivery_id
    retry.due_at = None
    sends.requeue(session, [delivery_id])
    again = Worker(session)
    assert again.claim() is not None
    recover(session, {again.id: False})
    assert session.scalars(sa.select(Retry.due_at)).all() == [None]
    assert session.scalars(sa.select(Delivery.state)).all() == [UNKNOWN]
    counters_agree(session)


@pytest.mark.parametrize(
    ("alive", "later", "taken"),
    [(True, 3600, 0), (False, 0, 1), (None, 59, 0), (None, 61, 1)],
)
def test_R03_a_worker_of_this_host_is_known_and_elsewhere_the_lease_decides(
    session: Session, desk: Desk, alive: bool | None, later: int, taken: int
) -> None:
    a_slice(session, desk, a_send(session), 2)
    worker = Worker(session)
    worker.claim()
    assert recover(session, {worker.id: alive}, NOON + later * SECOND) == taken


def test_a_claimed_slice_without_an_owner_is_taken_over(session: Session, desk: Desk) -> None:
    made = a_slice(session, desk, a_send(session), 2)
    made.state = CLAIMED
    session.flush()
    assert recover(session, {}) == 1


@pytest.mark.both_databases
def test_R02_two_recoverers_take_a_slice_over_once(database: Database, desk: Desk) -> None:
    with database.unit_of_work() as session:
        a_slice(session, desk, a_send(session), 3)
        lanes.claim(session, ids.new(), most=9, now=NOON)
    ready = threading.Barrier(3)
    taken: list[int] = []

    def take_over() -> None:
        ready.wait()
        with database.unit_of_work() as session:
            taken.append(takeover.recover(session, now=NOON, is_alive=lambda _: False))

    threads = [threading.Thread(target=take_over) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [0, 0, 1]
    with database.unit_of_work() as session:
        slice_id = session.scalars(sa.select(Slice.id)).one()
        assert states(session, slice_id) == [UNKNOWN, QUEUED, QUEUED]
        counters_agree(session)
