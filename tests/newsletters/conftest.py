"""A database, a worker's desk, and makers of what a newsletter needs: accounts, readers, issues."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from app.audience import consents, subscriptions, suppressions
from app.audience.models import Contact, MailingList, Subscription
from app.audience.subscriptions import Desk
from app.core import addresses, ids
from app.core.database import Base, Database
from app.core.sealing import Indexer, Opener, make_index_key, make_key_pair
from app.factory import create_app
from app.newsletters import issues
from app.newsletters.issues import Typed
from app.newsletters.models import Issue
from app.petitions.models import OPEN, Petition, PetitionText
from app.staff.models import ADMIN, ORGANISER, Account
from config import Config
from tests.newsletters.newsroom import Newsroom

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
YESTERDAY = NOON.date() - timedelta(days=1)
FA = "کارگران دست از کار کشیده‌اند."
EN = "The workers have downed tools."


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An empty database with the two lists."""
    found = Database(database_url)
    Base.metadata.create_all(found.engine)
    with found.unit_of_work() as session:
        for slug in ("newsletter", "unions"):
            session.add(MailingList(slug=slug, names={"en": slug}))
    yield found
    found.dispose()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """One open transaction, for tests of verbs that need no commit."""
    with database.unit_of_work() as found:
        yield found


@pytest.fixture(scope="session")
def keys() -> tuple[str, str, str]:
    """A seal key pair (private, public) and an index key."""
    private, public = make_key_pair()
    return private, public, make_index_key(os.urandom(32))


@pytest.fixture
def desk(keys: tuple[str, str, str]) -> Desk:
    """The worker's keys."""
    private, public, index = keys
    return Desk(Opener(public, private), Indexer(index))


@pytest.fixture
def config(keys: tuple[str, str, str]) -> Config:
    """The worker's settings."""
    private, public, index = keys
    return Config.from_env(
        "worker",
        {
            "PEYVAND_SEAL_PUBLIC_KEY": public,
            "PEYVAND_SEAL_PRIVATE_KEY": private,
            "PEYVAND_INDEX_KEY": index,
            "PEYVAND_MAIL_FROM": "news@peyvand.example",
            "PEYVAND_QUIET_MAIL_FROM": "post@plain.example",
            "PEYVAND_BASE_URL": "https://peyvand.example",
            "PEYVAND_QUIET_BASE_URL": "https://plain.example",
        },
    )


@pytest.fixture
def app(database_url: str, database: Database, keys: tuple[str, str, str]) -> Iterator[Flask]:
    """The web process on the test's database, at noon."""
    config = Config.from_env(
        "web",
        {
            "PEYVAND_DATABASE_URL": database_url,
            "PEYVAND_SECRET_KEY": "a secret of the tests",
            "PEYVAND_KEPT_SECONDS": "0",
            "PEYVAND_SEAL_PUBLIC_KEY": keys[1],
            "PEYVAND_BASE_URL": "https://peyvand.example",
        },
    )
    with time_machine.travel(NOON, tick=False):
        made = create_app(config)
        made.config.update(TESTING=True, SESSION_COOKIE_SECURE=False)
        yield made
        made.extensions["peyvand"].database.dispose()


@pytest.fixture
def roya(database: Database) -> Account:
    """An administrator, alone in the house."""
    with database.unit_of_work() as session:
        return an_account(session)


@pytest.fixture
def newsroom(app: Flask, database: Database, roya: Account) -> Newsroom:
    """Roya's browser."""
    return Newsroom(app, database, roya)


@pytest.fixture
def made(database: Database, desk: Desk) -> Written:
    """An issue written in fa and en, with one reader."""
    with database.unit_of_work() as session:
        a_reader(session, desk, "leila@mail.example")
        return an_issue(session)


def untranslated(_language: str, msgid: str) -> str:
    """A catalogue that has nothing: the message itself."""
    return msgid


def an_account(
    session: Session, name: str = "Roya", role: str = ADMIN, *, active: bool = True
) -> Account:
    account = Account(name=name, role=role, language="fa", password_hash="x", active=active)
    session.add(account)
    session.flush()
    return account


def two_senders(session: Session) -> tuple[Account, Account]:
    return an_account(session, "Roya"), an_account(session, "Kaveh", ORGANISER)


def with_test_address(desk: Desk, account: Account, address: str) -> Account:
    box_id = ids.new()
    account.test_box_id = box_id.hex
    account.test_box = desk.opener.seal("staff", box_id, {"address": address})
    return account


def a_reader(
    session: Session,
    desk: Desk,
    address: str,
    languages: Sequence[str] = ("fa",),
    *,
    on: str = "newsletter",
    quiet: bool = False,
) -> Subscription:
    wording = consents.publish(session, "newsletter", "fa", "خبرنامه را می‌خواهم.")
    return subscriptions.subscribe(
        session,
        desk,
        addresses.parse(address),
        on,
        languages=languages,
        wording_id=wording.id,
        language="fa",
        day=NOON.date(),
        quiet=quiet,
    )


def readers_of(
    session: Session, desk: Desk, count: int, languages: Sequence[str], *, stem: str = "r"
) -> list[Subscription]:
    name = "-".join((stem, *languages))
    return [a_reader(session, desk, f"{name}{n}@mail.example", languages) for n in range(count)]


def suppress(session: Session, reader: Subscription, reason: str, *, day: date = YESTERDAY) -> None:
    contact = session.get_one(Contact, reader.contact_id)
    suppressions.add(session, contact.index_key_id, contact.mailbox_index, reason, day=day)


def a_petition(session: Session, *, languages: Sequence[str] = ("fa", "en")) -> Petition:
    petition = Petition(slug="teachers", state=OPEN, goal=500, opened=NOON.date())
    session.add(petition)
    session.flush()
    for language in languages:
        petition.texts.append(
            PetitionText(
                language=language,
                version=1,
                day=NOON.date(),
                title=f"Free the teachers ({language})",
                summary=f"A teacher is not a criminal ({language})",
                body="",
                addressee="",
            )
        )
    session.flush()
    return petition


@dataclass
class Written:
    """An issue and its first two blocks."""

    issue: Issue
    subject: UUID
    text: UUID


def an_issue(
    session: Session,
    languages: Sequence[str] = ("fa", "en"),
    *,
    written: Sequence[str] | None = None,
    lists: Sequence[str] = ("newsletter",),
    fall_back: bool = False,
) -> Written:
    """A draft with a subject and a text, written in ``written`` (else in every language)."""
    issue = issues.draft(session, source_language="fa", languages=languages, day=NOON.date())
    issues.choose(session, issue.id, lists=lists, languages=languages, fall_back=fall_back)
    subject, text = (block.id for block in issue.blocks)
    typed = []
    for language in languages if written is None else written:
        typed.append(Typed(subject, language, f"Subject {language}", "", 0))
        typed.append(Typed(text, language, "", FA if language == "fa" else f"{EN} ({language})", 0))
    issues.save(session, issue.id, typed)
    return Written(issues.get(session, issue.id), subject, text)


def save_text(
    session: Session, made: Written, language: str, body: str, revision: int, **rest: object
) -> None:
    issues.save(
        session,
        made.issue.id,
        [Typed(made.text, language, "", body, revision)],
        **rest,  # type: ignore[arg-type]
    )


def count(session: Session, table: type[Base]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
