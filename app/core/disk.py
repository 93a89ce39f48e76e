"""What deleted and changed rows leave behind in the database's files, and how it is overwritten (C17).

SQLite overwrites in place (``secure_delete``), but its write-ahead log holds pages as they were until it is cut.
PostgreSQL leaves a row where it was; VACUUM makes room of it and does not overwrite it, and may leave its octets for
as long as nothing new comes to stand there. Writing the table anew is what takes them away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS

from app.core.errors import StaleError

REWRITTEN_OCTETS: Final = 64 * 1024 * 1024
"""A table of at most this size, indexes and all, is written anew: nobody reads or writes it for some tenths of a second."""
WAIT_MILLISECONDS: Final = 500
"""So long for a lock; whoever comes behind waits as long."""


def cut_log(connection: sa.Connection) -> None:
    """Take SQLite's write-ahead log into the file and cut it to nothing.

    Outside a transaction. Raises StaleError while somebody reads or writes for longer.
    """
    before = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    connection.exec_driver_sql(f"PRAGMA busy_timeout={WAIT_MILLISECONDS}")
    try:
        busy, _pages, _moved = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={int(before)}")
    if busy:
        raise StaleError("the write-ahead log is in use")


def losses(connection: sa.Connection, tables: Sequence[str]) -> Mapping[str, int]:
    """How many rows of each table were ever deleted or changed, as PostgreSQL counts them."""
    rows = connection.execute(
        sa.text(
            "SELECT relname, n_tup_del + n_tup_upd FROM pg_stat_user_tables"
            " WHERE schemaname = current_schema() AND relname = ANY(:tables)"
        ),
        {"tables": list(tables)},
    )
    return {name: int(lost) for name, lost in rows}


def overwrite(connection: sa.Connection, table: str) -> bool:
    """Write a PostgreSQL table anew, or make room of its dead rows where it is large; returns whether it is anew.

    Outside a transaction. Raises sa.exc.OperationalError when somebody holds the table for longer.
    """
    name = connection.dialect.identifier_preparer.quote(table)
    octets = connection.execute(
        sa.select(sa.func.pg_total_relation_size(sa.cast(name, REGCLASS)))
    ).scalar_one()
    small = int(octets) <= REWRITTEN_OCTETS
    connection.exec_driver_sql(f"SET lock_timeout = {WAIT_MILLISECONDS}")
    try:
        connection.exec_driver_sql(f"VACUUM ({'FULL' if small else 'TRUNCATE false'}) {name}")
    finally:
        connection.exec_driver_sql("RESET lock_timeout")
    return small
