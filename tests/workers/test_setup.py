"""Made keys split by process, and a schema brought up to date with a copy kept (C02, R07)."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy.orm import Session

from app.audience.ledger import ERASED, Ledger
from app.audience.models import Contact
from app.audience.subscriptions import Desk
from app.core import addresses, officers
from app.core.sealing import Index, Opener, parse_keys
from config import Config, ConfigError
from tests.factories import DAY, a_subscriber
from tests.servers.postgresql import PostgreSQL
from workers import key_check, setup
from workers.keys import open_desk
from workers.setup import KEY_FILES, NAMES_PRIVATE, OFFICER_PRIVATE, OlderSchemaError


@pytest.fixture
def made(tmp_path: Path) -> Path:
    folder = tmp_path / "keys"
    setup.make_keys(folder)
    return folder


def all_keys(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_C02_every_key_is_made_and_readable_by_this_user_alone(made: Path) -> None:
    assert set(all_keys(made)) == {*KEY_FILES.values(), NAMES_PRIVATE, OFFICER_PRIVATE}
    for name in all_keys(made):
        path = made / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_C02_made_keys_fit_each_other(made: Path) -> None:
    keys = all_keys(made)
    opener = Opener(keys["public/seal_public_key"], keys["worker/seal_private_key"])
    box = opener.seal("contact", UUID(int=1), {"address": "a@b.example"})
    assert opener.open("contact", UUID(int=1), box) == {"address": "a@b.example"}
    names = Opener(keys["public/names_public_key"], keys[NAMES_PRIVATE])
    assert names.open("name", UUID(int=1), names.seal("name", UUID(int=1), {})) == {}
    closed = officers.encrypt(b"for the officers", keys["worker/officer_keys"])
    assert officers.decrypt(closed, keys[OFFICER_PRIVATE]) == b"for the officers"
    assert parse_keys(keys["worker/index_key"])
    assert len(set(keys.values())) == len(keys)


def test_a_second_start_keeps_every_key(made: Path) -> None:
    before = all_keys(made)
    setup.make_keys(made)
    assert all_keys(made) == before


@pytest.mark.parametrize("lost", ["worker/seal_private_key", NAMES_PRIVATE, OFFICER_PRIVATE])
def test_R02_a_start_that_was_cut_between_two_halves_makes_a_new_pair(
    made: Path, lost: str
) -> None:
    (made / lost).unlink()
    setup.make_keys(made)
    keys = all_keys(made)
    opener = Opener(keys["public/seal_public_key"], keys["worker/seal_private_key"])
    assert opener.open("name", UUID(int=1), opener.seal("name", UUID(int=1), {})) == {}


@pytest.mark.parametrize("role", ["web", "worker"])
def test_C02_each_process_gets_its_own_keys_and_never_the_other_s(made: Path, role: str) -> None:
    others = setup.WORKER_ONLY if role == "web" else setup.WEB_ONLY
    surroundings = {
        "PATH": "/bin",
        **dict.fromkeys((*setup.WORKER_ONLY, *setup.WEB_ONLY), "hidden"),
        **{f"{name}_FILE": "/hidden" for name in (*setup.WORKER_ONLY, *setup.WEB_ONLY)},
    }
    found = setup.environment_of(role, made, surroundings)
    assert found["PATH"] == "/bin"
    assert not [name for name in found if name.removesuffix("_FILE") in others]
    found = setup.environment_of(role, made, {})
    assert not [name for name in found if name.removesuffix("_FILE") in others]
    config = Config.from_env("web" if role == "web" else "worker", found)
    assert config.seal_public_key


def test_C02_a_key_that_is_given_is_used_and_no_made_one(made: Path) -> None:
    found = setup.environment_of("worker", made, {"PEYVAND_INDEX_KEY": "given"})
    assert "PEYVAND_INDEX_KEY_FILE" not in found
    found = setup.environment_of("worker", made, {"PEYVAND_INDEX_KEY_FILE": "/given"})
    assert found["PEYVAND_INDEX_KEY_FILE"] == "/given"


# The schema.


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def tables(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as plain:
        return {
            row[0] for row in plain.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }


def test_an_empty_file_gets_the_whole_schema(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "new.sqlite"
    setup.bring_schema_up(url_of(path))
    assert {"contact", "delivery", "alembic_version"} <= tables(path)
    assert setup.schema_revision(url_of(path)) == setup.head_revision()
    setup.check_schema(url_of(path))
    assert [file.name for file in path.parent.glob("*.before-*")] == []


def test_R07_an_older_file_is_copied_and_then_migrated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "old.sqlite"
    setup.bring_schema_up(url_of(path))
    with closing(sqlite3.connect(path)) as plain:
        plain.execute("INSERT INTO mailing_list (slug, names) VALUES ('kept', '{}')")
        plain.commit()
    migrations = two_migrations(tmp_path, monkeypatch)
    assert migrations == setup.head_revision()

    setup.bring_schema_up(url_of(path))
    assert "later" in tables(path)
    (copy,) = tmp_path.glob("old.sqlite.before-*")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert "later" not in tables(copy)
    for file in (path, copy):
        with closing(sqlite3.connect(file)) as plain:
            slugs = plain.execute("SELECT slug FROM mailing_list").fetchall()
        assert slugs == [("kept",)]
    with pytest.raises(ConfigError, match="init"):
        setup.check_schema(url_of(copy))


def two_migrations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A tree of migrations that has one more than this release's; returns its newest revision."""
    root = tmp_path / "release"
    shutil.copytree(setup.ROOT / "migrations", root / "migrations")
    shutil.copy(setup.ROOT / "alembic.ini", root)
    head = setup.head_revision()
    (root / "migrations" / "versions" / "later.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        f"revision = 'later0000001'\ndown_revision = '{head}'\nbranch_labels = depends_on = None\n"
        "def upgrade():\n    op.create_table('later', sa.Column('id', sa.Integer, primary_key=True))\n"
        "def downgrade():\n    op.drop_table('later')\n"
    )
    monkeypatch.setattr(setup, "ROOT", root)
    return "later0000001"


