"""A signature names the text and the sentence that its page showed, not what was newest when it came in (C05, C13)."""

from __future__ import annotations

from datetime import date

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from app.audience import consents, wordings
from app.audience.models import ConsentWording
from app.core import clock, ids
from app.core.database import Database
from app.factory import create_app
from app.optin.models import SIGNATURE, Request
from app.petitions import editing
from app.petitions.models import Petition, PetitionText
from app.web.context import services
from config import Config
from tests import factories
from tests.attacks.hostile import forms_of
from tests.pages import story

PAGE = "/en/petitions/teachers"
SIGN = f"{PAGE}/sign"
PURPOSES = (
    wordings.SIGNATURE,
    wordings.ENDORSEMENT,
    wordings.NEWSLETTER,
    wordings.PETITION_NEWS,
)
GOOD = {"address": "leila@example.org", "consent": "y"}


def shown(visitor: FlaskClient, page: str = PAGE) -> dict[str, str]:
    """What the form of a page would send, filled by a visitor."""
    (form,) = [form for form in forms_of(visitor.get(page).text) if form.method == "post"]
    return {**dict(form.fields), **GOOD}


def noted(database: Database, keys: factories.Keys) -> tuple[int | None, int]:
    """Text and sentence in the box of the newest request; takes it away."""
    with database.unit_of_work() as session:
        found = session.scalars(sa.select(Request)).one()
        fields = keys.desk.opener.open("request", found.id, found.box)
        session.delete(found)
    return fields.get("text_id"), fields["wording_id"]


def newest(database: Database, purpose: str = wordings.SIGNATURE) -> tuple[int, int]:
    """Text and sentence of the English page."""
    with database.reading() as session:
        text = editing.newest(session.get_one(Petition, 1))["en"]
        wording = consents.current(session, purpose, "en")
        assert wording is not None
        return text.id, wording.id


def change(database: Database, language: str = "en", *, hidden: bool = False) -> int:
    """A next version of the text, and a next sentence; returns the text's id."""
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        last = editing.newest(petition).get(language) or petition.texts[0]
        words = {name: getattr(last, name) for name in editing.LONGEST}
        text = PetitionText(
            language=language,
            version=last.version + 1,
            day=date(2026, 11, 25),
            source_version=1 if hidden else None,
            **{**words, "title": "Other words"},
        )
        petition.texts.append(text)
        for purpose in PURPOSES:
            consents.publish(session, purpose, "en", f"Other words for {purpose}.")
        session.flush()
        return text.id


