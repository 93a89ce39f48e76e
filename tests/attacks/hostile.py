"""Texts that have broken services before, and how forms of a page are found and filled."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

SCRIPT: Final = "<script>alert(1)</script>"
"""Found in a page as it stands here, it would run."""
TEXTS: Final = (
    "",
    " ",
    "\x00",
    "a\x00b\x1f\x7f\x85",
    "\u202e\u2066gnp.exe\u2069\u200f",
    "\ufffe\uffff\ue000",
    "\u200d".join("👩👩👧👦") * 40,
    "💥" * 600,
    "a" + "\u0301\u0327" * 3000,
    "\u0f73" * 3000,
    "\ufdfa" * 300,
    "ﬀ１２３ｅ＠ｅ．ｃｏｍ",
    SCRIPT,
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "{{ 7*7 }}{% raw %}${7*7}#{7*7}",
    "%(x)s %s %n %% %",
    "' OR 1=1; DROP TABLE request; --",
    "../../../etc/passwd",
    "//evil.example/%2e%2e",
    "//[",
    "https://[",
    "\r\nSet-Cookie: a=b\r\n\r\nhello",
    "a@b.example\r\nBcc: everyone@b.example",
    "leila@example.org,other@example.org",
    "-1",
    "0",
    "2147483648",
    "9" * 400,
    "1e309",
    "NaN",
    "٣",
    "0001-01-01",
    "9999-12-31",
    "x" * 5000,
    "on",
    "None",
    "[1, {",
    "all",
    "fa",
    "remove:" + "0" * 32,
    "approve:" + "f" * 32 + ":en",
    "AAAAAAAAAAAAAAAAAAAAAA",
)
PARTS: Final = (
    "%00",
    "%0d%0aX-Evil:%20yes",
    "%E2%80%AE%D8%B3",
    "%ED%A0%80",
    "%C0%AE",
    "%F0%9F%92%A5",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e",
    "%2F",
    "%5C%5Cevil.example",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "%7B%7B7*7%7D%7D",
    "'%20OR%201=1",
    "-1",
    "0",
    "00000000001",
    "2147483648",
    "9" * 400,
    "%D9%A3",
    "x" * 2000,
    "a" * 43,
    "A" * 22,
    "_" * 22,
    "null",
    "%25s",
    "1.json",
)
"""One part of an address, as it goes over the wire."""
HEADERS: Final = (
    ("Accept-Language", "x" * 8000),
    ("Accept-Language", "fa;q=zero, en;q=;;, *;q=-1, \u00e9"),
    ("Accept-Language", ",".join(f"a{n}-b;q=0.{n}" for n in range(900))),
    ("Accept", "application/json"),
    ("Accept", "text/html;q=no, */*;q=1e99, ;;;"),
    ("Accept-Encoding", "gzip;q=x, \u00ff"),
    ("Cookie", "workroom=forged.value.x; a=b; ; =; \u00e9"),
    ("Cookie", "workroom=" + "." * 3000),
    ("Cookie", "session=eyJhIjoxfQ.Z.Z; workroom=eyJzZWNyZXQiOlsxXX0.Z.Z"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "javascript"),
    ("Forwarded", "for=127.0.0.1;host=evil.example"),
    ("X-Real-IP", "::ffff:127.0.0.1"),
    ("X-Original-URL", "/staff/people"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("Host", "evil.example"),
    ("Host", "a b"),
    ("Host", "[::1"),
    ("Host", "localhost:99999999"),
    ("Host", "localhost@evil.example"),
    ("Range", "bytes=5-1,-0,a-b"),
    ("If-None-Match", '"' * 500),
    ("If-Modified-Since", "Thu, 99 Foo 0000 99:99:99 GMT"),
    ("Referer", "javascript:alert(1)"),
    ("Origin", "null"),
    ("Authorization", "Basic ====="),
    ("Content-Encoding", "gzip"),
    ("Transfer-Encoding", "gzip, chunked"),
    ("Expect", "200-maybe"),
    ("Date", "\u00ff"),
)
TYPES: Final = (
    "application/json",
    "text/plain; charset=utf-7",
    "multipart/form-data",
    "multipart/form-data; boundary=" + "x" * 300,
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded; charset=utf-16",
    "application/x-www-form-urlencoded;;;=",
    "",
    "\u00e9/\u00e9",
)


def nested_multipart(depth: int) -> bytes:
    """Multipart in multipart, as deep as asked, which no form of ours is."""
    body = b"deep"
    for level in range(depth):
        mark = b"b%d" % level
        body = (
            b"--" + mark + b'\r\nContent-Disposition: form-data; name="address"\r\n'
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n"
            % (level - 1)
            + body
            + b"\r\n--"
            + mark
            + b"--\r\n"
        )
    return body


BODIES: Final = (
    (b"", "application/x-www-form-urlencoded"),
    (b"%%%=&&&;;;=%ff%00&address=%ED%A0%80", "application/x-www-form-urlencoded"),
    (b"address=a&address=b&address=c&consent=y&consent=", "application/x-www-form-urlencoded"),
    (b"&".join(b"a%d=b" % n for n in range(8000))[:65000], "application/x-www-form-urlencoded"),
    (b"address=" + b"x" * 65000, "application/x-www-form-urlencoded"),
    (b"address=" + b"x" * 70000, "application/x-www-form-urlencoded"),
    (b"=" * 60000, "application/x-www-form-urlencoded"),
    (b'{"address": [1, {', "application/json"),
    (b"\xff\xfe\x00", "text/plain; charset=utf-7"),
    (nested_multipart(40), "multipart/form-data; boundary=b39"),
    (b"--x\r\nContent-Disposition: nonsense\r\n\r\n", "multipart/form-data; boundary=x"),
    (
        b"".join(
            b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % n
            for n in range(1100)
        )
        + b"--x--\r\n",
        "multipart/form-data; boundary=x",
    ),
    (
        (
            b'--x\r\nContent-Disposition: form-data; name="address"; filename="../../a\x00b"\r\n'
            b"Content-Type: image/png\r\n\r\n\x89PNG\r\n--x--\r\n"
        ),
        "multipart/form-data; boundary=x",
    ),
)
"""Bodies that are no form of ours, with their types."""


@dataclass
class Form:
    """A form of a page with what a browser would send of it untouched."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    kinds: dict[str, str] = field(default_factory=dict)

    def filled(self, chance: random.Random) -> list[tuple[str, str]]:
        """What somebody might send: the defaults, empty fields filled, some boxes ticked."""
        sent = []
        for name, value in self.fields:
            kind = self.kinds[name]
            if kind in ("checkbox", "radio", "submit") and chance.random() < 0.4:
                continue
            sent.append((name, value or _plausible(name, kind)))
        return sent


