"""The sender: one event loop that keeps connections open and drives lanes through them (the road).

Each lane sends its slice in order. The gate: a mail's outcome is durable before the next mail's body goes out on
that connection; one commit records whatever has gathered over all of them. Nothing here sleeps while it holds a
slice that could go on, and no exception of a mail server ever reaches this room: outcomes are data.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from time import monotonic
from typing import Final, TypeVar
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import clock
from app.core.database import Database
from app.outbox import lanes, pacing
from app.outbox.composing import Composer
from app.outbox.lanes import Lane
from app.outbox.posting import REST
from app.outbox.queueing import Queue, Ready
from app.outbox.recording import Accepted, Record, record
from emails.errors import ConnectError
from emails.transport import Connection, Outcome, Transport

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 1.5
"""A row read longer ago is read again before it goes, so that who left a moment ago gets nothing (C18)."""
BATCH: Final = 64
LOOK_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 30.0
REST_SECONDS: Final = 0.25
MOST_FAILURES: Final = 5
"""While the mail server is away the lanes rest from half a second up to eight (R04)."""
STOP_SECONDS: Final = 5.0
"""How long a stop waits for a database that is away."""
DRAIN_SECONDS: Final = 8.0
"""How long a stop waits for a mail server's answer; a mail without one by then is listed as unknown (R03)."""
URGENT: Final = 1
"""Priorities up to this one have lanes of their own and overtake newsletters."""
MOST_URGENT_LANES: Final = 8
"""Each carries thousands of confirmations a minute; more would only keep newsletters from the connections."""
_UNMAILABLE: Final = Outcome("bounced")

T = TypeVar("T")


class Sender:
    """Sends what is on the road, until it is stopped; several workers may each run one."""

    def __init__(
        self,
        database: Database,
        desk: Desk,
        transport: Transport,
        *,
        worker_id: UUID,
        connections: int,
        on_accepted: Accepted | None = None,
        gather_seconds: float = 0.0,
    ) -> None:
        self._database = database
        self._desk = desk
        self._transport = transport
        self._owner = worker_id
        self._connections = connections
        self._on_accepted = on_accepted
        self._gather = gather_seconds
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="sender")
        self._stopping = asyncio.Event()
        self._nudged = asyncio.Event()
        self._outcomes: deque[tuple[Record, asyncio.Future[None]]] = deque()
        self._recorded = asyncio.Event()
        self._rest_until = 0.0
        self._failures = 0

    def nudge(self) -> None:
        """Look for work now. Call it in the loop's thread."""
        self._nudged.set()

    def stop(self) -> None:
        """Finish the mails in flight, record them, give every slice back, and end (R03)."""
        self._stopping.set()
        self._nudged.set()

    async def run(self) -> None:
        """Send until stopped."""
        urgent = urgent_lanes(self._connections)
        recorder = asyncio.create_task(self._recorder())
        runners = [
            _Runner(self, URGENT if number < urgent else 1000)
            for number in range(self._connections)
        ]
        try:
            while not self._stopping.is_set():
                self._nudged.clear()
                if monotonic() >= self._rest_until:
                    await self._hand_out(runners)
                await _wait(self._nudged, LOOK_SECONDS)
                for runner in runners:
                    await runner.close_if_idle()
        finally:
            await asyncio.gather(*(runner.end() for runner in runners))
            self._recorded.set()
            recorder.cancel()
            self._threads.shutdown(wait=True)

    async def _hand_out(self, runners: list[_Runner]) -> None:
        nothing_for: int | None = None
        for runner in runners:
            if not runner.free or (nothing_for is not None and runner.most <= nothing_for):
                continue
            lane = await self._claim(runner.most)
            if lane is None:
                nothing_for = runner.most
            else:
                runner.begin(lane)

    async def _claim(self, most: int) -> Lane | None:
        def claim(session: Session) -> Lane | None:
            return lanes.claim(session, self._owner, most=most, now=clock.now())

        try:
            return await self.in_transaction(claim)
        except sa.exc.DBAPIError as error:
            log.warning("the database is away (%s); looking again", type(error.orig).__name__)
            return None

    async def in_transaction(self, work: Callable[[Session], T]) -> T:
        """Run ``work`` in a unit of work on a thread of its own."""

        def run() -> T:
            with self._database.unit_of_work() as session:
                return work(session)

        return await asyncio.get_running_loop().run_in_executor(self._threads, run)

    async def persist(self, work: Callable[[Session], T]) -> T:
        """Like ``in_transaction``, again and again while the database is away (R04).

        Raises the database's error when it stays away while the sender is being stopped.
        """
        wait, stopping_since = 0.1, 0.0
        while True:
            try:
                return await self.in_transaction(work)
            except sa.exc.DBAPIError as error:
                if self.stopping:
                    stopping_since = stopping_since or monotonic()
                    if monotonic() - stopping_since > STOP_SECONDS:
                        raise
                log.warning("the database is away (%s); waiting", type(error.orig).__name__)
                await asyncio.sleep(wait)
                wait = min(wait * 2, 5.0)

    async def durable(self, outcome: Record) -> None:
        """Return once this outcome is committed: the gate."""
        written: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._outcomes.append((outcome, written))
        self._recorded.set()
        await written

    async def _recorder(self) -> None:
        while True:
            await self._recorded.wait()
            self._recorded.clear()
            if self._gather:
                await asyncio.sleep(self._gather)
            group = list(self._outcomes)
            self._outcomes.clear()
            if not group:
                continue
            records = [one for one, _ in group]

            def write(session: Session, records: list[Record] = records) -> None:
                record(
                    session, self._owner, records, now=clock.now(), on_accepted=self._on_accepted
                )

            try:
                await self.persist(write)
            except sa.exc.DBAPIError as error:
                for _, written in group:
                    written.set_exception(error)
                continue
            for _, written in group:
                written.set_result(None)

    async def connect(self) -> Connection | None:
        """A connection, or None while the mail server is away; all lanes rest a moment then (R04)."""
        try:
            connection = await self._transport.connect()
        except ConnectError:
            # Lanes that fail together count as one failure, or a short absence would cost a long rest.
            if monotonic() >= self._rest_until:
                self._failures = min(self._failures + 1, MOST_FAILURES)
                self._rest_until = monotonic() + REST_SECONDS * 2**self._failures
            log.warning("the mail server was not reached; trying again")
            return None
        self._failures, self._rest_until = 0, 0.0
        return connection

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    @property
    def owner(self) -> UUID:
        return self._owner

    @property
    def desk(self) -> Desk:
        return self._desk


