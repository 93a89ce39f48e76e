"""Petitions are written in versions that never change, opened once and closed once (C05, R05)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
import sqlalchemy as sa

import app.audience.models
import app.petitions.models  # noqa: F401 (their tables)
from app.audience.models import MailingList
from app.core.database import Base, Database
from app.core.errors import InvalidError, NotFoundError, StaleError
from app.petitions import editing
from app.petitions.editing import Settings, Wording
from app.petitions.models import CLOSED, DRAFT, OPEN, Petition, PetitionText

pytestmark = pytest.mark.both_databases
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
WHOLE = Wording(
    topic="Right to organise",
    title="Free the imprisoned teacher unionists",
    summary="Members of a teachers’ union are in prison for their union work.",
    body="They asked for a school that is free.\n\nWe ask for their freedom.",
    demands="Free them.\nDrop the charges.",
    addressee="The Director-General of the ILO",
)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database."""
    found = Database(database_url)
    Base.metadata.create_all(found.engine)
    yield found
    found.dispose()


def a_draft(database: Database, slug: str = "free-teachers") -> int:
    with database.unit_of_work() as session:
        return editing.create(session, slug, Settings(goal=8000)).id


def write(
    database: Database, petition_id: int, wording: Wording, *, language: str = "en", seen: int = 0
) -> int | None:
    with database.unit_of_work() as session:
        saved = editing.write(session, petition_id, language, wording, seen=seen, now=NOW)
        return saved.version if saved else None


def publish(database: Database, petition_id: int) -> None:
    with database.unit_of_work() as session:
        editing.publish(session, petition_id, now=NOW)


def texts(database: Database) -> list[tuple[str, int, str]]:
    with database.reading() as session:
        rows = session.scalars(sa.select(PetitionText).order_by(PetitionText.id))
        return [(text.language, text.version, text.title) for text in rows]


def test_a_saved_text_is_a_new_version_and_the_old_one_stays(database: Database) -> None:
    petition = a_draft(database)
    assert write(database, petition, WHOLE) == 1
    assert write(database, petition, replace(WHOLE, title="Free them"), seen=1) == 2
    assert texts(database) == [("en", 1, WHOLE.title), ("en", 2, "Free them")]


