"""A site with a petition and a report, on a database file, and a browser that keeps no secrets from us."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.core.database import Base, Database
from app.factory import create_app
from app.web.context import services
from config import Config
from tests import factories

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def keys() -> factories.Keys:
    """The instance's keys."""
    return factories.Keys()


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with a petition, a closed one, and a report; each test gets a copy."""
    file = tmp_path_factory.mktemp("filled") / "peyvand.sqlite"
    found = Database(f"sqlite:///{file}")
    Base.metadata.create_all(found.engine)
    with found.unit_of_work() as session:
        factories.basics(session)
        factories.a_petition(session)
        factories.a_petition(session, "pensions", state="closed", total=12)
        factories.a_report(session)
    found.dispose()
    return file


@pytest.fixture
def environment(keys: factories.Keys, filled: Path, tmp_path: Path) -> dict[str, str]:
    """The web process's environment; a test may add to it before it asks for ``site``."""
    shutil.copy(filled, tmp_path / "peyvand.sqlite")
    return keys.web(
        PEYVAND_DATABASE_URL=f"sqlite:///{tmp_path / 'peyvand.sqlite'}",
        PEYVAND_INSTANCE=str(tmp_path),
        PEYVAND_SMTP_URL=f"mailbox:{tmp_path / 'mailbox'}",
    )


@pytest.fixture
def site(environment: dict[str, str]) -> Iterator[Flask]:
    """The application on a copy of the filled database."""
    app = create_app(Config.from_env("web", environment))
    with app.app_context():
        found = services().database
    yield app
    found.dispose()


@pytest.fixture
def database(site: Flask) -> Database:
    """The site's database."""
    with site.app_context():
        return services().database


@pytest.fixture
def visitor(site: Flask) -> FlaskClient:
    """A browser that follows no redirect by itself."""
    return site.test_client()


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """Noon of a day that does not end."""
    with time_machine.travel(NOON, tick=False) as frozen:
        yield frozen
