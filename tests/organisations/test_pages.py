"""The organisations' pages, and inviting a representative without anybody learning who is known (U02, C19)."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask import Flask

from app.audience.models import Contact
from app.core import ids
from app.core.database import Database
from app.optin.models import REPRESENTATIVE, Request
from app.organisations.models import Organisation, Representative
from app.staff.models import ORGANISER
from tests.factories import Keys
from tests.staff.workroom import SignedIn, acts, without_tokens

TYPED = {
    "type": "national-centre",
    "name_fa": "کنفدراسیون نمونه",
    "name_en": "Example Confederation",
    "country": "NO",
    "sector": "Public services",
    "parent": "",
    "members": "۱۲٬۰۰۰",
    "website": "https://example.org",
    "published_address": "office@example.org",
    "source": "https://example.org/contact",
    "verified": "2026-11-01",
}
INVITATION = {
    "role": "International secretary",
    "language": "en",
    "languages": "en,fa",
    "address": "secretary@example.org",
}


def test_U01_an_organisation_is_entered_shown_and_changed(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(ORGANISER)
    added = client.post("/staff/organisations/new", data=TYPED)
    assert (added.status_code, added.location) == (303, "/staff/organisations/2")
    page = client.get("/staff/organisations/2").text
    for shown in (
        "Example Confederation",
        "کنفدراسیون نمونه",
        "12,000",
        "Norway",
        "office@example",
    ):
        assert shown in page
    changed = {**TYPED, "name_en": "Another name", "parent": "1"}
    assert client.post("/staff/organisations/2/edit", data=changed).status_code == 303
    assert "Another name" in client.get("/staff/organisations/2").text
    assert "Another name" in client.get("/staff/organisations/1").text  # among its affiliates
    assert acts(database) == [
        ("organisation.added", "organisation:2"),
        ("organisation.changed", "organisation:2"),
    ]


def test_F05_the_form_comes_back_as_it_is_kept(signed_in: SignedIn, site: Flask) -> None:
    client = signed_in(ORGANISER)
    client.post("/staff/organisations/new", data=TYPED)
    form = client.get("/staff/organisations/2/edit").text
    for value in ('value="12000"', 'value="2026-11-01"', 'value="Example Confederation"'):
        assert value in form
    assert re.search(r'<option selected value="NO">', form)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name_fa": "", "name_en": " "}, "at least one language"),
        ({"members": "many"}, "whole number"),
        ({"website": "javascript:alert(1)"}, "https://"),
        ({"published_address": "office"}, "name@example.org"),
        ({"source": ""}, "where the published address stands"),
        ({"verified": "last week"}, "2026-11-24"),
        ({"country": "Norway"}, ""),
        ({"type": "party"}, ""),
        ({"parent": "99"}, ""),
        ({"sector": "x" * 81}, "80 characters"),
    ],
)
def test_R06_what_cannot_be_taken_is_said_beside_its_field(
    signed_in: SignedIn, site: Flask, database: Database, change: dict[str, str], words: str
) -> None:
    answer = signed_in(ORGANISER).post("/staff/organisations/new", data={**TYPED, **change})
    assert answer.status_code == 422
    assert words in answer.text
    assert 'class="err"' in answer.text
    with database.reading() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Organisation)) == 1
    assert acts(database) == []


def test_F04_the_list_is_searched_folded(signed_in: SignedIn, site: Flask) -> None:
    client = signed_in(ORGANISER)
    client.post("/staff/organisations/new", data={**TYPED, "name_fa": "اتحادیهٔ نی\u200cشکر"})
    found = client.get("/staff/organisations", query_string={"q": "نيشكر"}).text
    assert "/staff/organisations/2" in found
    none = client.get("/staff/organisations", query_string={"q": "nobody"}).text
    assert "No organisation fits" in none
    strange = {"q": "%", "type": "x", "country": "zz9", "page": "-1"}
    assert client.get("/staff/organisations", query_string=strange).status_code == 200


def test_C19_inviting_writes_a_role_and_a_sealed_request_together(
    signed_in: SignedIn, site: Flask, database: Database, keys: Keys
) -> None:
    client = signed_in(ORGANISER)
    answer = client.post("/staff/organisations/1/invite", data=INVITATION)
    assert (answer.status_code, answer.location) == (303, "/staff/organisations/1")
    with database.reading() as session:
        role = session.scalars(sa.select(Representative)).one()
        request = session.scalars(sa.select(Request)).one()
    assert (role.role, role.language, role.contact_id) == ("International secretary", "en", None)
    assert (request.purpose, request.subject) == (REPRESENTATIVE, role.id.hex)
    box = keys.desk.opener.open("request", request.id, request.box)
    assert box.pop("wording_id")
    assert box == {
        "address": "secretary@example.org",
        "subject": role.id.hex,
        "invited_by": "One organiser",
        "organisation": "Example Union",
        "languages": ["en", "fa"],
    }
    assert acts(database) == [("organisation.invited", "organisation:1")]


def test_C19_the_answer_is_the_same_for_every_address_and_no_page_shows_one(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    pages = []
    for address in ("secretary@example.org", "known.reader@gmail.com"):
        client = signed_in(ORGANISER)
        client.post("/staff/organisations/1/invite", data={**INVITATION, "address": address})
        page = without_tokens(client.get("/staff/organisations/1").data)
        pages.append(re.sub(rb"representatives/[\w-]{22}/", b"", page))
        assert b"secretary@" not in page
        assert b"gmail" not in page
        with database.unit_of_work() as session:
            session.execute(sa.delete(Representative))
    assert pages[0] == pages[1]


def test_U02_the_page_says_invited_until_the_person_confirmed(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(ORGANISER)
    client.post("/staff/organisations/1/invite", data=INVITATION)
    client.get("/staff/organisations/1")  # takes the message about the invitation
    page = client.get("/staff/organisations/1").text
    assert ">confirmed<" not in page
    with database.unit_of_work() as session:
        contact = Contact(
            id=ids.new(),
            box=b"sealed",
            index_key_id="1",
            exact_index=b"e",
            mailbox_index=b"m",
            destination="rest",
        )
        session.add(contact)
        session.flush()
        session.scalars(sa.select(Representative)).one().contact_id = contact.id
    page = client.get("/staff/organisations/1").text
    assert ">confirmed<" in page
    assert "1 confirmed" in client.get("/staff/organisations").text


@pytest.mark.parametrize(
    "change",
    [
        {"role": ""},
        {"role": "x" * 81},
        {"address": "secretary"},
        {"language": "xx"},
        {"languages": "xx"},
    ],
)
def test_R06_an_invitation_that_cannot_be_taken_leaves_nothing(
    signed_in: SignedIn, site: Flask, database: Database, change: dict[str, str]
) -> None:
    answer = signed_in(ORGANISER).post(
        "/staff/organisations/1/invite", data={**INVITATION, **change}
    )
    assert answer.status_code == 422
    with database.reading() as session:
        assert session.scalars(sa.select(Representative)).all() == []
        assert session.scalars(sa.select(Request)).all() == []


def test_the_longest_names_still_fit_into_the_box(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(ORGANISER)
    long_name = "ژ" * 150
    client.post("/staff/organisations/new", data={**TYPED, "name_en": long_name})
    address = "a" * 64 + "@" + ".".join(["b" * 60] * 3) + ".org"
    answer = client.post(
        "/staff/organisations/2/invite",
        data={**INVITATION, "role": "ژ" * 80, "address": address},
    )
    assert answer.status_code == 303


def test_a_role_is_removed_and_so_is_an_organisation(
    signed_in: SignedIn, site: Flask, database: Database
) -> None:
    client = signed_in(ORGANISER)
    client.post("/staff/organisations/1/invite", data=INVITATION)
    with database.reading() as session:
        mark = ids.in_url(session.scalars(sa.select(Representative.id)).one())
    wrong = f"/staff/organisations/9/representatives/{mark}/remove"
    right = f"/staff/organisations/1/representatives/{mark}/remove"
    assert client.post(wrong).status_code == 404
    assert client.post(right).status_code == 303
    assert client.post(right).status_code == 404
    assert client.post("/staff/organisations/1/remove").status_code == 303
    assert client.get("/staff/organisations/1").status_code == 404
    assert [action for action, _ in acts(database)] == [
        "organisation.invited",
        "organisation.removed-representative",
        "organisation.removed",
    ]
