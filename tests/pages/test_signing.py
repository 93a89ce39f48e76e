"""A visitor signs: the form, the waiting page, the code, the link (C01, C09-C12, C27)."""

from __future__ import annotations

import base64
import re
from datetime import timedelta
from uuid import UUID

import pytest
import time_machine
from flask.testing import FlaskClient

from app.core import clock as moment
from app.core import ids
from app.core.database import Database
from app.factory import create_app
from app.optin.models import ANSWERED, PROVEN, SIGNATURE, Request
from app.petitions.models import Petition
from config import Config
from tests import factories
from tests.pages import story

SIGN = "/en/petitions/teachers/sign"
GOOD = {"address": "Leila.R@Example.org", "consent": "y"}
BLIND = {"shown_as": "anonymous", "language1": "en"}


def the_request(database: Database) -> Request:
    with database.reading() as session:
        return session.query(Request).one()


def test_C01_signing_writes_one_sealed_row_and_shows_the_waiting_page(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    answer = visitor.post(SIGN, data=GOOD)
    found = the_request(database)
    assert answer.status_code == 303
    assert story.request_id_of(answer) == ids.in_url(found.id)
    assert (found.purpose, found.subject, found.language, found.state) == (
        SIGNATURE,
        "1",
        "en",
        "asked",
    )
    assert b"eila" not in found.box
    fields = keys.desk.opener.open("request", found.id, found.box)
    assert fields["address"] == "Leila.R@example.org"
    assert fields["subject"] == "1"
    assert {"text_id", "wording_id", "network"} <= set(fields)
    assert visitor.get(answer.headers["Location"]).status_code == 200


def test_C09_two_addresses_run_the_same_statements_and_get_the_same_bytes(
    visitor: FlaskClient, database: Database
) -> None:
    addresses = ("known@example.org", "a.very.different.one+tag@gmail.com")
    forms = [{**GOOD, "address": address} for address in addresses]
    seen = story.what_each_sees(visitor, database, SIGN, forms)
    assert seen[0] == seen[1]
    with database.reading() as session:
        boxes = [len(found.box) for found in session.query(Request)]
    assert len(set(boxes)) == 1


def test_C11_the_waiting_page_reads_no_request_and_shows_the_mails_number(
    visitor: FlaskClient, database: Database
) -> None:
    request_id = ids.new()
    with story.statements(database) as ran:
        answer = visitor.get(f"/en/petitions/teachers/check/{ids.in_url(request_id)}")
    assert answer.status_code == 200
    assert not [statement for statement in ran if "request" in statement.lower()]
    assert ids.number(request_id) in story.words(answer)
    assert 'autocomplete="one-time-code"' in answer.get_data(as_text=True)
    assert "peyvand@example.org" in story.words(answer)


def test_C12_the_choices_count_with_the_code_and_nothing_is_ticked(
    visitor: FlaskClient,
    database: Database,
    keys: factories.Keys,
    clock: time_machine.Traveller,
) -> None:
    with database.unit_of_work() as session:
        session.get_one(Petition, 1).hand_over_names = True
        found, _link, code = factories.an_answered_request(
            session, keys.desk, SIGNATURE, "1", now=moment.now()
        )
    address = f"/fa/petitions/teachers/check/{ids.in_url(found.id)}"
    page = visitor.get(address).get_data(as_text=True)
    assert page.count("checked") == 1
    assert re.search(r'<input checked [^>]*value="anonymous"', page)
    assert 'type="checkbox" value="y"' in page
    answer = visitor.post(
        address,
        data={
            "code": f" {code[:4].lower()}-{code[4:]} ",
            "shown_as": "initials",
            "shown_name": "مریم\u200cالسادات راد",
            "hand_over": "y",
            "newsletter": "y",
            "language1": "en",
            "language2": "fa",
        },
    )
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/fa/petitions/teachers/thanks")
    proven = the_request(database)
    assert proven.state == PROVEN
    chosen = keys.desk.opener.open("choices", proven.id, proven.choices or b"")
    assert chosen["shown_as"] == "initials"
    assert chosen["shown_name"] == "م. ر."
    assert chosen["newsletter"]["languages"] == ["en", "fa"]
    assert chosen["petition_news"] is None
    signature_id = UUID(chosen["signature_id"])
    assert signature_id != proven.id
    name = keys.names.open("name", signature_id, base64.b64decode(chosen["names_box"]))
    assert name == {"name": "مریم\u200cالسادات راد"}


def test_C11_wrong_used_up_expired_and_unknown_codes_look_alike(
    visitor: FlaskClient,
    database: Database,
    keys: factories.Keys,
    clock: time_machine.Traveller,
) -> None:
    def answered() -> tuple[str, str]:
        with database.unit_of_work() as session:
            found, _link, code = factories.an_answered_request(
                session, keys.desk, SIGNATURE, "1", now=moment.now()
            )
        return ids.in_url(found.id), code

    def refused(request_id: str, code: str) -> str:
        answer = visitor.post(
            f"/en/petitions/teachers/check/{request_id}", data={**BLIND, "code": code}
        )
        assert answer.status_code == 422
        return story.neutral(answer.get_data(as_text=True).replace(code, "CODE"), request_id)

    wrong, _code = answered()
    pages = {refused(wrong, "ACDEFHJK")}
    spent, code = answered()
    pages |= {refused(spent, "ACDEFHJK") for _try in range(5)}
    pages.add(refused(spent, code))
    used, code = answered()
    assert (
        visitor.post(
            f"/en/petitions/teachers/check/{used}", data={**BLIND, "code": code}
        ).status_code
        == 303
    )
    pages.add(refused(used, code))
    late, code = answered()
    clock.shift(timedelta(minutes=61))
    pages.add(refused(late, code))
    pages.add(refused(ids.in_url(ids.new()), "ACDEFHJK"))
    assert len(pages) == 1
    assert "wrong, was used, or is too old" in pages.pop()


def test_C11_a_choice_that_cannot_be_taken_spends_no_try(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        found, _link, code = factories.an_answered_request(
            session, keys.desk, SIGNATURE, "1", now=moment.now()
        )
    answer = visitor.post(
        f"/en/petitions/teachers/check/{ids.in_url(found.id)}",
        data={**BLIND, "code": code, "shown_as": "full-name", "shown_name": "  "},
    )
    assert answer.status_code == 422
    assert "write your name here" in story.words(answer)
    assert the_request(database).tries == 0


def test_C10_the_links_get_shows_what_was_asked_and_its_button_proves(
    visitor: FlaskClient,
    database: Database,
    keys: factories.Keys,
    clock: time_machine.Traveller,
) -> None:
    with database.unit_of_work() as session:
        _found, link, _code = factories.an_answered_request(
            session, keys.desk, SIGNATURE, "1", now=moment.now()
        )
    before = story.dump(database)
    page = visitor.get(f"/en/c/{link}")
    visitor.head(f"/en/c/{link}")
    assert story.dump(database) == before
    text = story.words(page)
    assert "Free the imprisoned teacher unionists" in text
    assert "I agree that this signature" in text
    assert "leila" not in page.get_data(as_text=True).lower()
    assert story.title(page) == "Please confirm"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    answer = visitor.post(f"/en/c/{link}", data=BLIND)
    assert answer.status_code == 303
    assert the_request(database).state == PROVEN
    # pressed twice, and from another device
    assert visitor.post(f"/en/c/{link}", data=BLIND).status_code == 404


def test_C10_used_expired_and_false_links_are_one_page(
    visitor: FlaskClient,
    database: Database,
    keys: factories.Keys,
    clock: time_machine.Traveller,
) -> None:
    links = []
    for _number in range(2):
        with database.unit_of_work() as session:
            _found, link, _code = factories.an_answered_request(
                session, keys.desk, SIGNATURE, "1", now=moment.now()
            )
        links.append(link)
    assert visitor.post(f"/en/c/{links[0]}", data=BLIND).status_code == 303
    clock.shift(timedelta(days=4))
    answers = [
        answer
        for token in (*links, "1.false", "x", "A" * 400, "%00%ff", "م")
        for answer in (visitor.get(f"/en/c/{token}"), visitor.post(f"/en/c/{token}", data=BLIND))
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.data for answer in answers}) == 1


def test_C11_a_resend_is_asked_for_once_and_answers_the_same_for_any_id(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        found, _link, _code = factories.an_answered_request(
            session, keys.desk, SIGNATURE, "1", now=moment.now()
        )
    pages = set()
    for request_id in (found.id, found.id, ids.new()):
        place = ids.in_url(request_id)
        answer = visitor.post(f"/en/petitions/teachers/check/{place}/again")
        assert answer.status_code == 303
        page = visitor.get(answer.headers["Location"]).get_data(as_text=True)
        pages.add(story.neutral(page, place))
    assert len(pages) == 1
    assert the_request(database).mails == 2
    assert the_request(database).state == ANSWERED


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("", "Write your email address here"),
        ("karegar@", "incomplete"),
        ("kargar", "incomplete"),
        ("a b@example.org", "typing slip"),
        ("a@b@example.org", "typing slip"),
        ("x" * 250 + "@example.org", "too long"),
        ("leila@example.org\r\nBcc: everyone@example.org", "typing slip"),
    ],
)
def test_A02_an_address_that_cannot_be_taken_is_kept_and_explained(
    visitor: FlaskClient, database: Database, typed: str, advice: str
) -> None:
    answer = visitor.post(SIGN, data={"address": typed})
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert story.title(answer).startswith("Error:")
    assert 'role="alert"' in html
    assert '<a href="#address">' in html
    assert 'aria-describedby="address-h address-e"' in html
    assert 'aria-invalid="true"' in html
    assert advice in story.words(answer)
    assert "Without this consent" in story.words(answer)
    with database.reading() as session:
        assert session.query(Request).count() == 0


