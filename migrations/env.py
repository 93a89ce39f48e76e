"""Alembic's entry: one transaction, on the address in PEYVAND_DATABASE_URL or on the caller's.

A program passes ``config.attributes["url"]``, or ``config.attributes["connection"]``, whose transaction is
then the caller's to commit. The models of every room are found by looking at the tree, so a new room needs
no line here. On SQLite foreign keys are off meanwhile and checked at the end: a batch copies a table and
drops the old one, and a drop would delete what points at it.
"""

from __future__ import annotations

import importlib
import os
import sqlite3
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from alembic import context
from alembic.autogenerate.api import AutogenContext

from app.core.database import Base, make_engine

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_URL = f"sqlite:///{ROOT / 'instance' / 'peyvand.sqlite'}"

for models in sorted((ROOT / "app").glob("*/*models.py")):
    importlib.import_module(f"app.{models.parent.name}.{models.stem}")


def database_url() -> str:
    """The address from the environment, or from the file it names."""
    file = os.environ.get("PEYVAND_DATABASE_URL_FILE")
    from_file = Path(file).read_text(encoding="utf-8").strip() if file else ""
    return os.environ.get("PEYVAND_DATABASE_URL") or from_file or DEFAULT_URL


def render_item(kind: str, item: object, _autogen: AutogenContext) -> str | Literal[False]:
    """Write our own column types as what they are in the database: migrations outlive the code."""
    if kind == "type" and isinstance(item, sa.types.TypeDecorator):
        return f"sa.{item.impl!r}"
    return False


def run(connection: sa.Connection) -> None:
    """Run on an open connection; nothing of a run that fails stays."""
    sqlite = connection.dialect.name == "sqlite"
    if sqlite and connection.exec_driver_sql("PRAGMA foreign_keys").scalar():
        raise RuntimeError("turn PRAGMA foreign_keys off before the migration's transaction begins")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
    )
    with context.begin_transaction():
        context.run_migrations()
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all() if sqlite else []
        if broken:
            raise RuntimeError(
                f"rows of {sorted({row[0] for row in broken})} would point at nothing"
            )


def run_offline() -> None:
    """Print the SQL (``alembic upgrade head --sql``) for an administrator to read."""
    context.configure(
        url=database_url(),
        target_metadata=Base.metadata,
        render_as_batch=True,
        literal_binds=True,
        dialect_opts={"paramstyle": "named"},
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run on the connection we were handed, else on one of our own."""
    attributes = context.config.attributes
    if attributes.get("connection") is not None:
        run(attributes["connection"])
        return
    engine = make_engine(attributes.get("url") or database_url())
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", without_foreign_keys)
    try:
        with engine.begin() as connection:
            run(connection)
    finally:
        engine.dispose()


def without_foreign_keys(dbapi: sqlite3.Connection, _record: object) -> None:
    """Before any transaction: inside one SQLite ignores the pragma."""
    dbapi.execute("PRAGMA foreign_keys=OFF")


if context.is_offline_mode():
    run_offline()
else:
    run_online()
