"""All rows of a database, to be compared: what changed, and whose traces are left."""

from __future__ import annotations

import time
from collections.abc import Mapping

import sqlalchemy as sa

from app.core.database import Base, Database

Dump = Mapping[str, list[str]]

BEATS = ("worker",)
"""What moves by itself: the workers' beats."""


def dump(database: Database, *, without: tuple[str, ...] = BEATS) -> Dump:
    """Every row of every table, as text, sorted."""
    found = {}
    with database.engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            if table.name not in without:
                # Raw values: neither types nor defaults of ours may hide a difference.
                rows = connection.exec_driver_sql(f'SELECT * FROM "{table.name}"')  # noqa: S608
                found[table.name] = sorted(repr(tuple(row)) for row in rows)
    return found


def settled(database: Database, *, quiet: float = 0.6, seconds: float = 20) -> Dump:
    """The dump, once nothing has changed for ``quiet`` seconds: who wrote has woken the worker."""
    end = time.monotonic() + seconds
    before, since = dump(database), time.monotonic()
    while time.monotonic() - since < quiet:
        assert time.monotonic() < end, f"the database did not come to rest: {counts(before)}"
        time.sleep(0.15)
        now = dump(database)
        if now != before:
            before, since = now, time.monotonic()
    return before


def counts(found: Dump) -> dict[str, int]:
    """How many rows each table has, of those that have any."""
    return {name: len(rows) for name, rows in found.items() if rows}


def changed(before: Dump, after: Dump) -> list[str]:
    """The names of the tables whose rows are not the same."""
    return [name for name in before if before[name] != after[name]]


def tables(database: Database) -> list[str]:
    """The tables that are really there."""
    return sa.inspect(database.engine).get_table_names()
