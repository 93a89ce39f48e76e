"""What an informant learns who signs and subscribes with an address that is not theirs (C09, C15, C18, C23)."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import suppressions
from app.audience.ledger import Ledger
from app.audience.models import COMPLAINT, HARD_BOUNCE, NEVER_WRITE
from app.audience.subscriptions import Desk, end_by_token
from app.core import addresses, ids, tokens
from app.optin import models as purposes
from app.optin.letters import Letters
from app.optin.models import Request
from app.outbox.composing import Composer
from app.outbox.lanes import Outgoing
from app.outbox.models import Delivery, Letter, Slice
from app.outbox.models import Envelope as Sealed
from app.staff.models import Account
from config import Config
from tests import factories
from tests.attacks.conftest import NOON, House
from tests.pages import story
from workers import requests as worker
from workers.requests import Room

CLASSES = (
    "new",
    "pending",
    "confirmed",
    "left",
    "erased",
    "never",
    "complained",
    "bounced",
    "capped",
)
SILENT = {"never", "complained", "bounced", "capped"}
WISHES: dict[str, tuple[str, dict[str, str]]] = {
    "sign": (
        "/en/petitions/teachers/sign",
        {"consent": "y", "text_seen": "2", "wording_seen": "2"},
    ),
    "endorse": ("/en/petitions/teachers/endorse", {"consent": "y", "wording_seen": "4"}),
    "subscribe": ("/en/newsletter", {"consent": "y", "language1": "fa"}),
    "preferences": ("/en/my-choices", {"purpose": "preferences"}),
    "show": ("/en/my-choices", {"purpose": "showing", "petition": "1"}),
    "withdraw": ("/en/my-choices", {"purpose": "withdrawal", "petition": "all"}),
    "erase": ("/en/my-choices", {"purpose": "erasure"}),
}


def address_of(kind: str) -> str:
    # All of one length: the size of a request is the one thing that a watcher sees.
    return f"canary{CLASSES.index(kind)}@example.org"


@pytest.fixture
def room(house: House, desk: Desk, config: Config, ledger: Ledger) -> Room:
    """The worker beside the house."""
    settings = replace(config, quiet_mail_from="post@plain.example")
    return Room(desk, settings, ledger, Letters(settings, desk.indexer.key_id))


@pytest.fixture
def known(house: House, room: Room) -> House:
    """The house after each address has its history."""
    with house.database.unit_of_work() as session:
        for kind in CLASSES:
            _history(session, room, kind)
    return house


def _history(session: Session, room: Room, kind: str) -> None:
    desk, address = room.desk, address_of(kind)
    index = desk.indexer.index(addresses.parse(address))
    reasons = {"never": NEVER_WRITE, "complained": COMPLAINT, "bounced": HARD_BOUNCE}
    if kind in ("confirmed", "left", "erased"):
        reader = factories.a_subscriber(session, desk, address)
        token = desk.secrets.token(tokens.ONE_CLICK, reader.id, desk.indexer.key_id)
        if kind == "left":
            end_by_token(session, token, day=NOON.date())
    if kind == "erased":
        factories.a_proven_request(
            session, desk, purposes.ERASURE, "all", now=NOON, address=address
        )
        worker.carry_out(session, room, now=NOON)
    if kind in reasons:
        suppressions.add(session, index.key_id, index.mailbox, reasons[kind], day=NOON.date())
    for _ in range({"pending": 1, "capped": 3}.get(kind, 0)):
        factories.a_request(
            session, desk, purposes.SIGNATURE, "1", now=NOON, address=address, text_id=1
        )
    worker.answer(session, room, now=NOON)


@pytest.mark.parametrize("wish", WISHES)
def test_C09_the_web_answers_every_address_alike(known: House, room: Room, wish: str) -> None:
    place, data = WISHES[wish]
    seen: dict[str, list[Any]] = {}
    for kind in CLASSES:
        visitor = known.visitor()
        told: list[Any] = []
        with story.statements(known.database) as statements:
            asked = visitor.post(place, data={**data, "address": address_of(kind)})
            request_id = story.request_id_of(asked)
            waiting = str(asked.location)
            told += _answers(visitor, asked, waiting, request_id)
            with known.database.unit_of_work() as session:
                count = len(statements)
                worker.answer(session, room, now=NOON)
            del statements[count:]
            told += _answers(visitor, visitor.get(waiting), waiting, request_id)
            told += [tuple(statements)]
        with known.database.reading() as session:
            told.append(_shape(session, ids.from_url(request_id)))
        seen[kind] = told
    for kind in CLASSES[1:]:
        assert seen[kind] == seen["new"], kind


def _answers(visitor: Any, first: Any, waiting: str, request_id: str) -> list[Any]:
    wrong = {"code": "ACDEFHJK", "shown_as": "anonymous", "wish": "keep", "language1": "fa"}
    answers = [
        first,
        visitor.get(waiting),
        visitor.post(f"{waiting}/again"),
        visitor.get(f"{waiting}/again"),
        visitor.post(waiting, data=wrong),
    ]
    return [
        (
            answer.status_code,
            story.neutral(answer.text, request_id),
            [
                (name, value.replace(request_id, "ID"))
                for name, value in answer.headers
                if name != "Content-Length"
            ],
        )
        for answer in answers
    ]


def _shape(session: Session, request_id: UUID | None) -> dict[str, Any]:
    """A request's row without what is random: whoever reads the database learns no more than this."""
    row = session.get_one(Request, request_id)
    shape: dict[str, Any] = {}
    for column in Request.__table__.columns:
        value = getattr(row, column.name)
        shape[column.name] = (
            len(value) if isinstance(value, bytes) else value if column.name != "id" else ""
        )
    shape["noted"] = row.noted is not None
    return shape


