"""Exports offered once: asked for by a colleague, made by the worker, fetched by one click, then gone (C20, C28)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import ids, wake
from app.core.database import insert_into, wake_after_commit
from app.core.errors import NotFoundError
from app.desk.models import ASKED, FAILED, READY, Export
from app.petitions.models import PUBLIC, Petition


@dataclass(frozen=True)
class Offered:
    """How far a petition's export is; never the file."""

    state: str
    reason: str
    day: date


def ask(session: Session, petition_id: int, *, account_id: int, day: date) -> None:
    """Ask the worker for a petition's export; one that was made or failed before is made anew.

    Asked twice it is made once. Raises NotFoundError for a draft and for no such petition.
    """
    petition = session.get(Petition, petition_id)
    if petition is None or petition.state not in PUBLIC:
        raise NotFoundError("no such petition")
    anew = {"state": ASKED, "reason": "", "day": day, "asked_by": account_id, "octets": None}
    session.execute(
        insert_into(session, Export)
        .values(petition_id=petition_id, **anew, id=ids.new())
        .on_conflict_do_update(
            index_elements=["petition_id"],
            set_={**anew, "id": ids.new()},
            where=Export.state != ASKED,
        )
    )
    wake_after_commit(session, wake.REQUESTS)


def offered(session: Session, petition_id: int) -> Offered | None:
    """How far the export of a petition is; None where none was asked for."""
    row = session.execute(
        sa.select(Export.state, Export.reason, Export.day).where(Export.petition_id == petition_id)
    ).one_or_none()
    return Offered(row.state, row.reason, row.day) if row else None


def take(session: Session, petition_id: int) -> bytes | None:
    """Hand the file over and delete it in one statement: of two clicks one gets it. None where none is ready."""
    return session.execute(
        sa.delete(Export)
        .where(Export.petition_id == petition_id, Export.state == READY)
        .returning(Export.octets)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()


def waiting(session: Session) -> Sequence[Export]:
    """What the worker is to make; locked, so that two workers never make one twice."""
    return session.scalars(
        sa.select(Export)
        .where(Export.state == ASKED)
        .order_by(Export.id)
        .with_for_update(skip_locked=True)
    ).all()


def ready(session: Session, export_id: UUID, octets: bytes) -> bool:
    """Offer a file that was made; False where it was asked for anew or taken back meanwhile."""
    return _settle(session, export_id, state=READY, octets=octets)


def failed(session: Session, export_id: UUID, reason: str) -> bool:
    """Say that it could not be made, and why."""
    return _settle(session, export_id, state=FAILED, reason=reason)


def forget_unfetched(session: Session, *, before: date) -> int:
    """Delete what was asked for before that day and never fetched; returns how many."""
    return _deleted(session, Export.day < before)


def forget_all(session: Session) -> int:
    """Delete every export, whatever its state (C28); returns how many."""
    return _deleted(session, sa.true())


def _deleted(session: Session, where: sa.ColumnElement[bool]) -> int:
    gone = session.execute(sa.delete(Export).where(where))
    return cast("sa.CursorResult[object]", gone).rowcount


def _settle(session: Session, export_id: UUID, **values: object) -> bool:
    settled = session.execute(
        sa.update(Export)
        .where(Export.id == export_id, Export.state == ASKED)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return cast("sa.CursorResult[object]", settled).rowcount == 1
