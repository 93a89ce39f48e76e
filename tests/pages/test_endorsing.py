"""An organisation endorses a petition itself: the form, the waiting page, the code, the link (U04, C09-C14)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from app.core import clock as moment
from app.core import ids, sealing
from app.core.database import Database
from app.optin.models import ENDORSEMENT, PROVEN, SIGNATURE, Request
from tests import factories
from tests.pages import story

ENDORSE = "/en/petitions/teachers/endorse"
GOOD = {"address": "Office@union.example", "consent": "y"}
BESIDE = {
    "organisation": "Example Union of Nurses",
    "type": "national-union",
    "country": "DE",
    "website": "https://nurses.example",
    "mandate": "Executive committee, 12 November 2026",
    "document": "https://nurses.example/decision",
    "statement": "We stand with them.",
    "may_publish": "y",
}


def the_request(database: Database) -> Request:
    with database.reading() as session:
        return session.query(Request).one()


def answered(
    database: Database, keys: factories.Keys, address: str = "leila@example.org"
) -> tuple[Request, str, str]:
    with database.unit_of_work() as session:
        return factories.an_answered_request(
            session, keys.desk, ENDORSEMENT, "1", now=moment.now(), address=address
        )


def test_U04_the_petition_leads_to_the_form_in_both_languages(visitor: FlaskClient) -> None:
    for locale in ("fa", "en"):
        place = f"/{locale}/petitions/teachers/endorse"
        assert place in story.hrefs(visitor.get(f"/{locale}/petitions/teachers"))
        assert visitor.get(place).status_code == 200
    assert "endorse" not in str(story.hrefs(visitor.get("/en/petitions/pensions")))


def test_C01_C12_endorsing_asks_the_address_only_and_writes_one_sealed_row(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    page = visitor.get(ENDORSE).get_data(as_text=True)
    assert page.count("<input") - page.count('<input type="hidden"') == 2
    assert "<textarea" not in page
    answer = visitor.post(ENDORSE, data={**GOOD, **BESIDE})
    found = the_request(database)
    assert answer.status_code == 303
    assert story.request_id_of(answer) == ids.in_url(found.id)
    assert (found.purpose, found.subject, found.state) == (ENDORSEMENT, "1", "asked")
    fields = keys.desk.opener.open("request", found.id, found.box)
    assert set(fields) == {"address", "wording_id", "subject", "network"}
    assert fields["address"] == "Office@union.example"
    assert visitor.get(answer.headers["Location"]).status_code == 200


def test_C09_two_addresses_run_the_same_statements_and_get_the_same_bytes(
    visitor: FlaskClient, database: Database
) -> None:
    addresses = ("known@union.example", "a.very.different.one+tag@gmail.com")
    forms = [{**GOOD, "address": address} for address in addresses]
    seen = story.what_each_sees(visitor, database, ENDORSE, forms)
    assert seen[0] == seen[1]
    with database.reading() as session:
        boxes = {len(found.box) for found in session.query(Request)}
    visitor.post(
        "/en/petitions/teachers/sign", data={"address": "leila@example.org", "consent": "y"}
    )
    with database.reading() as session:
        assert {len(found.box) for found in session.query(Request)} == boxes, "as for a signature"


def test_C11_the_waiting_page_reads_no_request(visitor: FlaskClient, database: Database) -> None:
    request_id = ids.new()
    with story.statements(database) as ran:
        answer = visitor.get(f"{ENDORSE}/check/{ids.in_url(request_id)}")
    assert answer.status_code == 200
    assert not [statement for statement in ran if "request" in statement.lower()]
    assert ids.number(request_id) in story.words(answer)
    assert answer.headers["Cache-Control"] == "no-store"


def test_C12_all_that_is_said_goes_sealed_with_the_code(
    visitor: FlaskClient, database: Database, keys: factories.Keys, clock: time_machine.Traveller
) -> None:
    found, _link, code = answered(database, keys)
    place = f"/fa/petitions/teachers/endorse/check/{ids.in_url(found.id)}"
    assert "<input checked" not in visitor.get(place).get_data(as_text=True)
    answer = visitor.post(
        place, data={**BESIDE, "code": code, "statement": "کنار\u202eشان\r\nهستیم"}
    )
    assert answer.headers["Location"].endswith("/fa/petitions/teachers/endorse/thanks")
    assert visitor.get(answer.headers["Location"]).status_code == 200
    proven = the_request(database)
    assert proven.state == PROVEN
    assert "Nurses" not in story.dump(database)
    assert keys.desk.opener.open("choices", proven.id, proven.choices or b"") == {
        "name": "Example Union of Nurses",
        "type": "national-union",
        "country": "DE",
        "website": "https://nurses.example",
        "mandate": "Executive committee, 12 November 2026",
        "document": "https://nurses.example/decision",
        "statement": "کنارشان\nهستیم",
        "may_publish": True,
        "language": "fa",
    }


def test_C09_C11_wrong_used_up_expired_and_unknown_codes_look_and_run_alike(
    visitor: FlaskClient, database: Database, keys: factories.Keys, clock: time_machine.Traveller
) -> None:
    def refused(request_id: str, code: str) -> tuple[str, str]:
        with story.statements(database) as ran:
            answer = visitor.post(f"{ENDORSE}/check/{request_id}", data={**BESIDE, "code": code})
        assert answer.status_code == 422
        page = answer.get_data(as_text=True).replace(code, "CODE")
        return story.neutral(page, request_id), "\n".join(ran)

    spent, _link, right = answered(database, keys)
    place = ids.in_url(spent.id)
    seen = {refused(place, "ACDEFHJK") for _try in range(5)}
    seen.add(refused(place, right))
    used, _link, code = answered(database, keys)
    place = ids.in_url(used.id)
    assert (
        visitor.post(f"{ENDORSE}/check/{place}", data={**BESIDE, "code": code}).status_code == 303
    )
    seen.add(refused(place, code))
    late, _link, code = answered(database, keys)
    clock.shift(timedelta(minutes=61))
    seen.add(refused(ids.in_url(late.id), code))
    seen.add(refused(ids.in_url(ids.new()), "ACDEFHJK"))
    assert len({page for page, _ran in seen}) == 1
    # a try that is spent before is the one UPDATE that differs in its parameters only
    assert len({ran for _page, ran in seen}) == 1


def test_C11_another_wish_is_not_proven_here_nor_another_petition_s(
    visitor: FlaskClient, database: Database, keys: factories.Keys, clock: time_machine.Traveller
) -> None:
    with database.unit_of_work() as session:
        signature, _link, code = factories.an_answered_request(
            session, keys.desk, SIGNATURE, "1", now=moment.now()
        )
        other, _link, other_code = factories.an_answered_request(
            session, keys.desk, ENDORSEMENT, "2", now=moment.now()
        )
    for found, typed in ((signature, code), (other, other_code)):
        place = f"{ENDORSE}/check/{ids.in_url(found.id)}"
        assert visitor.post(place, data={**BESIDE, "code": typed}).status_code == 422
    with database.reading() as session:
        assert {found.state for found in session.query(Request)} == {"answered"}


def test_C10_the_links_get_changes_nothing_and_its_button_proves_once(
    visitor: FlaskClient, database: Database, keys: factories.Keys, clock: time_machine.Traveller
) -> None:
    _found, link, _code = answered(database, keys, address="office@union.example")
    before = story.dump(database)
    page = visitor.get(f"/en/c/{link}")
    visitor.head(f"/en/c/{link}")
    assert story.dump(database) == before
    assert "Free the imprisoned teacher unionists" in story.words(page)
    assert "I write for my organisation" in story.words(page)
    assert "union.example" not in page.get_data(as_text=True)
    assert story.title(page) == "Please confirm"
    assert visitor.post(f"/en/c/{link}", data={}).status_code == 422
    answer = visitor.post(f"/en/c/{link}", data=BESIDE)
    assert answer.headers["Location"].endswith("/en/petitions/teachers/endorse/thanks")
    assert the_request(database).state == PROVEN
    false = visitor.post("/en/c/1.false", data=BESIDE)
    again = visitor.post(f"/en/c/{link}", data=BESIDE)
    assert (again.status_code, again.data) == (404, false.data)


@pytest.mark.parametrize(
    ("wrong", "advice"),
    [
        ({"organisation": " \u202e "}, "Write your organisation’s name"),
        ({"mandate": ""}, "Write which body decided it"),
        ({"type": "coup"}, "Choose one of the list"),
        ({"country": "XX"}, "Choose one of the list"),
        ({"website": "javascript:alert(1)"}, "begins with https://"),
        ({"document": "http://nurses.example"}, "begins with https://"),
        ({"document": "https://["}, "begins with https://"),
        ({"organisation": "x" * 101}, "too long"),
        ({"statement": "x" * 1001}, "too long"),
        ({"statement": "\U0001f9f1" * 1000}, "too long"),
    ],
)
def test_R06_what_cannot_be_taken_is_explained_and_spends_no_try(
    visitor: FlaskClient,
    database: Database,
    keys: factories.Keys,
    wrong: dict[str, str],
    advice: str,
) -> None:
    found, _link, code = answered(database, keys)
    place = f"{ENDORSE}/check/{ids.in_url(found.id)}"
    answer = visitor.post(place, data={**BESIDE, **wrong, "code": code})
    assert answer.status_code == 422
    assert advice in story.words(answer)
    assert 'aria-invalid="true"' in answer.get_data(as_text=True)
    assert the_request(database).tries == 0


def test_C03_the_longest_words_of_an_alphabet_of_two_octets_fit_the_box(
    visitor: FlaskClient, database: Database, keys: factories.Keys, clock: time_machine.Traveller
) -> None:
    found, _link, code = answered(database, keys)
    longest = {
        **BESIDE,
        "organisation": "م" * 100,
        "mandate": "م" * 200,
        "website": "https://" + "a" * 192,
        "document": "https://" + "a" * 292,
        "statement": "م" * 1000,
    }
    place = f"{ENDORSE}/check/{ids.in_url(found.id)}"
    assert visitor.post(place, data={**longest, "code": code}).status_code == 303
    box = the_request(database).choices or b""
    assert len(box) > sealing.SIZES["choices"]
    assert keys.desk.opener.open("choices", found.id, box)["statement"] == "م" * 1000


def test_a_closed_petition_takes_no_endorsement_but_one_that_was_asked_before(
    visitor: FlaskClient, database: Database, keys: factories.Keys, clock: time_machine.Traveller
) -> None:
    closed = "/en/petitions/pensions/endorse"
    assert "<form" not in visitor.get(closed).get_data(as_text=True)
    assert visitor.post(closed, data=GOOD).status_code == 409
    with database.unit_of_work() as session:
        _found, link, _code = factories.an_answered_request(
            session, keys.desk, ENDORSEMENT, "2", now=moment.now()
        )
    assert visitor.post(f"/en/c/{link}", data=BESIDE).status_code == 303
    assert visitor.get("/en/petitions/none/endorse").status_code == 404


def test_A02_an_address_that_cannot_be_taken_is_explained(
    visitor: FlaskClient, database: Database
) -> None:
    answer = visitor.post(ENDORSE, data={"address": "office@"})
    assert answer.status_code == 422
    assert story.title(answer).startswith("Error:")
    assert "Without this consent" in story.words(answer)
    with database.reading() as session:
        assert session.query(Request).count() == 0


def test_C11_a_resend_answers_the_same_for_any_id(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    found, _link, _code = answered(database, keys)
    pages = set()
    for request_id in (found.id, ids.new()):
        place = ids.in_url(request_id)
        answer = visitor.post(f"{ENDORSE}/check/{place}/again")
        page = visitor.get(answer.headers["Location"]).get_data(as_text=True)
        pages.add(story.neutral(page, place))
        assert visitor.get(f"{ENDORSE}/check/{place}/again").status_code == 302
    assert len(pages) == 1
    assert the_request(database).mails == 2
