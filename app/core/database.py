"""The engine, the session and the unit of work; the column types that all rooms share."""

from __future__ import annotations

import functools
import json
import math
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

from app.core import persian

BUSY_SECONDS: Final = 5
RESTED_SECONDS: Final = 1
NO_TRANSACTION: Final = "no_transaction"
"""The option of SQLite's connections that begin nothing: its driver's own autocommit would be left on."""

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Every table's base; its ``repr`` shows the key only (C07)."""

    metadata = sa.MetaData(naming_convention=NAMING)

    def __repr__(self) -> str:
        key = ", ".join(str(value) for value in sa.inspect(self).identity or ("new",))
        return f"<{type(self).__name__} {key}>"


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware moment in UTC on every database; SQLite would give it back naive."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, _dialect: sa.Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Languages(sa.TypeDecorator[tuple[str, ...]]):
    """An ordered tuple of language codes, the reader's own order (F08), kept as ``fa,en``."""

    impl = sa.String(64)
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, _dialect: sa.Dialect) -> str | None:
        return ",".join(value) if value is not None else None

    def process_result_value(
        self, value: str | None, _dialect: sa.Dialect
    ) -> tuple[str, ...] | None:
        return tuple(value.split(",")) if value else (() if value is not None else None)


class Database:
    """One process's engine and its units of work.

    ``on_commit`` gets the names that verbs asked to wake, after the commit and never before it. A command that needs
    a database once has it in a ``with``, which closes its connections.
    """

    def __init__(self, url: str, *, on_commit: Callable[[str], None] | None = None) -> None:
        self.engine = make_engine(url)
        self._sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._readonly = self.engine.execution_options(readonly=True)
        # PostgreSQL's have connections of their own, which are never switched to and fro.
        self._single = (
            self.engine.execution_options(**{NO_TRANSACTION: True})
            if self.engine.dialect.name == "sqlite"
            else make_engine(url, autocommit=True)
        )
        self._on_commit = on_commit

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dispose()

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """A writing transaction: commits at the end, rolls back on any error, then wakes who was asked for."""
        with self._sessions.begin() as session:
            yield session
        self._wake(session)

    @contextmanager
    def single_statements(self) -> Iterator[Session]:
        """Each statement is a transaction of its own, durable when it returns; then wakes who was asked for.

        For what writes one row at most: a third of a unit of work's round trips. The session's own objects have no
        place here.
        """
        with Session(self._single, expire_on_commit=False) as session:
            yield session
        self._wake(session)

    @contextmanager
    def outside_transactions(self) -> Iterator[sa.Connection]:
        """A connection that begins none, for what a database refuses to do in one."""
        with self._single.connect() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; on SQLite it takes no write lock."""
        with Session(self._readonly, expire_on_commit=False) as session:
            yield session

    def dispose(self) -> None:
        self.engine.dispose()
        self._single.dispose()

    def _wake(self, session: Session) -> None:
        if self._on_commit:
            for name in sorted(session.info.get("wakes", ())):
                self._on_commit(name)


def wake_after_commit(session: Session, name: str) -> None:
    """Ask that the workers of ``name`` be woken once this transaction is durable."""
    session.info.setdefault("wakes", set()).add(name)


def keep_apart(session: Session, what: str, *, alone: bool) -> None:
    """Of the transactions that name the same ``what``, one that is ``alone`` waits for all others and they for it.

    Holds until this one ends; for what no row stands for yet. SQLite lets one unit of work write at a time anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        lock = sa.func.pg_advisory_xact_lock if alone else sa.func.pg_advisory_xact_lock_shared
        session.execute(sa.select(lock(sa.func.hashtext(what))))


def make_engine(url: str, *, autocommit: bool = False) -> sa.Engine:
    """An engine that shows no parameter in errors and treats both databases alike (C07, R08).

    ``autocommit`` makes each of PostgreSQL's statements a transaction of its own.
    """
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite":
        engine = sa.create_engine(
            address,
            hide_parameters=True,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
        )
        _prepare_sqlite(engine)
    else:
        engine = sa.create_engine(
            address,
            hide_parameters=True,
            pool_size=10,
            max_overflow=10,
            pool_timeout=BUSY_SECONDS,
            # Where nothing is ever left open, nothing needs to be rolled back.
            **(
                {"isolation_level": "AUTOCOMMIT", "pool_reset_on_return": None}
                if autocommit
                else {}
            ),
            skip_autocommit_rollback=True,
            connect_args={
                "connect_timeout": BUSY_SECONDS,
                "options": f"-c lock_timeout={BUSY_SECONDS}s -c timezone=UTC",
            },
        )
        _ask_who_rested(engine)
    return engine


