"""Country, affiliation and comment: asked beside the proof where the petition asks, and nowhere else (C12)."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core import clock as moment
from app.core import ids
from app.core.database import Database
from app.optin.models import SIGNATURE
from app.petitions.models import Petition
from tests import factories
from tests.pages import story
from tests.pages.test_signing import BLIND, the_request

SAID = {
    "country": "DE",
    "affiliation": "Teachers’ union",
    "comment": "No one signs alone.\r\n\r\nWe are many.",
}


def asks(database: Database, *, on: bool) -> None:
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        petition.asks_country = petition.asks_affiliation = petition.takes_comments = on


def proves(
    visitor: FlaskClient, database: Database, keys: factories.Keys, **said: str
) -> TestResponse:
    with database.unit_of_work() as session:
        found, _link, code = factories.an_answered_request(
            session, keys.desk, SIGNATURE, "1", now=moment.now()
        )
    place = f"/en/petitions/teachers/check/{ids.in_url(found.id)}"
    return visitor.post(place, data={**BLIND, "code": code, **said})


def chosen(database: Database, keys: factories.Keys) -> dict[str, Any]:
    found = the_request(database)
    return dict(keys.desk.opener.open("choices", found.id, found.choices or b""))


def test_C12_what_is_said_goes_sealed_to_the_worker(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    asks(database, on=True)
    assert proves(visitor, database, keys, **SAID).status_code == 303
    box = chosen(database, keys)
    assert (box["country"], box["affiliation"]) == ("DE", "Teachers’ union")
    assert box["comment"] == "No one signs alone.\n\nWe are many."
    assert box["comment_language"] == "en"


def test_C12_what_is_not_asked_is_not_taken(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    asks(database, on=False)
    assert proves(visitor, database, keys, **SAID).status_code == 303
    assert {"country", "affiliation", "comment"}.isdisjoint(chosen(database, keys))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"comment": "see https://evil.example"}, "without an address or a link"),
        ({"comment": "write to a@b.example"}, "without an address or a link"),
        ({"affiliation": "a@b.example"}, "without an address or a link"),
        ({"affiliation": "x" * 81}, "too long"),
        ({"comment": "x" * 601}, "too long"),
        ({"country": "XX"}, "Not a valid choice"),
    ],
)
def test_R06_what_cannot_be_taken_is_explained_and_spends_no_try(
    visitor: FlaskClient,
    database: Database,
    keys: factories.Keys,
    said: dict[str, str],
    told: str,
) -> None:
    asks(database, on=True)
    answer = proves(visitor, database, keys, **said)
    assert answer.status_code == 422
    assert told in story.words(answer)
    assert the_request(database).tries == 0


def test_C21_the_form_says_that_country_and_union_show_beside_a_full_name_only(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    asks(database, on=True)
    page = visitor.get(f"/en/petitions/teachers/check/{ids.in_url(ids.new())}").text
    for field in ("country", "affiliation"):
        hint = page.partition(f'id="{field}-h">')[2].partition("<")[0]
        assert "only beside a full name, never beside initials" in hint
        assert f'aria-describedby="{field}-h"' in page


def test_a_passed_on_name_is_named_only_where_one_can_be_passed_on(
    visitor: FlaskClient, database: Database
) -> None:
    place = f"check/{ids.in_url(ids.new())}"
    assert "passed on" not in visitor.get(f"/en/my-choices/showing/{place}").text
    assert "passed on" not in visitor.get(f"/en/petitions/teachers/{place}").text
    with database.unit_of_work() as session:
        session.get_one(Petition, 1).hand_over_names = True
    assert "a name that is passed on" in visitor.get(f"/en/petitions/teachers/{place}").text
