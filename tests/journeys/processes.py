"""Children of a test: a process in a group of its own, its words in a log, ended by the pid we know."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
END_SECONDS: Final = 15.0


class Child:
    """One process that can be started, killed, asked to end, frozen, and started again."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.command = list(command)
        self.environment = dict(environment)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Child:
        """Start it; does nothing when it runs."""
        if self.running:
            return self
        setpriv = shutil.which("setpriv")
        # Should the run itself be killed, the child goes too.
        prefix = [setpriv, "--pdeathsig=KILL"] if setpriv else []
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [*prefix, *self.command],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @property
    def words(self) -> str:
        """All it printed, over all its starts."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def kill(self) -> None:
        """``kill -9`` of its whole group, and wait until it is gone."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait(END_SECONDS)

    def ask_to_end(self) -> None:
        """SIGTERM to the process, without waiting."""
        if self.running:
            os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float = END_SECONDS) -> int:
        """Its exit status. Raises subprocess.TimeoutExpired."""
        assert self._process is not None, "not started"
        return self._process.wait(seconds)

    def stop(self) -> None:
        """Ask it to end; after 15 s kill it."""
        self.ask_to_end()
        with contextlib.suppress(subprocess.TimeoutExpired, AssertionError):
            self.wait()
        self._signal(signal.SIGKILL)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)


def recording_sink(
    folder: Path, port: int, *, delay_ms: float = 0, answers: Sequence[str] = ()
) -> Child:
    """The recording SMTP server of tests.emails.sink as a process; its record is ``folder/sink.record``."""
    command = [sys.executable, "-m", "tests.emails.sink", "--port", str(port)]
    command += ["--record", str(folder / "sink.record"), "--delay-ms", str(delay_ms)]
    for answer in answers:
        command += ["--answer", answer]
    return Child(command, {"PATH": os.environ["PATH"]}, folder / "sink.log")
