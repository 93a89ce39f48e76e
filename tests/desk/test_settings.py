"""My settings: a test address only the worker can read, a password, a language (C19, C28)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from flask import Flask

from app.core import ids
from app.core.database import Database
from app.optin.models import ASKED, STAFF_ADDRESS, Request
from app.staff.models import EDITOR, Account
from tests.factories import Keys
from tests.staff.conftest import PASSWORD
from tests.staff.workroom import SignedIn, acts, without_tokens


def test_C19_a_test_address_is_a_sealed_request_of_its_account(
    signed_in: SignedIn, site: Flask, database: Database, keys: Keys
) -> None:
    answer = signed_in(EDITOR).post("/staff/settings/address", data={"address": "me@example.org"})
    assert answer.status_code == 303
    with database.reading() as session:
        request = session.scalars(sa.select(Request)).one()
    assert (request.purpose, request.subject, request.state) == (STAFF_ADDRESS, "3", ASKED)
    assert b"example" not in request.box
    box = keys.desk.opener.open("request", request.id, request.box)
    assert box == {"address": "me@example.org", "subject": "3"}
    assert acts(database) == [("staff.asked-test-address", "account:3")]


def test_C19_the_answer_is_the_same_for_every_address(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    pages = []
    for address in ("me@example.org", "somebody.else@gmail.com"):
        client = signed_in(EDITOR)
        client.post("/staff/settings/address", data={"address": address})
        with database.unit_of_work() as session:
            request = session.scalars(sa.select(Request)).one()
            number = ids.number(request.id)
            session.delete(request)
        page = without_tokens(client.get("/staff/settings").data)
        told = b"with the number %s in" % number.encode()
        assert told in page
        pages.append(page.replace(told, b"with the number 42 in"))
    assert pages[0] == pages[1]


def test_C19_the_page_shows_whether_an_address_is_proven_and_nothing_of_it(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(EDITOR)
    assert "No address yet" in client.get("/staff/settings").text
    with database.unit_of_work() as session:
        session.get_one(Account, 3).test_box = b"sealed"
    page = client.get("/staff/settings").text
    assert "Address proven" in page
    assert "sealed</" not in page


@pytest.mark.parametrize("address", ["", "nobody", "a@b", "x" * 300 + "@example.org"])
def test_R06_an_address_that_is_none_is_kept_in_the_form(
    signed_in: SignedIn, site: Flask, database: Database, address: str
) -> None:
    answer = signed_in(EDITOR).post("/staff/settings/address", data={"address": address})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    with database.reading() as session:
        assert session.scalars(sa.select(Request)).all() == []


def test_C28_a_new_password_signs_out_and_in_again(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(EDITOR)
    wrong = client.post("/staff/settings/password", data={"old": "no", "new": "eight amber bricks"})
    assert wrong.status_code == 422
    assert "not your present password" in wrong.text
    short = client.post("/staff/settings/password", data={"old": PASSWORD, "new": "short"})
    assert "too short" in short.text
    done = client.post(
        "/staff/settings/password", data={"old": PASSWORD, "new": "eight amber bricks"}
    )
    assert (done.status_code, done.location) == (303, "/staff/sign-in")
    assert client.get("/staff").status_code == 303
    again = client.post(
        "/staff/sign-in", data={"name": "One editor", "password": "eight amber bricks"}
    )
    assert (again.status_code, again.location) == (303, "/staff")
    assert acts(database)[0] == ("staff.changed-password", "account:3")


def test_the_workroom_opens_in_the_language_that_was_chosen(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(EDITOR)
    assert client.post("/staff/settings/language", data={"language": "fa"}).status_code == 303
    assert 'lang="fa" dir="rtl"' in client.get("/staff").text
    with database.reading() as session:
        assert session.get_one(Account, 3).language == "fa"
    assert client.post("/staff/settings/language", data={"language": "xx"}).status_code == 422
