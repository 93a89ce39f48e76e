"""How a send stands: exact totals, cells of twenty and more, and what staff can do about it (C19, R02, A02)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.core import ids
from app.core.database import Database
from app.newsletters import progress
from app.newsletters.models import SENDING
from app.outbox import posting
from app.outbox.models import (
    ACCEPTED,
    DONE,
    NEWSLETTER,
    PAUSED,
    QUEUED,
    RUNNING,
    SENT,
    UNKNOWN,
    Delivery,
    Letter,
    Send,
    SendMinute,
    Slice,
)
from app.staff.models import Account
from tests.newsletters.conftest import NOON, an_account, an_issue
from tests.newsletters.newsroom import Newsroom

States = Mapping[str, int]


def a_send(
    session: Session, letters: Mapping[tuple[str, ...], States], *, state: str = RUNNING
) -> Send:
    """A send that began five minutes ago, with a slice a letter whose counters stand as given."""
    made = an_issue(session)
    made.issue.state = SENDING
    send = posting.schedule(
        session,
        purpose=NEWSLETTER,
        subject=str(made.issue.id),
        begins_at=None,
        scheduled_by=None,
        state=state,
    )
    assert send is not None
    send.started_at = NOON - timedelta(minutes=5)
    for languages, counts in letters.items():
        letter = Letter(
            send_id=send.id,
            kind="newsletter",
            languages=languages,
            sender="a@b.example",
            base_url="https://b.example",
            key_id="1",
            skeleton=b"",
            holes=[],
        )
        session.add(letter)
        session.flush()
        filled = {"queued": 0, **counts}
        lane = Slice(
            send_id=send.id,
            letter_id=letter.id,
            destination="rest",
            priority=2,
            size=sum(filled.values()),
            state=DONE if not filled["queued"] else "ready",
            **filled,
        )
        session.add(lane)
        session.flush()
        for place in range(counts.get(UNKNOWN, 0)):
            session.add(
                Delivery(
                    slice_id=lane.id,
                    position=place,
                    id=ids.new(),
                    send_id=send.id,
                    recipient=ids.new(),
                    state=UNKNOWN,
                )
            )
    session.flush()
    return send


def test_totals_are_exact_whatever_the_cells(session: Session) -> None:
    send = a_send(session, {("fa",): {ACCEPTED: 3, QUEUED: 4}, ("en",): {"bounced": 1}})
    found = progress.standing(session, send.id, now=NOON)
    assert (found.total, found.accepted, found.counts["bounced"]) == (8, 3, 1)


def test_C19_cells_under_twenty_are_told_under_other(session: Session) -> None:
    send = a_send(
        session,
        {
            ("fa",): {ACCEPTED: 100, QUEUED: 30},
            ("en",): {ACCEPTED: 40, QUEUED: 3},
            ("fa", "en"): {ACCEPTED: 15, QUEUED: 25},
        },
    )
    rows = {row.languages: row.cells for row in progress.standing(session, send.id, now=NOON).rows}
    assert rows[("fa",)] == {"accepted": 100, "waiting": 30, "ended": None}
    assert rows[()] == {"accepted": 55, "waiting": 28, "ended": 0}
    assert all(
        cell is None or cell >= 20 or cell == 0
        for cells in rows.values()
        for cell in cells.values()
    )


def test_rate_and_time_left_come_from_the_last_minutes(session: Session) -> None:
    send = a_send(session, {("fa",): {ACCEPTED: 100, QUEUED: 60}})
    for back in range(1, 6):
        session.add(SendMinute(send_id=send.id, minute=NOON - timedelta(minutes=back), accepted=20))
    session.flush()
    found = progress.standing(session, send.id, now=NOON)
    assert (found.rate, found.minutes_left, found.peak, found.bar_minutes) == (20, 3, 20, 1)
    assert [bar.newest for bar in found.bars].count(True) == 1


def test_a_paused_send_promises_no_time(session: Session) -> None:
    send = a_send(session, {("fa",): {ACCEPTED: 100, QUEUED: 60}}, state=PAUSED)
    session.add(SendMinute(send_id=send.id, minute=NOON - timedelta(minutes=1), accepted=20))
    session.flush()
    found = progress.standing(session, send.id, now=NOON)
    assert (found.rate, found.minutes_left, found.moving) == (0, None, True)


def test_a_long_send_is_charted_in_longer_spans(session: Session) -> None:
    send = a_send(session, {("fa",): {ACCEPTED: 100, QUEUED: 60}})
    for back in range(60):
        session.add(SendMinute(send_id=send.id, minute=NOON - timedelta(minutes=back), accepted=1))
    session.flush()
    found = progress.standing(session, send.id, now=NOON)
    assert len(found.bars) <= progress.BARS
    assert found.bar_minutes == 6


# The page.


@pytest.fixture
def send_id(database: Database) -> int:
    """A running send of 175 letters, 5 of unknown fate."""
    with database.unit_of_work() as session:
        return a_send(
            session, {("fa",): {ACCEPTED: 100, QUEUED: 50, UNKNOWN: 5}, ("en",): {ACCEPTED: 20}}
        ).id


def test_A02_the_page_moves_by_a_script_and_reloads_by_a_link(
    newsroom: Newsroom, send_id: int
) -> None:
    page = newsroom.open(f"/staff/sends/{send_id}")
    assert f'data-moving="/staff/sends/{send_id}.json"' in page.html
    assert "data-pause=" in page.html
    assert f'<a href="/staff/sends/{send_id}">Show the newest figures</a>' in page.html
    assert "http-equiv" not in page.html
    assert "<script src=" in page.html
    assert "script-src 'self'" in page.response.headers["Content-Security-Policy"]


def test_the_script_gets_figures_and_the_part_to_show(newsroom: Newsroom, send_id: int) -> None:
    answer = newsroom.client.get(f"/staff/sends/{send_id}.json")
    assert answer.json is not None
    assert {key: answer.json[key] for key in ("state", "moving", "total", "unknown")} == {
        "state": RUNNING,
        "moving": True,
        "total": 175,
        "unknown": 5,
    }
    assert answer.json["counts"]["accepted"] == 120
    assert "<b>120</b> accepted" in answer.json["html"]
    assert "<html" not in answer.json["html"]


def test_C28_the_figures_are_behind_the_gate(app: Flask, send_id: int) -> None:
    client = app.test_client()
    answer = client.get(f"/staff/sends/{send_id}.json", headers={"Accept": "application/json"})
    assert answer.status_code == 403
    assert answer.json is not None
    assert "counts" not in answer.json


def test_a_send_is_paused_and_resumed_by_a_button(
    newsroom: Newsroom, send_id: int, database: Database
) -> None:
    page = newsroom.send(newsroom.open(f"/staff/sends/{send_id}"), f"/sends/{send_id}", do="pause")
    assert state_of(database, send_id) == PAUSED
    assert not page.says("pause")
    newsroom.send(page, f"/sends/{send_id}", do="resume")
    assert state_of(database, send_id) == RUNNING


def test_R05_a_second_pause_says_that_it_was_done(newsroom: Newsroom, send_id: int) -> None:
    page = newsroom.open(f"/staff/sends/{send_id}")
    newsroom.send(page, f"/sends/{send_id}", do="pause")
    again = newsroom.send(page, f"/sends/{send_id}", do="pause")
    assert again.response.status_code == 409
    assert "That step was already taken" in again.text


def test_R02_the_unknown_are_sent_again_when_staff_say_so(
    newsroom: Newsroom, send_id: int, database: Database
) -> None:
    page = newsroom.open(f"/staff/sends/{send_id}")
    assert "5 letters may or may not have arrived" in page.text
    assert "Send again to these 5" in page.text
    page = newsroom.send(page, f"/sends/{send_id}", do="again")
    with database.reading() as session:
        assert {row.state for row in session.query(Delivery)} == {QUEUED}
    assert not page.says("again")


def test_R02_the_unknown_are_left_when_staff_say_so(
    newsroom: Newsroom, send_id: int, database: Database
) -> None:
    page = newsroom.send(newsroom.open(f"/staff/sends/{send_id}"), f"/sends/{send_id}", do="leave")
    assert "may or may not have arrived" not in page.text
    assert not page.says("again")
    with database.reading() as session:
        assert {row.state for row in session.query(Delivery)} == {UNKNOWN}
    answer = newsroom.client.get(f"/staff/sends/{send_id}.json").json
    assert answer is not None
    assert (answer["unknown"], answer["counts"]["unknown"]) == (0, 5)


def test_a_send_that_is_over_does_not_move(newsroom: Newsroom, database: Database) -> None:
    with database.unit_of_work() as session:
        send = a_send(session, {("fa",): {ACCEPTED: 40}}, state=SENT)
        send.finished_at = NOON
        send_id = send.id
    page = newsroom.open(f"/staff/sends/{send_id}")
    assert "data-moving" not in page.html
    assert "<script" not in page.html
    assert "40 accepted" in page.text


@pytest.mark.parametrize("act", ["pause", "resume", "again", "leave", "undo", "approve"])
def test_who_may_not_send_may_do_nothing_to_a_send(
    app: Flask, database: Database, send_id: int, act: str
) -> None:
    with database.unit_of_work() as session:
        nima: Account = an_account(session, "Nima", "editor")
    newsroom = Newsroom(app, database, nima)
    page = newsroom.open(f"/staff/sends/{send_id}")
    for name in ("pause", "again", "leave"):
        assert not page.says(name)
    token = newsroom.open("/staff/newsletters").form("/newsletters")[1]
    answer = newsroom.client.post(f"/staff/sends/{send_id}", data={**token, "do": act})
    assert answer.status_code == 403
    assert state_of(database, send_id) == RUNNING


def test_sends_are_listed_newest_first(newsroom: Newsroom, send_id: int) -> None:
    page = newsroom.open("/staff/sends")
    assert "5 unknown" in page.text
    assert f'href="/staff/sends/{send_id}"' in page.html


def state_of(database: Database, send_id: int) -> str:
    with database.reading() as session:
        return session.get_one(Send, send_id).state
