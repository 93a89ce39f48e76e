"""The real service for tests: a database, a broker, a way out for mail, web and worker as processes.

    with World(tmp_path) as world:                      # SQLite, embedded broker, mailbox folder
        world.subscribe(220)
        world.start()                                   # web and worker; world.web.pid, world.worker.pid
        send_id = world.send_newsletter()
        world.wait_until_sent(send_id)
        world.received()                                # [Got(message_id, recipient), ...]

    World(tmp_path, database_url=postgresql.database(), broker_url=redis_server.url, mail="sink", delay_ms=5)
    World(tmp_path, mail=smtp_sinks())                  # Postfix's smtp-sink, which keeps whole mails

``settings`` adds or replaces PEYVAND_* variables of both processes. Keys are made and split as ``make run`` does:
the web process never has the worker's (C02). Everything is ended by pid when the block ends. Tests that use a
World are marked ``sockets``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import urllib.request
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from uuid import UUID

import sqlalchemy as sa
from alembic import command
from alembic.config import Config as AlembicConfig
from sqlalchemy.orm import Session

import app.factory  # noqa: F401 (every room's tables)
from app.audience import consents, wordings
from app.audience.models import NEWSLETTER
from app.core import clock, ids
from app.core.database import Base, Database
from app.core.sealing import Mac
from app.core.wake import BrokerWaker, Waker, waker_for
from app.desk.basics import ensure_basics
from app.newsletters import sending
from app.optin import requests
from app.optin.models import SUBSCRIPTION
from app.outbox.composing import message_id
from app.outbox.models import CLOSED, QUEUED, SENT, STATES, Delivery, Letter, Send, Slice
from app.staff.models import ADMIN, Account
from config import Config
from tests.journeys import arrivals
from tests.journeys.arrivals import Got
from tests.journeys.processes import ROOT, Child, recording_sink
from tests.journeys.readers import CHOICES, draft_issue, subscribe_all
from tests.servers.process import free_port, wait_until
from tests.servers.smtp_sink import SmtpSink
from workers import setup
from workers.embedded import web_command
from workers.keys import open_desk

T = TypeVar("T")


class World:
    """See the module. It has ``folder``, ``base_url``, ``way_out`` (of mail), ``database``, ``config``, ``desk`` (the worker's)."""

    def __init__(
        self,
        folder: Path | None = None,
        *,
        database_url: str = "",
        broker_url: str = "",
        mail: str | SmtpSink = "mailbox",
        delay_ms: float = 0,
        answers: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
    ) -> None:
        # A short path: the worker's socket stands in it. The given folder only holds the logs.
        self.folder = Path(tempfile.mkdtemp(prefix="peyvand-world-"))
        self.logs = folder or self.folder
        self.instance = self.folder / "instance"
        self.instance.mkdir(mode=0o700)
        self.port = free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.mailbox = self.instance / "mailbox"
        self.record = self.folder / "sink.record"
        self.sink: Child | None = None
        self.way_out = mail
        self._sink_port = free_port()
        if mail == "sink":
            self.restart_sink(delay_ms=delay_ms, answers=answers)
        self._settings = {
            "PORT": str(self.port),
            "PEYVAND_INSTANCE": str(self.instance),
            "PEYVAND_DATABASE_URL": database_url or f"sqlite:///{self.instance}/peyvand.sqlite",
            "PEYVAND_BROKER_URL": broker_url,
            "PEYVAND_SMTP_URL": self._way_out(),
            "PEYVAND_LEDGER": str(self.instance / "ledger.jsonl"),
            "PEYVAND_BASE_URL": self.base_url,
            "PEYVAND_EMBEDDED": "1" if mail == "mailbox" else "0",
            "PEYVAND_MAIL_FROM": "news@peyvand.example",
            "PEYVAND_UNDO_SECONDS": "0",
            "PEYVAND_KEPT_SECONDS": "0",
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "TMPDIR": str(self.folder),
            "LANG": "C.UTF-8",
            **(settings or {}),
        }
        self.keys = self.folder / "keys"
        setup.make_keys(self.keys)
        self.config = Config.from_env("worker", self.environment("worker"))
        self.desk = open_desk(self.config)
        self._waker = waker_for(self.config.broker_url, self.config.instance)
        self.database = Database(self.config.database_url, on_commit=self._waker)
        self.web = Child(web_command(self.port), self.environment("web"), self.logs / "web.log")
        self.workers: list[Child] = []
        self.worker = self.add_worker()
        self._make_schema()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self.close()
        if kind is not None:
            for child in (self.web, *self.workers):
                print(f"--- {child.log.name}\n{child.words[-4000:]}")

    def close(self) -> None:
        """End every process and remove the folder, but for the logs."""
        for child in (*self.workers, self.web, *([self.sink] if self.sink else [])):
            child.thaw()
            child.kill()
        self.database.dispose()
        _hang_up(self._waker)
        shutil.rmtree(self.folder, ignore_errors=True)

    # Processes

    def environment(self, role: str) -> dict[str, str]:
        """What the web or the worker process finds around it: settings, and its own keys alone."""
        return setup.environment_of(role, self.keys, self._settings)

    def add_worker(self) -> Child:
        """One more worker, not yet started."""
        number = len(self.workers) + 1
        child = Child(
            [sys.executable, "-m", "workers", "run"],
            self.environment("worker"),
            self.logs / f"worker-{number}.log",
        )
        self.workers.append(child)
        return child

    def start(self) -> None:
        """Start web and worker, and wait until both are ready."""
        self.web.start()
        self.start_worker()
        wait_until(self.answers, seconds=30, what="an answer of the web process")

    def start_worker(self, worker: Child | None = None) -> None:
        """Start a worker (the first where none is named) and wait until it is ready."""
        worker = worker or self.worker
        begun = worker.words.count("the worker is ready")
        worker.start()
        wait_until(
            lambda: worker.words.count("the worker is ready") > begun or not worker.running,
            seconds=30,
            what="the worker's start",
        )
        assert worker.running, worker.words[-2000:]

    def answers(self) -> bool:
        """Whether the web process answers."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/health", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:
            return False

    def restart_sink(self, *, delay_ms: float = 0, answers: Sequence[str] = ()) -> None:
        """Kill the recording sink and start it again on its port, with other manners; the record goes on."""
        if self.sink is not None:
            self.sink.kill()
        self.sink = recording_sink(
            self.folder, self._sink_port, delay_ms=delay_ms, answers=answers
        ).start()
        sink, before = self.sink, self.sink.words.count("\n")
        wait_until(
            lambda: sink.words.count("\n") > before or not sink.running, seconds=15, what="the sink"
        )
        assert sink.running, sink.words

    # The database

    def write(self, work: Callable[[Session], T]) -> T:
        """Do ``work`` in a unit of work; the processes are woken as the web would wake them."""
        with self.database.unit_of_work() as session:
            return work(session)

    def read(self, work: Callable[[Session], T]) -> T:
        """Read in a transaction of its own."""
        with self.database.reading() as session:
            return work(session)

    def subscribe(
        self,
        count: int,
        *,
        slug: str = "newsletter",
        stem: str = "reader",
        domains: Sequence[str] = ("readers.example",),
        choices: Sequence[tuple[str, ...]] = CHOICES,
    ) -> list[str]:
        """Put ``count`` confirmed readers on a list, about 5,000 a second; returns their addresses.

        The n-th reads ``choices[n % len(choices)]`` and lives at ``domains[n % len(domains)]``.
        """
        names = [f"{stem}{n}@{domains[n % len(domains)]}" for n in range(count)]
        self.write(lambda session: subscribe_all(session, self.desk, names, choices, slug))
        return names

    def ask(self, address: str, *, language: str = "fa") -> UUID:
        """Ask to subscribe, as the web process writes it down; returns the request's id."""
        request_id = ids.new()

        def ask(session: Session) -> None:
            wording = consents.current(session, wordings.NEWSLETTER, language)
            assert wording is not None
            fields = {
                "address": address,
                "languages": [language],
                "wording_id": wording.id,
                "subject": NEWSLETTER,
                "network": None,
            }
            requests.ask(
                session,
                request_id,
                SUBSCRIPTION,
                NEWSLETTER,
                self.desk.opener.seal("request", request_id, fields),
                language=language,
                now=clock.now(),
                keep_days=7,
            )

        self.write(ask)
        return request_id

    def account(self) -> int:
        """The id of the one staff account that may send."""

        def find(session: Session) -> int:
            found = session.scalar(sa.select(Account).where(Account.role == ADMIN))
            if found is None:
                found = Account(name="Roya", role=ADMIN, language="fa", password_hash="x")
                session.add(found)
                session.flush()
            return found.id

        return self.write(find)

    def issue(self, lists: Sequence[str] = ("newsletter",)) -> int:
        """The id of a newsletter in fa and en, ready to be sent."""

        return self.write(lambda session: draft_issue(session, lists))

    def send_newsletter(self, issue_id: int | None = None) -> int:
        """Schedule a newsletter to begin at once; returns the send's id."""
        account, issue = self.account(), issue_id or self.issue()
        return self.write(
            lambda session: (
                sending.schedule(session, issue, account, self.config, now=clock.now()).id
            )
        )

    def send_state(self, send_id: int) -> str:
        return self.read(
            lambda session: session.scalars(sa.select(Send.state).where(Send.id == send_id)).one()
        )

    def rows(self, send_id: int) -> Counter[str]:
        """The send's deliveries by state, counted row by row."""
        counted = sa.select(Delivery.state, sa.func.count()).where(Delivery.send_id == send_id)
        found = self.read(lambda session: session.execute(counted.group_by(Delivery.state)).all())
        return Counter(dict(found))

    def counters(self, send_id: int) -> Counter[str]:
        """The same as the slices' counters have it: what pages show."""
        sums = [sa.func.coalesce(sa.func.sum(getattr(Slice, state)), 0) for state in STATES]
        row = self.read(
            lambda session: session.execute(sa.select(*sums).where(Slice.send_id == send_id)).one()
        )
        return Counter({state: int(n) for state, n in zip(STATES, row, strict=True) if n})

    def wait_until_sent(self, send_id: int, *, seconds: float = 60) -> None:
        """Wait until nothing of the send is queued or on its way any more."""
        wait_until(
            lambda: self.send_state(send_id) in (SENT, CLOSED),
            seconds=seconds,
            what=f"the end of send {send_id} ({self.rows(send_id)})",
        )

    def wait_until_begun(self, send_id: int, mails: int = 1, *, seconds: float = 30) -> None:
        """Wait until ``mails`` of the send's rows have an outcome."""
        wait_until(lambda: self._done(send_id) >= mails, seconds=seconds, what=f"mail {mails}")

    def _done(self, send_id: int) -> int:
        rows = self.rows(send_id)
        return sum(rows.values()) - rows[QUEUED]

    def _make_schema(self) -> None:
        Base.metadata.create_all(self.database.engine)
        alembic = AlembicConfig(str(ROOT / "alembic.ini"))
        alembic.attributes["url"] = self.config.database_url
        alembic.set_main_option("script_location", str(ROOT / "migrations"))
        command.stamp(alembic, "head")
        self.write(lambda session: ensure_basics(session, self.config))

    # Mail

    def _way_out(self) -> str:
        if isinstance(self.way_out, SmtpSink):
            return self.way_out.url
        if self.way_out == "sink":
            return f"smtp://127.0.0.1:{self._sink_port}"
        return f"mailbox:{self.mailbox}" if self.way_out == "mailbox" else self.way_out

    def received(self) -> list[Got]:
        """Every mail that arrived, in no order."""
        if isinstance(self.way_out, SmtpSink):
            return arrivals.of_sink(self.way_out)
        if self.way_out == "sink":
            return arrivals.of_record(self.record)
        return arrivals.of_folder(self.mailbox)

    def arrived(self) -> int:
        """How many mails arrived; cheap enough to ask often."""
        if self.way_out == "sink":
            return self.record.read_bytes().count(b"\n") if self.record.exists() else 0
        if isinstance(self.way_out, SmtpSink):
            return len(self.way_out.mails())
        return len(arrivals.in_folder(self.mailbox))

    def wait_for_arrivals(self, count: int, *, seconds: float = 30) -> None:
        """Wait until ``count`` mails arrived in all."""
        wait_until(lambda: self.arrived() >= count, seconds=seconds, what=f"arrival {count}")

    def message_ids(self, send_id: int, *states: str) -> dict[str, str]:
        """Message-ID and state of the send's deliveries, of all or of those in ``states``."""
        rows = self.read(
            lambda session: session.execute(
                sa.select(Delivery.id, Delivery.state, Letter.key_id, Letter.sender)
                .join(Slice, Slice.id == Delivery.slice_id)
                .join(Letter, Letter.id == Slice.letter_id)
                .where(Delivery.send_id == send_id, Delivery.state.in_(states or STATES))
            ).all()
        )
        key = self.desk.indexer.child
        return {
            f"{message_id(Mac(key('message', row.key_id)), row.id)}@{row.sender.partition('@')[2]}": (
                row.state
            )
            for row in rows
        }

    def wait_for_mail(self, recipient: str, *, seconds: float = 20, count: int = 1) -> None:
        """Wait until ``count`` mails have come to ``recipient``."""
        wait_until(
            lambda: sum(got.recipient == recipient for got in self.received()) >= count,
            seconds=seconds,
            what=f"mail {count} to {recipient}",
        )


def _hang_up(waker: Waker) -> None:
    """Close a waker's connections to its broker, which may be gone."""
    if isinstance(waker, BrokerWaker):
        with contextlib.suppress(Exception):
            waker._broker.close()
        client = getattr(waker._broker, "client", None)
        if client is not None:
            client.close()
            client.connection_pool.disconnect()
