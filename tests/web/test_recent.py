"""What was read a moment ago is not read again for each who asks (C21)."""

from __future__ import annotations

import pytest

from app.web import recent
from app.web.recent import Recent


class Reads:
    """Something that changes each time it is read."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> int:
        self.times += 1
        return self.times


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock that things grow old by."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def test_C21_it_is_read_once_in_so_many_seconds(seconds: list[float]) -> None:
    things, reads = Recent(5), Reads()
    assert [things.get("a", reads) for _ in range(3)] == [1, 1, 1]
    seconds[0] += 4.9
    assert things.get("a", reads) == 1
    seconds[0] += 0.2
    assert things.get("a", reads) == 2
    assert things.get("b", reads) == 3


def test_what_no_longer_holds_is_read_again() -> None:
    things, reads = Recent(5), Reads()
    things.get("a", reads)
    assert things.get("a", reads, holds=lambda known: known > 1) == 2
    assert things.get("a", reads) == 2


def test_nothing_is_remembered_for_no_seconds_and_no_error_for_any() -> None:
    things, reads = Recent(0), Reads()
    assert [things.get("a", reads) for _ in range(2)] == [1, 2]

    def fails() -> int:
        raise LookupError

    kept = Recent(5)
    with pytest.raises(LookupError):
        kept.get("a", fails)
    assert kept.get("a", reads) == 3


def test_many_keys_do_not_grow_the_memory_without_end() -> None:
    things, reads = Recent(5), Reads()
    for number in range(recent.MOST * 3):
        things.get(number, reads)
    assert len(things._things) <= recent.MOST
