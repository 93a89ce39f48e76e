"""Staff look at what organisations ask to be endorsed with: match, check the mandate, or refuse (U04, C19)."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.audience.subscriptions import Desk
from app.core import addresses, ids
from app.core.database import Database
from app.organisations import records
from app.organisations.models import Organisation
from app.organisations.records import Entry
from app.petitions import endorsing
from app.petitions.campaign_models import CHECKED, REFUSED, Endorsement
from app.staff.models import EDITOR, ORGANISER
from tests import factories
from tests.staff.workroom import NOON, SignedIn, acts

pytestmark = pytest.mark.usefixtures("site")

PAGE = "/staff/petitions/endorsements"
SAID = {
    "name": "The Example Union",
    "type": "local",
    "country": "DE",
    "website": "https://union.example",
    "mandate": "Executive committee",
    "document": "https://union.example/decision",
    "statement": "We stand with **them**.",
    "may_publish": True,
    "language": "en",
}


def ask(
    database: Database, desk: Desk, address: str = "office@union.example", **said: object
) -> None:
    with database.unit_of_work() as session:
        endorsing.ask(
            session,
            desk,
            1,
            addresses.parse(address),
            {"wording_id": 1},
            {**SAID, **said},
            day=NOON.date(),
        )


def the_one(database: Database) -> Endorsement:
    with database.reading() as session:
        return session.scalars(sa.select(Endorsement)).one()


def form_of(page: str, **more: str) -> dict[str, str]:
    """The first endorsement's hidden fields, as its form has them."""
    found = dict(re.findall(r'name="(id|mark)" value="([^"]+)"', page))
    return {**found, **more}


def test_U04_a_mandate_is_checked_against_the_organisation_that_is_known(
    database: Database, signed_in: SignedIn, keys: factories.Keys
) -> None:
    # given one that asks, whose name is that of an organisation we know, but for its letters' case
    ask(database, keys.desk, name="example union")
    organiser = signed_in(ORGANISER)
    assert "1 organisation asks to endorse a petition" in organiser.get("/staff").text
    assert "asks to endorse it" in organiser.get("/staff/petitions/1/campaign").text
    page = organiser.get(PAGE).text
    assert '<option value="1" selected>Example Union' in page
    assert "<strong>them</strong>" in page
    assert "office@" not in page
    # when its mandate is checked
    answer = organiser.post(PAGE, data=form_of(page, do="check", organisation="1"))
    # then it stands behind the petition in public, and no second organisation was made
    assert answer.status_code == 303
    found = the_one(database)
    assert (found.state, found.organisation_id) == (CHECKED, 1)
    public = organiser.get("/en/petitions/teachers").text
    assert "Endorsed by 1 organisation" in public
    assert "<strong>them</strong>" in public
    assert ("petition.endorsement-checked", "petition:1") in acts(database)
    assert "No organisation waits" in organiser.get(PAGE).text


def test_U04_a_new_organisation_is_made_of_what_was_typed(
    database: Database, signed_in: SignedIn, keys: factories.Keys
) -> None:
    ask(database, keys.desk, name="کانون معلمان", language="fa")
    organiser = signed_in(ORGANISER)
    page = organiser.get(PAGE).text
    assert '<option value="">' in page
    assert " selected" not in page, "nothing is chosen for staff"
    organiser.post(PAGE, data=form_of(page, do="check", organisation="new"))
    with database.reading() as session:
        made = session.scalars(sa.select(Organisation).order_by(Organisation.id.desc())).first()
        assert made is not None
        assert (made.names, made.type, made.country) == ({"fa": "کانون معلمان"}, "local", "DE")
        assert (made.website, made.verified) == ("https://union.example", NOON.date())
    assert "کانون معلمان" in organiser.get("/fa/petitions/teachers").text


def test_U04_without_permission_it_is_kept_and_never_shown(
    database: Database, signed_in: SignedIn, keys: factories.Keys
) -> None:
    ask(database, keys.desk, may_publish=False)
    organiser = signed_in(ORGANISER)
    page = organiser.get(PAGE).text
    assert "never shown" in page
    organiser.post(PAGE, data=form_of(page, do="check", organisation="1"))
    assert the_one(database).state == CHECKED
    assert "Endorsed by" not in organiser.get("/en/petitions/teachers").text
    assert "not named" in organiser.get("/staff/petitions/1/campaign").text


