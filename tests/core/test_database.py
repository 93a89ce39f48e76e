"""Transactions, wakes, column types, and what an error may show (C07, C23, R01, R06, R08)."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session
from time_machine import TimeMachineFixture

from app.audience.models import Contact, MailingList
from app.core import clock, wake
from app.core import database as core_database
from app.core.database import (
    Base,
    Database,
    Languages,
    UtcDateTime,
    insert_into,
    make_engine,
    wake_after_commit,
)
from app.core.wake import BrokerWaker, SocketWaker, broker_for, waker_for
from app.outbox.models import Send
from tests.servers.postgresql import PostgreSQL
from tests.servers.redis import Redis

CANARY = "canary-3f9a@example.org"


class StopError(Exception):
    """Something went wrong in the middle."""


@pytest.fixture
def woken() -> list[str]:
    return []


@pytest.fixture
def waking(database_url: str, woken: list[str]) -> Iterator[Database]:
    """A database that notes who it woke."""
    found = Database(database_url, on_commit=woken.append)
    Base.metadata.create_all(found.engine)
    yield found
    found.dispose()


def lists(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(sa.select(sa.func.count()).select_from(MailingList)) or 0


@pytest.mark.both_databases
def test_R01_a_single_statement_is_durable_when_it_returns_and_wakes_at_the_end(
    waking: Database, woken: list[str]
) -> None:
    def single() -> None:
        with waking.single_statements() as session:
            session.execute(insert_into(session, MailingList).values(slug="one", names={}))
            wake_after_commit(session, wake.REQUESTS)
            assert lists(waking) == 1, "others see it before the end"
            raise StopError

    def together() -> None:
        with waking.unit_of_work() as session:
            session.execute(insert_into(session, MailingList).values(slug="two", names={}))
            raise StopError

    # given a statement of its own, and an error after it
    with pytest.raises(StopError):
        single()
    # then it stays, and nobody is woken for what was cut short
    assert (lists(waking), woken) == (1, [])
    with waking.single_statements() as session:
        wake_after_commit(session, wake.REQUESTS)
    assert woken == [wake.REQUESTS]
    # and what is begun together afterwards still ends together
    with pytest.raises(StopError):
        together()
    assert lists(waking) == 1


def test_R04_a_connection_that_rested_is_asked_whether_it_lives(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.database()
    database, other = Database(url), Database(url)
    try:
        # given that the server ended a connection while nobody used it
        mine = _backend(database)
        with other.unit_of_work() as session:
            session.execute(sa.select(sa.func.pg_terminate_backend(mine)))
        # when it has rested long enough, then the next who reads gets another one, and no error
        monkeypatch.setattr(core_database, "RESTED_SECONDS", 0)
        assert _backend(database) not in (0, mine)
    finally:
        database.dispose()
        other.dispose()


def _backend(database: Database) -> int:
    with database.reading() as session:
        return int(session.scalar(sa.text("SELECT pg_backend_pid()")) or 0)


@pytest.mark.both_databases
def test_R06_a_unit_of_work_leaves_nothing_half_written(waking: Database, woken: list[str]) -> None:
    def work() -> None:
        with waking.unit_of_work() as session:
            session.add(MailingList(slug="one", names={}))
            session.flush()
            wake_after_commit(session, "requests")
            raise StopError

    with pytest.raises(StopError):
        work()
    assert lists(waking) == 0
    assert woken == []


@pytest.mark.both_databases
def test_R06_a_broken_constraint_takes_back_the_whole_unit(
    waking: Database, woken: list[str]
) -> None:
    def work() -> None:
        with waking.unit_of_work() as session:
            session.add(MailingList(slug="one", names={}))
            session.flush()
            wake_after_commit(session, "requests")
            session.add(MailingList(slug="one", names={}))

    with pytest.raises(sa.exc.IntegrityError):
        work()
    assert lists(waking) == 0
    assert woken == []


@pytest.mark.both_databases
def test_R01_workers_are_woken_once_each_and_only_after_the_commit(database_url: str) -> None:
    seen: list[tuple[str, int]] = []
    database = Database(database_url, on_commit=lambda name: seen.append((name, lists(database))))
    Base.metadata.create_all(database.engine)
    with database.unit_of_work() as session:
        for name in ("deliver", "requests", "deliver"):
            wake_after_commit(session, name)
        session.add(MailingList(slug="one", names={}))
    assert seen == [("deliver", 1), ("requests", 1)]
    database.dispose()


def test_R01_a_unit_without_wishes_wakes_nobody(waking: Database, woken: list[str]) -> None:
    with waking.unit_of_work() as session:
        session.add(MailingList(slug="one", names={}))
    assert woken == []


@pytest.mark.both_databases
def test_C23_an_error_of_the_database_shows_no_value(waking: Database) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught, waking.unit_of_work() as session:
        session.execute(
            sa.text("INSERT INTO mailing_list (slug, nothing) VALUES (:slug, 1)"), {"slug": CANARY}
        )
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)
    assert waking.engine.hide_parameters


def test_C07_a_row_shows_its_id_and_nothing_else() -> None:
    contact = Contact(id=UUID(int=5), box=CANARY.encode(), destination=CANARY)
    assert repr(contact) == "<Contact new>"


@pytest.mark.both_databases
def test_C07_a_stored_row_shows_its_id_and_nothing_else(session: Session) -> None:
    session.add(row := MailingList(slug=CANARY, names={}))
    session.flush()
    assert repr(row) == f"<MailingList {row.id}>"


def test_C07_R08_sqlite_forgets_what_was_deleted_and_keeps_what_was_committed(
    database: Database,
) -> None:
    with database.engine.connect() as connection:
        found = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("secure_delete", "synchronous", "foreign_keys", "journal_mode")
        }
    assert found == {
        "secure_delete": 1,
        "synchronous": 2,
        "foreign_keys": 1,
        "journal_mode": "wal",
    }


def test_R06_a_reader_waits_for_no_writer(database: Database) -> None:
    with database.unit_of_work() as writing:
        writing.add(MailingList(slug="one", names={}))
        writing.flush()
        with database.reading() as reading:
            assert reading.scalar(sa.select(MailingList).where(MailingList.slug == "one")) is None


def test_R05_two_writers_follow_each_other(database: Database) -> None:
    def count_up() -> None:
        for _ in range(20):
            with database.unit_of_work() as session:
                row = session.scalars(
                    sa.select(MailingList).where(MailingList.slug == "unions")
                ).one()
                row.names = {"n": str(int(row.names.get("n", 0)) + 1)}

    threads = [threading.Thread(target=count_up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        names = session.scalar(sa.select(MailingList.names).where(MailingList.slug == "unions"))
    assert names is not None
    assert names["n"] == "60"


@pytest.mark.both_databases
def test_R08_moments_come_back_aware_and_in_utc(session: Session) -> None:
    teheran = timezone(timedelta(hours=3, minutes=30))
    moment = datetime(2026, 11, 24, 15, 30, tzinfo=teheran)
    session.add(Send(purpose="test", state="sent", priority=1, begins_at=moment, subject="x"))
    session.flush()
    session.expire_all()
    found = session.scalars(sa.select(Send.begins_at)).one()
    assert found == moment
    assert found is not None
    assert found.utcoffset() == timedelta()
    assert session.scalars(sa.select(Send.finished_at)).one() is None


def test_F08_languages_keep_their_order_in_the_column() -> None:
    column, dialect = Languages(), sa.create_engine("sqlite://").dialect
    assert column.process_bind_param(("fa", "en"), dialect) == "fa,en"
    assert column.process_result_value("fa,en", dialect) == ("fa", "en")
    assert column.process_result_value("", dialect) == ()
    assert column.process_bind_param(None, dialect) is None
    assert column.process_result_value(None, dialect) is None
    assert UtcDateTime().process_bind_param(None, dialect) is None


@pytest.mark.both_databases
def test_R05_an_insert_that_finds_its_row_is_no_error(session: Session) -> None:
    statement = insert_into(session, MailingList).values(slug="newsletter", names={})
    session.execute(statement.on_conflict_do_nothing(index_elements=["slug"]))
    assert session.scalar(sa.select(sa.func.count()).select_from(MailingList)) == 2


def test_C07_postgresql_is_asked_to_wait_no_longer_than_five_seconds() -> None:
    engine = make_engine("postgresql://peyvand@127.0.0.1:1/none")
    assert engine.hide_parameters
    assert engine.dialect.name == "postgresql"
    engine.dispose()


def test_C07_the_clock_is_aware_and_a_day_is_the_utc_day(
    time_machine: TimeMachineFixture,
) -> None:
    time_machine.move_to(datetime(2026, 11, 24, 1, 0, tzinfo=timezone(timedelta(hours=3.5))))
    assert clock.now().tzinfo is UTC
    assert clock.today() == date(2026, 11, 23)


# Waking.


def test_R01_a_datagram_names_the_work_and_nothing_else(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as worker:
        worker.bind(str(tmp_path / wake.SOCKET_NAME))
        worker.settimeout(2)
        waker_for("", str(tmp_path))(wake.REQUESTS)
        assert worker.recv(100) == b"requests"


def test_R01_nobody_listens_and_nothing_is_lost_but_the_wake(tmp_path: Path) -> None:
    SocketWaker(tmp_path / "nobody.sock")(wake.DELIVER)


@pytest.mark.sockets
def test_R01_R04_a_broker_that_is_away_costs_a_moment_and_no_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for url in ("redis://127.0.0.1:1/0", "amqp://guest:hidden-word@127.0.0.1:1/"):
        began = clock.now()
        waker = waker_for(url, "unused")
        assert isinstance(waker, BrokerWaker)
        waker(wake.DELIVER)
        assert clock.now() - began < timedelta(seconds=4)
    assert len(caplog.records) >= 2
    assert "hidden-word" not in caplog.text


def test_R01_other_brokers_are_refused() -> None:
    with pytest.raises(ValueError, match="redis"):
        broker_for("kafka://127.0.0.1")


def test_R01_what_the_broker_holds_is_a_name(redis_server: Redis) -> None:
    import redis

    BrokerWaker(redis_server.url)(wake.REQUESTS)
    client = redis.Redis.from_url(redis_server.url)
    (key,) = client.scan_iter("dramatiq:*.msgs")
    (stored,) = (json.loads(value) for value in client.hvals(key))
    assert stored["actor_name"] == "requests"
    assert (stored["args"], stored["kwargs"]) == ([], {})
    client.close()


def test_sqlite_files_are_made_where_they_are_named(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new.sqlite'}")
    with engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    engine.dispose()
    with sqlite3.connect(tmp_path / "new.sqlite") as plain:
        assert plain.execute("PRAGMA journal_mode").fetchone() == ("wal",)
