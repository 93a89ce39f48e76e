"""Limits by a network that is never written down, and only where the network is the visitor's own (C24)."""

from __future__ import annotations

from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.factory import create_app
from app.web import limits
from config import Config
from tests.pages import story

SIGN = "/en/petitions/teachers/sign"


@pytest.fixture
def environment(environment: dict[str, str]) -> dict[str, str]:
    """Two forms an hour and a public address."""
    return {
        **environment,
        "PEYVAND_FORMS_AN_HOUR": "2",
        "PEYVAND_BASE_URL": "https://peyvand.example",
    }


def statuses(visitor: FlaskClient, peer: str, times: int = 3, **headers: str) -> list[int]:
    return [
        visitor.post(
            SIGN, environ_overrides={"REMOTE_ADDR": peer}, headers=dict(headers)
        ).status_code
        for _time in range(times)
    ]


def test_C24_a_network_that_sends_too_much_waits_and_another_does_not(
    visitor: FlaskClient,
) -> None:
    assert statuses(visitor, "9.9.9.7") == [422, 422, 429]
    assert statuses(visitor, "9.9.9.8", 1) == [422]
    refused = visitor.post(SIGN, environ_overrides={"REMOTE_ADDR": "9.9.9.7"})
    assert "Too many attempts from your network" in story.words(refused)
    assert visitor.get("/en/", environ_overrides={"REMOTE_ADDR": "9.9.9.7"}).status_code == 200


def test_C24_an_ipv6_network_is_its_first_64_bits(visitor: FlaskClient) -> None:
    assert statuses(visitor, "2620:fe:1:2::1", 2) == [422, 422]
    assert statuses(visitor, "2620:fe:1:2:ffff::9", 1) == [429]
    assert statuses(visitor, "2620:fe:1:3::1", 1) == [422]


ONION = {"Host": "a" * 56 + ".onion"}
PASSED_ON = ({"X-Forwarded-For": "198.51.100.1"}, {"Via": "1.1 cache"}, {"X-Real-IP": "x"})


@pytest.mark.parametrize("peer", ["127.0.0.1", "10.0.0.5", "fd00::5"])
@pytest.mark.parametrize("headers", [{}, ONION, *PASSED_ON])
def test_C24_over_onion_or_an_undeclared_proxy_beside_us_no_network_is_counted(
    visitor: FlaskClient, peer: str, headers: dict[str, str]
) -> None:
    assert statuses(visitor, peer, 4, **headers) == [422] * 4


@pytest.mark.parametrize("headers", PASSED_ON)
def test_C24_a_proxy_elsewhere_that_was_not_declared_counts_no_network(
    visitor: FlaskClient, headers: dict[str, str]
) -> None:
    assert statuses(visitor, "9.9.9.7", 4, **headers) == [422] * 4


def test_C24_who_only_says_to_come_over_onion_is_counted(visitor: FlaskClient) -> None:
    assert statuses(visitor, "9.9.9.7", 3, **ONION) == [422, 422, 429]


def test_C24_who_lies_about_their_way_uses_up_nobody_s_else(
    visitor: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given room for four forms of everyone who comes the same way
    monkeypatch.setattr(limits, "EVERYONE_TIMES", 2)
    # when one client sends many, each time saying that it passes them on
    assert statuses(visitor, "9.9.9.7", 6, Via="1.1 cache") == [422] * 4 + [429] * 2
    # then visitors with a network of their own, and those over Tor, are taken as before
    assert statuses(visitor, "9.9.9.8", 2) == [422, 422]
    assert statuses(visitor, "127.0.0.1", 2, **ONION) == [422, 422]


def test_C24_a_declared_proxy_is_believed(environment: dict[str, str]) -> None:
    app = create_app(
        Config.from_env("web", {**environment, "PEYVAND_TRUSTED_PROXIES": "10.0.0.0/8"})
    )
    visitor = app.test_client()
    assert statuses(visitor, "10.1.2.3", 3, **{"X-Forwarded-For": "198.51.100.1"}) == [
        422,
        422,
        429,
    ]
    assert statuses(visitor, "10.1.2.3", 1, **{"X-Forwarded-For": "198.51.100.2"}) == [422]
    # somebody else who says the same is not believed, and not counted as that network
    assert statuses(visitor, "9.9.9.9", 3, **{"X-Forwarded-For": "198.51.100.1"}) == [422] * 3


@pytest.mark.parametrize("said", ["unknown", "", "_hidden", "1.2.3", "x" * 2000, "::1%eth0, ["])
def test_R06_a_declared_proxy_that_says_nonsense(environment: dict[str, str], said: str) -> None:
    proxied = {**environment, "PEYVAND_TRUSTED_PROXIES": "10.0.0.1", "PEYVAND_FORMS_AN_HOUR": "999"}
    visitor = create_app(Config.from_env("web", proxied)).test_client()
    assert statuses(visitor, "10.0.0.1", 1, **{"X-Forwarded-For": said}) == [422]


@pytest.mark.parametrize(
    "host", ["[", "[::1", "127.0.0.1:port", "", "a b", "x" * 100, "x" * 3000, "۱۲۷.۰.۰.۱"]
)
def test_R06_odd_host_names_get_a_page(environment: dict[str, str], host: str) -> None:
    trial = {
        **environment,
        "PEYVAND_EMBEDDED": "1",
        "PEYVAND_BASE_URL": "http://127.0.0.1:8000",
    }
    visitor = create_app(Config.from_env("web", trial)).test_client()
    for place in ("/", "/en/", "/mailbox", "/en/c/x", "/nothing"):
        odd = {"HTTP_HOST": host.encode().decode("latin-1")}
        assert visitor.get(place, environ_overrides=odd).status_code < 500


def test_C24_the_memory_holds_no_address_and_its_key_lives_a_day(site: Flask) -> None:
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as clock:
        statuses(site.test_client(), "9.9.9.7", 1)
        asking = {"path": "/", "environ_overrides": {"REMOTE_ADDR": "9.9.9.7"}}
        with site.test_request_context(**asking):
            key = limits.network_key()
        clock.shift(86_400)
        with site.test_request_context(**asking):
            assert limits.network_key() != key
            kept = repr(vars(vars(limits.windows())["_own"].storage))
    assert key in kept
    assert "9.9.9.7" not in kept


def test_C26_the_mailbox_opens_on_loopback_only(environment: dict[str, str]) -> None:
    trial = {
        **environment,
        "PEYVAND_EMBEDDED": "1",
        "PEYVAND_BASE_URL": "http://127.0.0.1:8000",
    }
    visitor = create_app(Config.from_env("web", trial)).test_client()
    assert visitor.get("/mailbox").status_code == 200
    far = visitor.get("/mailbox", environ_overrides={"REMOTE_ADDR": "9.9.9.7"})
    assert far.status_code == 404
    assert visitor.get("/mailbox", headers={"Host": "evil.example"}).status_code == 404
    assert visitor.get("/mailbox", headers={"X-Forwarded-For": "9.9.9.7"}).status_code == 404


def test_this_is_the_one_place_that_looks_at_the_peer() -> None:
    root = Path(limits.__file__).parents[2]
    looking = [
        str(path.relative_to(root))
        for path in (root / "app").rglob("*.py")
        if "remote_addr" in path.read_text("utf-8")
    ]
    assert looking == ["app/web/limits.py"]
