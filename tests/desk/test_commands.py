"""The commands that need no key: the database, invitations, the lock, a look at the road."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
import time_machine
from flask import Flask

from app.audience.models import ConsentWording, MailingList
from app.core import ids
from app.core.database import Database
from app.factory import create_app
from app.optin import requests
from app.outbox.models import CONFIRMATION, RUNNING, Letter, Send, Slice, Worker
from app.staff.models import ADMIN, Invitation, StaffSession
from app.web.context import services
from config import Config
from tests.factories import Keys
from tests.staff.workroom import NOON, SignedIn, acts


def run(app: Flask, *words: str) -> str:
    result = app.test_cli_runner().invoke(args=list(words))
    assert result.exit_code == 0, result.output
    return result.output


def test_init_makes_an_empty_database_ready_and_twice_is_as_good_as_once(
    keys: Keys, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    app = create_app(Config.from_env("web", keys.web(PEYVAND_DATABASE_URL=url)))
    with app.app_context():
        found = services().database
    assert "ready" in run(app, "init")
    with found.reading() as session:
        before = session.scalars(sa.select(ConsentWording.text)).all()
    run(app, "init")
    with found.reading() as session:
        lists = {row.slug: row.names for row in session.scalars(sa.select(MailingList))}
        after = session.scalars(sa.select(ConsentWording.text)).all()
        languages = set(session.scalars(sa.select(ConsentWording.language)))
    found.dispose()
    assert lists["newsletter"] == {"fa": "خبرنامه", "en": "Newsletter"}
    assert set(lists) == {"newsletter", "unions"}
    assert before == after
    assert languages == {"fa", "en"}
    assert app.test_client().get("/en/").status_code == 200


def test_C28_staff_invite_prints_a_link_that_makes_one_account(
    site: Flask, database: Database, clock: time_machine.Traveller
) -> None:
    printed = run(site, "staff", "invite", "--role", "organiser").strip()
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/staff/link/[\w-]{43}", printed)
    page = site.test_client().get(printed.removeprefix("http://127.0.0.1:8000"))
    assert page.status_code == 200
    assert acts(database) == [("staff.invited", "role:organiser")]


def test_staff_invite_knows_four_roles(site: Flask) -> None:
    result = site.test_cli_runner().invoke(args=["staff", "invite", "--role", "owner"])
    assert result.exit_code == 2


def test_C28_staff_lock_ends_all_sessions_and_links(
    site: Flask, database: Database, signed_in: SignedIn
) -> None:
    client = signed_in(ADMIN)
    run(site, "staff", "invite", "--role", "editor")
    assert "all sessions (1)" in run(site, "staff", "lock")
    with database.reading() as session:
        assert session.scalars(sa.select(StaffSession)).all() == []
        assert session.scalars(sa.select(Invitation)).all() == []
    assert client.get("/staff").status_code == 303


def test_outbox_status_tells_beat_requests_and_mail(
    site: Flask, database: Database, clock: time_machine.Traveller
) -> None:
    empty = run(site, "outbox", "status")
    assert "none has run yet" in empty
    assert "requests that wait: 0" in empty
    assert "no mail is on the road" in empty
    with database.unit_of_work() as session:
        session.add(Worker(id=ids.new(), host="here", began_at=NOON, beat_at=NOON))
        requests.ask(
            session, ids.new(), "signature", "1", b"x", language="en", now=NOON, keep_days=7
        )
        send = Send(purpose=CONFIRMATION, state=RUNNING, priority=0)
        session.add(send)
        session.flush()
        letter = Letter(
            send_id=send.id,
            kind="confirmation",
            languages=("en",),
            sender="peyvand@example.org",
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
                priority=0,
                size=3,
                queued=1,
                accepted=2,
            )
        )
    told = run(site, "outbox", "status")
    assert "1 running" in told
    assert "requests that wait: 1, the oldest since 2026-11-24 12:00 UTC" in told
    assert "confirmation: 1 queued, 2 accepted" in told
    clock.shift(timedelta(seconds=11))
    assert "SILENT" in run(site, "outbox", "status")
