"""What is held back, told to staff in cells of twenty, let go and taken out again; nothing is refused or lost."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date, timedelta
from os import urandom

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import addresses, ids
from app.core.errors import InvalidError, NotFoundError
from app.petitions import guarding, publishing
from app.petitions.guarding import ALL, BURST, DOMAIN, Sighting, Watch
from app.petitions.models import Petition, Signature
from config import Config
from tests.factories import DAY, a_petition
from tests.fixtures import NOON

MINUTE = timedelta(minutes=1)


@pytest.fixture
def strict(config: Config) -> Config:
    """Three a minute for a petition, two for a domain, two a day for a network."""
    return dataclasses.replace(config, burst_minute=3, burst_domain=2, burst_network=2)


def sighting(address: str = "a@union.example", network: str | None = None) -> Sighting:
    parsed = addresses.parse(address)
    return Sighting(1, parsed, parsed.provider or f"hash of {parsed.domain}", network)


def signatures(
    session: Session,
    petition: Petition,
    count: int,
    *,
    day: date = DAY,
    state: Mapping[str, str] | None = None,
) -> None:
    session.execute(
        sa.insert(Signature),
        [
            {
                "id": ids.new(),
                "petition_id": petition.id,
                "index_key_id": "1",
                "exact_hash": urandom(32),
                "mailbox_hash": urandom(32),
                "text_id": petition.texts[0].id,
                "wording_id": 1,
                "day": day,
                **(state or {}),
            }
            for _ in range(count)
        ],
    )


@pytest.mark.parametrize(
    ("address", "held"),
    [
        ("a@mailinator.com", True),
        ("a@Sub.Mailinator.com", True),
        ("a@notmailinator.example", False),
        ("a@proton.me", False),
        ("a@union.example", False),
    ],
)
def test_C18_mailboxes_for_minutes_are_held(config: Config, address: str, held: bool) -> None:
    why = Watch().why_held(sighting(address), config, hold_all=False, now=NOON)
    assert why == (DOMAIN if held else "")


def test_a_burst_of_one_domain_is_held_until_the_minute_is_over(strict: Config) -> None:
    watch = Watch()
    found = [
        watch.why_held(sighting(f"a{n}@union.example"), strict, hold_all=False, now=NOON)
        for n in range(3)
    ]
    assert found == ["", "", BURST]
    other = watch.why_held(sighting("a@other.example"), strict, hold_all=False, now=NOON + MINUTE)
    again = watch.why_held(sighting("b@union.example"), strict, hold_all=False, now=NOON + MINUTE)
    assert (other, again) == ("", "")


def test_a_public_provider_is_no_burst_but_a_whole_petition_can_be(strict: Config) -> None:
    watch = Watch()
    found = [
        watch.why_held(sighting(f"a{n}@gmail.com"), strict, hold_all=False, now=NOON)
        for n in range(4)
    ]
    assert found == ["", "", "", BURST]


def test_a_network_is_counted_for_a_day_and_an_unknown_one_never(strict: Config) -> None:
    watch = Watch()

    def seen(network: str | None, minutes: int) -> str:
        address = f"a{minutes}@d{minutes}.example"
        return watch.why_held(
            sighting(address, network), strict, hold_all=False, now=NOON + minutes * MINUTE
        )

    assert [seen("n", minutes) for minutes in range(3)] == ["", "", BURST]
    assert [seen(None, minutes) for minutes in range(3, 9)] == [""] * 6
    assert seen("n", 24 * 60) == "", "the next day"


def test_under_attack_everything_is_held(config: Config) -> None:
    assert Watch().why_held(sighting(), config, hold_all=True, now=NOON) == ALL


@pytest.mark.both_databases
def test_C21_held_signatures_do_not_count_until_they_are_let_go(session: Session) -> None:
    petition = a_petition(session, total=0, live=True)
    signatures(session, petition, 25)
    signatures(session, petition, 30, state={"held": BURST})
    signatures(session, petition, 3, state={"held": DOMAIN})
    publishing.publish(session, now=NOON)
    assert petition.published_total == 25
    assert guarding.release(session, petition.id, BURST) == 30
    publishing.publish(session, now=NOON)
    assert petition.published_total == 55


@pytest.mark.both_databases
def test_taking_out_is_for_a_reason_and_can_be_taken_back(session: Session) -> None:
    petition = a_petition(session, total=0, live=True)
    signatures(session, petition, 30, state={"held": DOMAIN})
    with pytest.raises(InvalidError):
        guarding.invalidate(session, petition.id, DOMAIN, "  ")
    assert guarding.invalidate(session, petition.id, DOMAIN, "one robot") == 30
    assert guarding.standing(session, petition.id).invalid == {"one robot": 30}
    publishing.publish(session, now=NOON)
    assert petition.published_total == 0
    assert guarding.restore(session, petition.id, "one robot") == 30
    publishing.publish(session, now=NOON)
    assert petition.published_total == 30


@pytest.mark.both_databases
def test_C19_staff_see_a_trend_and_no_cell_under_twenty(session: Session) -> None:
    petition = a_petition(session)
    signatures(session, petition, 19, state={"held": DOMAIN}, day=DAY - timedelta(days=1))
    signatures(session, petition, 20, state={"held": BURST}, day=DAY - timedelta(days=2))
    signatures(session, petition, 7, state={"held": BURST}, day=DAY - timedelta(days=1))
    signatures(session, petition, 30, state={"held": BURST})
    found = guarding.standing(session, petition.id)
    # neither a reason nor a day of fewer than twenty is told, nor left over when the others are taken away
    assert found.held == {DOMAIN: None, BURST: 57}
    assert (dict(found.by_day), found.other_days) == ({DAY: 30}, 27)


def test_the_switch_is_of_one_petition(session: Session) -> None:
    petition = a_petition(session)
    for on in (True, False):
        guarding.hold_all(session, petition.id, on=on)
        assert petition.hold_all is on
    with pytest.raises(NotFoundError):
        guarding.hold_all(session, 999, on=True)
