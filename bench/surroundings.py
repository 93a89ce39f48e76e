"""What a measurement stands on: PostgreSQL with its durable defaults, keys, and the service's real processes."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.core.database import Database
from app.core.wake import SOCKET_NAME
from app.desk.basics import ensure_basics
from bench.processes import listeners
from config import Config
from tests.servers.postgresql import PostgreSQL
from tests.servers.process import LOOPBACK, answers, free_port, wait_until
from workers import setup
from workers.embedded import web_command

ROOT: Final = Path(__file__).resolve().parents[1]
DOMAIN: Final = "peyvand.example"


@dataclass
class Process:
    """One of the service's processes, started here and ended here."""

    name: str
    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def end(self) -> None:
        """SIGTERM, and SIGKILL when it takes longer than ten seconds; prints what it logged if it failed."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
        if "ERROR" in (text := self.log.read_text("utf-8", "replace")) or self.popen.returncode > 0:
            print(f"  {self.name} said:\n{text[-2000:]}", file=sys.stderr)


@dataclass
class Surroundings:
    """A server, keys and one database with the schema and what every instance has."""

    postgresql: PostgreSQL
    folder: Path
    url: str = ""
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def new_database(self, *, template: str | None = None) -> str:
        """A fresh database, or a copy of another; it is the one used from now on."""
        self.url = self.postgresql.database(template=template)
        if template is None:
            setup.upgrade(self.url)
            database = self.database()
            with database.unit_of_work() as session:
                ensure_basics(session, self.config("worker"))
            database.dispose()
        return self.url

    def database(self) -> Database:
        return Database(self.url)

    def environment(self, role: str, **settings: str) -> dict[str, str]:
        """One process's settings: its own keys, the database, and no word of the other's."""
        given = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "PEYVAND_DATABASE_URL": self.url,
            "PEYVAND_BASE_URL": f"https://{DOMAIN}",
            "PEYVAND_MAIL_FROM": f"news@{DOMAIN}",
            "PEYVAND_INSTANCE": str(self.folder / "instance"),
            "PEYVAND_LEDGER": str(self.folder / "ledger.jsonl"),
            **settings,
        }
        return setup.environment_of(role, self.folder / "keys", given)

    def config(self, role: str, **settings: str) -> Config:
        return Config.from_env(
            "web" if role == "web" else "worker", self.environment(role, **settings)
        )

    def instance(self, number: int) -> str:
        """The folder of one worker, where its wake socket stands."""
        return str(self.folder / f"worker{number}")

    def wake_socket(self, number: int) -> Path:
        """Where a worker of an embedded broker listens."""
        return Path(self.instance(number)) / SOCKET_NAME

    def start_worker(self, number: int, *, smtp_port: int, connections: int) -> Process:
        """``python -m workers run``, ready."""
        environment = self.environment(
            "worker",
            PEYVAND_SMTP_URL=f"smtp://{LOOPBACK}:{smtp_port}",
            PEYVAND_SMTP_CONNECTIONS=str(connections),
            PEYVAND_INSTANCE=self.instance(number),
        )
        process = self._start(f"worker {number}", ["-m", "workers", "run"], environment)
        wait_until(
            lambda: b"is ready" in process.log.read_bytes() or process.popen.poll() is not None,
            seconds=30,
            what="a worker's start",
        )
        return process

    def start_web(self, *, instance: str, processes: int = 1) -> tuple[Process, int]:
        """The web under granian, as a server starts it, once all its processes listen; with its port."""
        port = free_port()
        environment = self.environment(
            "web",
            PEYVAND_BASE_URL=f"http://{LOOPBACK}:{port}",
            PEYVAND_INSTANCE=instance,
            # The highest limit there is: the measurement is one network that sends form after form.
            PEYVAND_FORMS_AN_HOUR="10000000",
        )
        process = self._start("web", web_command(port, processes)[1:], environment)
        wait_until(
            lambda: listeners(port) >= processes or process.popen.poll() is not None,
            seconds=30,
            what="the web process's start",
        )
        return process, port

    def start_bare(self, body: Path) -> tuple[Process, int]:
        """``bench.bare`` with that body, under the same granian as the web process; with its port."""
        port = free_port()
        arguments = [*web_command(port)[1:-1], "bench.bare:app"]
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "PYTHONPATH": str(ROOT),
            "PEYVAND_BENCH_BODY": str(body),
        }
        process = self._start("bare", arguments, environment)
        wait_until(
            lambda: answers(port) or process.popen.poll() is not None,
            seconds=30,
            what="the bare application's start",
        )
        return process, port

    def _start(self, name: str, arguments: list[str], environment: dict[str, str]) -> Process:
        log = self.folder / f"{name.replace(' ', '')}-{next(self._numbers)}.log"
        with log.open("wb") as out:
            popen = subprocess.Popen(
                [sys.executable, *arguments],
                env=environment,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        return Process(name, popen, log)


@contextlib.contextmanager
def surroundings() -> Iterator[Surroundings]:
    """A server and keys of its own, gone afterwards with everything in them."""
    server = PostgreSQL()
    try:
        server.start()
        with tempfile.TemporaryDirectory(prefix="peyvand-bench-") as folder:
            setup.make_keys(Path(folder) / "keys")
            made = Surroundings(server, Path(folder))
            made.new_database()
            yield made
    finally:
        server.close()


def quietness() -> str:
    """How busy the machine is with other things, to be printed beside figures."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at {time.strftime('%H:%M')}"
