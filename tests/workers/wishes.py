"""Proven wishes for the tests of carrying them out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import consents, wordings
from app.core import addresses, ids
from app.core.database import Base
from app.optin import models as purposes
from app.optin.models import Request
from app.petitions.models import Petition
from tests.factories import a_proven_request
from tests.fixtures import NOON
from workers import requests
from workers.requests import Room

ADDRESS = "leila@example.org"


LEILA = addresses.parse(ADDRESS)


def count(session: Session, table: type[Base]) -> int:
    return session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def wording(session: Session, purpose: str) -> int:
    found = consents.current(session, purpose, "en")
    assert found is not None
    return found.id


def carry_out(session: Session, room: Room, *, now: datetime = NOON) -> int:
    done = requests.carry_out(session, room, now=now)
    session.flush()
    session.expire_all()
    return done


def proven(
    session: Session,
    room: Room,
    purpose: str,
    subject: str = "1",
    choices: Mapping[str, object] | None = None,
    **fields: object,
) -> Request:
    return a_proven_request(
        session,
        room.desk,
        purpose,
        subject,
        now=NOON,
        choices=choices,
        **fields,  # type: ignore[arg-type]
    )


def signing_wish(session: Session, room: Room, petition: Petition, **chosen: object) -> Request:
    return proven(
        session,
        room,
        purposes.SIGNATURE,
        str(petition.id),
        {"shown_as": "anonymous", "signature_id": ids.new().hex, **chosen},
        text_id=petition.texts[0].id,
        wording_id=wording(session, wordings.SIGNATURE),
    )
