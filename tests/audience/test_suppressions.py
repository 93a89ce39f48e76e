"""Who gets no mail, who may be asked again, and how often a mailbox is written to unproven (C15, C18)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import caps, suppressions
from app.audience.models import (
    COMPLAINT,
    DO_NOT_CONTACT,
    HARD_BOUNCE,
    NEVER_WRITE,
    CapCounter,
    Contact,
    Subscription,
    Suppression,
)
from app.audience.queries import may_be_asked, may_receive, noted_choices
from app.audience.subscriptions import Desk, contact_of, leave
from app.core import addresses
from app.core.database import Database
from app.core.sealing import Index, Indexer, make_index_key
from tests.factories import DAY, a_subscriber

LEILA = addresses.parse("leila.k@gmail.com")
SAME_MAILBOX = addresses.parse("LeilaK+x@googlemail.com")
A_DAY = timedelta(days=1)


@pytest.fixture
def indexes(desk: Desk) -> list[Index]:
    return list(desk.indexer.every_index(LEILA))


def receives(session: Session, subscription: Subscription) -> bool:
    return bool(
        session.scalar(
            sa.select(may_receive(Subscription.id)).where(Subscription.id == subscription.id)
        )
    )


def suppress(session: Session, index: Index, reason: str, day: date = DAY) -> None:
    suppressions.add(session, index.key_id, index.mailbox, reason, day=day)


@pytest.mark.both_databases
@pytest.mark.parametrize("reason", [COMPLAINT, NEVER_WRITE, HARD_BOUNCE])
def test_C18_who_complained_bounced_or_wants_silence_gets_no_newsletter(
    session: Session, desk: Desk, reason: str
) -> None:
    reader = a_subscriber(session, desk, LEILA.exact)
    other = a_subscriber(session, desk, "karim@gmail.com")
    assert receives(session, reader)
    suppress(session, desk.indexer.index(SAME_MAILBOX), reason)
    assert not receives(session, reader)
    assert receives(session, other)


def test_C18_do_not_contact_stops_outreach_and_not_what_one_asked_for(
    session: Session, desk: Desk
) -> None:
    reader = a_subscriber(session, desk, LEILA.exact)
    suppress(session, desk.indexer.index(LEILA), DO_NOT_CONTACT)
    assert receives(session, reader)


@pytest.mark.both_databases
def test_C18_who_left_a_list_gets_nothing_of_that_list(session: Session, desk: Desk) -> None:
    newsletter = a_subscriber(session, desk, LEILA.exact)
    unions = a_subscriber(session, desk, LEILA.exact, list_slug="unions")
    contact = session.get_one(Contact, newsletter.contact_id)
    gone = newsletter.id
    leave(session, contact, "newsletter", day=DAY)
    assert not session.scalar(sa.select(may_receive(sa.literal(gone, sa.Uuid()))))
    assert receives(session, unions)


@pytest.mark.parametrize("reason", [COMPLAINT, NEVER_WRITE])
def test_C18_for_good_means_no_confirmation_either_ever(
    session: Session, indexes: list[Index], reason: str
) -> None:
    suppress(session, indexes[0], reason, day=DAY - timedelta(days=900))
    assert not may_be_asked(session, indexes, today=DAY)


@pytest.mark.both_databases
def test_C18_a_mailbox_that_bounced_gets_one_confirmation_a_week(
    session: Session, indexes: list[Index]
) -> None:
    suppress(session, indexes[0], HARD_BOUNCE, day=DAY)
    asked = [day for day in range(30) if may_be_asked(session, indexes, today=DAY + day * A_DAY)]
    assert asked == [7, 14, 21, 28]


def test_C18_a_new_bounce_begins_the_week_anew(session: Session, indexes: list[Index]) -> None:
    suppress(session, indexes[0], HARD_BOUNCE, day=DAY)
    suppress(session, indexes[0], HARD_BOUNCE, day=DAY + 5 * A_DAY)
    assert not may_be_asked(session, indexes, today=DAY + 8 * A_DAY)
    assert may_be_asked(session, indexes, today=DAY + 12 * A_DAY)


@pytest.mark.both_databases
def test_C18_the_confirmation_let_through_in_a_week_may_go(
    session: Session, indexes: list[Index]
) -> None:
    suppress(session, indexes[0], HARD_BOUNCE, day=DAY)
    today = DAY + 7 * A_DAY

    def blocked() -> bool:
        column = sa.literal(indexes[0].mailbox, sa.LargeBinary())
        return bool(
            session.scalar(sa.select(suppressions.blocks_confirmations(column, today=today)))
        )

    assert may_be_asked(session, indexes, today=today)
    assert not blocked(), "it was let through a moment ago"
    suppress(session, indexes[0], HARD_BOUNCE, day=today)
    assert blocked(), "but another mail bounced meanwhile"


def test_C18_a_proof_lifts_a_bounce_and_nothing_else(
    session: Session, indexes: list[Index]
) -> None:
    for reason in (HARD_BOUNCE, COMPLAINT):
        suppress(session, indexes[0], reason, day=DAY - 30 * A_DAY)
    suppressions.lift(session, indexes[0].mailbox, HARD_BOUNCE)
    assert session.scalars(sa.select(Suppression.reason)).all() == [COMPLAINT]
    suppressions.lift(session, indexes[0].mailbox, COMPLAINT)
    assert may_be_asked(session, indexes, today=DAY)


def test_C18_lifting_a_bounce_forgets_that_it_was_asked_again(
    session: Session, indexes: list[Index]
) -> None:
    suppress(session, indexes[0], HARD_BOUNCE, day=DAY)
    assert may_be_asked(session, indexes, today=DAY + 7 * A_DAY)
    suppressions.lift(session, indexes[0].mailbox, HARD_BOUNCE)
    assert may_be_asked(session, indexes, today=DAY + 8 * A_DAY)
    assert session.scalars(sa.select(Suppression)).all() == []


@pytest.mark.both_databases
def test_R05_one_mailbox_is_suppressed_once_a_reason(
    session: Session, indexes: list[Index]
) -> None:
    for day in (DAY, DAY + A_DAY):
        suppress(session, indexes[0], COMPLAINT, day=day)
    (found,) = session.scalars(sa.select(Suppression))
    assert found.day == DAY + A_DAY


def test_C03_a_suppression_holds_under_every_index_key(session: Session) -> None:
    old, new = (make_index_key(stem.ljust(32, b".")) for stem in (b"old", b"new"))
    before = Indexer(old).index(LEILA)
    suppress(session, before, COMPLAINT)
    rotated = Indexer(f"2:{new.partition(':')[2]},{old}")
    assert not may_be_asked(session, list(rotated.every_index(LEILA)), today=DAY)


def test_C17_noted_choices_are_the_lists_and_languages_and_nothing_for_nobody(
    session: Session, desk: Desk
) -> None:
    a_subscriber(session, desk, LEILA.exact, languages=("fa", "en"))
    assert noted_choices(session, contact_of(session, desk, LEILA)) == {
        "lists": {"newsletter": {"languages": ["fa", "en"], "quiet": False}}
    }
    assert noted_choices(session, None) == {"lists": {}}


# Caps.


def take(session: Session, indexes: Sequence[Index], today: date) -> bool:
    return caps.take(session, indexes, a_day=3, a_month=6, today=today)


@pytest.mark.both_databases
def test_C15_three_a_day_and_six_in_31_days(session: Session, indexes: list[Index]) -> None:
    assert [take(session, indexes, DAY) for _ in range(5)] == [True, True, True, False, False]
    tomorrow = DAY + A_DAY
    assert [take(session, indexes, tomorrow) for _ in range(4)] == [True, True, True, False]
    assert [take(session, indexes, DAY + days * A_DAY) for days in (2, 15, 30)] == [False] * 3
    assert take(session, indexes, DAY + 31 * A_DAY), "the first day is out of the month"


@pytest.mark.both_databases
def test_C15_two_workers_at_once_take_no_more_places_than_there_are(
    database: Database, indexes: list[Index]
) -> None:
    ready = threading.Barrier(6)
    taken: list[bool] = []

    def mail() -> None:
        ready.wait()
        with database.unit_of_work() as session:
            taken.append(take(session, indexes, DAY))

    threads = [threading.Thread(target=mail) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 3 + [True] * 3
    with database.reading() as session:
        assert session.scalars(sa.select(CapCounter.mailed)).all() == [3]


def test_C15_all_spellings_of_a_mailbox_share_its_places(session: Session, desk: Desk) -> None:
    for _ in range(3):
        take(session, [desk.indexer.index(SAME_MAILBOX)], DAY)
    assert not take(session, [desk.indexer.index(LEILA)], DAY)
    assert take(session, [desk.indexer.index(addresses.parse("other@gmail.com"))], DAY)


@pytest.mark.both_databases
def test_C15_a_proof_gives_the_places_back(session: Session, indexes: list[Index]) -> None:
    for _ in range(3):
        take(session, indexes, DAY)
    caps.give_back(session, indexes, mails=2, day=DAY)
    assert [take(session, indexes, DAY) for _ in range(3)] == [True, True, False]
    caps.give_back(session, indexes, mails=9, day=DAY)
    assert session.scalars(sa.select(CapCounter.mailed)).all() == [0]


@pytest.mark.both_databases
def test_C15_a_resend_after_midnight_gives_its_place_back_too(
    session: Session, indexes: list[Index]
) -> None:
    take(session, indexes, DAY)
    take(session, indexes, DAY + A_DAY)
    caps.give_back(session, indexes, mails=2, day=DAY)
    assert set(session.scalars(sa.select(CapCounter.mailed))) == {0}


def test_C15_what_was_taken_before_the_request_is_not_given_back(
    session: Session, indexes: list[Index]
) -> None:
    take(session, indexes, DAY - A_DAY)
    take(session, indexes, DAY)
    caps.give_back(session, indexes, mails=2, day=DAY)
    rows = session.execute(sa.select(CapCounter.day, CapCounter.mailed).order_by(CapCounter.day))
    assert [tuple(row) for row in rows] == [(DAY - A_DAY, 1), (DAY, 0)]


def test_C03_places_count_under_every_index_key(session: Session) -> None:
    old, new = (make_index_key(stem.ljust(32, b".")) for stem in (b"old", b"new"))
    for _ in range(2):
        take(session, [Indexer(old).index(LEILA)], DAY)
    rotated = list(Indexer(f"2:{new.partition(':')[2]},{old}").every_index(LEILA))
    assert [take(session, rotated, DAY) for _ in range(2)] == [True, False]


def test_C16_counters_go_after_their_days(session: Session, indexes: list[Index]) -> None:
    for days in (0, 30, 31):
        take(session, indexes, DAY - days * A_DAY)
    caps.forget(session, before=DAY - 30 * A_DAY)
    assert sorted(session.scalars(sa.select(CapCounter.day))) == [DAY - 30 * A_DAY, DAY]


def test_C17_an_erased_mailbox_leaves_no_counter(session: Session, indexes: list[Index]) -> None:
    take(session, indexes, DAY)
    caps.drop(session, indexes)
    assert session.scalars(sa.select(CapCounter)).all() == []
