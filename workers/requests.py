"""Requests: answered with a mail or none, and carried out once proven, each by its purpose's verb."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import caps, erasing, suppressions
from app.audience.ledger import Ledger
from app.audience.models import (
    ALL_REASONS,
    DO_NOT_CONTACT,
    HARD_BOUNCE,
    NEVER_WRITE,
    NEWSLETTER,
    UNIONS,
)
from app.audience.subscriptions import Desk, contact_of
from app.core import addresses, ids
from app.core.addresses import Address
from app.core.errors import MisplacedBoxError
from app.newsletters import subscribing
from app.optin import answering, models
from app.optin.letters import Letters
from app.optin.models import FAILED, ORDERS, Request
from app.organisations import confirming
from app.outbox import returns
from app.petitions import editing, endorsing, guarding, publishing, signing
from app.petitions.models import Petition
from app.staff import audit
from app.staff.models import Account
from config import Config

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Room:
    """What carrying out needs besides the session: keys, settings, ledger, the letters of confirmations."""

    desk: Desk
    config: Config
    ledger: Ledger
    letters: Letters
    watch: guarding.Watch = field(default_factory=guarding.Watch)


@dataclass(frozen=True)
class Proof:
    """One proven request, opened."""

    request: Request
    address: Address
    asked: Mapping[str, Any]
    choices: Mapping[str, Any]
    now: datetime


def answer(session: Session, room: Room, *, now: datetime) -> int:
    """Answer what waits for a mail; returns how many were dealt with."""
    return answering.answer(session, room.desk, room.letters, room.config, now=now)


def carry_out(session: Session, room: Room, *, now: datetime) -> int:
    """Do what was proven and delete the requests; returns how many.

    Each stands in a savepoint of its own: one that fails is kept for staff to see, and stops no other.
    """
    requests = answering.proven(session, today=now.date())
    for request in requests:
        try:
            with session.begin_nested():
                _carry_out(session, room, request, now)
                session.delete(request)
        except sa.exc.OperationalError:
            raise
        except Exception as error:  # noqa: BLE001 (a broken request must not hold up the others)
            log.error("a proven request failed: %s", type(error).__name__)
            request.state = FAILED
            audit.record(session, None, "request-failed", f"request:{request.purpose}", now)
    if requests:
        session.flush()
        publishing.publish(session, now=now)
    return len(requests)


def suppress_unwanted(session: Session, *, now: datetime) -> int:
    """Suppress the mailboxes that pressed "never write to me again" (C14)."""
    marked = returns.take_never_write(session)
    for key_id, mailbox_index in marked:
        suppressions.add(session, key_id, mailbox_index, NEVER_WRITE, day=now.date())
    return len(marked)


def _carry_out(session: Session, room: Room, request: Request, now: datetime) -> None:
    opener = room.desk.opener
    asked = opener.open("request", request.id, request.box)
    if request.purpose not in ORDERS and asked.get("subject") != request.subject:
        raise MisplacedBoxError("the box names another subject")
    choices = opener.open("choices", request.id, request.choices) if request.choices else {}
    proof = Proof(request, addresses.parse(str(asked["address"])), asked, choices, now)
    if request.purpose not in ORDERS:
        _welcome(session, room, proof)
    VERBS[request.purpose](session, room, proof)


def _welcome(session: Session, room: Room, proof: Proof) -> None:
    """A proof gives its mails' places back (C15), and shows that the mailbox takes mail after all (C18)."""
    indexes = list(room.desk.indexer.every_index(proof.address))
    caps.give_back(session, indexes, mails=proof.request.answered, day=proof.request.day)
    for index in indexes:
        suppressions.lift(session, index.mailbox, HARD_BOUNCE)


def _sign(session: Session, room: Room, proof: Proof) -> None:
    petition_id = int(proof.request.subject)
    day = proof.now.date()
    petition = session.get(Petition, petition_id)
    signing.count(
        session,
        room.desk,
        petition_id,
        proof.address,
        proof.asked,
        proof.choices,
        day=day,
        held=_why_held(room, proof, petition) if petition else "",
    )
    signing.lift_withdrawal(session, room.desk, room.ledger, petition_id, proof.address, day=day)
    if proof.choices.get("newsletter"):
        _subscribe(session, room, proof, NEWSLETTER, proof.choices["newsletter"])
    wording_id = proof.choices.get("petition_news")
    if wording_id and petition is not None:
        names = editing.public_titles(petition)
        slug = subscribing.petition_list(session, petition_id, names)
        _subscribe(session, room, proof, slug, {"wording_id": wording_id})


