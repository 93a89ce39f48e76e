"""One server as a child process: a free port, a folder of its own, an account that is not root.

A server is ended by the pid we started, never by name. It dies with the test run even when the run is
killed, wherever ``setpriv`` exists.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

LOOPBACK = "127.0.0.1"


class MissingServerError(Exception):
    """The program is not installed; tests that need it are left out at home and fail in CI."""


class ServerFailedError(Exception):
    """The server ended or did not answer in time; the message carries the end of its log."""


def find_program(*names: str, folders: Sequence[Path] = ()) -> Path:
    """The first of ``names`` on the path or in ``folders``; raises MissingServerError."""
    for name in names:
        for folder in folders:
            if os.access(folder / name, os.X_OK):
                return folder / name
        found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
        if found:
            return Path(found)
    raise MissingServerError(names[0])


def free_port() -> int:
    """A loopback port nobody listens on now, from below the range that clients' own ends are taken from.

    Else a client could sit on a server's port while the server restarts.
    """
    for port in random.sample(range(20_000, 32_000), 1_000):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise ServerFailedError("no free port on loopback")


def answers(port: int) -> bool:
    """Whether something accepts a connection on this loopback port."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Ask every 20 ms until ``condition`` holds; raises TimeoutError that names ``what``."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.02)


class Server:
    """What all servers share: start, stop, kill, freeze; a subclass says how it is started and asked.

    The port and the folder stay the same over restarts, so that clients find it again.
    """

    program: ClassVar[str]
    account: ClassVar[str | None] = None
    """Run under this account when we are root; None runs as we are."""
    start_seconds: ClassVar[float] = 20
    stop_seconds: ClassVar[float] = 20
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix=f"peyvand-{self.program}-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._account = self._unprivileged()
        if self._account:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)

    def command(self) -> Sequence[str | os.PathLike[str]]:
        """The command that runs the server in the foreground."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """What the server finds in its environment besides PATH and HOME."""
        return {}

    def ready(self) -> bool:
        """Whether the server answers."""
        return answers(self.port)

    @property
    def pid(self) -> int:
        """The pid of the running server."""
        if self._process is None:
            raise ServerFailedError(f"{self.program} is not running")
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> Path:
        """All the server printed, over all its starts."""
        return self.folder / "log"

    def start(self) -> None:
        """Start the server and wait until it answers; does nothing when it runs."""
        if self.running:
            return
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._as_account(self.command()),
                cwd=self.folder,
                env={"PATH": _PATH, "HOME": str(self.folder), "LC_ALL": "C", **self.environment()},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._ready_or_ended, seconds=self.start_seconds, what="an answer")
        except TimeoutError:
            self.kill()
        if not self.running:
            raise ServerFailedError(f"{self.program} did not start:\n{self._last_words()}")

    def stop(self) -> None:
        """End the server in its own way; after ``stop_seconds`` it is killed."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End the server as a power cut would."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop, then start on the same port with the same data."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """The server accepts connections and never answers, until ``thaw``."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after ``freeze``."""
        os.killpg(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Kill what still runs and remove the folder; for the end of the test run."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, *command: str | os.PathLike[str], seconds: float = 60) -> str:
        """Run one of the server's own tools as its account; returns what it printed."""
        done = subprocess.run(
            self._as_account(command),
            cwd=self.folder,
            env={"PATH": _PATH, "HOME": str(self.folder), "LC_ALL": "C", **self.environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
        )
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace")
            raise ServerFailedError(f"{Path(command[0]).name} failed:\n{said[-2000:]}")
        return done.stdout.decode(errors="replace")

    def _end(self, how: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGCONT)
            os.kill(process.pid, how)
        try:
            process.wait(self.stop_seconds)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(self.stop_seconds)
        with contextlib.suppress(ProcessLookupError):
            # What it left of its own process group (a PostgreSQL backend, an Erlang port).
            os.killpg(process.pid, signal.SIGKILL)

    def _ready_or_ended(self) -> bool:
        return not self.running or self.ready()

    def _unprivileged(self) -> pwd.struct_passwd | None:
        if os.geteuid() != 0 or self.account is None:
            return None
        for name in (self.account, "nobody"):
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(name)
        return None

    def _as_account(
        self, command: Sequence[str | os.PathLike[str]]
    ) -> Sequence[str | os.PathLike[str]]:
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            if self._account:
                raise MissingServerError("setpriv")
            return command
        prefix = [setpriv, f"--pdeathsig={self.stop_signal.name.removeprefix('SIG')}"]
        if self._account:
            ids = (f"--reuid={self._account.pw_uid}", f"--regid={self._account.pw_gid}")
            prefix += [*ids, "--clear-groups"]
        return [*prefix, *command]

    def _last_words(self) -> str:
        return self.log.read_text(errors="replace")[-3000:] if self.log.exists() else ""


_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
