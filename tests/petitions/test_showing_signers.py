"""Shown signers: twenty first, then five, once a day, in no order; comments beside them (C21)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import ids
from app.petitions import showing_signers
from app.petitions.models import FULL_NAME, REFUSED, WAITS, Petition, Signature
from tests.factories import DAY, a_petition
from tests.fixtures import NOON
from tests.petitions.campaigning import a_signature

TOMORROW = NOON + timedelta(days=1)


@pytest.fixture
def petition(session: Session) -> Petition:
    return a_petition(session, total=100)


def approve(session: Session, petition: Petition, number: int, prefix: str = "a") -> None:
    for place in range(number):
        a_signature(session, petition, f"{prefix}{place}")


def names(session: Session, petition: Petition) -> list[str]:
    return [one.name for one in showing_signers.signers(session, petition.id)]


@pytest.mark.both_databases
def test_C21_nobody_is_shown_before_there_are_twenty(session: Session, petition: Petition) -> None:
    approve(session, petition, 19)
    showing_signers.publish(session, now=NOON)
    assert names(session, petition) == []
    approve(session, petition, 1, "b")
    showing_signers.publish(session, now=NOON)
    assert len(names(session, petition)) == 20
    assert showing_signers.number_of_signers(session, petition.id) == 20


@pytest.mark.both_databases
def test_C21_later_batches_have_five_or_more_and_come_once_a_day(
    session: Session, petition: Petition
) -> None:
    approve(session, petition, 20)
    showing_signers.publish(session, now=NOON)

    approve(session, petition, 8, "b")
    showing_signers.publish(session, now=NOON + timedelta(hours=11))
    assert len(names(session, petition)) == 20, "one batch a day"
    showing_signers.publish(session, now=TOMORROW)
    assert len(names(session, petition)) == 28

    approve(session, petition, 4, "c")
    showing_signers.publish(session, now=TOMORROW + timedelta(days=1))
    assert len(names(session, petition)) == 28, "four are no batch"
    approve(session, petition, 1, "d")
    showing_signers.publish(session, now=TOMORROW + timedelta(days=1))
    assert len(names(session, petition)) == 33


def test_C21_the_order_tells_nothing_of_the_time_of_signing(
    session: Session, petition: Petition
) -> None:
    # given twenty who signed a day apart, and five later ones in a batch of their own
    ids_in_order_of_signing = [UUID(int=place * 7 % 25 + 1) for place in range(25)]
    for place, one in enumerate(ids_in_order_of_signing):
        if place == 20:
            showing_signers.publish(session, now=NOON)
        day = DAY - timedelta(days=25 - place)
        a_signature(session, petition, f"n{place:02}", day=day, signature_id=one)
    showing_signers.publish(session, now=TOMORROW)
    # then all stand in the order of their random ids, the batches mixed
    expected = sorted(range(25), key=lambda place: ids_in_order_of_signing[place])
    assert names(session, petition) == [f"n{place:02}" for place in expected]
    assert expected[-5:] != [20, 21, 22, 23, 24]


def test_C21_all_of_a_batch_carry_the_same_number(session: Session, petition: Petition) -> None:
    approve(session, petition, 25)
    showing_signers.publish(session, now=NOON)
    assert set(session.scalars(sa.select(Signature.shown_in))) == {NOON.date().toordinal()}


@pytest.mark.parametrize(
    "columns", [{"held": "burst"}, {"invalid": "a script"}, {"state": WAITS}, {"state": REFUSED}]
)
def test_C21_who_does_not_count_or_is_not_approved_is_not_shown(
    session: Session, petition: Petition, columns: dict[str, str]
) -> None:
    approve(session, petition, 20)
    hidden = a_signature(session, petition, "hidden", **columns)  # type: ignore[arg-type]
    showing_signers.publish(session, now=NOON)
    assert hidden.shown_in is None
    assert "hidden" not in names(session, petition)


@pytest.mark.parametrize(("column", "value"), [("invalid", "a script"), ("shown_state", REFUSED)])
def test_who_is_taken_back_after_being_shown_vanishes_at_once(
    session: Session, petition: Petition, column: str, value: str
) -> None:
    approve(session, petition, 20)
    gone = a_signature(session, petition, "gone")
    showing_signers.publish(session, now=NOON)
    session.refresh(gone)
    assert "gone" in names(session, petition)
    setattr(gone, column, value)
    session.flush()
    assert "gone" not in names(session, petition)
    assert showing_signers.number_of_signers(session, petition.id) == 20


def test_C17_who_withdraws_vanishes_and_the_others_stay(
    session: Session, petition: Petition
) -> None:
    approve(session, petition, 19)
    leila = a_signature(session, petition, "Leila", shown_as=FULL_NAME)
    showing_signers.publish(session, now=NOON)
    session.delete(leila)
    session.flush()
    assert "Leila" not in names(session, petition)
    assert len(names(session, petition)) == 19


def test_C21_nothing_stands_beside_initials(session: Session, petition: Petition) -> None:
    approve(session, petition, 18)
    a_signature(session, petition, "L. R.", country="DE", affiliation="Docks of Haft")
    a_signature(
        session, petition, "Leila Rad", shown_as=FULL_NAME, country="DE", affiliation="Docks"
    )
    showing_signers.publish(session, now=NOON)
    shown = {one.name: one for one in showing_signers.signers(session, petition.id)}
    assert (shown["L. R."].country, shown["L. R."].affiliation) == ("", "")
    assert (shown["Leila Rad"].country, shown["Leila Rad"].affiliation) == ("DE", "Docks")


def test_petitions_have_batches_of_their_own(session: Session, petition: Petition) -> None:
    other = a_petition(session, "pensions")
    approve(session, petition, 12)
    approve(session, other, 12)
    showing_signers.publish(session, now=NOON)
    assert names(session, petition) == names(session, other) == []


def test_names_come_in_pages(session: Session, petition: Petition) -> None:
    approve(session, petition, 23)
    showing_signers.publish(session, now=NOON)
    found = [
        one.name
        for page in (1, 2, 3, 4)
        for one in showing_signers.signers(session, petition.id, limit=8, page=page)
    ]
    assert sorted(found) == sorted(names(session, petition))
    assert len(found) == 23


def a_comment(session: Session, petition: Petition, text: str, **columns: object) -> Signature:
    chosen: dict[str, object] = {
        "comment": text,
        "comment_language": "en",
        "comment_state": "approved",
        "comment_day": DAY,
    }
    name = str(columns.pop("name", ""))
    return a_signature(session, petition, name, **(chosen | columns))  # type: ignore[arg-type]


def told(session: Session, petition: Petition) -> dict[str, str]:
    day = NOON.date()
    return {one.text: one.name for one in showing_signers.comments(session, petition.id, day=day)}


@pytest.mark.both_databases
def test_C21_a_comment_appears_on_its_day_and_only_if_approved(
    session: Session, petition: Petition
) -> None:
    a_comment(session, petition, "today")
    a_comment(session, petition, "tomorrow", comment_day=DAY + timedelta(days=1))
    a_comment(session, petition, "waits", comment_state=WAITS)
    a_comment(session, petition, "refused", comment_state=REFUSED)
    a_comment(session, petition, "no day", comment_day=None)
    a_comment(session, petition, "held", held="burst")
    a_comment(session, petition, "invalid", invalid="a script")
    assert told(session, petition) == {"today": ""}


def test_C21_a_comment_carries_a_name_only_once_that_name_is_shown(
    session: Session, petition: Petition
) -> None:
    a_comment(session, petition, "for my brother", name="L. R.")
    assert told(session, petition) == {"for my brother": ""}
    approve(session, petition, 19)
    showing_signers.publish(session, now=NOON)
    assert told(session, petition) == {"for my brother": "L. R."}


def test_C21_no_comment_shows_while_the_total_is_untold(session: Session) -> None:
    small = a_petition(session, "small", total=19, live=True)
    a_comment(session, small, "one of nineteen")
    assert told(session, small) == {}
    small.published_total = 20
    session.flush()
    assert told(session, small) == {"one of nineteen": ""}


@pytest.mark.both_databases
def test_R06_what_pages_show_is_found_without_looking_at_every_signature(
    session: Session, petition: Petition
) -> None:
    # given far more signatures than are shown
    approve(session, petition, 20)
    showing_signers.publish(session, now=NOON)
    text_id = petition.texts[0].id
    session.execute(
        sa.insert(Signature),
        [
            {
                "id": ids.new(),
                "petition_id": petition.id,
                "index_key_id": "1",
                "exact_hash": b"many" + number.to_bytes(28),
                "mailbox_hash": b"many" + number.to_bytes(28),
                "text_id": text_id,
                "wording_id": 1,
                "day": DAY,
            }
            for number in range(3000)
        ],
    )
    session.execute(sa.text("ANALYZE signature"))
    # then both reads go by the small index of their own
    seen: list[tuple[str, object]] = []

    def note(
        _connection: object, _cursor: object, statement: str, values: object, *_: object
    ) -> None:
        seen.append((statement, values))

    sa.event.listen(session.get_bind(), "before_cursor_execute", note)
    try:
        showing_signers.signers(session, petition.id)
        showing_signers.comments(session, petition.id, day=DAY)
    finally:
        sa.event.remove(session.get_bind(), "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN" if session.get_bind().dialect.name == "sqlite" else "EXPLAIN"
    plans = [
        str(session.connection().exec_driver_sql(f"{explain} {statement}", values).all())  # type: ignore[arg-type]
        for statement, values in seen
        if "signature" in statement
    ]
    assert len(plans) == 2
    assert "ix_signature_shown" in plans[0], plans[0]
    assert "ix_signature_comment" in plans[1], plans[1]
