"""Fixing recipients: once each, in random order, resumable at every cut (R01, R02, R05, M13)."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Mapping
from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.audience import consents
from app.audience.models import Contact, MailingList, Subscription
from app.audience.subscriptions import Desk
from app.core import addresses, ids, tokens
from app.core.database import Base, Database
from app.outbox import freezing, posting
from app.outbox.models import (
    CONFIRMATION,
    FREEZING,
    NEWSLETTER,
    QUEUED,
    READY,
    RUNNING,
    TEST,
    WAITING,
    Delivery,
    Envelope,
    Letter,
    Send,
    Slice,
)
from tests.factories import a_subscriber
from tests.fixtures import NOON
from tests.outbox.road import a_letter, a_send, confirmations, contact_ids, counters_agree, readers

Key = tuple[tuple[str, ...], bool]
"""Languages and quiet: what tells a send's letters apart."""


def count(session: Session, table: type[Base]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def recipients() -> sa.Select[Any]:
    """Every subscriber once, as a room selects them."""
    query = sa.select(
        Contact.destination.label("destination"),
        Contact.id.label("contact_id"),
        Subscription.id.label("subscription_id"),
        Subscription.languages.label("languages"),
        Subscription.quiet.label("quiet"),
    ).join(Subscription, Subscription.contact_id == Contact.id)
    return cast("sa.Select[Any]", query)


def letters(session: Session, send: Send, *choices: tuple[str, ...]) -> Mapping[Key, int]:
    return {(choice, False): a_letter(session, send, choice).id for choice in choices}


def freeze_all(session: Session, send: Send, of: Mapping[Key, int], slices: int = 1) -> int:
    """Freeze call by call; returns how many calls it took."""
    for call in range(1, 200):
        if freezing.freeze(session, send, of, recipients(), slices=slices):
            return call
    raise AssertionError("freezing does not end")


@pytest.mark.both_databases
def test_R05_one_purpose_subject_and_round_is_one_send(session: Session) -> None:
    first = a_send(session, WAITING, "1")
    again = posting.schedule(
        session, purpose=NEWSLETTER, subject="1", begins_at=NOON, scheduled_by=2, state=WAITING
    )
    assert again is None
    assert a_send(session, WAITING, "2").id != first.id
    assert a_send(session, WAITING, "1", round_=1).id != first.id
    assert a_send(session, WAITING, "1", purpose=TEST).priority < first.priority
    assert first.options == {}
    assert "deliver" in session.info["wakes"]


@pytest.mark.both_databases
def test_R05_two_clicks_at_once_make_one_send(database: Database) -> None:
    ready = threading.Barrier(4)
    made: list[bool] = []

    def click() -> None:
        ready.wait()
        with database.unit_of_work() as session:
            send = posting.schedule(
                session,
                purpose=NEWSLETTER,
                subject="1",
                begins_at=NOON,
                scheduled_by=1,
                state=WAITING,
            )
            made.append(send is not None)

    threads = [threading.Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]


@pytest.mark.both_databases
def test_all_confirmations_share_one_standing_send(session: Session) -> None:
    first = posting.standing_send(session)
    assert posting.standing_send(session).id == first.id
    assert (first.purpose, first.state) == (CONFIRMATION, RUNNING)


@pytest.mark.both_databases
def test_a_letter_of_one_kind_languages_and_revision_is_kept_once(session: Session) -> None:
    send = a_send(session)
    first = a_letter(session, send)
    assert a_letter(session, send).id == first.id
    assert a_letter(session, send, ("fa", "en")).id != first.id
    assert a_letter(session, send, ("en", "fa")).id != a_letter(session, send, ("fa", "en")).id
    assert a_letter(session, send, quiet=True).id != first.id
    assert count(session, Letter) == 4


# Mails to who is no contact.


@pytest.mark.both_databases
def test_a_confirmation_is_a_row_with_a_sealed_envelope(session: Session, desk: Desk) -> None:
    letter = confirmations(session, desk, 1, domain="gmail.com")
    delivery = session.scalars(sa.select(Delivery)).one()
    envelope = session.scalars(sa.select(Envelope)).one()
    slice_ = session.scalars(sa.select(Slice)).one()
    assert (slice_.destination, slice_.size, slice_.queued, slice_.state) == (
        "gmail.com",
        1,
        1,
        READY,
    )
    assert (delivery.state, delivery.position, delivery.subscription_id) == (QUEUED, 0, None)
    assert envelope.box is not None
    assert b"asker" not in envelope.box
    opened = desk.opener.open("envelope", delivery.id, envelope.box)
    assert opened["address"] == "asker0@gmail.com"
    token = desk.secrets.token(tokens.NEVER_WRITE, delivery.id, letter.key_id)
    assert opened["holes"]["never_write"] == f"https://plain.example/en/never/{token}"
    assert envelope.never_write_hash == tokens.fingerprint(token)
    index = desk.indexer.index(addresses.parse("a.s.k.e.r0@gmail.com"))
    assert envelope.mailbox_index == index.mailbox
    counters_agree(session)


@pytest.mark.both_databases
def test_M13_a_slice_holds_one_letter_and_one_destination_group(
    session: Session, desk: Desk
) -> None:
    send = posting.standing_send(session)
    fa, en = a_letter(session, send), a_letter(session, send, ("en",))
    mails = [
        posting.Mail(letter, ids.new(), 0, addresses.parse(f"x@{domain}"))
        for letter in (fa, en)
        for domain in ("gmail.com", "one.example", "two.example", "yahoo.com")
    ]
    posting.post(session, desk, mails, now=NOON)
    found = session.execute(sa.select(Slice.letter_id, Slice.destination, Slice.size))
    assert sorted(map(tuple, found)) == sorted(
        (letter.id, group, size)
        for letter in (fa, en)
        for group, size in (("gmail.com", 1), ("rest", 2), ("yahoo.com", 1))
    )
    counters_agree(session)


@pytest.mark.both_databases
def test_R01_a_recipient_gets_a_round_once(session: Session, desk: Desk) -> None:
    letter = a_letter(session, posting.standing_send(session))
    person, address = ids.new(), addresses.parse("x@one.example")
    for round_ in (0, 1):
        posting.post(session, desk, [posting.Mail(letter, person, round_, address)], now=NOON)
    with pytest.raises(sa.exc.IntegrityError), session.begin_nested():
        posting.post(session, desk, [posting.Mail(letter, person, 1, address)], now=NOON)
    assert count(session, Delivery) == 2


def test_nothing_to_post_posts_nothing(session: Session, desk: Desk) -> None:
    posting.post(session, desk, [], now=NOON)
    assert count(session, Slice) == 0


# Freezing.


@pytest.mark.both_databases
def test_every_reader_is_fixed_once_in_the_order_of_the_random_id(
    session: Session, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(freezing, "SLICE_SIZE", 4)
    readers(session, desk, 10)
    send = a_send(session, FREEZING)
    of = letters(session, send, ("fa",))
    freeze_all(session, send, of)
    slices = session.scalars(sa.select(Slice).order_by(Slice.id)).all()
    assert [slice_.size for slice_ in slices] == [4, 4, 2]
    rows = session.execute(
        sa.select(Delivery.recipient, Delivery.position).order_by(
            Delivery.slice_id, Delivery.position
        )
    ).all()
    assert [row.recipient for row in rows] == contact_ids(session)
    assert [row.position for row in rows] == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    made = session.scalars(sa.select(Delivery.id)).all()
    assert len(set(made)) == 10
    assert set(made).isdisjoint(contact_ids(session))
    assert all(row.destination == "rest" for row in slices)
    counters_agree(session)


@pytest.mark.both_databases
def test_M13_a_group_has_slices_of_its_own_from_twenty_readers(
    session: Session, desk: Desk
) -> None:
    readers(session, desk, 20, domain="gmail.com")
    readers(session, desk, 19, domain="yahoo.com")
    readers(session, desk, 20, domain="union.example")
    readers(session, desk, 3, domain="one.example")
    send = a_send(session, FREEZING)
    freeze_all(session, send, letters(session, send, ("fa",)), slices=20)
    sizes = dict(session.execute(sa.select(Slice.destination, Slice.size)).all())
    union = desk.indexer.destination(addresses.parse("x@union.example"))
    assert sizes == {"gmail.com": 20, union: 20, "rest": 22}
    assert "union" not in union
    counters_agree(session)


@pytest.mark.both_databases
def test_F08_each_choice_of_languages_gets_its_letter(session: Session, desk: Desk) -> None:
    choices = (("fa",), ("en",), ("fa", "en"), ("en", "fa"))
    consents.publish(session, "newsletter", "de", "Ja.")
    for number, choice in enumerate(choices):
        readers(session, desk, number + 1, domain=f"d{number}.example", languages=choice)
    readers(session, desk, 2, domain="de.example", languages=("de",))
    send = a_send(session, FREEZING)
    of = letters(session, send, *choices)
    freeze_all(session, send, of)
    found = session.execute(sa.select(Letter.languages, Slice.size).join(Slice))
    assert dict(found.all()) == {choice: number + 1 for number, choice in enumerate(choices)}


class Cut(BaseException):
    """What a kill looks like from inside: nothing after it runs."""


@pytest.mark.both_databases
def test_R02_freezing_may_be_cut_before_any_statement(
    database: Database, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call is cut at its first statement, then at its second, and so on, until it gets through."""
    monkeypatch.setattr(freezing, "SLICE_SIZE", 3)
    with database.unit_of_work() as session:
        readers(session, desk, 23, domain="gmail.com")
        readers(session, desk, 5, domain="one.example", languages=("en",))
        send = a_send(session, FREEZING)
        send_id, of = send.id, letters(session, send, ("fa",), ("en",))
    left = [0]

    def cut(*_: object) -> None:
        if left[0] == 0:
            raise Cut
        left[0] -= 1

    event.listen(database.engine, "before_cursor_execute", cut)
    done, cuts = False, 0
    for statements in itertools.cycle(range(40)):
        left[0] = statements
        try:
            with database.unit_of_work() as session:
                send = session.get_one(Send, send_id)
                done = freezing.freeze(session, send, of, recipients(), slices=2)
        except Cut:
            cuts += 1
            continue
        if done:
            break
    event.remove(database.engine, "before_cursor_execute", cut)
    assert cuts > 10
    with database.unit_of_work() as session:
        assert count(session, Delivery) == 28
        assert session.scalar(sa.select(sa.func.count(sa.distinct(Delivery.recipient)))) == 28
        counters_agree(session)
        assert session.get_one(Send, send_id).options["freeze"]["after"] == ""


@pytest.mark.both_databases
def test_who_is_selected_twice_is_fixed_once(session: Session, desk: Desk) -> None:
    for person in range(3):
        for slug in ("newsletter", "unions"):
            a_subscriber(session, desk, f"r{person}@union.example", list_slug=slug)
    a_subscriber(session, desk, "only@union.example", list_slug="unions")
    assert count(session, MailingList) == 2
    send = a_send(session, FREEZING)
    freeze_all(session, send, letters(session, send, ("fa",)))
    assert count(session, Delivery) == 4
    counters_agree(session)


@pytest.mark.both_databases
def test_R02_freezing_again_after_its_end_adds_nothing(session: Session, desk: Desk) -> None:
    readers(session, desk, 3)
    send = a_send(session, FREEZING)
    of = letters(session, send, ("fa",))
    freeze_all(session, send, of)
    send.options = {}
    freeze_all(session, send, of)
    assert count(session, Delivery) == 3
    counters_agree(session)


def test_a_send_to_nobody_has_no_slice(session: Session) -> None:
    send = a_send(session, FREEZING)
    assert freeze_all(session, send, letters(session, send, ("fa",)), slices=20) == 1
    assert (count(session, Slice), count(session, Delivery)) == (0, 0)


def test_C07_a_delivery_s_number_is_its_place_in_the_send(session: Session, desk: Desk) -> None:
    columns = {column.key: column.type for column in sa.inspect(Delivery).columns}
    assert not [key for key, kind in columns.items() if isinstance(kind, sa.DateTime)]
    assert isinstance(columns["id"], sa.Uuid)
