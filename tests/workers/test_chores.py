"""A worker's round: what is due is done, and one chore that fails stops no other (R01, R04, R05)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from app.audience.models import MailingList
from app.core import ids
from app.core.database import Database
from app.desk import dashboard
from app.newsletters import sending as newsletters
from app.optin.models import ANSWERED, SIGNATURE, Request
from app.outbox import posting
from app.outbox.models import (
    FREEZING,
    NEWSLETTER,
    RUNNING,
    SENT,
    TEST,
    WAITING,
    Delivery,
    Send,
    Slice,
    Worker,
)
from app.outbox.workers import Presence
from app.petitions.models import Petition
from app.staff.models import AuditEntry
from tests.factories import a_petition, a_proven_request, a_request, a_subscriber
from tests.fixtures import NOON
from tests.newsletters.conftest import an_issue
from workers import requests, retention
from workers.chores import Chores
from workers.requests import Room


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as frozen:
        yield frozen


@pytest.fixture
def presence(tmp_path: Path) -> Iterator[Presence]:
    found = Presence(tmp_path / "workers")
    yield found
    found.leave()


@pytest.fixture
def chores(
    database: Database, room: Room, presence: Presence, clock: time_machine.Traveller
) -> Chores:
    return Chores(database, room, presence)


def test_R01_a_round_answers_and_carries_out_without_being_woken(
    chores: Chores, database: Database, room: Room
) -> None:
    with database.unit_of_work() as session:
        petition = a_petition(session, total=0, live=True)
        asked = a_request(session, room.desk, SIGNATURE, "1", now=NOON)
        a_proven_request(
            session,
            room.desk,
            SIGNATURE,
            str(petition.id),
            now=NOON,
            choices={"signature_id": ids.new().hex},
            text_id=petition.texts[0].id,
            wording_id=1,
        )
    assert chores.run(), "there may be more"
    with database.reading() as reading:
        assert reading.get_one(Request, asked).state == ANSWERED
        assert reading.scalar(sa.select(Petition.published_total)) == 1
        assert reading.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 1
    assert not chores.run()


def test_the_first_round_makes_the_lists(chores: Chores, database: Database) -> None:
    with database.unit_of_work() as session:
        session.execute(sa.delete(MailingList))
    chores.run()
    with database.reading() as reading:
        assert set(reading.scalars(sa.select(MailingList.slug))) == {"newsletter", "unions"}


def test_a_newsletter_begins_after_its_undo_is_frozen_and_ends(
    chores: Chores, database: Database, room: Room, clock: time_machine.Traveller
) -> None:
    with database.unit_of_work() as session:
        for number in range(3):
            a_subscriber(session, room.desk, f"r{number}@example.org")
        issue = an_issue(session, lists=("newsletter",)).issue
        send = posting.schedule(
            session,
            purpose=NEWSLETTER,
            subject=str(issue.id),
            begins_at=NOON + timedelta(seconds=60),
            scheduled_by=None,
            state=WAITING,
        )
        assert send is not None
        send_id = send.id
    chores.run()
    assert state(database, send_id) == WAITING, "it can still be undone (C28)"
    clock.shift(timedelta(seconds=60))
    chores.run()
    assert state(database, send_id) == FREEZING
    chores.run()
    assert state(database, send_id) == RUNNING
    with database.unit_of_work() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Delivery)) == 3
        session.execute(sa.update(Slice).values(state="done"))
    chores.run()
    assert state(database, send_id) == SENT


def state(database: Database, send_id: int) -> str:
    with database.reading() as reading:
        return reading.get_one(Send, send_id).state


def test_R04_a_send_that_cannot_be_fixed_stops_neither_another_nor_the_round(
    chores: Chores,
    database: Database,
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with database.unit_of_work() as session:
        for subject in ("1", "2"):
            posting.schedule(
                session,
                purpose=NEWSLETTER,
                subject=subject,
                begins_at=NOON,
                scheduled_by=None,
                state=FREEZING,
            )

    def prepare(_s: object, _d: object, send: Send, *_: object) -> None:
        if send.subject == "1":
            raise RuntimeError("canary@example.org")

    monkeypatch.setattr(newsletters, "prepare", prepare)
    monkeypatch.setattr(newsletters, "freeze", lambda *_: True)
    chores.run()
    with database.reading() as reading:
        one, two = reading.scalars(sa.select(Send).order_by(Send.id)).all()
        assert two.state in (RUNNING, SENT)
        # it waits a minute, in which it can be taken back, and staff are told
        assert (one.state, one.begins_at) == (WAITING, NOON + timedelta(minutes=1))
        assert dashboard.open_sends(reading)[-1].stuck
        assert reading.scalars(sa.select(AuditEntry.action)).all() == ["send-stuck"]
        assert reading.scalar(sa.select(Worker.beat_at)) == NOON
    assert "RuntimeError" in caplog.text
    assert "canary" not in caplog.text

    # when it fails once more, and then the cause is gone
    for _minute in range(2):
        clock.shift(timedelta(minutes=1))
        chores.run()
        chores.run()
    monkeypatch.setattr(newsletters, "prepare", lambda *_: None)
    clock.shift(timedelta(minutes=1))
    chores.run()
    chores.run()
    # then it goes, and staff were told once
    with database.reading() as reading:
        one = reading.get_one(Send, 1)
        assert one.state in (RUNNING, SENT)
        assert "stuck" not in one.options
        assert reading.scalars(sa.select(AuditEntry.action)).all() == ["send-stuck"]


@pytest.mark.parametrize(
    "error", [RuntimeError("canary"), sa.exc.IntegrityError("", {}, Exception())]
)
def test_R04_one_chore_that_fails_stops_no_other(
    chores: Chores,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def fails(*_: object, **__: object) -> int:
        raise error

    monkeypatch.setattr(requests, "answer", fails)
    chores.run()
    with database.reading() as reading:
        assert reading.scalar(sa.select(Worker.beat_at)) == NOON
    assert "canary" not in caplog.text


def test_R04_a_database_that_is_away_is_told_to_the_loop(
    chores: Chores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> int:
        raise sa.exc.OperationalError("", {}, Exception())

    monkeypatch.setattr(requests, "answer", away)
    with pytest.raises(sa.exc.OperationalError):
        chores.run()


def test_the_worker_s_row_goes_at_a_clean_end(chores: Chores, database: Database) -> None:
    chores.run()
    chores.leave()
    with database.reading() as reading:
        assert reading.scalar(sa.select(Worker)) is None


def test_C16_retention_runs_every_ten_minutes(
    chores: Chores, monkeypatch: pytest.MonkeyPatch, clock: time_machine.Traveller
) -> None:
    ran: list[object] = []
    monkeypatch.setattr(retention, "forget_on_time", lambda *_, now: ran.append(now))
    for _ in range(3):
        chores.run()
    assert ran == [NOON]
    clock.shift(timedelta(minutes=10))
    chores.run()
    assert len(ran) == 2


def test_a_test_mail_s_send_is_fixed_by_its_own_verb(
    chores: Chores, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def send_test(_s: object, _d: object, send: Send, *_: object, **__: object) -> None:
        asked.append(send.purpose)

    monkeypatch.setattr(newsletters, "send_test", send_test)
    with database.unit_of_work() as session:
        posting.schedule(
            session, purpose=TEST, subject="1:1", begins_at=NOON, scheduled_by=1, state=FREEZING
        )
    chores.run()
    assert asked == ["test"]
