"""The worker makes a petition's export for the officers, by a command or for a colleague who asked for it (C20)."""

from __future__ import annotations

import logging
from datetime import date, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core.sealing import KeyFormatError
from app.desk import exporting
from app.desk.models import NO_KEYS, NOT_MADE, Export
from app.staff import audit
from config import Config

if TYPE_CHECKING:
    from app.petitions.delivering import Delivery

log = logging.getLogger(__name__)


def make(
    session: Session, petition_id: int, config: Config, *, day: date
) -> tuple[Delivery, bytes]:
    """What is handed over of a petition, and the same as an age file that only the officers open.

    Raises NotFoundError for a draft and for none, KeyFormatError, which names the setting, for no officer's key or an odd one.
    """
    # What encrypts is loaded where something is exported: the worker starts without it.
    from app.core import officers
    from app.petitions import delivering

    gathered = delivering.gather(
        session,
        petition_id,
        link=f"{config.base_url}/p/{petition_id}",
        organisations={code: config.organisation_name(code) for code in config.locales},
        day=day,
    )
    try:
        return gathered, officers.encrypt(delivering.to_json(gathered), config.officer_keys)
    except KeyFormatError as error:
        raise KeyFormatError(f"PEYVAND_OFFICER_KEYS: {error}") from None


def make_waiting(session: Session, config: Config, *, now: datetime) -> int:
    """Make what colleagues asked for; returns how many. One that fails says so on its page and stops no other."""
    asked = exporting.waiting(session)
    for export in asked:
        try:
            with session.begin_nested():
                _make_one(session, export, config, now)
        except (sa.exc.OperationalError, sa.exc.InterfaceError):
            raise
        except Exception as error:  # noqa: BLE001 (its text may hold what is exported)
            log.error("an export could not be made: %s", type(error).__name__)
            why = NO_KEYS if isinstance(error, KeyFormatError) else NOT_MADE
            exporting.failed(session, export.id, why)
    return len(asked)


def _make_one(session: Session, export: Export, config: Config, now: datetime) -> None:
    _gathered, closed = make(session, export.petition_id, config, day=now.date())
    if exporting.ready(session, export.id, closed):
        subject = f"petition:{export.petition_id}"
        audit.record(session, None, "petition.exported", subject, now)
