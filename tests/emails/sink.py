"""An SMTP server for tests: it records, delays, refuses, hangs and hangs up as it is told.

In a test's own loop::

    async with Sink(answer=every(7, "rcpt", "450 4.2.0 later")) as sink:
        ...  # sink.port, sink.received, sink.groups

In a thread beside a worker (``with running(Sink(...)) as sink``), or as a process that outlives
what it serves, its record on the disk before each 250::

    python -m tests.emails.sink --port 2525 --record FILE --delay-ms 20 --answer rcpt=450@7

``answer`` sees each Moment and returns None (the usual reply), a reply's text, or ``CLOSE`` (hang
up now, saying nothing) or ``HANG`` (say nothing, keep the line). The stages: connect, ehlo,
starttls, auth, rset, mail, rcpt, data, body (the first bytes of a body came), dot (the body is
whole; not yet recorded), recorded (it is on record, its 250 is not yet out), quit.

A group is what one client write asked for: replies that fall due while none is outstanding. With
``delay`` above 0 (seconds between arrival and reply, the model of a round trip) groups are exact.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import signal
import ssl
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from tests.emails.sink_session import CLOSE, HANG, Session

__all__ = ["CLOSE", "HANG", "Moment", "Received", "Sink", "at", "every", "running", "usual"]

_MESSAGE_ID = re.compile(rb"^message-id:\s*<?([^>\r\n]*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Moment:
    """What has just been said: ``count`` numbers this stage over all connections, from 1."""

    stage: str
    argument: str
    count: int
    connection: int


@dataclass(frozen=True, slots=True)
class Received:
    """A mail on record, dots taken out again; ``message`` is empty where bodies are not kept."""

    message_id: str
    sender: str
    recipient: str
    message: bytes
    connection: int


Answer = Callable[[Moment], str | None]


def every(nth: int, stage: str, reply: str) -> Answer:
    """``reply`` at each nth moment of ``stage``; as usual otherwise."""
    return lambda moment: reply if moment.stage == stage and moment.count % nth == 0 else None


def at(stage: str, reply: str, *counts: int) -> Answer:
    """``reply`` at ``stage``, at those counts, or at each without any."""
    return lambda moment: (
        reply if moment.stage == stage and (not counts or moment.count in counts) else None
    )


def usual(_: Moment) -> str | None:
    """Nothing out of the ordinary."""
    return None


@dataclass
class Sink:
    """The server; see the module. ``tls`` is offered by STARTTLS, or spoken at once.

    ``lingers``: after 421 the line stays open, as it should not. ``stages`` is what was reached.
    """

    answer: Answer = usual
    delay: float = 0.0
    pipelining: bool = True
    smtputf8: bool = True
    size: int = 0
    esmtp: bool = True
    tls: ssl.SSLContext | None = None
    implicit_tls: bool = False
    login: tuple[str, str] | None = None
    ways: str = "PLAIN LOGIN"
    lingers: bool = False
    keep_bodies: bool = True
    record: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0
    received: list[Received] = field(default_factory=list)
    connections: int = 0
    accepted: int = 0
    groups: int = 0
    commands: list[str] = field(default_factory=list)
    stages: set[str] = field(default_factory=set)
    _counts: dict[str, int] = field(default_factory=dict)
    _record: int | None = None
    _server: asyncio.Server | None = None
    open_sessions: set[Session] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if self.record is not None:
            self._record = os.open(self.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        context = self.tls if self.implicit_tls else None
        self._server = await loop.create_server(
            lambda: Session(self), self.host, self.port, ssl=context
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            for session in list(self.open_sessions):
                session.hang_up()
            await asyncio.sleep(0)
        if self._record is not None:
            os.close(self._record)
            self._record = None

    def of(self, recipient: str) -> list[Received]:
        """The mails on record for one address."""
        return [mail for mail in self.received if mail.recipient == recipient]

    def say(self, stage: str, argument: str, connection: int) -> str | None:
        self.stages.add(stage)
        count = self._counts[stage] = self._counts.get(stage, 0) + 1
        return self.answer(Moment(stage, argument, count, connection))

    def keep(self, sender: str, recipients: list[str], body: bytes, connection: int) -> None:
        if self._record is None and not self.keep_bodies:
            self.accepted += 1
            return
        found = _MESSAGE_ID.search(body, 0, 8192)
        message_id = found[1].decode("ascii", "replace").strip() if found else ""
        if self._record is not None:
            lines = [f"{message_id}\t{to}\t{len(body)}\t{connection}\n" for to in recipients]
            os.write(self._record, "".join(lines).encode())
        if self.keep_bodies:
            message = body.replace(b"\r\n..", b"\r\n.")
            message = message[1:] if message.startswith(b"..") else message
            self.received += [
                Received(message_id, sender, to, message, connection) for to in recipients
            ]
        self.accepted += 1


@contextlib.contextmanager
def running(sink: Sink) -> Iterator[Sink]:
    """``sink`` on a loop of its own, in a thread that ends with the block."""
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with sink:
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    if not ready.wait(10):
        raise RuntimeError("the sink did not start")
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def _told(answers: list[str]) -> Answer:
    """STAGE=REPLY or STAGE=REPLY@N (each nth), for the command line."""
    rules = []
    for text in answers:
        stage, _, rest = text.partition("=")
        reply, _, nth = rest.partition("@")
        rules.append(every(int(nth or 1), stage, reply))
    return lambda moment: next((told for rule in rules if (told := rule(moment))), None)


async def _serve(options: argparse.Namespace) -> None:
    sink = Sink(
        answer=_told(options.answer) if options.answer else usual,
        delay=options.delay_ms / 1000,
        pipelining=not options.no_pipelining,
        keep_bodies=False,
        record=options.record,
        port=options.port,
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with sink:
        sys.stdout.write(f"{sink.port}\n")
        sys.stdout.flush()
        await stop.wait()
    sys.stdout.write(f"accepted={sink.accepted} groups={sink.groups} lines={sink.connections}\n")


def main() -> None:
    """Serve until SIGTERM; the first line printed is the port."""
    parser = argparse.ArgumentParser(prog="python -m tests.emails.sink")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--record", type=Path, help="append Message-ID, recipient, size, line")
    parser.add_argument("--delay-ms", type=float, default=0)
    parser.add_argument("--no-pipelining", action="store_true")
    parser.add_argument("--answer", action="append", default=[], help="STAGE=REPLY[@EACH_NTH]")
    options = parser.parse_args()
    import uvloop

    uvloop.run(_serve(options))


if __name__ == "__main__":
    main()
