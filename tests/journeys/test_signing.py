"""Journey: someone signs, finds the mail, confirms, and is counted."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.petitions.models import Signature
from tests.journeys import mails, robots
from tests.journeys.conftest import EMBEDDED, RABBIT, SERVERS, Visits, load_demo, make_world
from tests.journeys.dumps import changed, settled
from tests.journeys.visitors import MailboxReader, Visitor
from tests.journeys.worlds import World
from tests.servers.process import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.sockets]

TEACHERS = "free-the-teachers"


@pytest.fixture(scope="module", params=[EMBEDDED, SERVERS])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    yield from _with_demo(request, request.param)


@pytest.fixture
def rabbit_world(request: pytest.FixtureRequest) -> Iterator[World]:
    yield from _with_demo(request, RABBIT)


def _with_demo(request: pytest.FixtureRequest, kind: str) -> Iterator[World]:
    for world in make_world(request, kind):
        load_demo(world)
        world.start()
        yield world


def is_counted(visitor: Visitor, total: int) -> None:
    """Reloads the petition's page until it shows ``total``; a live one needs a second at most."""
    wait_until(lambda: visitor.counted(TEACHERS) == total, seconds=10, what=f"a total of {total}")


def test_C01_a_signature_in_persian_by_the_code_and_one_in_english_by_the_link(
    world: World, visits: Visits
) -> None:
    # given a visitor who reads Persian, on a page without script
    shirin = visits(world.base_url, "fa")
    before = shirin.counted(TEACHERS)

    # when she signs, finds the mail by what the waiting page told her, and types its code
    expected = shirin.signs(TEACHERS, "shirin@example.org")
    [mail] = mails.to(world, "shirin@example.org")
    assert mail.subject == expected.subject
    assert expected.number in mail.subject
    assert expected.sender in str(mail.message["From"])
    assert mail.bodies[0] == ("fa", "rtl")
    shirin.types_code(mail.code, shown_as="initials", name="شیرین رضایی")

    # then she is thanked and counted
    shirin.is_thanked()
    is_counted(shirin, before + 1)

    # when someone signs in English and presses the link's button in quite another browser
    tom = visits(world.base_url, "en")
    expected = tom.signs(TEACHERS, "tom@example.org")
    [mail] = mails.to(world, "tom@example.org")
    assert (mail.subject, mail.bodies[0]) == (expected.subject, ("en", "ltr"))
    on_the_phone = visits(world.base_url, "en", width=390)
    on_the_phone.presses_link(mail.link)

    # then he is counted too; nobody got a cookie, nobody asked another host
    on_the_phone.is_thanked()
    is_counted(tom, before + 2)
    for someone in (shirin, tom, on_the_phone):
        assert someone.kept_cookies == []
        assert someone.asked_elsewhere == []

    # and no row leads back to them: what was asked is gone, what is kept has no address
    rows = settled(world.database)
    assert rows["request"] == []
    assert not [row for row in rows["signature"] if "shirin" in row or "example.org" in row]


@pytest.mark.slow
def test_R08_the_same_with_rabbitmq(rabbit_world: World, visits: Visits) -> None:
    test_C01_a_signature_in_persian_by_the_code_and_one_in_english_by_the_link(rabbit_world, visits)


def test_M03_a_scanner_that_fetches_every_link_twice_changes_nothing(
    world: World, visits: Visits
) -> None:
    # given a mail whose reader has not opened it
    nasrin = visits(world.base_url, "fa")
    before = nasrin.counted(TEACHERS)
    nasrin.signs(TEACHERS, "nasrin@example.org")
    [mail] = mails.to(world, "nasrin@example.org")
    rows = settled(world.database)

    # when a scanner fetches whatever it finds in it, twice, by GET and by HEAD
    links = mail.links()
    assert {"/c/", "/never/"} <= {
        found[0] for link in links if (found := re.search(r"/(c|never)/", link))
    }
    answers = robots.fetches_twice(links)

    # then it saw pages, and nothing in the whole database is different
    assert {answer.status for answer in answers} == {200}
    assert changed(rows, settled(world.database)) == []
    assert nasrin.counted(TEACHERS) == before

    # and the person's own click still works
    nasrin.presses_link(mail.link)
    nasrin.is_thanked()
    is_counted(nasrin, before + 1)


def test_C11_the_mail_comes_again_with_the_same_code_and_link(world: World, visits: Visits) -> None:
    # given someone who lost the mail and spent two tries
    omid = visits(world.base_url, "en")
    expected = omid.signs(TEACHERS, "omid@example.org")
    mails.to(world, "omid@example.org")
    for _ in range(2):
        omid.types_code("AAAA2222")
        assert len(omid.complaints()) == 1

    # when he asks for it once more
    omid.opens(expected.url)
    omid.asks_again()
    first, second = mails.to(world, "omid@example.org", count=2)

    # then it is the same mail, and it works
    assert (first.code, first.link) == (second.code, second.link)
    omid.types_code(second.code)
    omid.is_thanked()


