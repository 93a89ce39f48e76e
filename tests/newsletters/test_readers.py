"""To whom an issue goes, and what staff are told of it (F08, C18, C19)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.audience.models import COMPLAINT, DO_NOT_CONTACT, HARD_BOUNCE, NEVER_WRITE
from app.audience.subscriptions import Desk
from app.core.cells import Cells, merged
from app.newsletters import readers
from tests.fixtures import NOON
from tests.newsletters.conftest import a_reader, an_issue, readers_of, suppress

TODAY = NOON.date()


@pytest.mark.both_databases
def test_F08_readers_are_counted_by_what_they_and_the_issue_share(
    session: Session, desk: Desk
) -> None:
    readers_of(session, desk, 3, ("fa",))
    readers_of(session, desk, 2, ("en", "fa"))
    readers_of(session, desk, 1, ("de", "en"))
    readers_of(session, desk, 4, ("de",))
    found = readers.audience(session, an_issue(session).issue, today=TODAY)
    assert found.languages == {("fa",): 3, ("en", "fa"): 2, ("en",): 1}
    assert found.total == 6
    assert found.without_language == 4


@pytest.mark.both_databases
def test_C18_the_suppressed_are_counted_apart_each_for_one_reason(
    session: Session, desk: Desk
) -> None:
    people = readers_of(session, desk, 6, ("fa",))
    suppress(session, people[0], COMPLAINT)
    suppress(session, people[0], HARD_BOUNCE)
    suppress(session, people[1], NEVER_WRITE)
    suppress(session, people[2], HARD_BOUNCE)
    suppress(session, people[3], DO_NOT_CONTACT)  # of outreach only
    found = readers.audience(session, an_issue(session).issue, today=TODAY)
    assert found.suppressed == {COMPLAINT: 1, NEVER_WRITE: 1, HARD_BOUNCE: 1}
    assert found.total == 3


@pytest.mark.both_databases
def test_who_is_on_two_lists_is_counted_and_chosen_once(session: Session, desk: Desk) -> None:
    a_reader(session, desk, "both@mail.example", ("fa",))
    a_reader(session, desk, "both@mail.example", ("en",), on="unions")
    made = an_issue(session, lists=("newsletter", "unions"))
    assert readers.audience(session, made.issue, today=TODAY).languages == {("fa",): 1}
    (row,) = session.execute(readers.recipients(made.issue.lists, [("fa",), ("en",)])).all()
    assert (row.slug, row.languages) == ("newsletter", ("fa",))


def test_C14_of_two_subscriptions_the_quiet_one_is_taken(session: Session, desk: Desk) -> None:
    a_reader(session, desk, "both@mail.example", ("fa",))
    a_reader(session, desk, "both@mail.example", ("en",), on="unions", quiet=True)
    (row,) = session.execute(readers.recipients(["newsletter", "unions"], [("fa",), ("en",)])).all()
    assert (row.slug, row.quiet) == ("unions", True)


def test_who_reads_the_issue_through_one_list_only_is_still_reached(
    session: Session, desk: Desk
) -> None:
    a_reader(session, desk, "both@mail.example", ("de",))
    a_reader(session, desk, "both@mail.example", ("en",), on="unions")
    found = readers.audience(
        session, an_issue(session, lists=("newsletter", "unions")).issue, today=TODAY
    )
    assert (found.languages, found.without_language) == ({("en",): 1}, 0)


def test_only_the_lists_that_were_chosen_count(session: Session, desk: Desk) -> None:
    a_reader(session, desk, "one@mail.example")
    a_reader(session, desk, "two@mail.example", on="unions")
    found = readers.audience(session, an_issue(session, lists=("unions",)).issue, today=TODAY)
    assert found.total == 1


def test_C19_cells_under_twenty_become_other() -> None:
    cells = merged({"fa": 100, "en": 30, "fa,en": 19, "en,fa": 4})
    assert (cells.shown, cells.other) == ({"fa": 100, "en": 30}, 23)


def test_C19_other_is_never_a_number_that_the_total_betrays() -> None:
    cells = merged({"fa": 100, "en": 30, "fa,en": 7})
    assert (cells.shown, cells.other) == ({"fa": 100}, 37)


def test_C19_who_suppresses_an_address_does_not_see_whether_it_was_among_the_readers(
    session: Session, desk: Desk
) -> None:
    # given thirty readers, of whom somebody knows one
    people = readers_of(session, desk, 30, ("fa",))
    issue = an_issue(session).issue
    before = readers.audience(session, issue, today=TODAY)
    # when the address is suppressed
    suppress(session, people[0], NEVER_WRITE, day=TODAY)
    # then the figures stay as they were until the next day
    assert readers.audience(session, issue, today=TODAY) == before
    tomorrow = readers.audience(session, issue, today=TODAY + timedelta(days=1))
    assert (tomorrow.total, tomorrow.suppressed) == (29, {NEVER_WRITE: 1})


def test_C19_few_readers_are_all_other() -> None:
    assert merged({"fa": 7}) == Cells({}, 7)
    assert merged({}) == Cells({}, 0)