def _mails(session: Session, room: Room, kind: str) -> list[tuple[int, bytes]]:
    """The mails that wait for an address, each with its letter, as they would arrive."""
    found = []
    rows = session.execute(
        sa.select(Delivery, Sealed).join(Sealed, Sealed.delivery_id == Delivery.id)
    )
    for delivery, sealed in rows:
        if sealed.box is None:
            continue
        opened = room.desk.opener.open("envelope", delivery.id, sealed.box)
        if opened["address"] != address_of(kind):
            continue
        letter = session.get_one(Letter, session.get_one(Slice, delivery.slice_id).letter_id)
        mail = Outgoing(
            position=0,
            delivery_id=delivery.id,
            recipient=delivery.recipient,
            box=sealed.box,
            contact=False,
            index_key_id="",
            mailbox_index=b"",
        )
        found.append((letter.id, Composer(letter, room.desk).compose(mail, now=NOON).message))
    return found


@pytest.mark.parametrize("wish", WISHES)
def test_C09_the_mail_is_the_same_or_none(known: House, room: Room, wish: str) -> None:
    place, data = WISHES[wish]
    before: dict[str, int] = {}
    with known.database.reading() as session:
        for kind in CLASSES:
            before[kind] = len(_mails(session, room, kind))
    for kind in CLASSES:
        known.visitor().post(place, data={**data, "address": address_of(kind)})
    with known.database.unit_of_work() as session:
        worker.answer(session, room, now=NOON)
    with known.database.reading() as session:
        got = {kind: _mails(session, room, kind)[before[kind] :] for kind in CLASSES}
    assert {kind for kind in CLASSES if not got[kind]} == SILENT
    assert {len(mails) for kind, mails in got.items() if kind not in SILENT} == {1}
    all_of_them = [mail for mails in got.values() for mail in mails]
    assert len({(letter, len(message)) for letter, message in all_of_them}) == 1
    for mails in got.values():
        for _letter, message in mails:
            text = message.decode("ascii")
            for word in ("teachers", "Teachers", "Confederation", "peyvand", "imprisoned"):
                assert word not in text, "C14: nothing of what was asked, and not by whom"


def test_C23_no_log_at_any_level_holds_what_was_typed_or_mailed(
    known: House, room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in ("sqlalchemy.engine", "sqlalchemy.pool", "app", "workers", "emails", "werkzeug"):
        caplog.set_level(logging.DEBUG, logger=name)
    visitor = known.visitor()
    typed = {"address": "canary.typed@example.org", "consent": "y"}
    asked = visitor.post("/en/petitions/teachers/sign", data=typed)
    waiting = str(asked.location)
    with known.database.unit_of_work() as session:
        worker.answer(session, room, now=NOON)
    request_id = ids.from_url(story.request_id_of(asked))
    assert request_id is not None
    link = room.desk.secrets.token(tokens.LINK, request_id, room.desk.indexer.key_id)
    code = room.desk.secrets.code(request_id, room.desk.indexer.key_id)
    visitor.get(f"/en/c/{link}")
    visitor.post(f"/en/c/{link}", data={"shown_as": "nonsense", "shown_name": "Canary Name"})
    chosen = {"code": code, "shown_as": "full-name", "shown_name": "Canary Name"}
    assert visitor.post(waiting, data=chosen).status_code == 303
    with known.database.unit_of_work() as session:
        assert worker.carry_out(session, room, now=NOON) == 1
    assert "SELECT" in caplog.text, "else the engine's log was not heard"
    # A name that its owner chose to show stands in the clear in its row, and so in the engine's own DEBUG log.
    for word in ("canary.typed", "canary%2E", link, code, known.inside.unsubscribe):
        assert word not in caplog.text, word


def test_C23_no_error_page_repeats_what_was_typed(known: House) -> None:
    visitor = known.visitor()
    for place in ("/en/petitions/none/sign", "/en/c/x", "/en/petitions/miners/sign", "/nothing"):
        for answer in (
            visitor.post(place, data={"address": "canary.typed@example.org"}),
            visitor.get(place, query_string={"address": "canary.typed@example.org"}),
        ):
            assert "canary.typed" not in answer.text, place


def test_C28_an_address_proven_after_the_account_was_locked_is_not_kept(
    session: Session, desk: Desk, config: Config, ledger: Ledger
) -> None:
    room = Room(desk, config, ledger, Letters(config, desk.indexer.key_id))
    account = Account(name="Roya", role="editor", language="fa", password_hash="x", active=False)
    session.add(account)
    session.flush()
    factories.a_proven_request(
        session, desk, purposes.STAFF_ADDRESS, str(account.id), now=NOON, address="r@example.org"
    )
    assert worker.carry_out(session, room, now=NOON) == 1
    assert account.test_box is None
