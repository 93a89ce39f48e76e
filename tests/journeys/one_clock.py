"""The whole service in this process under one clock that stands still: the web served to a real browser, the worker called.

with OneClock(tmp_path, database_url, begin=MONDAY) as service:
    service.moves_to(MONDAY + timedelta(hours=3))   # for web, worker and whoever signs by a link of that day
    service.turns()                                 # the worker's round: chores, and mails until none is left
    service.mail_to("leila@example.org").code
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime, timedelta
from email import policy
from email.parser import BytesParser
from pathlib import Path
from typing import Final, Self, TypeVar
from uuid import UUID

import time_machine
from click.testing import CliRunner
from sqlalchemy.orm import Session

from app.audience.ledger import Ledger
from app.core import clock
from app.core.database import Base, Database
from app.factory import create_app
from app.optin import answering
from app.optin.letters import Letters
from app.outbox.workers import Presence
from app.staff import invitations
from app.web.context import services
from config import Config
from emails.memory import MemoryTransport
from tests.journeys.colleagues import Colleague
from tests.journeys.mails import Mail
from tests.journeys.serving import serving
from tests.outbox.senders import Road
from tests.servers.process import free_port
from workers import demo, setup
from workers.__main__ import cli
from workers.chores import Chores
from workers.keys import open_desk
from workers.requests import Room

T = TypeVar("T")

MOST_ROUNDS: Final = 40
"""Of chores in one turn; each does a hundred requests at most."""


class OneClock:
    """See the module. It has ``base_url``, ``database``, ``keys`` (the folder), ``config`` (the worker's)."""

    def __init__(self, folder: Path, database_url: str, *, begin: datetime) -> None:
        self.keys = folder / "keys"
        setup.make_keys(self.keys)
        port = free_port()
        self.base_url = f"http://127.0.0.1:{port}"
        settings = {
            "PEYVAND_DATABASE_URL": database_url,
            "PEYVAND_BASE_URL": self.base_url,
            "PEYVAND_INSTANCE": str(folder),
            "PEYVAND_LEDGER": str(folder / "ledger.jsonl"),
            "PEYVAND_MAIL_FROM": "news@peyvand.example",
            "PEYVAND_KEPT_SECONDS": "0",
            # All sign from this one computer, and staff stay at work for half a day.
            "PEYVAND_FORMS_AN_HOUR": "10000",
            "PEYVAND_BURST_NETWORK": "10000",
            "PEYVAND_IDLE_MINUTES": "240",
        }
        self._worker = setup.environment_of("worker", self.keys, settings)
        self.config = Config.from_env("worker", self._worker)
        self.database = Database(database_url)
        Base.metadata.create_all(self.database.engine)
        web = Config.from_env("web", setup.environment_of("web", self.keys, settings))
        self._app, self._port = create_app(web), port
        desk = open_desk(self.config)
        letters = Letters(self.config, desk.indexer.key_id)
        room = Room(desk, self.config, Ledger(self.config.ledger), letters)
        self._presence = Presence(folder)
        self._chores = Chores(self.database, room, self._presence)
        self._transport = MemoryTransport()
        self._road = _Road(self.database, desk)
        self._road.config = self.config
        self._mails: dict[str, list[Mail]] = {}
        self._read = 0
        self._clock = time_machine.travel(begin, tick=False)
        self._until = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as until:
            until.enter_context(self.database)
            with self._app.app_context():
                until.enter_context(services().database)
            until.callback(self._presence.leave)
            # The browser's own loop runs in the test's thread.
            self._thread = until.enter_context(ThreadPoolExecutor(1, thread_name_prefix="worker"))
            self._traveller = until.enter_context(self._clock)
            self.turns()
            until.enter_context(serving(self._app, port=self._port))
            self._until = until.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._until.close()

    # Time

    @property
    def now(self) -> datetime:
        return clock.now()

    def moves_to(self, moment: datetime) -> None:
        """Let it be that moment everywhere, and the worker have its turn."""
        self._traveller.move_to(moment)
        self.turns()

    def passes(self, **time: float) -> None:
        """Let so much time pass: ``passes(hours=2)``."""
        self.moves_to(self.now + timedelta(**time))

    # The worker

    def turns(self) -> None:
        """The worker's chores and mails, until nothing is left to do at this moment."""
        self._thread.submit(self._turn).result()

    def _turn(self) -> None:
        for _ in range(MOST_ROUNDS):
            more = self._chores.run()
            if not self._road.settled():
                self._road.run(self._transport, connections=2)
            elif not more:
                return
        raise AssertionError("the worker finds no end")

    def read(self, work: Callable[[Session], T]) -> T:
        """Read in a transaction of its own."""
        with self.database.reading() as session:
            return work(session)

    def calls(self, *words: object) -> str:
        """``python -m workers`` with these words, on the server; returns what it said."""
        # What the run's own environment may hold is none of the server's.
        own = dict.fromkeys((name for name in os.environ if name.startswith("PEYVAND_")), "")
        said = CliRunner().invoke(cli, [str(word) for word in words], env={**own, **self._worker})
        assert said.exit_code == 0, said.output
        return said.output

    # People

    def lets_in(self, colleague: Colleague) -> None:
        """Sign a colleague in by a link of this day."""

        with self.database.unit_of_work() as session:
            token = invitations.sign_in_link(session, demo.account(session), self.now)
        colleague.opens(invitations.address(self.base_url, token))
        with colleague.page.expect_navigation():
            colleague.page.locator("main form button").click()

    def mail_to(self, address: str) -> Mail:
        """The newest mail to this address, as it was composed and sent."""
        for sent in self._transport.messages[self._read :]:
            to = sent.envelope.recipient
            message = BytesParser(policy=policy.default).parsebytes(sent.message)
            self._mails.setdefault(to, []).append(Mail(to, message))
        self._read = len(self._transport.messages)
        assert self._mails.get(address), f"no mail to {address}"
        return self._mails[address][-1]


class _Road(Road):
    """The sender, which tells the requests that their mails left, as the worker's does."""

    config: Config

    def note(self, session: Session, requests: Sequence[UUID], now: datetime) -> None:
        answering.mail_accepted(session, requests, now, config=self.config)
