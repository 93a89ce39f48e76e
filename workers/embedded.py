"""`make run`: the whole service on this computer, for trying it out; web and worker as two processes (C02, C26)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.core import clock
from app.core.database import Database
from app.desk.basics import ensure_basics
from app.staff import invitations
from config import Config, ConfigError, is_loopback
from workers import demo, setup
from workers.keys import open_desk

READY_SECONDS: Final = 30.0
STOP_SECONDS: Final = 15.0
RESTART_AFTER: Final = 0.5
LONGEST_WAIT: Final = 10.0
_PR_SET_PDEATHSIG: Final = 1


def run() -> int:
    """Set up what is missing, start both processes, print where to go, and stay until Ctrl-C. Returns the exit status."""
    environ = _surroundings(os.environ)
    folder = Path(environ["PEYVAND_INSTANCE"])
    keys = folder / "keys"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    setup.make_keys(keys)
    environments = {role: setup.environment_of(role, keys, environ) for role in ("web", "worker")}
    try:
        config = Config.from_env("worker", environments["worker"])
        Config.from_env("web", environments["web"])
        _check_port(config.port)
        link = _prepare(config)
    except (ConfigError, setup.OlderSchemaError) as error:
        print(f"Peyvand did not start: {error}", file=sys.stderr)
        return 1
    return _Household(config, environments).keep(link)


def _surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """The given environment with what the trial set-up needs where nothing else is said."""
    found = dict(environ)
    port = found.setdefault("PORT", "8000")
    found.setdefault("PEYVAND_INSTANCE", "instance")
    instance = found["PEYVAND_INSTANCE"]
    found.setdefault("PEYVAND_EMBEDDED", "1")
    found.setdefault("PEYVAND_KEPT_SECONDS", "0")  # who tries it sees at once what they did
    # An odd PORT is to be named itself, not the address that would be made of it.
    found.setdefault("PEYVAND_BASE_URL", f"http://127.0.0.1:{port if port.isdecimal() else 8000}")
    if not found.get("PEYVAND_DATABASE_URL_FILE"):
        found.setdefault("PEYVAND_DATABASE_URL", f"sqlite:///{instance}/peyvand.sqlite")
    found.setdefault("PEYVAND_SMTP_URL", f"mailbox:{instance}/mailbox")
    found.setdefault("PEYVAND_LEDGER", f"{instance}/ledger.jsonl")
    return found


def _prepare(config: Config) -> str:
    """Bring the schema up, load the demo into an empty database, and make today's sign-in link."""
    if not config.embedded or not is_loopback(config.base_url):
        raise ConfigError("make run is for this computer alone; see docs/running.md for a server.")
    setup.bring_schema_up(config.database_url)
    now = clock.now()
    with Database(config.database_url) as database, database.unit_of_work() as session:
        ensure_basics(session, config)
        if demo.is_empty(session):
            print("Loading the demo ...", flush=True)
            demo.load(session, open_desk(config), now=now)
        token = invitations.sign_in_link(session, demo.account(session), now)
    return invitations.address(config.base_url, token)


def _check_port(port: int) -> None:
    """Raises ConfigError, with the way out, where something else listens on ``port`` already."""
    with closing(socket.socket()) as probe:
        # What a stopped server leaves behind for a minute does not count as taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            raise ConfigError(
                f"port {port} is taken or not allowed here. Choose another: PORT=8001 make run"
            ) from None


@dataclass
class _Member:
    """One of the two processes, and how often it had to be started again."""

    name: str
    command: list[str]
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    restarts: int = 0
    start_at: float = 0.0

    def start(self) -> None:
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 (one thread)
        )

    @property
    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def clear_away(self) -> None:
        """End what a killed process left behind in its group: granian serves in a child of its own."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


class _Household:
    """Both processes: started, watched, started again when one dies, and ended together."""

    def __init__(self, config: Config, environments: Mapping[str, Mapping[str, str]]) -> None:
        self._config = config
        self._members = [
            _Member("web", web_command(config.port), environments["web"]),
            _Member("worker", [sys.executable, "-m", "workers", "run"], environments["worker"]),
        ]
        self._stopping = False
        self._failed = False

    def keep(self, link: str) -> int:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._stop())
        for member in self._members:
            member.start()
        if self._wait_until_ready():
            self._announce(link)
        while not self._stopping:
            self._look_after()
            time.sleep(0.1)
        return self._end()

    def _stop(self) -> None:
        self._stopping = True

    def _wait_until_ready(self) -> bool:
        until = time.monotonic() + READY_SECONDS
        while not self._stopping and time.monotonic() < until:
            if self._answers():
                return True
            if self._members[0].ended:
                print(
                    f"The site did not start; is port {self._config.port} taken? "
                    "Choose another: PORT=8001 make run",
                    file=sys.stderr,
                )
                self._stopping = self._failed = True
                return False
            time.sleep(0.05)
        return False

    def _answers(self) -> bool:
        url = f"http://127.0.0.1:{self._config.port}/health"
        try:
            with urllib.request.urlopen(url, timeout=1) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _announce(self, link: str) -> None:
        base = self._config.base_url
        print(
            "\nPeyvand is running, for trying out on this computer. It is not for real people.\n\n"
            f"  The site       {base}/\n"
            f"  The workroom   {link}\n"
            "                 (signs you in once; a new link is printed at each start)\n"
            f"  The mailbox    {base}/mailbox\n"
            "                 (no mail leaves this computer; read it there)\n\n"
            "Stop with Ctrl-C; everything is kept.\n",
            flush=True,
        )

    def _look_after(self) -> None:
        now = time.monotonic()
        for member in self._members:
            if not member.ended:
                continue
            if member.start_at == 0.0:
                member.clear_away()
                wait = min(RESTART_AFTER * 2**member.restarts, LONGEST_WAIT)
                member.restarts += 1
                member.start_at = now + wait
                print(f"The {member.name} process ended; starting it again.", file=sys.stderr)
            elif now >= member.start_at:
                member.start_at = 0.0
                member.start()

    def _end(self) -> int:
        print("\nStopping ...", flush=True)
        running = [m.process for m in self._members if m.process and not m.ended]
        for process in running:
            process.terminate()
        until = time.monotonic() + STOP_SECONDS
        for process in running:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        print("Stopped.", flush=True)
        return 1 if self._failed else 0


def web_command(port: int, processes: int = 1) -> list[str]:
    """How the web is started: processes of several threads, no access log (C23)."""
    return [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        str(processes),
        "--blocking-threads",
        "8",
        "--no-ws",
        "--log-level",
        "error",
        "wsgi:app",
    ]


def _end_with_parent() -> None:
    """Linux sends SIGTERM to the child should its parent be killed, so that no process stays behind."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
