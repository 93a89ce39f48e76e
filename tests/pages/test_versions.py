"""A text that people signed is never overwritten: each change is a version that anyone may read (C05)."""

from __future__ import annotations

from datetime import date

import pytest
from flask.testing import FlaskClient

from app.core.database import Database
from app.petitions import editing
from app.petitions.models import Petition, PetitionText
from tests.pages import story

PAGE = "/en/petitions/teachers"


@pytest.fixture
def changed(database: Database) -> None:
    """A second version in English, and a translation that nobody approved."""
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        last = editing.newest(petition)["en"]
        words = {name: getattr(last, name) for name in editing.LONGEST}
        for version, hidden in ((2, False), (3, True)):
            petition.texts.append(
                PetitionText(
                    language="en",
                    version=version,
                    day=date(2026, 11, 24),
                    source_version=1 if hidden else None,
                    **{**words, "summary": "Hidden <b>words</b>." if hidden else "Free & safe."},
                )
            )


def test_C05_a_petition_with_one_version_says_nothing_of_versions(visitor: FlaskClient) -> None:
    assert "Earlier versions" not in story.words(visitor.get(PAGE))
    assert "Version 1" in story.words(visitor.get(f"{PAGE}/versions"))


@pytest.mark.usefixtures("changed")
def test_C05_a_change_is_a_visible_version_with_its_date(visitor: FlaskClient) -> None:
    page = visitor.get(PAGE)
    assert "Version 2 of this text, of 24 November 2026" in story.words(page)
    assert f"{PAGE}/versions" in story.hrefs(page)
    told = visitor.get(f"{PAGE}/versions")
    assert "Version 2" in story.words(told)
    assert "<ins>Free &amp; safe.</ins>" in told.text
    assert "<del>" in told.text
    # what nobody approved stays unseen
    assert "Hidden" not in told.text
    assert "Version 3" not in told.text


@pytest.mark.usefixtures("changed")
def test_F05_the_persian_page_tells_of_its_own_versions(visitor: FlaskClient) -> None:
    told = story.words(visitor.get("/fa/petitions/teachers/versions"))
    assert "نسخهٔ ۱" in told
    assert "نسخهٔ ۲" not in told
