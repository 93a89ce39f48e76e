"""What we lean on is pinned, named with a reason, and comes from no address written down here."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
RUNTIME = {re.split(r"[\[<>=~!; ]", line)[0] for line in PROJECT["project"]["dependencies"]}
DEVELOPER = {re.split(r"[\[<>=~!; ]", line)[0] for line in PROJECT["dependency-groups"]["dev"]}


def pinned(file: str) -> dict[str, str]:
    """The libraries of a requirements file and their versions."""
    lines = (ROOT / file).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==(\S+)", lines, re.MULTILINE))


def rows(heading: str) -> set[str]:
    """The first cells of the table under a heading of docs/dependencies.md."""
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    section = text.split(f"## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| ([a-z0-9]\S*)(?: ●)? \|", section, re.MULTILINE)) - {"library"}


def test_each_library_has_its_reason() -> None:
    assert rows("What runs") == RUNTIME
    assert rows("What tests and checks need") == DEVELOPER


def test_each_library_is_pinned() -> None:
    assert set(pinned("requirements.txt")) >= RUNTIME
    assert set(pinned("requirements-dev.txt")) >= RUNTIME | DEVELOPER


def test_tests_run_on_the_versions_that_serve() -> None:
    runtime, developer = pinned("requirements.txt"), pinned("requirements-dev.txt")

    assert {name: developer.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_pins_name_no_address_and_carry_hashes(file: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")

    assert "://" not in text
    assert not re.findall(r"^-", text, re.MULTILINE), "options belong to the Makefile"
    for block in re.split(r"\n(?=[a-z])", text):
        assert not re.match(r"[a-z]", block) or "--hash=sha256:" in block, block
