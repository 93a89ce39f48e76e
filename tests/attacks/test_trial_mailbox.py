"""The trial mailbox holds everyone's secrets: nobody reads or empties it but at this computer (C26)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import time_machine

from emails.mailbox import count_folder
from tests.attacks.conftest import House

PEERS = ("192.0.2.7", "10.0.0.1", "172.17.0.1", "2001:db8::1", "::ffff:192.0.2.7", "", "unknown")
HOSTS = (
    "evil.example",
    "127.0.0.1.evil.example",
    "localhost.evil.example",
    "evil.example:8000",
    "127.0.0.1@evil.example",
    "0.0.0.0",  # noqa: S104 (a name that is asked for)
    "[::]",
    "192.168.1.2",
    "peyvand.example",
    "abcdefabcdef.onion",
    "[",
    "",
)
PROXY = (
    {"X-Forwarded-For": "127.0.0.1"},
    {"X-Forwarded-For": "192.0.2.7"},
    {"X-Forwarded-Host": "localhost"},
    {"Forwarded": "for=127.0.0.1"},
    {"X-Real-IP": "127.0.0.1"},
    {"Via": "1.1 tunnel"},
)


def places(house: House) -> tuple[str, ...]:
    key = house.inside.mail
    return "/mailbox", f"/mailbox/{key}", f"/mailbox/{key}/html", "/mailbox?page=2"


def test_C26_it_is_there_for_who_sits_at_this_computer(house: House) -> None:
    for host in ("localhost", "127.0.0.1:8000", "[::1]:8000", "127.9.9.9"):
        for peer in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
            odd = {"REMOTE_ADDR": peer, "HTTP_HOST": host}
            answer = house.visitor().get("/mailbox", environ_overrides=odd)
            assert answer.status_code in (200, 404), (host, peer)
    assert house.visitor().get("/mailbox").status_code == 200


@pytest.mark.parametrize("peer", PEERS)
def test_C26_another_computer_finds_no_such_page(house: House, peer: str) -> None:
    for place in places(house):
        answer = house.visitor().get(place, environ_overrides={"REMOTE_ADDR": peer})
        assert answer.status_code == 404, place
        assert "leila@example.org" not in answer.text
    emptied = house.visitor().post("/mailbox/empty", environ_overrides={"REMOTE_ADDR": peer})
    assert emptied.status_code == 404
    assert count_folder(house.folder / "mailbox") == 1


@pytest.mark.parametrize("host", HOSTS)
def test_C26_a_name_that_was_rebound_to_loopback_finds_no_such_page(
    house: House, host: str
) -> None:
    for place in places(house):
        answer = house.visitor().get(place, environ_overrides={"HTTP_HOST": host})
        assert answer.status_code in (400, 404), place
        assert "leila@example.org" not in answer.text


@pytest.mark.parametrize("headers", PROXY, ids=str)
def test_C26_nobody_comes_through_a_proxy(
    build: Callable[..., House], clock: time_machine.Traveller, headers: dict[str, str]
) -> None:
    for settings in ({}, {"PEYVAND_TRUSTED_PROXIES": "127.0.0.1"}):
        house = build(**settings)
        for place in places(house):
            answer = house.visitor().get(place, headers=headers)
            assert answer.status_code == 404, (place, settings)


def test_C26_a_trusted_network_cannot_claim_to_be_this_computer(
    build: Callable[..., House], clock: time_machine.Traveller
) -> None:
    house = build(PEYVAND_TRUSTED_PROXIES="0.0.0.0/0")
    for headers in PROXY:
        answer = house.visitor().get(
            "/mailbox", headers=headers, environ_overrides={"REMOTE_ADDR": "192.0.2.7"}
        )
        assert answer.status_code == 404, headers


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_C26_a_foreign_page_empties_nothing(house: House, site: str) -> None:
    answer = house.visitor().post("/mailbox/empty", headers={"Sec-Fetch-Site": site})
    assert answer.status_code == 404
    assert count_folder(house.folder / "mailbox") == 1
    own = house.visitor().post("/mailbox/empty", headers={"Sec-Fetch-Site": "same-origin"})
    assert own.status_code == 303
    assert count_folder(house.folder / "mailbox") == 0


def test_C26_a_site_in_earnest_has_no_such_page(
    build: Callable[..., House], clock: time_machine.Traveller
) -> None:
    house = build(PEYVAND_BASE_URL="https://peyvand.example", PEYVAND_EMBEDDED="0")
    assert not [one for one in house.app.url_map.iter_rules() if one.rule.startswith("/mailbox")]
    assert house.visitor().get("/mailbox").status_code == 404
