"""Journeys of the workroom: a petition from its first word to its closing, and a union invited to the newsletter."""

from __future__ import annotations

from typing import Final

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, expect

from app.audience.models import MailingList, Subscription
from app.staff.models import EDITOR
from tests.journeys import mails, robots
from tests.journeys.colleagues import PASSWORD, Colleague
from tests.journeys.conftest import Visits
from tests.journeys.dumps import settled
from tests.journeys.worlds import World
from tests.servers.process import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.sockets]

TEXTS: Final = {
    "fa": {
        "topic": "پرستاران",
        "title": "نه به اضافه‌کاری اجباری",
        "summary": "پرستاران نیروی کافی و ساعت کار انسانی می‌خواهند.",
        "addressee": "وزیر بهداشت",
        "body": "پرستاران بیش از توان کار می‌کنند.\n\n## چرا اکنون\n\nبیمارستان‌ها نیرو کم دارند.",
        "demands": "اضافه‌کاری اجباری پایان یابد.\nنیروی تازه استخدام شود.",
    },
    "en": {
        "topic": "Nurses",
        "title": "No to compulsory overtime",
        "summary": "Nurses want enough staff and humane hours.",
        "addressee": "The Minister of Health",
        "body": "Nurses work beyond their strength.\n\n## Why now\n\nHospitals lack staff.",
        "demands": "An end to compulsory overtime.\nNew staff.",
    },
}


def test_a_petition_is_written_previewed_opened_signed_and_closed(
    world: World, staff: Colleague, visits: Visits
) -> None:
    # given a petition written in two languages, with a goal in Persian digits
    petition = staff.writes_petition("no-compulsory-overtime", TEXTS, goal="۵۰۰")
    visitor = visits(world.base_url, "fa")
    assert visitor.opens("/petitions/no-compulsory-overtime").status == 404, "a draft is nobody's"
    for language, texts in TEXTS.items():
        staff.goes(f"/petitions/{petition}/preview/{language}")
        assert texts["title"] in staff.page.content()

    # when its translation is approved and it is opened
    staff.approves(petition, next(code for code in TEXTS if code != staff.language))
    staff.opens_for_signatures(petition)

    # then each reads it in their language, with its demands, and below 20 no number is told
    for language, texts in TEXTS.items():
        reader = visits(world.base_url, language)
        reader.opens("/petitions/no-compulsory-overtime")
        words = reader.page.locator("body").inner_text()
        for part in ("title", "addressee", "topic"):
            assert texts[part] in words
        for demand in texts["demands"].split("\n"):
            assert demand in words
        assert "##" not in words
        few = {"fa": "کمتر از ۲۰", "en": "fewer than 20"}[language]
        assert few in words
        assert {"fa": "۵۰۰", "en": "500"}[language] in words

    # and it can be signed
    visitor.signs("no-compulsory-overtime", "nurse@example.org")
    visitor.types_code(mails.new(world, "nurse@example.org").code)
    visitor.is_thanked()

    # when it is closed
    late = visits(world.base_url, "en")
    late.opens("/petitions/no-compulsory-overtime")
    asked_before = visits(world.base_url, "en")
    asked_before.signs("no-compulsory-overtime", "in-time@example.org")
    staff.closes(petition)

    # then who had its form open is told kindly, nothing is stored, and who asked before still counts (C12)
    form = late.page.locator("form[action$='/sign']")
    form.locator("[name=address]").fill("late@example.org")
    form.locator("[name=consent]").check()
    with late.page.expect_navigation():
        form.locator("button").click()
    assert "closed" in late.page.locator("#sign").inner_text()
    asked_before.types_code(mails.new(world, "in-time@example.org").code)
    asked_before.is_thanked()
    rows = settled(world.database)
    assert rows["request"] == []


