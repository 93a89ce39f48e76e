"""The search for canaries finds what it is to find: one planted in each way of writing."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from quopri import encodestring
from urllib.parse import quote, quote_plus

import pytest

from tests.faults.searching import found

WORDS = ("parastoo.7f3k@canary.example", "پرستو‌ی قناری", "Zoë Canary-9")

WAYS: dict[str, Callable[[bytes], bytes]] = {
    "plain": lambda text: text,
    "base64": b64encode,
    "base64 in lines": lambda text: b"\r\n".join(_chunks(b64encode(text), 20)),
    "base64url": urlsafe_b64encode,
    "quoted-printable": encodestring,
    "quoted-printable, CRLF": lambda text: encodestring(text).replace(b"\n", b"\r\n"),
    "percent": lambda text: quote(text, safe="").encode(),
    "percent, lower": lambda text: quote(text, safe="").encode().lower(),
    "json": lambda text: json.dumps(text.decode()).encode(),
    "hex": lambda text: text.hex().encode(),
    "hex, upper": lambda text: text.hex().upper().encode(),
    "utf-16-le": lambda text: text.decode().encode("utf-16-le"),
    "utf-16-be": lambda text: text.decode().encode("utf-16-be"),
}


def _chunks(text: bytes, size: int) -> list[bytes]:
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("before", [b"", b"x", b"xy", b"a longer beginning "])
def test_C08_the_search_finds_a_canary_however_it_is_written(
    way: str, word: str, before: bytes
) -> None:
    # given a canary in the middle of something longer
    planted = b"\x00\x01" + WAYS[way](before + word.encode() + b" and an end") + b"\xff"
    wanted = word.lower() if way == "percent, lower" else word
    # then it is found, and one that is not there is not
    assert {
        hit[1] for hit in found([wanted, "nobody.0000@canary.example"], [("here", planted)])
    } == {wanted}


def test_C08_the_search_knows_a_form_with_plus_for_space() -> None:
    typed = quote_plus("نام=پرستو‌ی قناری").encode()
    assert found(["قناری"], [("form", typed)])
