"""Translations are hidden until approved, stale when their source moves on; versions are kept in public (C05, F08)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.audience.models import MailingList
from app.core.database import Base, Database
from app.core.errors import InvalidError, StaleError
from app.petitions import editing, queries, signable, translating
from app.petitions.editing import Settings
from app.petitions.models import Petition, PetitionText
from tests.factories import DAY, a_petition, basics
from tests.petitions.campaigning import a_signature
from tests.petitions.test_editing import NOW, WHOLE

pytestmark = pytest.mark.both_databases
COLLEAGUE = 7


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database."""
    found = Database(database_url)
    Base.metadata.create_all(found.engine)
    yield found
    found.dispose()


@pytest.fixture
def petition_id(database: Database) -> int:
    """A draft written in Persian and translated into English."""
    with database.unit_of_work() as session:
        made = editing.create(session, "teachers", Settings(goal=8000)).id
    write(database, made, "fa", title="معلمان را آزاد کنید")
    write(database, made, "en", title="Free the teachers")
    return made


def write(database: Database, petition_id: int, language: str, **changed: str) -> None:
    with database.unit_of_work() as session:
        last = editing.newest(editing.get(session, petition_id)).get(language)
        before = editing.Wording.of(last) if last else WHOLE
        seen = last.version if last else 0
        words = replace(before, **changed)
        editing.write(session, petition_id, language, words, seen=seen, now=NOW)


def approve(
    database: Database, petition_id: int, *, seen: int = 1, source: int = 1, now: datetime = NOW
) -> None:
    with database.unit_of_work() as session:
        translating.approve(
            session,
            petition_id,
            "en",
            seen=seen,
            source_seen=source,
            account_id=COLLEAGUE,
            now=now,
        )


def publish(database: Database, petition_id: int, now: datetime = NOW) -> None:
    with database.unit_of_work() as session:
        editing.publish(session, petition_id, now=now)


def state(database: Database, petition_id: int, language: str = "en") -> str:
    with database.reading() as session:
        return translating.state(editing.get(session, petition_id), language)


def title_in_english(database: Database, petition_id: int) -> str:
    with database.reading() as session:
        return queries.petition_of_id(session, petition_id, "en", ("fa", "en")).title


def test_F08_the_list_of_its_news_has_no_title_that_waits_for_approval(
    database: Database, petition_id: int
) -> None:
    # given a translation that nobody has approved
    publish(database, petition_id)
    # then its title names nothing that readers see
    with database.reading() as session:
        found = session.scalars(sa.select(MailingList)).one()
    assert found.names == {"fa": "معلمان را آزاد کنید"}


def test_F08_the_states_of_a_translation(database: Database, petition_id: int) -> None:
    assert state(database, petition_id, "fa") == "approved"
    assert state(database, petition_id, "de") == "missing"
    assert state(database, petition_id) == "review"
    approve(database, petition_id)
    assert state(database, petition_id) == "approved"
    # when the source changes, then what was approved is stale
    write(database, petition_id, "fa", title="معلمان زندانی را آزاد کنید")
    assert state(database, petition_id) == "stale"
    # until it is approved again as it is
    approve(database, petition_id, source=2)
    assert state(database, petition_id) == "approved"
    # a change of the translation is to be reviewed, and half of one is half
    write(database, petition_id, "en", title="Free the imprisoned teachers")
    assert state(database, petition_id) == "review"
    write(database, petition_id, "en", body="")
    assert state(database, petition_id) == "half"


def test_F08_readers_see_no_translation_that_nobody_approved(
    database: Database, petition_id: int
) -> None:
    # given a petition that opens while its translation waits
    publish(database, petition_id)
    assert title_in_english(database, petition_id) == "معلمان را آزاد کنید"
    # when it is approved, then it shows
    approve(database, petition_id)
    assert title_in_english(database, petition_id) == "Free the teachers"
    # and a change of it shows after its own approval
    write(database, petition_id, "en", title="Free them all")
    assert title_in_english(database, petition_id) == "Free the teachers"
    approve(database, petition_id, seen=2)
    assert title_in_english(database, petition_id) == "Free them all"
    # while a stale one stays
    write(database, petition_id, "fa", title="همه را آزاد کنید")
    assert title_in_english(database, petition_id) == "Free them all"


def test_F08_what_is_signed_is_what_was_shown(database: Database, petition_id: int) -> None:
    publish(database, petition_id)
    with database.reading() as session:
        shown = queries.petition_of_id(session, petition_id, "en", ("fa", "en"))
        assert session.get_one(PetitionText, shown.text_id).language == "fa"