def urgent_lanes(connections: int) -> int:
    """How many of a worker's connections wait for confirmations and test mails while newsletters go."""
    return min(max(1, connections // 4), MOST_URGENT_LANES) if connections > 1 else 0


class _Runner:
    """One lasting connection and the slice it works through."""

    def __init__(self, sender: Sender, most: int) -> None:
        self._sender = sender
        self.most = most
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._in_flight = False
        self._idle_since = monotonic()

    @property
    def free(self) -> bool:
        return self._task is None or self._task.done()

    def begin(self, lane: Lane) -> None:
        self._task = asyncio.create_task(self._guarded(lane))
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._idle_since = monotonic()
        if not task.cancelled() and task.exception() is not None:
            log.error("a lane could not be given back: %s", type(task.exception()).__name__)
        self._sender.nudge()

    async def _guarded(self, lane: Lane) -> None:
        """Work; after an error that nobody foresaw, list the mail in flight as unknown and go on with others."""
        try:
            await self._work(lane)
        except asyncio.CancelledError:
            log.warning("a mail server did not answer before the end")
            await self._abandon(lane, timedelta())
        except Exception as error:  # noqa: BLE001 (a lane that dies silently would hold its slice for ever)
            # The type only: an exception's text may hold what no log may (C23).
            log.error("a lane ended with %s", type(error).__name__)
            await self._abandon(lane, pacing.GREYLIST_PAUSE)

    async def _abandon(self, lane: Lane, pause: timedelta) -> None:
        in_flight, self._in_flight = self._in_flight, False

        def abandon(session: Session) -> None:
            now = clock.now()
            lanes.abandon(
                session,
                lane,
                self._sender.owner,
                now=now,
                in_flight=in_flight,
                not_before=now + pause,
            )

        await self._sender.persist(abandon)
        await self._hang_up()

    async def end(self) -> None:
        """Let the mail in flight be finished and recorded; who waits for an answer too long is cut off."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=DRAIN_SECONDS)
            if not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task])
        await self._hang_up()

    async def close_if_idle(self) -> None:
        if self.free and self._connection and monotonic() - self._idle_since > IDLE_SECONDS:
            await self._hang_up()

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _work(self, lane: Lane) -> None:
        sender = self._sender
        letter = await sender.persist(lambda session: lanes.letter_of(session, lane))
        queue = Queue(sender, lane, Composer(letter, sender.desk))
        pause: timedelta | None = None
        cuts = 0
        while not sender.stopping and pause is None:
            mail = await queue.next()
            if mail is None:
                break
            if self._connection is None:
                self._connection = await sender.connect()
                queue.put_back(mail)
                if self._connection is None:
                    pause = timedelta()
                continue
            before = queue.recorded
            last = await self._run(queue, mail)
            if last is not None and last.code == 421:
                pause = pacing.GREYLIST_PAUSE
            elif last is not None and last.pauses_destination:
                # "rest" is many domains: one that refuses us must not stall the others (M09).
                pause = pacing.DESTINATION_PAUSE if lane.destination != REST else None
            elif last is not None:
                cuts = cuts + 1 if queue.recorded == before else 0
                pause = pacing.GREYLIST_PAUSE if cuts >= 3 else None
        await self._give_back(lane, pause)

    async def _run(self, queue: Queue, mail: Ready) -> Outcome | None:
        """Send from ``mail`` on over the open connection; what ended it, or None when the queue did."""
        connection = self._connection
        assert connection is not None  # noqa: S101
        refused: Outcome | None = await connection.offer(mail.composed.envelope)
        while True:
            if refused is None:
                following = None if self._sender.stopping else await queue.next()
                self._in_flight = True
                outcome, refused = await connection.deliver(
                    mail.composed.message, following.composed.envelope if following else None
                )
            else:
                outcome, following, refused = refused, None, None
            unsent = outcome.state == "unsent"
            if unsent:
                queue.put_back(mail)
            else:
                await queue.record(mail, outcome)
            self._in_flight = False
            if unsent or outcome.ends_connection or outcome.pauses_destination:
                await self._hang_up()
                if following is not None:
                    queue.put_back(following)
                return outcome
            if following is None:
                following = None if self._sender.stopping else await queue.next()
                if following is None:
                    return None
                refused = await connection.offer(following.composed.envelope)
            mail = following

    async def _give_back(self, lane: Lane, pause: timedelta | None) -> None:
        def release(session: Session) -> None:
            now = clock.now()
            lanes.release(
                session,
                lane,
                self._sender.owner,
                now=now,
                not_before=now + pause if pause is not None else None,
            )
            if pause == pacing.DESTINATION_PAUSE:
                lanes.rest_destination(session, lane.destination, not_before=now + pause)

        await self._sender.persist(release)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
