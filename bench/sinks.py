"""The mail servers to measure against: Postfix's smtp-sink, and a recording one with a round trip; and smtp-source."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.servers.process import LOOPBACK, Server, find_program


class PlainSink(Server):
    """Postfix's ``smtp-sink``, which throws every mail away at once."""

    program = "smtp-sink"
    account = "nobody"

    def __init__(self) -> None:
        self._smtp_sink = find_program("smtp-sink")
        super().__init__()

    def command(self) -> Sequence[str | os.PathLike[str]]:
        return [self._smtp_sink, f"{LOOPBACK}:{self.port}", "512"]

    def recorded(self) -> list[str] | None:
        """It keeps no record."""
        return None

    def forget(self) -> None:
        """There is nothing to forget."""


class RoundTripSink(Server):
    """``sink.c``: answers each read ``delay_ms`` after its arrival, and records each mail's Message-ID."""

    program = "bench-sink"
    account = None

    def __init__(self, delay_ms: float) -> None:
        compiler = find_program("cc", "gcc", "clang")
        super().__init__()
        self._delay_ms = delay_ms
        self._binary = self.folder / "sink"
        self._record = self.folder / "record"
        source = Path(__file__).with_name("sink.c")
        subprocess.run([compiler, "-O2", "-o", self._binary, source], check=True, timeout=60)

    def command(self) -> Sequence[str | os.PathLike[str]]:
        return [self._binary, str(self.port), str(self._delay_ms), self._record]

    def recorded(self) -> list[str] | None:
        """The Message-ID of each mail since the last ``forget``, as often as it came."""
        return [row.split("\t")[0] for row in self._record.read_text("ascii").splitlines()]

    def forget(self) -> None:
        """Begin a new record; only while no mail is on its way."""
        os.truncate(self._record, 0)


Sink = PlainSink | RoundTripSink


def limit(sink: Sink, *, octets: int, connections: int, mails: int) -> float:
    """Mails a second that Postfix's ``smtp-source`` brings to ``sink`` over lasting connections."""
    command: list[str | os.PathLike[str]] = [find_program("smtp-source"), "-d"]
    command += ["-s", str(connections), "-l", str(octets), "-m", str(mails)]
    command += ["-f", "from@peyvand.example", "-t", "reader@mail.example"]
    began = time.perf_counter()
    subprocess.run([*command, f"{LOOPBACK}:{sink.port}"], check=True, timeout=300)
    return mails / (time.perf_counter() - began)