def test_an_unchanged_text_is_no_new_version(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    assert (
        write(database, petition, replace(WHOLE, title=f"  {WHOLE.title}\u200f "), seen=1) is None
    )
    assert len(texts(database)) == 1


def test_languages_are_versioned_apart(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    write(database, petition, replace(WHOLE, title="Free them"), seen=1)
    assert write(database, petition, Wording(title="معلمان را آزاد کنید"), language="fa") == 1


def test_two_people_who_save_at_once_do_not_overwrite_each_other(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    write(database, petition, replace(WHOLE, title="First"), seen=1)
    with pytest.raises(editing.OverwriteError):
        write(database, petition, replace(WHOLE, title="Second"), seen=1)
    assert [title for _, _, title in texts(database)] == [WHOLE.title, "First"]


@pytest.mark.parametrize("seen", [0, 2, 99])
def test_a_page_that_showed_another_version_than_the_last_saves_nothing(
    database: Database, seen: int
) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    with pytest.raises(editing.OverwriteError):
        write(database, petition, replace(WHOLE, title="Other"), seen=seen)
    assert len(texts(database)) == 1


def test_F03_stray_bidi_controls_go_and_the_half_space_stays(database: Database) -> None:
    petition = a_draft(database)
    write(
        database,
        petition,
        Wording(title="\u202eخبرنامه\u200cها\u202c", body="یک\r\n\r\nدو\u2067"),
        language="fa",
    )
    with database.reading() as session:
        text = session.scalars(sa.select(PetitionText)).one()
    assert text.title == "خبرنامه\u200cها"
    assert text.body == "یک\n\nدو"


def test_an_emptied_language_of_a_draft_goes(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    write(database, petition, WHOLE, language="fa")
    assert write(database, petition, Wording(), seen=1) is None
    assert [language for language, _, _ in texts(database)] == ["fa"]


def test_what_people_may_have_signed_cannot_be_emptied(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    publish(database, petition)
    with pytest.raises(InvalidError) as caught:
        write(database, petition, Wording(), seen=1)
    assert caught.value.field == "title"
    assert len(texts(database)) == 1


@pytest.mark.parametrize("field", ["title", "summary", "body", "addressee"])
def test_an_open_petition_takes_whole_texts_only(database: Database, field: str) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    publish(database, petition)
    with pytest.raises(InvalidError) as caught:
        write(database, petition, replace(WHOLE, **{field: " "}), language="fa")
    assert caught.value.field == field
    assert write(database, petition, WHOLE, language="fa") == 1


@pytest.mark.parametrize("field", list(editing.LONGEST))
def test_a_text_that_is_too_long_is_refused_by_field(database: Database, field: str) -> None:
    petition = a_draft(database)
    most = editing.LONGEST[field]
    with pytest.raises(InvalidError) as caught:
        write(database, petition, replace(WHOLE, **{field: "x" * (most + 1)}))
    assert caught.value.field == field
    assert write(database, petition, replace(WHOLE, **{field: "x" * most})) == 1


def test_R05_a_draft_opens_once(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    publish(database, petition)
    with pytest.raises(StaleError):
        publish(database, petition)
    with database.reading() as session:
        row = session.get_one(Petition, petition)
    assert (row.state, row.opened, row.index_key_id) == (OPEN, date(2026, 11, 24), None)


def test_opening_makes_the_list_for_news_of_the_petition(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    publish(database, petition)
    with database.reading() as session:
        made = session.scalars(sa.select(MailingList)).one()
    assert (made.slug, made.names) == (f"petition-{petition}", {"en": WHOLE.title})


def test_a_petition_without_a_text_does_not_open(database: Database) -> None:
    petition = a_draft(database)
    with pytest.raises(InvalidError) as caught:
        publish(database, petition)
    assert caught.value.field == "language"


def test_a_half_written_language_keeps_it_from_opening(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    write(database, petition, Wording(title="معلمان را آزاد کنید"), language="fa")
    with pytest.raises(InvalidError) as caught:
        publish(database, petition)
    assert caught.value.field == "summary-fa"
    with database.reading() as session:
        assert session.get_one(Petition, petition).state == DRAFT


def test_R05_an_open_petition_closes_once_and_never_opens_again(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    with pytest.raises(StaleError), database.unit_of_work() as session:
        editing.close(session, petition, now=NOW)
    publish(database, petition)
    with database.unit_of_work() as session:
        editing.close(session, petition, now=NOW)
    with pytest.raises(StaleError), database.unit_of_work() as session:
        editing.close(session, petition, now=NOW)
    with pytest.raises(StaleError):
        publish(database, petition)
    with database.reading() as session:
        assert session.get_one(Petition, petition).state == CLOSED


def test_an_address_is_taken_once(database: Database) -> None:
    a_draft(database, "free-teachers")
    with pytest.raises(InvalidError) as caught:
        a_draft(database, "free-teachers")
    assert caught.value.field == "slug"
    other = a_draft(database, "oil-workers")
    with pytest.raises(InvalidError), database.unit_of_work() as session:
        editing.change(session, other, Settings(goal=1), "free-teachers")


def test_the_address_of_an_open_petition_stays(database: Database) -> None:
    petition = a_draft(database)
    write(database, petition, WHOLE)
    publish(database, petition)
    with pytest.raises(InvalidError) as caught, database.unit_of_work() as session:
        editing.change(session, petition, Settings(goal=9000), "elsewhere")
    assert caught.value.field == "slug"
    with database.unit_of_work() as session:
        editing.change(session, petition, Settings(goal=9000, live=True), "free-teachers")
    with database.reading() as session:
        row = session.get_one(Petition, petition)
        assert (row.goal, row.live, row.slug) == (9000, True, "free-teachers")


@pytest.mark.parametrize("goal", [0, -1, 10_000_001])
def test_a_goal_out_of_bounds_is_refused(database: Database, goal: int) -> None:
    with pytest.raises(InvalidError) as caught, database.unit_of_work() as session:
        editing.create(session, "free-teachers", Settings(goal=goal))
    assert caught.value.field == "goal"


def test_a_petition_that_is_not_there(database: Database) -> None:
    with pytest.raises(NotFoundError), database.unit_of_work() as session:
        editing.close(session, 99, now=NOW)
