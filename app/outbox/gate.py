"""The gate: a mail's outcome is durable before the next body goes out on its connection.

One commit records whatever has gathered over all connections (group commit). What is usual goes over lasting
connections of the loop's own; all else runs in units of work on threads, so that the loop never waits for the database.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
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
from app.outbox import lanes, usual
from app.outbox.lanes import Fetched, Lane
from app.outbox.line import Line, LineError
from app.outbox.recording import Accepted, Record, record

log = logging.getLogger(__name__)

STOP_SECONDS: Final = 5.0
"""How long a stop waits for a database that is away."""
THREADS: Final = 4
LINE_PAUSE: Final = 0.5
"""Seconds before a lasting connection that was lost is opened again."""

T = TypeVar("T")
_Waiting = tuple[Record, asyncio.Future[bool]]


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
        self._outcomes: deque[_Waiting] = deque()
        self._free: deque[asyncio.Future[bool]] = deque()
        self._recorded = asyncio.Event()
        self._recording = _Lasting(database, usual.PLANS, usual.BY_KEY)
        self._reading = _Lasting(database, usual.PLANS, usual.BY_KEY, usual.NOT_AT_ONCE)

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
        """Wait for the transactions under way. Call it in the loop's thread."""
        self._recording.close()
        self._reading.close()
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

    async def fetch(self, lane: Lane, *, after: int, limit: int) -> Fetched:
        """The lane's next mails: see ``lanes.next_in_lane``; raises as ``persist`` does."""
        line = await self._reading.line()
        if line is not None:
            now = clock.now()
            with contextlib.suppress(LineError):
                found = await usual.fetch(line, lane, self.owner, after=after, limit=limit, now=now)
                if found is not None:
                    return found

        def fetch(session: Session) -> Fetched:
            return lanes.next_in_lane(
                session, lane, self.owner, after=after, limit=limit, now=clock.now()
            )

        return await self.persist(fetch)

    def durable(self, outcome: Record) -> asyncio.Future[bool]:
        """Done once this outcome is committed: the gate. False: another worker has taken the lane over."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._outcomes.append((outcome, written))
        self._recorded.set()
        return written

    async def _write(self, group: list[_Waiting]) -> None:
        """Record a group: over the lasting connection what is usual, and the rest in a unit of work."""
        line = await self._recording.line()
        if line is None:
            await self._write_in_full(group)
            return
        waiting = {id(one): written for one, written in group}
        quick, rest = usual.split([one for one, _ in group])
        in_doubt = False
        if quick:
            try:
                held = await usual.record(line, self.owner, quick, now=clock.now())
            except LineError:
                in_doubt = True
            else:
                for one in quick:
                    if one.lane.slice_id in held:
                        self._let_go(waiting[id(one)])
                    else:
                        rest.append(one)
        if in_doubt:
            await self._write_in_full([(one, waiting[id(one)]) for one in quick], again=True)
        if rest:
            await self._write_in_full([(one, waiting[id(one)]) for one in rest])

    def _let_go(self, written: asyncio.Future[bool]) -> None:
        """Let one lane go on in each turn of the loop.

        All in one turn would compose all their mails before the first of them is sent, and the mail server and
        the database would have nothing to do meanwhile.
        """
        self._free.append(written)
        if len(self._free) == 1:
            asyncio.get_running_loop().call_soon(self._next_goes)

    def _next_goes(self) -> None:
        _tell(self._free.popleft(), ours=True)
        if self._free:
            asyncio.get_running_loop().call_soon(self._next_goes)

    async def _write_in_full(self, group: list[_Waiting], *, again: bool = False) -> None:
        """Record a group in a unit of work; where one of it cannot be recorded, each for itself.

        ``again``: it may be on record already.
        """
        records = [one for one, _ in group]
        attempts = int(again)

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
                    await self._write_in_full([alone], again=again)
                return
            for _, written in group:
                if not written.done():
                    written.set_exception(error)
            return
        for one, written in group:
            _tell(written, ours=one.lane.slice_id not in lost)


def _tell(written: asyncio.Future[bool], *, ours: bool) -> None:
    if not written.done():
        written.set_result(ours)


class _Lasting:
    """A lasting connection that is opened when it is wanted, and anew some time after it was lost."""

    def __init__(self, database: Database, *settings: str) -> None:
        self._engine = database.engine
        self._settings = settings
        self._line: Line | None = None
        self._not_before = 0.0
        if self._engine.dialect.name == "sqlite":
            self._not_before = math.inf

    async def line(self) -> Line | None:
        """The open connection, or None while there is none."""
        if self._line is not None and not self._line.closed:
            return self._line
        if monotonic() < self._not_before:
            return None
        self._not_before = monotonic() + LINE_PAUSE
        try:
            self._line = await Line.open(self._engine, *self._settings)
        except Exception as error:  # noqa: BLE001 (the recorder must go on, or every lane would hang)
            log.warning("no lasting connection to the database (%s)", type(error).__name__)
            return None
        return self._line

    def close(self) -> None:
        if self._line is not None:
            self._line.close()


def is_away(error: Exception) -> bool:
    """Whether the database cannot be reached, is locked or was cut off: waiting may help."""
    return isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError | sa.exc.InternalError)
