"""A lasting PostgreSQL connection that the event loop speaks to itself, for what is said for every mail.

A thread and a session for each statement would cost more than all else that a mail does. Each statement here is a
transaction of its own. SQLite, and whatever is not usual, take a unit of work; so does everything while this
connection is away.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import psycopg
import sqlalchemy as sa
from psycopg import pq

SECONDS: Final = 30.0
"""How long an answer may take before the connection is given up."""
_AS_BYTES: Final = 1
_FAILED: Final = (pq.ExecStatus.FATAL_ERROR, pq.ExecStatus.BAD_RESPONSE)


class LineError(Exception):
    """A statement that failed or whose answer was lost: it may have been committed all the same."""


class Line:
    """Prepared statements, one after the other, over one connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection
        self._pg = connection.pgconn
        self._loop = asyncio.get_running_loop()
        self._turn = asyncio.Lock()
        self._prepared: dict[str, bytes] = {}
        self._waiter: asyncio.Future[pq.abc.PGresult] | None = None
        self._result: pq.abc.PGresult | None = None
        self._writing = False
        self.closed = False
        self._pg.nonblocking = 1
        self._socket = self._pg.socket
        self._loop.add_reader(self._socket, self._readable)

    @classmethod
    async def open(cls, engine: sa.Engine, *settings: str) -> Line:
        """A connection of one's own with the engine's options. Raises the engine's and the driver's errors."""

        def connect() -> psycopg.Connection:
            lent = engine.raw_connection()
            connection = lent.driver_connection
            lent.detach()
            assert isinstance(connection, psycopg.Connection)  # noqa: S101
            connection.autocommit = True
            for setting in settings:
                connection.execute(setting.encode())
            return connection

        return cls(await asyncio.get_running_loop().run_in_executor(None, connect))

    async def ask(self, statement: str, values: Sequence[bytes | None]) -> pq.abc.PGresult:
        """The statement's result, its values as octets. Raises LineError.

        ``statement`` has its places as ``$1``; ``values`` are written as PostgreSQL reads them.
        """
        async with self._turn:
            name = self._prepared.get(statement)
            if name is None:
                name = f"line{len(self._prepared)}".encode()
                await self._answer(lambda: self._pg.send_prepare(name or b"", statement.encode()))
                self._prepared[statement] = name
            return await self._answer(
                lambda: self._pg.send_query_prepared(name or b"", values, result_format=_AS_BYTES)
            )

    async def _answer(self, send: Callable[[], None]) -> pq.abc.PGresult:
        if self.closed:
            raise LineError("closed")
        self._waiter = waiter = self._loop.create_future()
        self._result = None
        timer = self._loop.call_later(SECONDS, self.close)
        try:
            send()
            self._flush()
            result: pq.abc.PGresult = await waiter
        except psycopg.Error as error:
            self.close()
            raise LineError(type(error).__name__) from None
        except asyncio.CancelledError:
            # The answer would be taken for that of the next statement.
            self.close()
            raise
        finally:
            timer.cancel()
            self._waiter = None
        if result.status in _FAILED:
            raise LineError("refused")
        return result

    def close(self) -> None:
        """Give the connection up; who waits for an answer gets a LineError. Harmless twice."""
        if self.closed:
            return
        self.closed = True
        self._loop.remove_reader(self._socket)
        if self._writing:
            self._loop.remove_writer(self._socket)
        self._connection.close()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(LineError("cut"))

    def _flush(self) -> None:
        left = self._pg.flush()
        if left and not self._writing:
            self._loop.add_writer(self._socket, self._writable)
        elif self._writing and not left:
            self._loop.remove_writer(self._socket)
        self._writing = bool(left)

    def _writable(self) -> None:
        try:
            self._flush()
        except psycopg.Error:
            self.close()

    def _readable(self) -> None:
        pg = self._pg
        try:
            pg.consume_input()
            while self._waiter is not None and not pg.is_busy():
                result = pg.get_result()
                if result is None:
                    self._done()
                    return
                self._result = result
        except psycopg.Error:
            self.close()

    def _done(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            if self._result is None:
                self.close()
            else:
                self._waiter.set_result(self._result)
