"""Whole answers kept for a few seconds before the application is asked (C21, C25).

A petition's page takes a dozen statements to make and is the same for everyone, so what ``app.web.headers`` marks
as such is kept in this process, by the address it was asked at. For who publishes, it comes that much later; a name
that is withdrawn stays as many seconds longer, which together with a cache in front is well within the minute.
Nothing that tells of a visitor is part of the key or of the answer.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final

from flask import Flask
from werkzeug.http import parse_etags, unquote_etag

from app.web.headers import KEPT

Key = tuple[str, str, str, str]
Headers = list[tuple[str, str]]
Start = Callable[..., Any]

MOST_PAGES: Final = 512
MOST_OCTETS: Final = 32 * 1024 * 1024
"""What is kept altogether; the page that was made longest ago goes first."""
LARGEST: Final = 1024 * 1024


def init_app(app: Flask, seconds: int) -> None:
    """Keep pages before ``app`` is asked; below what tells which host and scheme a proxy was asked for."""
    if seconds:
        app.wsgi_app = KeptPages(app.wsgi_app, seconds, unkept=f"{app.static_url_path}/")  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Kept:
    """One answer: until when it is given, its status, its ETag, and what a whole and an unchanged one consist of.

    A redirect has no ETag.
    """

    until: float
    status: str
    etag: str
    headers: Headers
    unchanged: Headers
    body: bytes

    def answer(self, environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        """The page, or that it is the one the asker has."""
        asked = environ.get("HTTP_IF_NONE_MATCH")
        if asked and self.etag and _names(asked, self.etag):
            start("304 NOT MODIFIED", self.unchanged)
            return ()
        start(self.status, self.headers)
        return () if environ["REQUEST_METHOD"] == "HEAD" else (self.body,)


class KeptPages:
    """WSGI: answers GET and HEAD of a kept page at once, and passes on everything else.

    Addresses below ``unkept`` are files, whose ETags are their own.
    """

    def __init__(self, wsgi: Any, seconds: int, *, unkept: str) -> None:
        self._wsgi = wsgi
        self._seconds = seconds
        self._unkept = unkept
        self._pages: OrderedDict[Key, Kept] = OrderedDict()
        self._octets = 0
        self._lock = Lock()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if (
            environ["REQUEST_METHOD"] not in ("GET", "HEAD")
            or path.startswith(self._unkept)
            or "HTTP_IF_MATCH" in environ
        ):
            passed_on: Iterable[bytes] = self._wsgi(environ, start_response)
            return passed_on
        host = environ.get("HTTP_HOST", "")
        key = (environ["wsgi.url_scheme"], host, path, environ["QUERY_STRING"])
        kept = self._pages.get(key)
        if kept is not None and kept.until >= time.monotonic():
            return kept.answer(environ, start_response)
        return self._make(key, environ, start_response)

    def _make(self, key: Key, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """Ask the application for the whole page, and keep it where it is the same for everyone."""
        told: list[Any] = []

        def note(status: str, headers: Headers, error: Any = None) -> None:
            told[:] = [status, headers, error]

        whole = {**environ, "REQUEST_METHOD": "GET"}
        whole.pop("HTTP_IF_NONE_MATCH", None)
        answer = self._wsgi(whole, note)
        status, headers, error = told
        names = {name.lower(): value for name, value in headers}
        if not (
            status.startswith(("200 ", "301 "))
            and names.get("cache-control") == KEPT
            and "set-cookie" not in names
        ):
            start_response(status, headers, error)
            return answer if environ["REQUEST_METHOD"] == "GET" else _silent(answer)
        try:
            body = b"".join(answer)
        finally:
            answer.close()
        return self._keep(key, status, headers, body).answer(environ, start_response)

    def _keep(self, key: Key, status: str, headers: Headers, body: bytes) -> Kept:
        left_out = ("content-length", "content-type")
        unchanged = [pair for pair in headers if pair[0].lower() not in left_out]
        until = time.monotonic() + self._seconds
        etag = next((value for name, value in headers if name.lower() == "etag"), "")
        made = Kept(until, status, etag, list(headers), unchanged, body)
        with self._lock:
            self._drop(key)
            if len(body) <= LARGEST:
                self._pages[key] = made
                self._octets += len(body)
            while len(self._pages) > MOST_PAGES or self._octets > MOST_OCTETS:
                self._drop(next(iter(self._pages)))
        return made

    def _drop(self, key: Key) -> None:
        gone = self._pages.pop(key, None)
        if gone is not None:
            self._octets -= len(gone.body)


def _silent(answer: Any) -> Iterable[bytes]:
    """The answer's end without its words: HEAD has none (RFC 9110, 9.3.2)."""
    answer.close()
    return ()


def _names(asked: str, etag: str) -> bool:
    """Whether If-None-Match names ``etag``, compared weakly (RFC 9110, 13.1.2)."""
    return asked == etag or parse_etags(asked).contains_weak(unquote_etag(etag)[0] or "")