def _ask_who_rested(engine: sa.Engine) -> None:
    """Ask a connection that lay unused whether it still lives, as a pre-ping does of every one.

    One that was used a moment ago hardly died since; should it, its statement fails, and the pool forgets them all.
    """

    @event.listens_for(engine, "checkin")
    def checkin(_dbapi: Any, record: Any) -> None:
        record.info["used"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def checkout(dbapi: Any, record: Any, _proxy: Any) -> None:
        if time.monotonic() - record.info.get("used", math.inf) > RESTED_SECONDS:
            try:
                engine.dialect.do_ping(dbapi)
            except engine.dialect.loaded_dbapi.Error as error:
                raise sa.exc.DisconnectionError from error


def _prepare_sqlite(engine: sa.Engine) -> None:
    @event.listens_for(engine, "connect")
    def connect(dbapi: sqlite3.Connection, _record: Any) -> None:
        dbapi.isolation_level = None
        dbapi.execute("PRAGMA journal_mode=WAL")
        dbapi.execute("PRAGMA synchronous=FULL")
        dbapi.execute("PRAGMA foreign_keys=ON")
        dbapi.execute("PRAGMA secure_delete=ON")
        dbapi.create_collation("fa-x-icu", persian.compare)

    @event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # IMMEDIATE takes the write lock at once: a read that turns into a write would fail instead of waiting.
        options = connection.get_execution_options()
        if options.get(NO_TRANSACTION):
            return
        readonly = options.get("readonly", False)
        connection.exec_driver_sql("BEGIN" if readonly else "BEGIN IMMEDIATE")


def insert_into(session: Session, table: Any) -> Any:
    """The dialect's INSERT, which knows ON CONFLICT on both databases."""
    if session.get_bind().dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        return sqlite_insert(table)
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert(table)


def update_many(
    session: Session,
    table: sa.Table,
    *,
    keys: Sequence[str],
    values: Mapping[str, list[Any]],
    add: bool = False,
) -> None:
    """Update one row for each place of the columns in ``values``, found by ``keys``; ``add`` adds to what is there.

    Numbers and strings only. One statement on PostgreSQL, whatever the number of rows. Its rows are locked in no order: lock them first.
    """
    connection = session.connection()
    columns = tuple(values)
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*values.values(), strict=True)]
    if connection.dialect.name == "sqlite":
        connection.execute(_one_row(table, tuple(keys), columns, add), rows)
    else:
        # As JSON, whose writing costs a tenth of that of arrays.
        statement = _many_rows(table, tuple(keys), columns, add)
        connection.execute(statement, {"rows": json.dumps(rows)})


@functools.cache
def _one_row(
    table: sa.Table, keys: tuple[str, ...], columns: tuple[str, ...], add: bool
) -> sa.TextClause:
    sets = ", ".join(
        f"{name} = {f'{name} + ' * add}:{name}" for name in columns if name not in keys
    )
    found = " AND ".join(f"{name} = :{name}" for name in keys)
    return sa.text(f"UPDATE {table.name} SET {sets} WHERE {found}")  # noqa: S608 (our own names)


@functools.cache
def _many_rows(
    table: sa.Table, keys: tuple[str, ...], columns: tuple[str, ...], add: bool
) -> sa.TextClause:
    name = table.name
    sets = ", ".join(
        f"{column} = {f'{name}.{column} + ' * add}new.{column}"
        for column in columns
        if column not in keys
    )
    found = " AND ".join(f"{name}.{key} = new.{key}" for key in keys)
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    kinds = (table.c[column].type.compile(dialect) for column in columns)
    new = ", ".join(f"{column} {kind}" for column, kind in zip(columns, kinds, strict=True))
    return sa.text(
        f"UPDATE {name} SET {sets} FROM json_to_recordset(CAST(:rows AS json)) AS new({new})"  # noqa: S608
        f" WHERE {found}"
    )


def one_of(dialect: str, column: sa.Column[Any], name: str) -> sa.ColumnElement[bool]:
    """SQL: whether ``column`` is one of the list bound to ``name``.

    On PostgreSQL the list is one array, so that the statement is the same for every length.
    """
    if dialect == "sqlite":
        return column.in_(sa.bindparam(name, expanding=True))
    return column == sa.any_(sa.bindparam(name, type_=postgresql.ARRAY(column.type)))