def test_C19_words_that_changed_meanwhile_are_not_checked(
    database: Database, signed_in: SignedIn, keys: factories.Keys
) -> None:
    ask(database, keys.desk)
    organiser = signed_in(ORGANISER)
    seen = form_of(organiser.get(PAGE).text)
    ask(database, keys.desk, statement="Other words, after staff looked.")
    for decision in ({"do": "check", "organisation": "1"}, {"do": "refuse", "reason": "no"}):
        organiser.post(PAGE, data={**seen, **decision})
        assert the_one(database).state == "asked"
    assert "look again" in organiser.get(PAGE).text


def test_U04_refusing_needs_a_reason_that_colleagues_read(
    database: Database, signed_in: SignedIn, keys: factories.Keys
) -> None:
    ask(database, keys.desk)
    organiser = signed_in(ORGANISER)
    seen = form_of(organiser.get(PAGE).text)
    for reason in ("", " \u202e ", "x" * 201):
        answer = organiser.post(PAGE, data={**seen, "do": "refuse", "reason": reason})
        assert answer.status_code == 422
        assert 'aria-invalid="true"' in answer.text
    organiser.post(PAGE, data={**seen, "do": "refuse", "reason": "the office knows of nothing"})
    found = the_one(database)
    assert (found.state, found.reason) == (REFUSED, "the office knows of nothing")
    assert "the office knows of nothing" in organiser.get("/staff/petitions/1/campaign").text
    assert "Endorsed by" not in organiser.get("/en/petitions/teachers").text
    assert ("petition.endorsement-refused", "petition:1") in acts(database)


@pytest.mark.parametrize("organisation", ["", "99", "x", "9" * 30, "-1"])
def test_R06_an_organisation_that_is_none_is_explained(
    database: Database, signed_in: SignedIn, keys: factories.Keys, organisation: str
) -> None:
    ask(database, keys.desk)
    organiser = signed_in(ORGANISER)
    seen = form_of(organiser.get(PAGE).text, do="check", organisation=organisation)
    answer = organiser.post(PAGE, data=seen)
    assert answer.status_code == 422
    assert "Choose one of the list" in answer.text
    assert the_one(database).state == "asked"


def test_R06_an_id_that_is_none_decides_nothing(
    database: Database, signed_in: SignedIn, keys: factories.Keys
) -> None:
    ask(database, keys.desk)
    organiser = signed_in(ORGANISER)
    assert organiser.post(PAGE, data={"id": "x"}).status_code == 404
    gone = {"id": ids.in_url(ids.new()), "mark": "x", "do": "check", "organisation": "new"}
    assert organiser.post(PAGE, data=gone).status_code == 303
    assert the_one(database).state == "asked"


def test_U04_newer_words_of_an_organisation_replace_what_staff_entered(
    database: Database, signed_in: SignedIn, keys: factories.Keys
) -> None:
    organiser = signed_in(ORGANISER)
    typed = {"organisation": "1", "language": "en", "mandate": "EC", "statement": "Old words."}
    organiser.post("/staff/petitions/1/endorsements", data=typed)
    ask(database, keys.desk)
    page = organiser.get(PAGE).text
    assert "stands behind it already" in page
    organiser.post(PAGE, data=form_of(page, do="check", organisation="1"))
    assert the_one(database).statement == "We stand with **them**."


def test_C28_an_editor_decides_nothing(
    database: Database, signed_in: SignedIn, keys: factories.Keys
) -> None:
    ask(database, keys.desk)
    editor: FlaskClient = signed_in(EDITOR)
    assert editor.get(PAGE).status_code == 403
    assert editor.post(PAGE, data={}).status_code == 403
    assert "asks to endorse" not in editor.get("/staff").text


def test_F04_a_known_name_is_suggested_first_and_only_the_very_same_is_chosen(
    database: Database, signed_in: SignedIn, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        for row in (
            Entry(type="local", names={"en": "Aardvark Society"}),
            Entry(type="local", names={"fa": "كانون نمونه‌ی معلمان", "en": "Teachers"}),
        ):
            records.add(session, row)
    ask(database, keys.desk, name="کانون نمونه‌ی معلمان شهر", language="fa")
    organiser = signed_in(ORGANISER)
    values = re.findall(r'<option value="(\w*)"( selected)?', organiser.get(PAGE).text)
    assert values[:2] == [("", ""), ("3", "")]
    ask(database, keys.desk, name="کانون نمونه‌ی معلمان", language="fa")
    values = re.findall(r'<option value="(\w*)"( selected)?', organiser.get(PAGE).text)
    assert values[0] == ("3", " selected")
