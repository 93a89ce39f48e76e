"""A text that people signed is never overwritten: each change is a version that anyone may read (C05)."""

from __future__ import annotations

import re
from datetime import date

import pytest
from flask.testing import FlaskClient
from markupsafe import escape

from app.core.database import Database
from app.petitions import editing
from app.petitions.models import Petition, PetitionText
from tests import factories
from tests.pages import story

PAGE = "/en/petitions/teachers"


@pytest.fixture
def changed(database: Database) -> None:
    """A second version in English, one that nobody approved, and a third."""
    with database.unit_of_work() as session:
        petition = session.get_one(Petition, 1)
        last = editing.newest(petition)["en"]
        words = {name: getattr(last, name) for name in editing.LONGEST}
        changes = {2: "Free & safe.", 3: "Hidden <b>words</b>.", 4: "Free & safe, all of them."}
        for version, summary in changes.items():
            petition.texts.append(
                PetitionText(
                    language="en",
                    version=version,
                    day=date(2026, 11, 24),
                    source_version=1 if version == 3 else None,
                    **{**words, "summary": summary},
                )
            )


def test_C05_a_petition_with_one_version_says_nothing_of_versions(visitor: FlaskClient) -> None:
    assert "Earlier versions" not in story.words(visitor.get(PAGE))
    assert "Version 1" in story.words(visitor.get(f"{PAGE}/versions"))


@pytest.mark.usefixtures("changed")
def test_C05_a_change_is_a_visible_version_with_its_date(visitor: FlaskClient) -> None:
    page = visitor.get(PAGE)
    assert "Version 3 of this text, of 24 November 2026" in story.words(page)
    assert f"{PAGE}/versions" in story.hrefs(page)
    told = visitor.get(f"{PAGE}/versions")
    assert "<ins>Free &amp; safe.</ins>" in told.text
    assert "<ins>safe, all of them.</ins>" in told.text
    assert "<del>" in told.text
    # of each version only what changed, and its whole text with the summary
    assert re.findall(r"<h3>(.*?)</h3>", told.text) == ["Summary", "Summary"]
    assert told.text.count("<p>Free &amp; safe, all of them.</p>") == 1
    assert told.text.count(f"<p>{escape(factories.TEXTS['en']['summary'])}</p>") == 1
    # what nobody approved stays unseen, and leaves no gap
    assert "Hidden" not in told.text
    assert re.findall(r"<h2 id=\"t\d\">(.*?)</h2>", told.text) == [
        "Version 3",
        "Version 2",
        "Version 1",
    ]


@pytest.mark.usefixtures("changed")
def test_F05_the_persian_page_tells_of_its_own_versions(visitor: FlaskClient) -> None:
    told = story.words(visitor.get("/fa/petitions/teachers/versions"))
    assert "نسخهٔ ۱" in told
    assert "نسخهٔ ۲" not in told
