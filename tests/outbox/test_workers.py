"""Who runs: a beat in the database, and a lock that dies with its process (R03)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import ids
from app.outbox import workers
from app.outbox.models import Worker
from app.outbox.workers import Presence
from tests.fixtures import NOON

OTHER = """
import sys, time
from pathlib import Path
from app.outbox.workers import Presence
print(Presence(Path(sys.argv[1])).id, flush=True)
time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "workers"


@pytest.fixture
def presence(folder: Path) -> Iterator[Presence]:
    found = Presence(folder)
    yield found
    found.leave()


def test_R03_a_killed_worker_is_noticed_at_once_on_its_host(
    presence: Presence, folder: Path
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as other:
        assert other.stdout is not None
        worker_id = UUID(other.stdout.readline().strip())
        assert presence.is_alive(worker_id) is True
        other.kill()
        other.wait(5)
        until = time.monotonic() + 2
        while presence.is_alive(worker_id) and time.monotonic() < until:
            time.sleep(0.01)
    assert presence.is_alive(worker_id) is False


def test_R03_a_worker_knows_itself_and_says_nothing_of_other_hosts(presence: Presence) -> None:
    assert presence.is_alive(presence.id) is True
    assert presence.is_alive(ids.new()) is None


def test_R03_asking_about_a_living_worker_does_not_take_its_lock(
    presence: Presence, folder: Path
) -> None:
    other = Presence(folder)
    for _ in range(3):
        assert presence.is_alive(other.id) is True
    other.leave()
    assert presence.is_alive(other.id) is False
    assert presence.is_alive(other.id) is False, "asking leaves no lock behind"


def test_lock_files_of_forgotten_workers_are_removed(presence: Presence, folder: Path) -> None:
    gone, kept, alive = Presence(folder), Presence(folder), Presence(folder)
    gone.leave()
    kept.leave()
    (folder / "something-else.lock").touch()
    presence.tidy(known={kept.id})
    left = {path.stem for path in folder.glob("*.lock")}
    assert left == {presence.id.hex, kept.id.hex, alive.id.hex, "something-else"}
    alive.leave()


def test_a_worker_has_a_folder_of_its_user_s_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    made = Presence()
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    made.leave()


@pytest.mark.both_databases
def test_a_beat_is_one_row_that_moves(session: Session, presence: Presence) -> None:
    for seconds in (0, 1):
        workers.beat(session, presence, now=NOON + timedelta(seconds=seconds))
        session.flush()
    (row,) = session.scalars(sa.select(Worker))
    assert (row.id, row.began_at, row.beat_at) == (presence.id, NOON, NOON + timedelta(seconds=1))
    workers.leave(session, presence)
    session.expire_all()
    assert session.scalars(sa.select(Worker)).all() == []


@pytest.mark.both_databases
def test_workers_silent_for_an_hour_are_forgotten(session: Session, presence: Presence) -> None:
    workers.beat(session, presence, now=NOON)
    session.add(Worker(id=ids.new(), host="h", began_at=NOON, beat_at=NOON - timedelta(minutes=61)))
    session.flush()
    assert workers.forget_silent(session, now=NOON) == {presence.id}
