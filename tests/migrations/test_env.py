"""How migrations run: all of one or nothing, and never a delete by the way."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from app.core.database import make_engine

ROOT = Path(__file__).resolve().parents[2]

PEOPLE_AND_THEIR_CATS = """
from alembic import op
revision, down_revision = "one", None

def upgrade():
    op.execute("CREATE TABLE person (id INTEGER PRIMARY KEY, name VARCHAR(20))")
    op.execute("CREATE TABLE cat (owner INTEGER REFERENCES person (id) ON DELETE CASCADE)")
    op.execute("INSERT INTO person VALUES (1, 'Leila')")
    op.execute("INSERT INTO cat VALUES (1)")
"""
WIDER_NAMES = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "two", "one"

def upgrade():
    with op.batch_alter_table("person") as person:
        person.alter_column("name", type_=sa.String(40))
"""
FAILS_HALFWAY = """
from alembic import op
revision, down_revision = "two", "one"

def upgrade():
    op.execute("CREATE TABLE halfway (id INTEGER)")
    op.execute("DELETE FROM cat")
    op.execute("this is no statement")
"""


def migrations(folder: Path, **revisions: str) -> Config:
    """Our own env.py over made-up revisions."""
    for name, text in revisions.items():
        (folder / f"{name}.py").write_text(text)
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("version_locations", str(folder))
    return config


def upgrade(config: Config, url: str) -> None:
    config.attributes["url"] = url
    command.upgrade(config, "head")


def read(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = make_engine(url)
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.exec_driver_sql(statement)]
    engine.dispose()
    return rows


@pytest.mark.both_databases
def test_R07_changing_a_table_deletes_nothing_that_points_at_it(
    database_url: str, tmp_path: Path
) -> None:
    upgrade(migrations(tmp_path, one=PEOPLE_AND_THEIR_CATS), database_url)

    upgrade(migrations(tmp_path, two=WIDER_NAMES), database_url)

    assert read(database_url, "SELECT * FROM cat") == [(1,)]
    assert read(database_url, "SELECT version_num FROM alembic_version") == [("two",)]


@pytest.mark.both_databases
def test_R06_a_migration_that_fails_leaves_nothing(database_url: str, tmp_path: Path) -> None:
    upgrade(migrations(tmp_path, one=PEOPLE_AND_THEIR_CATS), database_url)

    with pytest.raises(sa.exc.DBAPIError):
        upgrade(migrations(tmp_path, two=FAILS_HALFWAY), database_url)

    engine = make_engine(database_url)
    assert not sa.inspect(engine).has_table("halfway")
    engine.dispose()
    assert read(database_url, "SELECT * FROM cat") == [(1,)]
    assert read(database_url, "SELECT version_num FROM alembic_version") == [("one",)]


def test_R07_a_connection_that_would_cascade_is_refused(tmp_path: Path) -> None:
    config = migrations(tmp_path, one=PEOPLE_AND_THEIR_CATS)
    engine = make_engine(f"sqlite:///{tmp_path / 'peyvand.sqlite'}")

    with engine.begin() as connection:
        config.attributes["connection"] = connection
        with pytest.raises(RuntimeError, match="foreign_keys"):
            command.upgrade(config, "head")

    engine.dispose()
