"""Postfix's ``smtp-sink``: a real SMTP server that keeps each mail in a file."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

from tests.servers.process import LOOPBACK, Server, ServerFailedError, find_program, wait_until


@dataclass(frozen=True)
class SunkMail:
    """One mail as the server got it, its line ends turned to LF."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        return BytesParser(policy=policy.default).parsebytes(self.raw)


class SmtpSink(Server):
    """``options`` go to smtp-sink as they are, such as ``("-f", "RCPT")`` (see its manual)."""

    program = "smtp-sink"
    account = "nobody"
    stop_seconds = 5

    def __init__(self, *options: str) -> None:
        self._smtp_sink = find_program("smtp-sink")
        super().__init__()
        self.options = options
        self.mail = self.folder / "mail"
        self.mail.mkdir(mode=0o777)
        self.mail.chmod(0o777)

    @property
    def url(self) -> str:
        return f"smtp://{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str | os.PathLike[str]]:
        template = str(self.mail / "%H%M%S.")
        return [self._smtp_sink, "-d", template, *self.options, f"{LOOPBACK}:{self.port}", "512"]

    def mails(self) -> list[SunkMail]:
        """All mails accepted so far, in no order; neither one in the middle of DATA nor one cut there."""
        open_now = self._open_files()
        closed = (path for path in self.mail.iterdir() if path.name not in open_now)
        return [mail for mail in (_read(path.read_bytes()) for path in closed) if mail]

    def wait_for(self, count: int, *, seconds: float = 30) -> list[SunkMail]:
        """The mails, once there are at least ``count``; raises TimeoutError."""
        wait_until(lambda: len(self.mails()) >= count, seconds=seconds, what=f"mail {count}")
        return self.mails()

    def _open_files(self) -> set[str]:
        try:
            descriptors = list(Path(f"/proc/{self.pid}/fd").iterdir())
        except (OSError, ServerFailedError):
            return set()
        names = set()
        for descriptor in descriptors:
            with contextlib.suppress(OSError):
                names.add(descriptor.readlink().name)
        return names

    def forget(self) -> None:
        """Throw away the mails so far."""
        for path in self.mail.iterdir():
            path.unlink()


_SINK_LINES = re.compile(rb"\A(?:X-[A-Za-z-]+: [^\n]*\n)+Received: [^\n]*\n(?:\t[^\n]*\n)*")


def _read(content: bytes) -> SunkMail | None:
    """Part smtp-sink's own lines from the mail; None for a mail whose client left before the dot."""
    own = _SINK_LINES.match(content)
    if own is None or not content.endswith(b"\n\n"):
        return None
    lines = own.group().decode("utf-8", "surrogateescape").splitlines()
    sender = next(line[13:] for line in lines if line.startswith("X-Mail-Args: "))
    recipients = [line[13:] for line in lines if line.startswith("X-Rcpt-Args: ")]
    return SunkMail(
        sender=_address(sender),
        recipients=tuple(_address(recipient) for recipient in recipients),
        raw=content[own.end() : -1],
    )


def _address(argument: str) -> str:
    """The address alone, without angle brackets and parameters such as SIZE=."""
    return argument.partition("<")[2].partition(">")[0]
