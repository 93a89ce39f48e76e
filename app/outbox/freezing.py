"""Fixing the recipients of a send: one statement for many slices, cut anywhere and resumed (R01)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.core import wake
from app.core.database import insert_into, wake_after_commit
from app.outbox.models import QUEUED, Delivery, Letter, Send, Slice
from app.outbox.posting import REST, new_slices

SLICE_SIZE: Final = 500
OWN_GROUP_FROM: Final = 20
"""A domain with this many readers in a send has slices of its own; the others share the group "rest"."""


def freeze(
    session: Session,
    send: Send,
    letter_ids: Mapping[tuple[tuple[str, ...], bool], int],
    recipients: sa.Select[Any],
    *,
    slices: int = 40,
) -> bool:
    """Fix a send's recipients, at most ``slices`` slices a call; True once all are fixed.

    ``recipients`` selects destination, contact_id, subscription_id, languages, quiet. The cursor stands in the
    send's options and moves in the same transaction as the rows, so that a cut loses and doubles nothing; who
    is selected twice is fixed once. Order within a slice is that of the contact's random id.
    """
    chosen = recipients.subquery("chosen")
    # A copy: changed in place, the cursor would look unchanged to the session and never be written.
    plan = dict(send.options.get("freeze") or _plan(session, chosen, letter_ids))
    while slices > 0 and plan["unit"] < len(plan["units"]):
        slices -= _freeze_part(session, send, chosen, letter_ids, plan, slices)
    send.options = {**send.options, "freeze": plan}
    session.flush()
    wake_after_commit(session, wake.DELIVER)
    return bool(plan["unit"] == len(plan["units"]))


def _plan(
    session: Session, chosen: sa.Subquery, letter_ids: Mapping[tuple[tuple[str, ...], bool], int]
) -> dict[str, Any]:
    """The units to fix one after the other: letter's key, destination group, how many readers are left in it."""
    readers = session.execute(
        sa.select(chosen.c.languages, chosen.c.quiet, chosen.c.destination, sa.func.count())
        .group_by(chosen.c.languages, chosen.c.quiet, chosen.c.destination)
        .order_by(chosen.c.languages, chosen.c.quiet, chosen.c.destination)
    ).all()
    in_all: Counter[str] = Counter()
    for _, _, destination, count in readers:
        in_all[destination] += count
    own = {destination for destination, count in in_all.items() if count >= OWN_GROUP_FROM}
    units: Counter[tuple[tuple[str, ...], bool, str]] = Counter()
    for languages, quiet, destination, count in readers:
        if (languages, quiet) in letter_ids:
            units[languages, quiet, destination if destination in own else REST] += count
    return {
        "own": sorted(own),
        "units": [[list(key), quiet, group, left] for (key, quiet, group), left in units.items()],
        "unit": 0,
        "after": "",
    }