def test_R07_a_database_server_is_left_to_the_operator_and_the_command_is_named(
    postgresql: PostgreSQL,
) -> None:
    url = postgresql.database()
    with pytest.raises(OlderSchemaError, match="flask --app wsgi init"):
        setup.bring_schema_up(url)
    with pytest.raises(ConfigError, match="flask --app wsgi init"):
        setup.check_schema(url)
    setup.upgrade(url)
    setup.bring_schema_up(url)
    setup.check_schema(url)


def test_R07_a_migration_can_be_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "down.sqlite"
    setup.bring_schema_up(url_of(path))
    config = AlembicConfig(str(setup.ROOT / "alembic.ini"))
    config.attributes["url"] = url_of(path)
    config.set_main_option("script_location", str(setup.ROOT / "migrations"))
    command.downgrade(config, "base")
    assert tables(path) <= {"alembic_version"}


# Keys as the worker opens them.


def environment(made: Path, **more: str) -> Config:
    return Config.from_env("worker", {**setup.environment_of("worker", made, {}), **more})


def test_C02_a_worker_opens_its_keys(made: Path) -> None:
    desk = open_desk(environment(made))
    assert desk.opener.key_ids == desk.indexer.key_ids == ("1",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PEYVAND_SEAL_PUBLIC_KEY", "hidden-word"),
        ("PEYVAND_SEAL_PRIVATE_KEY", "1:hidden-word"),
        ("PEYVAND_INDEX_KEY", "1:hidden-word"),
    ],
)
def test_C02_a_key_that_cannot_be_read_is_named_and_not_shown(
    made: Path, name: str, value: str
) -> None:
    with pytest.raises(ConfigError, match=name) as caught:
        open_desk(environment(made, **{name: value}))
    assert "hidden-word" not in str(caught.value)


def test_C02_a_public_key_without_its_private_half_stops_the_worker(made: Path) -> None:
    public = (made / KEY_FILES["PEYVAND_SEAL_PUBLIC_KEY"]).read_text().strip()
    with pytest.raises(ConfigError, match="PEYVAND_SEAL_PRIVATE_KEY"):
        open_desk(environment(made, PEYVAND_SEAL_PUBLIC_KEY=public.replace("1:", "2:")))


def test_C03_a_key_may_go_only_when_no_row_and_no_line_of_the_ledger_names_it(
    session: Session, desk: Desk, ledger: Ledger
) -> None:
    assert key_check.missing_keys(session, desk, ledger) == set()
    a_subscriber(session, desk, "leila@example.org")
    ledger.append(ERASED, desk.indexer.index(addresses.parse("l@example.org")), [], day=DAY)
    assert key_check.missing_keys(session, desk, ledger) == set()
    session.execute(sa.update(Contact).values(index_key_id="7", box=b"8:box"))
    ledger.append(ERASED, Index("6", b"", b"gone"), [], day=DAY)
    missing = key_check.missing_keys(session, desk, ledger)
    assert missing == {"index key 6", "index key 7", "seal key 8"}
