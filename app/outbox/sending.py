"""The sender: one event loop that keeps connections open and drives lanes through them (the road).

Each lane sends its slice in order. The gate: a mail's outcome is durable before the next mail's body goes out on
that connection; one commit records whatever has gathered over all of them. Nothing here sleeps while it holds a
slice that could go on, and no exception of a mail server ever reaches this room: outcomes are data.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from time import monotonic
from typing import Final
from uuid import UUID
from weakref import WeakValueDictionary

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import clock
from app.core.database import Database
from app.outbox import lanes, pacing, takeover
from app.outbox.composing import Composer
from app.outbox.gate import Gate
from app.outbox.lanes import Lane
from app.outbox.posting import REST
from app.outbox.queueing import Queue, Ready
from app.outbox.recording import Accepted
from emails.errors import ConnectError
from emails.transport import Connection, Outcome, Transport

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 30.0
REST_SECONDS: Final = 0.25
MOST_FAILURES: Final = 5
"""While the mail server is away the lanes rest from half a second up to eight (R04)."""
DRAIN_SECONDS: Final = 8.0
"""How long a stop waits for a mail server's answer; a mail without one by then is listed as unknown (R03)."""
URGENT: Final = 1
"""Priorities up to this one have lanes of their own and overtake newsletters."""
MOST_URGENT_LANES: Final = 8
"""Each carries thousands of confirmations a minute; more would only keep newsletters from the connections."""


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
        self._desk = desk
        self._transport = transport
        self._owner = worker_id
        self._connections = connections
        self._stopping = asyncio.Event()
        self._nudged = asyncio.Event()
        self.gate = Gate(
            database,
            worker_id,
            stopping=self._stopping,
            on_accepted=on_accepted,
            gather_seconds=gather_seconds,
        )
        self._rest_until = 0.0
        self._failures = 0
        self._runners: list[_Runner] = []
        self._claim_in_doubt = False
        self._composers: WeakValueDictionary[int, Composer] = WeakValueDictionary()

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
        recorder = asyncio.create_task(self.gate.run())
        self._runners = runners = [
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
            recorder.cancel()
            self.gate.close()

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
        held = [runner.lane.slice_id for runner in self._runners if runner.lane]
        in_doubt = self._claim_in_doubt

        def claim(session: Session) -> Lane | None:
            if in_doubt:
                takeover.disown(session, self._owner, but=held)
            return lanes.claim(session, self._owner, most=most, now=clock.now(), but=held)

        try:
            lane = await self.gate.in_transaction(claim)
        except sa.exc.SQLAlchemyError as error:
            # The commit may have been made all the same.
            self._claim_in_doubt = True
            log.warning("the database is away (%s); looking again", type(error).__name__)
            return None
        self._claim_in_doubt = False
        return lane

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

    async def composer(self, lane: Lane) -> Composer:
        """What composes the lane's mails; lanes of one letter that are worked through share it.

        It goes with the last of them: as long as one lasts, its letter cannot be replaced by another of its number.
        """
        found = self._composers.get(lane.letter_id)
        if found is None:
            letter = await self.gate.persist(lambda session: lanes.letter_of(session, lane))
            found = self._composers[lane.letter_id] = Composer(letter, self._desk)
        return found

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    @property
    def owner(self) -> UUID:
        return self._owner


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
        self.lane: Lane | None = None
        self._idle_since = monotonic()

    @property
    def free(self) -> bool:
        return self._task is None or self._task.done()

    def begin(self, lane: Lane) -> None:
        self.lane = lane
        self._task = asyncio.create_task(self._guarded(lane))
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self.lane = None
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
            takeover.abandon(
                session,
                lane,
                self._sender.owner,
                now=now,
                in_flight=in_flight,
                not_before=now + pause,
            )

        await self._sender.gate.persist(abandon)
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
        queue = Queue(sender.gate, lane, await sender.composer(lane))
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
                following = None
                if not self._sender.stopping:
                    following = queue.at_hand() or await queue.next()
                self._in_flight = True
                outcome, refused = await connection.deliver(
                    mail.composed.message, following.composed.envelope if following else None
                )
            else:
                outcome, following, refused = refused, None, None
            unsent, ours = outcome.state == "unsent", True
            if unsent:
                queue.put_back(mail)
            else:
                ours = await queue.record(mail, outcome)
            self._in_flight = False
            if not ours or unsent or outcome.ends_connection or outcome.pauses_destination:
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

        await self._sender.gate.persist(release)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
