"""Within the hour, nothing of who left, withdrew or was erased stands in the database's own files (C17)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import sqlalchemy as sa

from app.audience.models import CapCounter, Consent, Contact, Subscription, Suppression
from app.core import disk
from app.core.database import Database
from app.core.errors import StaleError
from app.optin.models import Request
from app.organisations.models import Representative
from app.outbox.models import Envelope
from app.petitions.campaign_models import Endorsement
from app.petitions.models import Signature

log = logging.getLogger(__name__)

OF_PERSONS: Final = tuple(
    table.__tablename__
    for table in (
        *(Signature, Endorsement, Request, Contact, Subscription, Consent),
        *(Suppression, CapCounter, Envelope, Representative),
    )
)
"""Tables with words, hashes or boxes of persons; what else points at one holds random ids."""


class Wiping:
    """One worker's memory of what each table had lost when it was last wiped."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lost: Mapping[str, int] = {}
        self._again: set[str] = set()

    def run(self) -> bool:
        """Wipe what lost rows since the last time; False where something could not be, and is tried the next time.

        Raises what the database raises when it is away.
        """
        with self._database.outside_transactions() as connection:
            if connection.dialect.name == "sqlite":
                return _try(partial(disk.cut_log, connection))
            lost = disk.losses(connection, OF_PERSONS)
            fresh = {name for name in lost if lost[name] != self._lost.get(name)}
            failed = {
                name
                for name in sorted(fresh | self._again)
                if not _try(partial(disk.overwrite, connection, name))
            }
        # Twice each: what somebody's long reading still saw the first time is gone the second.
        self._lost, self._again = lost, fresh | failed
        return not failed


def _try(step: Callable[[], object]) -> bool:
    try:
        step()
    except StaleError:
        return False
    except sa.exc.DBAPIError as error:
        if error.connection_invalidated:
            raise
        log.error("the disk was not wiped: %s", type(error.orig).__name__)
        return False
    return True
