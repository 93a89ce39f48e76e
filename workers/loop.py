"""The worker's one process: the sender's event loop, the chores on a thread beside it, and the alarm that nudges both."""

from __future__ import annotations

import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import sqlalchemy as sa

from app.audience.ledger import Ledger
from app.core.database import Database
from app.optin import answering
from app.optin.letters import Letters
from app.outbox.sending import Sender
from app.outbox.workers import Presence
from config import Config, ConfigError
from emails.errors import TransportURLError
from emails.opening import transport_for
from emails.transport import Transport
from workers.broker import Alarm
from workers.chores import Chores
from workers.keys import open_desk
from workers.requests import Room

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.002
"""On a database server, outcomes of all connections gather this long before one commit (group commit)."""


class WorkerProcess:
    """A worker from its start to its clean end."""

    def __init__(self, config: Config) -> None:
        self._config = config
        desk = open_desk(config)
        self._database = Database(config.database_url)
        self._presence = Presence()
        ledger = Ledger(config.ledger)
        ledger.begin()
        room = Room(desk, config, ledger, Letters(config, desk.indexer.key_id))
        self._chores = Chores(self._database, room, self._presence)
        server = not config.database_url.startswith("sqlite")
        self._sender = Sender(
            self._database,
            desk,
            _transport(config),
            worker_id=self._presence.id,
            connections=config.smtp_connections,
            on_accepted=partial(answering.mail_accepted, config=config),
            gather_seconds=GATHER_SECONDS if server else 0.0,
        )
        self._nudged = asyncio.Event()
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Work until SIGTERM or SIGINT, then drain: mails in flight are finished and recorded (R03)."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)

        def nudge() -> None:
            loop.call_soon_threadsafe(self._nudge)

        alarm = Alarm(self._config, nudge)
        alarm.start()
        log.info("the worker is ready")
        try:
            await asyncio.gather(self._sender.run(), self._do_chores())
        finally:
            await loop.run_in_executor(None, alarm.stop)
            self._presence.leave()
            self._database.dispose()
        log.info("the worker has ended")

    def _nudge(self) -> None:
        self._nudged.set()
        self._sender.nudge()

    def _stop(self) -> None:
        self._stopping.set()
        self._nudged.set()
        self._sender.stop()

    async def _do_chores(self) -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="chores") as thread:
            while not self._stopping.is_set():
                self._nudged.clear()
                try:
                    more = await loop.run_in_executor(thread, self._chores.run)
                except sa.exc.DBAPIError as error:
                    log.warning("the database is away (%s)", type(error.orig).__name__)
                    more = False
                except Exception as error:  # noqa: BLE001 (a worker that stops sends nothing)
                    log.error("a chore failed: %s", type(error).__name__)
                    more = False
                self._sender.nudge()
                if not more:
                    await self._rest()
            try:
                await loop.run_in_executor(thread, self._chores.leave)
            except sa.exc.DBAPIError:
                log.warning("the database is away; this worker's row stays until it is missed")

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._nudged.wait()
        except TimeoutError:
            pass


def _transport(config: Config) -> Transport:
    try:
        return transport_for(config.smtp_url, ehlo=config.ehlo_name or config.mail_domain)
    except TransportURLError as error:
        raise ConfigError(f"PEYVAND_SMTP_URL: {error}.") from None


def run(config: Config) -> None:
    """Run a worker in this process until it is told to end. Raises ConfigError for an odd setting."""
    import uvloop

    async def main() -> None:
        await WorkerProcess(config).run()

    uvloop.run(main())
