"""axe-core finds nothing on any page, in fa and en, light and dark, errors shown and not (A01, A02)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from playwright.sync_api import Page

from app.core import clock as moment
from app.core import ids, tokens
from app.core.database import Database
from app.factory import create_app
from app.optin import models as optin
from app.petitions import editing
from app.petitions.models import Petition, PetitionText
from config import Config
from emails import mailbox
from emails.transport import Envelope
from tests import factories
from tests.journeys.serving import faults, serving, sideways
from tests.pages.conftest import database, environment, filled, keys, site

__all__ = ["database", "environment", "filled", "keys", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ID = ids.in_url(UUID(int=0x5EED << 96))
PAGES = (
    "",
    "petitions/teachers",
    "petitions/teachers/versions",
    "petitions/teachers/snippet",
    "petitions/pensions",
    f"petitions/teachers/check/{ID}?again=1",
    "petitions/teachers/thanks",
    "petitions/teachers/endorse",
    f"petitions/teachers/endorse/check/{ID}?again=1",
    "petitions/teachers/endorse/thanks",
    "newsletter",
    f"newsletter/check/{ID}",
    "newsletter/thanks",
    "reports",
    "reports?q=nothing-at-all",
    "reports/contract-workers",
    "my-choices",
    f"my-choices/preferences/check/{ID}",
    f"my-choices/showing/check/{ID}",
    f"my-choices/withdrawal/check/{ID}",
    f"my-choices/erasure/check/{ID}",
    "my-choices/erasure/thanks",
    "safety",
    "privacy",
    "contact",
    "tor",
    "never/x",
    "c/x",
    "u/x",
    "no-such-page",
)
WIDE = ("", "petitions/teachers", "newsletter", f"petitions/teachers/check/{ID}")
FORMS = (
    "petitions/teachers",
    "petitions/teachers/endorse",
    f"petitions/teachers/endorse/check/{ID}",
    "newsletter",
    "my-choices",
    f"petitions/teachers/check/{ID}",
    f"newsletter/check/{ID}",
    f"my-choices/preferences/check/{ID}",
)
LINKS = (
    (optin.SIGNATURE, "1"),
    (optin.ENDORSEMENT, "1"),
    (optin.SUBSCRIPTION, "newsletter"),
    (optin.PREFERENCES, "newsletter"),
    (optin.SHOWING, "1"),
    (optin.WITHDRAWAL, "1"),
    (optin.ERASURE, "all"),
    (optin.REPRESENTATIVE, "5"),
    (optin.STAFF_ADDRESS, "5"),
)


@dataclass(frozen=True)
class Served:
    """A running site and the links that were mailed from it."""

    address: str
    links: tuple[str, ...]


@pytest.fixture
def served(site: Flask, database: Database, keys: factories.Keys) -> Iterator[Served]:
    """The site, with a text that changed and a live link of each kind."""
    links = []
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        for language, text in editing.newest(petition).items():
            words = {**factories.TEXTS[language], "summary": text.title, "topic": ""}
            petition.texts.append(
                PetitionText(language=language, version=2, day=factories.DAY, **words)
            )
        for purpose, subject in LINKS:
            _found, link, _code = factories.an_answered_request(
                session, keys.desk, purpose, subject, now=moment.now()
            )
            links.append(f"c/{link}")
        reader = factories.a_subscriber(session, keys.desk, "leila@example.org")
        token = keys.desk.secrets.token(tokens.ONE_CLICK, reader.id, reader.key_id)
        links.append(f"u/{token}")
    with serving(site) as address:
        yield Served(address, tuple(links))


def what_is_wrong(page: Page, urls: list[str], *, width: int = 390) -> list[str]:
    """Axe's findings over pages, and which of them scroll sideways on a small phone."""
    found = []
    for url in urls:
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(url)
        found += faults(page)
        if sideways(page, 320):
            found.append(f"{url}: scrolls sideways at 320 px")
    return found


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_A01_public_pages(page: Page, served: Served, locale: str) -> None:
    urls = [f"{served.address}/{locale}/{place}" for place in (*PAGES, *served.links)]
    assert what_is_wrong(page, urls) == []


@pytest.mark.parametrize("locale", ["fa", "en"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_A01_on_a_desk(page: Page, served: Served, locale: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    urls = [f"{served.address}/{locale}/{place}" for place in WIDE]
    assert what_is_wrong(page, urls, width=1280) == []


@pytest.mark.parametrize(("locale", "scheme"), [("fa", "dark"), ("en", "light")])
def test_A01_A02_with_errors_shown(page: Page, served: Served, locale: str, scheme: str) -> None:
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    found = []
    for place in FORMS:
        page.goto(f"{served.address}/{locale}/{place}")
        with page.expect_navigation():
            page.eval_on_selector("main form[method=post]", "form => form.requestSubmit()")
        assert page.locator("[role=alert]").count() == 1
        for link in page.locator("[role=alert] a").all():
            assert page.locator(str(link.get_attribute("href"))).count() == 1
        found += faults(page)
        if sideways(page, 320):
            found.append(f"{place}: scrolls sideways at 320 px")
    assert found == []


MAIL = """\
From: peyvand@example.org\r
To: leila@example.org\r
Subject: Please confirm your request: 47\r
MIME-Version: 1.0\r
Content-Type: multipart/alternative; boundary=bricks\r
\r
--bricks\r
Content-Type: text/plain; charset=utf-8\r
\r
Open http://127.0.0.1:8000/en/c/1.abc and press the button.\r
--bricks\r
Content-Type: text/html; charset=utf-8\r
\r
<html lang="en"><head><title>A letter</title></head><body><p>Press the button.</p></body></html>\r
--bricks--\r
"""


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_A01_the_trial_mailbox(page: Page, environment: dict[str, str], locale: str) -> None:
    folder = Path(environment["PEYVAND_SMTP_URL"].removeprefix("mailbox:"))
    for _mail in range(2):
        mailbox.keep(folder, Envelope("peyvand@example.org", "leila@example.org"), MAIL.encode())
    app = create_app(Config.from_env("web", {**environment, "PEYVAND_EMBEDDED": "1"}))
    with serving(app) as address:
        url = f"{address}/mailbox?language={locale}"
        assert what_is_wrong(page, [url], width=1280) == []
        tabs = page.locator(".tabs a")
        views = [f"{address}{tab.get_attribute('href')}" for tab in tabs.all()]
        assert len(views) == 4
        assert what_is_wrong(page, [url, *views, f"{address}/{locale}/"]) == []
        mailbox.empty_folder(folder)
        assert what_is_wrong(page, [url]) == []


def test_A02_the_keyboard_alone_signs(page: Page, served: Served) -> None:
    page.goto(f"{served.address}/en/petitions/teachers")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _step in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == "address":
            break
    page.keyboard.type("leila@example.org")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "/check/" in page.url
