"""What is kept of who leaves a list: a keyed hash that keeps imports away, and nothing else (C17, C18)."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import erasing, queries, subscriptions, suppressions
from app.audience.ledger import Ledger
from app.audience.models import COMPLAINT, Suppression
from app.audience.subscriptions import Desk, contact_of
from app.core import addresses, tokens
from tests.factories import DAY, Keys, a_subscriber

LEILA = addresses.parse("Leila.K@gmail.com")


def kept(session: Session) -> list[str]:
    return list(session.scalars(sa.select(Suppression.reason).order_by(Suppression.reason)))


def leave(session: Session, desk: Desk, slug: str = "newsletter") -> int:
    """She leaves a list that she was on; returns the list's number."""
    reader = a_subscriber(session, desk, LEILA.exact, list_slug=slug)
    token = desk.secrets.token(tokens.ONE_CLICK, reader.id, reader.key_id)
    subscriptions.end_by_token(session, token, day=DAY)
    return reader.list_id


@pytest.mark.both_databases
def test_C18_who_leaves_by_one_click_is_remembered_for_that_list_by_the_mailbox_alone(
    session: Session, desk: Desk
) -> None:
    left = leave(session, desk)
    row = session.scalars(sa.select(Suppression)).one()
    assert (row.reason, row.day) == (f"left:{left}", DAY)
    assert row.mailbox_index == desk.indexer.index(addresses.parse("leilak@gmail.com")).mailbox
    subscriptions.end_by_token(session, "1.false", day=DAY)
    assert len(kept(session)) == 1, "a false link notes nobody"


@pytest.mark.both_databases
def test_C18_who_leaves_by_their_choices_is_remembered_too_and_was_never_on_is_not(
    session: Session, desk: Desk
) -> None:
    reader = a_subscriber(session, desk, LEILA.exact)
    contact = contact_of(session, desk, LEILA)
    assert contact is not None
    subscriptions.leave(session, contact, "unions", day=DAY)
    assert kept(session) == []
    subscriptions.leave(session, contact, "newsletter", day=DAY)
    assert kept(session) == [f"left:{reader.list_id}"]


def test_C18_that_a_list_was_left_stops_no_mail(session: Session, desk: Desk) -> None:
    leave(session, desk)
    other = a_subscriber(session, desk, LEILA.exact, list_slug="unions")
    may = sa.select(queries.may_receive(sa.literal(other.id)))
    assert session.scalar(may)
    indexes = list(desk.indexer.every_index(LEILA))
    assert queries.may_be_asked(session, indexes, today=DAY, outreach=True)


@pytest.mark.both_databases
def test_C18_who_subscribes_again_is_as_if_they_had_never_left(
    session: Session, keys: Keys
) -> None:
    newsletter, unions = leave(session, keys.desk), leave(session, keys.desk, "unions")
    index = keys.desk.indexer.index(LEILA)
    suppressions.add(session, index.key_id, index.mailbox, COMPLAINT, day=DAY)
    a_subscriber(session, keys.rotated, LEILA.exact)
    assert kept(session) == [COMPLAINT, f"left:{unions}"], "the other list, and all else, stays"
    assert newsletter != unions


@pytest.mark.both_databases
def test_C17_an_erasure_forgets_which_lists_were_left(
    session: Session, keys: Keys, ledger: Ledger
) -> None:
    leave(session, keys.desk)
    index = keys.desk.indexer.index(LEILA)
    suppressions.add(session, index.key_id, index.mailbox, COMPLAINT, day=DAY)
    erasing.forget(session, keys.rotated, ledger, LEILA, day=DAY)
    assert kept(session) == [COMPLAINT]
