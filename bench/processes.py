"""What the machine spent: CPU seconds of a process and of all its children, read from /proc (Linux)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

TICK = os.sysconf("SC_CLK_TCK")
_LISTENS = "0A"
"""The state TCP_LISTEN in /proc/net/tcp."""


def cpu_seconds(pid: int) -> float:
    """User and system time of ``pid``, its ended children, and the living ones under it."""
    fields = _stat(pid)
    return sum(int(field) for field in fields[11:15]) / TICK + sum(
        cpu_seconds(child) for child in _children(pid)
    )


def own_cpu_seconds(pid: int) -> float:
    """User and system time of ``pid`` alone."""
    return sum(int(field) for field in _stat(pid)[11:13]) / TICK


def listeners(port: int) -> int:
    """How many sockets listen on ``port`` of IPv4: each process of a web server has one of its own (SO_REUSEPORT)."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:])
    return sum(row[1].endswith(f":{port:04X}") and row[3] == _LISTENS for row in rows)


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold blanks: [11:15] are utime, stime, cutime, cstime."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ["0"] * 40
    return text.rpartition(")")[2].split()


def _children(pid: int) -> list[int]:
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (thread / "children").read_text("ascii").split())
    return found
