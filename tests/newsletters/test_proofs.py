"""Test mails to one's own proven address."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.newsletters import proofs, sending
from app.newsletters.proofs import NoTestAddressError
from app.outbox.models import TEST, WAITING, Delivery, Envelope, Letter, Send, Slice
from app.staff.models import Account
from config import Config
from tests.newsletters.conftest import (
    NOON,
    Written,
    an_account,
    an_issue,
    count,
    untranslated,
    with_test_address,
)

BOTH = [("fa",), ("en",), ("fa", "en")]


@pytest.fixture
def roya(session: Session, desk: Desk) -> Account:
    """Someone with an address for test mails."""
    return with_test_address(desk, an_account(session), "roya@mail.example")


def ask(session: Session, made: Written, account: Account) -> Send:
    return proofs.ask_for_test(session, made.issue.id, account, BOTH, quiet=False, now=NOON)


def test_the_web_asks_by_a_row_and_each_time_is_a_new_round(
    session: Session, roya: Account
) -> None:
    made = an_issue(session)
    first, second = ask(session, made, roya), ask(session, made, roya)
    assert (first.purpose, first.state, first.begins_at) == (TEST, WAITING, NOON)
    assert first.subject == f"{made.issue.id}:{roya.id}"
    assert (first.round, second.round) == (0, 1)


def test_without_a_proven_address_nothing_is_asked(session: Session) -> None:
    with pytest.raises(NoTestAddressError):
        ask(session, an_issue(session), an_account(session))
    assert count(session, Send) == 0


@pytest.mark.both_databases
def test_the_worker_posts_one_mail_a_choice_to_that_address(
    session: Session, desk: Desk, config: Config, roya: Account
) -> None:
    send = ask(session, an_issue(session, written=("fa",)), roya)
    sending.send_test(session, desk, send, config, untranslated, now=NOON)
    letters = session.scalars(sa.select(Letter)).all()
    assert {letter.languages for letter in letters} == set(BOTH)
    assert count(session, Delivery) == 3
    for envelope in session.scalars(sa.select(Envelope)):
        assert envelope.box is not None
        opened = desk.opener.open("envelope", envelope.delivery_id, envelope.box)
        assert opened["address"] == "roya@mail.example"
        assert opened["holes"] == {"unsubscribe": "https://peyvand.example/u/test"}


def test_a_test_mail_is_no_newsletter_that_could_be_unsubscribed(
    session: Session, desk: Desk, config: Config, roya: Account
) -> None:
    send = ask(session, an_issue(session), roya)
    sending.send_test(session, desk, send, config, untranslated, now=NOON)
    for letter in session.scalars(sa.select(Letter)):
        assert b"List-Unsubscribe" not in letter.skeleton


def test_nothing_goes_to_who_was_locked_meanwhile(
    session: Session, desk: Desk, config: Config, roya: Account
) -> None:
    send = ask(session, an_issue(session), roya)
    roya.active = False
    session.flush()
    sending.send_test(session, desk, send, config, untranslated, now=NOON)
    assert count(session, Slice) == 0


def test_C08_the_address_stands_in_no_row_of_the_send(
    session: Session, desk: Desk, config: Config, roya: Account
) -> None:
    send = ask(session, an_issue(session), roya)
    sending.send_test(session, desk, send, config, untranslated, now=NOON)
    for letter in session.scalars(sa.select(Letter)):
        assert b"roya@" not in letter.skeleton
    assert "roya@" not in str(send.options)


def test_a_box_that_does_not_open_stops_nothing_else(
    session: Session, desk: Desk, config: Config, roya: Account, caplog: pytest.LogCaptureFixture
) -> None:
    send = ask(session, an_issue(session), roya)
    roya.test_box = b"1:moved here from another row"
    session.flush()
    sending.send_test(session, desk, send, config, untranslated, now=NOON)
    assert count(session, Slice) == 0
    assert "MisplacedBoxError" in caplog.text
