"""How a send stands, as staff may see it: exact totals, cells of twenty and more, the pace of it (C19).

What is told here is arithmetic; words and digits are the template's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from sqlalchemy.orm import Session

from app.core.cells import merged
from app.newsletters import sending
from app.outbox import queries, sends
from app.outbox.models import (
    ACCEPTED,
    BOUNCED,
    CLOSED,
    DEFERRED,
    FREEZING,
    PAUSED,
    QUEUED,
    RUNNING,
    SENT,
    SUPPRESSED,
    UNAPPROVED,
    UNKNOWN,
    WAITING,
    Send,
)

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "accepted": (ACCEPTED,),
    "waiting": (QUEUED, DEFERRED),
    "ended": (BOUNCED, SUPPRESSED, UNKNOWN),
}
"""What a row of the table tells, and of which states it is the sum."""
MOVING: Final = (UNAPPROVED, WAITING, FREEZING, RUNNING, PAUSED)
"""States in which a page that moves by itself has something to wait for."""
BARS: Final = 11


@dataclass(frozen=True)
class Row:
    """One choice of languages, or "other" (no languages); None stands for a cell told under "other"."""

    languages: tuple[str, ...]
    cells: Mapping[str, int | None]


@dataclass(frozen=True)
class Bar:
    """One span of the chart: its height in hundredths of the highest, and whether it is the newest."""

    place: int
    height: int
    newest: bool


@dataclass(frozen=True)
class Standing:
    """A send at this moment."""

    id: int
    issue_id: int
    state: str
    counts: Mapping[str, int]
    rows: Sequence[Row]
    bars: Sequence[Bar]
    bar_minutes: int
    peak: int
    rate: int
    minutes_left: int | None
    begins_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    scheduled_by: int | None
    approved_by: int | None
    unknown_left: int
    stuck: bool

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def accepted(self) -> int:
        return self.counts[ACCEPTED]

    @property
    def moving(self) -> bool:
        return self.state in MOVING

    @property
    def unknown(self) -> int:
        """How many mails of unknown fate wait for staff to decide (R02)."""
        return max(self.counts[UNKNOWN] - self.unknown_left, 0) if self.state != CLOSED else 0


def standing(session: Session, send_id: int, *, now: datetime) -> Standing:
    """How the send of an issue stands. Raises NotFoundError for any other send."""
    issue_id = sending.issue_of(session, send_id)
    send = session.get_one(Send, send_id)
    told = queries.progress(session, send_id, now=now)
    minutes, span = _spans(told.minutes, now if send.state in MOVING else send.finished_at or now)
    return Standing(
        id=send_id,
        issue_id=issue_id,
        state=send.state,
        counts=told.counts,
        rows=_rows(told.letters),
        bars=_bars(minutes),
        bar_minutes=span,
        peak=max(minutes, default=0),
        rate=round(told.rate) if send.state == RUNNING else 0,
        minutes_left=_minutes(told.time_left) if send.state == RUNNING else None,
        stuck=bool(send.options.get(sends.STUCK)),
        begins_at=send.begins_at,
        started_at=send.started_at,
        finished_at=send.finished_at,
        scheduled_by=send.scheduled_by,
        approved_by=send.approved_by,
        unknown_left=int(send.options.get("unknown_left", 0)),
    )


def leave_unknown(session: Session, send_id: int, *, now: datetime) -> int:
    """Decide that the mails of unknown fate stay as they are; returns how many they were (R02)."""
    found = standing(session, send_id, now=now)
    send = session.get_one(Send, send_id, with_for_update=True)
    send.options = {**send.options, "unknown_left": found.counts[UNKNOWN]}
    session.flush()
    return found.unknown


def _rows(letters: Sequence[queries.LetterProgress]) -> list[Row]:
    choices = list(dict.fromkeys(letter.languages for letter in letters))
    table: dict[tuple[str, ...], dict[str, int | None]] = {choice: {} for choice in choices}
    other: dict[str, int | None] = {}
    for column, states in COLUMNS.items():
        counts = {
            choice: sum(
                letter.counts[state]
                for letter in letters
                if letter.languages == choice
                for state in states
            )
            for choice in choices
        }
        cells = merged(counts)
        for choice in choices:
            table[choice][column] = cells.shown.get(choice)
        other[column] = cells.other
    rows = [Row(choice, cells) for choice, cells in table.items() if any(cells.values())]
    return [*rows, Row((), other)] if any(other.values()) else rows


def _spans(minutes: Sequence[tuple[datetime, int]], until: datetime) -> tuple[list[int], int]:
    """Accepted mails in spans of equal length from the first minute on, and that length in minutes."""
    if not minutes:
        return [], 1
    first = minutes[0][0]
    whole = max(int((until - first).total_seconds() // 60), 0) + 1
    span = ceil(whole / BARS)
    sums = [0] * ceil(whole / span)
    for minute, accepted in minutes:
        place = int((minute - first).total_seconds() // 60) // span
        sums[min(place, len(sums) - 1)] += accepted
    return sums, span


def _bars(spans: Sequence[int]) -> list[Bar]:
    peak = max(spans, default=0)
    return [
        Bar(place, round(92 * count / peak) if peak else 0, newest=place == len(spans) - 1)
        for place, count in enumerate(spans)
    ]


def _minutes(left: timedelta | None) -> int | None:
    return ceil(left.total_seconds() / 60) if left is not None else None


def is_over(state: str) -> bool:
    """Whether nothing of a send is to come any more."""
    return state in (SENT, CLOSED)
