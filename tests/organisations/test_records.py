"""Organisations are found by any part of a name, sorted as readers expect, and never stand above themselves."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from sqlalchemy.orm import Session

from app.core.errors import InvalidError, NotFoundError
from app.organisations import records, representatives
from app.organisations.models import Organisation
from app.organisations.records import Entry
from tests.factories import DAY

pytestmark = pytest.mark.both_databases


def an_organisation(
    session: Session, names: Mapping[str, str], *, parent_id: int | None = None, country: str = ""
) -> Organisation:
    return records.add(
        session, Entry(type="local", names=names, parent_id=parent_id, country=country)
    )


def found(session: Session, text: str, **more: str) -> list[str]:
    rows, _ = records.search(session, text, language="fa", **more)  # type: ignore[arg-type]
    return [records.name_in(row, "fa") for row in rows]


@pytest.mark.parametrize("typed", ["نی‌شکر", "نيشكر", "نیشکر", "نِیشکر", "SUGAR", "sugar هفت"])
def test_F04_search_folds_letters_half_spaces_and_case(session: Session, typed: str) -> None:
    an_organisation(session, {"fa": "سندیکای نیشکر هفت‌تپه", "en": "Haft Tappeh Sugar Union"})
    an_organisation(session, {"fa": "کانون نویسندگان"})
    assert found(session, typed) == ["سندیکای نیشکر هفت‌تپه"]


@pytest.mark.parametrize("typed", ["%", "_", "\\"])
def test_a_wildcard_is_a_letter_like_any_other(session: Session, typed: str) -> None:
    an_organisation(session, {"en": "Example"})
    assert found(session, typed) == []


def test_F06_names_are_sorted_by_the_persian_alphabet(session: Session) -> None:
    for name in ("گروه", "پیمان", "کانون", "چاپ", "ژرف", "بافنده"):
        an_organisation(session, {"fa": name})
    assert found(session, "") == ["بافنده", "پیمان", "چاپ", "ژرف", "کانون", "گروه"]


def test_search_narrows_by_type_and_country_and_pages(session: Session) -> None:
    for number in range(records.PAGE + 1):
        an_organisation(session, {"en": f"Union {number:03}"}, country="no")
    an_organisation(session, {"en": "Elsewhere"}, country="SE")
    rows, total = records.search(session, country="NO", language="en", page=2)
    assert (len(rows), total) == (1, records.PAGE + 1)
    assert records.search(session, type_="ngo", language="en")[1] == 0
    assert records.countries(session) == ["NO", "SE"]


def test_U01_nothing_belongs_to_itself_by_any_way(session: Session) -> None:
    top = an_organisation(session, {"en": "Top"})
    middle = an_organisation(session, {"en": "Middle"}, parent_id=top.id)
    low = an_organisation(session, {"en": "Low"}, parent_id=middle.id)
    for parent in (top, middle, low):
        with pytest.raises(InvalidError) as caught:
            records.change(
                session, top.id, Entry(type="local", names={"en": "Top"}, parent_id=parent.id)
            )
        assert caught.value.field == "parent"
    assert [row.id for row in records.possible_parents(session, middle.id, "en")] == [top.id]
    assert [row.id for row in records.affiliates(session, top.id)] == [middle.id]


def test_a_name_falls_back_to_another_language(session: Session) -> None:
    row = an_organisation(session, {"en": "Only English", "fa": " "})
    assert row.names == {"en": "Only English"}
    assert records.name_in(row, "fa") == "Only English"


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (Entry(type="local", names={}), "names"),
        (Entry(type="local", names={"en": "x" * 151}), "names"),
        (Entry(type="party", names={"en": "X"}), "type"),
        (Entry(type="local", names={"en": "X"}, members=-1), "members"),
        (Entry(type="local", names={"en": "X"}, website="ftp://x"), "website"),
        (Entry(type="local", names={"en": "X"}, published_address="x"), "address"),
        (Entry(type="local", names={"en": "X"}, published_address="x@example.org"), "source"),
        (Entry(type="local", names={"en": "X"}, parent_id=9999), "parent"),
    ],
)
def test_what_cannot_be_taken_is_named(session: Session, entry: Entry, field: str) -> None:
    with pytest.raises(InvalidError) as caught:
        records.add(session, entry)
    assert caught.value.field == field


def test_U02_roles_are_counted_by_whether_they_confirmed(session: Session) -> None:
    row = an_organisation(session, {"en": "Union"})
    one = representatives.add(session, row, " Secretary ", "en", day=DAY)
    representatives.add(session, row, "President", "fa", day=DAY)
    assert {role.role for role in representatives.of(session, row.id)} == {"Secretary", "President"}
    assert representatives.counts(session, [row.id]) == {row.id: (2, 0)}
    representatives.remove(session, row.id, one.id)
    assert representatives.counts(session, [row.id]) == {row.id: (1, 0)}
    with pytest.raises(NotFoundError):
        representatives.remove(session, row.id, one.id)
    records.remove(session, row.id)
    with pytest.raises(NotFoundError):
        records.get(session, row.id)