def test_C11_a_code_is_refused_after_five_tries_and_the_link_still_works(
    world: World, visits: Visits
) -> None:
    guesser = visits(world.base_url, "en")
    guesser.signs(TEACHERS, "guessed@example.org")
    [mail] = mails.to(world, "guessed@example.org")
    for _ in range(5):
        guesser.types_code("AAAA2222")
    guesser.types_code(mail.code)
    [refusal] = guesser.complaints()
    assert "wrong, was used, or is too old" in refusal
    guesser.presses_link(mail.link)
    guesser.is_thanked()


def test_C10_a_used_link_and_a_false_one_show_the_same_page(world: World, visits: Visits) -> None:
    zahra = visits(world.base_url, "fa")
    zahra.signs(TEACHERS, "zahra@example.org")
    [mail] = mails.to(world, "zahra@example.org")
    zahra.presses_link(mail.link)
    settled(world.database)

    used = robots.asked(mail.link)
    false = robots.asked(mail.link[:-12] + "A" * 11 + "=")
    assert (used.status, used.body) == (404, false.body)
    assert used.headers["Cache-Control"] == "no-store"
    assert used.headers["Referrer-Policy"] == "no-referrer"


def test_C12_two_proofs_of_one_mailbox_count_once_and_replace_what_is_shown(
    world: World, visits: Visits
) -> None:
    # given a signature shown by its initials
    leila = visits(world.base_url, "en")
    leila.signs(TEACHERS, "leila@example.org")
    [first] = mails.to(world, "leila@example.org")
    leila.types_code(first.code, shown_as="initials", name="Leila Karimi")
    leila.is_thanked()
    settled(world.database)
    before = leila.counted(TEACHERS)

    # when the same person signs again, without a wish to be shown
    leila.signs(TEACHERS, "leila@example.org")
    again = mails.to(world, "leila@example.org", count=2)[-1]
    leila.types_code(again.code)
    leila.is_thanked()
    settled(world.database)

    # then she is counted once, and no longer shown
    assert leila.counted(TEACHERS) == before
    shown = world.read(lambda session: session.scalars(sa.select(Signature.shown_name)).all())
    assert not [name for name in shown if name and "L" in name]


def test_C09_known_and_unknown_addresses_get_the_same_page_and_the_same_mail(
    world: World, visits: Visits
) -> None:
    # given one address that signed already, and one nobody knows
    known, unknown = "mina1@example.org", "mina2@example.org"
    mina = visits(world.base_url, "fa")
    mina.signs(TEACHERS, known)
    mina.types_code(mails.to(world, known)[0].code)
    settled(world.database)

    # when both are written into the form
    pages = []
    for address in (known, unknown):
        expected = mina.signs(TEACHERS, address)
        pages.append(mina.page_but_for_its_request(expected))
    mail_of_known = mails.to(world, known, count=2)[-1]
    mail_of_unknown = mails.to(world, unknown)[0]

    # then pages and mails are alike but for what is drawn at random
    assert pages[0] == pages[1]
    assert _shape(mail_of_known) == _shape(mail_of_unknown)
    assert len(mail_of_known.text) == len(mail_of_unknown.text)
    assert len(mail_of_known.html) == len(mail_of_unknown.html)


def test_C14_a_confirmation_tells_nothing_of_what_was_signed(world: World, visits: Visits) -> None:
    visitor = visits(world.base_url, "fa")
    visitor.signs(TEACHERS, "quiet@example.org")
    [mail] = mails.to(world, "quiet@example.org")
    whole = mail.message.as_string() + mail.text + mail.html
    for word in (
        "معلم",
        "کارزار",
        "کنفدراسیون",
        "teacher",
        "petition",
        "Peyvand",
        "quiet@example.org ",
    ):
        assert word not in whole.replace("To: quiet@example.org", "")
    assert mail.loads == []
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert not [name for name in mail.message if name.startswith("List-")]


def test_C26_the_mailbox_is_read_in_the_browser(world: World, visits: Visits) -> None:
    reader = visits(world.base_url, "en", reader=True)
    assert isinstance(reader, MailboxReader)
    if world.way_out != "mailbox":
        # where mail really leaves there is no such page
        assert reader.opens(f"{world.base_url}/mailbox").status == 404
        return
    visitor = visits(world.base_url, "en")
    expected = visitor.signs(TEACHERS, "reader@example.org")
    reader.finds_mail_to("reader@example.org")
    assert reader.reads_subject() == expected.subject
    assert expected.number in reader.sees_letter()
    code = reader.reads_code()
    visitor.types_code(code)
    visitor.is_thanked()
    reader.opens(reader.finds_link())
    expect(reader.page.locator("main form")).to_have_count(0)


def _shape(mail: mails.Mail) -> list[str]:
    """Header names, subject and links without their random parts."""
    subject = re.sub(r"[\d۰-۹]", "0", mail.subject)
    links = [re.sub(r"[\w=-]+\.[\w=-]+$", "TOKEN", link) for link in mail.links()]
    return [*mail.message.keys(), subject, *links, *map(str, mail.bodies)]
