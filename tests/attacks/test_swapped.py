"""Secrets on the wrong door: of another purpose, another petition, another time, forged or used up (C10, C11, R06)."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest
import sqlalchemy as sa
import time_machine

from app.core import ids
from app.optin import models as purposes
from app.optin.models import ANSWERED, PROVEN, Request
from tests.attacks.conftest import House
from tests.pages import story

PURPOSES = (
    purposes.SIGNATURE,
    purposes.SUBSCRIPTION,
    purposes.PREFERENCES,
    purposes.SHOWING,
    purposes.WITHDRAWAL,
    purposes.ERASURE,
    purposes.REPRESENTATIVE,
    purposes.STAFF_ADDRESS,
)
CHECKS = {
    "/en/petitions/teachers/check/{}": purposes.SIGNATURE,
    "/en/petitions/pensions/check/{}": "",
    "/en/petitions/miners/check/{}": "",
    "/en/newsletter/check/{}": purposes.SUBSCRIPTION,
    "/en/my-choices/preferences/check/{}": purposes.PREFERENCES,
    "/en/my-choices/showing/check/{}": purposes.SHOWING,
    "/en/my-choices/withdrawal/check/{}": purposes.WITHDRAWAL,
    "/en/my-choices/erasure/check/{}": purposes.ERASURE,
}
"""Each waiting page with the purpose whose code it takes."""
FILLED = {
    "shown_as": "full-name",
    "shown_name": "Leila",
    "hand_over": "y",
    "newsletter": "y",
    "wish": "keep",
    "language1": "en",
    "consent": "y",
}


def requests(house: House) -> dict[str, tuple[str, int, bytes | None]]:
    with house.database.reading() as session:
        rows = session.execute(
            sa.select(Request.purpose, Request.state, Request.tries, Request.choices)
        )
        return {row.purpose: (row.state, row.tries, row.choices) for row in rows}


def test_C11_a_code_proves_on_its_own_page_and_on_no_other(house: House) -> None:
    visitor = house.visitor()
    untouched = requests(house)
    for (page, takes), purpose in itertools.product(CHECKS.items(), PURPOSES):
        if takes == purpose:
            continue
        answer = visitor.post(
            page.format(house.inside.requests[purpose]),
            data={**FILLED, "code": house.inside.codes[purpose]},
        )
        assert answer.status_code == 422, (page, purpose)
        assert "wrong, was used, or is too old" in story.words(answer), (page, purpose)
    assert requests(house) == untouched, "a try on a foreign page spends nothing"
    for page, takes in CHECKS.items():
        if takes:
            answer = visitor.post(
                page.format(house.inside.requests[takes]),
                data={**FILLED, "code": house.inside.codes[takes]},
            )
            assert answer.status_code == 303, page
            assert requests(house)[takes][0] == PROVEN


def test_C10_a_links_secret_opens_its_own_door_and_no_other(house: House) -> None:
    visitor = house.visitor()
    before = house.rows()
    dead = visitor.get("/en/c/nothing").data
    assert visitor.get(f"/en/c/{house.inside.links[purposes.SIGNATURE]}").data != dead
    for token in (house.inside.unsubscribe, house.inside.invitation, house.inside.mail):
        assert visitor.get(f"/en/c/{token}").data == dead
        assert visitor.post(f"/en/c/{token}", data=FILLED).data == dead
    door = visitor.get("/staff/link/nothing").text
    left = visitor.get("/u/nothing").data
    for token in house.inside.links.values():
        assert visitor.get(f"/staff/link/{token}").text.replace(token, "nothing") == door
        assert visitor.get(f"/u/{token}").data == left
        for place in (f"/u/{token}", f"/en/never/{token}", f"/en/u/{token}"):
            assert visitor.post(place, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert house.rows() == before


@pytest.mark.parametrize("purpose", PURPOSES)
def test_C10_forged_used_and_expired_links_are_one_page_of_the_same_bytes(
    house: House, clock: time_machine.Traveller, purpose: str
) -> None:
    visitor, link = house.visitor(), house.inside.links[purpose]
    dead = visitor.get("/en/c/nothing")
    forged = (
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        link + "%00",
        link + "=",
        link.swapcase(),
        "2" + link[1:],
        link.partition(".")[2],
        link + "." + link,
        " " + link,
    )
    for token in forged:
        for answer in (visitor.get(f"/en/c/{token}"), visitor.post(f"/en/c/{token}", data=FILLED)):
            assert (answer.status_code, answer.data) == (404, dead.data), token
    clock.shift(timedelta(days=3))
    assert visitor.get(f"/en/c/{link}").data == dead.data
    assert visitor.post(f"/en/c/{link}", data=FILLED).data == dead.data
    clock.shift(timedelta(days=-3))
    assert requests(house)[purpose][0] == ANSWERED
    assert visitor.post(f"/en/c/{link}", data=FILLED).status_code == 303
    proven = house.rows()
    assert visitor.post(f"/en/c/{link}", data={**FILLED, "wish": "leave"}).data == dead.data
    assert visitor.get(f"/en/c/{link}").data == dead.data
    assert house.rows() == proven, "a replay changes nothing of what was chosen"


def test_C11_a_code_of_another_request_of_the_same_purpose_is_wrong(house: House) -> None:
    stranger = ids.in_url(ids.new())
    for page, takes in CHECKS.items():
        if takes:
            answer = house.visitor().post(
                page.format(stranger), data={**FILLED, "code": house.inside.codes[takes]}
            )
            assert answer.status_code == 422


def test_R06_an_id_that_is_none_gets_the_page_of_no_such_page(house: House) -> None:
    for page in CHECKS:
        for odd in ("A" * 21, "A" * 21 + "B", "A" * 23, "=" * 22, "%00" * 22, "../" * 7):
            place = page.format(odd)
            assert house.visitor().get(place).status_code == 404, place
            assert house.visitor().post(place, data={"code": "ACDEFHJK"}).status_code in (404, 422)
