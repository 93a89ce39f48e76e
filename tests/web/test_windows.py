"""Windows of an hour: counted together in Redis, alone where it is away, never refusing because of it (C24, R04)."""

from __future__ import annotations

import pytest
import time_machine

from app.web import windows
from app.web.windows import Windows
from tests.servers.redis import Redis

pytestmark = pytest.mark.enable_socket


@pytest.mark.parametrize("where", ["memory", "redis"])
def test_C24_so_many_an_hour_and_no_more(where: str, request: pytest.FixtureRequest) -> None:
    url = request.getfixturevalue("redis_server").url if where == "redis" else ""
    counted = Windows(url)
    assert [counted.hit(2, "network", "sign", "a") for _time in range(3)] == [True, True, False]
    assert counted.hit(2, "network", "sign", "b")
    assert not counted.has_room(2, "network", "sign", "a")
    assert [counted.has_room(2, "network", "sign", "c") for _time in range(3)] == [True] * 3


def test_C24_what_was_counted_is_forgotten_after_its_hour() -> None:
    with time_machine.travel("2026-11-24T12:00:00Z", tick=False) as clock:
        counted = Windows()
        for name in "abc":
            assert counted.hit(1, name)
            assert not counted.hit(1, name)
        memory = counted._own.storage
        # given an hour later, when anything is counted
        clock.shift(3600)
        assert counted.hit(1, "a")
        # then nothing else is left of it, and the new hour is counted from here
        assert len(vars(memory)["_windows"]) == 1
        assert memory.reset() == 1
        assert counted.has_room(1, "a")


def test_C24_web_processes_count_together_in_redis(redis_server: Redis) -> None:
    one, other = Windows(redis_server.url), Windows(redis_server.url)
    assert one.hit(1, "everyone", "sign")
    assert not other.hit(1, "everyone", "sign")


def test_R04_a_redis_that_went_away_refuses_nobody_and_is_asked_again(
    redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = Windows(redis_server.url)
    assert counted.hit(2, "name")
    # when Redis is away, then this process counts for itself
    redis_server.kill()
    assert [counted.hit(2, "name") for _time in range(3)] == [True, True, False]
    # and once it is back, and some time went by, together again
    redis_server.start()
    monkeypatch.setattr(windows, "AWAY_SECONDS", 0)
    counted._away_until = 0.0
    assert counted.hit(2, "name")
