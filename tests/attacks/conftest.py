"""A whole house to be attacked: every route registered, something live behind every kind of link."""

from __future__ import annotations

import functools
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.core import ids, tokens
from app.core.database import Base, Database
from app.factory import create_app
from app.newsletters import issues
from app.newsletters.models import Block, BlockText
from app.optin import models as purposes
from app.organisations import records, representatives
from app.organisations.records import Entry
from app.outbox import posting
from app.outbox.models import NEWSLETTER, UNAPPROVED, Send
from app.petitions import picturing, redrawing
from app.staff import accounts, gate, invitations, signing_in
from app.staff.models import ROLES, Account
from app.web.context import services
from config import Config
from emails import mailbox
from emails.transport import Envelope
from tests import factories
from tests.petitions import drawings

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
PASSWORD = "seven amber bricks"
MAIL = (
    b"From: <post@plain.example>\r\nTo: <leila@example.org>\r\nSubject: =?utf-8?q?=00=E2=80=AE?=\r\n"
    b"Date: Tue, 24 Nov 2026 12:00:00 +0000\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<p onclick=alert(1)>hello<script>alert(1)</script><img src=https://evil.example/x.png></p>\r\n"
)


class Browser(FlaskClient):
    """A browser that reads each answer to its end."""

    def open(self, *given: Any, **more: Any) -> TestResponse:
        return super().open(*given, **{"buffered": True, **more})


@dataclass
class Inside:
    """What an attacker may have got hold of: live links, codes and ids by purpose."""

    links: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    requests: dict[str, str] = field(default_factory=dict)
    unsubscribe: str = ""
    invitation: str = ""
    representative: str = ""
    picture: str = ""
    mail: str = ""


@dataclass
class House:
    """One application on its own copy of the furnished database."""

    app: Flask
    database: Database
    inside: Inside
    desk: object
    folder: Path
    _rows: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)
    _version: int = -1

    def visitor(self) -> FlaskClient:
        """A browser without anything in it."""
        return self.app.test_client()

    def staff(self, role: str = "admin") -> FlaskClient:
        """A browser that is signed in."""
        client = self.app.test_client()
        with self.database.unit_of_work() as session:
            account = session.scalars(sa.select(Account).where(Account.name == f"One {role}")).one()
            token = signing_in.begin(session, account.id, NOON)
        with client.session_transaction("/staff") as cookie:
            cookie[gate.SECRET] = token
            cookie["language"] = "en"
        return client

    def address(self, rule: Rule, replaced: str = "", by: str = "", locale: str = "en") -> str:
        """A live address for ``rule``; the argument ``replaced`` stands as ``by``, already escaped."""
        parts = []
        for is_argument, text in rule._trace:
            if not is_argument:
                parts.append(text.lstrip("|"))
            elif text == replaced:
                parts.append(by)
            else:
                parts.append(quote(self.live(rule, text, locale)))
        return "".join(parts)

    def live(self, rule: Rule, argument: str, locale: str) -> str:
        """A value behind which there is something."""
        blueprint = rule.endpoint.partition(".")[0]
        known = {
            "locale": locale,
            "slug": "contract-workers" if blueprint == "newsletters" else "teachers",
            "request_id": self.inside.requests.get(
                {
                    "choices": purposes.PREFERENCES,
                    "newsletters": purposes.SUBSCRIPTION,
                    "endorse": purposes.ENDORSEMENT,
                }.get(blueprint, purposes.SIGNATURE),
                "",
            ),
            "purpose": purposes.PREFERENCES,
            "update_id": "1",
            "organisation_id": "1",
            "sheets_id": "1",
            "token": {
                "links.unsubscribe": self.inside.unsubscribe,
                "links.leave": self.inside.unsubscribe,
                "door.link": self.inside.invitation,
                "door.take_link": self.inside.invitation,
            }.get(rule.endpoint, self.inside.links[purposes.SIGNATURE]),
            "petition_id": "1",
            "row_id": "1",
            "account_id": "3",
            "mark": self.inside.representative,
            "code": "en",
            "choice": "en",
            "key": self.inside.mail,
            "digest": self.inside.picture,
            "filename": "peyvand.css",
        }
        return known.get(argument, "x")

    def rows(self) -> dict[str, list[tuple[object, ...]]]:
        """All that is written down, but for sessions and for the tries of a code; read anew only after a commit."""
        version = self.watch.execute("PRAGMA data_version").fetchone()[0]
        if version != self._version:
            self._rows = {
                table.name: sorted(
                    self.watch.execute(f"SELECT {_columns(table)} FROM {table.name}").fetchall(),  # noqa: S608
                    key=repr,
                )
                for table in Base.metadata.sorted_tables
                if table.name != "staff_session"
            }
            self._version = version
        return self._rows

    @functools.cached_property
    def watch(self) -> sqlite3.Connection:
        """A connection of one's own, which sees what the others committed."""
        return sqlite3.connect(self.folder / "peyvand.sqlite")

    def close(self) -> None:
        self.watch.close()
        self.database.dispose()


def _columns(table: sa.Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.columns if column.name != "tries")


@pytest.fixture(scope="package")
def keys() -> factories.Keys:
    """The instance's keys."""
    return factories.Keys()


