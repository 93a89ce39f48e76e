"""Who withdraws or is erased is afterwards on no page, in no feed, answer, picture, new file or dump (C17, C08)."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy as sa
import time_machine
from flask import Flask
from sqlalchemy.orm import Session

from app.audience import wordings
from app.audience.models import Subscription
from app.core import addresses, ids
from app.core.database import Database
from app.factory import create_app
from app.optin import models as purposes
from app.petitions import delivery_files, moderating, showing_signers
from app.petitions.models import FULL_NAME, Petition, Signature
from app.web import keeping
from app.web.context import services
from app.web.headers import SAME_FOR_EVERYONE
from config import Config
from tests.factories import Keys, a_petition, a_proven_request, a_report
from tests.faults import searching
from tests.fixtures import NOON
from tests.petitions.delivered import gathered
from tests.petitions.readable import words
from tests.workers.wishes import wording
from workers import requests
from workers.requests import Room


@dataclass(frozen=True)
class Person:
    """Someone whose every word is nobody else's."""

    word: str

    @property
    def address(self) -> str:
        return f"{self.word.lower()}@{self.word.lower()}.example"

    @property
    def name(self) -> str:
        return f"Zoë {self.word}"

    @property
    def union(self) -> str:
        return f"Union of {self.word}"

    @property
    def comment(self) -> str:
        return f"For {self.word}, and for all."

    @property
    def traces(self) -> list[str]:
        """What a search looks for: the word in both cases stands in everything of theirs."""
        return [self.word, self.word.lower()]


WITHDRAWN, ERASED, STAYING = Person("Wrenfjord"), Person("Swallowquay"), Person("Plovermoor")
OTHERS = [Person(f"Sparrow{letter}hedge") for letter in "abcdefghijklmnopqrstu"]


class Service:
    """A worker's room and a web process on one database, at one moment."""

    def __init__(self, database: Database, room: Room, app: Flask, keys: Keys) -> None:
        self.database, self.room, self.app, self.keys = database, room, app, keys

    def prove(self, purpose: str, subject: str, person: Person, **more: object) -> None:
        """``person`` asked for it and proved it, and the worker has carried it out."""
        with self.database.unit_of_work() as session:
            choices = more.pop("choices", None)
            a_proven_request(
                session,
                self.room.desk,
                purpose,
                subject,
                now=NOON,
                choices=choices,  # type: ignore[arg-type]
                address=person.address,
                **more,  # type: ignore[arg-type]
            )
        with self.database.unit_of_work() as session:
            assert requests.carry_out(session, self.room, now=NOON) == 1

    def sign(self, person: Person) -> None:
        """With all that a signer can have shown, with news, with the newsletter, and with a name to hand over."""
        with self.database.reading() as session:
            text_id = session.get_one(Petition, 1).texts[0].id
            asked = {"text_id": text_id, "wording_id": wording(session, wordings.SIGNATURE)}
            news = wording(session, wordings.PETITION_NEWS)
            letters = {
                "languages": ["en"],
                "wording_id": wording(session, wordings.NEWSLETTER),
            }
        signature_id = ids.new()
        box = self.keys.names.seal("name", signature_id, {"name": f"{person.name} in full"})
        chosen = {
            "signature_id": signature_id.hex,
            "shown_as": FULL_NAME,
            "shown_name": person.name,
            "country": "DE",
            "affiliation": person.union,
            "comment": person.comment,
            "comment_language": "en",
            "names_box": base64.b64encode(box).decode(),
            "petition_news": news,
            "newsletter": letters,
        }
        self.prove(purposes.SIGNATURE, "1", person, choices=chosen, **asked)

    def publish(self) -> None:
        """Moderators look at everything, and its day comes."""
        with self.database.unit_of_work() as session:
            moderating.approve(session, moderating.waiting(session), day=NOON.date())
            showing_signers.publish(session, now=NOON)

    def public(self) -> Iterator[tuple[str, bytes]]:
        """All that anybody gets to see: each page that is the same for everyone, in both languages."""
        visitor = self.app.test_client()
        for rule in self.app.url_map.iter_rules():
            if rule.endpoint not in SAME_FOR_EVERYONE:
                continue
            slug = "contract-workers" if rule.endpoint.startswith("newsletters") else "teachers"
            for code in ("fa", "en"):
                values = {"locale": code, "slug": slug, "petition_id": 1}
                built = rule.build(values, append_unknown=False)
                assert built is not None, rule
                answer = visitor.get(built[1])
                assert answer.status_code in (200, 301), (rule.rule, answer.status_code)
                content = answer.get_data()
                yield built[1], content
                if answer.mimetype == "application/pdf":
                    yield f"{built[1]}, its words", "\n".join(words(content)).encode()

    def delivered(self) -> Iterator[tuple[str, bytes]]:
        """New files for the addressee, with every name opened."""
        with self.database.reading() as session:
            delivery = gathered(session, session.get_one(Petition, 1))
        named, closed = delivery_files.open_names(delivery, self.keys.names)
        assert closed == 0
        for made in delivery_files.make(delivery, named):
            yield f"delivered.{made.form}", made.content
            if made.form == "pdf":
                yield "the delivered PDF, its words", "\n".join(words(made.content)).encode()

    def hang_up(self) -> None:
        """Close every connection to the database, the web's too."""
        self.database.dispose()
        with self.app.app_context():
            services().database.dispose()

    def dump(self, url: str) -> Iterator[tuple[str, bytes]]:
        """Every octet of the database, and the ledger."""
        ledger = Path(self.room.config.ledger)
        yield "the ledger", ledger.read_bytes() if ledger.exists() else b""
        if url.startswith("sqlite"):
            self.hang_up()  # the last connection folds the write-ahead log into the file
            file = Path(url.removeprefix("sqlite:///"))
            for path in file.parent.glob(f"{file.name}*"):
                yield path.name, path.read_bytes()
        else:
            yield from searching.tables(url)


