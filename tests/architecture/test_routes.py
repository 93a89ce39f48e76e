"""Every address of the service stands in docs/routes.md, and none that is not there (R06)."""

from __future__ import annotations

import re
from pathlib import Path

from flask import Flask
from werkzeug.routing import Rule

from app.factory import create_app
from config import Config
from tests import factories

ROUTES = Path(__file__).resolve().parents[2] / "docs" / "routes.md"
LINE = re.compile(r"^\| ([A-Z, ]+) \| `([^`]+)` \| (\S.*) \|$", re.MULTILINE)


def methods(rule: Rule) -> str:
    return ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))


def everything(tmp_path: Path) -> Flask:
    keys = factories.Keys()
    return create_app(
        Config.from_env(
            "web",
            keys.web(
                PEYVAND_EMBEDDED="1",
                PEYVAND_INSTANCE=str(tmp_path),
                PEYVAND_DATABASE_URL=f"sqlite:///{tmp_path / 'peyvand.sqlite'}",
            ),
        )
    )


def test_every_route_is_documented_and_every_documented_route_is_there(tmp_path: Path) -> None:
    app = everything(tmp_path)
    routes = {(methods(rule), rule.rule) for rule in app.url_map.iter_rules()}
    told = {(found[1], found[2]) for found in LINE.finditer(ROUTES.read_text("utf-8"))}
    assert sorted(routes - told) == []
    assert sorted(told - routes) == []