@pytest.fixture(scope="package")
def furnished(
    keys: factories.Keys, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Inside]:
    """The database, the mailbox, and what is live in them."""
    folder = tmp_path_factory.mktemp("attacked")
    database = Database(f"sqlite:///{folder / 'peyvand.sqlite'}")
    Base.metadata.create_all(database.engine)
    inside = Inside()
    with time_machine.travel(NOON, tick=False), database.unit_of_work() as session:
        factories.basics(session)
        for role in ROLES:
            accounts.create(session, f"One {role}", role, PASSWORD, "en")
        teachers = factories.a_petition(session)
        factories.a_petition(session, "pensions", hand_over_names=True)
        factories.a_petition(session, "nurses", state="draft", total=0)
        factories.a_petition(session, "miners", state="closed")
        factories.a_report(session)
        union = records.add(session, Entry(type="national-union", names={"en": "Example Union"}))
        drawn = redrawing.logo(drawings.written(drawings.image(64, 64)))
        picturing.keep_logo(session, union.id, drawn)
        picturing.keep(session, teachers.id, drawn, {"fa": "کلاس", "en": "A classroom"})
        inside.picture = drawn.digest
        secretary = representatives.add(session, union, "secretary", "en", day=NOON.date())
        inside.representative = ids.in_url(secretary.id)
        issues.draft(session, source_language="fa", languages=("fa", "en"), day=NOON.date())
        sent = issues.draft(session, source_language="fa", languages=("fa",), day=NOON.date())
        posting.schedule(
            session,
            purpose=NEWSLETTER,
            subject=str(sent.id),
            begins_at=None,
            scheduled_by=1,
            state=UNAPPROVED,
        )
        reader = factories.a_subscriber(session, keys.desk, "reader@example.org")
        inside.unsubscribe = keys.desk.secrets.token(
            tokens.ONE_CLICK, reader.id, keys.desk.indexer.key_id
        )
        inside.invitation = invitations.invite(session, "editor", invited_by=1, now=NOON)
        subjects = {
            purposes.SIGNATURE: str(teachers.id),
            purposes.ENDORSEMENT: str(teachers.id),
            purposes.SUBSCRIPTION: "newsletter",
            purposes.PREFERENCES: "newsletter",
            purposes.SHOWING: str(teachers.id),
            purposes.WITHDRAWAL: "all",
            purposes.ERASURE: "all",
            purposes.REPRESENTATIVE: secretary.id.hex,
            purposes.STAFF_ADDRESS: "1",
        }
        for purpose, subject in subjects.items():
            request, link, code = factories.an_answered_request(
                session, keys.desk, purpose, subject, now=NOON
            )
            inside.links[purpose], inside.codes[purpose] = link, code
            inside.requests[purpose] = ids.in_url(request.id)
    inside.mail = mailbox.keep(
        folder / "mailbox", Envelope("post@plain.example", "leila@example.org"), MAIL
    )
    database.dispose()
    return folder, inside


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon of a day that does not end."""
    with time_machine.travel(NOON, tick=False) as frozen:
        yield frozen


@pytest.fixture
def build(
    keys: factories.Keys, furnished: tuple[Path, Inside], tmp_path: Path
) -> Iterator[Callable[..., House]]:
    """Makes houses, each on its own copy; settings may be added."""
    made: list[House] = []

    def house(**settings: str) -> House:
        folder = tmp_path / f"house-{len(made)}"
        shutil.copytree(furnished[0], folder)
        environment = keys.web(
            PEYVAND_DATABASE_URL=f"sqlite:///{folder / 'peyvand.sqlite'}",
            PEYVAND_INSTANCE=str(folder),
            PEYVAND_SMTP_URL=f"mailbox:{folder / 'mailbox'}",
            PEYVAND_EMBEDDED=settings.pop("PEYVAND_EMBEDDED", "1"),
            PEYVAND_ONION_URL="http://abcdefabcdef.onion",
            PEYVAND_FORMS_AN_HOUR="1000000",
            **settings,
        )
        app = create_app(Config.from_env("web", environment))
        with app.app_context():
            database = services().database
        app.test_client_class = Browser
        made.append(House(app, database, furnished[1], keys.desk, folder))
        return made[-1]

    yield house
    for one in made:
        one.close()


@pytest.fixture
def guarded(build: Callable[..., House], clock: time_machine.Traveller) -> House:
    """The house as it runs."""
    return build()


@pytest.fixture
def house(guarded: House) -> House:
    """The house without CSRF tokens, so that attacks reach what lies behind them."""
    guarded.app.config["WTF_CSRF_ENABLED"] = False
    return guarded


def sends(house: House) -> list[tuple[str, int | None, int | None]]:
    """State, who scheduled and who agreed, of each send."""
    with house.database.reading() as session:
        return [
            (row.state, row.scheduled_by, row.approved_by)
            for row in session.scalars(sa.select(Send).order_by(Send.id))
        ]


def write_block(house: House, kind: str, texts: dict[str, tuple[str, str]], url: str = "") -> None:
    """Put a block with texts into the first draft, past every form."""
    with house.database.unit_of_work() as session:
        block_id = issues.add_block(session, 1, kind, url=url)
        block = session.get_one(Block, block_id)
        for language, (heading, body) in texts.items():
            block.texts.append(
                BlockText(language=language, heading=heading, body=body, revision=1, source_body="")
            )
