"""The public total: what every page shows, moved so that nobody can watch one signature arrive (C21)."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.petitions import guarding
from app.petitions.models import DRAFT, Petition, Signature

STEP: Final = 5
"""A total that is not live moves by at least this much, or after a day."""
_MINUTES: Final = 60


def publish(session: Session, *, now: datetime) -> None:
    """Bring the published totals up to date, each by its own rule.

    A live petition shows its exact total at once. Any other moves at a random minute of the hour, and only by
    five or more or when the last move is a day old.
    """
    counted = (
        sa.select(sa.func.count())
        .select_from(Signature)
        .where(Signature.petition_id == Petition.id, guarding.counts())
        .scalar_subquery()
    )
    rows = session.execute(
        sa.select(Petition, counted.label("total")).where(
            Petition.state != DRAFT,
            sa.or_(Petition.published_total != counted, Petition.publish_after.is_not(None)),
        )
    ).all()
    for petition, total in rows:
        if petition.live:
            _move(petition, total, now)
        elif total == petition.published_total:
            # Who came and who left make up for each other: a later change waits for a minute of its own.
            petition.publish_after = None
        elif petition.publish_after is None:
            petition.publish_after = _random_minute(now)
        elif petition.publish_after <= now:
            waited = petition.published_at is None or now - petition.published_at >= timedelta(
                days=1
            )
            if abs(total - petition.published_total) >= STEP or waited:
                _move(petition, total, now)
            else:
                petition.publish_after = _random_minute(now)


def _move(petition: Petition, total: int, now: datetime) -> None:
    petition.published_total = total
    petition.published_at = now
    petition.publish_after = None


def _random_minute(now: datetime) -> datetime:
    """A minute of the next hour that nobody can foresee."""
    next_hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return next_hour + timedelta(minutes=secrets.randbelow(_MINUTES))
