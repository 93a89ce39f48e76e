"""The worker makes the exports that colleagues asked for, to the officers alone (C20)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import officers
from app.desk import exporting
from app.desk.models import ASKED, FAILED, NO_KEYS, READY, Export
from app.petitions import delivering
from app.petitions.models import DRAFT
from app.staff.models import AuditEntry
from config import Config
from tests.factories import DAY, a_petition
from tests.fixtures import NOON
from workers import exports, retention

PRIVATE, PUBLIC = officers.make_key_pair()


@pytest.fixture
def config(config: Config) -> Config:
    """With an officer."""
    return replace(config, officer_keys=PUBLIC)


def make(session: Session, config: Config) -> Export:
    assert exports.make_waiting(session, config, now=NOON) == 1
    session.expire_all()
    return session.scalars(sa.select(Export)).one()


@pytest.mark.both_databases
def test_C20_what_a_colleague_asked_for_only_an_officer_opens(
    session: Session, config: Config
) -> None:
    petition = a_petition(session)
    exporting.ask(session, petition.id, account_id=1, day=DAY)
    exporting.ask(session, petition.id, account_id=2, day=DAY)
    found = make(session, config)
    assert (found.state, found.asked_by) == (READY, 1), "asked twice it is made once"
    octets = found.octets or b""
    assert petition.slug.encode() not in octets
    opened = delivering.from_json(officers.decrypt(octets, PRIVATE))
    assert opened.slug == petition.slug
    assert exports.make_waiting(session, config, now=NOON) == 0
    entry = session.scalars(sa.select(AuditEntry)).one()
    assert (entry.action, entry.subject) == ("petition.exported", f"petition:{petition.id}")
    assert exporting.take(session, petition.id) == octets
    assert exporting.take(session, petition.id) is None


def test_C20_without_officers_staff_are_told_and_may_ask_again(
    session: Session, config: Config
) -> None:
    petition = a_petition(session)
    exporting.ask(session, petition.id, account_id=1, day=DAY)
    failed = make(session, replace(config, officer_keys=""))
    assert (failed.state, failed.reason, failed.octets) == (FAILED, NO_KEYS, None)
    exporting.ask(session, petition.id, account_id=1, day=DAY)
    assert make(session, config).state == READY


def test_R06_one_that_fails_stops_no_other(session: Session, config: Config) -> None:
    broken, sound = a_petition(session), a_petition(session, "nurses")
    for petition in (broken, sound):
        exporting.ask(session, petition.id, account_id=1, day=DAY)
    broken.state = DRAFT
    session.flush()
    assert exports.make_waiting(session, config, now=NOON) == 2
    states = {
        row.petition_id: (row.state, row.reason)
        for row in session.execute(sa.select(Export.petition_id, Export.state, Export.reason))
    }
    assert states == {broken.id: (FAILED, "not-made"), sound.id: (READY, "")}


@pytest.mark.both_databases
def test_C20_an_export_that_nobody_fetched_goes_after_its_days(
    session: Session, config: Config
) -> None:
    petition = a_petition(session)
    exporting.ask(session, petition.id, account_id=1, day=DAY)
    make(session, config)
    retention.forget_on_time(session, config, now=NOON + timedelta(days=config.export_days))
    assert exporting.offered(session, petition.id) is not None
    retention.forget_on_time(session, config, now=NOON + timedelta(days=config.export_days + 1))
    assert exporting.offered(session, petition.id) is None


def test_C20_one_that_was_taken_back_meanwhile_is_not_offered(
    session: Session, config: Config
) -> None:
    petition = a_petition(session)
    exporting.ask(session, petition.id, account_id=1, day=DAY)
    [asked] = exporting.waiting(session)
    assert asked.state == ASKED
    assert exporting.forget_all(session) == 1
    assert not exporting.ready(session, asked.id, b"late")
