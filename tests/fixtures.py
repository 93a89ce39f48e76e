"""What tests of verbs share: a database on either engine, one open transaction, the worker's keys and settings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

import app.newsletters.models
import app.optin.models
import app.organisations.models
import app.outbox.models
import app.petitions.models
import app.staff.models  # noqa: F401 (every room's tables)
from app.audience.ledger import Ledger
from app.audience.subscriptions import Desk
from app.core.database import Base, Database
from config import Config
from tests import factories
from tests.factories import Keys

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with the lists and wordings that every instance has."""
    found = Database(database_url)
    Base.metadata.create_all(found.engine)
    with found.unit_of_work() as session:
        factories.basics(session)
    yield found
    found.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """One open transaction, for tests of verbs that need no commit."""
    with database.unit_of_work() as found:
        yield found


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
