"""Carrying out what a reader proved about the newsletter (C12, C17, F08)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.models import Contact, MailingList, Subscription
from app.audience.subscriptions import Desk
from app.core import addresses
from app.newsletters import subscribing
from tests.newsletters.conftest import NOON, a_reader, count

LEILA = addresses.parse("leila@mail.example")
KNOWN = ("fa", "en")


def subscribe(session: Session, desk: Desk, wanted: Mapping[str, object]) -> Subscription:
    subscribing.subscribe(
        session,
        desk,
        LEILA,
        "newsletter",
        {"wording_id": 1, **wanted},
        language="fa",
        day=NOON.date(),
        known_languages=KNOWN,
    )
    session.expire_all()
    return session.scalars(sa.select(Subscription)).one()


def change(session: Session, desk: Desk, choices: Mapping[str, object]) -> None:
    subscribing.change(session, desk, LEILA, choices, day=NOON.date(), known_languages=KNOWN)
    session.expire_all()


@pytest.mark.parametrize(
    ("wanted", "languages"),
    [
        (["en", "fa"], ("en", "fa")),
        (["en", "en", "xx"], ("en",)),
        (["xx"], ("fa",)),
        ([], ("fa",)),
        (None, ("fa",)),
        ("en", ("fa",)),
        ([{"en": 1}, 7], ("fa",)),
    ],
)
def test_F08_the_reader_s_languages_or_the_one_they_asked_in(
    session: Session, desk: Desk, wanted: object, languages: tuple[str, ...]
) -> None:
    a_reader(session, desk, "wording@mail.example")
    session.execute(sa.delete(Subscription))
    found = subscribe(session, desk, {"languages": wanted})
    assert found.languages == languages
    assert not found.quiet


def test_C14_any_reader_may_ask_for_quiet_newsletters(session: Session, desk: Desk) -> None:
    a_reader(session, desk, LEILA.exact)
    assert subscribe(session, desk, {"languages": ["fa"], "quiet": True}).quiet


@pytest.mark.both_databases
def test_C17_languages_are_set_list_by_list_and_a_list_without_any_is_left(
    session: Session, desk: Desk
) -> None:
    a_reader(session, desk, LEILA.exact, on="newsletter")
    a_reader(session, desk, LEILA.exact, on="unions")
    change(
        session,
        desk,
        {
            "lists": {
                "newsletter": {"languages": ["en", "fa"], "quiet": True},
                "unions": {"languages": []},
            }
        },
    )
    found = session.scalars(sa.select(Subscription)).one()
    assert (found.languages, found.quiet) == (("en", "fa"), True)
    change(session, desk, {"lists": {"newsletter": {"languages": ["xx"]}}})
    assert count(session, Contact) == 0, "who left the last list is forgotten"


def test_C17_for_who_has_no_subscription_nothing_happens(session: Session, desk: Desk) -> None:
    change(session, desk, {"lists": {"newsletter": {"languages": ["fa"]}}})
    assert (count(session, Contact), count(session, Subscription)) == (0, 0)


@pytest.mark.parametrize("choices", [{}, {"lists": None}, {"lists": {}}])
def test_C12_nothing_chosen_changes_nothing(
    session: Session, desk: Desk, choices: Mapping[str, object]
) -> None:
    a_reader(session, desk, LEILA.exact, ("fa",))
    change(session, desk, choices)
    assert session.scalars(sa.select(Subscription)).one().languages == ("fa",)


@pytest.mark.both_databases
def test_a_petition_s_list_is_made_for_its_first_reader(session: Session) -> None:
    names = {"fa": "معلمان"}
    assert subscribing.petition_list(session, 3, names) == "petition-3"
    assert subscribing.petition_list(session, 3, {"fa": "دیگر"}) == "petition-3"
    found = session.scalars(sa.select(MailingList).where(MailingList.slug == "petition-3")).one()
    assert found.names == names
