"""The read-only JSON: what its OpenAPI document says, and what the pages say (C21)."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
import time_machine
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator, oas31_format_checker
from openapi_spec_validator import OpenAPIV31SpecValidator
from sqlalchemy.orm import Session

from app.core.database import Database
from app.petitions import publishing, showing_signers
from app.petitions.campaign_models import ANSWER, ASKED
from app.petitions.models import FULL_NAME, Petition
from tests.factories import DAY, a_petition
from tests.pages import story
from tests.pages.conftest import NOON
from tests.petitions.campaigning import (
    a_signature,
    an_endorsement,
    an_update,
    paper,
    signatures,
)


@pytest.fixture(autouse=True)
def _noon(clock: time_machine.Traveller) -> None:
    """Asked at one noon."""


@pytest.fixture
def told(visitor: FlaskClient) -> dict[str, Any]:
    """The OpenAPI document that the site serves."""
    answer = visitor.get("/api/openapi.json")
    assert answer.content_type == "application/json"
    document: dict[str, Any] = answer.get_json()
    return document


def check(document: dict[str, Any], name: str, answer: object) -> None:
    """Hold an answer against the document's schema of that name."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    OAS31Validator(schema, format_checker=oas31_format_checker).validate(answer)


def everything(session: Session) -> Petition:
    """Let the open petition show all that a petition can show."""
    petition = session.get_one(Petition, 1)
    an_update(session, petition, kind=ANSWER, en="The minister answered", fa="وزیر پاسخ داد")
    an_update(session, petition, None, en="A draft")
    an_endorsement(session, petition, en="Union of Docks", statement="With you.")
    an_endorsement(session, petition, en="Silent union", country="")
    an_endorsement(session, petition, en="Unchecked", state=ASKED)
    paper(session, petition, 34)
    for place in range(20):
        a_signature(session, petition, f"S{place:02}. T.", country="DE")
    a_signature(
        session,
        petition,
        "Leila Rad",
        shown_as=FULL_NAME,
        country="DE",
        comment="For my brother",
        comment_language="en",
        comment_state="approved",
        comment_day=DAY,
    )
    showing_signers.publish(session, now=NOON)
    petition.published_weeks = [["2026-10-26", "2026-11-01", 40], ["2026-11-02", "2026-11-15", 20]]
    return petition


def test_the_document_is_openapi_3_1(told: dict[str, Any]) -> None:
    assert told["openapi"].startswith("3.1.")
    assert list(OpenAPIV31SpecValidator(told).iter_errors()) == []


def test_every_address_of_the_document_is_there_and_answers_as_it_says(
    visitor: FlaskClient, database: Database, told: dict[str, Any]
) -> None:
    with database.unit_of_work() as session:
        everything(session)
    filled = {"locale": "en", "slug": "teachers", "petition_id": "1"}
    for place, operations in told["paths"].items():
        answer = visitor.get(place.format(**filled))
        content = operations["get"]["responses"]["200"]["content"]
        assert answer.status_code == 200, place
        assert [answer.mimetype] == list(content), place
        if answer.mimetype == "application/json":
            schema = content[answer.mimetype]["schema"]["$ref"].rsplit("/", 1)[1]
            check(told, schema, answer.get_json())


def test_what_is_not_in_the_document_would_be_noticed(
    visitor: FlaskClient, told: dict[str, Any]
) -> None:
    answer = visitor.get("/api/petitions/1").get_json()
    check(told, "Petition", answer)
    errors = OAS31Validator(
        {"$ref": "#/components/schemas/Petition", "components": told["components"]}
    )
    assert not errors.is_valid({**answer, "address": "leila@example.org"})
    assert not errors.is_valid({key: answer[key] for key in answer if key != "weeks"})


def test_C21_one_petition_says_what_its_page_says(visitor: FlaskClient, database: Database) -> None:
    with database.unit_of_work() as session:
        everything(session)
    answer = visitor.get("/api/petitions/1").get_json()
    assert answer["signatures"] == {
        "total": 6184,
        "fewer_than": None,
        "goal": 8000,
        "live": False,
        "paper": 34,
    }
    assert [one["names"]["en"] for one in answer["endorsements"]] == [
        "Silent union",
        "Union of Docks",
    ]
    assert [update["kind"] for update in answer["updates"]] == [ANSWER]
    assert set(answer["updates"][0]["texts"]) == {"fa", "en"}
    assert answer["weeks"][1] == {"first": "2026-11-02", "last": "2026-11-15", "signatures": 20}
    assert answer["signers_shown"] == len(answer["signers"]) == 21
    leila = {"name": "Leila Rad", "country": "DE", "affiliation": None}
    assert leila in answer["signers"]
    assert all(one == leila or one["country"] is None for one in answer["signers"])
    assert answer["comments"] == [{"text": "For my brother", "language": "en", "name": "Leila Rad"}]
    page = story.words(visitor.get(answer["texts"]["en"]["page"].split("8000")[-1]))
    assert answer["texts"]["en"]["title"] in page
    assert "6,184 signatures" in page


def test_C21_a_total_that_is_untold_is_untold_here_too(visitor: FlaskClient) -> None:
    by_id = {one["id"]: one for one in visitor.get("/api/petitions").get_json()["petitions"]}
    assert by_id[2]["signatures"]["total"] is None
    assert by_id[2]["signatures"]["fewer_than"] == 20
    assert by_id[1]["signatures"]["total"] == 6184
    assert by_id[2]["open"] is False


