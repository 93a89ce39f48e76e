"""Modules stay small and are named by what they do."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("app", "emails", "workers", "bench", "tests")
MOST_LINES = 400
LONGER: dict[str, int] = {}
"""Modules over 400 lines, with the lines each may have. This list may only shrink."""
NO_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "managers",
    "data",
    "services",
    "service",
}


def modules() -> list[Path]:
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    return sorted([*found, *ROOT.glob("*.py"), ROOT / "migrations" / "env.py"])


def test_no_module_is_long() -> None:
    lines = {path: path.read_text().count("\n") for path in modules()}
    long = {str(p.relative_to(ROOT)): n for p, n in lines.items() if n > MOST_LINES}

    grown = {name: count for name, count in long.items() if count > LONGER.get(name, MOST_LINES)}
    assert grown == {}, "part these by what they do"
    assert set(LONGER) <= set(long), "these are short now: take them off the list"


def test_the_list_of_long_modules_only_shrinks() -> None:
    assert LONGER == {}


def test_modules_are_named_by_what_they_do() -> None:
    assert [
        path for path in modules() if path.stem in NO_NAMES or path.parent.name in NO_NAMES
    ] == []
