"""Whether what is written down is whole: every wish opens, nothing points at nothing, no petition is without words."""

from __future__ import annotations

from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core.database import Base
from app.optin.models import (
    PREFERENCES,
    PROVEN,
    REPRESENTATIVE,
    SHOWING,
    SIGNATURE,
    SUBSCRIPTION,
    Request,
)
from app.petitions.models import Petition
from tests.attacks.conftest import House

CHOOSING = frozenset({PREFERENCES, REPRESENTATIVE, SHOWING, SIGNATURE, SUBSCRIPTION})
"""Wishes with choices beside the proof."""
RESTORED = ("request",)


class Whole:
    """Looks at a house anew after each request that wrote something, and each row only once."""

    def __init__(self, house: House) -> None:
        assert isinstance(house.desk, Desk)
        self._house, self._desk = house, house.desk
        self._seen: set[tuple[UUID, str]] = set()
        with house.database.reading() as session:
            self._began = {table: rows_of(session, table) for table in RESTORED}
            self._seen = {(row.id, row.state) for row in session.scalars(sa.select(Request))}

    def faults(self) -> list[str]:
        """What is half-written."""
        with self._house.database.reading() as session:
            lost = session.execute(sa.text("PRAGMA foreign_key_check")).all()
            found = [f"a {row[0]} points at no {row[2]}" for row in lost]
            for request in session.scalars(sa.select(Request)):
                if (request.id, request.state) not in self._seen:
                    self._seen.add((request.id, request.state))
                    found += self._of_request(request)
            for petition in session.scalars(sa.select(Petition)):
                if not any(text.title.strip() for text in petition.texts):
                    found.append("a petition without a title")
        return found

    def _of_request(self, request: Request) -> list[str]:
        found = []
        asked = self._desk.opener.open("request", request.id, request.box)
        if str(asked.get("subject")) != request.subject:
            found.append(f"a {request.purpose} whose box names another subject")
        if "@" not in str(asked.get("address", "@")):
            found.append(f"a {request.purpose} without an address")
        if not request.language:
            found.append(f"a {request.purpose} without a language")
        if request.state == PROVEN:
            if request.choices is None and request.purpose in CHOOSING:
                found.append(f"a proven {request.purpose} without choices")
            elif request.choices is not None:
                self._desk.opener.open("choices", request.id, request.choices)
        return found

    def restore_requests(self) -> None:
        """Give each live link and code back that an attack has used up."""
        with self._house.database.unit_of_work() as session:
            for table, rows in self._began.items():
                session.execute(sa.delete(Base.metadata.tables[table]))
                session.execute(sa.insert(Base.metadata.tables[table]), rows)


def rows_of(session: Session, table: str) -> list[dict[str, object]]:
    rows = session.execute(sa.select(Base.metadata.tables[table]))
    return [dict(row) for row in rows.mappings()]
