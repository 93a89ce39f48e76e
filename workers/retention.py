"""Forgetting on time: every period of C16, from the settings that the privacy page prints."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.audience import caps, subscriptions
from app.desk import exporting
from app.optin import answering
from app.outbox import closing, returns
from app.petitions import endorsing, moderating
from app.staff import signing_in
from config import Config


def forget_on_time(session: Session, config: Config, *, now: datetime) -> None:
    """Erase what has had its time: requests, counters, envelopes, deliveries, contacts without a purpose.

    Safe to run as often as one likes, by several workers.
    """
    answering.forget_expired(session, now=now)
    subscriptions.forget_without_purpose(session)
    caps.forget(session, before=now.date() - timedelta(days=config.cap_days))
    returns.forget_old(session, before=now.date() - timedelta(days=config.send_days))
    closing.close_old(session, now=now, days=config.send_days)
    moderating.forget_refused(session, today=now.date())
    endorsing.forget_refused(session, today=now.date())
    exporting.forget_unfetched(session, before=now.date() - timedelta(days=config.export_days))
    signing_in.forget_ended(
        session,
        signing_in.Limits(
            idle=timedelta(minutes=config.idle_minutes),
            whole=timedelta(hours=config.session_hours),
        ),
        now,
    )