def _endorse(session: Session, room: Room, proof: Proof) -> None:
    petition_id, day = int(proof.request.subject), proof.now.date()
    endorsing.ask(
        session, room.desk, petition_id, proof.address, proof.asked, proof.choices, day=day
    )
    endorsing.lift_withdrawal(session, room.desk, room.ledger, petition_id, proof.address, day=day)


def _why_held(room: Room, proof: Proof, petition: Petition) -> str:
    seen = guarding.Sighting(
        petition.id,
        proof.address,
        room.desk.indexer.destination(proof.address),
        proof.asked.get("network"),
    )
    return room.watch.why_held(seen, room.config, hold_all=petition.hold_all, now=proof.now)


def _subscription(session: Session, room: Room, proof: Proof) -> None:
    wanted = {**proof.asked, **{key: value for key, value in proof.choices.items() if value}}
    _subscribe(session, room, proof, proof.request.subject, wanted)


def _subscribe(
    session: Session, room: Room, proof: Proof, slug: str, wanted: Mapping[str, Any]
) -> None:
    erasing.welcome_back(room.desk, room.ledger, proof.address, day=proof.now.date())
    subscribing.subscribe(
        session,
        room.desk,
        proof.address,
        slug,
        wanted,
        language=proof.request.language,
        day=proof.now.date(),
        known_languages=room.config.locales,
    )


def _change(session: Session, room: Room, proof: Proof) -> None:
    subscribing.change(
        session,
        room.desk,
        proof.address,
        proof.choices,
        day=proof.now.date(),
        known_languages=room.config.locales,
    )


def _withdraw(session: Session, room: Room, proof: Proof) -> None:
    """The signature and, where the address spoke for an organisation, the endorsement that it asked for."""
    subject, day = proof.request.subject, proof.now.date()
    signing.withdraw(session, room.desk, room.ledger, proof.address, subject, day=day)
    endorsing.withdraw(session, room.desk, room.ledger, proof.address, subject, day=day)


def _show_anew(session: Session, room: Room, proof: Proof) -> None:
    signing.change_shown(
        session, room.desk, int(proof.request.subject), proof.address, proof.choices
    )


def _erase(session: Session, room: Room, proof: Proof) -> None:
    """From the top down; audience comes last and leaves the keyed hash in the ledger."""
    day = proof.now.date()
    signing.withdraw(session, room.desk, room.ledger, proof.address, "all", day=day)
    endorsing.forget(session, room.desk, room.ledger, proof.address, day=day)
    contact = contact_of(session, room.desk, proof.address)
    indexes = list(room.desk.indexer.every_index(proof.address))
    returns.forget(session, contact.id if contact else None, [index.mailbox for index in indexes])
    if contact is not None:
        confirming.forget(session, contact.id)
    erasing.forget(session, room.desk, room.ledger, proof.address, day=day)


def _confirm_representative(session: Session, room: Room, proof: Proof) -> None:
    wanted = {**proof.asked, **{key: value for key, value in proof.choices.items() if value}}
    _subscribe(session, room, proof, UNIONS, wanted)
    contact = contact_of(session, room.desk, proof.address)
    if contact is not None:
        confirming.confirm(session, UUID(proof.request.subject), contact.id)


def _prove_staff_address(session: Session, room: Room, proof: Proof) -> None:
    account = session.get(Account, int(proof.request.subject))
    if account is not None and account.active:
        box_id = ids.new()
        account.test_box_id = box_id.hex
        account.test_box = room.desk.opener.seal("staff", box_id, {"address": proof.address.exact})


def _suppress(session: Session, room: Room, proof: Proof, reason: str = NEVER_WRITE) -> None:
    index = room.desk.indexer.index(proof.address)
    suppressions.add(session, index.key_id, index.mailbox, reason, day=proof.now.date())


def _keep_outreach_away(session: Session, room: Room, proof: Proof) -> None:
    _suppress(session, room, proof, DO_NOT_CONTACT)


def _lift(session: Session, room: Room, proof: Proof) -> None:
    for index in room.desk.indexer.every_index(proof.address):
        suppressions.lift(session, index.mailbox, *ALL_REASONS)


VERBS: Final[Mapping[str, Callable[[Session, Room, Proof], None]]] = {
    models.SIGNATURE: _sign,
    models.ENDORSEMENT: _endorse,
    models.SUBSCRIPTION: _subscription,
    models.PREFERENCES: _change,
    models.WITHDRAWAL: _withdraw,
    models.SHOWING: _show_anew,
    models.ERASURE: _erase,
    models.REPRESENTATIVE: _confirm_representative,
    models.STAFF_ADDRESS: _prove_staff_address,
    models.SUPPRESS: _suppress,
    models.NO_OUTREACH: _keep_outreach_away,
    models.LIFT: _lift,
}
"""Which verb carries out which purpose."""
