"""The page of a running send in a real browser: it moves, it can be stopped, and it needs no script (A02)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Browser, Page, expect

from app.core.database import Database
from app.outbox.models import ACCEPTED, PAUSED, QUEUED, Send, Slice
from tests.journeys.serving import serving
from tests.newsletters.newsroom import Newsroom
from tests.newsletters.test_progress import a_send

pytestmark = [pytest.mark.browser, pytest.mark.sockets]

Opened = Callable[..., Page]


@pytest.fixture
def send_id(database: Database) -> int:
    """A send of 100 letters that is under way."""
    with database.unit_of_work() as session:
        return a_send(session, {("fa",): {ACCEPTED: 40, QUEUED: 60}}).id


@pytest.fixture
def opened(app: Flask, newsroom: Newsroom, browser: Browser, send_id: int) -> Iterator[Opened]:
    """Opens the send's page in Roya's browser, with or without scripts."""
    found = newsroom.client.get_cookie("workroom", path="/staff")
    assert found is not None
    with serving(app) as base_url:

        def open_page(*, scripts: bool = True) -> Page:
            context = browser.new_context(java_script_enabled=scripts)
            context.add_cookies(
                [
                    {
                        "name": "workroom",
                        "value": found.value,
                        "domain": "127.0.0.1",
                        "path": "/staff",
                    }
                ]
            )
            page = context.new_page()
            page.goto(f"{base_url}/staff/sends/{send_id}?language=en")
            return page

        yield open_page
        for context in browser.contexts:
            context.close()


def accept(database: Database, count: int) -> None:
    with database.unit_of_work() as session:
        session.execute(
            sa.update(Slice).values(accepted=Slice.accepted + count, queued=Slice.queued - count)
        )


def test_A02_the_figures_move_without_a_reload(opened: Opened, database: Database) -> None:
    page = opened()
    expect(page.locator(".tally b")).to_have_text("40")
    page.evaluate("window.kept = true")
    accept(database, 15)
    expect(page.locator(".tally b")).to_have_text("55", timeout=10_000)
    assert page.evaluate("window.kept") is True


def test_A02_a_button_stops_the_page_and_lets_it_move_again(
    opened: Opened, database: Database
) -> None:
    page = opened()
    page.get_by_role("button", name="Stop the page from moving").click()
    accept(database, 15)
    page.wait_for_timeout(3000)
    expect(page.locator(".tally b")).to_have_text("40")
    page.get_by_role("button", name="Let the page move again").click()
    expect(page.locator(".tally b")).to_have_text("55", timeout=10_000)


def test_A02_a_new_state_brings_its_own_buttons(
    opened: Opened, database: Database, send_id: int
) -> None:
    page = opened()
    with database.unit_of_work() as session:
        session.execute(sa.update(Send).where(Send.id == send_id).values(state=PAUSED))
    expect(page.get_by_role("button", name="Resume the send")).to_be_visible(timeout=10_000)


def test_A02_without_script_a_link_shows_the_newest_figures(
    opened: Opened, database: Database
) -> None:
    page = opened(scripts=False)
    expect(page.get_by_role("button", name="Stop the page from moving")).to_have_count(0)
    accept(database, 15)
    page.get_by_role("link", name="Show the newest figures").click()
    expect(page.locator(".tally b")).to_have_text("55")