def test_C21_signatures_that_are_not_published_change_no_byte_and_no_etag(
    visitor: FlaskClient, database: Database
) -> None:
    places = [
        "/api/petitions",
        "/api/petitions/1",
        "/en/petitions/teachers",
        "/en/petitions/teachers/feed.atom",
        "/en/",
        "/en/feed.atom",
    ]
    before = {place: visitor.get(place) for place in places}
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        signatures(session, petition, 4, DAY)
        for number in range(6):
            a_signature(session, petition, f"S{number}. T.")
        showing_signers.publish(session, now=NOON)
        petition.published_at = NOON
        publishing.publish(session, now=NOON)
    for place, old in before.items():
        new = visitor.get(place)
        assert new.headers["ETag"] == old.headers["ETag"], place
        assert new.get_data() == old.get_data(), place
        assert visitor.get(place, headers={"If-None-Match": old.headers["ETag"]}).status_code == 304
    with database.unit_of_work() as session:
        session.execute(sa.update(Petition).where(Petition.id == 1).values(published_total=6190))
    for place, old in before.items():
        if place != "/en/feed.atom":
            again = visitor.get(place, headers={"If-None-Match": old.headers["ETag"]})
            assert again.status_code == 200, place
            assert again.headers["ETag"] != old.headers["ETag"], place


def test_C17_a_withdrawn_signer_is_gone_at_the_next_look(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        everything(session)
    places = ("/api/petitions/1", "/en/petitions/teachers", "/en/petitions/teachers/signers")
    etags = {}
    for place in places:
        answer = visitor.get(place)
        assert "Leila Rad" in answer.get_data(as_text=True)
        etags[place] = answer.headers["ETag"]
    with database.unit_of_work() as session:
        session.execute(sa.text("DELETE FROM signature WHERE shown_name = 'Leila Rad'"))
    for place in places:
        answer = visitor.get(place, headers={"If-None-Match": etags[place]})
        assert answer.status_code == 200
        assert "Leila" not in answer.get_data(as_text=True)
        assert "For my brother" not in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "place", ["/api/petitions/99", "/api/petitions/3", "/api/petitions/x", "/api/none", "/api/"]
)
def test_R06_what_is_not_there_is_a_json_error(
    visitor: FlaskClient, database: Database, told: dict[str, Any], place: str
) -> None:
    with database.unit_of_work() as session:
        session.add(Petition(id=3, slug="hidden", state="draft", goal=100))
    answer = visitor.get(place, headers={"Accept": "*/*"})
    assert (answer.status_code, answer.content_type) == (404, "application/json")
    check(told, "Error", answer.get_json())
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_it_can_only_be_read(visitor: FlaskClient, method: str) -> None:
    answer = visitor.open("/api/petitions/1", method=method)
    assert (answer.status_code, answer.content_type) == (405, "application/json")


def test_the_answer_is_the_same_for_every_reader(visitor: FlaskClient) -> None:
    answers = {
        visitor.get("/api/petitions", headers={"Accept-Language": code, "Cookie": "a=b"}).data
        for code in ("fa", "en", "de")
    }
    assert len(answers) == 1


def test_a_text_in_a_language_the_site_does_not_offer_is_shown_all_the_same(
    visitor: FlaskClient, database: Database, told: dict[str, Any]
) -> None:
    with database.unit_of_work() as session:
        for text in session.get_one(Petition, 1).texts:
            text.language = {"fa": "de", "en": "fr"}[text.language]
    answer = visitor.get("/api/petitions/1").get_json()
    check(told, "Petition", answer)
    assert set(answer["texts"]) <= {"de", "fr"}
    assert all("/fa/petitions/" in text["page"] for text in answer["texts"].values())


def test_R06_many_petitions_ask_few_statements(visitor: FlaskClient, database: Database) -> None:
    def reads() -> int:
        with story.statements(database) as seen:
            visitor.get("/api/petitions")
        return len(seen)

    few = reads()
    with database.unit_of_work() as session:
        for place in range(20):
            paper(session, a_petition(session, f"p{place}"), place + 1)
    assert reads() == few
    answer = visitor.get("/api/petitions").get_json()["petitions"]
    assert sorted(one["signatures"]["paper"] for one in answer) == [0, 0, *range(1, 21)]


@pytest.mark.parametrize(
    "headers",
    [
        {"If-None-Match": '"'},
        {"If-None-Match": 'W/"x", "y", zz'},
        {"If-None-Match": "a" * 4000},
        {"If-Modified-Since": "yesterday"},
        {"If-Match": '"x"'},
        {"Range": "bytes=0-3"},
        {"Range": "bytes=9-1,-0,x"},
        {"Accept": "text/plain;q=x, */*;q=0"},
        {"Accept-Language": "ك" * 100},
        {"Origin": "null"},
    ],
)
def test_R06_odd_headers_get_the_same_whole_answer(
    visitor: FlaskClient, headers: dict[str, str]
) -> None:
    plain = visitor.get("/api/petitions/1")
    sent = {name: value.encode().decode("latin-1") for name, value in headers.items()}
    odd = visitor.get("/api/petitions/1", headers=sent)
    assert (odd.status_code, odd.get_data()) == (200, plain.get_data())


def test_R06_a_database_that_is_away_is_a_json_error(
    visitor: FlaskClient, database: Database, told: dict[str, Any]
) -> None:
    with database.unit_of_work() as session:
        session.execute(sa.text("ALTER TABLE petition RENAME TO gone"))
    answer = visitor.get("/api/petitions")
    assert (answer.status_code, answer.content_type) == (503, "application/json")
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.headers["Cache-Control"] == "no-store"
    check(told, "Error", answer.get_json())
