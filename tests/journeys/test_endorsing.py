"""Journey: a union endorses a petition itself, staff check its mandate, an export is fetched, the union withdraws."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import expect

from app.core import officers
from app.petitions import delivering
from tests.journeys import mails
from tests.journeys.campaigners import asks_to_endorse, tells_of_union
from tests.journeys.colleagues import Colleague
from tests.journeys.conftest import Visits
from tests.journeys.dumps import settled
from tests.journeys.visitors import Visitor
from tests.journeys.worlds import World
from tests.servers.process import wait_until
from workers import setup

pytestmark = [pytest.mark.browser, pytest.mark.sockets]

TEACHERS: Final = "free-the-teachers"
OFFICE: Final = "office@port.example"
UNION: Final = "Example Dock Workers"
SAID: Final = "Without them no ship leaves the port."


def shows(visitor: Visitor) -> bool:
    visitor.opens(f"/petitions/{TEACHERS}")
    return SAID in visitor.page.locator("main").inner_text()


def test_U04_a_union_endorses_is_checked_and_withdraws(
    world: World, visits: Visits, staff: Colleague
) -> None:
    # given a union that comes to the petition's page and confirms by its mail's link, on another device
    union = visits(world.base_url, "en", width=390)
    asks_to_endorse(union, TEACHERS, OFFICE)
    mail = mails.new(world, OFFICE)
    assert "teachers" not in mail.message.as_string().lower(), "the mail is quiet (C14)"
    phone = visits(world.base_url, "en", width=390)
    phone.opens(mail.link)
    tells_of_union(phone, UNION, SAID)
    phone.page.locator("main form button").click()
    phone.is_thanked()
    assert not shows(union)

    # when a colleague checks the mandate
    def waits() -> bool:
        staff.goes("/petitions/endorsements")
        return UNION in staff.page.locator("main").inner_text()

    wait_until(waits, seconds=10, what="the endorsement in the workroom")
    assert OFFICE not in staff.page.content()
    card = staff.page.locator("section.card", has=staff.page.locator("h2", has_text=UNION))
    card.locator("[name=organisation]").select_option("new")
    card.locator("button[value=check]").click()
    expect(staff.page.locator(".note.ok")).to_be_visible()

    # then the page shows what the union says, and no row holds its address
    wait_until(lambda: shows(union), seconds=60, what="the statement on the page")
    assert not [row for rows in settled(world.database).values() for row in rows if OFFICE in row]

    # and who takes it back takes the statement from the page
    union.asks("withdrawal", OFFICE)
    union.types_code(mails.new(world, OFFICE).code)
    union.is_thanked()
    wait_until(lambda: not shows(union), seconds=60, what="the petition's page without it")


def test_C20_an_export_is_fetched_once_and_an_officer_opens_it(
    world: World, staff: Colleague
) -> None:
    # given an export that the worker made
    staff.goes("/petitions/1/campaign")
    with staff.page.expect_navigation():
        staff.page.locator("a[href='/staff/exports/1']").click()
    with staff.page.expect_navigation():
        staff.page.locator("main form button").click()

    def is_ready() -> bool:
        staff.goes("/exports/1")
        return staff.page.locator("form[action$='/fetch']").count() == 1

    wait_until(is_ready, seconds=10, what="the export")

    # when it is fetched
    with staff.page.expect_download() as downloading:
        staff.page.locator("form[action$='/fetch'] button").click()
    octets = downloading.value.path().read_bytes()

    # then an officer opens it, and it is offered to nobody any more
    private = (world.keys / setup.OFFICER_PRIVATE).read_text()
    assert delivering.from_json(officers.decrypt(octets, private)).petition_id == 1
    staff.goes("/exports/1")
    expect(staff.page.locator("form[action$='/fetch']")).to_have_count(0)
