"""Who an import brings in, on what consent, and whom it never brings back (C06, C13, C17, C18)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import erasing, importing, subscriptions, suppressions
from app.audience.importing import Ground
from app.audience.ledger import Ledger
from app.audience.list_files import Listed
from app.audience.models import (
    ALL_REASONS,
    NEWSLETTER,
    Consent,
    ConsentWording,
    Contact,
    MailingList,
    Subscription,
)
from app.audience.subscriptions import Desk, contact_of
from app.core import addresses, tokens
from app.core.database import Base, Database
from app.core.errors import InvalidError, NotFoundError
from tests.factories import DAY, Keys, a_subscriber

LEILA = addresses.parse("Leila.K@gmail.com")
SAME_MAILBOX = "leilak@gmail.com"
SENTENCE = "خبرنامه را برایم بفرستید."
LONG_AGO = DAY - timedelta(days=400)


def count(session: Session, table: type[Base]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def begin(session: Session, slug: str = NEWSLETTER, **other: object) -> Ground:
    given: dict[str, object] = {
        "wording": SENTENCE,
        "language": "fa",
        "source": "old-site",
        "day": LONG_AGO,
        "today": DAY,
        **other,
    }
    return importing.begin(session, slug, **given)  # type: ignore[arg-type]


def bring_in(
    session: Session, desk: Desk, ledger: Ledger, *listed: str, slug: str = NEWSLETTER
) -> None:
    """An import of these addresses; everyone reads English."""
    batch = [
        importing.seal(desk, Listed(number, addresses.parse(one), "en"))
        for number, one in enumerate(listed, 2)
    ]
    importing.take_up(session, desk, ledger, begin(session, slug), batch, today=DAY)
    session.expire_all()


def readers(session: Session, desk: Desk, slug: str = NEWSLETTER) -> set[str]:
    found = session.scalars(
        sa.select(Contact).join(Subscription).join(MailingList).where(MailingList.slug == slug)
    )
    return {str(desk.opener.open("contact", one.id, one.box)["address"]) for one in found}


@pytest.mark.both_databases
def test_C06_C13_an_imported_reader_is_a_contact_like_any_with_the_consent_of_the_file(
    session: Session, desk: Desk, ledger: Ledger
) -> None:
    bring_in(session, desk, ledger, LEILA.exact, "karim@example.org")
    assert readers(session, desk) == {LEILA.exact, "karim@example.org"}
    contact = contact_of(session, desk, LEILA)
    assert contact is not None
    index = desk.indexer.index(LEILA)
    assert (contact.mailbox_index, contact.destination) == (index.mailbox, "gmail.com")
    (reader,) = contact.subscriptions
    assert (reader.languages, reader.quiet, reader.day) == (("en",), False, DAY)
    token = desk.secrets.token(tokens.ONE_CLICK, reader.id, reader.key_id)
    assert subscriptions.behind_link(session, token) is not None, "its mails can be ended"
    (consent,) = reader.consents
    wording = session.get_one(ConsentWording, consent.wording_id)
    assert (consent.day, consent.language) == (LONG_AGO, "fa")
    assert (wording.purpose, wording.text) == ("imported:old-site", SENTENCE)


@pytest.mark.both_databases
def test_an_import_twice_adds_none(session: Session, desk: Desk, ledger: Ledger) -> None:
    for _ in range(2):
        bring_in(session, desk, ledger, LEILA.exact, LEILA.exact, "karim@example.org")
        assert [count(session, table) for table in (Contact, Subscription, Consent)] == [2, 2, 2]
    (wording,) = session.scalars(
        sa.select(ConsentWording).where(ConsentWording.text == SENTENCE)
    ).all()
    assert wording.version == 1


@pytest.mark.both_databases
def test_C12_who_is_on_the_list_keeps_what_they_chose(
    session: Session, keys: Keys, ledger: Ledger
) -> None:
    before = a_subscriber(session, keys.desk, LEILA.exact, languages=("fa",))
    a_subscriber(session, keys.desk, "karim@example.org", list_slug="unions")
    bring_in(session, keys.rotated, ledger, LEILA.exact, "karim@example.org")
    after = session.get_one(Subscription, before.id)
    assert (after.languages, len(after.consents)) == (("fa",), 1)
    assert readers(session, keys.desk) == {LEILA.exact, "karim@example.org"}
    assert count(session, Contact) == 2, "found under the key they were made with (C03)"


@pytest.mark.both_databases
def test_C17_an_import_does_not_bring_an_erased_person_back_whatever_the_spelling(
    session: Session, keys: Keys, ledger: Ledger
) -> None:
    a_subscriber(session, keys.desk, LEILA.exact)
    erasing.forget(session, keys.desk, ledger, LEILA, day=DAY)
    erasing.forget(session, keys.desk, ledger, addresses.parse("never@example.org"), day=DAY)
    for desk in (keys.desk, keys.rotated):
        listed = (LEILA.exact, SAME_MAILBOX, "never@example.org", f"x{desk.indexer.key_id}@b.org")
        bring_in(session, desk, ledger, *listed)
    assert readers(session, keys.rotated) == {"x1@b.org", "x2@b.org"}
    assert count(session, Contact) == 2, "who stays out leaves nothing"


@pytest.mark.both_databases
def test_C17_who_came_back_themselves_stays_and_no_import_says_more_of_them(
    session: Session, keys: Keys, ledger: Ledger
) -> None:
    desk = keys.rotated
    erasing.forget(session, keys.desk, ledger, LEILA, day=DAY)
    erasing.welcome_back(desk, ledger, LEILA, day=DAY)
    a_subscriber(session, desk, LEILA.exact, list_slug="unions")
    session.add(MailingList(slug="petition-1", names={}))
    session.flush()
    bring_in(session, desk, ledger, LEILA.exact)
    bring_in(session, desk, ledger, LEILA.exact, slug="petition-1")
    assert readers(session, desk) == readers(session, desk, "petition-1") == set()
    assert readers(session, desk, "unions") == {LEILA.exact}


@pytest.mark.parametrize("reason", ALL_REASONS)
def test_C18_who_is_suppressed_stays_out(
    session: Session, keys: Keys, ledger: Ledger, reason: str
) -> None:
    index = keys.desk.indexer.index(LEILA)
    suppressions.add(session, index.key_id, index.mailbox, reason, day=LONG_AGO)
    bring_in(session, keys.rotated, ledger, SAME_MAILBOX, "karim@example.org")
    assert readers(session, keys.rotated) == {"karim@example.org"}


@pytest.mark.both_databases
def test_C18_who_left_that_list_stays_out_of_it_and_of_no_other(
    session: Session, keys: Keys, ledger: Ledger
) -> None:
    session.add(MailingList(slug="petition-1", names={}))
    session.flush()
    reader = a_subscriber(session, keys.desk, LEILA.exact)
    token = keys.desk.secrets.token(tokens.ONE_CLICK, reader.id, reader.key_id)
    subscriptions.end_by_token(session, token, day=DAY)
    subscriptions.forget_without_purpose(session)
    bring_in(session, keys.rotated, ledger, LEILA.exact, SAME_MAILBOX)
    assert readers(session, keys.desk) == set()
    bring_in(session, keys.rotated, ledger, LEILA.exact, slug="petition-1")
    assert readers(session, keys.rotated, "petition-1") == {LEILA.exact}
    bring_in(session, keys.rotated, ledger, LEILA.exact)
    assert readers(session, keys.rotated) == set()


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        ({"slug": "unions"}, "confirm themselves"),
        ({"wording": " \n"}, "characters"),
        ({"wording": "x" * 2001}, "characters"),
        ({"source": "leila@example.org"}, "a source is named by"),
        ({"source": "x" * 16}, "a source is named by"),
        ({"day": DAY + timedelta(days=1)}, "has not been yet"),
    ],
)
def test_C13_U05_an_import_without_ground_is_refused(
    session: Session, odd: dict[str, object], said: str
) -> None:
    with pytest.raises(InvalidError, match=said):
        begin(session, **odd)  # type: ignore[arg-type]


def test_a_list_that_does_not_exist_is_not_made(session: Session) -> None:
    with pytest.raises(NotFoundError, match="no such list"):
        begin(session, "petition-7")


# At the same moment as something else.


def while_under_way(
    database: Database, first: Callable[[Session], object], second: Callable[[Session], object]
) -> None:
    """``second`` comes in a transaction of its own before the one of ``first`` has ended, and waits for it."""

    def come() -> None:
        with database.unit_of_work() as session:
            second(session)

    with ThreadPoolExecutor(1) as thread:
        with database.unit_of_work() as session:
            first(session)
            coming = thread.submit(come)
            with pytest.raises(TimeoutError):
                coming.result(0.2)
        coming.result(10)


@pytest.mark.both_databases
@pytest.mark.parametrize("erased_first", [True, False])
def test_C17_who_is_erased_at_this_moment_is_not_brought_in(
    database: Database, desk: Desk, ledger: Ledger, erased_first: bool
) -> None:
    def erase(session: Session) -> None:
        erasing.forget(session, desk, ledger, LEILA, day=DAY)

    def come(session: Session) -> None:
        bring_in(session, desk, ledger, LEILA.exact)

    while_under_way(database, *((erase, come) if erased_first else (come, erase)))
    with database.reading() as session:
        assert count(session, Contact) == 0


@pytest.mark.both_databases
@pytest.mark.parametrize("themselves_first", [True, False])
def test_who_subscribes_at_this_moment_is_there_once_and_as_they_chose(
    database: Database, desk: Desk, ledger: Ledger, themselves_first: bool
) -> None:
    def subscribe(session: Session) -> None:
        a_subscriber(session, desk, LEILA.exact, languages=("fa",))

    def come(session: Session) -> None:
        bring_in(session, desk, ledger, LEILA.exact)

    while_under_way(database, *((subscribe, come) if themselves_first else (come, subscribe)))
    with database.reading() as session:
        assert session.scalars(sa.select(Subscription.languages)).all() == [("fa",)]
        assert count(session, Contact) == 1
