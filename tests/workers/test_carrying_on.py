"""What carrying out leaves behind, and what happens when it fails (R04, R06)."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import caps, subscriptions, suppressions, wordings
from app.audience.models import (
    COMPLAINT,
    HARD_BOUNCE,
    NEVER_WRITE,
    CapCounter,
    Suppression,
)
from app.core import ids, tokens
from app.optin import models as purposes
from app.optin import requests as door
from app.optin.models import FAILED, PROVEN, Request
from app.outbox import posting, returns
from app.outbox.models import Delivery, Envelope, Letter
from app.petitions import signing
from app.petitions.models import Signature
from app.staff.models import AuditEntry
from tests.factories import DAY, a_petition, a_request
from tests.fixtures import NOON
from tests.workers.wishes import ADDRESS, LEILA, carry_out, count, proven, signing_wish, wording
from workers import requests
from workers.requests import Room


@pytest.mark.both_databases
def test_C15_C18_a_proof_gives_places_back_and_lifts_a_bounce(session: Session, room: Room) -> None:
    index = room.desk.indexer.index(LEILA)
    for _ in range(2):
        caps.take(session, [index], a_day=3, a_month=6, today=DAY)
    for reason in (HARD_BOUNCE, COMPLAINT):
        suppressions.add(session, index.key_id, index.mailbox, reason, day=DAY)
    proven(session, room, purposes.PREFERENCES, "all")
    carry_out(session, room)
    assert session.scalars(sa.select(CapCounter.mailed)).all() == [1]
    assert session.scalars(sa.select(Suppression.reason)).all() == [COMPLAINT]


@pytest.mark.both_databases
@pytest.mark.parametrize("fault", ["box", "subject", "choices", "verb", "database"])
def test_R06_one_that_fails_is_kept_for_staff_and_stops_no_other(
    session: Session, room: Room, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    petition = a_petition(session)
    odd = signing_wish(session, room, petition)
    if fault == "box":
        odd.box = b"1:canary"
    elif fault == "subject":
        odd.subject = str(petition.id + 1)
    elif fault == "choices":
        odd.choices = b"1:canary"
    elif fault == "verb":
        odd.choices = room.desk.opener.seal("choices", odd.id, {"signature_id": "canary"})
    else:
        odd.box = room.desk.opener.seal(
            "request",
            odd.id,
            {"address": ADDRESS, "subject": odd.subject, "text_id": -5, "wording_id": -5},
        )
    good = signing_wish(session, room, petition)
    session.flush()
    kept, gone = odd.id, good.id
    assert carry_out(session, room) == 2
    assert session.get_one(Request, kept).state == FAILED
    assert session.get(Request, gone) is None
    assert count(session, Signature) == 1
    assert session.scalars(sa.select(AuditEntry.action)).all() == ["request-failed"]
    assert session.scalars(sa.select(AuditEntry.subject)).all() == ["request:signature"]
    assert "canary" not in caplog.text
    assert carry_out(session, room) == 0, "it is not tried again"


def test_R04_a_database_that_went_away_fails_nothing(
    session: Session, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    petition = a_petition(session)
    request = signing_wish(session, room, petition)

    def away(*_: object, **__: object) -> None:
        raise sa.exc.OperationalError("", {}, Exception())

    monkeypatch.setattr(signing, "count", away)
    with pytest.raises(sa.exc.OperationalError):
        requests.carry_out(session, room, now=NOON)
    assert request.state == PROVEN


@pytest.mark.both_databases
def test_C14_never_write_suppresses_the_mailbox_once(session: Session, room: Room) -> None:
    letter = room.letters.letter(session, "confirmation", "en")
    mail = posting.Mail(
        letter,
        ids.new(),
        0,
        LEILA,
        {"never_write": "https://plain.example/en/never/"},
        never_write=True,
    )
    posting.post(session, room.desk, [mail], now=NOON)
    delivery = session.scalars(sa.select(Delivery)).one()
    token = room.desk.secrets.token(tokens.NEVER_WRITE, delivery.id, letter.key_id)
    assert requests.suppress_unwanted(session, now=NOON) == 0
    for _ in range(2):
        returns.never_write(session, token)
    returns.never_write(session, "1.false")
    assert requests.suppress_unwanted(session, now=NOON) == 1
    (found,) = session.scalars(sa.select(Suppression))
    assert found.reason == NEVER_WRITE
    assert found.mailbox_index == room.desk.indexer.index(LEILA).mailbox
    returns.never_write(session, token)
    assert requests.suppress_unwanted(session, now=NOON + timedelta(days=1)) == 0


def test_C01_a_whole_wish_from_asking_to_its_end(session: Session, room: Room) -> None:
    petition = a_petition(session, total=0, live=True)
    request_id = a_request(
        session,
        room.desk,
        purposes.SIGNATURE,
        str(petition.id),
        now=NOON,
        text_id=petition.texts[0].id,
        wording_id=wording(session, wordings.SIGNATURE),
    )
    assert requests.answer(session, room, now=NOON) == 1
    envelope = session.scalars(sa.select(Envelope)).one()
    assert envelope.box is not None
    code = room.desk.opener.open("envelope", envelope.delivery_id, envelope.box)["holes"]["code"]
    box = room.desk.opener.seal("choices", request_id, {"signature_id": ids.new().hex})
    assert door.prove_by_code(session, request_id, purposes.SIGNATURE, code, box, now=NOON)
    session.expire_all()
    carry_out(session, room)
    assert petition.published_total == 1
    assert subscriptions.forget_without_purpose(session) == 0
    assert count(session, Letter) == 1
