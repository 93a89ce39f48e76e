"""Signatures by week: none under twenty, never the running one, and nothing that subtraction would tell (C21)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from app.petitions import charts, weeks
from app.petitions.models import Petition
from app.petitions.weeks import Group, told
from tests.factories import a_petition
from tests.fixtures import NOON
from tests.petitions.campaigning import a_signature, signatures

MONDAY = date(2026, 10, 5)
WEEK = timedelta(days=7)
TUESDAY = NOON.date()
"""24 November 2026; its week began on the 23rd."""


def week(place: int, *, weeks: int = 1, signatures: int) -> Group:
    first = MONDAY + WEEK * place
    return Group(first, first + WEEK * weeks - timedelta(days=1), signatures)


def by_day(*numbers: int) -> dict[date, int]:
    """So many signatures on the Wednesday of each week."""
    return {
        MONDAY + WEEK * place + timedelta(days=2): number for place, number in enumerate(numbers)
    }


def test_C21_a_week_of_twenty_is_told_and_a_smaller_one_joins_the_next() -> None:
    groups = told(by_day(20, 19, 3, 40, 30), [], total=112, day=TUESDAY)
    assert groups == [
        week(0, signatures=20),
        week(1, weeks=2, signatures=22),
        week(3, signatures=40),
    ], "the last thirty are what is left over, and are told by nobody"


def test_C21_the_running_week_is_never_told() -> None:
    signed = by_day(30, 30, 0, 0, 0, 0, 0, 500)
    assert MONDAY + WEEK * 7 <= TUESDAY
    groups = told(signed, [], total=600, day=TUESDAY)
    assert sum(group.signatures for group in groups) == 60
    assert all(group.last < MONDAY + WEEK * 7 for group in groups)


@pytest.mark.parametrize(("total", "first_only"), [(79, True), (80, False)])
def test_C21_what_is_left_of_the_total_is_twenty_or_more(total: int, first_only: bool) -> None:
    groups = told(by_day(30, 30), [], total=total, day=TUESDAY)
    assert len(groups) == (1 if first_only else 2)


def test_C21_who_withdraws_later_is_not_seen_in_the_week_of_signing() -> None:
    before = told(by_day(40, 40, 40), [], total=120, day=TUESDAY)
    after = told(by_day(40, 36, 40), before, total=116, day=TUESDAY)
    assert before == after == [week(0, signatures=40), week(1, signatures=40)]
    assert told(by_day(40, 35, 40), before, total=115, day=TUESDAY)[1].signatures == 35


def test_C21_a_group_that_was_told_does_not_change_its_weeks() -> None:
    before = told(by_day(10, 12, 60), [], total=82, day=TUESDAY)
    after = told(by_day(25, 25, 60), before, total=110, day=TUESDAY)
    assert before == [week(0, weeks=2, signatures=22)]
    assert after[0] == week(0, weeks=2, signatures=50)


def test_C21_a_group_that_fell_under_twenty_joins_the_next() -> None:
    before = told(by_day(20, 30, 60), [], total=110, day=TUESDAY)
    after = told(by_day(9, 30, 60), before, total=99, day=TUESDAY)
    assert [group.signatures for group in before] == [20, 30]
    assert after == [week(0, weeks=2, signatures=39)]


@pytest.mark.both_databases
def test_C21_weeks_are_looked_at_once_a_day_and_leave_out_what_does_not_count(
    session: Session,
) -> None:
    petition = a_petition(session, total=90)
    signatures(session, petition, 30, MONDAY)
    signatures(session, petition, 30, MONDAY + WEEK)
    signatures(session, petition, 30, TUESDAY)
    for _ in range(10):
        a_signature(session, petition, day=MONDAY, held="burst")
        a_signature(session, petition, day=MONDAY, invalid="a script")

    weeks.publish(session, now=NOON)
    session.flush()
    assert weeks.published(session, petition.id) == [
        week(0, signatures=30),
        week(1, signatures=30),
    ]
    signatures(session, petition, 50, MONDAY)
    petition.published_total = 140
    weeks.publish(session, now=NOON + timedelta(hours=11))
    assert weeks.published(session, petition.id)[0].signatures == 30
    weeks.publish(session, now=NOON + timedelta(hours=13))
    session.flush()
    assert weeks.published(session, petition.id)[0].signatures == 80


def test_C21_a_petition_whose_total_is_untold_has_no_weeks(session: Session) -> None:
    petition = a_petition(session, total=19, live=True)
    petition.published_weeks = [["2026-10-05", "2026-10-11", 30], ["2026-10-12", "2026-10-18", 30]]
    assert weeks.published(session, petition.id) == []
    petition.published_total = 80
    assert len(weeks.published(session, petition.id)) == 2


@pytest.mark.parametrize(("total", "groups"), [(120, 3), (119, 2), (89, 0)])
def test_C21_a_total_that_shrinks_between_two_looks_leaves_twenty_beside_the_chart(
    session: Session, total: int, groups: int
) -> None:
    # given three groups, looked at today, when people withdraw and the hourly total follows
    petition = a_petition(session, total=total)
    petition.published_weeks = [
        ["2026-10-05", "2026-10-11", 40],
        ["2026-10-12", "2026-10-18", 30],
        ["2026-10-19", "2026-10-25", 30],
    ]
    # then the newest joins what is left, before the chart is looked at again
    assert len(weeks.published(session, petition.id)) == groups


def test_one_group_alone_is_no_chart(session: Session) -> None:
    petition = a_petition(session, total=80)
    petition.published_weeks = [["2026-10-05", "2026-10-11", 30]]
    assert weeks.published(session, petition.id) == []


def test_a_draft_has_no_weeks(session: Session) -> None:
    petition = a_petition(session, state="draft", total=0)
    weeks.publish(session, now=NOON)
    assert session.get_one(Petition, petition.id).weeks_made is None


def test_the_area_of_a_bar_is_its_number() -> None:
    groups = [week(0, signatures=40), week(1, weeks=2, signatures=20), week(3, signatures=20)]
    bars = charts.by_week(groups)
    assert [(bar.x, bar.width) for bar in bars] == [(0, 147), (150, 297), (450, 147)]
    assert [bar.height for bar in bars] == [120, 30, 60]
    assert [bar.y + bar.height for bar in bars] == [120, 120, 120]
    assert [bar.newest for bar in bars] == [False, False, True]
