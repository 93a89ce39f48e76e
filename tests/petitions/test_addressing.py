"""A petition's place in the addresses of each language: how it is spelled, whose it is, what an old one does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from app.core.database import Base, Database
from app.core.errors import InvalidError, NotFoundError
from app.petitions import addressing, editing, queries, signable, translating
from app.petitions.models import DRAFT, Petition
from tests import factories
from tests.petitions.test_editing import NOW, WHOLE

LOCALES = ("fa", "en")
PERSIAN = "آزادی-معلمان"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open petition in Persian and English."""
    found = Database(database_url)
    Base.metadata.create_all(found.engine)
    with found.unit_of_work() as session:
        factories.basics(session)
        factories.a_petition(session)
        factories.a_petition(session, "nurses")
    yield found
    found.dispose()


def give(database: Database, language: str, slug: str, petition_id: int = 1) -> bool:
    with database.unit_of_work() as session:
        petition = editing.get(session, petition_id)
        return addressing.give(session, petition, language, slug)


def opened(database: Database, slug: str, language: str = "fa") -> tuple[int, str]:
    """Whose page a slug opens, and what its slug is in ``language``."""
    with database.reading() as session:
        found = queries.shown_petition(session, slug, language, LOCALES)
        signed = signable.readable(session, slug).signable(language, LOCALES, ("en",))
        assert signed.petition_id == found.id, "the form takes what the page shows"
        return found.id, found.slug


def leads_nowhere(database: Database, slug: str) -> bool:
    with database.reading() as session:
        for look in (
            lambda: queries.shown_petition(session, slug, "fa", LOCALES),
            lambda: signable.readable(session, slug),
        ):
            with pytest.raises(NotFoundError):
                look()
    return True


def all_slugs(database: Database) -> set[str]:
    with database.reading() as session:
        return {one.slug for one in editing.get(session, 1).addresses}


@pytest.mark.parametrize(
    ("typed", "slug"),
    [
        ("  Free the_Teachers ", "free-the-teachers"),
        ("می‌خواهیم", "می-خواهیم"),
        ("كارگران نفتي", "کارگران-نفتی"),
        ("کنوانسیون ۸۷", "کنوانسیون-87"),
        ("مسئول و مُؤَسِّس", "مسئول-و-مؤسس"),
        ("اتحادیهٔ آموزگاران", "اتحادیه-آموزگاران"),
        ("آزادی", "آزادی"),
        ("Égalité", "egalite"),
        ("a\u202eb", "ab"),
        ("--a - b--", "a-b"),
        ("a/b", "a/b"),
    ],
)
def test_F04_a_slug_has_one_spelling(typed: str, slug: str) -> None:
    assert addressing.spelled(typed) == slug
    assert addressing.spelled(slug) == slug


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Free the teachers!", "free-the-teachers"),
        ("Iran’s nurses: overtime & pay", "irans-nurses-overtime-pay"),
        ("«معلمان» را آزاد کنید؛ همین امروز", "معلمان-را-آزاد-کنید-همین-امروز"),
        ("word " * 30, "-".join(["word"] * 12)),
        ("x" * 90, "x" * 60),
        ("؟!", ""),
        ("", ""),
    ],
)
def test_a_slug_is_suggested_from_the_title(title: str, slug: str) -> None:
    assert addressing.suggestion(title) == slug
    assert addressing.spelled(slug) == slug


@pytest.mark.both_databases
def test_without_one_of_its_own_a_language_has_the_petition_s(database: Database) -> None:
    assert opened(database, "teachers", "fa") == opened(database, "teachers", "en")
    assert opened(database, "teachers") == (1, "teachers")


@pytest.mark.both_databases
def test_each_language_has_its_own_and_every_one_leads_there(database: Database) -> None:
    assert give(database, "fa", "آزادی معلمان")
    assert give(database, "en", "free-the-teachers")
    for slug in (PERSIAN, "free-the-teachers", "teachers"):
        assert opened(database, slug, "fa") == (1, PERSIAN)
        assert opened(database, slug, "en") == (1, "free-the-teachers")


@pytest.mark.both_databases
def test_a_slug_that_readers_knew_leads_on_for_good(database: Database) -> None:
    # given a slug that was replaced twice, the second time by the petition's own
    give(database, "fa", "یک")
    give(database, "fa", "دو")
    give(database, "fa", "")
    # then each leads to the petition
    for slug in ("یک", "دو", "teachers"):
        assert opened(database, slug) == (1, "teachers")
    # and it may come back, to the same language alone
    with pytest.raises(InvalidError):
        give(database, "en", "یک")
    assert give(database, "fa", "یک")
    assert opened(database, "دو") == (1, "یک")


@pytest.mark.both_databases
@pytest.mark.parametrize("slug", ["teachers", "معلمان", "old"])
def test_a_slug_belongs_to_one_petition_and_language(database: Database, slug: str) -> None:
    # given a petition with a slug of its own, one in Persian, and one that it had before
    give(database, "fa", "old")
    give(database, "fa", "معلمان")
    # when another petition, or another language of this one, asks for it
    with pytest.raises(InvalidError, match="taken") as caught:
        give(database, "en", slug, petition_id=2)
    assert caught.value.field == "slug"
    with pytest.raises(InvalidError, match="taken"), database.unit_of_work() as session:
        editing.create(session, slug, editing.Settings(goal=1))
    if slug != "teachers":
        with pytest.raises(InvalidError, match="taken"):
            give(database, "en", slug)
    # then nothing moved
    assert opened(database, slug)[0] == 1
    assert opened(database, "nurses") == (2, "nurses")


@pytest.mark.parametrize("slug", ["a/b", "نه؟", "x" * 81, "%d8%a2", "..", "a.b", "שלום"])
def test_R06_an_odd_slug_is_refused(database: Database, slug: str) -> None:
    with pytest.raises(InvalidError, match="odd"):
        give(database, "fa", slug)


@pytest.mark.both_databases
def test_C05_what_a_draft_tried_leaves_nothing(database: Database) -> None:
    with database.unit_of_work() as session:
        session.get_one(Petition, 1).state = DRAFT
    give(database, "fa", "یک")
    assert leads_nowhere(database, "یک"), "a draft has no page"
    give(database, "fa", "دو")
    assert all_slugs(database) == {"teachers", "دو"}
    # and a language that is emptied again has no slug, either
    with database.unit_of_work() as session:
        editing.write(session, 1, "fa", editing.Wording(), seen=1, now=NOW)
    give(database, "fa", "دو")
    assert all_slugs(database) == {"teachers"}


@pytest.mark.both_databases
def test_F08_the_slug_of_a_translation_that_waits_is_no_page_yet(database: Database) -> None:
    # given a petition whose English translation waits for approval, with a slug of its own
    with database.unit_of_work() as session:
        petition = editing.get(session, 1)
        petition.texts.remove(editing.newest(petition)["en"])
        session.flush()
        words = replace(WHOLE, title="Not yet")
        editing.write(session, 1, "en", words, seen=0, now=NOW)
    give(database, "en", "tried")
    give(database, "en", "not-yet")
    # then it leads nowhere, what was tried before is gone, and readers of English see the other text
    assert leads_nowhere(database, "not-yet")
    assert all_slugs(database) == {"teachers", "not-yet"}
    assert opened(database, "teachers", "en") == (1, "teachers")
    # until it is approved
    with database.unit_of_work() as session:
        translating.approve(session, 1, "en", seen=1, source_seen=1, account_id=7, now=NOW)
    assert opened(database, "not-yet", "en") == (1, "not-yet")
    assert opened(database, "not-yet", "fa") == (1, "teachers")