def test_C05_C13_what_the_page_showed_is_signed_though_it_changed_meanwhile(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    # given a page that was opened, or kept by a cache, before text and sentence changed
    sent, read = shown(visitor), newest(database)
    change(database)
    assert newest(database) != read
    # when its form comes in
    assert visitor.post(SIGN, data=sent).status_code == 303
    # then the signature names what was read
    assert noted(database, keys) == read
    # and a page that is opened now names what is there now
    visitor.post(SIGN, data=shown(visitor))
    assert noted(database, keys) == newest(database)


def test_C05_a_mistake_in_the_form_forgets_nothing_of_what_was_read(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    sent, read = shown(visitor), newest(database)
    change(database)
    again = visitor.post(SIGN, data={**sent, "address": "leila"})
    assert again.status_code == 422
    (form,) = [form for form in forms_of(again.text) if form.method == "post"]
    visitor.post(SIGN, data={**dict(form.fields), **GOOD})
    # the text was read on the page before; the sentence stands on this one
    assert noted(database, keys) == (read[0], newest(database)[1])


def test_C05_a_page_that_fell_back_to_another_language_was_read_in_that_one(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        petition.texts.remove(editing.newest(petition)["en"])
        persian = editing.newest(petition)["fa"].id
    sent = shown(visitor)
    change(database)
    visitor.post(SIGN, data=sent)
    assert noted(database, keys)[0] == persian


def test_C13_a_subscription_names_the_sentence_that_its_page_showed(
    visitor: FlaskClient, database: Database, keys: factories.Keys
) -> None:
    sent, read = shown(visitor, "/en/newsletter"), newest(database, wordings.NEWSLETTER)[1]
    change(database)
    assert visitor.post("/en/newsletter", data={**sent, "language1": "en"}).status_code == 303
    assert noted(database, keys) == (None, read)
    sent = shown(visitor, "/en/newsletter")
    visitor.post("/en/newsletter", data={**sent, "language1": "en"})
    assert noted(database, keys) == (None, newest(database, wordings.NEWSLETTER)[1])


@pytest.mark.parametrize("way", ["code", "link"])
def test_C13_what_is_chosen_beside_the_proof_names_the_sentences_beside_it(
    visitor: FlaskClient, database: Database, keys: factories.Keys, way: str
) -> None:
    # given a page with the choices, opened before their sentences changed
    with database.unit_of_work() as session:
        found, link, code = factories.an_answered_request(
            session, keys.desk, SIGNATURE, "1", now=clock.now()
        )
    page = f"/en/c/{link}" if way == "link" else f"{PAGE}/check/{ids.in_url(found.id)}"
    form = next(form for form in forms_of(visitor.get(page).text) if form.method == "post")
    sent = {**dict(form.fields), "code": code}
    read = [newest(database, which)[1] for which in (wordings.PETITION_NEWS, wordings.NEWSLETTER)]
    change(database)
    # when both are ticked and the request is proven
    ticked = {"petition_news": "y", "newsletter": "y", "language1": "en", "shown_as": "anonymous"}
    assert visitor.post(page, data={**sent, **ticked}).status_code == 303
    # then the choices name what was read
    with database.reading() as session:
        box = session.scalars(sa.select(Request.choices)).one()
    chosen = keys.desk.opener.open("choices", found.id, box or b"")
    assert [chosen["petition_news"], chosen["newsletter"]["wording_id"]] == read


@pytest.fixture
def odd(database: Database) -> dict[str, dict[str, str]]:
    """Ids that no page of this petition showed."""
    hidden = change(database, hidden=True)
    with database.reading() as session:
        pensions = session.get_one(Petition, 2).texts[0].id
        letters = session.scalars(
            sa.select(ConsentWording.id).where(ConsentWording.purpose == wordings.NEWSLETTER)
        ).all()
    return {
        "hidden": {"text_seen": str(hidden)},
        "of another petition": {"text_seen": str(pensions)},
        "of another purpose": {"wording_seen": str(letters[0])},
        "unknown": {"text_seen": "987654321", "wording_seen": "987654321"},
        "no number": {"text_seen": "1 OR 1=1", "wording_seen": "9" * 400},
        "none": {},
    }


def test_C05_no_text_is_noted_that_the_petition_s_readers_could_not_see(
    visitor: FlaskClient, database: Database, keys: factories.Keys, odd: dict[str, dict[str, str]]
) -> None:
    with database.reading() as session:
        readable = next(
            text.id for text in session.get_one(Petition, 1).texts if text.language == "en"
        )
    for what, given in odd.items():
        assert visitor.post(SIGN, data={**GOOD, **given}).status_code == 303, what
        assert noted(database, keys) == (readable, newest(database)[1]), what


def test_C09_whatever_was_read_the_same_statements_run_and_the_same_bytes_are_shown(
    visitor: FlaskClient, database: Database, odd: dict[str, dict[str, str]]
) -> None:
    sent = [shown(visitor), *({**GOOD, **ids} for ids in odd.values())]
    seen = story.what_each_sees(visitor, database, SIGN, sent)
    begun = [statement.split()[0] for statement in seen[0][0]]
    assert begun == ["BEGIN", "SELECT", "SELECT", "INSERT"]
    assert all(one == seen[0] for one in seen)


def test_C13_an_endorsement_names_the_sentence_that_its_page_showed(
    visitor: FlaskClient, database: Database, keys: factories.Keys, odd: dict[str, dict[str, str]]
) -> None:
    form = f"{PAGE}/endorse"
    sent, read = shown(visitor, form), newest(database, wordings.ENDORSEMENT)[1]
    change(database)
    with database.unit_of_work() as session:
        consents.publish(session, wordings.ENDORSEMENT, "en", "Other words yet.")
    visitor.post(form, data=sent)
    assert noted(database, keys) == (None, read)
    for what, given in odd.items():
        visitor.post(form, data={**GOOD, **given})
        now = newest(database, wordings.ENDORSEMENT)[1]
        assert noted(database, keys) == (None, now), what


def test_C05_C21_when_many_sign_what_was_read_is_still_what_is_noted(
    environment: dict[str, str], keys: factories.Keys
) -> None:
    app = create_app(Config.from_env("web", {**environment, "PEYVAND_KEPT_SECONDS": "5"}))
    visitor, signer = app.test_client(), app.test_client()
    with app.app_context():
        database = services().database
    # given that somebody signed a moment ago, and that text and sentence changed since
    old, read = shown(visitor), newest(database)
    visitor.post(SIGN, data=old)
    assert noted(database, keys) == read
    change(database)
    # when somebody signs from an old page, then nothing is read again, and the old text is noted
    with story.statements(database) as ran:
        signer.post(SIGN, data=old)
    assert [statement.split()[0] for statement in ran] == ["INSERT"]
    assert noted(database, keys) == read
    # and who read the new one has signed the new one
    text_id, wording_id = newest(database)
    new = {**GOOD, "text_seen": str(text_id), "wording_seen": str(wording_id)}
    signer.post(SIGN, data=new)
    assert noted(database, keys) == (text_id, wording_id)
    # and what does not exist is not remembered
    assert signer.post("/en/petitions/unknown/sign", data=new).status_code == 404
    database.dispose()
