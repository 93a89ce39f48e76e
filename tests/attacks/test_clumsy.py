"""A clumsy hand: slips of the keys that once bricked a page, and what somebody loses who sends at a bad moment (R06)."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from html import unescape

import pytest
import time_machine
from sqlalchemy import event

import app.core.database as core_database
from app.desk.invitations import MOST_OF_A_NAME
from tests.attacks.conftest import House
from tests.pages import story

UNION = {"type": "local", "name_en": "Miners", "country": "", "parent": ""}
LONGEST = "a" * 60 + "@" + ".".join(["b" * 60] * 3) + ".example"


@pytest.mark.parametrize("day", ["0001-01-01", "0621-03-18", "1026-11-24", "9999-12-31"])
def test_R06_a_day_that_no_calendar_of_ours_knows_is_asked_about(house: House, day: str) -> None:
    admin, before = house.staff(), house.rows()
    answer = admin.post("/staff/organisations/new", data={**UNION, "verified": day})
    assert answer.status_code == 422
    assert "Write the day as 2026-11-24" in story.words(answer)
    assert house.rows() == before


def test_F05_a_day_in_persian_digits_is_understood_and_shown_in_both_languages(
    house: House,
) -> None:
    admin = house.staff()
    typed = {**UNION, "verified": "۲۰۲۶-۱۱-۲۴"}
    made = admin.post("/staff/organisations/new", data=typed)
    assert made.status_code == 303
    for language in ("fa", "en"):
        shown = admin.get(str(made.location), query_string={"language": language})
        assert shown.status_code == 200


@pytest.mark.parametrize(
    "website", ["https://", "https:// x.example", "https://[", "http://[::x]/", "//x", "x.example"]
)
def test_R06_a_website_that_is_none_is_asked_about(house: House, website: str) -> None:
    typed = {**UNION, "website": website, "source": "a call"}
    answer = house.staff().post("/staff/organisations/new", data=typed)
    assert answer.status_code == 422
    assert "Begin the address with https://" in story.words(answer)


def test_R06_no_text_reaches_the_database_with_a_control_character(house: House) -> None:
    """PostgreSQL takes no NUL, and would end such a form with an error."""
    admin = house.staff()
    nul = {**UNION, "website": "https://x.example/\x00a", "source": "\x00call", "sector": "a\x00b"}
    assert admin.post("/staff/organisations/new", data=nul).status_code == 303
    texts = {
        "slug": "n\x00",
        "goal": "5",
        "en-title": "a\x00b",
        "en-body": "c\x00d",
        "en-seen": "0",
    }
    admin.post("/staff/petitions/new", data=texts)
    assert "\\x00" not in "".join(
        repr(value)
        for rows in house.rows().values()
        for row in rows
        for value in row
        if isinstance(value, str)
    )
    asked: list[str] = []
    event.listen(
        house.database.engine,
        "before_cursor_execute",
        lambda _c, _k, _statement, parameters, *_more: asked.append(repr(parameters)),
    )
    for place in ("/staff/organisations?country=%00&q=%00&type=%00", "/en/reports?q=%00"):
        assert admin.get(place).status_code == 200
    assert asked
    assert "\\x00" not in "".join(asked)


@pytest.mark.parametrize("letter", ["𓀀", "語", "ا", '"', "&"])
def test_R06_the_longest_names_and_address_fit_into_an_invitation(
    house: House, letter: str
) -> None:
    admin = house.staff()
    typed = {**UNION, "name_en": letter * 150, "name_fa": letter * 150}
    made = admin.post("/staff/organisations/new", data=typed)
    assert made.status_code == 303
    invited = {"role": letter * 80, "language": "fa", "languages": "fa,en", "address": LONGEST}
    answer = admin.post(f"{made.location}/invite", data=invited)
    assert answer.status_code == 303
    assert len(("ا" * 150).encode()) <= MOST_OF_A_NAME, "no Persian name is ever cut"


def test_R06_a_whole_newsletter_sent_at_a_bad_moment_is_not_lost(
    build: Callable[..., House],
    clock: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(core_database, "BUSY_SECONDS", 0.2)
    house = build()
    house.app.config["WTF_CSRF_ENABLED"] = False
    admin = house.staff()
    typed = {f"t-{number}": f"text {number}" for number in range(300)} | {"do": "save"}
    holder = sqlite3.connect(house.folder / "peyvand.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        answer = admin.post("/staff/newsletters/1", data=typed)
    finally:
        holder.close()
    assert answer.status_code == 503
    kept = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', answer.text))
    assert {name: unescape(value) for name, value in kept.items()} == typed


def test_R06_pressing_twice_asks_twice_and_harms_nothing(house: House) -> None:
    visitor = house.visitor()
    sent = {"address": "leila@example.org", "consent": ["y", "y", ""], "x": ["1", "2"]}
    first = visitor.post("/en/petitions/teachers/sign", data=sent)
    second = visitor.post("/en/petitions/teachers/sign", data=sent)
    assert first.status_code == second.status_code == 303
    assert first.location != second.location


def test_R06_a_doubled_address_counts_once(house: House) -> None:
    sent = {"address": ["leila@example.org", "other@example.org"], "consent": "y"}
    before = len(house.rows()["request"])
    assert house.visitor().post("/fa/newsletter", data={**sent, "language1": "fa"}).status_code in (
        303,
        422,
    )
    assert len(house.rows()["request"]) <= before + 1


@pytest.mark.parametrize("path", ["/en/%0d%0aX-Evil:y", "/fa/%D8%B3%D9%84", "/en/%00", "/%FF"])
def test_R06_the_onion_address_in_a_header_is_one_line_of_ascii(house: House, path: str) -> None:
    answer = house.visitor().get(path)
    assert answer.status_code == 404
    assert re.fullmatch(r"http://abcdefabcdef\.onion/[!-~]*", answer.headers["Onion-Location"])
