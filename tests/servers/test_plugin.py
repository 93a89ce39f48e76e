"""What a run says of what it left out: told at home, a failure in CI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

SKIPPING = """
import pytest

def test_that_runs(): pass

@pytest.mark.skip(reason="not today")
def test_that_is_skipped(): pass
"""

MISSING = """
from tests.servers import postgresql, process

def gone(*names, folders=()):
    raise process.MissingServerError(names[0])

postgresql.find_program = gone

def test_that_runs(): pass

def test_that_needs_a_server(postgresql): pass
"""


def run(folder: Path, content: str, *options: str, ci: bool) -> tuple[int, str]:
    (folder / "test_it.py").write_text(content)
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "tests.servers.plugin",
            *options,
            "test_it.py",
        ],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(ROOT), **({"CI": "true"} if ci else {})},
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two"])
@pytest.mark.parametrize(("ci", "status"), [(False, 0), (True, 1)], ids=["home", "CI"])
def test_a_skip_is_named_and_fails_in_ci(
    tmp_path: Path, ci: bool, status: int, options: tuple[str, ...]
) -> None:
    returned, said = run(tmp_path, SKIPPING, *options, ci=ci)

    assert returned == status, said
    assert "not today (1 left out)" in said
    assert said.splitlines()[-1].startswith("1 passed, 1 skipped")


def test_a_missing_server_is_left_out_at_home(tmp_path: Path) -> None:
    returned, said = run(tmp_path, MISSING, ci=False)

    assert returned == 0, said
    assert "postgres is not installed (1 left out)" in said


def test_a_missing_server_fails_in_ci(tmp_path: Path) -> None:
    returned, said = run(tmp_path, MISSING, ci=True)

    assert returned == 1
    assert "postgres is not installed, and in CI nothing is left out" in said
