"""A sender over a transport in memory, with a road of deliveries before it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import ids
from app.core.database import Database
from app.outbox.models import DONE, QUEUED, Delivery, Slice
from app.outbox.sending import Sender
from emails.errors import ConnectError
from emails.memory import MemoryTransport
from emails.transport import Connection, Envelope, Outcome
from tests.outbox.road import (
    a_send,
    a_slice,
    counters_agree,
)

GREYLISTED = Outcome("unsent", 421, "4.7.0", scope="connection")


CUT = Outcome("unsent", scope="connection")


@dataclass
class Away:
    """A mail server that is not there for the first few attempts."""

    refusals: int
    there: MemoryTransport = field(default_factory=MemoryTransport)

    async def connect(self) -> Connection:
        if self.refusals:
            self.refusals -= 1
            raise ConnectError("refused")
        return await self.there.connect()


@dataclass
class Hanging(MemoryTransport):
    """A mail server that does not answer the first body before ``go_on`` is set."""

    hangs: bool = False
    go_on: asyncio.Event = field(default_factory=asyncio.Event)

    async def connect(self) -> Connection:
        return _HangingConnection(self, await super().connect())


@dataclass
class _HangingConnection:
    server: Hanging
    open: Connection

    async def offer(self, envelope: Envelope) -> Outcome | None:
        return await self.open.offer(envelope)

    async def deliver(
        self, message: bytes, then: Envelope | None = None
    ) -> tuple[Outcome, Outcome | None]:
        if not self.server.hangs:
            self.server.hangs = True
            await self.server.go_on.wait()
        return await self.open.deliver(message, then)

    async def close(self) -> None:
        await self.open.close()


async def wait_until(condition: Callable[[], bool], seconds: float) -> None:
    """Look again and again: what is waited for is a row or a list, and no event tells of it."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


class Road:
    """One worker's sender on one database."""

    def __init__(self, database: Database, desk: Desk) -> None:
        self.database, self.desk = database, desk
        self.told: list[UUID] = []

    def sends(self, count: int, *, slices: int = 1) -> None:
        with self.database.unit_of_work() as session:
            send = a_send(session)
            for number in range(slices):
                a_slice(session, self.desk, send, count, domain=f"d{number}.example")

    def sends_more(self) -> None:
        with self.database.unit_of_work() as session:
            a_slice(session, self.desk, a_send(session, subject="2"), 1, domain="more.example")

    def run(
        self,
        transport: MemoryTransport | Away,
        *,
        connections: int = 1,
        until: Callable[[], bool] | None = None,
        seconds: float = 20,
    ) -> None:
        """Run a sender until nothing is queued, or ``until`` holds; then stop it."""
        settled = until or self.settled

        async def main() -> None:
            sender = Sender(
                self.database,
                self.desk,
                transport,
                worker_id=ids.new(),
                connections=connections,
                on_accepted=self.note,
            )
            running = asyncio.create_task(sender.run())
            await wait_until(settled, seconds)
            sender.stop()
            await running

        asyncio.run(main())

    def note(self, _: Session, requests: Sequence[UUID], now: datetime) -> None:
        self.told.extend(requests)

    def states(self) -> Counter[str]:
        with self.database.reading() as reading:
            return Counter(reading.scalars(sa.select(Delivery.state)))

    def slices(self) -> list[Slice]:
        with self.database.reading() as reading:
            return list(reading.scalars(sa.select(Slice).order_by(Slice.id)))

    def settled(self) -> bool:
        return self.states()[QUEUED] == 0 and all(one.state == DONE for one in self.slices())

    def agree(self) -> None:
        with self.database.unit_of_work() as session:
            counters_agree(session)
