"""The public total, and when it moves (C21)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import addresses, ids
from app.core.errors import NotFoundError
from app.petitions import publishing, queries, signing
from app.petitions.models import DRAFT, Petition, Signature
from tests.factories import DAY, a_petition
from tests.fixtures import NOON

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


@pytest.fixture
def petition(session: Session) -> Petition:
    found = a_petition(session, total=40)
    found.published_at = NOON - HOUR
    return found


def sign(session: Session, desk: Desk, petition: Petition, people: int, *, start: int = 0) -> None:
    for number in range(start, start + people):
        signing.count(
            session,
            desk,
            petition.id,
            addresses.parse(f"p{number}@people.example"),
            {"text_id": petition.texts[0].id, "wording_id": 1},
            {"signature_id": ids.new().hex},
            day=DAY,
        )


def told(session: Session, petition: Petition) -> int | None:
    return queries.public_counts(session, petition.id).total


def run(session: Session, since: datetime, until: datetime) -> None:
    """Publish each minute, as the worker does each second."""
    while since <= until:
        publishing.publish(session, now=since)
        since += MINUTE


@pytest.mark.both_databases
def test_C21_a_total_moves_by_five_or_more(
    session: Session, desk: Desk, petition: Petition
) -> None:
    sign(session, desk, petition, 44)
    run(session, NOON, NOON + 5 * HOUR)
    assert told(session, petition) == 40, "four more are not yet told"
    sign(session, desk, petition, 1, start=44)
    run(session, NOON + 5 * HOUR, NOON + 8 * HOUR)
    assert told(session, petition) == 45


@pytest.mark.both_databases
def test_C21_after_a_day_a_smaller_step_is_told_too(
    session: Session, desk: Desk, petition: Petition
) -> None:
    sign(session, desk, petition, 41)
    run(session, NOON, NOON + 22 * HOUR)
    assert told(session, petition) == 40
    run(session, NOON + 22 * HOUR, NOON + 26 * HOUR)
    assert told(session, petition) == 41


def test_C21_a_total_that_shrank_follows_the_same_rule(
    session: Session, desk: Desk, petition: Petition
) -> None:
    sign(session, desk, petition, 36)
    run(session, NOON, NOON + 5 * HOUR)
    assert told(session, petition) == 40
    petition.published_total = 41
    run(session, NOON + 5 * HOUR, NOON + 8 * HOUR)
    assert told(session, petition) == 36


def test_C21_it_never_moves_at_once_but_at_a_minute_nobody_foresees(
    session: Session, desk: Desk
) -> None:
    moments = set()
    for number in range(40):
        petition = a_petition(session, f"p{number}", total=0)
        petition.published_at = NOON - HOUR
        sign(session, desk, petition, 25)
    publishing.publish(session, now=NOON + 17 * MINUTE)
    for found in session.scalars(sa.select(Petition)):
        assert found.published_total == 0
        assert found.publish_after is not None
        assert NOON + HOUR <= found.publish_after < NOON + 2 * HOUR, "in the next hour"
        moments.add(found.publish_after.minute)
    assert len(moments) > 15


def test_C21_it_moves_at_its_minute_and_waits_for_a_new_one(
    session: Session, desk: Desk, petition: Petition
) -> None:
    sign(session, desk, petition, 50)
    publishing.publish(session, now=NOON)
    after = petition.publish_after
    assert after is not None
    publishing.publish(session, now=after - MINUTE)
    assert told(session, petition) == 40
    publishing.publish(session, now=after)
    assert told(session, petition) == 50
    assert (petition.published_at, petition.publish_after) == (after, None)
    sign(session, desk, petition, 10, start=50)
    publishing.publish(session, now=after + MINUTE)
    assert told(session, petition) == 50
    assert petition.publish_after is not None


def test_C21_who_comes_and_who_leaves_before_the_minute_leave_no_old_minute_behind(
    session: Session, desk: Desk, petition: Petition
) -> None:
    # given one who signs, and one who withdraws before that could be told
    sign(session, desk, petition, 41)
    publishing.publish(session, now=NOON)
    assert petition.publish_after is not None
    session.delete(session.scalars(sa.select(Signature)).first())
    publishing.publish(session, now=NOON + MINUTE)
    # when others sign hours later
    sign(session, desk, petition, 10, start=100)
    later = NOON + 5 * HOUR
    publishing.publish(session, now=later)
    # then they are not told at the minute that was drawn for those two, which is over
    assert told(session, petition) == 40
    assert petition.publish_after is not None
    assert petition.publish_after >= later + HOUR


def test_C21_below_twenty_the_number_is_not_told(session: Session, desk: Desk) -> None:
    petition = a_petition(session, total=0)
    sign(session, desk, petition, 19)
    run(session, NOON, NOON + 26 * HOUR)
    assert petition.published_total == 19
    assert told(session, petition) is None
    sign(session, desk, petition, 5, start=19)
    run(session, NOON + 26 * HOUR, NOON + 30 * HOUR)
    assert told(session, petition) == 24


@pytest.mark.both_databases
def test_C21_a_live_petition_shows_its_exact_total_at_once_under_twenty_too(
    session: Session, desk: Desk
) -> None:
    petition = a_petition(session, total=0, live=True)
    for people in (1, 2, 3):
        sign(session, desk, petition, 1, start=people)
        publishing.publish(session, now=NOON)
        assert told(session, petition) == people


def test_a_draft_publishes_nothing(session: Session, desk: Desk) -> None:
    petition = a_petition(session, total=0, live=True)
    sign(session, desk, petition, 30)
    petition.state = DRAFT
    session.flush()
    publishing.publish(session, now=NOON)
    assert petition.published_total == 0
    with pytest.raises(NotFoundError):
        queries.public_counts(session, petition.id)


def test_nothing_new_sets_no_minute(session: Session, desk: Desk, petition: Petition) -> None:
    sign(session, desk, petition, 40)
    publishing.publish(session, now=NOON)
    assert petition.publish_after is None
