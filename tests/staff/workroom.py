"""The workroom on a database file, with an account of each role, and browsers that are signed in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.core.database import Base, Database
from app.factory import create_app
from app.organisations import records
from app.organisations.records import Entry
from app.petitions import editing
from app.petitions.editing import Settings, Wording
from app.staff import accounts, gate, signing_in
from app.staff.models import ROLES, Account, AuditEntry
from app.web.context import services
from config import Config
from tests import factories
from tests.staff.conftest import PASSWORD

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WHOLE = Wording(
    title="No forced overtime for nurses",
    summary="Nurses work double shifts.",
    body="They ask for rest.",
    demands="Rest.",
    addressee="The Ministry of Health",
)
SignedIn = Callable[[str], FlaskClient]


@pytest.fixture(scope="session")
def keys() -> factories.Keys:
    """The instance's keys."""
    return factories.Keys()


@pytest.fixture(scope="session")
def furnished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with an account of each role, an open petition (1), a draft (2) and an organisation (1)."""
    file = tmp_path_factory.mktemp("workroom") / "peyvand.sqlite"
    found = Database(f"sqlite:///{file}")
    Base.metadata.create_all(found.engine)
    with found.unit_of_work() as session:
        factories.basics(session)
        for role in ROLES:
            accounts.create(session, f"One {role}", role, PASSWORD, "en")
        factories.a_petition(session)
        draft = editing.create(session, "nurses", Settings(goal=2000))
        editing.write(session, draft.id, "en", WHOLE, seen=0, now=NOON)
        records.add(session, Entry(type="national-union", names={"en": "Example Union"}))
    found.dispose()
    return file


@pytest.fixture
def settings(keys: factories.Keys, furnished: Path, tmp_path: Path) -> dict[str, str]:
    """The web process's environment; a test may change it before it asks for ``site``."""
    shutil.copy(furnished, tmp_path / "peyvand.sqlite")
    return keys.web(
        PEYVAND_DATABASE_URL=f"sqlite:///{tmp_path / 'peyvand.sqlite'}",
        PEYVAND_INSTANCE=str(tmp_path),
    )


@pytest.fixture
def guarded(settings: dict[str, str]) -> Iterator[Flask]:
    """The application as it runs, CSRF protection included."""
    app = create_app(Config.from_env("web", settings))
    with app.app_context():
        found = services().database
    yield app
    found.dispose()


@pytest.fixture
def site(guarded: Flask) -> Flask:
    """The application without CSRF protection, for tests about something else."""
    guarded.config["WTF_CSRF_ENABLED"] = False
    return guarded


@pytest.fixture
def database(guarded: Flask) -> Database:
    """The application's database."""
    with guarded.app_context():
        return services().database


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon of a day that does not end."""
    with time_machine.travel(NOON, tick=False) as frozen:
        yield frozen


@pytest.fixture
def signed_in(guarded: Flask, database: Database, clock: time_machine.Traveller) -> SignedIn:
    """Makes browsers that are signed in as the account of a role."""

    def as_role(role: str) -> FlaskClient:
        client = guarded.test_client()
        with database.unit_of_work() as session:
            account = session.scalars(sa.select(Account).where(Account.name == f"One {role}")).one()
            token = signing_in.begin(session, account.id, NOON)
        with client.session_transaction("/staff") as cookie:
            cookie[gate.SECRET] = token
            cookie["language"] = "en"
        return client

    return as_role


def acts(database: Database) -> list[tuple[str, str]]:
    """What the audit holds, oldest first."""
    with database.reading() as session:
        rows = session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id))
        return [(row.action, row.subject) for row in rows]


def without_tokens(page: bytes) -> bytes:
    """A page without its CSRF tokens, which differ from request to request."""
    return re.sub(rb'name="csrf_token"[^>]*value="[^"]*"', b"", page)