def _freeze_part(
    session: Session,
    send: Send,
    chosen: sa.Subquery,
    letter_ids: Mapping[tuple[tuple[str, ...], bool], int],
    plan: dict[str, Any],
    most: int,
) -> int:
    """Fix at most ``most`` slices of the plan's unit in one statement, and move the cursor; returns how many."""
    languages, quiet, group, left = plan["units"][plan["unit"]]
    in_unit = [
        chosen.c.languages == tuple(languages),
        chosen.c.quiet == quiet,
        chosen.c.destination == group
        if group != REST
        else chosen.c.destination.not_in(plan["own"]),
    ]
    if plan["after"]:
        in_unit.append(chosen.c.contact_id > UUID(plan["after"]))
    letter = session.get_one(Letter, letter_ids[tuple(languages), quiet])
    # Who came or left meanwhile is met by one more part, of one slice, at the end.
    many: int = max(1, min(most, -(-left // SLICE_SIZE)))
    made = new_slices(session, letter, group, sizes=[0] * many)
    _insert_deliveries(session, send, [slice_.id for slice_ in made], chosen, in_unit)
    last = _measure(session, made)
    if last is None:
        last = _beyond(session, chosen, in_unit, many)
    units = plan["units"].copy()
    fixed = sum(slice_.size for slice_ in made)
    units[plan["unit"]] = [languages, quiet, group, max(0, left - fixed)]
    plan["units"] = units
    if last is None:
        plan.update(unit=plan["unit"] + 1, after="")
    else:
        plan["after"] = last.hex
    return many


def _insert_deliveries(
    session: Session,
    send: Send,
    slice_ids: Sequence[int],
    chosen: sa.Subquery,
    in_unit: Sequence[sa.ColumnElement[bool]],
) -> None:
    sqlite = session.get_bind().dialect.name == "sqlite"
    random_id = (
        sa.func.lower(sa.func.hex(sa.func.randomblob(16))) if sqlite else sa.func.gen_random_uuid()
    )
    # The limit stands inside: numbered outside it, the database would number all that are left.
    first = (
        sa.select(chosen.c.contact_id, chosen.c.subscription_id)
        .where(*in_unit)
        .order_by(chosen.c.contact_id)
        .limit(len(slice_ids) * SLICE_SIZE)
        .subquery("first")
    )
    number = _place(first.c.contact_id)
    numbered = sa.select(first, number.label("number")).subquery("numbered")
    columns = (
        numbered.c.number % SLICE_SIZE,
        random_id,
        sa.literal(send.id),
        numbered.c.contact_id,
        sa.literal(send.round),
        numbered.c.subscription_id,
        sa.literal(QUEUED),
    )
    in_order = numbered.c.number // SLICE_SIZE
    if sqlite:
        lanes = (
            sa.select(Slice.id, _place(Slice.id.expression).label("number"))
            .where(Slice.id.in_(slice_ids))
            .subquery("lanes")
        )
        source = sa.select(lanes.c.id, *columns).join_from(
            numbered, lanes, lanes.c.number == in_order
        )
    else:
        # Looked up, not joined: PostgreSQL would compare every reader with every slice.
        ids = sa.literal(sorted(slice_ids), ARRAY(sa.BigInteger)).label("ids")
        all_lanes = sa.select(ids).subquery("lanes")
        source = sa.select(all_lanes.c.ids[in_order + 1], *columns).join_from(
            numbered, all_lanes, sa.true()
        )
    session.execute(
        insert_into(session, Delivery)
        .from_select(
            [
                "slice_id",
                "position",
                "id",
                "send_id",
                "recipient",
                "round",
                "subscription_id",
                "state",
            ],
            source.order_by(numbered.c.number),
        )
        .on_conflict_do_nothing(index_elements=["send_id", "recipient", "round"])
    )


def _place(key: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    """SQL: how many come before this row in the order of ``key``."""
    return sa.type_coerce(sa.func.row_number().over(order_by=key), sa.Integer) - 1


def _measure(session: Session, made: Sequence[Slice]) -> UUID | None:
    """Set the new slices' sizes, drop those that stayed empty; returns the last recipient fixed, or None."""
    in_slices = (
        sa.select(Delivery.slice_id, sa.func.count())
        .where(Delivery.slice_id.in_([slice_.id for slice_ in made]))
        .group_by(Delivery.slice_id)
    )
    sizes: dict[int, int] = dict(session.execute(in_slices).all())
    for slice_ in made:
        slice_.size = slice_.queued = sizes.get(slice_.id, 0)
        if not slice_.size:
            session.delete(slice_)
    if not sizes:
        return None
    return session.scalar(
        sa.select(Delivery.recipient)
        .where(Delivery.slice_id == max(sizes))
        .order_by(Delivery.position.desc())
        .limit(1)
    )


def _beyond(
    session: Session,
    chosen: sa.Subquery,
    in_unit: Sequence[sa.ColumnElement[bool]],
    slices: int,
) -> UUID | None:
    """After a part that fixed nobody: the last of those who were fixed before, or None at the unit's end."""
    return session.scalar(
        sa.select(chosen.c.contact_id)
        .where(*in_unit)
        .order_by(chosen.c.contact_id)
        .offset(slices * SLICE_SIZE - 1)
        .limit(1)
    )
