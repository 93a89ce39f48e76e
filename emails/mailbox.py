"""A folder as a mail server (a Maildir), and the reading of it for the page /mailbox (C26).

Nothing leaves the machine. A mail is on the disk, with its folder's entry, before it counts as
accepted; every copy has a file of its own, so that duplicates show.
"""

from __future__ import annotations

import asyncio
import email
import mailbox
import os
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path

from emails.transport import ACCEPTED, CUT, Connection, Envelope, Outcome

_STAMP = re.compile(r"(\d+)\.M(\d+)P\d+Q(\d+)")
_LINK = re.compile(r"https?://[^\s<>\"]+")
_FULL = Outcome("deferred", 452, "4.3.1", "connection")


@dataclass(frozen=True)
class MailboxTransport:
    """Mails go into the Maildir ``folder``, which is made when the first one comes."""

    folder: Path

    async def connect(self) -> Connection:
        """A lane into the folder; any number of them, in any number of processes, may write."""
        return _MailboxConnection(self.folder)


class _MailboxConnection:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: Envelope | None = None
        self._closed = False

    async def offer(self, envelope: Envelope) -> Outcome | None:
        if self._closed:
            return CUT
        self._open = envelope
        return None

    async def deliver(
        self, message: bytes, then: Envelope | None = None
    ) -> tuple[Outcome, Outcome | None]:
        envelope, self._open = self._open, None
        if self._closed:
            return CUT, CUT if then else None
        if envelope is None:
            raise RuntimeError("no envelope was accepted for this body")
        try:
            await asyncio.to_thread(keep, self._folder, envelope, message)
        except OSError:
            self._closed = True
            return _FULL, CUT if then else None
        return ACCEPTED, await self.offer(then) if then else None

    async def close(self) -> None:
        self._closed = True


def keep(folder: Path, envelope: Envelope, message: bytes) -> str:
    """Put one mail into ``folder``, durably, and return its key. Raises OSError.

    The envelope goes on top, as a server does that delivers [RFC 5321 4.4].
    """
    # Not by the mailbox module, whose making of folders trips over another lane's.
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    maildir = mailbox.Maildir(folder, create=False)
    trace = f"Return-Path: <{envelope.sender}>\r\nDelivered-To: {envelope.recipient}\r\n"
    key = maildir.add(trace.encode() + message)
    # The file is synced by the mailbox module; its name lives in the folder.
    entry = os.open(folder / "new", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(entry)
    finally:
        os.close(entry)
    return key


@dataclass(frozen=True)
class MailSummary:
    """A line of the list; values are as the headers decode to."""

    key: str
    subject: str
    sender: str
    to: str
    date: datetime | None


@dataclass(frozen=True)
class Mail:
    """A mail as it is read. ``html`` loads nothing: its pictures are data: URLs."""

    key: str
    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    raw: bytes

    @property
    def links(self) -> tuple[str, ...]:
        """The links in its plain text, each once, in order."""
        return tuple(dict.fromkeys(_LINK.findall(self.text)))

    def header(self, name: str) -> str:
        """The first header of that name, "" where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


def count_folder(folder: Path) -> int:
    """How many mails ``folder`` holds."""
    return len(_files(folder))


def read_folder(folder: Path, *, start: int = 0, limit: int | None = None) -> list[MailSummary]:
    """The newest mails first; a folder that is not there yet holds none."""
    files = sorted(_files(folder), key=_age, reverse=True)
    chosen = files[start : None if limit is None else start + limit]
    return [summary for summary in map(_summary, chosen) if summary is not None]


def read_mail(folder: Path, key: str) -> Mail | None:
    """The mail of that key, or None. Any text may be asked for: only names of the folder open."""
    path = next((path for path in _files(folder) if _key(path) == key), None)
    if path is None:
        return None
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return None
    message = email.message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - what the policy makes
    return Mail(
        key=key,
        headers=tuple((name, str(value)) for name, value in message.items()),
        text=_content(message, "plain"),
        html=inline_pictures(_content(message, "html"), dict(_pictures(message))),
        raw=raw,
    )


def empty_folder(folder: Path) -> int:
    """Remove every mail; returns how many there were."""
    files = _files(folder)
    for path in files:
        path.unlink(missing_ok=True)
    return len(files)


def inline_pictures(html: str, pictures: dict[str, tuple[str, bytes]]) -> str:
    """``html`` with each ``cid:`` written as data (C25); ``pictures``: cid -> (type, bytes)."""

    def data(match: re.Match[str]) -> str:
        kind, content = pictures.get(match[2], ("", b""))
        if not kind:
            return f"{match[1]}data:,{match[3]}"
        return f"{match[1]}data:{kind};base64,{b64encode(content).decode('ascii')}{match[3]}"

    return re.sub(r"(src=\")cid:([^\"]+)(\")", data, html)


def _files(folder: Path) -> list[Path]:
    return [
        Path(entry.path)
        for part in ("new", "cur")
        if (folder / part).is_dir()
        for entry in os.scandir(folder / part)
        if not entry.name.startswith(".")
    ]


def _key(path: Path) -> str:
    return path.name.split(":")[0]


def _age(path: Path) -> tuple[int, int, int]:
    found = _STAMP.match(path.name)
    return (int(found[1]), int(found[2]), int(found[3])) if found else (0, 0, 0)


def _summary(path: Path) -> MailSummary | None:
    try:
        with path.open("rb") as file:
            message = BytesHeaderParser(policy=default).parse(file)
    except FileNotFoundError:
        return None
    try:
        date = parsedate_to_datetime(str(message["Date"]))
    except ValueError:
        date = None
    return MailSummary(
        key=_key(path),
        subject=str(message["Subject"] or ""),
        sender=str(message["From"] or ""),
        to=str(message["To"] or ""),
        date=date,
    )


def _content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    if part is None or not isinstance(part, EmailMessage):
        return ""
    try:
        return str(part.get_content()).replace("\r\n", "\n")
    except (LookupError, KeyError, ValueError):
        return ""


def _pictures(message: EmailMessage) -> Iterator[tuple[str, tuple[str, bytes]]]:
    for part in message.walk():
        cid = str(part["Content-ID"] or "").strip().strip("<>")
        content = part.get_payload(decode=True)
        if cid and part.get_content_maintype() == "image" and isinstance(content, bytes):
            yield cid, (part.get_content_type(), content)
