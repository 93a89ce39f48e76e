"""Pictures of the ten main pages, in Persian and English, on a phone and a desktop.

A test run draws them and looks for faults, and writes nothing. ``make pictures`` writes docs/pictures.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect
from sqlalchemy.orm import Session

from app.core import clock
from app.newsletters.models import Issue
from app.outbox import sends
from app.staff import invitations
from tests.journeys import mails
from tests.journeys.colleagues import Colleague
from tests.journeys.conftest import load_demo
from tests.journeys.looking import faults
from tests.journeys.pngs import size_of, small
from tests.journeys.processes import ROOT
from tests.journeys.visitors import Visitor
from tests.journeys.worlds import World
from workers import demo

pytestmark = [pytest.mark.browser, pytest.mark.sockets]

PICTURES: Final = ROOT / "docs" / "pictures"
WRITE: Final = bool(os.environ.get("PEYVAND_WRITE_PICTURES"))
TEACHERS: Final = "free-the-teachers"
SIZES: Final = {390: 844, 1280: 900}
TALLEST: Final = {390: 2400, 1280: 1900}
"""A longer page is cut there: the picture shows its look, not its end."""
PUBLIC: Final = ("home", "petition", "check", "link", "newsletter", "choices", "safety")
STAFF: Final = ("dashboard", "editor", "send")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    """The demo with 3,000 readers more, so that a send can be stopped on its way."""
    with World() as world:
        load_demo(world)
        world.subscribe(3000, stem="more", domains=("readers.example", "post.example"))
        world.start()
        yield world


@pytest.fixture(scope="module")
def send(world: World) -> int:
    """A send beside the demo's draft, paused on its way."""
    send_id = world.send_newsletter()
    world.wait_until_begun(send_id, 700, seconds=90)
    assert world.write(lambda session: sends.pause(session, send_id))
    return send_id


def draws(page: Page, name: str, language: str, width: int) -> list[str]:
    """Draws the page whole; returns what is wrong with it."""
    page.evaluate("document.fonts.ready")
    height = page.evaluate("document.documentElement.scrollHeight")
    clip = {"x": 0, "y": 0, "width": width, "height": min(height, TALLEST[width])}
    png = page.screenshot(full_page=True, clip=clip, animations="disabled")  # type: ignore[arg-type]
    assert size_of(png) == (width, clip["height"])
    assert clip["height"] >= 600
    if WRITE:
        PICTURES.mkdir(exist_ok=True)
        picture(name, language, width).write_bytes(small(png))
    return [f"{name}: {fault}" for fault in faults(page, language)]


def picture(name: str, language: str, width: int) -> Path:
    return PICTURES / f"{name}.{language}-{width}.png"


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("language", ["fa", "en"])
def test_the_public_pages_can_be_drawn(
    world: World, browser: Browser, language: str, width: int
) -> None:
    found: list[str] = []
    with Visitor(browser, world.base_url, language, width=width, height=SIZES[width]) as visitor:
        for name, path in (
            ("home", "/"),
            ("petition", f"/petitions/{TEACHERS}"),
            ("newsletter", "/newsletter"),
            ("choices", "/my-choices"),
            ("safety", "/safety"),
        ):
            visitor.opens(path)
            found += draws(visitor.page, name, language, width)
        address = f"picture-{language}-{width}@example.org"
        visitor.signs(TEACHERS, address)
        found += draws(visitor.page, "check", language, width)
        visitor.opens(mails.new(world, address).link)
        found += draws(visitor.page, "link", language, width)
    assert found == []


@pytest.mark.parametrize("width", SIZES)
@pytest.mark.parametrize("language", ["fa", "en"])
def test_the_staff_pages_can_be_drawn(
    world: World, send: int, browser: Browser, language: str, width: int
) -> None:
    def link(session: Session) -> str:
        token = invitations.sign_in_link(session, demo.account(session), clock.now())
        return invitations.address(world.base_url, token)

    issue = world.read(
        lambda session: session.scalars(sa.select(Issue.id).order_by(Issue.id).limit(1)).one()
    )
    found: list[str] = []
    with Colleague(
        browser, world.base_url, language, width=width, height=SIZES[width], scripts=False
    ) as staff:
        staff.signs_in_by_link(world.write(link))
        for name, path in (
            ("dashboard", ""),
            ("editor", f"/newsletters/{issue}"),
            ("send", f"/sends/{send}"),
        ):
            staff.goes(path)
            for frame in staff.page.locator("iframe").all():
                frame.scroll_into_view_if_needed()
                expect(frame.content_frame.locator("body")).not_to_be_empty()
            found += draws(staff.page, name, language, width)
    assert found == []


def test_every_picture_is_there_and_all_of_them_are_light() -> None:
    sizes = {}
    for name in (*PUBLIC, *STAFF):
        for language in ("fa", "en"):
            for width in SIZES:
                content = picture(name, language, width).read_bytes()
                assert size_of(content)[0] == width
                sizes[name, language, width] = len(content)
    assert len(sizes) == 40
    assert sum(sizes.values()) < 6_000_000
    assert {path.name for path in PICTURES.iterdir()} == {picture(*key).name for key in sizes}, (
        "a picture that no page stands behind"
    )
