"""A lane's rows on their way to the wire: read a batch at a time, composed one by one, never stale (C18)."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from time import monotonic
from typing import Final

from app.core import clock
from app.core.errors import MisplacedBoxError
from app.outbox.composing import Composed, Composer
from app.outbox.gate import Gate
from app.outbox.lanes import Fetched, Lane, Outgoing
from app.outbox.recording import Record
from emails.transport import Outcome

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 1.5
"""A row read longer ago is read again before it goes, so that who left a moment ago gets nothing."""
SMALLEST_BATCH: Final = 4
FIRST_BATCH: Final = 32
LARGEST_BATCH: Final = 128
"""A lane reads about what it sends while a row is fresh: what is left over was read in vain."""
UNMAILABLE: Final = Outcome("bounced")


class Ready:
    """A mail with its composed form."""

    __slots__ = ("composed", "outgoing", "read_at")

    def __init__(self, outgoing: Outgoing, composed: Composed, read_at: float) -> None:
        self.outgoing = outgoing
        self.composed = composed
        self.read_at = read_at


class Queue:
    """A lane's rows in order, read a batch at a time and never older than two seconds when they go."""

    def __init__(self, gate: Gate, lane: Lane, composer: Composer) -> None:
        self._gate = gate
        self._lane = lane
        self._composer = composer
        self._rows: deque[Outgoing] = deque()
        self._read_at = 0.0
        self._after = -1
        self._batch = FIRST_BATCH
        self._taken = 0
        self._back: Ready | None = None
        self.recorded = 0

    def at_hand(self) -> Ready | None:
        """What ``next`` gives where nothing has to be waited for, and None where something has."""
        rows = self._rows
        if not rows or self._back is not None or monotonic() - self._read_at > FRESH_SECONDS:
            return None
        composed = self._compose(rows[0])
        if not isinstance(composed, Composed):
            return None
        row = rows.popleft()
        self._taken += 1
        self._after = row.position
        return Ready(row, composed, self._read_at)

    async def next(self) -> Ready | None:
        """The next mail to go, composed; None when nothing is left or the send was paused."""
        while True:
            back, self._back = self._back, None
            if back is not None:
                self._after = back.outgoing.position - 1
                self._rows.clear()
            if not self._rows or monotonic() - self._read_at > FRESH_SECONDS:
                await self._read()
                if not self._rows:
                    return None
            row = self._rows.popleft()
            self._taken += 1
            self._after = row.position
            composed = self._compose(row)
            if isinstance(composed, Composed):
                return Ready(row, composed, self._read_at)
            refused = isinstance(composed, MisplacedBoxError)
            if not await self._gate.durable(
                Record(self._lane, row, UNMAILABLE, refused_box=refused)
            ):
                # The lane is another worker's by now: what was read of it is not ours to send, however fresh.
                self._rows.clear()

    async def _read(self) -> None:
        self._batch = self._fitting(monotonic() - self._read_at)
        self._taken = 0
        read_at = monotonic()
        fetched = await self._fetch()
        while fetched.passed_over and not fetched.mails:
            read_at = monotonic()
            fetched = await self._fetch()
        self._rows = deque(fetched.mails)
        self._read_at = read_at

    async def _fetch(self) -> Fetched:
        return await self._gate.fetch(self._lane, after=self._after, limit=self._batch)

    def _fitting(self, seconds: float) -> int:
        """How many rows to read, by what became of the last batch within so many ``seconds``."""
        if not self._taken:
            return self._batch
        if self._rows:
            return max(SMALLEST_BATCH, self._taken)
        return min(LARGEST_BATCH, self._batch * 2) if seconds < FRESH_SECONDS / 2 else self._batch

    def _compose(self, row: Outgoing) -> Composed | Exception:
        """The mail, or why there is none: one row that cannot be composed must not hold up the lane."""
        try:
            return self._composer.compose(row, now=clock.now())
        except Exception as error:  # noqa: BLE001 (what a damaged box may hold, nobody can foresee)
            log.error("a delivery was refused: %s", type(error).__name__)
            return error

    def put_back(self, mail: Ready) -> None:
        """This mail did not go: it is read again, and is the next."""
        if self._back is None or mail.outgoing.position < self._back.outgoing.position:
            self._back = mail

    def record(self, mail: Ready, outcome: Outcome) -> asyncio.Future[bool]:
        """Make an outcome durable; False when the lane is another worker's by now and must stop."""
        self.recorded += 1
        return self._gate.durable(Record(self._lane, mail.outgoing, outcome))
