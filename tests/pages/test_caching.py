"""What a browser or a cache may keep, and for how long: only what everyone sees (C10, C21, C24, C25)."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.database import Database
from app.factory import create_app
from app.petitions.models import Petition
from app.web.headers import KEPT_SECONDS, OPEN_TO_ALL, SAME_FOR_EVERYONE
from config import Config

KEPT = f"public, max-age=0, s-maxage={KEPT_SECONDS}"
PAGES = (
    "/en/",
    "/fa/",
    "/en/petitions/teachers",
    "/en/petitions/teachers/updates",
    "/en/petitions/teachers/signers",
    "/en/petitions/teachers/comments",
    "/en/petitions/teachers/feed.atom",
    "/en/feed.atom",
    "/api/petitions",
    "/api/petitions/1",
    "/api/openapi.json",
    "/en/reports",
    "/en/reports/contract-workers",
    "/en/safety",
    "/en/privacy",
    "/en/contact",
    "/en/tor",
)


@pytest.mark.parametrize("place", PAGES)
def test_a_page_that_is_the_same_for_everyone_may_be_kept(visitor: FlaskClient, place: str) -> None:
    answer = visitor.get(place)
    assert answer.headers["Cache-Control"] == KEPT
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")
    assert "Last-Modified" not in answer.headers, "a moment could tell of a signature"
    etag = answer.headers["ETag"]
    again = visitor.get(place, headers={"If-None-Match": etag})
    assert (again.status_code, again.get_data()) == (304, b"")
    assert again.headers["ETag"] == etag
    assert again.headers["Cache-Control"] == KEPT
    head = visitor.head(place)
    assert (head.headers["ETag"], head.get_data()) == (etag, b"")
    assert visitor.get(place, headers={"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.parametrize("place", PAGES)
def test_what_a_visitor_brings_changes_no_byte_of_a_kept_page(
    visitor: FlaskClient, place: str
) -> None:
    plain = visitor.get(place)
    brought = visitor.get(
        place,
        headers={
            "Cookie": "workroom=x; language=fa",
            "Accept-Language": "fa",
            "User-Agent": "other",
            "Referer": "https://elsewhere.example/",
            "X-Forwarded-For": "198.51.100.7",
            "Accept": "application/json",
        },
    )
    assert brought.get_data() == plain.get_data()
    assert brought.headers["ETag"] == plain.headers["ETag"]


def test_every_endpoint_that_may_be_kept_is_there_and_has_its_language_in_its_address(
    site: Flask,
) -> None:
    rules = {rule.endpoint: rule for rule in site.url_map.iter_rules()}
    assert set(rules) >= SAME_FOR_EVERYONE
    for endpoint in SAME_FOR_EVERYONE:
        rule = rules[endpoint]
        assert not any("token" in name or "request" in name for name in rule.arguments), endpoint
        assert "locale" in rule.arguments or rule.rule.startswith("/api/"), endpoint


@pytest.mark.parametrize(
    "place",
    [
        "/en/reports?q=prison",
        "/en/petitions/teachers?utm_source=mail",
        "/en/petitions/none",
        "/en/petitions/teachers/thanks",
        "/en/newsletter",
        "/en/my-choices",
        "/en/c/x",
        "/en/u/x",
        "/u/x",
        "/en/never/x",
        "/p/1",
        "/",
        "/health",
        "/staff",
        "/staff/sign-in",
        "/api/petitions/99",
    ],
)
def test_C10_C25_what_is_someone_s_own_or_no_page_is_kept_by_nobody(
    visitor: FlaskClient, place: str
) -> None:
    answer = visitor.get(place)
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


def test_a_form_s_answer_is_kept_by_nobody(visitor: FlaskClient, database: Database) -> None:
    wrong = visitor.post("/en/petitions/teachers/sign", data={"address": "no address"})
    assert (wrong.status_code, wrong.headers["Cache-Control"]) == (422, "no-store")
    closed = visitor.post("/en/petitions/pensions/sign", data={"address": "leila@example.org"})
    assert (closed.status_code, closed.headers["Cache-Control"]) == (409, "no-store")


def test_turning_a_page_may_be_kept(visitor: FlaskClient) -> None:
    answer = visitor.get("/en/petitions/teachers/signers?page=1")
    assert answer.headers["Cache-Control"] == KEPT


def test_C17_a_cache_in_front_forgets_a_name_within_a_minute_and_a_browser_at_once() -> None:
    assert KEPT_SECONDS + 25 <= 60, "the worker needs a while to carry out a withdrawal"
    assert "max-age=0," in KEPT


@pytest.mark.parametrize("place", PAGES)
def test_pages_of_other_sites_may_read_the_api_and_the_feeds_alone(
    visitor: FlaskClient, place: str
) -> None:
    headers = visitor.get(place, headers={"Origin": "https://other.example"}).headers
    shared = place.startswith("/api/") or place.endswith(".atom")
    assert headers.get("Access-Control-Allow-Origin") == ("*" if shared else None)
    assert headers["Cross-Origin-Resource-Policy"] == ("cross-origin" if shared else "same-origin")
    assert "Access-Control-Allow-Credentials" not in headers


def test_no_page_with_a_form_is_open_to_other_sites() -> None:
    assert {one.split(".")[0] for one in OPEN_TO_ALL} == {"api", "feeds"}


def test_an_etag_changes_with_what_the_page_shows(visitor: FlaskClient, database: Database) -> None:
    before = visitor.get("/en/petitions/teachers").headers["ETag"]
    with database.unit_of_work() as session:
        session.get_one(Petition, 1).published_total += 5
    assert visitor.get("/en/petitions/teachers").headers["ETag"] != before


def test_C24_over_an_onion_address_the_same_bytes_are_kept(environment: dict[str, str]) -> None:
    onion = "http://" + "a" * 56 + ".onion"
    site = create_app(Config.from_env("web", {**environment, "PEYVAND_ONION_URL": onion}))
    client = site.test_client()
    for place in ("/en/petitions/teachers", "/en/feed.atom", "/api/petitions"):
        clear = client.get(place)
        hidden = client.get(place, base_url=onion)
        assert hidden.headers["ETag"] == clear.headers["ETag"], place
        assert hidden.headers["Cache-Control"] == KEPT
