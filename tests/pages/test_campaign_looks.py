"""A petition with all that can stand around it, in a real browser: fit for every reader and every width (A01-A03)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy.orm import Session

from app.core.database import Database
from app.petitions import showing_signers
from app.petitions.campaign_models import ANSWER, MILESTONE
from app.petitions.models import FULL_NAME, Petition
from tests.factories import DAY
from tests.journeys.looking import faults as odd
from tests.journeys.serving import faults, serving
from tests.pages.conftest import NOON
from tests.petitions.campaigning import a_signature, an_endorsement, an_update, paper

pytestmark = [pytest.mark.browser, pytest.mark.sockets]

PLACES = [f"petitions/teachers{end}" for end in ("", "/updates", "/signers", "/comments")]
PICTURES = os.environ.get("PEYVAND_LOOK_AT")
"""A folder for pictures of these pages, for people to look at."""
LONG_AGO = DAY - timedelta(days=400)
WEEKS = (40, 64, 210, 480, 390, 260, 610, 720, 540, 130)


def fill(session: Session) -> None:
    """Let a petition show all it can."""
    petition = session.get_one(Petition, 1)
    days = [LONG_AGO + timedelta(days=40 * place) for place in range(6)]
    an_update(session, petition, days[0], fa="نامه به ۴۲ اتحادیه", en="Letters to 42 unions")
    an_update(
        session,
        petition,
        days[2],
        kind=MILESTONE,
        fa="شش هزار امضا",
        en="Six thousand signatures",
    )
    an_update(session, petition, days[3], fa="گزارشی که هنوز ترجمه نشده است")
    an_update(
        session,
        petition,
        days[4],
        kind=ANSWER,
        fa="وزیر آموزش و پرورش پاسخ داد",
        en="The minister of education answered",
    )
    an_endorsement(
        session,
        petition,
        country="GB",
        statement="Teachers in prison are *our* colleagues. We stand with them.",
        en="Example Education Union",
        fa="اتحادیهٔ نمونهٔ آموزش",
    )
    an_endorsement(session, petition, country="FR", fr="Fédération exemple de l’enseignement")
    an_endorsement(
        session,
        petition,
        country="DE",
        en="Example Union for Education and Science",
        fa="اتحادیهٔ نمونهٔ آموزش و دانش",
    )
    paper(session, petition, 1234)
    for place in range(40):
        a_signature(session, petition, f"{'مرسنک'[place % 5]}. {'رحبدی'[place // 8]}.")
    a_signature(session, petition, "Example Signer", shown_as=FULL_NAME, country="SE")
    a_signature(
        session,
        petition,
        "نمونهٔ امضاکننده",
        shown_as=FULL_NAME,
        country="DE",
        affiliation="کارگر بارانداز",
        comment="برای خواهرم که معلم است.\nتنها نیستید.",
        comment_language="fa",
        comment_state="approved",
        comment_day=DAY,
    )
    a_signature(
        session,
        petition,
        comment="No one signs alone.",
        comment_language="en",
        comment_state="approved",
        comment_day=DAY,
    )
    showing_signers.publish(session, now=NOON)
    first, weeks = DAY - timedelta(days=DAY.weekday() + 7 * 14), []
    for place, number in enumerate(WEEKS):
        last = first + timedelta(days=6 if place else 20)
        weeks.append([first.isoformat(), last.isoformat(), number])
        first = last + timedelta(days=1)
    petition.published_weeks = weeks


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(java_script_enabled=True)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("language", ["fa", "en"])
def test_A01_A02_a_full_petition_page(
    site: Flask, database: Database, page: Page, language: str
) -> None:
    with database.unit_of_work() as session:
        fill(session)
    found = []
    with serving(site) as address:
        for place in PLACES:
            for width in (320, 390, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(f"{address}/{language}/{place}")
                if page.locator("details:not(.truth)").count():
                    page.locator("details:not(.truth) summary").first.click()
                found += [f"{place} at {width}: {fault}" for fault in odd(page, language)]
                if PICTURES and width > 320:
                    name = f"{place.rsplit('/', 1)[-1]}.{language}-{width}.png"
                    page.screenshot(path=Path(PICTURES) / name, full_page=True)
            found += faults(page)
    assert found == []


def test_on_paper_nothing_lies_over_anything(site: Flask, database: Database, page: Page) -> None:
    with database.unit_of_work() as session:
        fill(session)
    with serving(site) as address:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(media="print")
        page.goto(f"{address}/fa/petitions/teachers")
        text = page.locator("article").bounding_box()
        unions = page.locator(".endorsers").bounding_box()
        rest = page.locator(".rest").bounding_box()
        assert text
        assert unions
        assert rest
        assert text["y"] + text["height"] <= unions["y"]
        assert unions["y"] + unions["height"] <= rest["y"]
        assert not page.locator("form").first.is_visible()
