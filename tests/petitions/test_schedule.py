"""A petition opens, closes, is handed over and put away at its time; its goal grows by steps."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core.errors import InvalidError, StaleError
from app.petitions import editing, queries
from app.petitions.editing import Settings, Wording
from app.petitions.models import CLOSED, DELIVERED, DRAFT, OPEN, Petition
from app.staff.models import AuditEntry
from tests.fixtures import NOON

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
WHOLE = Wording(
    title="Free the teachers", summary="Now.", body="Free them.", addressee="The minister"
)


@pytest.fixture
def draft(session: Session) -> Petition:
    """A whole draft."""
    made = editing.create(session, "free-teachers", Settings(goal=8000))
    editing.write(session, made.id, "en", WHOLE, seen=0, now=NOON)
    return made


def keep_schedule(session: Session, petition: Petition, now: datetime) -> str:
    editing.keep_schedule(session, now=now)
    session.refresh(petition)
    return petition.state


def acts(session: Session) -> list[str]:
    return list(session.scalars(sa.select(AuditEntry.action).order_by(AuditEntry.id)))


@pytest.mark.both_databases
def test_a_petition_opens_and_closes_at_its_hour(session: Session, draft: Petition) -> None:
    # given a draft that is to open in an hour and close in two
    dates = Settings(goal=8000, opens_at=NOON + HOUR, closes_at=NOON + 2 * HOUR)
    assert editing.change(session, draft.id, dates)
    # then it does, and not a moment before
    assert keep_schedule(session, draft, NOON + HOUR - SECOND) == DRAFT
    assert keep_schedule(session, draft, NOON + HOUR) == OPEN
    assert keep_schedule(session, draft, NOON + 2 * HOUR - SECOND) == OPEN
    assert keep_schedule(session, draft, NOON + 2 * HOUR) == CLOSED
    assert acts(session) == ["petition.opened-on-time", "petition.closed-on-time"]


def test_a_draft_that_is_not_ready_on_its_day_stays_and_staff_are_told_once(
    session: Session,
) -> None:
    empty = editing.create(session, "empty", Settings(goal=8000, opens_at=NOON))
    assert keep_schedule(session, empty, NOON) == DRAFT
    assert keep_schedule(session, empty, NOON) == DRAFT
    assert acts(session) == ["petition.not-ready"]
    assert empty.opens_at is None


def test_what_closes_before_it_opens_is_refused(session: Session, draft: Petition) -> None:
    with pytest.raises(InvalidError):
        editing.change(session, draft.id, Settings(goal=8000, opens_at=NOON, closes_at=NOON))


@pytest.mark.parametrize("later", [(8000,), (7000,), (9000, 9000), (10_000_001,)])
def test_later_goals_rise(session: Session, draft: Petition, later: tuple[int, ...]) -> None:
    with pytest.raises(InvalidError):
        editing.change(session, draft.id, Settings(goal=8000, later_goals=later))


@pytest.mark.parametrize(
    ("published", "goal"), [(0, 100), (99, 100), (100, 500), (500, 1000), (5000, 1000)]
)
def test_the_goal_grows_by_steps(
    session: Session, draft: Petition, published: int, goal: int
) -> None:
    editing.publish(session, draft.id, now=NOON)
    editing.change(session, draft.id, Settings(goal=100, later_goals=(500, 1000)))
    draft.published_total = published
    session.flush()
    assert queries.public_counts(session, draft.id).goal == goal


def test_a_closed_petition_is_handed_over_and_put_away_and_keeps_its_page(
    session: Session, draft: Petition
) -> None:
    editing.publish(session, draft.id, now=NOON)
    with pytest.raises(StaleError):
        editing.deliver(session, draft.id, now=NOON)
    editing.close(session, draft.id, now=NOON)
    editing.deliver(session, draft.id, now=NOON)
    session.refresh(draft)
    assert (draft.state, draft.delivered) == (DELIVERED, NOON.date())
    assert len(queries.shown_petitions(session, "en")) == 1
    editing.archive(session, draft.id)
    assert queries.shown_petitions(session, "en") == []
    assert not queries.shown_petition(session, "free-teachers", "en").open
