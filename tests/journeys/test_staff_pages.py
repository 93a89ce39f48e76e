"""Every page of the workroom, in fa and en, on a phone and a desktop: axe, words, directions, width (A01, A02)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest
import sqlalchemy as sa
from PIL import Image
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from app.core import clock
from app.factory import create_app
from app.newsletters.models import Issue
from app.organisations.models import Organisation
from app.outbox.models import Send
from app.petitions.models import Petition
from app.staff import invitations
from app.staff.models import ORGANISER, Account
from config import Config
from tests.journeys import mails, serving
from tests.journeys.colleagues import Colleague
from tests.journeys.conftest import Visits, load_demo
from tests.journeys.looking import faults
from tests.journeys.visitors import MailboxReader
from tests.journeys.worlds import World
from tests.petitions import drawings
from workers import demo

pytestmark = [pytest.mark.browser, pytest.mark.sockets]

LANGUAGES: Final = ("fa", "en")
NO_PAGES: Final = frozenset(
    # Documents and figures that are part of a page; the previews' frames are looked at inside it.
    {
        "newsletters_staff.document",
        "newsletters_staff.progress_json",
        "petitions_staff.preview",
        "petitions_staff.picture_file",
        "organisations_staff.logo_file",
        "door.link",
    }
)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The demo, with a send that waits for a second person and one that is over, and nobody else at the door."""
    with World(settings={"PEYVAND_UNDO_SECONDS": "600"}) as world:
        load_demo(world)
        world.write(_second_person)
        world.start()
        world.send_newsletter()
        yield world


def _second_person(session: Session) -> None:
    session.add(
        Account(name="Kaveh", role=ORGANISER, language="fa", password_hash="x", active=True)
    )


def _link(world: World) -> str:
    def link(session: Session) -> str:
        token = invitations.sign_in_link(session, demo.account(session), clock.now())
        return invitations.address(world.base_url, token)

    return world.write(link)


@pytest.fixture(scope="module", params=LANGUAGES)
def staff(request: pytest.FixtureRequest, world: World, browser: Browser) -> Iterator[Colleague]:
    with Colleague(browser, world.base_url, request.param) as staff:
        staff.signs_in_by_link(_link(world))
        yield staff


def pages(world: World) -> list[str]:
    """The address of every page of the workroom, from the application's own map."""
    ids = {
        "petitions_staff": Petition.id,
        "export_staff": Petition.id,
        "newsletters_staff": Issue.id,
        "organisations_staff": Organisation.id,
        "send": Send.id,
    }
    with world.database.reading() as session:
        first = {
            name: session.scalar(sa.select(sa.func.min(column))) for name, column in ids.items()
        }
    app = create_app(Config.from_env("web", world.environment("web")))
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if not rule.rule.startswith("/staff") or "GET" not in (rule.methods or ()):
                continue
            if rule.endpoint in NO_PAGES:
                continue
            room = rule.endpoint.partition(".")[0]
            key = "send" if rule.rule.startswith("/staff/sends/") else room
            known = {"row_id": first.get(key)}
            values = {name: known[name] for name in rule.arguments if name in known}
            assert set(values) == rule.arguments, f"say what {rule.rule} is to be asked with"
            found.append(app.url_map.bind("").build(rule.endpoint, values))
    return sorted(set(found))


def wrong_on(page: Page, language: str) -> list[str]:
    """Axe's findings, and what looking at it tells; on a desktop, then on the smallest phone."""
    page.set_viewport_size({"width": 1280, "height": 900})
    found = [f"{page.url}: {fault}" for fault in faults(page, language)]
    page.set_viewport_size({"width": 320, "height": 800})
    found += serving.faults(page)
    found += [f"{page.url} at 320 px: {fault}" for fault in faults(page, language)]
    return found


@pytest.mark.slow
def test_A01_every_page_of_the_workroom(world: World, staff: Colleague) -> None:
    found, seen = [], pages(world)
    assert len(seen) >= 15
    for path in seen:
        answer = staff.opens(f"{world.base_url}{path}")
        assert answer.status == 200, path
        found += wrong_on(staff.page, staff.language)
    assert "\n".join(found) == ""


def test_A01_the_door(world: World, visits: Visits) -> None:
    """Sign-in, an invitation, a sign-in link, a dead one, and what is said to a wrong password."""
    found = []
    invitation = invitations.address(
        world.base_url,
        world.write(
            lambda session: invitations.invite(session, ORGANISER, invited_by=None, now=clock.now())
        ),
    )
    for language in LANGUAGES:
        visitor = visits(world.base_url, language, scripts=True)
        for url in (
            f"{world.base_url}/staff/sign-in",
            invitation,
            _link(world),
            f"{world.base_url}/staff/link/nothing",
        ):
            visitor.opens(url)
            found += wrong_on(visitor.page, language)
        for url in (f"{world.base_url}/staff/sign-in", invitation):
            visitor.opens(url)
            visitor.page.locator("[name=name]").fill("nobody")
            visitor.page.locator("[name=password]").fill("short")
            visitor.page.eval_on_selector(
                "main form", "form => { form.noValidate = true; form.requestSubmit() }"
            )
            expect(visitor.page.locator(".err").first).to_be_visible()
            found += wrong_on(visitor.page, language)
    assert "\n".join(found) == ""


