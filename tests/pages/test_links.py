"""Behind mailed links: GET and HEAD change nothing, one-click works bare, any token gets one page (M01-M03)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from app.audience.models import MailingList, Subscription
from app.core import clock as moment
from app.core import ids, tokens
from app.core.database import Database
from app.optin import models as optin
from app.optin.models import PROVEN, Request
from app.outbox.models import Envelope
from tests import factories
from tests.pages import story

PURPOSES = [
    (
        optin.SIGNATURE,
        "1",
        {"shown_as": "anonymous", "language1": "en"},
        "petitions/teachers/thanks",
    ),
    (optin.SUBSCRIPTION, "newsletter", {}, "newsletter/thanks"),
    (
        optin.PREFERENCES,
        "newsletter",
        {"wish": "keep", "language1": "fa", "language2": "en"},
        "my-choices/preferences/thanks",
    ),
    (
        optin.SHOWING,
        "1",
        {"shown_as": "initials", "shown_name": "Leila K"},
        "my-choices/showing/thanks",
    ),
    (optin.WITHDRAWAL, "1", {}, "my-choices/withdrawal/thanks"),
    (optin.WITHDRAWAL, "all", {}, "my-choices/withdrawal/thanks"),
    (optin.ERASURE, "all", {}, "my-choices/erasure/thanks"),
    (optin.REPRESENTATIVE, "5", {"language1": "en", "consent": "y"}, "newsletter/thanks"),
    (optin.STAFF_ADDRESS, "5", {}, "address-confirmed"),
]


def one_click(database: Database, keys: factories.Keys, address: str = "leila@example.org") -> str:
    with database.unit_of_work() as session:
        found = factories.a_subscriber(session, keys.desk, address)
        return keys.desk.secrets.token(tokens.ONE_CLICK, found.id, found.key_id)


def subscriptions(database: Database) -> int:
    with database.reading() as session:
        return session.query(Subscription).count()


@pytest.mark.parametrize("locale", ["fa", "en"])
@pytest.mark.parametrize(("purpose", "subject", "typed", "thanks"), PURPOSES)
def test_M03_get_and_head_change_nothing_and_the_button_proves(
    visitor: FlaskClient,
    database: Database,
    keys: factories.Keys,
    locale: str,
    purpose: str,
    subject: str,
    typed: dict[str, str],
    thanks: str,
) -> None:
    with database.unit_of_work() as session:
        _found, link, _code = factories.an_answered_request(
            session, keys.desk, purpose, subject, now=moment.now()
        )
    before = story.dump(database)
    for _twice in range(2):
        page = visitor.get(f"/{locale}/c/{link}")
        assert page.status_code == 200
        assert page.get_data(as_text=True).count("<form") == 1
        assert visitor.head(f"/{locale}/c/{link}").status_code == 200
    assert story.dump(database) == before
    answer = visitor.post(f"/{locale}/c/{link}", data=typed)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/{locale}/{thanks}"
    assert visitor.get(answer.headers["Location"]).status_code == 200
    with database.reading() as session:
        assert session.query(Request).one().state == PROVEN


def test_C17_preferences_show_what_the_worker_noted_behind_the_link(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        found, link, _code = factories.an_answered_request(
            session, keys.desk, optin.PREFERENCES, "newsletter", now=moment.now()
        )
        found.noted = {"lists": {"newsletter": {"languages": ["fa", "en"], "quiet": True}}}
    html = visitor.get(f"/en/c/{link}").get_data(as_text=True)
    assert '<option selected value="fa">' in html.split('name="language2"')[0]
    assert '<option selected value="en">' in html.split('name="language2"')[1]
    assert 'checked id="quiet"' in html
    visitor.post(f"/en/c/{link}", data={"wish": "leave", "language1": "fa"})
    with database.reading() as session:
        done = session.query(Request).one()
    chosen = keys.desk.opener.open("choices", done.id, done.choices or b"")
    leaving = {"languages": [], "quiet": False}
    assert chosen["lists"] == {"newsletter": leaving, "unions": leaving}


def test_C17_another_list_can_be_left_behind_the_link_and_no_list_that_was_not_shown(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        session.add(MailingList(slug="petition-1", names={"en": "News of <this> petition"}))
        found, link, _code = factories.an_answered_request(
            session, keys.desk, optin.PREFERENCES, "newsletter", now=moment.now()
        )
        found.noted = {"lists": {"petition-1": {"languages": ["en"], "quiet": False}}}
    page = visitor.get(f"/en/c/{link}")
    assert "End: News of <this> petition" in story.words(page)
    typed = {"wish": "keep", "language1": "en", "leave": ["petition-1", "petition-2"]}
    assert visitor.post(f"/en/c/{link}", data=typed).status_code == 303
    with database.reading() as session:
        done = session.query(Request).one()
    lists = keys.desk.opener.open("choices", done.id, done.choices or b"")["lists"]
    assert lists["petition-1"]["languages"] == []
    assert lists["newsletter"]["languages"] == ["en"]
    assert "petition-2" not in lists


@pytest.mark.parametrize("prefix", ["", "/fa", "/en"])
def test_M03_unsubscribe_shows_a_button_and_get_ends_nothing(
    visitor: FlaskClient, database: Database, keys: factories.Keys, prefix: str
) -> None:
    token = one_click(database, keys)
    before = story.dump(database)
    page = visitor.get(f"{prefix}/u/{token}")
    visitor.head(f"{prefix}/u/{token}")
    assert page.status_code == 200
    assert "leila" not in page.get_data(as_text=True)
    assert story.dump(database) == before
    left = visitor.post(f"{prefix}/u/{token}", headers={"Accept-Language": "en"})
    assert left.status_code == 200
    assert subscriptions(database) == 0


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data"]
)
def test_M02_one_click_needs_nothing_but_the_link_and_twice_is_as_once(
    visitor: FlaskClient, database: Database, keys: factories.Keys, content_type: str
) -> None:
    token = one_click(database, keys)
    one_click(database, keys, "reza@example.org")
    for _twice in range(2):
        answer = visitor.post(
            f"/u/{token}", data={"List-Unsubscribe": "One-Click"}, content_type=content_type
        )
        assert answer.status_code == 200
        assert "Location" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        assert subscriptions(database) == 1


@pytest.mark.parametrize("token", ["x", "1.abc", "a" * 500, "%F0%9F%92%A9", "..", "a'--"])
def test_any_token_gets_a_page_that_helps(
    visitor: FlaskClient, database: Database, token: str
) -> None:
    before = story.dump(database)
    assert visitor.get(f"/en/u/{token}").status_code == 404
    assert visitor.post(f"/en/u/{token}").status_code == 200
    assert visitor.get(f"/en/never/{token}").status_code == 200
    assert visitor.post(f"/en/never/{token}").status_code == 200
    assert visitor.get(f"/en/c/{token}").status_code == 404
    assert story.dump(database) == before


def test_C14_never_write_marks_its_delivery_and_shows_the_same_page_for_any_token(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        session.add(
            Envelope(
                delivery_id=ids.new(),
                day=moment.today(),
                index_key_id="1",
                mailbox_index=b"index",
                never_write_hash=tokens.fingerprint("1.true"),
            )
        )
    pages = {visitor.get(f"/en/never/{token}").data for token in ("1.true", "1.false")}
    assert len(pages) == 1
    done = {visitor.post(f"/en/never/{token}").data for token in ("1.false", "1.true", "1.true")}
    assert len(done) == 1
    with database.reading() as session:
        assert session.query(Envelope).one().never_write


def test_C10_a_token_stands_nowhere_in_its_dead_page(visitor: FlaskClient) -> None:
    for place in ("c", "u", "never"):
        assert "sesame" not in visitor.get(f"/en/{place}/sesame").get_data(as_text=True)