def test_U05_a_union_is_invited_and_its_representative_confirms(
    world: World, staff: Colleague, visits: Visits
) -> None:
    # given a union that was entered by hand
    union = staff.adds_organisation("Example Dockers’ Union")

    # when its representative is invited
    staff.invites_representative(union, "International secretary", "desk@dockers.example", "en")
    assert "desk@dockers.example" not in staff.page.content(), "C19: staff see no one"
    mail = mails.new(world, "desk@dockers.example")

    # then the mail names the confederation, who invites and why (C14), loads nothing, and scanners confirm nothing
    words = mail.text
    assert "Iran Labour Confederation – Abroad" in words
    assert "Example Dockers’ Union" in words
    assert "Roya" in words or "demo" in words
    assert mail.loads == []
    before = settled(world.database)
    robots.fetches_twice(mail.links())
    assert settled(world.database) == before

    # when they agree on the linked page, with a tick
    delegate = visits(world.base_url, "en")
    delegate.opens(mail.link)
    delegate.page.locator("[name=consent]").check()
    delegate.page.locator("main form button").click()
    delegate.is_thanked()
    settled(world.database)

    # then they read with the unions, and staff see that it was confirmed, not by whom
    on_list = (
        sa.select(sa.func.count())
        .select_from(Subscription)
        .join(MailingList)
        .where(MailingList.slug == "unions")
    )
    with world.database.reading() as session:
        demo_unions = session.scalar(on_list)
    assert demo_unions == len(before["subscription"]) - 80 + 1
    staff.goes(f"/organisations/{union}")
    expect(staff.page.locator(".pill.ok")).to_have_count(1)
    assert "desk@dockers.example" not in staff.page.content()


def test_C28_an_editor_writes_but_neither_sends_nor_invites(
    world: World, staff: Colleague, browser: Browser
) -> None:
    link = staff.invites(EDITOR)
    with Colleague(browser, world.base_url, "en") as editor:
        editor.joins(link, "Navid")
        issue = editor.begins_issue()
        assert editor.opens(f"{world.base_url}/staff/people").status == 403
        editor.goes(f"/newsletters/{issue}/send")
        expect(editor.page.locator("form[action$='/send'] button")).to_be_disabled()

        # when she signs out, her session is over, and her password lets her in again
        editor.goes("/settings")
        editor.page.locator("form[action$='/sign-out'] button").click()
        editor.goes("/newsletters")
        assert "/sign-in" in editor.page.url
        editor.signs_in("Navid", PASSWORD)
        editor.goes("/newsletters")
        assert "/sign-in" not in editor.page.url

        # when an administrator locks the account, the session ends at once
        staff.goes("/people")
        navid = staff.page.locator("tr", has_text="Navid")
        with staff.page.expect_navigation():
            navid.locator("form[action$='/lock'] button").click()
        editor.goes("/newsletters")
        assert "/sign-in" in editor.page.url


def test_C28_without_a_session_every_page_of_the_workroom_asks_to_sign_in(
    world: World, visits: Visits
) -> None:
    stranger = visits(world.base_url, "fa")
    for path in ("", "/newsletters", "/petitions/new", "/people", "/organisations/1", "/audit"):
        stranger.opens(f"{world.base_url}/staff{path}")
        assert "/staff/sign-in" in stranger.page.url, path


def test_R04_mail_waits_while_the_worker_is_away_and_the_dashboard_says_so(
    world: World, staff: Colleague, visits: Visits
) -> None:
    # given a worker that died
    world.worker.kill()
    visitor = visits(world.base_url, "fa")

    # when somebody signs meanwhile
    visitor.signs("free-the-teachers", "patient@example.org")

    # then the page is the same, and the dashboard tells how many wait and that the worker is silent
    wait_until(
        lambda: _says(staff, "silent since"), seconds=20, what="the dashboard's word of the worker"
    )
    assert "fewer than 20" in staff.page.locator(".stats").inner_text()

    # when it is back
    world.start_worker()

    # then the mail comes, and the code works
    visitor.types_code(mails.new(world, "patient@example.org").code)
    visitor.is_thanked()


def _says(staff: Colleague, words: str) -> bool:
    staff.goes()
    return words in staff.page.locator("main").inner_text()
