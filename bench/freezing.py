"""How fast a send's readers are fixed, beside CREATE TABLE AS of the same rows without an index."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from statistics import median
from typing import Final

import sqlalchemy as sa

from app.audience.models import NEWSLETTER
from app.core.database import Database
from app.newsletters.readers import recipients
from app.outbox.models import QUEUED, Send, Slice
from bench import readers
from bench.surroundings import Surroundings
from workers.keys import open_desk

BOX_OCTETS: Final = 562
"""A contact's box: key id, sealed box and its padding."""
_numbers: Iterator[int] = itertools.count(1)


def compare_freezing(around: Surroundings, rows: int, *, pairs: int) -> None:
    """Print rows a second of both, interleaved, medians; in a database of its own."""
    around.new_database()
    database = around.database()
    try:
        _fill(database, rows)
        ours, theirs, ratios = [], [], []
        for _ in range(pairs):
            theirs.append(rows / _create_table_as(database))
            ours.append(rows / _freeze(around, database, rows))
            ratios.append(ours[-1] / theirs[-1])
        print(
            f"freezing {rows:,} readers  {median(ours):9,.0f}/s"
            f"  CREATE TABLE AS {median(theirs):9,.0f}/s"
            f"  ratio {median(ratios):4.2f} (target 0.45)",
            flush=True,
        )
    finally:
        database.dispose()


def _fill(database: Database, rows: int) -> None:
    """Readers of the right size and spread, made by the database; their boxes are noise that nobody opens here."""
    noise = "decode(repeat(md5(n::text), :parts), 'hex')"
    contacts = f"""
        INSERT INTO contact (id, box, index_key_id, exact_index, mailbox_index, destination)
        SELECT gen_random_uuid(), {noise}, '1', sha256(n::text::bytea), sha256(n::text::bytea),
               CASE WHEN n % 5 < 4 THEN (CAST(:providers AS text[]))[1 + n % 5]
               ELSE substr(md5((n / 10)::text), 1, 24) END
        FROM generate_series(1, :rows) AS n
    """  # noqa: S608 (nothing of it comes from outside)
    subscriptions = """
        INSERT INTO subscription (id, contact_id, list_id, languages, quiet, day, key_id,
                                  unsubscribe_hash)
        SELECT gen_random_uuid(), contact.id, mailing_list.id, 'en', false, :day, '1',
               contact.exact_index
        FROM contact, mailing_list WHERE mailing_list.slug = :slug
    """
    with database.unit_of_work() as session:
        session.execute(
            sa.text(contacts),
            {"parts": BOX_OCTETS // 16, "providers": list(readers.PROVIDERS), "rows": rows},
        )
        session.execute(sa.text(subscriptions), {"day": readers.DAY, "slug": NEWSLETTER})
    _settle(database)


def _create_table_as(database: Database) -> float:
    chosen = recipients([NEWSLETTER], [readers.LANGUAGES], of=NEWSLETTER).subquery("chosen")
    rows = sa.select(
        sa.literal(1, sa.BigInteger).label("slice_id"),
        (sa.func.row_number().over(order_by=chosen.c.contact_id) - 1)
        .cast(sa.Integer)
        .label("position"),
        sa.func.gen_random_uuid().label("id"),
        sa.literal(1).label("send_id"),
        chosen.c.contact_id.label("recipient"),
        sa.literal(0, sa.SmallInteger).label("round"),
        chosen.c.subscription_id,
        sa.literal(QUEUED).label("state"),
    )
    with database.engine.connect() as connection:
        query = rows.compile(connection, compile_kwargs={"literal_binds": True})
        began = time.perf_counter()
        connection.execute(sa.text(f"CREATE TABLE bench_rows AS {query}"))
        connection.commit()
        seconds = time.perf_counter() - began
        connection.execute(sa.text("DROP TABLE bench_rows"))
        connection.commit()
    _settle(database)
    return seconds


def _freeze(around: Surroundings, database: Database, rows: int) -> float:
    """As the worker does it: so many slices a transaction, until all are fixed."""
    config = around.config("worker")
    with database.unit_of_work() as session:
        send, letter_id, _ = readers.a_send(
            session,
            open_desk(config),
            config,
            octets=8192,
            subject=f"freezing {next(_numbers)}",
        )
    done = False
    began = time.perf_counter()
    while not done:
        with database.unit_of_work() as session:
            done = readers.freeze(session, session.get_one(Send, send.id), letter_id)
    seconds = time.perf_counter() - began
    with database.unit_of_work() as session:
        fixed = session.scalar(sa.select(sa.func.sum(Slice.size)).where(Slice.send_id == send.id))
        assert fixed == rows, fixed
    _settle(database)
    return seconds


def _settle(database: Database) -> None:
    with database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(sa.text("VACUUM ANALYZE"))
        connection.execute(sa.text("CHECKPOINT"))
