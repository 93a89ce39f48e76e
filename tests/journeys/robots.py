"""A mail scanner: fetches every link it sees, twice, by GET and by HEAD, and presses nothing (M03)."""

from __future__ import annotations

import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable
from email.message import Message
from typing import NamedTuple


class Answer(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    headers: Message


def fetches_twice(links: Iterable[str]) -> list[Answer]:
    """GET and HEAD of each link, twice."""
    return [
        asked(link, method=method) for link in links for _ in range(2) for method in ("GET", "HEAD")
    ]


def asked(
    url: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    kind: str | None = None,
    known: str = "",
) -> Answer:
    """One request without a cookie, following no redirect; ``known`` is the ETag of what the asker has."""
    headers = {"Content-Type": kind} if kind else {}
    if known:
        headers["If-None-Match"] = known
    request = urllib.request.Request(url, data=body, method=method, headers=headers)  # noqa: S310
    try:
        with _opener.open(request, timeout=15) as answer:
            return Answer(answer.status, answer.read(), answer.headers)
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.read(), error.headers)


def clicks_once(url: str) -> Answer:
    """A mail client's one-click POST, urlencoded [RFC 8058 3.2]."""
    body = urllib.parse.urlencode({"List-Unsubscribe": "One-Click"}).encode()
    return asked(url, method="POST", body=body, kind="application/x-www-form-urlencoded")


def clicks_once_in_parts(url: str) -> Answer:
    """The same as multipart/form-data."""
    body = (
        b"--parts\r\n"
        b'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
        b"One-Click\r\n--parts--\r\n"
    )
    return asked(url, method="POST", body=body, kind="multipart/form-data; boundary=parts")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))
