"""Small requests that would cost much work: runs of marks, deep Markdown, long names at the door (C24, R06)."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

import pytest

from app.core import addresses, languages, persian
from app.core.errors import InvalidError
from app.newsletters.composing import html_of, text_of
from app.web.text import markdown
from tests.attacks.conftest import House

MARKS = (
    "a" + "\u0301\u0327" * 30_000,
    "\u0f73" * 60_000,
    "\u0344" * 60_000,
    "\u202a\u0301\u202a\u0327" * 15_000,
    "\x00\u0301\u0327" * 20_000,
    "\u200c\u0301\u0327" * 20_000,
    "\ufdfa" * 60_000,
)


CHOKED = 5.0
"""Seconds of the processor: what grows by the square takes far longer; measuring coverage doubles the rest."""


def work(step: Callable[[], object]) -> float:
    begun = time.process_time()
    step()
    return time.process_time() - begun


@pytest.mark.parametrize("text", MARKS, ids=lambda text: ascii(text[:3]))
def test_R06_marks_in_a_row_do_not_cost_their_square(text: str) -> None:
    assert work(lambda: languages.tidy(text)) < 0.5
    assert work(lambda: persian.fold(languages.tidy(text))) < 0.5


def test_F04_marks_that_people_write_stay() -> None:
    written = ("بَرِّه", "می\u200cخواهم", "Nguyễn", "क्षि", "👩\u200d👩\u200d👧", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢LGO")
    for text in written:
        assert languages.tidy(text) == languages.tidy(languages.tidy(text)), text
        assert languages.tidy(text), text
    assert languages.tidy("می\u200cخواهم") == "می\u200cخواهم"
    assert languages.tidy("e\u0301") == "é"


def test_R06_a_public_form_full_of_marks_is_answered_at_once(house: House) -> None:
    body = ("a" + "\u0301\u0327" * 15_000).encode()
    visitor = house.visitor()

    def send(place: str, name: str) -> None:
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
        kind = "multipart/form-data; boundary=x"
        visitor.post(place, data=head + body + b"\r\n--x--\r\n", content_type=kind)

    for place, name in (
        ("/en/petitions/teachers/sign", "address"),
        ("/en/my-choices", "address"),
        ("/staff/sign-in", "name"),
    ):
        assert work(functools.partial(send, place, name)) < 0.7, place


def test_R06_the_workrooms_door_takes_no_larger_form_than_a_visitor_may_send(house: House) -> None:
    large = {"name": "x" * 200_000, "password": "y"}
    assert house.visitor().post("/staff/sign-in", data=large).status_code == 413
    assert house.visitor().post("/staff/link/x", data=large).status_code == 413
    assert house.staff().post("/staff/petitions/3", data={**large, "goal": "5"}).status_code != 413


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "![" * 10_000,
        "*a **a " * 3_000,
        "> " * 10_000 + "a",
        "[a](" * 8_000,
        "_" * 20_000,
        "`" * 20_000,
        "&#" * 10_000,
        "<http:" * 3_000,
        "*" * 10_000 + "a" + "*" * 10_000,
        "|a" * 100 + "\n" + "|-" * 100 + "\n" + "|\n" * 5_000,
        "- " * 10_000,
        "1. \n" * 5_000,
    ],
    ids=lambda text: text[:6],
)
def test_R06_markdown_that_chokes_parsers(text: str) -> None:
    assert work(lambda: markdown(text)) < CHOKED
    assert work(lambda: html_of(text)) < CHOKED
    assert work(lambda: text_of(text)) < CHOKED


def test_M12_an_address_that_no_server_would_take_is_refused_at_once() -> None:
    for typed in ("ا" * 33 + "@example.org", "é" * 40 + "@example.org"):
        with pytest.raises(InvalidError):
            addresses.parse(typed)
    assert addresses.parse("ا" * 32 + "@example.org").local == "ا" * 32


def test_R06_a_long_local_part_is_told_from_a_slip(house: House) -> None:
    sent = {"address": "ا" * 33 + "@example.org", "consent": "y"}
    answer = house.visitor().post("/en/petitions/teachers/sign", data=sent)
    assert answer.status_code == 422
    assert "too long for mail" in answer.text
