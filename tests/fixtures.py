"""What tests of verbs share: a database on either engine, one open transaction, the worker's keys and settings.

``session`` is never committed: its database is made once a run, and what a test wrote is rolled back. A test of what
a commit does asks for ``database``, which is its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

import app.newsletters.models
import app.optin.models
import app.organisations.models
import app.outbox.models
import app.petitions.campaign_models
import app.petitions.models
import app.staff.models  # noqa: F401 (every room's tables)
from app.audience.ledger import Ledger
from app.audience.subscriptions import Desk
from app.core.database import Base, Database
from app.staff import passwords
from config import Config
from tests import factories
from tests.factories import Keys

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session", autouse=True)
def real_hasher() -> Iterator[PasswordHasher]:
    """Every test hashes passwords cheaply; this is the hasher that the service has."""
    with pytest.MonkeyPatch.context() as patch:
        real = passwords._hasher
        patch.setattr(
            passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        )
        yield real


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with the lists and wordings that every instance has."""
    found = _made(database_url)
    yield found
    found.dispose()


@pytest.fixture(scope="session")
def _shared() -> Iterator[dict[str, Database]]:
    """Databases that nothing is ever committed to but the basics, by the engine's name."""
    made: dict[str, Database] = {}
    yield made
    for one in made.values():
        one.dispose()


@pytest.fixture
def session(
    request: pytest.FixtureRequest,
    _shared: dict[str, Database],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Session]:
    """One open transaction, rolled back at the end."""
    name = getattr(request, "param", "sqlite")
    if name not in _shared:
        url = (
            request.getfixturevalue("postgresql").database()
            if name == "postgresql"
            else f"sqlite:///{tmp_path_factory.mktemp('shared') / 'peyvand.sqlite'}"
        )
        _shared[name] = _made(url)
    with Session(_shared[name].engine, expire_on_commit=False) as found:
        yield found


def _made(url: str) -> Database:
    made = Database(url)
    Base.metadata.create_all(made.engine)
    with made.unit_of_work() as session:
        factories.basics(session)
    return made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests marked ``both_databases`` that take a ``session`` of this module on both."""
    names = metafunc.fixturenames
    marked = any(mark.name == "both_databases" for mark in metafunc.definition.iter_markers())
    if marked and "session" in names and "database_url" not in names:
        metafunc.parametrize("session", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture(scope="session")
def keys() -> Keys:
    """One instance's keys."""
    return Keys()


@pytest.fixture
def desk(keys: Keys) -> Desk:
    """The worker's keys, opened."""
    return keys.desk


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """A ledger that holds nothing yet."""
    return Ledger(str(tmp_path / "ledger.jsonl"))


@pytest.fixture
def config(keys: Keys, tmp_path: Path) -> Config:
    """The worker's settings, with hosts and senders that tell confirmations from newsletters."""
    return Config.from_env(
        "worker",
        {
            "PEYVAND_SEAL_PUBLIC_KEY": keys.seal_public,
            "PEYVAND_SEAL_PRIVATE_KEY": keys.seal_private,
            "PEYVAND_INDEX_KEY": keys.index,
            "PEYVAND_MAIL_FROM": "news@peyvand.example",
            "PEYVAND_QUIET_MAIL_FROM": "post@plain.example",
            "PEYVAND_BASE_URL": "https://peyvand.example",
            "PEYVAND_QUIET_BASE_URL": "https://plain.example",
            "PEYVAND_LEDGER": str(tmp_path / "ledger.jsonl"),
        },
    )
