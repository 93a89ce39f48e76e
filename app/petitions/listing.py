"""Petitions as the workroom lists them: state, languages, and totals as staff may see them (C19)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.petitions import editing, guarding, translating
from app.petitions.models import ARCHIVED, CLOSED, DELIVERED, DRAFT, OPEN, Petition, Signature
from app.petitions.queries import FEW

_ORDER: Final = {DRAFT: 0, OPEN: 1, CLOSED: 2, DELIVERED: 3, ARCHIVED: 4}


@dataclass(frozen=True)
class Row:
    """One petition; ``signed`` is None for fewer than 20, unless the public sees the exact total too."""

    id: int
    state: str
    goal: int
    live: bool
    titles: Mapping[str, str]
    half: Sequence[str]
    absent: Sequence[str]
    waiting: Sequence[str]
    """Languages whose translation is to be approved, or approved again."""
    signed: int | None

    @property
    def laid(self) -> int:
        """How far the bond is laid."""
        return min(self.signed or 0, self.goal)


def rows(session: Session, locales: Sequence[str]) -> list[Row]:
    """All petitions: drafts first, then open ones, then closed ones, each kind with the newest first."""
    count = sa.func.count().label("signed")
    counted = session.execute(
        sa.select(Signature.petition_id, count)
        .where(guarding.counts())
        .group_by(Signature.petition_id)
    )
    signed = {row.petition_id: int(row.signed) for row in counted}
    found = session.scalars(sa.select(Petition).options(selectinload(Petition.texts)))
    return sorted(
        (_row(petition, signed.get(petition.id, 0), locales) for petition in found),
        key=lambda row: (_ORDER[row.state], -row.id),
    )


def _row(petition: Petition, signed: int, locales: Sequence[str]) -> Row:
    texts = editing.newest(petition)
    states = {code: translating.state(petition, code) for code in locales}
    return Row(
        id=petition.id,
        state=petition.state,
        goal=petition.goal,
        live=petition.live,
        titles={code: text.title for code, text in texts.items()},
        half=[code for code, at in states.items() if at == translating.HALF],
        absent=[code for code, at in states.items() if at == translating.MISSING],
        waiting=[code for code, at in states.items() if at in translating.TO_DO],
        signed=signed if petition.live or signed >= FEW else None,
    )
