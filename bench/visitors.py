"""Visitors who sign: raw HTTP/1.1 over lasting connections from one thread, so that the client costs little."""

from __future__ import annotations

import selectors
import socket
import time
from typing import Final, cast
from urllib.parse import urlencode

from tests.servers.process import LOOPBACK

PATIENCE: Final = 300.0


class UnexpectedAnswerError(Exception):
    """The site did not send the visitor on to the waiting page."""


class Visitors:
    """So many connections to one site, each of which posts one form after the other."""

    def __init__(self, port: int, path: str, *, connections: int) -> None:
        self._host = f"{LOOPBACK}:{port}"
        self._path = path
        self._lines = [
            socket.create_connection((LOOPBACK, port), timeout=10) for _ in range(connections)
        ]

    def sign(self, addresses: list[str]) -> float:
        """Post the form once for each address; returns how many a second were answered with 303.

        Raises UnexpectedAnswerError for any other answer.
        """
        waiting = [self._request(address) for address in reversed(addresses)]
        selector = selectors.DefaultSelector()
        began = time.perf_counter()
        for line in self._lines[: len(waiting)]:
            selector.register(line, selectors.EVENT_READ, bytearray())
            line.sendall(waiting.pop())
        answered = 0
        while answered < len(addresses):
            if time.perf_counter() - began > PATIENCE:
                raise TimeoutError("the site is too slow")
            for key, _ in selector.select(10):
                line, answer = cast(socket.socket, key.fileobj), key.data
                some = line.recv(65536)
                if not some:
                    raise UnexpectedAnswerError("the site closed a connection")
                answer += some
                if not _whole(answer):
                    continue
                if not answer.startswith(b"HTTP/1.1 303"):
                    raise UnexpectedAnswerError(bytes(answer[:200]).decode("ascii", "replace"))
                answer.clear()
                answered += 1
                if waiting:
                    line.sendall(waiting.pop())
        seconds = time.perf_counter() - began
        selector.close()
        return len(addresses) / seconds

    def leave(self) -> None:
        """Close the connections."""
        for line in self._lines:
            line.close()

    def _request(self, address: str) -> bytes:
        body = urlencode({"address": address, "consent": "y"}).encode("ascii")
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: {self._host}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode("ascii") + body


def _whole(answer: bytearray) -> bool:
    head, found, body = answer.partition(b"\r\n\r\n")
    if not found:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
        if name.lower() == b"transfer-encoding":
            return body.endswith(b"0\r\n\r\n")
    return True
