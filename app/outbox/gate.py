"""The gate: a mail's outcome is durable before the next body goes out on its connection.

One commit records whatever has gathered over all connections (group commit). Transactions run on threads, so that
the event loop never waits for the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Final, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import clock
from app.core.database import Database
from app.outbox.recording import Accepted, Record, record

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 5.0
"""How long a stop waits for a database that is away."""
THREADS: Final = 4

T = TypeVar("T")


class Gate:
    """One worker's transactions, and the recorder of its mails' outcomes."""

    def __init__(
        self,
        database: Database,
        owner: UUID,
        *,
        stopping: asyncio.Event,
        on_accepted: Accepted | None = None,
        gather_seconds: float = 0.0,
    ) -> None:
        self.owner = owner
        self._database = database
        self._stopping = stopping
        self._on_accepted = on_accepted
        self._gather = gather_seconds
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sender")
        self._outcomes: deque[tuple[Record, asyncio.Future[bool]]] = deque()
        self._recorded = asyncio.Event()

    async def run(self) -> None:
        """Record what gathers, until cancelled."""
        while True:
            await self._recorded.wait()
            self._recorded.clear()
            if self._gather:
                await asyncio.sleep(self._gather)
            group = list(self._outcomes)
            self._outcomes.clear()
            if not group:
                continue
            await self._write(group)

    def close(self) -> None:
        """Wait for the transactions under way."""
        self._threads.shutdown(wait=True)

    async def in_transaction(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in a unit of work on a thread of its own."""

        def run() -> T:
            with self._database.unit_of_work() as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def persist(self, work: Callable[[Session], T]) -> T:
        """Like ``in_transaction``, again and again while the database is away (R04).

        Raises the database's error when it stays away while the sender is being stopped, and at once any error
        that waiting cannot mend.
        """
        wait, stopping_since = 0.1, 0.0
        while True:
            try:
                return await self.in_transaction(work)
            except sa.exc.DBAPIError as error:
                if not is_away(error):
                    raise
                if self._stopping.is_set():
                    stopping_since = stopping_since or monotonic()
                    if monotonic() - stopping_since > STOP_SECONDS:
                        raise
                log.warning("the database is away (%s); waiting", type(error.orig).__name__)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)

    async def durable(self, outcome: Record) -> bool:
        """Return once this outcome is committed: the gate. False: another worker has taken the lane over."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._outcomes.append((outcome, written))
        self._recorded.set()
        return await written

    async def _write(self, group: list[tuple[Record, asyncio.Future[bool]]]) -> None:
        """Record a group; where one of it cannot be recorded, each for itself."""
        records = [one for one, _ in group]
        attempts = 0

        def write(session: Session) -> set[int]:
            nonlocal attempts
            attempts += 1
            return record(
                session,
                self.owner,
                records,
                now=clock.now(),
                on_accepted=self._on_accepted,
                again=attempts > 1,
            )

        try:
            lost = await self.persist(write)
        except Exception as error:  # noqa: BLE001 (the recorder must go on, or every lane would hang)
            if len(group) > 1 and not is_away(error):
                for alone in group:
                    await self._write([alone])
                return
            for _, written in group:
                if not written.done():
                    written.set_exception(error)
            return
        for one, written in group:
            if not written.done():
                written.set_result(one.lane.slice_id not in lost)


def is_away(error: Exception) -> bool:
    """Whether the database cannot be reached, is locked or was cut off: waiting may help."""
    return isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError)