def test_A01_errors_shown_in_the_workroom(world: World, staff: Colleague) -> None:
    """The forms of the workroom, sent as they must not be."""
    issue = world.read(lambda session: session.scalars(sa.select(sa.func.min(Issue.id))).one())
    organisation = world.read(
        lambda session: session.scalars(sa.select(sa.func.min(Organisation.id))).one()
    )
    found = []
    for path, form, empty in (
        ("/petitions/new", "main form.stack, main form", ()),
        ("/organisations/new", "main form", ()),
        (f"/organisations/{organisation}", "form[action$='/invite']", ()),
        ("/settings", "form[action$='/address']", ()),
        ("/settings", "form[action$='/password']", ()),
        (f"/newsletters/{issue}/readers", "form:has([name=list])", ("list", "language")),
    ):
        staff.goes(path)
        for name in empty:
            for box in staff.page.locator(f"input[type=checkbox][name={name}]").all():
                box.uncheck()
        with staff.page.expect_navigation():
            staff.page.eval_on_selector(
                form, "form => { form.noValidate = true; form.requestSubmit() }"
            )
        expect(staff.page.locator(".err, [role=alert]").first).to_be_visible()
        found += wrong_on(staff.page, staff.language)
    assert "\n".join(found) == ""


def test_A01_a_picture_and_a_logo_as_they_come_and_go(world: World, staff: Colleague) -> None:
    """None yet, a file that is refused, one that was just kept, and one that stands there."""
    with world.database.reading() as session:
        petition, organisation = (
            session.scalars(sa.select(sa.func.min(column))).one()
            for column in (Petition.id, Organisation.id)
        )
    picture = drawings.written(Image.new("RGB", (600, 400), (10, 80, 96)))
    found = []
    for path in (f"/petitions/{petition}/picture", f"/organisations/{organisation}/logo"):
        staff.goes(path)
        expect(staff.page.locator("main .empty")).to_be_visible()
        found += wrong_on(staff.page, staff.language)
        for octets, answer in ((b"no picture", "[role=alert]"), (picture, ".note.ok")):
            for told in staff.page.locator("[name^=alt_]").all():
                told.fill("یک دیوار")
            staff.page.locator("[type=file]").set_input_files(
                {"name": "wall.png", "mimeType": "image/png", "buffer": octets}
            )
            with staff.page.expect_navigation():
                staff.page.locator("form[enctype] button").click()
            expect(staff.page.locator(answer)).to_be_visible()
            found += wrong_on(staff.page, staff.language)
        staff.goes(path)
        expect(staff.page.locator("main img")).to_be_visible()
        found += wrong_on(staff.page, staff.language)
        with staff.page.expect_navigation():
            staff.page.locator("form[action$='/remove'] button").click()
    assert "\n".join(found) == ""


def test_A01_the_mailbox_of_the_trial(world: World, visits: Visits) -> None:
    """Empty, and with a confirmation in each of its views."""
    found = []
    for language in LANGUAGES:
        reader = visits(world.base_url, language, reader=True, scripts=True)
        reader.opens(f"{world.base_url}/mailbox?language={language}")
        found += wrong_on(reader.page, language)
    visits(world.base_url, "fa").signs("free-the-teachers", "boxed@example.org")
    mails.new(world, "boxed@example.org")
    for language in LANGUAGES:
        reader = visits(world.base_url, language, reader=True, scripts=True)
        assert isinstance(reader, MailboxReader)
        reader.finds_mail_to("boxed@example.org")
        for view in ("letter", "text", "headers", "dark"):
            reader.page.locator(f"nav.tabs a[href*='view={view}']").click()
            found += wrong_on(reader.page, language)
    assert "\n".join(found) == ""


def test_A02_the_keyboard_alone_sends(world: World, staff: Colleague) -> None:
    """From the list of issues to "I agree": Tab, Space and Enter, and the focus is seen."""
    issue = world.issue()
    staff.goes(f"/newsletters/{issue}/send")
    page = staff.page
    page.set_viewport_size({"width": 1280, "height": 900})
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches(\"form[action$='/send'] button\")"):
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    page.wait_for_url("**/sends/*")
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value === 'undo'"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/newsletters/{issue}")
    expect(page.locator(".note.ok")).to_be_visible()


def test_R06_a_page_that_is_not_there_and_a_forged_form(world: World, staff: Colleague) -> None:
    answer = staff.opens(f"{world.base_url}/staff/newsletters/99999")
    assert answer.status == 404
    assert wrong_on(staff.page, staff.language) == []
    staff.goes("/newsletters")
    staff.page.eval_on_selector(
        "form:has([name=source])",
        "form => { form.querySelector('[name=csrf_token]').value = 'x'; form.requestSubmit() }",
    )
    staff.page.wait_for_load_state()
    assert wrong_on(staff.page, staff.language) == []
