"""Every period of C16, from the settings."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import caps, subscriptions
from app.audience.models import CapCounter, Contact
from app.audience.subscriptions import Desk
from app.core import addresses, ids, tokens
from app.core.database import Base
from app.optin.models import SIGNATURE, Request
from app.outbox import posting, queries, sends
from app.outbox.models import (
    ACCEPTED,
    BOUNCED,
    CLOSED,
    DONE,
    FREEZING,
    NEWSLETTER,
    SENT,
    Delivery,
    Envelope,
    Letter,
    Retry,
    Send,
    SendMinute,
    SendResult,
    Slice,
)
from app.staff.models import Account, StaffSession
from config import Config
from emails.skeleton import Skeleton
from tests.factories import a_subscriber, an_answered_request
from tests.fixtures import NOON
from workers.retention import forget_on_time

A_DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def count(session: Session, table: type[Base]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def forget(session: Session, config: Config, now: datetime) -> None:
    forget_on_time(session, config, now=now)
    session.expire_all()


@pytest.mark.both_databases
def test_C16_an_unproven_request_goes_when_it_expires(
    session: Session, desk: Desk, config: Config
) -> None:
    an_answered_request(session, desk, SIGNATURE, "1", now=NOON)
    forget(session, config, NOON + 3 * A_DAY - HOUR)
    assert count(session, Request) == 1
    forget(session, config, NOON + 3 * A_DAY)
    assert count(session, Request) == 0


@pytest.mark.parametrize("days", [31, 40])
def test_C16_cap_counters_go_after_their_setting(
    session: Session, desk: Desk, config: Config, days: int
) -> None:
    index = desk.indexer.index(addresses.parse("leila@example.org"))
    caps.take(session, [index], a_day=3, a_month=6, today=NOON.date())
    config = dataclasses.replace(config, cap_days=days)
    forget(session, config, NOON + days * A_DAY)
    assert count(session, CapCounter) == 1
    forget(session, config, NOON + (days + 1) * A_DAY)
    assert count(session, CapCounter) == 0


def test_C16_a_contact_without_a_live_purpose_goes_the_same_day(
    session: Session, desk: Desk, config: Config
) -> None:
    reader = a_subscriber(session, desk, "leila@example.org")
    a_subscriber(session, desk, "karim@example.org")
    token = desk.secrets.token(tokens.ONE_CLICK, reader.id, reader.key_id)
    subscriptions.end_by_token(session, token, day=NOON.date())
    forget(session, config, NOON)
    assert count(session, Contact) == 1


def test_C14_a_never_write_link_is_good_for_ten_days(
    session: Session, desk: Desk, config: Config
) -> None:
    letter = a_letter(session, posting.standing_send(session))
    mail = posting.Mail(letter, ids.new(), 0, addresses.parse("leila@example.org"))
    posting.post(session, desk, [mail], now=NOON)
    forget(session, config, NOON + 10 * A_DAY)
    assert count(session, Envelope) == 1
    forget(session, config, NOON + 11 * A_DAY)
    assert count(session, Envelope) == 0


def a_letter(session: Session, send: Send, languages: tuple[str, ...] = ("fa",)) -> Letter:
    return posting.add_letter(
        session,
        send,
        kind="newsletter",
        languages=languages,
        skeleton=Skeleton(b"x", ()),
        sender="news@peyvand.example",
        base_url="https://peyvand.example",
        key_id="1",
    )


def a_finished_send(session: Session, desk: Desk) -> Send:
    """Two letters, three readers: two accepted, one bounced; finished at noon."""
    send = posting.schedule(
        session,
        purpose=NEWSLETTER,
        subject="1",
        begins_at=NOON,
        scheduled_by=None,
        state=FREEZING,
    )
    assert send is not None
    for languages, states in ((("fa",), (ACCEPTED, BOUNCED)), (("en",), (ACCEPTED,))):
        letter = a_letter(session, send, languages)
        slice_ = Slice(
            send_id=send.id,
            letter_id=letter.id,
            destination="rest",
            priority=2,
            state=DONE,
            size=len(states),
            queued=0,
            accepted=states.count(ACCEPTED),
            bounced=states.count(BOUNCED),
        )
        session.add(slice_)
        session.flush()
        for place, state in enumerate(states):
            reader = a_subscriber(session, desk, f"r{place}{languages[0]}@example.org")
            delivery_id = ids.new()
            session.add(
                Delivery(
                    slice_id=slice_.id,
                    position=place,
                    id=delivery_id,
                    send_id=send.id,
                    recipient=reader.contact_id,
                    subscription_id=reader.id,
                    state=state,
                )
            )
            session.add(Retry(delivery_id=delivery_id, attempts=1))
    session.add(SendMinute(send_id=send.id, minute=NOON, accepted=2))
    send.state, send.finished_at = SENT, NOON
    session.flush()
    return send


@pytest.mark.both_databases
def test_C16_a_send_becomes_counts_ten_days_after_its_last_mail(
    session: Session, desk: Desk, config: Config
) -> None:
    send = a_finished_send(session, desk)
    forget(session, config, NOON + 10 * A_DAY - HOUR)
    assert (send.state, count(session, Delivery)) == (SENT, 3)
    forget(session, config, NOON + 10 * A_DAY)
    assert send.state == CLOSED
    for table in (Delivery, Slice, SendMinute, Retry):
        assert count(session, table) == 0, table
    left = session.execute(sa.select(SendResult.state, SendResult.deliveries)).all()
    assert sorted(map(tuple, left)) == [(ACCEPTED, 1), (ACCEPTED, 1), (BOUNCED, 1)]


@pytest.mark.both_databases
def test_C16_a_closed_send_cannot_be_sent_again_and_still_shows_its_counts(
    session: Session, desk: Desk, config: Config
) -> None:
    send = a_finished_send(session, desk)
    before = queries.progress(session, send.id, now=NOON)
    forget(session, config, NOON + 10 * A_DAY)
    after = queries.progress(session, send.id, now=NOON + 10 * A_DAY)
    assert dict(after.counts) == dict(before.counts)
    assert [(one.languages, dict(one.counts)) for one in after.letters] == [
        (one.languages, dict(one.counts)) for one in before.letters
    ]
    assert sends.send_again(session, send.id) == 0
    session.expire_all()
    assert send.state == CLOSED
    made = posting.schedule(
        session, purpose=NEWSLETTER, subject="1", begins_at=NOON, scheduled_by=None, state=FREEZING
    )
    assert made is None


@pytest.mark.both_databases
def test_C16_old_confirmations_go_though_their_send_never_ends(
    session: Session, desk: Desk, config: Config
) -> None:
    send = posting.standing_send(session)
    letter = a_letter(session, send)
    for number in range(2):
        mail = posting.Mail(letter, ids.new(), 0, addresses.parse(f"a{number}@example.org"))
        posting.post(session, desk, [mail], now=NOON)
    done, waiting = session.scalars(sa.select(Slice).order_by(Slice.id)).all()
    done.state, done.done_on = DONE, NOON.date()
    waiting_id = waiting.id
    session.flush()
    forget(session, config, NOON + 9 * A_DAY)
    assert count(session, Delivery) == 2
    forget(session, config, NOON + 10 * A_DAY)
    assert session.scalars(sa.select(Delivery.slice_id)).all() == [waiting_id]
    assert session.scalars(sa.select(Slice.id)).all() == [waiting_id]


def test_C28_ended_staff_sessions_go(session: Session, config: Config) -> None:
    account = Account(name="Roya", role="admin", language="fa", password_hash="x")
    session.add(account)
    session.flush()
    for number, seen in enumerate((NOON, NOON - 25 * timedelta(minutes=1))):
        session.add(
            StaffSession(
                token_hash=bytes([number]), account_id=account.id, began_at=seen, seen_at=seen
            )
        )
    forget(session, config, NOON + timedelta(minutes=10))
    assert session.scalars(sa.select(StaffSession.token_hash)).all() == [b"\x00"]


@pytest.mark.both_databases
def test_retention_may_run_as_often_as_one_likes(session: Session, config: Config) -> None:
    for _ in range(3):
        forget(session, config, NOON)
