"""A worker shows signers and past weeks by itself, and looks every ten minutes (C21)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
import time_machine

from app.core.database import Database
from app.outbox.workers import Presence
from app.petitions import showing_signers, weeks
from app.petitions.models import Petition, Signature
from tests.factories import DAY, a_petition
from tests.fixtures import NOON
from tests.petitions.campaigning import a_signature, signatures
from workers.chores import SHOW_EVERY, Chores
from workers.requests import Room


@pytest.fixture
def presence(tmp_path: Path) -> Iterator[Presence]:
    found = Presence(tmp_path / "workers")
    yield found
    found.leave()


def test_C21_the_worker_shows_signers_and_weeks_when_their_day_comes(
    database: Database, room: Room, presence: Presence
) -> None:
    chores = Chores(database, room, presence)
    with database.unit_of_work() as session:
        petition = a_petition(session, total=100)
        for days in (21, 14, 7):
            signatures(session, petition, 30, DAY - timedelta(days=days))
        for place in range(19):
            a_signature(session, petition, f"S{place}. T.")

    with time_machine.travel(NOON, tick=False) as clock:
        chores.run()
        with database.reading() as session:
            assert showing_signers.signers(session, petition.id) == []
            assert len(weeks.published(session, petition.id)) == 2

        with database.unit_of_work() as session:
            a_signature(session, session.get_one(Petition, petition.id), "L. R.")
        chores.run()
        with database.reading() as session:
            assert showing_signers.signers(session, petition.id) == []

        clock.shift(SHOW_EVERY)
        chores.run()
    with database.reading() as session:
        assert len(showing_signers.signers(session, petition.id)) == 20


@pytest.mark.both_databases
def test_C21_two_workers_that_show_at_once_make_one_batch(database: Database) -> None:
    with database.unit_of_work() as session:
        petition = a_petition(session, total=100)
        for place in range(20):
            a_signature(session, petition, f"S{place}. T.")
    for _ in range(2):
        with database.unit_of_work() as session:
            showing_signers.publish(session, now=NOON)
    with database.reading() as session:
        assert set(session.scalars(sa.select(Signature.shown_in))) == {NOON.date().toordinal()}
