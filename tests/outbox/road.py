"""Makers of what stands on the road: letters, sends, claimed lanes, and outcomes recorded on them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import Contact, Subscription
from app.audience.subscriptions import Desk
from app.core import addresses, ids
from app.outbox import lanes, posting
from app.outbox.lanes import Fetched, Lane, Outgoing
from app.outbox.models import (
    CONFIRMATION,
    NEWSLETTER,
    RUNNING,
    STATES,
    Delivery,
    Letter,
    Send,
    Slice,
)
from app.outbox.recording import Accepted, Record, record
from emails.skeleton import Skeleton
from emails.transport import Outcome
from tests.factories import a_subscriber
from tests.fixtures import NOON

ACCEPTED = Outcome("accepted", 250, "2.0.0")
DEFERRED = Outcome("deferred", 451, "4.2.0")
HARD = Outcome("bounced", 550, "5.1.1")
SOFT = Outcome("bounced", 552, "5.2.2")
POLICY = Outcome("bounced", 550, "5.7.1", scope="destination")
LOST = Outcome("unknown", scope="connection")

PLAIN = Skeleton(b"Subject: x\r\n\r\nx\r\n", ())


def a_letter(
    session: Session,
    send: Send,
    languages: tuple[str, ...] = ("fa",),
    *,
    skeleton: Skeleton = PLAIN,
    quiet: bool = False,
) -> Letter:
    """A letter of a send."""
    return posting.add_letter(
        session,
        send,
        kind=send.purpose,
        languages=languages,
        skeleton=skeleton,
        sender="news@peyvand.example",
        base_url="https://peyvand.example",
        key_id="1",
        quiet=quiet,
    )


def a_send(session: Session, state: str = RUNNING, subject: str = "1", **more: object) -> Send:
    """A newsletter's send."""
    given = {"purpose": NEWSLETTER, "begins_at": NOON, "scheduled_by": 1, **more}
    made = posting.schedule(session, subject=subject, state=state, **given)  # type: ignore[arg-type]
    assert made is not None
    return made


def readers(
    session: Session,
    desk: Desk,
    count: int,
    *,
    domain: str = "union.example",
    languages: tuple[str, ...] = ("fa",),
) -> list[Subscription]:
    """Subscribers of the newsletter."""
    return [
        a_subscriber(session, desk, f"r{number}@{domain}", languages=languages)
        for number in range(count)
    ]


def a_slice(
    session: Session, desk: Desk, send: Send, count: int, *, domain: str = "union.example"
) -> Slice:
    """A ready slice of mails to subscribers, in the order of their random ids."""
    made = Slice(
        send_id=send.id,
        letter_id=a_letter(session, send).id,
        destination="rest",
        priority=send.priority,
        size=count,
        queued=count,
    )
    session.add(made)
    session.flush()
    found = sorted(readers(session, desk, count, domain=domain), key=lambda one: one.contact_id)
    for place, reader in enumerate(found):
        session.add(
            Delivery(
                slice_id=made.id,
                position=place,
                id=ids.new(),
                send_id=send.id,
                recipient=reader.contact_id,
                subscription_id=reader.id,
            )
        )
    session.flush()
    return made


def confirmations(
    session: Session,
    desk: Desk,
    count: int,
    *,
    domain: str = "a.example",
    kind: str = CONFIRMATION,
) -> Letter:
    """Mails to people who are no contacts, posted as answering does."""
    letter = a_letter(session, posting.standing_send(session))
    letter.kind = kind
    mails = [
        posting.Mail(
            letter,
            ids.new(),
            0,
            addresses.parse(f"asker{number}@{domain}"),
            {"never_write": "https://plain.example/en/never/"},
            never_write=True,
        )
        for number in range(count)
    ]
    posting.post(session, desk, mails, now=NOON)
    return letter


class Worker:
    """One worker's hands on a lane."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.id = ids.new()
        self.lane: Lane | None = None

    def claim(self, *, most: int = 9, now: datetime = NOON) -> Lane | None:
        self.lane = lanes.claim(self.session, self.id, most=most, now=now)
        self.session.flush()
        self.session.expire_all()
        return self.lane

    def fetch(self, *, after: int = -1, limit: int = 100, now: datetime = NOON) -> Fetched:
        assert self.lane is not None
        found = lanes.next_in_lane(
            self.session, self.lane, self.id, after=after, limit=limit, now=now
        )
        self.session.expire_all()
        return found

    def record(
        self,
        mails: Iterable[Outgoing],
        outcomes: Iterable[Outcome],
        *,
        now: datetime = NOON,
        on_accepted: Accepted | None = None,
        lane: Lane | None = None,
    ) -> None:
        of = lane or self.lane
        assert of is not None
        records = [Record(of, mail, said) for mail, said in zip(mails, outcomes, strict=True)]
        record(self.session, self.id, records, now=now, on_accepted=on_accepted)
        self.session.flush()
        self.session.expire_all()

    def release(self, *, now: datetime = NOON, not_before: datetime | None = None) -> None:
        assert self.lane is not None
        lanes.release(self.session, self.lane, self.id, now=now, not_before=not_before)
        self.session.expire_all()


def states(session: Session, slice_id: int) -> list[str]:
    """The state of each row of a slice, in order."""
    return list(
        session.scalars(
            sa.select(Delivery.state)
            .where(Delivery.slice_id == slice_id)
            .order_by(Delivery.position)
        )
    )


def counters_agree(session: Session) -> None:
    """Every slice's counters and size are those of its rows."""
    session.expire_all()
    for slice_ in session.scalars(sa.select(Slice)):
        counted = Counter(states(session, slice_.id))
        shown = {state: getattr(slice_, state) for state in STATES}
        assert shown == {state: counted[state] for state in STATES}, slice_.id
        assert slice_.size == sum(counted.values())


def contact_ids(session: Session) -> Sequence[UUID]:
    """All contacts, in the order that a freeze uses."""
    return session.scalars(sa.select(Contact.id).order_by(Contact.id)).all()
