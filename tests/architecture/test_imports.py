"""The floors that import-linter cannot see: what a process really loads, and the files at the top."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VIEW_SIDE = re.compile(
    r"app\.(web|desk)\b.*|app\.(factory|commands)|.*\.(\w*views|pages|\w*forms|gate)|.*\.__main__"
)
"""Modules that belong to the web process, and a program's own start."""
WEB_ONLY = ("flask", "flask_wtf", "flask_babel", "werkzeug", "wtforms")

PROBE = """
import importlib, json, sys
web, names = json.loads(sys.argv[1])
for name in names:
    importlib.import_module(name)
    loaded = [module for module in web if module in sys.modules]
    if loaded:
        print(json.dumps([name, loaded]))
        break
"""


def modules_in(*folders: str) -> list[str]:
    """Every module that stands in the tree today and that a worker may load."""
    names = []
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
            if not VIEW_SIDE.fullmatch(name):
                names.append(name.removesuffix(".__init__"))
    return names


def first_that_loads_flask(names: list[str]) -> tuple[str, list[str]] | None:
    """Import ``names`` one after the other in a new process; the first that brings the web along."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps([WEB_ONLY, names])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return tuple(json.loads(done.stdout)) if done.stdout else None


@pytest.mark.parametrize(
    "folders",
    [("app/outbox",), ("app/optin",), ("emails",), ("workers",), ("app", "emails", "workers")],
    ids=" ".join,
)
def test_a_worker_never_loads_flask(folders: tuple[str, ...]) -> None:
    names = modules_in(*folders)

    assert names, f"no module in {folders}"
    assert first_that_loads_flask(names) is None


def test_the_probe_sees_flask() -> None:
    assert first_that_loads_flask(["email", "flask.json", "json"]) == (
        "flask.json",
        ["flask", "werkzeug"],
    )


def imported_by(path: Path) -> set[str]:
    """The full names a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
            names.add(node.module)
    return names


def ours(names: set[str]) -> set[str]:
    return {name for name in names if name.split(".")[0] in ("app", "emails", "workers", "wsgi")}


def test_config_knows_how_settings_are_read_and_no_more() -> None:
    known = ours(imported_by(ROOT / "config.py"))

    assert {name for name in known if not name.startswith("app.core.settings")} <= {
        "app",
        "app.core",
    }


def test_wsgi_knows_the_factory_only() -> None:
    known = ours(imported_by(ROOT / "wsgi.py"))

    assert known <= {"app", "app.factory", "app.factory.create_app"}


def test_outreach_knows_no_newsletter() -> None:
    for path in (ROOT / "app" / "outreach").rglob("*.py"):
        assert not {name for name in imported_by(path) if name.startswith("app.newsletters")}, path


def test_the_package_itself_is_empty() -> None:
    assert (ROOT / "app" / "__init__.py").read_text() == ""


def calls_of(name: str, path: Path) -> Iterator[int]:
    """The lines of ``path`` that call a method ``name``."""
    calls = (n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Call))
    for call in calls:
        if isinstance(call.func, ast.Attribute) and call.func.attr == name:
            yield call.lineno


def test_only_the_unit_of_work_commits() -> None:
    rooms = [path for folder in ("app", "workers") for path in (ROOT / folder).rglob("*.py")]
    commits = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in rooms
        if path != ROOT / "app" / "core" / "database.py"
        for line in calls_of("commit", path)
    ]

    assert commits == []
