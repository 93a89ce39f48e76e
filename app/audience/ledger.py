"""The erasure ledger: an append-only file outside the database and its dump (C17).

Each line names a provider-rule index and the hashes of the rows that went, with key id and day, so that a
restore or an import does not bring the person back. It is written and synced before the erasing commit.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

from app.core.sealing import Index

ERASED: Final = "erased"
WITHDRAWN: Final = "withdrawn"
LIFTED: Final = "lifted"
_PLACE: Final = ("key", "mailbox", "subject")


class Ledger:
    """One ledger file; several workers of a host may append at once, a line is one write."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._read_to = 0
        self._last: dict[tuple[str, str, str], str] = {}
        self._ever: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """Make an empty ledger where there is none, so that one that is missing is told from one without lines."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600))

    def has_begun(self) -> bool:
        return self._path.exists()

    def append(
        self, act: str, index: Index, rows: Sequence[str], *, day: date, subject: str = ""
    ) -> None:
        """Write one line and wait until it is on the disk. Raises OSError when it cannot."""
        entry = {
            "act": act,
            "key": index.key_id,
            "mailbox": index.mailbox.hex(),
            "rows": list(rows),
            "day": day.isoformat(),
            "subject": subject,
        }
        line = (json.dumps(entry, separators=(",", ":")) + "\n").encode()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            if _is_cut(descriptor):
                line = b"\n" + line
            if os.write(descriptor, line) != len(line):
                raise OSError(errno.ENOSPC, "the ledger took part of a line")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def lines(self) -> Iterator[dict[str, Any]]:
        """Every line, oldest first; a line cut by a crash is skipped."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            for line in file:
                entry = _entry(line)
                if entry:
                    yield entry

    def erased(self, indexes: Sequence[Index]) -> bool:
        """Whether the newest line on this mailbox, under any key, erased it."""
        return any(self._newest(index, "") == ERASED for index in indexes)

    def ever_erased(self, indexes: Sequence[Index]) -> bool:
        """Whether any line on this mailbox, under any key, erased it, lifted since or not."""
        self._read_new()
        return any((index.key_id, index.mailbox.hex()) in self._ever for index in indexes)

    def key_ids(self) -> set[str]:
        """The index keys under which lines stand: what they say is found as long as these are held (C03)."""
        self._read_new()
        return {key for key, _mailbox, _subject in self._last}

    def withdrawn(self, index: Index, subject: str) -> bool:
        """Whether the newest line on this mailbox and subject took something back."""
        return self._newest(index, subject) == WITHDRAWN

    def lift(self, index: Index, subject: str, *, day: date) -> None:
        """Take back what was withdrawn or erased, so that a restore leaves what came since; nothing where nothing was."""
        if self._newest(index, subject) in (WITHDRAWN, ERASED):
            self.append(LIFTED, index, [], day=day, subject=subject)

    def _newest(self, index: Index, subject: str) -> str | None:
        self._read_new()
        return self._last.get((index.key_id, index.mailbox.hex(), subject))

    def _read_new(self) -> None:
        """Take in the lines that were appended since the last look, by this worker or another."""
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read_to)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                self._read_to += len(line)
                entry = _entry(line)
                if entry and "key" in entry:
                    key, mailbox, subject = (str(entry.get(part)) for part in _PLACE)
                    act = self._last[key, mailbox, subject] = str(entry.get("act"))
                    if act == ERASED:
                        self._ever.add((key, mailbox))


def _is_cut(descriptor: int) -> bool:
    """Whether a crash left the last line without its end; the next line must not become part of it."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
