"""Breaks each rule of docs/rules.md in a copy of the tree, one line at a time, and sees its test fail: ``make rules``.

A rule whose test still passes without its line is told at the end, and the exit status says so.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
RULES: Final = ROOT / "docs" / "rules.md"
COPIED: Final = (
    *("app", "emails", "workers", "migrations", "tests", "docs"),
    *("config.py", "wsgi.py", "pyproject.toml", "alembic.ini", "compose.yaml", "Makefile"),
)
AT_ONCE: Final = 2
PATIENCE: Final = 300
"""Seconds that one rule's test may take."""
FAILED: Final = 1
"""pytest's exit status when tests ran and some failed; others mean that they did not run."""

_RULE: Final = re.compile(
    r"^- (?P<what>.+)\n"
    r"  - `(?P<file>[^`]+)`: `(?P<line>[^`]+)`(?: → `(?P<instead>[^`]+)`)?\n"
    r"  - `(?P<test>[^`]+::[^`]+)`$",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Rule:
    """One rule: the line that holds it, what stands there when it is broken, and the test that then fails."""

    number: str
    what: str
    file: str
    line: str
    instead: str | None
    test: str


def rules(text: str) -> Iterator[Rule]:
    """Every rule of the document, in its order."""
    for section in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        number = section.partition(" ")[0]
        for found in _RULE.finditer(section):
            yield Rule(
                number, found["what"], found["file"], found["line"], found["instead"], found["test"]
            )


def broken(rule: Rule, text: str) -> str:
    """The file's text without the rule's line, or with what stands there instead."""
    lines = text.splitlines(keepends=True)
    places = [at for at, line in enumerate(lines) if line.strip() == rule.line]
    if len(places) != 1:
        raise LookupError(f"{rule.file} has this line {len(places)} times: {rule.line}")
    (at,) = places
    indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
    lines[at] = "" if rule.instead is None else f"{indent}{rule.instead}\n"
    return "".join(lines)


def verdict(rule: Rule) -> str:
    """What the test says of the broken copy: "fails" is what is wanted."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in COPIED:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("pictures"))
            else:
                shutil.copy(source, copy / name)
        path = copy / rule.file
        try:
            text = broken(rule, path.read_text("utf-8"))
        except LookupError:
            return "has no such line"
        if path.suffix == ".py":
            compile(text, rule.file, "exec")
        path.write_text(text, "utf-8")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", rule.test]
        status = subprocess.run(
            command, cwd=copy, capture_output=True, timeout=PATIENCE, check=False
        ).returncode
    return {0: "still passes", FAILED: "fails"}.get(status, f"did not run (pytest said {status})")


def main(numbers: list[str]) -> int:
    """Break all rules, or those of the numbers given; returns how many broke nothing."""
    chosen = [
        rule for rule in rules(RULES.read_text("utf-8")) if not numbers or rule.number in numbers
    ]
    unnoticed = 0
    with ThreadPoolExecutor(AT_ONCE) as several:
        for rule, said in zip(chosen, several.map(verdict, chosen), strict=True):
            unnoticed += said != "fails"
            sys.stdout.write(f"{rule.number} {said}: {rule.what}\n")
            sys.stdout.flush()
    sys.stdout.write(f"{len(chosen)} rules broken, {unnoticed} unnoticed\n")
    return min(unnoticed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