def test_C05_a_signature_is_of_a_text_that_its_signer_could_read(
    database: Database, petition_id: int
) -> None:
    # given a petition whose source changed after the opening, and a translation that waits
    publish(database, petition_id)
    write(database, petition_id, "fa", title="معلمان زندانی را آزاد کنید")
    with database.unit_of_work() as session:
        basics(session)
        first, second = (
            text.id for text in editing.get(session, petition_id).texts if text.language == "fa"
        )
        (waits,) = (
            text.id for text in editing.get(session, petition_id).texts if text.language == "en"
        )
    # then a page that showed the first one is signed for that, and any other for the newest
    for seen, signed in ((first, first), (second, second), (waits, second), (None, second)):
        with database.reading() as session:
            known = signable.readable(session, "teachers")
        found = known.signable("en", ("fa", "en"), ("en",), text_seen=seen)
        assert found.text_id == signed, seen


def test_F08_no_petition_opens_without_a_language_that_may_be_shown(database: Database) -> None:
    with database.unit_of_work() as session:
        made = editing.create(session, "nurses", Settings(goal=100)).id
    write(database, made, "fa", title="پرستاران")
    write(database, made, "en", title="Nurses")
    with database.unit_of_work() as session:
        editing.write(session, made, "fa", editing.Wording(), seen=1, now=NOW)
    with pytest.raises(InvalidError, match="no text"):
        publish(database, made)


def test_F08_a_first_text_in_another_language_is_an_original(database: Database) -> None:
    with database.unit_of_work() as session:
        made = editing.create(session, "nurses", Settings(goal=100)).id
    write(database, made, "en", title="Nurses")
    assert state(database, made) == "approved"
    publish(database, made)


def set_source(database: Database, petition_id: int, language: str) -> None:
    with database.unit_of_work() as session:
        settings = Settings.of(editing.get(session, petition_id))
        editing.change(session, petition_id, replace(settings, source_language=language))


def test_F08_a_draft_s_old_source_becomes_a_translation_to_be_reviewed(
    database: Database, petition_id: int
) -> None:
    # given a draft in Persian with approved translations
    write(database, petition_id, "fa", title="معلمان زندانی را آزاد کنید")
    write(database, petition_id, "de", title="Freiheit")
    approve(database, petition_id, source=2)
    # when staff say that it was written in English
    set_source(database, petition_id, "en")
    # then English is the original, and nobody has compared the others with it
    assert state(database, petition_id, "en") == "approved"
    assert [state(database, petition_id, code) for code in ("fa", "de")] == ["review", "review"]
    publish(database, petition_id)
    with database.reading() as session:
        shown = queries.petition_of_id(session, petition_id, "fa", ("fa", "en"))
        assert (shown.language, shown.title) == ("en", "Free the teachers")
    # and a change of English makes stale what was approved against it
    with database.unit_of_work() as session:
        translating.approve(
            session, petition_id, "fa", seen=1, source_seen=1, account_id=COLLEAGUE, now=NOW
        )
    assert state(database, petition_id, "fa") == "approved"
    write(database, petition_id, "en", title="Free all teachers")
    assert state(database, petition_id, "fa") == "stale"


def test_F08_what_is_there_stays_until_the_new_source_is_written(
    database: Database, petition_id: int
) -> None:
    # given a draft that is to be written in a language that has no text yet
    set_source(database, petition_id, "de")
    assert state(database, petition_id, "fa") == "approved", "nothing to compare it with"
    assert state(database, petition_id, "en") == "review"
    # when that is written, then the others are its translations
    write(database, petition_id, "de", title="Freiheit")
    assert [state(database, petition_id, code) for code in ("de", "fa", "en")] == [
        "approved",
        "review",
        "review",
    ]


def test_F08_an_open_petition_keeps_the_language_it_was_written_in(
    database: Database, petition_id: int
) -> None:
    approve(database, petition_id)
    publish(database, petition_id)
    with pytest.raises(InvalidError, match="translations were approved"):
        set_source(database, petition_id, "en")
    assert state(database, petition_id, "fa") == "approved"
    with database.reading() as session:
        assert editing.get(session, petition_id).source_language == "fa"


def test_R05_an_approval_is_of_what_was_read(database: Database, petition_id: int) -> None:
    # given a page that was opened before somebody changed the source, or the translation
    write(database, petition_id, "fa", title="تازه")
    with pytest.raises(StaleError):
        approve(database, petition_id)
    write(database, petition_id, "en", title="New")
    with pytest.raises(StaleError):
        approve(database, petition_id, source=2)
    approve(database, petition_id, seen=2, source=2)
    # and there is nothing to approve of an original
    with database.unit_of_work() as session, pytest.raises(InvalidError):
        translating.approve(
            session, petition_id, "fa", seen=2, source_seen=2, account_id=COLLEAGUE, now=NOW
        )


def test_F08_the_reviewer_sees_what_changed_in_the_source(
    database: Database, petition_id: int
) -> None:
    approve(database, petition_id)
    write(database, petition_id, "fa", title="معلمان زندانی را آزاد کنید")
    with database.reading() as session:
        (change,) = translating.change_of_source(editing.get(session, petition_id), "en")
    assert change.field == "title"
    assert [(piece.kind, piece.text) for piece in change.pieces] == [
        ("same", "معلمان"),
        ("new", "زندانی"),
        ("same", "را آزاد کنید"),
    ]


