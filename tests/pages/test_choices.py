"""Newsletter and one's own choices: ask, wait, prove; the same for everyone (C09, C17, F08)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.core import clock as moment
from app.core import ids
from app.core.database import Database
from app.optin import models as optin
from app.optin.models import PROVEN, Request
from tests import factories
from tests.pages import story


def the_request(database: Database) -> Request:
    with database.reading() as session:
        return session.query(Request).one()


def test_F08_subscribing_keeps_the_languages_in_the_readers_order(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    answer = visitor.post(
        "/fa/newsletter",
        data={
            "address": "leila@example.org",
            "consent": "y",
            "language1": "en",
            "language2": "fa",
        },
    )
    assert answer.status_code == 303
    found = the_request(database)
    assert (found.purpose, found.subject) == (optin.SUBSCRIPTION, "newsletter")
    fields = keys.desk.opener.open("request", found.id, found.box)
    assert fields["languages"] == ["en", "fa"]
    assert visitor.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"address": "leila@example.org"},
        {"address": "leila@example.org", "consent": "y", "language1": "xx"},
        {"address": "leila@example.org", "consent": "y", "language1": ""},
    ],
)
def test_A02_what_is_missing_is_said_and_nothing_is_stored(
    visitor: FlaskClient, database: Database, typed: dict[str, str]
) -> None:
    answer = visitor.post("/en/newsletter", data=typed)
    assert answer.status_code == 422
    assert story.title(answer).startswith("Error:")
    assert 'role="alert"' in answer.get_data(as_text=True)
    with database.reading() as session:
        assert session.query(Request).count() == 0


def test_subscription_is_proven_by_its_code(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        found, _link, code = factories.an_answered_request(
            session, keys.desk, optin.SUBSCRIPTION, "newsletter", now=moment.now()
        )
    place = f"/en/newsletter/check/{ids.in_url(found.id)}"
    assert visitor.post(place, data={"code": "ACDEFHJK"}).status_code == 422
    assert visitor.post(place, data={"code": code}).status_code == 303
    assert the_request(database).state == PROVEN


def test_C10_a_code_opens_no_other_purpose(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        found, _link, code = factories.an_answered_request(
            session, keys.desk, optin.ERASURE, "all", now=moment.now()
        )
    place = ids.in_url(found.id)
    assert visitor.post(f"/en/newsletter/check/{place}", data={"code": code}).status_code == 422
    other = f"/en/my-choices/withdrawal/check/{place}"
    assert visitor.post(other, data={"code": code}).status_code == 422
    own = f"/en/my-choices/erasure/check/{place}"
    assert visitor.post(own, data={"code": code}).status_code == 303


@pytest.mark.parametrize(
    ("typed", "purpose", "subject"),
    [
        ({"purpose": "preferences"}, optin.PREFERENCES, "newsletter"),
        ({"purpose": "showing", "petition": "2"}, optin.SHOWING, "2"),
        ({"purpose": "withdrawal", "petition": "2"}, optin.WITHDRAWAL, "2"),
        ({"purpose": "withdrawal", "petition": "all"}, optin.WITHDRAWAL, "all"),
        ({"purpose": "erasure", "petition": "7777"}, optin.ERASURE, "all"),
    ],
)
def test_C17_each_wish_is_one_sealed_request(
    visitor: FlaskClient,
    database: Database,
    keys: factories.Keys,
    typed: dict[str, str],
    purpose: str,
    subject: str,
) -> None:
    answer = visitor.post("/en/my-choices", data={"address": "Leila@example.org", **typed})
    assert answer.status_code == 303
    found = the_request(database)
    assert (found.purpose, found.subject) == (purpose, subject)
    fields = keys.desk.opener.open("request", found.id, found.box)
    assert (fields["address"], fields["subject"]) == ("Leila@example.org", subject)
    assert visitor.get(answer.headers["Location"]).status_code == 200


@pytest.mark.parametrize(
    "typed",
    [
        {},
        {"purpose": "coup"},
        {"purpose": "withdrawal", "petition": "7777"},
        {"purpose": "withdrawal"},
        {"purpose": "showing", "petition": "all"},
    ],
)
def test_a_wish_that_was_not_offered_is_refused(
    visitor: FlaskClient, database: Database, typed: dict[str, str]
) -> None:
    answer = visitor.post("/en/my-choices", data={"address": "leila@example.org", **typed})
    assert answer.status_code == 422
    with database.reading() as session:
        assert session.query(Request).count() == 0


def test_C17_blind_preferences_with_the_code(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        found, _link, code = factories.an_answered_request(
            session, keys.desk, optin.PREFERENCES, "newsletter", now=moment.now()
        )
        found.noted = {"lists": {"newsletter": {"languages": ["fa", "en"], "quiet": True}}}
    place = f"/en/my-choices/preferences/check/{ids.in_url(found.id)}"
    page = visitor.get(place).get_data(as_text=True)
    assert "checked" not in page  # blind: nothing tells what there is
    assert visitor.post(place, data={"code": code, "language1": "en"}).status_code == 422
    assert the_request(database).tries == 0
    answer = visitor.post(
        place, data={"code": code, "wish": "keep", "language1": "en", "quiet": "y"}
    )
    assert answer.status_code == 303
    done = the_request(database)
    chosen = keys.desk.opener.open("choices", done.id, done.choices or b"")
    kept = {"languages": ["en"], "quiet": True}
    assert chosen["lists"] == {"newsletter": kept, "unions": kept}


@pytest.mark.parametrize(
    "place",
    [
        "/en/newsletter/check/short",
        "/en/newsletter/check/AAAAAAAAAAAAAAAAAAAAA_",
        "/en/my-choices/coup/check/AAAAAAAAAAAAAAAAAAAAAA",
        "/en/my-choices/coup/thanks",
        "/en/petitions/teachers/check/%00",
    ],
)
def test_R06_an_address_that_was_not_copied_whole_gets_a_page(
    visitor: FlaskClient, place: str
) -> None:
    for answer in (visitor.get(place), visitor.post(place, data={"code": "ACDEFHJK"})):
        assert answer.status_code in (404, 405)
        assert "<h1>" in answer.get_data(as_text=True)


def test_F04_news_are_found_by_any_spelling(visitor: FlaskClient) -> None:
    found = visitor.get("/fa/reports?q=پالايشگاه")  # Arabic ye
    assert "نفت پیمانی" in story.words(found)
    nothing = visitor.get("/fa/reports?q=هیچ‌چیز")
    assert "چیزی پیدا نشد" in story.words(nothing)
    assert visitor.get("/fa/reports?page=99999999999999999999").status_code == 200
    assert visitor.get("/fa/reports/no-such").status_code == 404
