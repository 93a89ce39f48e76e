"""The dashboard: what needs somebody first, then figures, and never fewer than 20 people (C19)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from os import urandom

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask

from app.audience.models import ConsentWording, Contact, MailingList, Subscription
from app.core import ids
from app.core.database import Database
from app.desk import dashboard
from app.desk.dashboard import People
from app.newsletters import issues
from app.optin import requests
from app.optin.models import ANSWERED, LIFT, PROVEN, SIGNATURE, Request
from app.outbox.models import (
    CONFIRMATION,
    NEWSLETTER,
    PAUSED,
    QUEUED,
    RUNNING,
    STATES,
    UNAPPROVED,
    Letter,
    Send,
    Slice,
    Worker,
)
from app.petitions import listing
from app.petitions.models import Petition, PetitionText, Signature
from app.staff import audit
from app.staff.models import ADMIN, EDITOR, ORGANISER, TRANSLATOR
from tests.staff.workroom import NOON, SignedIn


def sign(database: Database, count: int, petition_id: int = 1) -> None:
    with database.unit_of_work() as session:
        text = session.scalars(
            sa.select(PetitionText.id).where(PetitionText.petition_id == petition_id)
        ).first()
        wording = session.scalars(sa.select(ConsentWording.id)).first()
        for _ in range(count):
            session.add(
                Signature(
                    id=ids.new(),
                    petition_id=petition_id,
                    index_key_id="1",
                    exact_hash=urandom(32),
                    mailbox_hash=urandom(32),
                    text_id=text,
                    wording_id=wording,
                    day=NOON.date(),
                )
            )


def subscribe(database: Database, count: int, languages: Sequence[str]) -> None:
    with database.unit_of_work() as session:
        list_id = session.scalars(
            sa.select(MailingList.id).where(MailingList.slug == "newsletter")
        ).one()
        for _ in range(count):
            contact = Contact(
                id=ids.new(),
                box=b"sealed",
                index_key_id="1",
                exact_index=urandom(32),
                mailbox_index=urandom(32),
                destination="rest",
            )
            session.add(contact)
            session.flush()
            session.add(
                Subscription(
                    contact_id=contact.id,
                    list_id=list_id,
                    languages=tuple(languages),
                    day=NOON.date(),
                    key_id="1",
                    unsubscribe_hash=urandom(32),
                )
            )


def a_send(database: Database, state: str, *, by: int = 2, **counts: int) -> int:
    with database.unit_of_work() as session:
        issue = issues.draft(session, source_language="en", languages=("en",), day=NOON.date())
        issue.state = "sending"
        send = Send(
            purpose=NEWSLETTER, subject=str(issue.id), state=state, priority=2, scheduled_by=by
        )
        session.add(send)
        session.flush()
        if counts:
            letter = Letter(
                send_id=send.id,
                kind="newsletter",
                languages=("en",),
                sender="news@example.org",
                base_url="https://example.org",
                key_id="1",
                skeleton=b"",
                holes=[],
            )
            session.add(letter)
            session.flush()
            session.add(
                Slice(
                    send_id=send.id,
                    letter_id=letter.id,
                    destination="rest",
                    priority=2,
                    size=sum(counts.values()),
                    **{"queued": 0, **counts},
                )
            )
        return send.id


def a_worker(database: Database, beat_at: datetime) -> None:
    with database.unit_of_work() as session:
        session.add(Worker(id=ids.new(), host="here", began_at=beat_at, beat_at=beat_at))


def a_request(
    database: Database, *, asked: datetime, state: str | None = None, purpose: str = SIGNATURE
) -> None:
    with database.unit_of_work() as session:
        request_id = ids.new()
        requests.ask(session, request_id, purpose, "1", b"x", language="en", now=asked, keep_days=7)
        session.flush()
        if state:
            session.get_one(Request, request_id).state = state
            session.get_one(Request, request_id).answered = 1


@pytest.mark.parametrize(("count", "shown"), [(0, None), (1, None), (19, None), (20, 20), (21, 21)])
def test_C19_fewer_than_twenty_people_are_not_counted_out(count: int, shown: int | None) -> None:
    assert People.of(count).shown == shown


@pytest.mark.parametrize(("count", "shown"), [(19, None), (20, 20)])
def test_C19_a_petitions_signatures_are_told_from_twenty_on(
    database: Database, count: int, shown: int | None
) -> None:
    sign(database, count)
    with database.reading() as session:
        row = next(row for row in listing.rows(session, ("fa", "en")) if row.id == 1)
    assert row.signed == shown


def test_C21_a_live_petition_tells_staff_what_it_tells_everyone(database: Database) -> None:
    sign(database, 3)
    with database.unit_of_work() as session:
        session.get_one(Petition, 1).live = True
    with database.reading() as session:
        row = next(row for row in listing.rows(session, ("fa", "en")) if row.id == 1)
    assert row.signed == 3


def test_C19_the_page_says_fewer_than_20(
    database: Database, signed_in: SignedIn, site: Flask
) -> None:
    sign(database, 7)
    subscribe(database, 7, ("fa",))
    page = signed_in(ADMIN).get("/staff").text
    assert page.count("fewer than 20") >= 3
    for number in (">7<", " 7 ", ">7 "):
        assert number not in page


@pytest.mark.parametrize(
    ("sizes", "cells"),
    [
        ({"fa": 25, "en": 30}, [("en", 30), ("fa", 25)]),
        ({"fa": 40, "en": 12, "fa,en": 11}, [("fa", 40), ("", 23)]),
        ({"fa": 40, "en": 30, "fa,en": 3}, [("fa", 40), ("", 33)]),
        ({"fa": 40, "en": 3}, [("", 43)]),
        ({"fa": 5, "en": 3}, []),
    ],
)
def test_C19_small_choices_merge_and_none_is_told_by_subtraction(
    database: Database, sizes: dict[str, int], cells: list[tuple[str, int]]
) -> None:
    for languages, count in sizes.items():
        subscribe(database, count, languages.split(","))
    with database.reading() as session:
        shown = {row.slug: told for row, _, told in dashboard.subscribers(session)}
    assert shown["newsletter"] == cells


def test_the_worker_is_silent_after_ten_seconds(
    database: Database, signed_in: SignedIn, site: Flask, clock: time_machine.Traveller
) -> None:
    client = signed_in(TRANSLATOR)
    assert "No worker has run yet" in client.get("/staff").text
    a_worker(database, NOON)
    clock.shift(timedelta(seconds=9))
    assert "the worker is at work" in client.get("/staff").text
    clock.shift(timedelta(seconds=2))
    page = client.get("/staff").text
    assert "The worker has been silent since" in page
    assert "12:00 UTC" in page


def test_requests_wait_since_the_oldest_was_asked(database: Database) -> None:
    a_request(database, asked=NOON - timedelta(minutes=7))
    a_request(database, asked=NOON - timedelta(minutes=3))
    a_request(database, asked=NOON - timedelta(hours=3), state=ANSWERED)
    with database.reading() as session:
        waiting = dashboard.waiting_requests(session, request_days=7, today=NOON.date())
    assert (waiting.count, waiting.since) == (2, NOON - timedelta(minutes=7))


def test_a_proven_request_waits_too_but_tells_no_moment(database: Database) -> None:
    a_request(database, asked=NOON - timedelta(hours=3), state=PROVEN)
    with database.reading() as session:
        waiting = dashboard.waiting_requests(session, request_days=7, today=NOON.date())
    assert (waiting.count, waiting.since) == (1, None)


def test_an_order_that_is_for_tomorrow_does_not_wait_for_the_worker(database: Database) -> None:
    a_request(database, asked=NOON, state=PROVEN, purpose=LIFT)
    a_request(database, asked=NOON - timedelta(days=1), state=PROVEN, purpose=LIFT)
    with database.reading() as session:
        assert dashboard.waiting_requests(session, request_days=7, today=NOON.date()).count == 1


def test_a_send_that_waits_for_a_second_person_is_nobody_elses_to_do(
    database: Database, signed_in: SignedIn, site: Flask
) -> None:
    send_id = a_send(database, UNAPPROVED, by=2)  # the organiser scheduled it
    other = signed_in(ADMIN).get("/staff").text
    own = signed_in(ORGANISER).get("/staff").text
    assert f'href="/staff/sends/{send_id}"' in other
    assert "2 things need you" in other  # the send and the draft petition
    assert "a colleague has to agree" in own
    assert "One thing needs you" in own


@pytest.mark.parametrize(("state", "word"), [(RUNNING, "Sending"), (PAUSED, "Paused")])
def test_C19_a_running_sends_totals_are_exact(
    database: Database, signed_in: SignedIn, site: Flask, state: str, word: str
) -> None:
    a_send(database, state, queued=3, accepted=9, deferred=1, suppressed=2)
    page = signed_in(EDITOR).get("/staff").text
    assert word in page
    assert "11 of 15 mails" in page


def test_confirmations_are_no_send_to_watch(database: Database) -> None:
    with database.unit_of_work() as session:
        session.add(Send(purpose=CONFIRMATION, state=RUNNING, priority=0))
    with database.reading() as session:
        assert dashboard.open_sends(session) == []


def test_a_send_without_slices_counts_nothing(database: Database) -> None:
    a_send(database, RUNNING)
    with database.reading() as session:
        (send,) = dashboard.open_sends(session)
    assert (send.total, send.done) == (0, 0)
    assert set(send.counts) == set(STATES)
    assert send.counts[QUEUED] == 0


def test_drafts_are_listed_for_who_may_write_them(
    database: Database, signed_in: SignedIn, site: Flask
) -> None:
    with database.unit_of_work() as session:
        issues.draft(session, source_language="fa", languages=("fa", "en"), day=NOON.date())
    editor, translator = (
        signed_in(EDITOR).get("/staff").text,
        signed_in(TRANSLATOR).get("/staff").text,
    )
    assert "Newsletter no. 1 is not sent yet" in editor
    assert "2 things need you" in editor
    assert 'href="/staff/petitions/2"' in editor
    assert "One thing needs you" in translator
    assert "/staff/petitions/2" not in translator


def test_M10_a_provider_that_refuses_us_is_told_for_a_day(
    database: Database, signed_in: SignedIn, site: Flask, clock: time_machine.Traveller
) -> None:
    with database.unit_of_work() as session:
        audit.record(session, None, dashboard.DESTINATION_PAUSED, "gmail.com", NOON)
        audit.record(session, None, dashboard.DESTINATION_PAUSED, "a1b2c3", NOON)
    page = signed_in(ADMIN).get("/staff").text
    assert "gmail.com" in page
    assert "another domain" in page
    clock.shift(timedelta(days=1, seconds=1))
    with database.reading() as session:
        assert dashboard.paused_destinations(session, now=NOON + timedelta(days=1)) == []


def test_the_dashboard_shows_the_latest_acts_with_their_pages(
    database: Database, signed_in: SignedIn, site: Flask
) -> None:
    with database.unit_of_work() as session:
        audit.record(session, 3, "petition.opened", "petition:1", NOON)
    page = signed_in(ADMIN).get("/staff").text
    assert "One editor" in page
    assert 'opened a petition for signatures: <a href="/staff/petitions/1">' in page


def test_the_side_bar_holds_what_the_role_opens(signed_in: SignedIn, site: Flask) -> None:
    side = signed_in(TRANSLATOR).get("/staff").text.partition("<main")[0]
    assert "/staff/newsletters" in side
    for closed in ("/staff/petitions", "/staff/organisations", "/staff/people", "/staff/audit"):
        assert f'href="{closed}"' not in side


def test_the_audit_is_paged_and_says_who_and_what(
    database: Database, signed_in: SignedIn, site: Flask
) -> None:
    with database.unit_of_work() as session:
        for number in range(51):
            audit.record(
                session, 3, "petition.wrote", "petition:2", NOON + timedelta(seconds=number)
            )
        audit.record(session, None, "an-unknown-act", "thing:9", NOON)
    client = signed_in(ADMIN)
    first = client.get("/staff/audit").text
    assert "an-unknown-act" in first
    assert "command line or worker" in first
    assert first.count("wrote in a petition") == 49
    older = client.get("/staff/audit?before=3").text
    assert older.count("wrote in a petition") == 2
    assert client.get("/staff/audit?before=x").status_code == 200
    assert client.get("/staff/audit?before=" + "9" * 40).status_code == 200
