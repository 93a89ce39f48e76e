"""A worker that answers requests, for the tests of answering and of its letters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.optin import answering
from app.optin.letters import Letters
from app.optin.models import (
    SIGNATURE,
    Request,
)
from app.outbox.models import Delivery, Envelope, Letter, Slice
from config import Config
from emails.skeleton import Skeleton
from tests.factories import a_request
from tests.fixtures import NOON

A_DAY = timedelta(days=1)


HOUR = timedelta(hours=1)


class Answering:
    """One worker that answers; mails are read as the envelopes it made."""

    def __init__(self, session: Session, desk: Desk, config: Config) -> None:
        self.session, self.desk, self.config = session, desk, config
        self.letters = Letters(config, desk.indexer.key_id)

    def answer(self, now: datetime = NOON) -> int:
        dealt_with = answering.answer(self.session, self.desk, self.letters, self.config, now=now)
        self.session.expire_all()
        return dealt_with

    def ask(self, *, now: datetime = NOON, purpose: str = SIGNATURE, **more: str) -> Request:
        """Ask and have it answered."""
        request_id = a_request(self.session, self.desk, purpose, "1", now=now, **more)
        self.answer(now)
        return self.session.get_one(Request, request_id)

    def mails(self, request: Request) -> list[Mapping[str, str]]:
        """The holes of each mail that a request got, in order."""
        rows = self.session.execute(
            sa.select(Delivery.id, Envelope.box)
            .join(Envelope, Envelope.delivery_id == Delivery.id)
            .where(Delivery.recipient == request.id)
            .order_by(Delivery.round)
        )
        return [self.desk.opener.open("envelope", row.id, row.box)["holes"] for row in rows]


def letter_of(session: Session, request: Request) -> Letter:
    return session.scalars(
        sa.select(Letter)
        .join(Slice, Slice.letter_id == Letter.id)
        .join(Delivery, Delivery.slice_id == Slice.id)
        .where(Delivery.recipient == request.id)
    ).one()


def message(worker: Answering, request: Request) -> EmailMessage:
    """The mail as it would go out."""
    letter = letter_of(worker.session, request)
    raw = Skeleton.from_row(letter.skeleton, letter.holes).fill(
        {
            "to": "leila@example.org",
            "message_id": "x@plain.example",
            "date": "Tue, 24 Nov 2026 12:00:00 +0000",
            **worker.mails(request)[0],
        }
    )
    return message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