@pytest.fixture
def service(
    database: Database, database_url: str, room: Room, keys: Keys, tmp_path: Path
) -> Iterator[Service]:
    """A petition that 24 people have signed, all of them shown; a week later, when comments show too."""
    with database.unit_of_work() as session:
        petition = a_petition(session, hand_over_names=True)
        petition.takes_comments = petition.asks_country = petition.asks_affiliation = True
        a_report(session)
    environment = keys.web(
        PEYVAND_DATABASE_URL=database_url,
        PEYVAND_INSTANCE=str(tmp_path),
        PEYVAND_SMTP_URL=f"mailbox:{tmp_path / 'mailbox'}",
        PEYVAND_KEPT_SECONDS=str(KEPT),
    )
    app = create_app(Config.from_env("web", environment))
    made = Service(database, room, app, keys)
    with time_machine.travel(NOON + timedelta(days=9), tick=False):
        for person in (WITHDRAWN, ERASED, STAYING, *OTHERS):
            made.sign(person)
        made.publish()
        yield made
    made.hang_up()


def seen(person: Person, places: Iterable[tuple[str, bytes]]) -> set[str]:
    """Where something of this person stands, however it is written."""
    return {place for place, _, _ in searching.found(person.traces, places)}


KEPT = 5
"""Seconds that the web process keeps a page."""
EVERYWHERE = {
    "/en/petitions/teachers",
    "/fa/petitions/teachers",
    "/en/petitions/teachers/signers",
    "/en/petitions/teachers/comments",
    "/api/petitions/1",
}


@pytest.mark.both_databases
def test_C17_who_withdrew_or_was_erased_is_nowhere_and_may_come_back(
    service: Service, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given all three shown wherever a signer can be, at a moment that does not pass by itself
    began = time.monotonic()
    passing = SimpleNamespace(monotonic=lambda: began)
    monkeypatch.setattr(keeping, "time", passing)
    public, files = list(service.public()), list(service.delivered())
    for person in (WITHDRAWN, ERASED, STAYING):
        assert seen(person, public) >= EVERYWHERE
        assert seen(person, files) >= {"delivered.csv", "the delivered PDF, its words"}
    assert seen(WITHDRAWN, service.dump(database_url)), "what is shown stands in the clear"

    # when
    service.prove(purposes.WITHDRAWAL, "all", WITHDRAWN)
    service.prove(purposes.ERASURE, "all", ERASED)

    # then nothing of the two is anywhere, once the web process has made its pages anew
    assert "/api/petitions/1" in seen(ERASED, service.public()), "else nothing is kept here"
    passing.monotonic = lambda: began + KEPT + 0.1
    public = list(service.public())
    everything = [*public, *service.delivered(), *service.dump(database_url)]
    for person in (WITHDRAWN, ERASED):
        assert seen(person, everything) == set()
    # and who stays is where they were
    assert seen(STAYING, public) >= EVERYWHERE
    with service.database.reading() as session:
        assert number(session, Signature) == 22
        assert number(session, Subscription) == 2 * 23, "only who asked for it lost the letters"

    # when both sign again themselves, then they count and show like anyone
    for person in (WITHDRAWN, ERASED):
        service.sign(person)
    with service.database.reading() as session:
        assert number(session, Signature) == 24
        assert number(session, Subscription) == 2 * 24
    assert seen(ERASED, service.public()) == set(), "a moderator has not looked yet"
    assert not withdrawn_in_ledger(service, ERASED)
    assert not withdrawn_in_ledger(service, WITHDRAWN)


def number(session: Session, table: type[Signature] | type[Subscription]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def withdrawn_in_ledger(service: Service, person: Person) -> bool:
    desk, ledger = service.room.desk, service.room.ledger
    index = desk.indexer.signature(addresses.parse(person.address), 1, desk.indexer.key_id)
    return ledger.withdrawn(index, "petition:1")


@pytest.mark.both_databases
def test_C17_an_erased_person_s_old_export_names_them_but_no_new_one_does(
    service: Service,
) -> None:
    with service.database.reading() as session:
        old = gathered(session, session.get_one(Petition, 1))
    service.prove(purposes.ERASURE, "all", ERASED)
    with service.database.reading() as session:
        new = gathered(session, session.get_one(Petition, 1))
    named = [one.name for one in delivery_files.open_names(old, service.keys.names)[0]]
    assert f"{ERASED.name} in full" in named, "an export is a snapshot"
    named = [one.name for one in delivery_files.open_names(new, service.keys.names)[0]]
    assert f"{ERASED.name} in full" not in named
    assert len(new.signers) == len(old.signers) - 1