def test_F05_persian_digits_and_stray_direction_marks_are_understood(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    visitor.post(SIGN, data={**GOOD, "address": "\u202bkargar۱۲@example.org\u202c "})
    found = the_request(database)
    fields = keys.desk.opener.open("request", found.id, found.box)
    assert fields["address"] == "kargar12@example.org"


def test_a_closed_petition_has_no_form_and_takes_no_request(
    visitor: FlaskClient, database: Database
) -> None:
    page = visitor.get("/en/petitions/pensions")
    assert "This petition is closed" in story.words(page)
    assert "<form" not in page.get_data(as_text=True)
    answer = visitor.post("/en/petitions/pensions/sign", data=GOOD)
    assert answer.status_code == 409
    with database.reading() as session:
        assert session.query(Request).count() == 0


def test_C12_asked_before_closing_still_opens_behind_its_link(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        _found, link, _code = factories.an_answered_request(
            session, keys.desk, SIGNATURE, "2", now=moment.now()
        )
    assert visitor.get(f"/en/c/{link}").status_code == 200
    assert visitor.post(f"/en/c/{link}", data=BLIND).status_code == 303


@pytest.mark.parametrize("locale", ["fa", "en"])
def test_C27_the_truth_stands_before_the_form(visitor: FlaskClient, locale: str) -> None:
    html = visitor.get(f"/{locale}/petitions/teachers").get_data(as_text=True)
    truth = html.index('class="truth"')
    assert truth < html.index('name="address"')
    assert f'href="/{locale}/safety"' in html[: html.index('name="address"')]


def test_C27_only_quiet_mail_is_said_not_to_name_us(environment: dict[str, str]) -> None:
    loud = create_app(Config.from_env("web", environment)).test_client()
    assert "show that it comes from us" in story.words(loud.get("/en/petitions/teachers"))
    quiet = {
        "PEYVAND_QUIET_MAIL_FROM": "post@plain.example",
        "PEYVAND_QUIET_BASE_URL": "https://plain.example",
    }
    hushed = create_app(Config.from_env("web", {**environment, **quiet})).test_client()
    assert "neither this petition nor us" in story.words(hushed.get("/en/petitions/teachers"))


def test_C21_below_twenty_the_number_stays_untold_unless_live(
    visitor: FlaskClient, database: Database
) -> None:
    hidden = visitor.get("/en/petitions/pensions")
    assert "fewer than 20" in story.words(hidden)
    assert 'value="0"' in hidden.get_data(as_text=True)
    assert ">12<" not in hidden.get_data(as_text=True)
    assert "random minute" in story.words(hidden)
    with database.unit_of_work() as session:
        session.get_one(Petition, 2).live = True
    shown = visitor.get("/en/petitions/pensions")
    assert "<b>12</b>" in shown.get_data(as_text=True)
    assert "exact number at once" in story.words(shown)
    assert "۱۲" in story.words(visitor.get("/fa/petitions/pensions"))


def test_a_draft_is_nobodys_business(visitor: FlaskClient, database: Database) -> None:
    with database.unit_of_work() as session:
        factories.a_petition(session, "draft", state="draft")
    assert visitor.get("/en/petitions/draft").status_code == 404
    assert visitor.post("/en/petitions/draft/sign", data=GOOD).status_code == 404
    assert visitor.get("/p/3").status_code == 404


def test_a_petition_in_one_language_falls_back_visibly(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        factories.a_petition(session, "only-fa", languages=("fa",))
    page = visitor.get("/en/petitions/only-fa")
    assert "not yet in your language" in story.words(page)
    assert '<h1 lang="fa" dir="rtl">' in page.get_data(as_text=True)


def test_the_short_link_leads_to_the_petition(visitor: FlaskClient) -> None:
    answer = visitor.get("/p/1", headers={"Accept-Language": "en"})
    assert answer.headers["Location"] == "/en/petitions/teachers"
    assert visitor.get("/p/99").status_code == 404
    assert visitor.get("/p/99999999999999999999").status_code == 404
