"""``make run`` itself: the repository as git keeps it, in a folder of its own, started and stopped as a person does."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.journeys.processes import ROOT
from tests.servers.process import free_port, wait_until

MODULE: Final = (sys.executable, "-m", "workers", "embedded")
"""What ``make run`` starts, in this run's own environment."""
MAKE: Final = ("make", "run")


def checked_out(folder: Path) -> Path:
    """The files that git keeps of the working tree, and nothing else: no instance, no environment, no cache."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout
    for name in filter(None, os.fsdecode(listed).split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


class Household:
    """The trial set-up of one folder. ``folder/instance`` is kept from one start to the next."""

    def __init__(
        self,
        folder: Path,
        *,
        command: Sequence[str] = MODULE,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.command = command
        # The worker's socket stands in the instance, so its path is short.
        self.instance = Path(tempfile.mkdtemp(prefix="peyvand-run-"))
        self.settings = {
            "PORT": str(self.port),
            "PEYVAND_INSTANCE": str(self.instance),
            **(settings or {}),
        }
        self.log = self.instance / "make-run.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._read_from = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.presses_ctrl_c()
        if kind is not None and self.log.exists():
            print(self.log.read_text("utf-8", "replace")[-4000:])
        shutil.rmtree(self.instance, ignore_errors=True)

    def starts(self) -> None:
        """Starts it, without waiting."""
        self._read_from = self.log.stat().st_size if self.log.exists() else 0
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PEYVAND_", "MAKE", "MFLAGS", "COV_", "PYTEST_"))
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                list(self.command),
                cwd=self.folder,
                env={**environment, **self.settings, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def serves(self, *, within: float = 30) -> float:
        """Starts it and waits until it has printed where to go; returns the seconds that took."""
        begun = time.monotonic()
        self.starts()
        wait_until(
            lambda: "Stop with Ctrl-C" in self.words or self.ended,
            seconds=within,
            what=f"the start of {' '.join(self.command)}",
        )
        assert not self.ended, self.words
        return time.monotonic() - begun

    @property
    def words(self) -> str:
        """What it has printed since its last start."""
        if not self.log.exists():
            return ""
        return self.log.read_bytes()[self._read_from :].decode("utf-8", "replace")

    @property
    def ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def ends(self, *, within: float = 30) -> int:
        """Waits for its own end; returns its exit status."""
        assert self._process is not None
        return self._process.wait(within)

    def presses_ctrl_c(self) -> int:
        """Sends SIGINT to the whole foreground group, as a terminal does; returns the exit status."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGINT)
        try:
            return self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            raise

    @property
    def site(self) -> str:
        """The site's address, as printed."""
        return self._printed("The site").rstrip("/")

    @property
    def workroom(self) -> str:
        """The one-time sign-in link, as printed."""
        return self._printed("The workroom")

    @property
    def mailbox(self) -> str:
        """The mailbox's address, as printed."""
        return self._printed("The mailbox")

    @property
    def database(self) -> Path:
        return self.instance / "peyvand.sqlite"

    def processes(self) -> list[int]:
        """The pids of all processes that carry this household's port in their environment."""
        mark = f"PEYVAND_INSTANCE={self.instance}".encode()
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    if mark in (entry / "environ").read_bytes().split(b"\0"):
                        found.append(int(entry.name))
                except OSError:
                    continue
        return found

    def processor_seconds(self) -> float:
        """What all its living processes have used of the processors so far."""
        ticks = 0
        for pid in self.processes():
            with contextlib.suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def _printed(self, label: str) -> str:
        found = re.search(rf"{label}\s+(http\S+)", self.words)
        assert found is not None, self.words
        return found[1]