def test_C05_what_was_tried_before_the_opening_is_not_public(
    database: Database, petition_id: int
) -> None:
    # given a draft with several versions, and a translation approved against the last source
    write(database, petition_id, "fa", title="نخست چیزی دیگر")
    write(database, petition_id, "fa", title="معلمان")
    approve(database, petition_id, source=3)
    # when it opens, then one version of each language is left, and the translation is not stale
    publish(database, petition_id)
    with database.reading() as session:
        petition = editing.get(session, petition_id)
        assert {(one.language, one.version) for one in petition.texts} == {("fa", 1), ("en", 1)}
        assert translating.state(petition, "en") == "approved"
        assert [one.text.title for one in translating.public_versions(petition, "fa")] == ["معلمان"]
    # and later versions stand in public, the newest first, with what changed
    write(database, petition_id, "fa", title="معلمان زندانی")
    write(database, petition_id, "en", title="Nobody approved this")
    with database.reading() as session:
        petition = editing.get(session, petition_id)
        found = translating.public_versions(petition, "fa")
        assert [one.number for one in found] == [2, 1]
        (change,) = found[0].changes
        assert [piece.text for piece in change.pieces if piece.kind == "new"] == ["زندانی"]
        assert found[1].changes == []
        assert [one.number for one in translating.public_versions(petition, "en")] == [1]


def test_C05_a_version_has_the_day_on_which_readers_first_saw_it(
    database: Database, petition_id: int
) -> None:
    # given a draft whose translation was approved, opened five days later
    def days() -> list[tuple[int, date]]:
        with database.reading() as session:
            petition = editing.get(session, petition_id)
            shown = queries.as_shown(petition, "en", ())
            found = translating.public_versions(petition, "en")
        assert shown is not None
        assert (shown.version, shown.written) == (found[0].number, found[0].text.day)
        return [(one.number, one.text.day) for one in found]

    opened, later = NOW + timedelta(days=5), NOW + timedelta(days=9)
    approve(database, petition_id)
    publish(database, petition_id, opened)
    assert days() == [(1, opened.date())]
    # when a change of it waits for nine days, and one before it never showed
    write(database, petition_id, "en", title="Nobody approved this")
    write(database, petition_id, "en", title="Free them all")
    approve(database, petition_id, seen=3, now=later)
    # then its number leaves no gap, and its day is that of the approval
    assert days() == [(2, later.date()), (1, opened.date())]
    # and approving it again, as it is, moves nothing
    write(database, petition_id, "fa", title="همه را آزاد کنید")
    approve(database, petition_id, seen=3, source=2, now=later + timedelta(days=9))
    assert days() == [(2, later.date()), (1, opened.date())]


def test_C05_only_the_fields_that_changed_are_told_each_by_itself(
    database: Database, petition_id: int
) -> None:
    publish(database, petition_id)
    write(database, petition_id, "fa", summary="خلاصه‌ای دیگر", demands="یک\nدو")
    write(database, petition_id, "fa", demands="یک\nسه", topic="")
    with database.reading() as session:
        last, middle, first = translating.public_versions(editing.get(session, petition_id), "fa")
    assert [change.field for change in middle.changes] == ["summary", "demands"]
    assert [change.field for change in last.changes] == ["topic", "demands"]
    assert [(piece.kind, piece.text) for piece in last.changes[1].pieces] == [
        ("same", "یک \n"),
        ("gone", "دو"),
        ("new", "سه"),
    ]
    assert [piece.kind for piece in last.changes[0].pieces] == ["gone"]
    assert first.changes == []


def test_C19_how_many_signed_a_version_is_told_from_twenty_on(database: Database) -> None:
    with database.unit_of_work() as session:
        basics(session)
        petition = a_petition(session)
        first = petition.texts[0]
        session.add(second := _another(petition, first))
        session.flush()
        for _signer in range(25):
            a_signature(session, petition).text_id = first.id
        for _signer in range(3):
            a_signature(session, petition).text_id = second.id
        # three alone would be betrayed by the total, so all stand together
        found = translating.signed_by_version(session, petition.id)
        assert (dict(found.shown), found.other) == ({}, 28)
        for _signer in range(17):
            a_signature(session, petition).text_id = second.id
        found = translating.signed_by_version(session, petition.id)
        assert (dict(found.shown), found.other) == ({first.id: 25, second.id: 20}, 0)


def _another(petition: Petition, first: PetitionText) -> PetitionText:
    words = {name: getattr(first, name) for name in editing.LONGEST}
    return PetitionText(
        petition_id=petition.id, language=first.language, version=2, day=DAY, **words
    )
