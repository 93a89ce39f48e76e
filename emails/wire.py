"""SMTP's line: commands out in groups, replies in by count; no text of a reply is kept (C23)."""

from __future__ import annotations

import asyncio
import re
from typing import NamedTuple, cast

MAX_REPLY = 64 * 1024
"""Bytes of an unfinished reply after which a server is taken for broken."""

_ENHANCED = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})(?:[ \t]|$)")


class Reply(NamedTuple):
    """A reply's code and its enhanced status, "" where it had none of the same class."""

    code: int
    enhanced: str


_USUAL = len("250 2.0.0 ")
_known: dict[bytes, Reply] = {}
"""Replies by how their lines usually begin: the two codes and a blank, nothing of the text."""


class Wire(asyncio.Protocol):
    """One connection. ``ask`` is called by one task, one call after the other."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.closed = False
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._replies: list[Reply] = []
        # The greeting may come before anyone waits for it.
        self._wanted = 1
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0
        self._deadline = 0.0
        self._lines: list[bytes] | None = None
        self._farewell: Reply | None = None

    async def ask(self, data: bytes, wanted: int, seconds: float) -> list[Reply]:
        """Write ``data`` as one group and wait for its ``wanted`` replies.

        Fewer come back where the connection ended, ``seconds`` passed, or the server said 421
        (then it is the last); the connection is closed in all three cases.
        """
        if self.closed or self.transport is None:
            return [self._farewell] if self._farewell else []
        self._replies = []
        self._wanted = wanted
        self.transport.write(data)
        return await self._wait(seconds)

    async def greeting(self, seconds: float) -> list[Reply]:
        """The server's first word, where it comes in time."""
        if self._wanted and not self.closed:
            return await self._wait(seconds)
        return self._replies

    async def _wait(self, seconds: float) -> list[Reply]:
        self._waiter = waiter = self._loop.create_future()
        self._be_patient(seconds)
        try:
            await waiter
        finally:
            self._waiter = None
            self._wanted = 0
        return self._replies

    def _be_patient(self, seconds: float) -> None:
        """Set the time by which an answer must be there.

        One timer looks for many answers: it is set anew when it runs out, or when a sooner one
        is needed. For each answer its own would cost more than to read the answer.
        """
        self._deadline = deadline = self._loop.time() + seconds
        if self._timer is not None:
            if self._timer_at <= deadline:
                return
            self._timer.cancel()
        self._set_timer(deadline)

    def _set_timer(self, at: float) -> None:
        self._timer_at = at
        self._timer = self._loop.call_at(at, self._look_at_the_time)

    def _look_at_the_time(self) -> None:
        self._timer = None
        if self._waiter is None:
            return
        if self._loop.time() >= self._deadline:
            self.abort()
        else:
            self._set_timer(self._deadline)

    async def ask_lines(self, data: bytes, seconds: float) -> tuple[Reply | None, list[str]]:
        """As ``ask`` for one reply, with its lines: for EHLO's list of what is offered."""
        lines: list[bytes] = []
        self._lines = lines
        try:
            replies = await self.ask(data, 1, seconds)
        finally:
            self._lines = None
        return (replies[0] if replies else None), [
            line.decode("ascii", "replace") for line in lines
        ]

    @property
    def unread(self) -> bool:
        """Whether bytes wait that belong to no reply asked for."""
        return bool(self._buffer)

    def abort(self) -> None:
        """Drop the connection now; what waits ends with the replies that came."""
        self.closed = True
        if self.transport is not None:
            self.transport.abort()
        self._end()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.closed = True
        self._end()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._wake()

    def data_received(self, data: bytes) -> None:
        if self._buffer:
            data = self._buffer + data
        *lines, self._buffer = data.split(b"\n")
        if len(self._buffer) > MAX_REPLY:
            self.abort()
        for line in lines:
            if self.closed:
                return
            self._take(line)

    def _take(self, line: bytes) -> None:
        if self._lines is not None and not self._keep(line):
            return
        reply = _known.get(line[:_USUAL])
        if reply is None:
            code = line[:3]
            separator = line[3:4]
            if not code.isdigit() or separator not in (b" ", b"-", b"\r", b""):
                self.abort()
                return
            if separator == b"-" and self._wanted:
                return
            found = _ENHANCED.match(line, 4)
            enhanced = found[1].decode("ascii") if found and found[1][:1] == code[:1] else ""
            reply = Reply(int(code), enhanced)
            if separator == b" " and len(enhanced) == 5 and line[9:10] == b" ":
                _known[line[:_USUAL]] = reply
        if self._wanted == 0:
            # Nobody asked. 421 is a farewell; anything else would shift every later answer.
            self._farewell = reply if reply.code == 421 else None
            self.abort()
            return
        self._replies.append(reply)
        self._wanted -= 1
        if reply.code == 421:
            self.abort()
        elif self._wanted == 0:
            self._wake()

    def _keep(self, line: bytes) -> bool:
        """Keep a line of EHLO's answer; False where there are too many."""
        assert self._lines is not None  # noqa: S101
        if len(self._lines) > 200:
            self.abort()
            return False
        self._lines.append(line[4:].rstrip())
        return True

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
