"""A visitor without a browser: forms filled in and sent over HTTP, cookies kept, tokens found on the page."""

from __future__ import annotations

import re
import urllib.error
import urllib.parse
import urllib.request
from http.cookiejar import CookieJar
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Answer(NamedTuple):
    """What came back, after redirects."""

    status: int
    url: str
    text: str


class Caller:
    """One visitor, or one member of staff once they used a sign-in link."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url
        jar = urllib.request.HTTPCookieProcessor(CookieJar())
        self._opener = urllib.request.build_opener(jar)

    def get(self, path: str, **headers: str) -> Answer:
        return self._call(urllib.request.Request(self._url(path), headers=headers))  # noqa: S310

    def post(self, path: str, *, method: str = "POST", **fields: str) -> Answer:
        """Send a form; a token of the page at ``path`` goes with it where the page has one."""
        body = urllib.parse.urlencode(fields).encode()
        return self._call(urllib.request.Request(self._url(path), data=body, method=method))  # noqa: S310

    def post_as_staff(self, path: str, page: str = "", **fields: str) -> Answer:
        """Send a form of the workroom with the token that stands on ``page``, else on ``path`` itself."""
        shown = self.get(page or path)
        token = _TOKEN.search(shown.text)
        assert token is not None, f"no token on {page or path}: {shown.status}"
        return self.post(path, csrf_token=token[1], **fields)

    def _url(self, path: str) -> str:
        return path if path.startswith("http") else self._base + path

    def _call(self, request: urllib.request.Request) -> Answer:
        try:
            with self._opener.open(request, timeout=15) as answer:
                return Answer(answer.status, answer.url, answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.url, error.read().decode("utf-8", "replace"))
