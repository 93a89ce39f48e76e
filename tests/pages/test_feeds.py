"""The Atom feeds: what RFC 4287 asks of them, and nothing but what was published (C21)."""

from __future__ import annotations

import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
import time_machine
from flask.testing import FlaskClient

from app.core.database import Database
from app.petitions.feed_views import xml_text
from app.petitions.models import Petition, PetitionText
from tests.factories import DAY
from tests.petitions.campaigning import an_update

ATOM = "{http://www.w3.org/2005/Atom}"
XML = "{http://www.w3.org/XML/1998/namespace}"
ONE = "/en/petitions/teachers/feed.atom"


@pytest.fixture(autouse=True)
def _noon(clock: time_machine.Traveller) -> None:
    """Feeds are read at one noon."""


def feed(visitor: FlaskClient, place: str) -> ET.Element:
    answer = visitor.get(place)
    assert answer.status_code == 200
    assert answer.content_type == "application/atom+xml; charset=utf-8"
    assert "Set-Cookie" not in answer.headers
    return ET.fromstring(answer.get_data())  # noqa: S314 (our own)


def text(element: ET.Element, name: str) -> str:
    return element.findtext(f"{ATOM}{name}") or ""


def entries(of: ET.Element) -> list[ET.Element]:
    return of.findall(f"{ATOM}entry")


def publish(database: Database, days_ago: int, petition_id: int = 1, **titles: str) -> None:
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, petition_id)
        an_update(session, petition, DAY - timedelta(days=days_ago), **titles)


@pytest.mark.parametrize("place", [ONE, "/fa/petitions/teachers/feed.atom", "/en/feed.atom"])
def test_a_feed_has_what_every_feed_and_entry_must_have(
    visitor: FlaskClient, database: Database, place: str
) -> None:
    publish(database, 3, en="The first letters", fa="نخستین نامه‌ها")
    found = feed(visitor, place)
    assert found.tag == f"{ATOM}feed"
    assert found.get(f"{XML}lang") == place.split("/")[1]
    assert text(found, "title")
    assert found.find(f"{ATOM}author/{ATOM}name") is not None
    links = {link.get("rel"): str(link.get("href")) for link in found.findall(f"{ATOM}link")}
    assert links["self"].endswith(place)
    assert len(entries(found)) >= 2
    for element in [found, *entries(found)]:
        assert text(element, "id").startswith("http")
        assert text(element, "updated").endswith("T00:00:00Z")
    for entry in entries(found):
        path = str(entry.find(f"{ATOM}link").get("href")).split("://", 1)[1]  # type: ignore[union-attr]
        assert visitor.get("/" + path.split("/", 1)[1]).status_code == 200
    ids = [text(element, "id") for element in [found, *entries(found)]]
    assert len(ids) == len(set(ids))
    assert text(found, "updated") == "2026-11-21T00:00:00Z"


def test_the_newest_update_comes_first_and_its_text_is_html(
    visitor: FlaskClient, database: Database
) -> None:
    publish(database, 5, en="Older")
    publish(database, 2, en="A & B <b>")
    first, second, opening = entries(feed(visitor, ONE))
    assert [text(first, "title"), text(second, "title")] == ["A & B <b>", "Older"]
    content = first.find(f"{ATOM}content")
    assert content is not None
    assert content.get("type") == "html"
    assert content.text == "<p>A &amp; B &lt;b&gt;: <strong>more</strong>.</p>\n"
    assert text(opening, "title") == "Free the imprisoned teacher unionists"


def test_C21_a_feed_tells_the_published_total_only(
    visitor: FlaskClient, database: Database
) -> None:
    assert text(feed(visitor, ONE), "subtitle") == "6,184 of 8,000 signatures"
    pensions = feed(visitor, "/en/petitions/pensions/feed.atom")
    assert text(pensions, "subtitle") == "fewer than 20 signatures, goal 8,000"


def test_what_is_not_published_is_in_no_feed(visitor: FlaskClient, database: Database) -> None:
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        an_update(session, petition, None, en="A draft")
        an_update(session, petition, DAY + timedelta(days=1), en="Tomorrow")
        hidden = Petition(slug="hidden", state="draft", goal=100)
        hidden.texts.append(
            PetitionText(
                language="en",
                version=1,
                day=DAY,
                title="Hidden",
                summary="x",
                body="x",
                addressee="x",
            )
        )
        session.add(hidden)
        session.flush()
        an_update(session, hidden, en="Of a draft")
    for place in (ONE, "/en/feed.atom"):
        titles = " ".join(text(entry, "title") for entry in entries(feed(visitor, place)))
        assert "Free the imprisoned" in titles
        for word in ("draft", "Tomorrow", "Hidden"):
            assert word not in titles
    assert visitor.get("/en/petitions/hidden/feed.atom").status_code == 404


def test_one_feed_holds_all_petitions(visitor: FlaskClient, database: Database) -> None:
    publish(database, 3, en="Of the teachers")
    publish(database, 1, petition_id=2, en="Of the pensions")
    titles = [text(entry, "title") for entry in entries(feed(visitor, "/en/feed.atom"))]
    assert titles[:2] == ["Of the pensions", "Of the teachers"]
    assert len(titles) == 4
    own = [text(entry, "title") for entry in entries(feed(visitor, ONE))]
    assert "Of the pensions" not in own


def test_F01_an_entry_in_another_language_says_so(visitor: FlaskClient, database: Database) -> None:
    publish(database, 0, fa="وزیر پاسخ داد")
    first = entries(feed(visitor, ONE))[0]
    assert first.get(f"{XML}lang") == "fa"
    assert text(first, "title") == "وزیر پاسخ داد"


def test_the_feed_without_a_language_leads_to_the_reader_s(visitor: FlaskClient) -> None:
    answer = visitor.get("/feed.atom", headers={"Accept-Language": "en"})
    assert (answer.status_code, answer.location) == (302, "/en/feed.atom")
    assert "Accept-Language" in answer.headers["Vary"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "place", ["", "/updates", "/signers", "/comments", "/delivery", "/snippet"]
)
def test_a_petition_s_pages_name_its_feed_and_that_of_all(visitor: FlaskClient, place: str) -> None:
    html = visitor.get(f"/en/petitions/teachers{place}").get_data(as_text=True)
    assert named_feeds(html) == [ONE, "/en/feed.atom"]


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_the_front_page_names_the_feed_of_all(visitor: FlaskClient, locale: str) -> None:
    html = visitor.get(f"/{locale}/").get_data(as_text=True)
    assert named_feeds(html) == [f"/{locale}/feed.atom"]


def named_feeds(html: str) -> list[str]:
    head = html.partition("</head>")[0]
    link = r'<link rel="alternate" type="application/atom\+xml" href="([^"]+)" title="[^"]+">'
    return re.findall(link, head)


@pytest.mark.parametrize("sign", ["\x00", "\x0b", "\ufffe", "\uffff", "\x1f"])
def test_signs_that_no_xml_can_hold_are_left_out(
    visitor: FlaskClient, database: Database, sign: str
) -> None:
    assert xml_text(f"a{sign}b\n\u200cج😀") == "ab\n\u200cج😀"
    if sign != "\x00":
        publish(database, 0, en=f"odd{sign}title")
        assert text(entries(feed(visitor, ONE))[0], "title") == "oddtitle"


def test_a_site_without_petitions_still_has_a_feed(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        for petition in session.query(Petition):
            petition.state = "draft"
    found = feed(visitor, "/en/feed.atom")
    assert entries(found) == []
    assert date.fromisoformat(text(found, "updated")[:10]) == date(1970, 1, 1)
