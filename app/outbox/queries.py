"""Reading the road: how far a send is, and how the workers are. Only counters are read, never rows of people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.outbox.models import (
    CLOSED,
    CONFIRMATION,
    DEFERRED,
    QUEUED,
    STATES,
    Letter,
    Send,
    SendMinute,
    SendResult,
    Slice,
    Worker,
)

RATE_MINUTES: Final = 5


@dataclass(frozen=True)
class LetterProgress:
    """One letter's deliveries by state."""

    languages: tuple[str, ...]
    quiet: bool
    counts: Mapping[str, int]


@dataclass(frozen=True)
class Progress:
    """How far a send is. ``rate`` is accepted mails a minute lately; ``left`` what is queued or deferred."""

    state: str
    counts: Mapping[str, int]
    letters: tuple[LetterProgress, ...]
    minutes: tuple[tuple[datetime, int], ...]
    rate: float
    time_left: timedelta | None

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def left(self) -> int:
        return self.counts[QUEUED] + self.counts[DEFERRED]


@dataclass(frozen=True)
class WorkerState:
    """The workers as the dashboard shows them: when one was last heard."""

    last_beat: datetime | None
    running: int


def progress(session: Session, send_id: int, *, now: datetime) -> Progress:
    """Totals, per letter, rate and time left of a send. Raises NoResultFound for a send that is not there."""
    send = session.get_one(Send, send_id)
    letters = (
        _closed_letters(session, send_id) if send.state == CLOSED else _letters(session, send_id)
    )
    counts = {state: sum(one.counts[state] for one in letters) for state in STATES}
    minutes = session.execute(
        sa.select(SendMinute.minute, SendMinute.accepted)
        .where(SendMinute.send_id == send_id)
        .order_by(SendMinute.minute)
    ).all()
    rate = _rate(minutes, send, now)
    left = counts[QUEUED] + counts[DEFERRED]
    return Progress(
        state=send.state,
        counts=counts,
        letters=letters,
        minutes=tuple((row.minute, row.accepted) for row in minutes),
        rate=rate,
        time_left=timedelta(minutes=left / rate) if left and rate else None,
    )


def states_by_purpose(session: Session) -> Mapping[str, Mapping[str, int]]:
    """Deliveries by state for each purpose, for ``outbox status``."""
    sums = [
        sa.func.coalesce(sa.func.sum(getattr(Slice, state)), 0).label(state) for state in STATES
    ]
    rows = session.execute(
        sa.select(Send.purpose, *sums)
        .join(Slice, Slice.send_id == Send.id)
        .group_by(Send.purpose)
        .order_by(Send.purpose)
    )
    return {row.purpose: {state: getattr(row, state) for state in STATES} for row in rows}


def worker_state(session: Session, *, now: datetime, silent_after: timedelta) -> WorkerState:
    """The newest beat of any worker, and how many beat lately."""
    beats = session.scalars(sa.select(Worker.beat_at)).all()
    return WorkerState(
        last_beat=max(beats, default=None),
        running=sum(beat > now - silent_after for beat in beats),
    )


def running_sends(session: Session) -> Sequence[Send]:
    """Sends that staff may watch, newest first; the standing send of confirmations is none of them."""
    return session.scalars(
        sa.select(Send).where(Send.purpose != CONFIRMATION).order_by(Send.id.desc())
    ).all()


def _letters(session: Session, send_id: int) -> tuple[LetterProgress, ...]:
    sums = [
        sa.func.coalesce(sa.func.sum(getattr(Slice, state)), 0).label(state) for state in STATES
    ]
    rows = session.execute(
        sa.select(Letter.id, Letter.languages, Letter.quiet, *sums)
        .outerjoin(Slice, Slice.letter_id == Letter.id)
        .where(Letter.send_id == send_id)
        .group_by(Letter.id, Letter.languages, Letter.quiet)
        .order_by(Letter.id)
    )
    return tuple(
        LetterProgress(row.languages, row.quiet, {state: getattr(row, state) for state in STATES})
        for row in rows
    )


def _closed_letters(session: Session, send_id: int) -> tuple[LetterProgress, ...]:
    counts: dict[int, dict[str, int]] = {}
    letters: dict[int, Letter] = {}
    for letter, state, deliveries in session.execute(
        sa.select(Letter, SendResult.state, SendResult.deliveries)
        .join(SendResult, SendResult.letter_id == Letter.id)
        .where(Letter.send_id == send_id)
        .order_by(Letter.id)
    ):
        letters[letter.id] = letter
        counts.setdefault(letter.id, dict.fromkeys(STATES, 0))[state] = deliveries
    return tuple(
        LetterProgress(letter.languages, letter.quiet, counts[letter_id])
        for letter_id, letter in letters.items()
    )


def _rate(minutes: Sequence[sa.Row[datetime, int]], send: Send, now: datetime) -> float:
    """Accepted a minute over the last minutes, or since the beginning where that is shorter."""
    if send.started_at is None or not minutes:
        return 0.0
    since = max(now - timedelta(minutes=RATE_MINUTES), send.started_at)
    recent = sum(
        row.accepted for row in minutes if row.minute >= since.replace(second=0, microsecond=0)
    )
    span = max((now - since).total_seconds() / 60, 1 / 60)
    return float(recent / span)
