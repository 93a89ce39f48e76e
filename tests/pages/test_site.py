"""What holds for every public page: no cookie, strict headers, two languages, links that work (C24, C25, F01)."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask, session
from flask.testing import FlaskClient

from app.core import ids
from app.core.database import Database
from app.factory import create_app
from app.optin.models import Request
from config import Config, settings
from tests import factories
from tests.pages import story

ID = ids.in_url(UUID(int=0x5EED << 96))
PUBLIC = (
    "",
    "petitions/teachers",
    "petitions/pensions",
    "petitions/teachers/updates",
    "petitions/teachers/signers",
    "petitions/teachers/comments",
    f"petitions/teachers/check/{ID}",
    "petitions/teachers/thanks",
    "newsletter",
    f"newsletter/check/{ID}",
    "newsletter/thanks",
    "reports",
    "reports/contract-workers",
    "my-choices",
    f"my-choices/preferences/check/{ID}",
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
SAME_FOR_EVERYONE = {
    "",
    "petitions/teachers",
    "petitions/pensions",
    "petitions/teachers/updates",
    "petitions/teachers/signers",
    "petitions/teachers/comments",
    "reports",
    "reports/contract-workers",
    "safety",
    "privacy",
    "contact",
    "tor",
}
"""Every other one is kept by nobody: it holds a request, a secret, an answer to a form, or no page."""


@pytest.mark.parametrize("locale", ["fa", "en"])
@pytest.mark.parametrize("place", PUBLIC)
def test_C24_C25_a_public_page(visitor: FlaskClient, locale: str, place: str) -> None:
    answer = visitor.get(f"/{locale}/{place}")
    html = answer.get_data(as_text=True)
    assert answer.status_code in (200, 404)
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; font-src 'self'")
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    kept = "public, max-age=0, s-maxage=30" if place in SAME_FOR_EVERYONE else "no-store"
    assert answer.headers["Cache-Control"] == kept
    assert ("ETag" in answer.headers) == (place in SAME_FOR_EVERYONE)
    assert "Content-Encoding" not in answer.headers
    assert "<script" not in html
    assert not re.search(r"\s(style|on\w+)=", html)
    assert not re.search(r'(src|srcset|poster|data)="https?:', html)
    loading = re.sub(r'<link rel="(?:canonical|alternate)"[^>]*>', "", html)
    assert not re.search(r'<link [^>]*href="(https?:)?//', loading)
    direction = "rtl" if locale == "fa" else "ltr"
    assert f'<html lang="{locale}" dir="{direction}">' in html
    assert html.count("<h1") == 1


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_every_link_of_the_header_and_the_footer_works(visitor: FlaskClient, locale: str) -> None:
    page = visitor.get(f"/{locale}/")
    links = story.hrefs(page, "header") + story.hrefs(page, "footer")
    assert len(links) >= 12
    for link in links:
        assert visitor.get(link).status_code == 200, link


@pytest.mark.parametrize(
    "place", [place for place in PUBLIC if place not in ("c/x", "u/x", "no-such-page")]
)
def test_F01_the_language_links_keep_the_page(visitor: FlaskClient, place: str) -> None:
    page = visitor.get(f"/fa/{place}")
    expected = "/en/" if place == "never/x" else f"/en/{place}"
    assert expected in story.hrefs(page, "nav")


def test_F01_the_front_door_opens_in_the_browsers_language(visitor: FlaskClient) -> None:
    for accepted, locale in (("en-GB,en;q=0.9", "en"), ("fa-IR", "fa"), ("tlh", "fa"), ("", "fa")):
        answer = visitor.get("/", headers={"Accept-Language": accepted})
        assert answer.headers["Location"] == f"/{locale}/"
        assert answer.headers["Vary"] == "Accept-Language"


def test_F05_persian_pages_show_persian_digits_and_solar_days(visitor: FlaskClient) -> None:
    text = story.words(visitor.get("/fa/petitions/teachers"))
    assert "۶٬۱۸۴ امضا" in text
    assert "۵ آبان ۱۴۰۵ (۲۰۲۶/۱۰/۲۷)" in text
    shown = re.sub(r"http\S+|\d+\.", "", text)
    assert not re.search(r"[0-9]", shown)


def test_C26_the_banner_stands_on_every_page_of_a_trial_and_on_no_other(
    visitor: FlaskClient, environment: dict[str, str]
) -> None:
    assert "not for real people" not in story.words(visitor.get("/en/"))
    assert visitor.get("/mailbox").status_code == 404
    trial = {**environment, "PEYVAND_EMBEDDED": "1", "PEYVAND_BASE_URL": "http://127.0.0.1:8000"}
    trying = create_app(Config.from_env("web", trial)).test_client()
    for place in ("/en/", "/en/petitions/teachers", "/en/subscribe", "/en/safety", "/en/c/x"):
        assert "not for real people" in story.words(trying.get(place)), place
    assert 'class="trial"' in trying.get("/fa/").get_data(as_text=True)


def test_C16_the_privacy_page_prints_each_period_of_the_settings(
    keys: factories.Keys, environment: dict[str, str]
) -> None:
    from app.desk import texts

    numbers = {
        spec.metadata["name"]: str(spec.metadata["within"].start + 2 + place % 3)
        for place, spec in enumerate(settings())
        if spec.metadata["shown"]
    }
    config = Config.from_env("web", {**environment, **numbers})
    for locale in ("fa", "en"):
        raw = (texts.SHIPPED / f"privacy.{locale}.md").read_text("utf-8")
        body = texts.find("privacy", locale, config).body
        assert "{" not in body
        for spec in settings():
            if spec.metadata["shown"]:
                assert "{" + spec.name + "}" in raw, spec.name


def test_the_operators_own_text_comes_first(environment: dict[str, str], tmp_path: Path) -> None:
    from app.desk import texts

    (tmp_path / "contact.en.md").write_text(
        "# Write to us\n\n<script>x</script> {organisation}", "utf-8"
    )
    config = Config.from_env("web", {**environment, "PEYVAND_TEXTS": str(tmp_path)})
    assert texts.find("contact", "en", config).title == "Write to us"
    assert texts.find("contact", "fa", config).title == "تماس با ما"
    assert "onion" in texts.find("tor", "en", config).body


def test_health_answers_while_the_database_does(visitor: FlaskClient) -> None:
    assert visitor.get("/health").get_json()["status"] == "ok"


def test_C27_safety_and_privacy_say_it_in_both_languages(visitor: FlaskClient) -> None:
    assert "do not sign" in story.words(visitor.get("/en/safety")).lower()
    assert "امضا نکنید" in story.words(visitor.get("/fa/safety"))
    assert "72 hours" in story.words(visitor.get("/en/privacy"))
    assert "۷۲ ساعت" in story.words(visitor.get("/fa/privacy"))


def test_no_page_view_writes_anything(visitor: FlaskClient, database: Database) -> None:
    before = story.dump(database)
    for locale in ("fa", "en"):
        for place in PUBLIC:
            visitor.get(f"/{locale}/{place}")
            visitor.head(f"/{locale}/{place}")
    assert story.dump(database) == before
    with database.reading() as session:
        assert session.query(Request).count() == 0


def test_C24_a_public_page_cannot_begin_a_session(site: Flask) -> None:
    with site.test_request_context("/fa/petitions"), pytest.raises(RuntimeError):
        session["seen"] = "once"
    with site.test_request_context("/staff/"):
        session["seen"] = "once"
        assert session["seen"] == "once"
