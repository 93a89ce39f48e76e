"""The ledger outlives the database, a crash, and a key's rotation (C17)."""

from __future__ import annotations

import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from app.audience.ledger import ERASED, LIFTED, WITHDRAWN, Ledger
from app.audience.subscriptions import Desk
from app.core import addresses
from app.core.sealing import Index
from tests.factories import DAY

LEILA = addresses.parse("leila@gmail.com")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outside" / "ledger.jsonl"


@pytest.fixture
def index(desk: Desk) -> Index:
    return desk.indexer.index(LEILA)


def test_C17_a_line_names_index_key_rows_and_day_and_no_address(path: Path, index: Index) -> None:
    Ledger(str(path)).append(WITHDRAWN, index, ["ab12"], day=DAY, subject="petition:3")
    (line,) = path.read_text().splitlines()
    assert json.loads(line) == {
        "act": "withdrawn",
        "key": index.key_id,
        "mailbox": index.mailbox.hex(),
        "rows": ["ab12"],
        "day": "2026-11-24",
        "subject": "petition:3",
    }
    assert "leila" not in line
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_C17_the_line_is_on_the_disk_before_append_returns(
    path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.stat().st_size))
    Ledger(str(path)).append(ERASED, index, [], day=DAY)
    assert synced == [path.stat().st_size]


def test_C17_the_newest_line_of_a_mailbox_decides(path: Path, index: Index, desk: Desk) -> None:
    ledger = Ledger(str(path))
    other = desk.indexer.index(addresses.parse("karim@gmail.com"))
    assert not ledger.erased([index]), "there is no ledger yet"
    ledger.append(ERASED, index, [], day=DAY)
    assert ledger.erased([index])
    assert not ledger.erased([other])
    ledger.append(LIFTED, index, [], day=DAY)
    assert not ledger.erased([index])
    ledger.append(ERASED, index, [], day=DAY + timedelta(days=1))
    assert ledger.erased([index])


def test_C17_withdrawing_one_signature_erases_nobody(path: Path, index: Index) -> None:
    ledger = Ledger(str(path))
    ledger.append(WITHDRAWN, index, ["ab"], day=DAY, subject="petition:1")
    assert not ledger.erased([index])


def test_C17_what_another_worker_wrote_is_seen(path: Path, index: Index) -> None:
    one, other = Ledger(str(path)), Ledger(str(path))
    assert not one.erased([index])
    other.append(ERASED, index, [], day=DAY)
    assert one.erased([index])


def test_C17_a_line_cut_by_a_crash_is_skipped_and_spoils_no_other(path: Path, index: Index) -> None:
    ledger = Ledger(str(path))
    ledger.append(WITHDRAWN, index, [], day=DAY)
    with path.open("ab") as file:
        file.write(b'{"act":"erased","key":"1","mailb')
    assert not ledger.erased([index])
    ledger.append(ERASED, index, [], day=DAY)
    assert ledger.erased([index]), "the next line begins on a line of its own"
    assert Ledger(str(path)).erased([index])
    assert [line["act"] for line in ledger.lines()] == ["withdrawn", "erased"]


def test_C17_lines_that_are_none_are_skipped(path: Path, index: Index) -> None:
    path.parent.mkdir()
    path.write_bytes(b"\n7\n[]\n\xff\xfe\n{}\n")
    ledger = Ledger(str(path))
    ledger.append(ERASED, index, [], day=DAY)
    assert ledger.erased([index])
    assert len(list(ledger.lines())) == 1


def test_C17_no_ledger_has_no_lines(path: Path) -> None:
    assert list(Ledger(str(path)).lines()) == []


def test_C17_what_cannot_be_written_raises(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(OSError, match="directory"):
        Ledger(str(tmp_path)).append(ERASED, index, [], day=DAY)
    monkeypatch.setattr(os, "write", lambda _, line: len(line) - 1)
    with pytest.raises(OSError, match="part of a line"):
        Ledger(str(tmp_path / "ledger")).append(ERASED, index, [], day=DAY)


def test_C17_a_withdrawal_is_known_by_its_subject_until_it_is_lifted(
    path: Path, index: Index
) -> None:
    ledger = Ledger(str(path))
    ledger.append(WITHDRAWN, index, ["ab"], day=DAY, subject="petition:1")
    assert ledger.withdrawn(index, "petition:1")
    assert not ledger.withdrawn(index, "petition:2")
    ledger.append(LIFTED, index, [], day=DAY, subject="petition:1")
    assert not ledger.withdrawn(index, "petition:1")
    assert not ledger.erased([index])
