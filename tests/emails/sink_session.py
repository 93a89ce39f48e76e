"""One client's line to the sink: what it says, and what it is answered when."""

from __future__ import annotations

import asyncio
import ssl
from base64 import b64decode
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from tests.emails.sink import Sink

CLOSE = "close"
HANG = "hang"


class Session(asyncio.Protocol):
    """A line; the sink decides, this speaks."""

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
        self._sink.open_sessions.add(self)
        self._sink.connections += 1
        self._number = self._sink.connections
        self._reply("connect", "", "220 sink.example ESMTP")
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._sink.open_sessions.discard(self)

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
        reply = self._sink.say("dot", "", self._number)
        if reply is not None:
            self._speak(reply)
        elif not self._recipients:
            self._speak("554 5.5.1 nobody to send it to")
        else:
            self._sink.keep(self._sender or "", self._recipients, body, self._number)
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
        reply = self._sink.say("data", "", self._number)
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
        self._speak(self._sink.say(stage, argument, self._number) or text)

    def _unusual(self, stage: str, argument: str) -> bool:
        reply = self._sink.say(stage, argument, self._number)
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
