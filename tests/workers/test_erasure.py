"""After an erasure nothing in the database points at the person any more, in whatever table (C17, R07)."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import caps, suppressions
from app.audience.models import NEVER_WRITE, Contact, Subscription
from app.audience.subscriptions import contact_of
from app.core import addresses, ids
from app.core.addresses import Address
from app.core.database import Base
from app.optin.models import ERASURE, Request
from app.organisations.models import Organisation, Representative
from app.outbox import posting
from app.outbox.models import Delivery, Retry, Send, Slice
from app.petitions import endorsing, signing
from tests.architecture.test_schema import ALLOWED, POINTERS
from tests.factories import DAY, a_petition, a_proven_request, a_subscriber
from tests.fixtures import NOON
from tests.outbox.road import a_letter, a_send
from workers import requests
from workers.requests import Room

LEILA = addresses.parse("leila.k@gmail.com")
KARIM = addresses.parse("karim@union.example")

KEPT = {
    "suppression.mailbox_index": "the wish to get no mail outlives the erasure (C18)",
    "delivery.id": "a row of counters whose recipient is nobody any more",
    "retry.delivery_id": "the next attempt of that row, which then passes it over",
}
"""Where a value of an erased person may still be found, and why."""
MADE = {
    "cap_counter",
    "consent",
    "contact",
    "delivery",
    "endorsement",
    "envelope",
    "representative",
    "retry",
    "signature",
    "subscription",
    "suppression",
}
"""Tables in which ``everything_of`` leaves a row."""
NAMELESS = {"request", "export"}
"""Rows that are sealed and named by their own ids alone, and go by themselves within days."""


def everything_of(
    session: Session, room: Room, address: Address, send: Send, petition_id: int, text_id: int
) -> None:
    """A row of this person in every table that can have one."""
    desk = room.desk
    reader = a_subscriber(session, desk, address.exact)
    index = desk.indexer.index(address)
    caps.take(session, [index], a_day=3, a_month=6, today=DAY)
    suppressions.add(session, index.key_id, index.mailbox, NEVER_WRITE, day=DAY)
    asked = {"text_id": text_id, "wording_id": 1}
    chosen = {"signature_id": ids.new().hex}
    signing.count(session, desk, petition_id, address, asked, chosen, day=DAY)
    endorsing.ask(session, desk, petition_id, address, asked, {"name": "U"}, day=DAY)
    organisation = Organisation(type="other", names={"en": "U"}, folded_name="u")
    session.add(organisation)
    session.flush()
    session.add(
        Representative(
            organisation_id=organisation.id,
            role="secretary",
            language="en",
            contact_id=reader.contact_id,
            day=DAY,
        )
    )
    letter = a_letter(session, posting.standing_send(session))
    posting.post(session, desk, [posting.Mail(letter, ids.new(), 0, address)], now=NOON)
    slice_ = Slice(
        send_id=send.id,
        letter_id=a_letter(session, send).id,
        destination="rest",
        priority=2,
        size=1,
        queued=1,
    )
    session.add(slice_)
    session.flush()
    delivery_id = ids.new()
    session.add(
        Delivery(
            slice_id=slice_.id,
            position=0,
            id=delivery_id,
            send_id=send.id,
            recipient=reader.contact_id,
            subscription_id=reader.id,
        )
    )
    session.add(Retry(delivery_id=delivery_id, attempts=1))
    session.flush()


def values_of(session: Session, room: Room, address: Address) -> set[bytes]:
    """Every id and hash that stands for a person anywhere."""
    contact = contact_of(session, room.desk, address)
    assert contact is not None
    index = room.desk.indexer.index(address)
    found = {contact.id.bytes, index.exact, index.mailbox, contact.box}
    found |= {
        one.bytes
        for one in session.scalars(
            sa.select(Subscription.id).where(Subscription.contact_id == contact.id)
        )
    }
    found |= {
        one.bytes
        for one in session.scalars(sa.select(Delivery.id).where(Delivery.recipient == contact.id))
    }
    for petition in session.execute(sa.text("SELECT id FROM petition")).scalars():
        signature = room.desk.indexer.signature(address, petition, "1")
        endorsement = room.desk.indexer.endorsement(address, petition, "1")
        found |= {signature.exact, signature.mailbox, endorsement.exact}
    return found


def places(session: Session, values: set[bytes]) -> Iterator[str]:
    """The columns, of the whole schema, that hold one of these values."""
    session.flush()
    for name, table in Base.metadata.tables.items():
        for row in session.execute(sa.select(table)):
            for column, value in zip(table.columns, row, strict=True):
                plain = value.bytes if isinstance(value, UUID) else value
                if isinstance(plain, bytes) and bytes(plain) in values:
                    yield f"{name}.{column.key}"


@pytest.mark.both_databases
def test_R07_nothing_in_any_table_points_at_an_erased_person(session: Session, room: Room) -> None:
    petition = a_petition(session)
    petition_id, text_id = petition.id, petition.texts[0].id
    send = a_send(session)
    for address in (LEILA, KARIM):
        everything_of(session, room, address, send, petition_id, text_id)
    hers, his = values_of(session, room, LEILA), values_of(session, room, KARIM)
    before = set(places(session, hers))
    assert {place.partition(".")[0] for place in before} == MADE, "each table has a row of hers"
    of_others = sorted(places(session, his))

    a_proven_request(session, room.desk, ERASURE, "all", now=NOON, address=LEILA.exact)
    requests.carry_out(session, room, now=NOON)

    assert set(places(session, hers)) <= set(KEPT)
    assert sorted(places(session, his)) == of_others, "and nobody else lost anything"
    assert session.scalars(sa.select(Request)).all() == []


def test_R07_every_table_that_can_point_at_a_contact_is_covered() -> None:
    """A new table, or a new column that points at a person, fails here until erasure reaches it."""
    assert set(ALLOWED) - MADE == NAMELESS
    pointing = {
        name
        for name, table in Base.metadata.tables.items()
        for column in table.columns
        if column.key in POINTERS
        or column.key.endswith(("_index", "exact_hash", "mailbox_hash"))
        or any(key.column.table.name in ("contact", "subscription") for key in column.foreign_keys)
    }
    assert pointing <= MADE


def test_R07_an_erased_person_s_queued_mail_is_passed_over(session: Session, room: Room) -> None:
    petition = a_petition(session)
    send = a_send(session)
    everything_of(session, room, LEILA, send, petition.id, petition.texts[0].id)
    contact = contact_of(session, room.desk, LEILA)
    assert contact is not None
    a_proven_request(session, room.desk, ERASURE, "all", now=NOON, address=LEILA.exact)
    requests.carry_out(session, room, now=NOON)
    assert session.get(Contact, contact.id) is None
    (delivery,) = session.scalars(sa.select(Delivery).where(Delivery.send_id == send.id))
    assert delivery.recipient != contact.id
    assert isinstance(delivery.recipient, UUID)
