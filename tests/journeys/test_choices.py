"""Journey: a reader subscribes, changes languages, leaves; a signer withdraws; somebody has everything erased (C17)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import expect

from app.audience.models import Consent, Contact, Subscription
from app.core import addresses
from app.petitions.models import Signature
from tests.journeys import mails
from tests.journeys.conftest import SERVERS, Visits, load_demo, make_world
from tests.journeys.dumps import counts, settled
from tests.journeys.visitors import Visitor
from tests.journeys.worlds import World

pytestmark = [pytest.mark.browser, pytest.mark.sockets]

TEACHERS = "free-the-teachers"


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    for world in make_world(request, SERVERS):
        load_demo(world)
        world.start()
        yield world


def contact(world: World, name: str) -> Contact | None:
    """The contact of this address, as the worker finds it by its keyed hash."""
    index = world.desk.indexer.index(addresses.parse(name))
    with world.database.reading() as session:
        return session.scalar(sa.select(Contact).where(Contact.exact_index == index.exact))


def languages_of(world: World, name: str) -> list[tuple[str, ...]]:
    found = contact(world, name)
    if found is None:
        return []
    with world.database.reading() as session:
        wanted = sa.select(Subscription.languages).where(Subscription.contact_id == found.id)
        return [tuple(languages) for languages in session.scalars(wanted)]


def subscribe(world: World, visitor: Visitor, name: str, languages: tuple[str, ...]) -> None:
    visitor.subscribes(name, languages)
    visitor.types_code(mails.new(world, name).code)
    visitor.is_thanked()
    settled(world.database)


def sign(world: World, visitor: Visitor, name: str) -> None:
    visitor.signs(TEACHERS, name)
    visitor.types_code(mails.new(world, name).code)
    visitor.is_thanked()
    settled(world.database)


def test_C13_a_subscription_keeps_languages_and_the_wording_agreed_to(
    world: World, visits: Visits
) -> None:
    parvin = visits(world.base_url, "fa")
    subscribe(world, parvin, "parvin@example.org", ("fa", "en"))
    assert languages_of(world, "parvin@example.org") == [("fa", "en")]
    found = contact(world, "parvin@example.org")
    assert found is not None
    with world.database.reading() as session:
        consent = session.scalars(
            sa.select(Consent).join(Subscription).where(Subscription.contact_id == found.id)
        ).one()
        assert consent.language == "fa"
        assert consent.wording_id
    assert parvin.kept_cookies == []


def test_C17_a_reader_changes_languages_by_link_and_leaves_by_code(
    world: World, visits: Visits
) -> None:
    # given a reader of Persian
    reader = visits(world.base_url, "en")
    subscribe(world, reader, "change@example.org", ("fa",))

    # when they ask for their choices and open the mailed link on another device
    reader.asks("preferences", "change@example.org")
    link = mails.new(world, "change@example.org").link
    phone = visits(world.base_url, "en", width=390)
    phone.opens(link)
    assert phone.page.locator("[name=language1]").input_value() == "fa", "what is noted shows here"
    assert "change@example.org" not in phone.page.content()
    phone.presses_link(link, wish="keep", languages=("en", "fa"))
    phone.is_thanked()
    settled(world.database)

    # then the next letter comes in both, English first
    assert languages_of(world, "change@example.org") == [("en", "fa")]

    # when they leave, typing the code
    reader.asks("preferences", "change@example.org")
    reader.types_code(mails.new(world, "change@example.org").code, wish="leave")
    reader.is_thanked()
    settled(world.database)

    # then nobody is there any more
    assert contact(world, "change@example.org") is None


def test_C17_a_signature_is_withdrawn_and_only_that_one(world: World, visits: Visits) -> None:
    # given two signatures
    visitor = visits(world.base_url, "fa")
    sign(world, visitor, "stays@example.org")
    before = counts(settled(world.database))["signature"]
    sign(world, visitor, "goes@example.org")
    assert counts(settled(world.database))["signature"] == before + 1

    # when one is withdrawn, from all petitions
    visitor.asks("withdrawal", "goes@example.org")
    visitor.presses_link(mails.new(world, "goes@example.org").link)
    visitor.is_thanked()
    settled(world.database)

    # then that row is gone, and the petition's number with it
    assert counts(settled(world.database))["signature"] == before
    with world.database.reading() as session:
        total = session.scalar(sa.select(sa.func.count()).select_from(Signature))
    assert total == before

    # and they may sign again
    sign(world, visitor, "goes@example.org")
    assert counts(settled(world.database))["signature"] == before + 1


def test_C17_everything_is_erased_and_the_ledger_alone_remembers_a_hash(
    world: World, visits: Visits
) -> None:
    # given somebody who signed with a name and reads the newsletter
    name = "erase-me@example.org"
    before = settled(world.database)
    visitor = visits(world.base_url, "en")
    visitor.signs(TEACHERS, name)
    visitor.types_code(
        mails.new(world, name).code,
        shown_as="full-name",
        name="Canary Erasable",
        newsletter=("en", "fa"),
    )
    visitor.is_thanked()
    settled(world.database)
    assert languages_of(world, name) == [("en", "fa")]

    # when they have everything erased
    visitor.asks("erasure", name)
    visitor.presses_link(mails.new(world, name).link)
    visitor.is_thanked()
    after = settled(world.database)

    # then no row that holds a person is there that was not there before
    people = ("contact", "subscription", "consent", "signature", "request", "envelope")
    assert {table: after[table] for table in people} == {table: before[table] for table in people}
    assert after["cap_counter"] == before["cap_counter"]
    assert not [row for rows in after.values() for row in rows if "Canary" in row or name in row]
    # and no delivery still points at them, and the ledger holds hashes only
    with world.database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Contact)) == len(
            after["contact"]
        )
    ledger = Path(world.config.ledger).read_text("utf-8")
    assert json.loads(ledger.splitlines()[-1])
    assert "example.org" not in ledger
    assert "Canary" not in ledger


def test_C17_who_was_erased_may_come_back_of_their_own_wish(world: World, visits: Visits) -> None:
    name = "back@example.org"
    visitor = visits(world.base_url, "fa")
    visitor.asks("erasure", name)
    visitor.types_code(mails.new(world, name).code)
    visitor.is_thanked()
    settled(world.database)
    visitor.subscribes(name, ("fa",))
    visitor.types_code(mails.new(world, name).code)
    visitor.is_thanked()
    settled(world.database)
    assert languages_of(world, name) == [("fa",)]


@pytest.mark.parametrize("purpose", ["preferences", "withdrawal", "erasure"])
def test_C09_the_same_page_and_mail_for_a_known_and_an_unknown_address(
    world: World, visits: Visits, purpose: str
) -> None:
    # given a reader who also signed, and somebody nobody knows; their addresses are of one length
    known, unknown = f"{purpose}-1@example.org", f"{purpose}-2@example.org"
    visitor = visits(world.base_url, "en")
    sign(world, visitor, known)
    subscribe(world, visitor, known, ("en",))

    # when both ask the same
    pages, got = [], []
    for name in (known, unknown):
        expected = visitor.asks(purpose, name)
        pages.append(visitor.page_but_for_its_request(expected))
        got.append(mails.new(world, name))

    # then the pages are the same, and so are the mails in size and form
    assert pages[0] == pages[1]
    first, second = got
    assert list(first.message.keys()) == list(second.message.keys())
    assert (len(first.text), len(first.html)) == (len(second.text), len(second.html))
    assert [len(link) for link in first.links()] == [len(link) for link in second.links()]
    assert first.subject[:-2] == second.subject[:-2]

    # and both are thanked alike
    thanks = []
    for mail in (first, second):
        someone = visits(world.base_url, "en")
        someone.presses_link(mail.link, **({"wish": "leave"} if purpose == "preferences" else {}))
        someone.is_thanked()
        thanks.append(someone.page.content())
    assert thanks[0] == thanks[1]


def test_C18_never_write_to_me_again_is_kept(world: World, visits: Visits) -> None:
    # given somebody who got a mail they did not ask for
    visitor = visits(world.base_url, "fa")
    visitor.signs(TEACHERS, "never@example.org")
    [mail] = mails.to(world, "never@example.org")
    annoyed = visits(world.base_url, "fa")
    annoyed.opens(mail.links("/never/")[0])
    with annoyed.page.expect_navigation():
        annoyed.page.locator("main form button").click()
    settled(world.database)

    # when their address is written into the form again, as another one after it
    seen = visitor.signs(TEACHERS, "never@example.org")
    assert seen.subject
    visitor.signs(TEACHERS, "next@example.org")
    mails.to(world, "next@example.org")

    # then the page was the same, and no mail came
    assert (
        len([mail for mail in mails.of_world(world) if mail.recipient == "never@example.org"]) == 1
    )


def test_C15_the_fourth_unproven_request_of_a_day_is_silent(world: World, visits: Visits) -> None:
    visitor = visits(world.base_url, "en")
    pages = []
    for _ in range(4):
        expected = visitor.signs(TEACHERS, "capped@example.org")
        pages.append(visitor.page_but_for_its_request(expected))
    visitor.signs(TEACHERS, "uncapped@example.org")
    mails.to(world, "uncapped@example.org")
    settled(world.database)
    assert len(set(pages)) == 1
    assert (
        len([mail for mail in mails.of_world(world) if mail.recipient == "capped@example.org"]) == 3
    )
    # and an earlier link keeps working
    earlier = mails.to(world, "capped@example.org", count=3)[0]
    visitor.presses_link(earlier.link)
    visitor.is_thanked()


def test_A02_what_is_missing_is_said_beside_the_field_and_nothing_is_lost(
    world: World, visits: Visits
) -> None:
    visitor = visits(world.base_url, "fa")
    visitor.opens("/my-choices")
    form = visitor.page.locator("form:has([name=purpose])")
    form.locator("[name=address]").fill("half@")
    with visitor.page.expect_navigation():
        form.locator("button").click()
    assert len(visitor.complaints()) == 2
    expect(visitor.page.locator("[name=address]")).to_have_value("half@")
    assert visitor.page.title().startswith("خطا")
