"""Journey: staff write a newsletter in Persian and English, look at it, send it; 220 readers get it, and may leave."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy.orm import Session

from app.core import clock
from app.staff import invitations
from app.staff.models import ADMIN, ORGANISER, Account
from tests.journeys import mails, robots
from tests.journeys.colleagues import Colleague
from tests.journeys.conftest import EMBEDDED, SERVERS, Visits, make_world
from tests.journeys.dumps import changed, settled
from tests.journeys.mails import Mail
from tests.journeys.worlds import World
from tests.servers.process import wait_until
from workers import retention

pytestmark = [pytest.mark.browser, pytest.mark.sockets, pytest.mark.timeout(300)]

READERS, REPRESENTATIVES = 200, 20
CHOICES: Final = (("fa",), ("en",), ("fa", "en"))
SUBJECTS: Final = {"fa": "هفته‌ای که گذشت", "en": "The week that was"}
BLOCKS: Final = (
    ("subject", {"fa": (SUBJECTS["fa"], ""), "en": (SUBJECTS["en"], "")}),
    (
        "text",
        {
            "fa": (
                "اعتصاب در پالایشگاه",
                "کارگران پیمانی دست از کار کشیده‌اند.\n\nخواستشان قرارداد مستقیم است.",
            ),
            "en": (
                "A strike at the refinery",
                "Contract workers downed tools.\n\nThey want direct contracts.",
            ),
        },
    ),
    (
        "quote",
        {
            "fa": ("یک معلم", "کلاس بی‌معلم نمی‌ماند."),
            "en": ("A teacher", "No class stays without a teacher."),
        },
    ),
)


@pytest.fixture(scope="module", params=[EMBEDDED, SERVERS])
def world(request: pytest.FixtureRequest, browser: Browser) -> Iterator[World]:
    """220 readers: 200 people and 20 unions' representatives, of three choices of language.

    Asks for the browser, else pytest would put the tests without one after those of every other module.
    """
    for world in make_world(request, request.param, PEYVAND_UNDO_SECONDS="3"):
        world.subscribe(READERS, choices=CHOICES)
        world.subscribe(REPRESENTATIVES, slug="unions", stem="delegate", choices=CHOICES)
        world.start()
        yield world


@pytest.fixture(scope="module")
def roya(world: World, browser: Browser) -> Iterator[Colleague]:
    """An administrator who has signed in by the link that the terminal prints."""

    def link(session: Session) -> str:
        account = Account(name="Roya", role=ADMIN, language="fa", password_hash="x", active=True)
        session.add(account)
        session.flush()
        token = invitations.sign_in_link(session, account, clock.now())
        return invitations.address(world.base_url, token)

    with Colleague(browser, world.base_url, "en") as roya:
        roya.signs_in_by_link(world.write(link))
        yield roya


def expected_mails() -> Counter[tuple[str, ...]]:
    """How many letters of each choice 200 and 20 readers make."""
    kinds = [CHOICES[n % 3] for n in range(READERS)] + [
        CHOICES[n % 3] for n in range(REPRESENTATIVES)
    ]
    return Counter(kinds)


def newsletters_in(world: World, subject: str = SUBJECTS["fa"]) -> list[Mail]:
    """The letters that reached their readers, of the issue with this Persian subject."""
    titles = {subject, f"{subject} (en)"} if subject != SUBJECTS["fa"] else set(SUBJECTS.values())
    readers = [
        mail for mail in mails.of_world(world) if mail.recipient.endswith("@readers.example")
    ]
    return [mail for mail in readers if any(title in mail.subject for title in titles)]


def choice_of(mail: Mail) -> tuple[str, ...]:
    return tuple(str(mail.message["Content-Language"]).replace(" ", "").split(","))


def test_C28_a_newsletter_is_written_looked_at_tried_and_sent_to_exactly_220(
    world: World, roya: Colleague
) -> None:
    # given an issue of three blocks, written in Persian and English side by side
    issue = roya.begins_issue()
    roya.writes(issue, BLOCKS)

    # when she looks at it: Persian, English, both in one mail, on a phone, a desktop, in the dark
    frames = roya.looks_at_previews(issue)
    assert len(frames) == 12
    for title, words in frames:
        assert ("اعتصاب در پالایشگاه" in words) == ("Persian" in title)
        assert ("A strike at the refinery" in words) == ("English" in title)
    assert {title.split(",")[0] for title, _ in frames} == {"Phone", "Desktop", "Dark"}

    # and proves an address of her own and has every letter sent there
    roya.asks_to_prove("roya@staff.example")
    [proof] = mails.to(world, "roya@staff.example")
    roya.presses_link(proof.link)
    settled(world.database)
    roya.sends_test_mails(issue)
    tests = mails.to(world, "roya@staff.example", count=5)[1:]
    assert Counter(map(choice_of, tests)) == Counter([("fa",), ("en",), ("fa", "en"), ("en", "fa")])

    # and chooses both lists and both languages
    would_get = roya.chooses_readers(issue, ["newsletter", "unions"], ["fa", "en"])
    assert would_get == READERS + REPRESENTATIVES

    # and sends it: for three seconds it can be taken back, then it goes by itself
    send = roya.sends(issue)
    assert roya.may("undo")
    assert newsletters_in(world) == []
    expect(roya.page.locator("#standing .stats dd").first).to_have_text("220", timeout=60_000)
    expect(roya.page.locator("[role=status] .pill").first).to_contain_text("Sent", timeout=15_000)
    assert roya.figures == [220, 0, 0, 0, 0, 0]
    world.wait_until_sent(send)

    # then exactly 220 letters arrived, one a reader, each in its reader's languages
    wait_until(lambda: len(newsletters_in(world)) >= 220, seconds=30, what="220 letters")
    arrived = newsletters_in(world)
    assert len(arrived) == 220
    assert len({mail.recipient for mail in arrived}) == 220
    assert Counter(map(choice_of, arrived)) == expected_mails()


def test_F08_each_letter_is_in_its_readers_languages_and_directions(world: World) -> None:
    arrived = newsletters_in(world)
    assert len(arrived) == READERS + REPRESENTATIVES
    for mail in arrived:
        stem = re.match(r"(?:reader|delegate)(\d+)@", mail.recipient)
        assert stem is not None
        choice = CHOICES[int(stem[1]) % 3]
        assert choice_of(mail) == choice
        assert mail.bodies[0] == (choice[0], "rtl" if choice[0] == "fa" else "ltr")
        assert {language for language, _ in mail.bodies} == set(choice)
        assert {SUBJECTS[language] in mail.subject for language in choice} == {True}
        for language in ("fa", "en"):
            words = BLOCKS[1][1][language][1].split("\n")[0]
            assert (words in mail.text) == (language in choice)
            assert (words in mail.html) == (language in choice)


def test_C22_no_part_of_any_letter_loads_anything(world: World) -> None:
    arrived = newsletters_in(world)
    assert len(arrived) == 220
    assert [found for mail in arrived for found in mail.loads] == []


def test_M01_each_letter_has_an_unsubscribe_of_its_own(world: World) -> None:
    arrived = newsletters_in(world)
    assert len({mail.one_click for mail in arrived}) == 220
    assert {str(mail.message["List-Unsubscribe-Post"]) for mail in arrived} == {
        "List-Unsubscribe=One-Click"
    }
    for mail in arrived[:20]:
        assert mail.one_click.rpartition("/")[2] in mail.text
        assert mail.one_click.rpartition("/")[2] in mail.html


def test_M03_every_link_of_a_letter_opens_and_changes_nothing(world: World) -> None:
    before = settled(world.database)
    for choice in CHOICES:
        mail = next(mail for mail in newsletters_in(world) if choice_of(mail) == choice)
        links = mail.links(world.base_url)
        assert len(links) >= 3
        answers = dict(
            zip(
                [link for link in links for _ in range(4)],
                robots.fetches_twice(links),
                strict=False,
            )
        )
        assert {
            link: answer.status for link, answer in answers.items() if answer.status != 200
        } == {}
    assert changed(before, settled(world.database)) == []


def test_C18_who_left_gets_nothing_of_the_next_issue(
    world: World, roya: Colleague, visits: Visits
) -> None:
    # given one who left by a mail client's click, one by a click in parts, one by the page, one by it in English
    arrived = {mail.recipient: mail for mail in newsletters_in(world)}
    by_click, in_parts, by_page, delegate = (
        arrived[f"{name}.example"]
        for name in ("reader0@readers", "reader1@readers", "reader2@readers", "delegate0@readers")
    )
    for mail, click in ((by_click, robots.clicks_once), (in_parts, robots.clicks_once_in_parts)):
        answer = click(mail.one_click)
        assert (answer.status, answer.headers["Set-Cookie"], answer.headers["Location"]) == (
            200,
            None,
            None,
        )
        assert click(mail.one_click).status == 200, "twice is as once"
    reader = visits(world.base_url, "fa")
    reader.leaves_by_page(next(link for link in by_page.links("/u/") if "/u/" in link))
    visits(world.base_url, "en").leaves_by_page(delegate.one_click)
    assert reader.kept_cookies == []
    gone = {by_click.recipient, in_parts.recipient, by_page.recipient, delegate.recipient}

    # when the next issue goes out
    issue = roya.begins_issue()
    second = {"fa": "شمارهٔ بعد", "en": "شمارهٔ بعد (en)"}
    roya.writes(issue, [("subject", {c: (t, "") for c, t in second.items()}), BLOCKS[1]])
    assert roya.chooses_readers(issue, ["newsletter", "unions"], ["fa", "en"]) == 216
    world.wait_until_sent(roya.sends(issue), seconds=90)

    # then all the others got it, and none of those
    wait_until(
        lambda: len(newsletters_in(world, second["fa"])) >= 216, seconds=30, what="216 letters"
    )
    got = newsletters_in(world, second["fa"])
    assert len(got) == 216
    assert gone.isdisjoint({mail.recipient for mail in got})
    # and who had no other purpose is erased with the next round of forgetting
    world.write(lambda session: retention.forget_on_time(session, world.config, now=clock.now()))
    rows = settled(world.database)
    assert len(rows["contact"]) == len(rows["subscription"]) == 216


def test_C28_with_two_who_may_send_a_second_one_agrees(
    world: World, roya: Colleague, visits: Visits, browser: Browser
) -> None:
    # given a colleague, invited by a link that was shown once
    link = roya.invites(ORGANISER)
    with Colleague(browser, world.base_url, "fa") as kaveh:
        kaveh.joins(link, "Kaveh")
        issue = roya.begins_issue()
        third = {"fa": "شمارهٔ سوم", "en": "شمارهٔ سوم (en)"}
        roya.writes(issue, [("subject", {c: (t, "") for c, t in third.items()}), BLOCKS[1]])
        roya.chooses_readers(issue, ["unions"], ["fa", "en"])

        # when she asks for the send, she cannot agree herself
        send = roya.sends(issue)
        assert not roya.may("approve")
        assert roya.may("undo")

        # and he, who does, sees its three seconds and takes it back in time
        kaveh.goes(f"/sends/{send}")
        kaveh.acts("approve")
        assert kaveh.may("undo")
        kaveh.acts("undo")
        expect(kaveh.page.locator(".note.ok")).to_be_visible()
        assert newsletters_in(world, third["fa"]) == []

        # and the second time it goes
        send = roya.sends(issue)
        kaveh.goes(f"/sends/{send}")
        kaveh.acts("approve")
        world.wait_until_sent(send)
        wait_until(
            lambda: len(newsletters_in(world, third["fa"])) >= 19, seconds=30, what="19 letters"
        )
        assert len(newsletters_in(world, third["fa"])) == 19


def test_A02_without_script_the_progress_page_has_a_link_that_shows_the_newest(
    world: World, roya: Colleague, browser: Browser
) -> None:
    # given the page of a send that moves, in a browser without script
    issue = roya.begins_issue()
    fourth = {"fa": "شمارهٔ چهارم", "en": "شمارهٔ چهارم (en)"}
    roya.writes(issue, [("subject", {c: (t, "") for c, t in fourth.items()}), BLOCKS[1]])
    roya.chooses_readers(issue, ["unions"], ["fa", "en"])
    link = roya.invites(ORGANISER)
    with Colleague(browser, world.base_url, "en", scripts=False) as still:
        still.joins(link, f"Still {world.port}")
        send = roya.sends(issue)
        still.goes(f"/sends/{send}")
        still.acts("approve")
        expect(still.page.locator(".moving button")).to_be_hidden()
        world.wait_until_sent(send)
        # when the reload link is followed
        still.page.locator(".moving a").click()
        # then the newest figures are there, and nothing moves any more
        assert still.figures[0] == 19
        expect(still.page.locator(".moving")).to_have_count(0)
