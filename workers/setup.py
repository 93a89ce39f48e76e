"""Setting up: made keys split by process, and a schema brought up to date with a copy kept of what was there (C02, R07)."""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.core import officers
from app.core.database import make_engine
from app.core.sealing import make_index_key, make_key_pair
from config import ConfigError

ROOT: Final = Path(__file__).resolve().parents[1]

KEY_FILES: Final[Mapping[str, str]] = {
    "PEYVAND_SECRET_KEY": "web/secret_key",
    "PEYVAND_SEAL_PUBLIC_KEY": "public/seal_public_key",
    "PEYVAND_NAMES_PUBLIC_KEY": "public/names_public_key",
    "PEYVAND_SEAL_PRIVATE_KEY": "worker/seal_private_key",
    "PEYVAND_INDEX_KEY": "worker/index_key",
    "PEYVAND_OFFICER_KEYS": "worker/officer_keys",
}
NAMES_PRIVATE: Final = "offline/names_private_key"
OFFICER_PRIVATE: Final = "offline/officer_private_key"
"""Only to try it: in earnest these halves never come near the server."""

WEB_ONLY: Final = ("PEYVAND_SECRET_KEY",)
WORKER_ONLY: Final = ("PEYVAND_SEAL_PRIVATE_KEY", "PEYVAND_INDEX_KEY", "PEYVAND_OFFICER_KEYS")


class OlderSchemaError(Exception):
    """The database server's schema is older than the code; the text names the command that brings it up."""


def make_keys(folder: Path) -> None:
    """Make the keys that are not there yet, readable by this user alone; keeps every key that is."""
    if not (folder / KEY_FILES["PEYVAND_SEAL_PRIVATE_KEY"]).exists():
        private, public = make_key_pair()
        # The public half first: a start that was cut between the two makes a new pair.
        _write(folder / KEY_FILES["PEYVAND_SEAL_PUBLIC_KEY"], public)
        _write(folder / KEY_FILES["PEYVAND_SEAL_PRIVATE_KEY"], private)
    if not (folder / NAMES_PRIVATE).exists():
        private, public = make_key_pair()
        _write(folder / KEY_FILES["PEYVAND_NAMES_PUBLIC_KEY"], public)
        _write(folder / NAMES_PRIVATE, private)
    if not (folder / OFFICER_PRIVATE).exists():
        private, public = officers.make_key_pair()
        _write(folder / KEY_FILES["PEYVAND_OFFICER_KEYS"], public)
        _write(folder / OFFICER_PRIVATE, private)
    for name, text in (
        ("PEYVAND_INDEX_KEY", make_index_key(secrets.token_bytes(32))),
        ("PEYVAND_SECRET_KEY", secrets.token_urlsafe(32)),
    ):
        if not (folder / KEY_FILES[name]).exists():
            _write(folder / KEY_FILES[name], text)


def environment_of(role: str, folder: Path, environ: Mapping[str, str]) -> dict[str, str]:
    """The environment of one process: what is given, its own made keys where none is given, never the other's."""
    others = WORKER_ONLY if role == "web" else WEB_ONLY
    kept = {
        name: value for name, value in environ.items() if name.removesuffix("_FILE") not in others
    }
    for name, file in KEY_FILES.items():
        if name not in others and not kept.get(name) and not kept.get(f"{name}_FILE"):
            kept[f"{name}_FILE"] = str(folder / file)
    return kept


def bring_schema_up(database_url: str) -> None:
    """Make the schema, or bring an SQLite file up to date after copying it beside itself.

    Raises OlderSchemaError on a database server, where the operator chooses the moment.
    """
    address = sa.make_url(database_url)
    sqlite = address.get_backend_name() == "sqlite"
    if sqlite and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    found, wanted = schema_revision(database_url), head_revision()
    if found == wanted:
        return
    if not sqlite:
        raise OlderSchemaError(
            "The database's schema is not up to date. Make a backup, then run:\n"
            "  .venv/bin/flask --app wsgi init"
        )
    if found is not None and address.database:
        copy = Path(f"{address.database}.before-{wanted}")
        _copy_sqlite(Path(address.database), copy)
    upgrade(database_url)


def upgrade(database_url: str) -> None:
    """Run every migration that is missing, all or nothing."""
    config = AlembicConfig(str(ROOT / "alembic.ini"))
    config.attributes["url"] = database_url
    config.set_main_option("script_location", str(ROOT / "migrations"))
    command.upgrade(config, "head")


def schema_revision(database_url: str) -> str | None:
    """The revision that the database is at; None for an empty one."""
    engine = make_engine(database_url)
    try:
        with engine.execution_options(readonly=True).connect() as connection:
            return MigrationContext.configure(connection).get_current_revision()
    finally:
        engine.dispose()


def head_revision() -> str | None:
    """The revision that the code wants."""
    return ScriptDirectory(str(ROOT / "migrations")).get_current_head()


def check_schema(database_url: str) -> None:
    """Raises ConfigError, naming the command, when the schema is not the one this code was written for."""
    if schema_revision(database_url) != head_revision():
        raise ConfigError(
            "the database's schema is not up to date; run: .venv/bin/flask --app wsgi init"
        )


def _copy_sqlite(source: Path, target: Path) -> None:
    """A whole copy, write-ahead log included."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)
    target.chmod(0o600)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.touch(mode=0o600)
    unfinished.write_text(text + "\n", "utf-8")
    unfinished.replace(path)
