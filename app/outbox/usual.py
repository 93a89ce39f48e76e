"""What is said for every mail, in one statement each over the lasting connection (PostgreSQL alone).

The verbs of ``lanes`` and ``recording`` do the same and more in a unit of work; they go on where something unusual
is met, and where these cannot tell whether they were committed.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID, SafeUUID

from psycopg import pq
from sqlalchemy.dialects import postgresql

from app.outbox.lanes import LEASE, Fetched, Lane, Outgoing, next_rows
from app.outbox.line import Line
from app.outbox.recording import Record

PLANS: Final = "SET plan_cache_mode = force_generic_plan"
"""A plan made once is right for these: all they touch is found by its key."""
BY_KEY: Final = "SET enable_hashjoin = off; SET enable_mergejoin = off; SET enable_seqscan = off; SET enable_bitmapscan = off"
NOT_AT_ONCE: Final = "SET synchronous_commit = off"
"""For reading: that a lease was prolonged may be lost with the server."""

# The slice first, as everybody locks. The division fails, and nothing is written, where a row has its outcome already.
_RECORD: Final = """
WITH told AS (
    SELECT * FROM unnest($2::bigint[], $3::integer[], $4::integer[], $5::smallint[])
        AS told(slice_id, position, send_id, code)
), ours AS (
    UPDATE slice SET queued = slice.queued - 1, accepted = slice.accepted + 1 FROM told
    WHERE slice.id = ANY ($2::bigint[]) AND slice.id = told.slice_id AND slice.owner = $1::uuid
    RETURNING told.slice_id, told.position, told.send_id, told.code
), written AS (
    UPDATE delivery SET state = 'accepted', code = ours.code FROM ours
    WHERE delivery.slice_id = ours.slice_id AND delivery.position = ours.position
        AND delivery.state = 'queued'
    RETURNING 1
), rated AS (
    INSERT INTO send_minute (send_id, minute, accepted)
    SELECT send_id, $6::timestamptz, count(*) FROM ours GROUP BY send_id ORDER BY send_id
    ON CONFLICT (send_id, minute) DO UPDATE SET accepted = send_minute.accepted + excluded.accepted
)
SELECT slice_id / CASE WHEN (SELECT count(*) FROM ours) = (SELECT count(*) FROM written)
    THEN 1 ELSE 0 END FROM ours
"""

_HOLD: Final = """
WITH held AS (
    UPDATE slice SET lease_until = {until}::timestamptz
    WHERE id = {in_slice}::bigint AND owner = {of}::uuid AND state = 'claimed' AND EXISTS (
        SELECT 1 FROM send WHERE send.id = slice.send_id AND send.state IN ('sending', 'freezing')
    ) RETURNING 1
)
SELECT found.* FROM held LEFT JOIN ({rows}) AS found ON true ORDER BY found.position
"""


def split(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
    """Those that ``record`` takes, one of each slice and in the order of the slices; and the others."""
    usual: dict[int, Record] = {}
    others: list[Record] = []
    for one in records:
        if one.is_usual and one.lane.slice_id not in usual:
            usual[one.lane.slice_id] = one
        else:
            others.append(one)
    return [usual[slice_id] for slice_id in sorted(usual)], others


async def record(line: Line, owner: UUID, usual: Sequence[Record], *, now: datetime) -> set[int]:
    """Write what ``split`` took; returns the slices that are ``owner``'s. Raises LineError.

    After a LineError nobody knows whether it was committed.
    """
    slices, positions, sends, codes = [], [], [], []
    for one in usual:
        slices.append(one.lane.slice_id)
        positions.append(one.mail.position)
        sends.append(one.lane.send_id)
        codes.append(one.outcome.code)
    minute = now.replace(second=0, microsecond=0)
    result = await line.ask(
        _RECORD,
        (
            owner.hex.encode(),
            _array(slices),
            _array(positions),
            _array(sends),
            _array(codes),
            minute.isoformat().encode(),
        ),
    )
    return {int.from_bytes(result.get_value(row, 0) or b"") for row in range(result.ntuples)}


async def fetch(
    line: Line, lane: Lane, owner: UUID, *, after: int, limit: int, now: datetime
) -> Fetched | None:
    """As ``lanes.next_in_lane``; None where a row may not go, which wants to be recorded. Raises LineError."""
    statement, order, constants = _fetching(now.date(), lane.outreach)
    given = {
        **constants,
        "until": (now + LEASE).isoformat().encode(),
        "of": owner.hex.encode(),
        "in_slice": b"%d" % lane.slice_id,
        "after": b"%d" % after,
        "most": b"%d" % limit,
    }
    result = await line.ask(statement, [given[name] for name in order])
    if not result.ntuples:
        return Fetched((), going_on=False)
    return _fetched(result)


@functools.lru_cache(maxsize=4)
def _fetching(today: date, outreach: bool) -> tuple[str, tuple[str, ...], dict[str, bytes]]:
    """The statement, the names of its places in order, and the values that are always the same."""
    statement = next_rows(today, outreach).params(in_slice=0, after=0, most=0)
    dialect = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]
    compiled: Any = statement.compile(dialect=dialect)
    written = compiled.construct_expanded_state()
    order = tuple(written.positiontup)
    more = ("until", "in_slice", "of")
    places = {name: f"${len(order) + 1 + n}" for n, name in enumerate(more)}
    constants = {name: str(value).encode() for name, value in written.parameters.items()}
    return _HOLD.format(rows=written.statement, **places), (*order, *more), constants


def _fetched(result: pq.abc.PGresult) -> Fetched | None:
    value = result.get_value
    mails = []
    for row in range(result.ntuples):
        position = value(row, 0)
        if position is None:
            return Fetched((), going_on=True)
        if value(row, 12) != b"\x01":
            return None
        subscription = value(row, 3)
        box = value(row, 5)
        first = 5 if box is not None else 8
        mails.append(
            Outgoing(
                int.from_bytes(position),
                _uuid(value(row, 1)),
                _uuid(value(row, 2)),
                value(row, first) or b"",
                box is not None,
                (value(row, first + 1) or b"").decode(),
                value(row, first + 2) or b"",
                _uuid(subscription) if subscription is not None else None,
                (value(row, 4) or b"").decode(),
                value(row, 11) == b"\x01",
            )
        )
    return Fetched(tuple(mails), going_on=True)


def _uuid(octets: bytes | None) -> UUID:
    # Without UUID's own checks, which cost three times as much: the database gives nothing else.
    made = object.__new__(UUID)
    object.__setattr__(made, "int", int.from_bytes(octets or b""))
    object.__setattr__(made, "is_safe", SafeUUID.unknown)
    return made


def _array(numbers: Sequence[int]) -> bytes:
    return b"{%b}" % ",".join(map(str, numbers)).encode()
