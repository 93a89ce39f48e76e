"""Subscribing, leaving, consents and forgetting (C06, C13, C16, C17, M02, M03)."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import caps, consents, erasing, subscriptions, wordings
from app.audience.ledger import Ledger
from app.audience.models import Consent, ConsentWording, Contact, MailingList, Subscription
from app.audience.subscriptions import Desk, contact_of
from app.core import addresses, tokens
from app.core.database import Base, Database
from tests.factories import DAY, Keys, a_subscriber

LEILA = addresses.parse("Leila.K@gmail.com")
SAME_MAILBOX = addresses.parse("leilak@gmail.com")


def count(session: Session, table: type[Base]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def unsubscribe_token(desk: Desk, subscription: Subscription) -> str:
    return desk.secrets.token(tokens.ONE_CLICK, subscription.id, subscription.key_id)


@pytest.mark.both_databases
def test_C06_a_contact_is_a_sealed_address_two_indexes_and_a_destination(
    session: Session, desk: Desk
) -> None:
    reader = a_subscriber(session, desk, LEILA.exact, languages=("fa", "en"))
    contact = session.get_one(Contact, reader.contact_id)
    assert desk.opener.open("contact", contact.id, contact.box) == {"address": LEILA.exact}
    assert (contact.exact_index, contact.mailbox_index) == (
        desk.indexer.index(LEILA).exact,
        desk.indexer.index(LEILA).mailbox,
    )
    assert contact.destination == "gmail.com"
    assert reader.languages == ("fa", "en")
    assert {column.key for column in sa.inspect(Contact).columns} == {
        "id",
        "box",
        "index_key_id",
        "exact_index",
        "mailbox_index",
        "destination",
    }


@pytest.mark.both_databases
def test_C12_a_second_subscription_replaces_languages_and_keeps_the_day(
    session: Session, desk: Desk
) -> None:
    first = a_subscriber(session, desk, LEILA.exact, languages=("fa",))
    wording = consents.current(session, wordings.NEWSLETTER, "en")
    assert wording is not None
    again = subscriptions.subscribe(
        session,
        desk,
        LEILA,
        "newsletter",
        languages=["en", "fa"],
        wording_id=wording.id,
        language="en",
        day=DAY + timedelta(days=9),
        quiet=True,
    )
    assert again.id == first.id
    assert (again.languages, again.quiet, again.day) == (("en", "fa"), True, DAY)
    assert count(session, Contact) == 1
    assert count(session, Consent) == 2, "each agreement is kept (C13)"


@pytest.mark.both_databases
def test_C04_two_spellings_of_a_mailbox_are_two_contacts(session: Session, desk: Desk) -> None:
    one = a_subscriber(session, desk, LEILA.exact)
    other = a_subscriber(session, desk, SAME_MAILBOX.exact)
    assert one.contact_id != other.contact_id


def test_a_list_that_does_not_exist_takes_nobody(session: Session, desk: Desk) -> None:
    with pytest.raises(sa.exc.NoResultFound):
        a_subscriber(session, desk, LEILA.exact, list_slug="no-such-list")


@pytest.mark.both_databases
def test_C13_consent_keeps_purpose_wording_language_and_day(session: Session, desk: Desk) -> None:
    a_subscriber(session, desk, LEILA.exact, languages=("en",))
    consent = session.scalars(sa.select(Consent)).one()
    wording = session.get_one(ConsentWording, consent.wording_id)
    assert (wording.purpose, wording.language, wording.version) == ("newsletter", "en", 1)
    assert wording.text == wordings.SHIPPED["newsletter"]["en"]
    assert (consent.language, consent.day) == ("en", DAY)
    assert {column.key for column in sa.inspect(Consent).columns} == {
        "id",
        "subscription_id",
        "wording_id",
        "language",
        "day",
    }, "no IP address, no User-Agent"


@pytest.mark.both_databases
def test_C13_a_wording_never_changes_and_gets_a_new_version(session: Session) -> None:
    first = consents.publish(session, "test", "fa", "یک")
    assert consents.publish(session, "test", "fa", "یک") is first
    second = consents.publish(session, "test", "fa", "دو")
    assert (first.version, first.text, second.version) == (1, "یک", 2)
    assert consents.current(session, "test", "fa") is second
    assert consents.current(session, "test", "en") is None
    assert consents.publish(session, "test", "en", "one").version == 1


def test_C03_a_contact_is_found_under_the_key_it_was_made_with(
    session: Session, keys: Keys
) -> None:
    before = a_subscriber(session, keys.desk, LEILA.exact)
    assert a_subscriber(session, keys.rotated, LEILA.exact).contact_id == before.contact_id
    assert contact_of(session, keys.desk, SAME_MAILBOX) is None


@pytest.mark.both_databases
def test_M02_the_one_click_ends_that_one_subscription_and_twice_is_once(
    session: Session, desk: Desk
) -> None:
    newsletter = a_subscriber(session, desk, LEILA.exact)
    a_subscriber(session, desk, LEILA.exact, list_slug="unions")
    a_subscriber(session, desk, "karim@gmail.com")
    token = unsubscribe_token(desk, newsletter)
    for _ in range(2):
        subscriptions.end_by_token(session, token, day=DAY)
    left = session.scalars(
        sa.select(MailingList.slug).join(Subscription).order_by(MailingList.slug)
    )
    assert left.all() == ["newsletter", "unions"]
    subscriptions.end_by_token(session, "1.false", day=DAY)
    assert count(session, Subscription) == 2


@pytest.mark.both_databases
def test_M03_looking_behind_a_link_changes_nothing(session: Session, desk: Desk) -> None:
    reader = a_subscriber(session, desk, LEILA.exact)
    token = unsubscribe_token(desk, reader)
    for _ in range(2):
        found = subscriptions.behind_link(session, token)
        assert found is not None
        assert found.slug == "newsletter"
    assert not session.dirty
    assert subscriptions.behind_link(session, token + "x") is None
    assert count(session, Subscription) == 1


@pytest.mark.both_databases
def test_C16_a_contact_without_a_purpose_goes_with_its_consents(
    session: Session, desk: Desk
) -> None:
    leaving = a_subscriber(session, desk, LEILA.exact)
    a_subscriber(session, desk, "karim@gmail.com")
    subscriptions.end_by_token(session, unsubscribe_token(desk, leaving), day=DAY)
    assert count(session, Contact) == 2
    assert subscriptions.forget_without_purpose(session) == 1
    assert (count(session, Contact), count(session, Consent)) == (1, 1)
    assert subscriptions.forget_without_purpose(session) == 0


@pytest.mark.both_databases
def test_C16_who_subscribes_again_while_contacts_are_forgotten_stays(
    database: Database, desk: Desk
) -> None:
    with database.unit_of_work() as session:
        reader = a_subscriber(session, desk, LEILA.exact)
        subscriptions.end_by_token(session, unsubscribe_token(desk, reader), day=DAY)

    def forget() -> None:
        with database.unit_of_work() as session:
            subscriptions.forget_without_purpose(session)

    other = threading.Thread(target=forget)
    with database.unit_of_work() as session:
        a_subscriber(session, desk, LEILA.exact, languages=("en",))
        other.start()
        other.join(0.5)
    other.join()
    with database.reading() as session:
        assert session.scalars(sa.select(Subscription.languages)).all() == [("en",)]


@pytest.mark.both_databases
def test_C16_who_comes_while_their_old_contact_is_being_forgotten_gets_a_new_one(
    database: Database, desk: Desk
) -> None:
    with database.unit_of_work() as session:
        reader = a_subscriber(session, desk, LEILA.exact)
        subscriptions.end_by_token(session, unsubscribe_token(desk, reader), day=DAY)

    def come() -> None:
        with database.unit_of_work() as session:
            a_subscriber(session, desk, LEILA.exact, languages=("en",))

    with ThreadPoolExecutor(1) as thread:
        with database.unit_of_work() as session:
            assert subscriptions.forget_without_purpose(session) == 1
            coming = thread.submit(come)
            time.sleep(0.5)
        coming.result(10)
    with database.reading() as session:
        assert session.scalars(sa.select(Subscription.languages)).all() == [("en",)]


@pytest.mark.both_databases
def test_C17_leaving_the_last_list_forgets_the_contact(session: Session, desk: Desk) -> None:
    for slug in ("newsletter", "unions"):
        a_subscriber(session, desk, LEILA.exact, list_slug=slug)
    contact = contact_of(session, desk, LEILA)
    assert contact is not None
    subscriptions.leave(session, contact, "newsletter", day=DAY)
    assert count(session, Contact) == 1
    subscriptions.leave(session, contact, "unions", day=DAY)
    assert (count(session, Contact), count(session, Consent)) == (0, 0)


@pytest.mark.both_databases
def test_C17_languages_change_on_one_list_only(session: Session, desk: Desk) -> None:
    newsletter = a_subscriber(session, desk, LEILA.exact)
    unions = a_subscriber(session, desk, LEILA.exact, list_slug="unions")
    contact = session.get_one(Contact, newsletter.contact_id)
    subscriptions.change(session, contact, "unions", languages=["en", "fa"], quiet=True)
    subscriptions.change(session, contact, "no-such-list", languages=["en"])
    session.expire_all()
    assert (newsletter.languages, newsletter.quiet) == (("fa",), False)
    assert (unions.languages, unions.quiet) == (("en", "fa"), True)


# Erasing.


@pytest.mark.both_databases
def test_C17_erasing_deletes_everything_and_leaves_a_keyed_hash_in_the_ledger(
    session: Session, desk: Desk, ledger: Ledger
) -> None:
    a_subscriber(session, desk, LEILA.exact)
    a_subscriber(session, desk, "karim@gmail.com")
    indexes = list(desk.indexer.every_index(LEILA))
    caps.take(session, indexes, a_day=3, a_month=6, today=DAY)
    erasing.forget(session, desk, ledger, LEILA, day=DAY)
    assert contact_of(session, desk, LEILA) is None
    assert (count(session, Contact), count(session, Subscription), count(session, Consent)) == (
        1,
        1,
        1,
    )
    (line,) = ledger.lines()
    assert line["act"] == "erased"
    assert line["mailbox"] == indexes[0].mailbox.hex()
    assert line["rows"] == [indexes[0].exact.hex()]
    assert ledger.erased([desk.indexer.index(SAME_MAILBOX)])


def test_C17_who_was_no_contact_is_kept_out_too(
    session: Session, desk: Desk, ledger: Ledger
) -> None:
    erasing.forget(session, desk, ledger, LEILA, day=DAY)
    assert ledger.erased(list(desk.indexer.every_index(LEILA)))


def test_C17_the_line_stands_in_the_ledger_before_the_row_goes(
    session: Session, desk: Desk, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_subscriber(session, desk, LEILA.exact)

    def full(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(ledger, "append", full)
    with pytest.raises(OSError, match="no space"):
        erasing.forget(session, desk, ledger, LEILA, day=DAY)
    assert contact_of(session, desk, LEILA) is not None


def test_C17_a_later_proof_lifts_the_erasure_and_only_then_writes(
    session: Session, desk: Desk, ledger: Ledger
) -> None:
    erasing.welcome_back(desk, ledger, LEILA, day=DAY)
    assert list(ledger.lines()) == []
    erasing.forget(session, desk, ledger, LEILA, day=DAY)
    erasing.welcome_back(desk, ledger, LEILA, day=DAY)
    erasing.welcome_back(desk, ledger, LEILA, day=DAY)
    acts: list[Mapping[str, object]] = list(ledger.lines())
    assert [line["act"] for line in acts] == ["erased", "lifted"]
