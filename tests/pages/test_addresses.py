"""One petition has an address for each language: every page is found there, and every other address leads there."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import quote, unquote
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import ids
from app.core.database import Database
from app.petitions import addressing, editing
from app.web.headers import KEPT, SAME_FOR_EVERYONE
from tests import factories
from tests.pages import story
from tests.petitions.test_editing import NOW, WHOLE

FA = "معلمان-زندانی"
EN = "free-the-teachers"
BASE = "http://127.0.0.1:8000"
BLIND = ("petitions.form_only", "petitions.again_page", "endorse.again_page")
"""They look nothing up: they lead to a page that does."""
GOOD = {"address": "leila@example.org", "consent": "y"}


@pytest.fixture(autouse=True)
def addressed(database: Database) -> None:
    """The petition has an address in Persian and one in English."""
    with database.unit_of_work() as session:
        petition = editing.get(session, 1)
        addressing.give(session, petition, "fa", FA)
        addressing.give(session, petition, "en", EN)


def places(site: Flask, slug: str) -> dict[str, str]:
    """Every page of the petition that is read, in English."""
    values = {"locale": "en", "slug": slug, "request_id": ids.in_url(UUID(int=1))}
    with site.test_request_context():
        return {
            rule.endpoint: str(rule.build(values, append_unknown=False)[1])  # type: ignore[index]
            for rule in site.url_map.iter_rules()
            if "/petitions/<slug" in rule.rule and "GET" in (rule.methods or ())
            if rule.endpoint not in BLIND
        }


@pytest.mark.parametrize("slug", [FA, "teachers"])
def test_every_page_leads_from_another_slug_to_that_of_its_language(
    site: Flask, visitor: FlaskClient, slug: str
) -> None:
    found = places(site, slug)
    assert len(found) > 12
    for endpoint, place in found.items():
        answer = visitor.get(place)
        assert answer.status_code == 301, place
        assert answer.location.startswith(f"/en/petitions/{EN}"), place
        assert visitor.get(answer.location).status_code == 200, place
        # and a cache may keep where to as long as the page itself; nobody who has a page is told "unchanged"
        kept = KEPT if endpoint in SAME_FOR_EVERYONE else "no-store"
        assert answer.headers["Cache-Control"] == kept, place
        assert visitor.get(place, headers={"If-None-Match": "*"}).status_code == 301


def test_a_query_goes_along_and_is_kept_by_nobody(visitor: FlaskClient) -> None:
    answer = visitor.get("/en/petitions/teachers/signers?page=1&x=%D8%A2")
    assert answer.location == f"/en/petitions/{EN}/signers?page=1&x=%D8%A2"
    assert answer.headers["Cache-Control"] == "no-store"


def test_F05_a_persian_address_is_ascii_wherever_it_is_written(visitor: FlaskClient) -> None:
    for page in (
        visitor.get("/fa/"),
        visitor.get(f"/fa/petitions/{FA}"),
        visitor.get("/fa/feed.atom"),
        visitor.get("/api/petitions/1"),
    ):
        assert FA not in page.text
        assert f"/fa/petitions/{quote(FA)}" in page.text
    paper = visitor.get(f"/fa/petitions/{FA}/poster.pdf").headers["Content-Disposition"]
    assert paper == 'inline; filename="teachers-poster.fa.pdf"'
    assert visitor.get("/fa/petitions/teachers").location == f"/fa/petitions/{quote(FA)}"


def test_C01_a_form_is_taken_at_any_address_of_its_petition(
    visitor: FlaskClient, database: Database
) -> None:
    for slug in (EN, FA, "teachers"):
        answer = visitor.post(f"/en/petitions/{slug}/sign", data=GOOD)
        assert (answer.status_code, "/check/" in answer.location) == (303, True), slug
        waiting = visitor.get(answer.location, follow_redirects=True)
        assert f"/en/petitions/{EN}/check/{story.request_id_of(answer)}" in waiting.text
    wrong = visitor.post(f"/en/petitions/{FA}/sign", data={"address": "no"})
    assert wrong.status_code == 422
    assert f'action="/en/petitions/{EN}/sign"' in wrong.text


def test_the_language_switch_and_search_engines_know_each_language_s_address(
    visitor: FlaskClient,
) -> None:
    page = visitor.get(f"/en/petitions/{EN}")
    assert f"/fa/petitions/{quote(FA)}" in story.hrefs(page, "nav")
    updates = visitor.get(f"/en/petitions/{EN}/updates")
    assert f"/fa/petitions/{quote(FA)}/updates" in story.hrefs(updates, "nav")
    assert f'<link rel="canonical" href="{BASE}/en/petitions/{EN}">' in page.text
    alternates = dict(
        re.findall(r'<link rel="alternate" hreflang="([^"]+)" href="([^"]+)">', unescape(page.text))
    )
    assert alternates == {
        "fa": f"{BASE}/fa/petitions/{quote(FA)}",
        "en": f"{BASE}/en/petitions/{EN}",
        "x-default": f"{BASE}/p/1",
    }


def test_the_short_link_leads_to_the_page_of_its_language(visitor: FlaskClient) -> None:
    for code, slug in (("fa", FA), ("en", EN)):
        answer = visitor.get(f"/{code}/p/1")
        assert (answer.status_code, unquote(answer.location)) == (301, f"/{code}/petitions/{slug}")
        assert answer.headers["Cache-Control"] == KEPT
        named = visitor.get("/p/1", headers={"Accept-Language": code})
        assert (named.status_code, unquote(named.location)) == (302, f"/{code}/petitions/{slug}")
    page = visitor.get(f"/fa/petitions/{FA}")
    assert f"{BASE}/fa/p/1" in story.words(page), "people pass on the short one"


def test_R06_the_short_link_of_no_public_petition_is_no_page(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        draft = factories.a_petition(session, "draft", state="draft").id
    answers = [visitor.get(f"/en/p/{number}") for number in (draft, 99, 0, 10**20)]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.headers["Cache-Control"] for answer in answers} == {"no-store"}


def test_F08_the_address_of_a_hidden_translation_is_the_page_of_no_petition(
    site: Flask, visitor: FlaskClient, database: Database
) -> None:
    # given a petition in Persian, whose English translation waits for approval and has an address of its own
    with database.unit_of_work() as session:
        petition = factories.a_petition(session, "nurses", languages=("fa",))
        editing.write(session, petition.id, "en", WHOLE, seen=0, now=NOW)
        addressing.give(session, editing.get(session, petition.id), "en", "secret-plan")
    # then whoever guesses it gets what any other guess gets, on every page and in both languages
    hidden, unknown = places(site, "secret-plan"), places(site, "secret-plot")
    for endpoint in hidden:
        for code in ("/en/", "/fa/"):
            answers = [
                visitor.get(found[endpoint].replace("/en/", code, 1)) for found in (hidden, unknown)
            ]
            assert [answer.status_code for answer in answers] == [404, 404], endpoint
            told = [answer.text.replace("secret-plot", "secret-plan") for answer in answers]
            assert told[0] == told[1], endpoint
    assert visitor.post("/en/petitions/secret-plan/sign", data=GOOD).status_code == 404
    # and nothing that is public tells of it
    for place in (
        "/en/",
        "/en/petitions/nurses",
        "/en/petitions/nurses/feed.atom",
        "/en/feed.atom",
        "/api/petitions",
        f"/api/petitions/{petition.id}",
    ):
        answer = visitor.get(place)
        assert answer.status_code == 200, place
        assert "secret-plan" not in answer.text, place
    links = re.findall(r"<link[^>]*hreflang[^>]*>", visitor.get("/en/petitions/nurses").text)
    assert re.findall(r'hreflang="([^"]*)"', "".join(links)) == ["fa", "x-default"]
