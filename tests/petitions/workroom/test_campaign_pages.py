"""Staff write updates, enter endorsements and signatures on paper (U04)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from app.core.database import Database
from app.organisations.models import Organisation
from app.petitions.campaign_models import Endorsement, PaperSheets, PetitionUpdate
from app.staff.models import EDITOR, ORGANISER
from tests.staff.workroom import NOON, SignedIn, acts

pytestmark = pytest.mark.usefixtures("site")

CAMPAIGN = "/staff/petitions/1"
TEXTS = {"kind": "news", "en-title": "The minister answered", "en-body": "He said **no**."}


def an_organisation(database: Database) -> int:
    with database.unit_of_work() as session:
        made = Organisation(
            type="national-union", names={"en": "Nurses’ Union"}, folded_name="nurses union"
        )
        session.add(made)
        session.flush()
        return made.id


def updates(database: Database) -> list[tuple[str, object, list[tuple[str, str]]]]:
    with database.reading() as session:
        return [
            (one.kind, one.published, [(text.language, text.title) for text in one.texts])
            for one in session.scalars(sa.select(PetitionUpdate))
        ]


def test_an_update_is_written_changed_shown_and_removed(
    database: Database, signed_in: SignedIn
) -> None:
    organiser = signed_in(ORGANISER)
    assert organiser.post(f"{CAMPAIGN}/updates", data=TEXTS).status_code == 303
    assert updates(database) == [("news", None, [("en", "The minister answered")])]
    page = organiser.get(f"{CAMPAIGN}/campaign?update=1").text
    assert "He said **no**." in page
    changed = {**TEXTS, "kind": "answer", "fa-title": "وزیر پاسخ داد", "fa-body": "گفت نه."}
    organiser.post(f"{CAMPAIGN}/updates?update=1", data=changed)
    organiser.post(f"{CAMPAIGN}/updates/1/publish")
    organiser.post(f"{CAMPAIGN}/updates/1/publish")
    [(kind, published, texts)] = updates(database)
    assert (kind, published, len(texts)) == ("answer", NOON.date(), 2)
    organiser.post(f"{CAMPAIGN}/updates/1/remove")
    assert updates(database) == []
    assert "petition.published-update" in {act for act, _ in acts(database)}


@pytest.mark.parametrize(
    "typed",
    [
        {"kind": "news"},
        {**TEXTS, "kind": "coup"},
        {**TEXTS, "fa-title": "نیمه"},
        {**TEXTS, "en-title": "x" * 201},
        {**TEXTS, "en-body": " \u202e "},
    ],
)
def test_R06_an_update_that_cannot_be_kept_is_explained(
    database: Database, signed_in: SignedIn, typed: dict[str, str]
) -> None:
    answer = signed_in(ORGANISER).post(f"{CAMPAIGN}/updates", data=typed)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text
    assert updates(database) == []


def test_U04_an_endorsement_needs_a_mandate_and_the_newer_words_stand(
    database: Database, signed_in: SignedIn
) -> None:
    row_id = an_organisation(database)
    organiser = signed_in(ORGANISER)
    typed = {"organisation": str(row_id), "language": "en", "statement": "We stand with them."}
    assert organiser.post(f"{CAMPAIGN}/endorsements", data=typed).status_code == 422
    typed["mandate"] = "Executive committee, 12 November 2026"
    assert organiser.post(f"{CAMPAIGN}/endorsements", data=typed).status_code == 303
    again = {**typed, "may_publish": "y", "document": "https://nurses.example/decision"}
    assert organiser.post(f"{CAMPAIGN}/endorsements", data=again).status_code == 303
    with database.reading() as session:
        [found] = session.scalars(sa.select(Endorsement)).all()
        assert (found.state, found.may_publish, found.day) == ("checked", True, NOON.date())
    organiser.post(f"{CAMPAIGN}/endorsements/{row_id}/withdraw")
    with database.reading() as session:
        assert session.scalars(sa.select(Endorsement)).all() == []


@pytest.mark.parametrize(
    "wrong", [{"document": "javascript:alert(1)"}, {"organisation": "99"}, {"mandate": "x" * 301}]
)
def test_R06_an_endorsement_that_cannot_be_kept_is_explained(
    database: Database, signed_in: SignedIn, wrong: dict[str, str]
) -> None:
    typed = {"organisation": str(an_organisation(database)), "language": "en", "mandate": "EC"}
    answer = signed_in(ORGANISER).post(f"{CAMPAIGN}/endorsements", data={**typed, **wrong})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_signatures_on_paper_are_a_number_and_a_day(
    database: Database, signed_in: SignedIn
) -> None:
    organiser = signed_in(ORGANISER)
    typed = {"signatures": "۱٬۲۰۰", "scanned": "۲۰۲۶-۱۱-۲۰", "note": "Berlin"}
    assert organiser.post(f"{CAMPAIGN}/paper", data=typed).status_code == 303
    with database.reading() as session:
        [found] = session.scalars(sa.select(PaperSheets)).all()
        assert (found.signatures, str(found.scanned), found.note) == (1200, "2026-11-20", "Berlin")
    for wrong in (
        {"scanned": "2026-11-25"},
        {"scanned": "0001-01-01"},  # before the Persian calendar's first day
        {"scanned": ""},
        {"scanned": "soon"},
        {"signatures": "0"},
        {"signatures": ""},
        {"signatures": "9" * 30},
    ):
        assert organiser.post(f"{CAMPAIGN}/paper", data={**typed, **wrong}).status_code == 422
    organiser.post(f"{CAMPAIGN}/paper/1/remove")
    with database.reading() as session:
        assert session.scalars(sa.select(PaperSheets)).all() == []


def test_C28_an_editor_writes_updates_but_shows_none(
    database: Database, signed_in: SignedIn
) -> None:
    editor = signed_in(EDITOR)
    assert editor.post(f"{CAMPAIGN}/updates", data=TEXTS).status_code == 303
    assert editor.post(f"{CAMPAIGN}/updates/1/publish").status_code == 403
    assert editor.post(f"{CAMPAIGN}/paper", data={}).status_code == 403
    assert updates(database)[0][1] is None