def _plausible(name: str, kind: str) -> str:
    by_name = {"slug": "words", "goal": "500", "code": "ACDEFHJK", "language": "fa"}
    by_kind = {"email": "leila@example.org", "password": "seven amber bricks", "date": "2026-11-24"}
    return by_kind.get(kind) or by_name.get(name, "word" if kind in ("text", "textarea") else "")


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._select = ""
        self._area = ""

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        if tag == "form":
            self.forms.append(Form(attributes.get("action", ""), attributes.get("method", "get")))
        elif tag == "option" and self._select and self.forms:
            self._add(self._select, attributes.get("value", ""), "select")
        elif tag in ("input", "button", "textarea", "select") and self.forms:
            name = attributes.get("name", "")
            if tag == "select":
                self._select = name
            elif name:
                kind = attributes.get("type", "submit" if tag == "button" else tag)
                kind = "text" if kind == "input" else kind
                self._add(name, attributes.get("value", ""), kind)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""

    def _add(self, name: str, value: str, kind: str) -> None:
        form = self.forms[-1]
        if kind == "select" and name in form.kinds and value and form.kinds[name] == "select":
            return
        form.fields.append((name, value))
        form.kinds[name] = kind


def forms_of(page: str) -> list[Form]:
    """Every form of a page."""
    parser = _Forms()
    parser.feed(page)
    return parser.forms


def links_of(page: str) -> list[str]:
    """Every address that a page's links, frames, pictures and forms name."""
    return [unescape(found) for found in re.findall(r'(?:href|src|action)="([^"]*)"', page)]


def words_asked_for() -> tuple[list[str], list[str]]:
    """The names that views look for in queries and in forms, so that a new one is attacked without a line here."""
    root = Path(__file__).resolve().parents[2] / "app"
    source = "\n".join(path.read_text("utf-8") for path in sorted(root.rglob("*.py")))
    queries = re.findall(r'request\.args(?:\.get|\.getlist)?[(\[]\s*"(\w+)"', source)
    fields = re.findall(r'request\.form(?:\.get|\.getlist)?[(\[]\s*"(\w+)"', source)
    fields += re.findall(r"^    (\w+) = \w*Field\(", source, re.MULTILINE)
    return sorted({*queries, "language", "x"}), sorted(set(fields))
