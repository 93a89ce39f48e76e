"""Mail as it arrived, whichever way a World sent it: the folder, the recording sink, or Postfix's smtp-sink."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from tests.servers.smtp_sink import SmtpSink

_MESSAGE_ID: Final = re.compile(rb"^Message-ID:\s*<([^>\r\n]+)>", re.IGNORECASE | re.MULTILINE)
_DELIVERED_TO: Final = re.compile(rb"^Delivered-To: ([^\r\n]+)", re.MULTILINE)


class Got(NamedTuple):
    """One mail that arrived; one that arrived twice is there twice."""

    message_id: str
    recipient: str


def in_folder(mailbox: Path) -> list[Path]:
    """The files of a mailbox folder; none while it is not there."""
    new = mailbox / "new"
    return [Path(entry.path) for entry in os.scandir(new)] if new.is_dir() else []


def of_folder(mailbox: Path) -> list[Got]:
    """What stands in a mailbox folder."""
    return [_read(path.read_bytes()) for path in in_folder(mailbox)]


def of_record(record: Path) -> list[Got]:
    """What the recording sink took; its lines are written before each 250."""
    lines = record.read_text("utf-8").splitlines() if record.exists() else []
    return [Got(*line.split("\t")[:2]) for line in lines]


def of_sink(sink: SmtpSink) -> list[Got]:
    """What smtp-sink kept."""
    return [
        Got(str(mail.message["Message-ID"]).strip("<>"), recipient)
        for mail in sink.mails()
        for recipient in mail.recipients
    ]


def twice(got: Iterable[Got]) -> set[str]:
    """The Message-IDs that arrived more than once."""
    counted = Counter(one.message_id for one in got)
    return {message_id for message_id, count in counted.items() if count > 1}


def recipients(got: Sequence[Got]) -> Counter[str]:
    """How many mails each address got."""
    return Counter(one.recipient for one in got)


def delivered_to(mail: bytes) -> str:
    """Whose mail in a folder this is."""
    found = _DELIVERED_TO.search(mail)
    assert found is not None
    return found[1].decode()


def _read(mail: bytes) -> Got:
    message_id = _MESSAGE_ID.search(mail)
    assert message_id is not None
    return Got(message_id[1].decode(), delivered_to(mail))
