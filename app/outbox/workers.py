"""Which worker processes run: their beat in the database, and on their own host a lock that dies with them (R03).

The lock is an flock on a file named by the worker's id; the kernel lets it go the moment the process ends, so a
killed worker is noticed at once on its host. Elsewhere the lease of its slices decides.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import ids
from app.outbox.models import Worker

FORGET: Final = timedelta(hours=1)


class Presence:
    """This process's place among the workers: an id, a host, and the lock."""

    def __init__(self, folder: Path | None = None) -> None:
        self.id = ids.new()
        self.host = socket.gethostname()[:120]
        self._folder = folder or Path(tempfile.gettempdir()) / f"peyvand-workers-{os.getuid()}"
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = self._take(self._path(self.id))

    @staticmethod
    def _take(path: Path) -> int:
        """Hold the lock of a file that stays: a worker that tidies up may look at it, or remove it, in between."""
        while True:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                if os.path.samestat(os.fstat(lock), path.stat()):
                    return lock
            except FileNotFoundError:
                pass
            os.close(lock)

    def is_alive(self, worker_id: UUID) -> bool | None:
        """Whether a worker of this host still runs; None for one whose lock is not here."""
        if worker_id == self.id:
            return True
        try:
            lock = os.open(self._path(worker_id), os.O_RDWR)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def leave(self) -> None:
        """Let the lock go; the file stays until the slices of this worker are taken care of."""
        os.close(self._lock)

    def tidy(self, *, known: set[UUID]) -> None:
        """Remove the lock files of workers that the database no longer names."""
        for path in self._folder.glob("*.lock"):
            try:
                worker_id = UUID(path.stem)
            except ValueError:
                continue
            if worker_id not in known and self.is_alive(worker_id) is False:
                path.unlink(missing_ok=True)

    def _path(self, worker_id: UUID) -> Path:
        return self._folder / f"{worker_id.hex}.lock"


def beat(session: Session, presence: Presence, *, now: datetime) -> None:
    """Say that this worker lives."""
    updated = session.get(Worker, presence.id)
    if updated is None:
        session.add(Worker(id=presence.id, host=presence.host, began_at=now, beat_at=now))
    else:
        updated.beat_at = now


def leave(session: Session, presence: Presence) -> None:
    """Take this worker's row away at a clean end."""
    session.execute(sa.delete(Worker).where(Worker.id == presence.id))


def forget_silent(session: Session, *, now: datetime) -> set[UUID]:
    """Delete workers silent for an hour; returns the ids that stay."""
    session.execute(sa.delete(Worker).where(Worker.beat_at < now - FORGET))
    return set(session.scalars(sa.select(Worker.id)))
