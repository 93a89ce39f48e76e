"""A way to PostgreSQL that loses the answers to some commits: what was committed, nobody learns."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.servers.process import LOOPBACK

AT_ONCE = b"\0line"
"""Before the name of a prepared statement of ``app.outbox.line``, each of which commits by itself."""


class Lossy:
    """Passes everything on, but cuts the line where each ``nth`` COMMIT should be answered; ``lost`` counts them."""

    def __init__(self, port: int, nth: int) -> None:
        self.lost = 0
        self._behind = port
        self._nth = nth
        self._commits = itertools.count(1)
        self._door = socket.create_server((LOOPBACK, 0))
        self._open: list[socket.socket] = []
        self.port = self._door.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                server = socket.create_connection((LOOPBACK, self._behind))
                self._open += [client, server]
                losing = threading.Event()
                for source, target in ((client, server), (server, client)):
                    threading.Thread(
                        target=self._pass_on,
                        args=(source, target, losing, source is client),
                        daemon=True,
                    ).start()

    def _pass_on(
        self, source: socket.socket, target: socket.socket, losing: threading.Event, asks: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                commits = b"COMMIT" in data or AT_ONCE in data
                if asks and commits and next(self._commits) % self._nth == 0:
                    losing.set()
                if not asks and losing.is_set():
                    self.lost += 1
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        for end in (self._door, *self._open):
            with contextlib.suppress(OSError):
                end.close()


@contextmanager
def lossy(url: str, *, nth: int) -> Iterator[tuple[str, Lossy]]:
    """The URL of the same database through a lossy way."""
    address, _, database = url.rpartition("/")
    before, _, port = address.rpartition(":")
    way = Lossy(int(port), nth)
    try:
        yield f"{before}:{way.port}/{database}", way
    finally:
        way.close()
