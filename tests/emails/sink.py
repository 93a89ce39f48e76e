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
from base64 import b64decode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, cast

CLOSE = "close"
HANG = "hang"

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
    _open: set[_Session] = field(default_factory=set)

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        if self.record is not None:
            self._record = os.open(self.record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        context = self.tls if self.implicit_tls else None
        self._server = await loop.create_server(
            lambda: _Session(self), self.host, self.port, ssl=context
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            for session in list(self._open):
                session.hang_up()
            await asyncio.sleep(0)
        if self._record is not None:
            os.close(self._record)
            self._record = None

    def of(self, recipient: str) -> list[Received]:
        """The mails on record for one address."""
        return [mail for mail in self.received if mail.recipient == recipient]

    def _say(self, stage: str, argument: str, connection: int) -> str | None:
        self.stages.add(stage)
        count = self._counts[stage] = self._counts.get(stage, 0) + 1
        return self.answer(Moment(stage, argument, count, connection))

    def _keep(self, sender: str, recipients: list[str], body: bytes, connection: int) -> None:
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


class _Session(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._due = 0
        self._replies: list[bytes] = []
        self._sender: str | None = None
        self._recipients: list[str] = []
        self._in_body = False
        self._body_begun = False
        self._hanging = False
        self._login: list[str] | None = None
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._number:
            return
        self._sink._open.add(self)
        self._sink.connections += 1
        self._number = self._sink.connections
        self._reply("connect", "", "220 sink.example ESMTP")
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._sink._open.discard(self)

    def hang_up(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._hanging:
            return
        while self._step():
            pass
        self._flush()

    def _step(self) -> bool:
        if self._hanging or self._transport is None or self._transport.is_closing():
            return False
        if self._in_body:
            return self._take_body()
        line, found, rest = self._buffer.partition(b"\r\n")
        if not found:
            return False
        self._buffer = rest
        self._take(line.decode("utf-8", "replace"))
        return True

    def _take_body(self) -> bool:
        if not self._body_begun and self._buffer:
            self._body_begun = True
            if self._unusual("body", ""):
                return False
        if self._buffer.startswith(b".\r\n"):
            end, after = 0, 3
        else:
            end = self._buffer.find(b"\r\n.\r\n")
            if end < 0:
                return False
            end, after = end + 2, end + 5
        body, self._buffer = self._buffer[:end], self._buffer[after:]
        self._in_body = False
        reply = self._sink._say("dot", "", self._number)
        if reply is not None:
            self._speak(reply)
        elif not self._recipients:
            self._speak("554 5.5.1 nobody to send it to")
        else:
            self._sink._keep(self._sender or "", self._recipients, body, self._number)
            self._reply("recorded", "", "250 2.0.0 kept")
        self._sender, self._recipients = None, []
        return True

    def _take(self, line: str) -> None:
        if self._login is not None:
            self._take_login(line)
            return
        self._sink.commands.append(line)
        verb, _, rest = line.partition(" ")
        handler = {
            "EHLO": self._ehlo,
            "HELO": lambda _: self._reply("helo", "", "250 sink.example"),
            "STARTTLS": self._starttls,
            "AUTH": self._auth,
            "RSET": self._rset,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "QUIT": self._quit,
        }.get(verb.upper())
        if handler is None:
            self._speak("500 5.5.2 what?")
        else:
            handler(rest)

    def _ehlo(self, rest: str) -> None:
        if not self._sink.esmtp:
            self._speak("502 5.5.1 not here")
            return
        sink = self._sink
        offers = ["sink.example", "ENHANCEDSTATUSCODES", "8BITMIME"]
        offers += ["PIPELINING"] * sink.pipelining + ["SMTPUTF8"] * sink.smtputf8
        offers += [f"SIZE {sink.size}"] if sink.size else ["SIZE"]
        if sink.tls is not None and not self._encrypted:
            offers.append("STARTTLS")
        elif sink.login:
            offers.append(f"AUTH {sink.ways}")
        lines = [f"250-{offer}\r\n" for offer in offers[:-1]] + [f"250 {offers[-1]}"]
        self._reply("ehlo", rest, "".join(lines))

    @property
    def _encrypted(self) -> bool:
        assert self._transport is not None
        return self._transport.get_extra_info("ssl_object") is not None

    def _starttls(self, _: str) -> None:
        if self._sink.tls is None or self._unusual("starttls", ""):
            return
        assert self._transport is not None
        self._transport.pause_reading()
        self._buffer = b""
        self._speak("220 2.0.0 go on")
        self._flush()
        self._hanging = True
        self._upgrading = self._loop.create_task(self._upgrade())

    async def _upgrade(self) -> None:
        assert self._transport is not None
        assert self._sink.tls is not None
        try:
            transport = await self._loop.start_tls(
                self._transport, self, self._sink.tls, server_side=True
            )
        except (OSError, ssl.SSLError):
            self.hang_up()
            return
        # What came in between was said inside TLS; the buffer was emptied before it began.
        self._transport, self._hanging = transport, False
        self.data_received(b"")

    def _auth(self, rest: str) -> None:
        way, _, first = rest.partition(" ")
        if way.upper() == "PLAIN":
            self._judge(b64decode(first).decode().split("\0")[1:])
        else:
            self._login = []
            self._speak("334 VXNlcm5hbWU6")

    def _take_login(self, line: str) -> None:
        assert self._login is not None
        self._login.append(b64decode(line).decode())
        if len(self._login) == 1:
            self._speak("334 UGFzc3dvcmQ6")
            return
        given, self._login = self._login, None
        self._judge(given)

    def _judge(self, given: list[str]) -> None:
        if tuple(given) == self._sink.login:
            self._reply("auth", given[0], "235 2.7.0 welcome")
        else:
            self._speak("535 5.7.8 no")

    def _rset(self, _: str) -> None:
        self._sender, self._recipients = None, []
        self._reply("rset", "", "250 2.0.0 forgotten")

    def _mail(self, rest: str) -> None:
        if self._sender is not None:
            self._speak("503 5.5.1 one at a time")
        elif not self._unusual("mail", rest):
            self._sender = rest[rest.find("<") + 1 : rest.find(">")]
            self._speak("250 2.1.0 ok")

    def _rcpt(self, rest: str) -> None:
        recipient = rest[rest.find("<") + 1 : rest.find(">")]
        if self._sender is None:
            self._speak("503 5.5.1 from whom?")
        elif not self._unusual("rcpt", recipient):
            self._recipients.append(recipient)
            self._speak("250 2.1.5 ok")

    def _data(self, _: str) -> None:
        reply = self._sink._say("data", "", self._number)
        if reply is None and not self._recipients:
            reply = "554 5.5.1 to whom?" if self._sender is not None else "503 5.5.1 from whom?"
        reply = reply or "354 go on"
        if reply.startswith("354"):
            self._in_body, self._body_begun = True, False
        self._speak(reply)

    def _quit(self, _: str) -> None:
        self._reply("quit", "", "221 2.0.0 bye")
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def _reply(self, stage: str, argument: str, text: str) -> None:
        self._speak(self._sink._say(stage, argument, self._number) or text)

    def _unusual(self, stage: str, argument: str) -> bool:
        reply = self._sink._say(stage, argument, self._number)
        if reply is not None:
            self._speak(reply)
        return reply is not None

    def _speak(self, text: str) -> None:
        if text == HANG:
            self._flush()
            self._hanging = True
        elif text == CLOSE:
            self._flush()
            self._hanging = True
            self._later(b"", close=True)
        elif not self._hanging:
            self._replies.append(text.encode() + b"\r\n")
            if text.startswith("421") and not self._sink.lingers:
                self._flush()
                self._hanging = True
                self._later(b"", close=True)

    def _flush(self) -> None:
        if self._replies:
            data = b"".join(self._replies)
            self._replies.clear()
            if self._due == 0:
                self._sink.groups += 1
            self._later(data)

    def _later(self, data: bytes, *, close: bool = False) -> None:
        self._due += 1
        if self._sink.delay:
            self._loop.call_later(self._sink.delay, self._write, data, close)
        else:
            self._write(data, close)

    def _write(self, data: bytes, close: bool) -> None:
        self._due -= 1
        if self._transport is None or self._transport.is_closing():
            return
        if data:
            self._transport.write(data)
        if close:
            self._transport.close()


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
