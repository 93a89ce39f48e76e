"""Looking for a word in bytes, however it was written down: plain, base64, quoted-printable, percent, JSON, hex, UTF-16."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from pathlib import Path
from quopri import encodestring
from urllib.parse import quote

import psycopg
import redis
from psycopg import sql

SOFT_BREAKS = (b"=\r\n", b"=\n", b"\r\n ", b"\r\n\t", b"\r\n", b"\n")


def written(word: str) -> dict[str, bytes]:
    """The ways in which ``word`` may stand in bytes; whatever surrounds it, one of these is there."""
    plain = word.encode()
    percent = quote(word, safe="").encode()
    json_text = json.dumps(word)[1:-1].encode()
    ways = {
        "plain": plain,
        "percent": percent,
        "percent, lower": _lower_hex(percent, b"%", 2),
        "quoted-printable": encodestring(plain, header=False).replace(b"=\n", b"").strip(),
        "json": json_text,
        "json, upper": _upper_escapes(json_text),
        "hex": plain.hex().encode(),
        "hex, upper": plain.hex().upper().encode(),
        "utf-16-le": word.encode("utf-16-le"),
        "utf-16-be": word.encode("utf-16-be"),
    }
    for shift in range(3):
        for name, encode in (("base64", b64encode), ("base64url", urlsafe_b64encode)):
            ways[f"{name}, {shift}"] = _aligned(encode(b"\0" * shift + plain), shift, len(plain))
    return ways


def _aligned(encoded: bytes, shift: int, length: int) -> bytes:
    """The part of a base64 text that depends on the word alone, whatever stands before and behind it."""
    first = -(-shift * 8 // 6)
    last = (shift + length) * 8 // 6
    return encoded[first:last]


def _lower_hex(text: bytes, mark: bytes, digits: int) -> bytes:
    head, *rest = text.split(mark)
    return head + b"".join(mark + part[:digits].lower() + part[digits:] for part in rest)


def _upper_escapes(text: bytes) -> bytes:
    head, *rest = text.split(b"\\u")
    return head + b"".join(b"\\u" + part[:4].upper() + part[4:] for part in rest)


def found(words: Iterable[str], places: Iterable[tuple[str, bytes]]) -> list[tuple[str, str, str]]:
    """Each place where a word stands, and how it is written there."""
    ways = {word: written(word) for word in words}
    hits = []
    for place, content in places:
        unfolded = content
        for soft in SOFT_BREAKS[:2]:
            unfolded = unfolded.replace(soft, b"")
        joined = content.replace(b"\r", b"").replace(b"\n", b"").replace(b"\t", b"")
        for haystack in dict.fromkeys((content, unfolded, joined)):
            hits += [
                (place, word, way)
                for word, forms in ways.items()
                for way, form in forms.items()
                if form in haystack
            ]
    return sorted(set(hits))


def files(folder: Path, *, without: Iterable[Path] = ()) -> Iterator[tuple[str, bytes]]:
    """Every file below ``folder``, but for those named or below those named."""
    left_out = tuple(without)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not any(path.is_relative_to(one) for one in left_out):
            yield str(path.relative_to(folder)), path.read_bytes()


def tables(url: str) -> Iterator[tuple[str, bytes]]:
    """Every table of a PostgreSQL database, as COPY writes it in text and in binary."""
    with psycopg.connect(url) as connection:
        names = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
        ).fetchall()
        for (name,) in names:
            for how in ("TEXT", "BINARY"):
                copy = sql.SQL("COPY {} TO STDOUT (FORMAT {})").format(
                    sql.Identifier(name), sql.SQL(how)
                )
                with connection.cursor().copy(copy) as rows:
                    yield f"table {name}", b"".join(bytes(row) for row in rows)


def redis_keys(client: redis.Redis) -> Iterator[tuple[str, bytes]]:
    """Every key of a Redis, with what it holds as DUMP gives it out and as it reads."""
    for key in client.scan_iter():
        yield "redis key", bytes(key) + bytes(client.dump(key) or b"")
        kind = client.type(key)
        if kind == b"list":
            yield "redis list", b"\n".join(client.lrange(key, 0, -1))  # type: ignore[arg-type]
        elif kind == b"hash":
            for field, value in client.hgetall(key).items():
                yield "redis hash", repr((field, value)).encode()
        elif kind == b"string":
            yield "redis string", bytes(client.get(key) or b"")  # type: ignore[arg-type]
