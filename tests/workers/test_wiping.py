"""What an erasure leaves in the database's own files: nothing, once the worker has wiped (C17)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from app.core import disk, ids
from app.core.database import Database
from app.optin import models as purposes
from app.outbox.workers import Presence
from app.petitions.models import FULL_NAME
from app.staff.models import AuditEntry
from tests.architecture.test_schema import ALLOWED
from tests.factories import a_petition, a_proven_request
from tests.fixtures import NOON
from tests.servers.postgresql import PostgreSQL
from workers import chores as round_of
from workers import requests
from workers.chores import Chores
from workers.requests import Room
from workers.wiping import OF_PERSONS, Wiping

CANARY = "Zoë Gallinuleholm"

Files = Callable[[], set[str]]
"""The database's files in which the canary stands now."""


@pytest.fixture
def files(request: pytest.FixtureRequest, database: Database, database_url: str) -> Files:
    if database_url.startswith("sqlite"):
        file = Path(database_url.removeprefix("sqlite:///"))
        return lambda: {
            path.name.removeprefix(file.name)
            for path in file.parent.glob(f"{file.name}*")
            if CANARY.encode() in path.read_bytes()
        }
    server: PostgreSQL = request.getfixturevalue("postgresql")

    def standing() -> set[str]:
        with database.outside_transactions() as connection:
            connection.exec_driver_sql("CHECKPOINT")
            number = connection.exec_driver_sql(
                "SELECT oid FROM pg_database WHERE datname = current_database()"
            ).scalar_one()
        return {
            "a table's"
            for path in (server.data / "base" / str(number)).iterdir()
            if path.is_file() and CANARY.encode() in path.read_bytes()
        }

    return standing


@pytest.fixture
def signed(database: Database, room: Room) -> None:
    """Two signers; the one with the canary for a name came last, so that nothing is moved over her place."""
    with database.unit_of_work() as session:
        petition = a_petition(session)
        for number, name in enumerate(("Karim", CANARY)):
            a_proven_request(
                session,
                room.desk,
                purposes.SIGNATURE,
                str(petition.id),
                now=NOON,
                address=f"r{number}@example.org",
                choices={
                    "signature_id": ids.new().hex,
                    "shown_as": FULL_NAME,
                    "shown_name": name,
                },
                text_id=petition.texts[0].id,
                wording_id=1,
            )
    with database.unit_of_work() as session:
        assert requests.carry_out(session, room, now=NOON) == 2


@contextmanager
def held(database: Database) -> Iterator[None]:
    """Somebody reads the signatures and does not come to an end."""
    with database.reading() as session:
        session.execute(sa.text("SELECT count(*) FROM signature"))
        yield


def erase(database: Database, room: Room, purpose: str = purposes.ERASURE) -> None:
    with database.unit_of_work() as session:
        a_proven_request(session, room.desk, purpose, "all", now=NOON, address="r1@example.org")
        assert requests.carry_out(session, room, now=NOON) == 1


@pytest.mark.both_databases
def test_C17_what_was_deleted_is_in_no_file_once_the_worker_has_wiped(
    signed: None, database: Database, room: Room, files: Files
) -> None:
    wiping = Wiping(database)
    assert wiping.run()
    assert files(), "what is shown stands in the clear"
    erase(database, room)
    assert files(), "the row is gone, and its octets are not"
    database.dispose()  # whose connections tell the server what they deleted
    assert wiping.run()
    assert files() == set()


@pytest.mark.both_databases
def test_C17_what_somebody_still_held_is_wiped_the_next_time(
    signed: None,
    database: Database,
    room: Room,
    files: Files,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(disk, "WAIT_MILLISECONDS", 50)
    wiping = Wiping(database)
    with held(database):
        erase(database, room)
        assert not wiping.run()
    assert files()
    assert wiping.run()
    assert files() == set()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_only_a_table_that_lost_rows_is_written_anew_and_that_twice(
    signed: None, database: Database, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    wiped: list[str] = []
    real = disk.overwrite

    def overwrite(connection: sa.Connection, table: str) -> bool:
        wiped.append(table)
        return real(connection, table)

    monkeypatch.setattr(disk, "overwrite", overwrite)

    def run() -> set[str]:
        wiped.clear()
        database.dispose()  # whose connections tell the server what they deleted
        assert wiping.run()
        return set(wiped)

    wiping = Wiping(database)
    assert run() == set(OF_PERSONS), "what was lost before this worker nobody knows"
    run()
    assert run() == set()
    erase(database, room, purposes.WITHDRAWAL)
    assert "signature" in run()
    assert "signature" in run()
    assert run() == set()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_large_table_stays_open_and_only_its_dead_rows_become_room(
    signed: None, database: Database, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    erase(database, room)
    place = sa.text("SELECT pg_relation_filepath('signature')")
    with database.outside_transactions() as connection:
        before = connection.scalar(place)
        monkeypatch.setattr(disk, "REWRITTEN_OCTETS", 0)
        assert not disk.overwrite(connection, "signature")
        assert connection.scalar(place) == before
        monkeypatch.undo()
        assert disk.overwrite(connection, "signature")
        assert connection.scalar(place) != before
        assert connection.scalar(sa.text("SHOW lock_timeout")) == "5s", "as before"


@pytest.mark.both_databases
def test_R04_wiping_that_fails_is_told_to_staff_once_and_stops_nothing(
    database: Database, room: Room, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "WAIT_MILLISECONDS", 50)
    presence = Presence(tmp_path / "workers")

    def told() -> list[str]:
        with database.reading() as session:
            return list(session.scalars(sa.select(AuditEntry.action)))

    with time_machine.travel(NOON, tick=False) as clock:
        chores = Chores(database, room, presence)
        chores.run()
        with held(database):
            chores.run()
            assert told() == [], "a start has more pressing work"
            for _ in range(2):
                clock.shift(round_of.WIPE_EVERY)
                chores.run()
            assert told() == ["wiping-failed"]
    presence.leave()
    assert timedelta(hours=1) >= 2 * round_of.WIPE_EVERY + round_of.WIPE_FIRST


def test_every_table_with_something_of_a_person_is_wiped() -> None:
    only_random_ids = {"delivery", "retry", "export"}
    assert set(OF_PERSONS) == set(ALLOWED) - only_random_ids
