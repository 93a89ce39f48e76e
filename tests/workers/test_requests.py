"""What was proven is carried out, each purpose by its verb; one that fails stops no other (C01, C12, C17, C19)."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import caps, suppressions, wordings
from app.audience.models import (
    COMPLAINT,
    DO_NOT_CONTACT,
    HARD_BOUNCE,
    NEVER_WRITE,
    CapCounter,
    Consent,
    Contact,
    MailingList,
    Subscription,
    Suppression,
)
from app.audience.subscriptions import contact_of
from app.core import ids
from app.optin import models as purposes
from app.optin.models import FAILED, PROVEN, Request
from app.organisations.models import Organisation, Representative
from app.outbox import posting
from app.outbox.models import Delivery, Envelope
from app.petitions.models import Signature
from app.staff.models import Account
from tests.factories import DAY, a_petition, a_subscriber
from tests.fixtures import NOON
from tests.workers.wishes import ADDRESS, LEILA, carry_out, count, proven, signing_wish, wording
from workers.requests import VERBS, Room


@pytest.mark.both_databases
def test_C05_a_proven_signature_is_counted_and_its_request_goes(
    session: Session, room: Room
) -> None:
    petition = a_petition(session, total=0, live=True)
    signing_wish(session, room, petition)
    assert carry_out(session, room) == 1
    assert (count(session, Signature), count(session, Request), count(session, Contact)) == (
        1,
        0,
        0,
    )
    assert petition.published_total == 1, "a live total moves at once (C21)"


@pytest.mark.both_databases
def test_C12_only_what_was_chosen_at_the_proof_counts(session: Session, room: Room) -> None:
    petition = a_petition(session)
    letters = {"languages": ["fa", "en"], "wording_id": wording(session, wordings.NEWSLETTER)}
    news = wording(session, wordings.PETITION_NEWS)
    signing_wish(session, room, petition, newsletter=letters, petition_news=news)
    carry_out(session, room)
    rows = session.execute(
        sa.select(MailingList.slug, Subscription.languages).join(
            MailingList, MailingList.id == Subscription.list_id
        )
    )
    assert {row.slug: row.languages for row in rows} == {
        "newsletter": ("fa", "en"),
        f"petition-{petition.id}": ("en",),
    }
    assert set(session.scalars(sa.select(Consent.wording_id))) == {letters["wording_id"], news}
    names = session.scalars(
        sa.select(MailingList.names).where(MailingList.slug == f"petition-{petition.id}")
    ).one()
    assert set(names) == {"fa", "en"}


def test_a_subscription_is_made_in_the_languages_chosen(session: Session, room: Room) -> None:
    proven(
        session,
        room,
        purposes.SUBSCRIPTION,
        "newsletter",
        {"languages": ["en", "fa"], "quiet": True},
        languages=["fa"],
        wording_id=wording(session, wordings.NEWSLETTER),
    )
    carry_out(session, room)
    found = session.scalars(sa.select(Subscription)).one()
    assert (found.languages, found.quiet, found.day) == (("en", "fa"), True, DAY)


def test_C17_choices_behind_the_link_change_and_end_subscriptions(
    session: Session, room: Room
) -> None:
    a_subscriber(session, room.desk, ADDRESS)
    a_subscriber(session, room.desk, ADDRESS, list_slug="unions")
    chosen = {"lists": {"newsletter": {"languages": ["en"]}, "unions": {"languages": []}}}
    proven(session, room, purposes.PREFERENCES, "all", chosen)
    carry_out(session, room)
    assert session.scalars(sa.select(Subscription)).one().languages == ("en",)


@pytest.mark.parametrize("subject", ["one", "all"])
def test_C17_a_proven_withdrawal_deletes_the_signature(
    session: Session, room: Room, subject: str
) -> None:
    petition = a_petition(session)
    signing_wish(session, room, petition)
    carry_out(session, room)
    proven(session, room, purposes.WITHDRAWAL, str(petition.id) if subject == "one" else "all")
    carry_out(session, room)
    assert count(session, Signature) == 0
    assert [line["act"] for line in room.ledger.lines()] == ["withdrawn"]


def test_C17_who_signs_again_lifts_the_withdrawal(session: Session, room: Room) -> None:
    petition = a_petition(session)
    for _ in range(2):
        signing_wish(session, room, petition)
        carry_out(session, room)
        assert count(session, Signature) == 1
        proven(session, room, purposes.WITHDRAWAL, str(petition.id))
        carry_out(session, room)
    acts = [line["act"] for line in room.ledger.lines()]
    assert acts == ["withdrawn", "lifted", "withdrawn"]


@pytest.mark.both_databases
def test_C17_R07_erasure_reaches_every_room(session: Session, room: Room) -> None:
    petition = a_petition(session)
    signing_wish(session, room, petition)
    carry_out(session, room)
    reader = a_subscriber(session, room.desk, ADDRESS)
    contact_id = reader.contact_id
    organisation = Organisation(type="other", names={"en": "U"}, folded_name="u")
    session.add(organisation)
    session.flush()
    session.add(
        Representative(
            organisation_id=organisation.id,
            role="secretary",
            language="en",
            contact_id=contact_id,
            day=DAY,
        )
    )
    letter = room.letters.letter(session, "confirmation", "en")
    send = posting.standing_send(session)
    posting.post(session, room.desk, [posting.Mail(letter, ids.new(), 0, LEILA)], now=NOON)
    slice_id = session.scalars(sa.select(Delivery.slice_id)).one()
    session.add(
        Delivery(
            slice_id=slice_id,
            position=1,
            id=ids.new(),
            send_id=send.id,
            recipient=contact_id,
            subscription_id=reader.id,
        )
    )
    session.flush()
    proven(session, room, purposes.ERASURE, "all")
    carry_out(session, room)
    for table in (Signature, Contact, Subscription, Consent, Representative, Envelope, CapCounter):
        assert count(session, table) == 0, table
    recipients = session.execute(sa.select(Delivery.recipient, Delivery.subscription_id)).all()
    assert contact_id not in [row.recipient for row in recipients]
    assert all(row.subscription_id is None for row in recipients)
    assert {line["act"] for line in room.ledger.lines()} == {"withdrawn", "erased"}
    assert room.ledger.erased(list(room.desk.indexer.every_index(LEILA)))


def test_C17_erasing_someone_unknown_is_noted_and_harms_nobody(
    session: Session, room: Room
) -> None:
    a_subscriber(session, room.desk, "karim@example.org")
    proven(session, room, purposes.ERASURE, "all")
    carry_out(session, room)
    assert count(session, Contact) == 1
    assert room.ledger.erased(list(room.desk.indexer.every_index(LEILA)))


def test_C17_a_proof_after_an_erasure_lifts_it(session: Session, room: Room) -> None:
    proven(session, room, purposes.ERASURE, "all")
    carry_out(session, room)
    proven(
        session,
        room,
        purposes.SUBSCRIPTION,
        "newsletter",
        wording_id=wording(session, wordings.NEWSLETTER),
    )
    carry_out(session, room)
    assert not room.ledger.erased(list(room.desk.indexer.every_index(LEILA)))
    assert contact_of(session, room.desk, LEILA) is not None


def test_U05_a_representative_confirms_and_reads_the_unions_list(
    session: Session, room: Room
) -> None:
    organisation = Organisation(type="other", names={"en": "U"}, folded_name="u")
    session.add(organisation)
    session.flush()
    row = Representative(organisation_id=organisation.id, role="secretary", language="en", day=DAY)
    session.add(row)
    session.flush()
    proven(
        session,
        room,
        purposes.REPRESENTATIVE,
        str(row.id),
        {"languages": ["en"]},
        wording_id=wording(session, wordings.NEWSLETTER),
    )
    carry_out(session, room)
    contact = contact_of(session, room.desk, LEILA)
    assert contact is not None
    assert row.contact_id == contact.id
    assert session.scalars(sa.select(MailingList.slug).join(Subscription)).all() == ["unions"]


def test_C28_a_staff_member_s_proven_address_is_sealed_for_test_mails(
    session: Session, room: Room
) -> None:
    account = Account(name="Roya", role="admin", language="fa", password_hash="x")
    session.add(account)
    session.flush()
    proven(session, room, purposes.STAFF_ADDRESS, str(account.id))
    proven(session, room, purposes.STAFF_ADDRESS, "98765")
    assert carry_out(session, room) == 2
    assert account.test_box is not None
    assert account.test_box_id is not None
    opened = room.desk.opener.open("staff", UUID(account.test_box_id), account.test_box)
    assert opened == {"address": ADDRESS}


def test_C19_staff_s_orders_suppress_at_once_and_lift_the_next_day(
    session: Session, room: Room
) -> None:
    index = room.desk.indexer.index(LEILA)
    proven(session, room, purposes.SUPPRESS, purposes.SUPPRESS)
    proven(session, room, purposes.NO_OUTREACH, purposes.NO_OUTREACH)
    carry_out(session, room)
    suppressed = {NEVER_WRITE, DO_NOT_CONTACT}
    assert set(session.scalars(sa.select(Suppression.reason))) == suppressed
    suppressions.add(session, index.key_id, index.mailbox, COMPLAINT, day=DAY)
    proven(session, room, purposes.LIFT, purposes.LIFT)
    assert carry_out(session, room) == 0
    assert set(session.scalars(sa.select(Suppression.reason))) == {*suppressed, COMPLAINT}
    assert carry_out(session, room, now=NOON + timedelta(days=1)) == 1
    assert session.scalars(sa.select(Suppression.reason)).all() == []


def test_C18_an_order_is_no_proof_of_the_person_s_own(session: Session, room: Room) -> None:
    index = room.desk.indexer.index(LEILA)
    caps.take(session, [index], a_day=3, a_month=6, today=DAY)
    suppressions.add(session, index.key_id, index.mailbox, HARD_BOUNCE, day=DAY)
    proven(session, room, purposes.SUPPRESS, purposes.SUPPRESS)
    carry_out(session, room)
    assert session.scalars(sa.select(CapCounter.mailed)).all() == [1]
    assert set(session.scalars(sa.select(Suppression.reason))) == {HARD_BOUNCE, NEVER_WRITE}


def test_every_purpose_has_its_verb() -> None:
    named = {
        value
        for name, value in vars(purposes).items()
        if name.isupper() and isinstance(value, str) and value.islower()
    }
    states = {purposes.ASKED, purposes.ANSWERED, PROVEN, FAILED}
    assert set(VERBS) == named - states
