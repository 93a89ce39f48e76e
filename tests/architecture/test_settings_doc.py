"""docs/settings.md names every setting, and is in step with config.py."""

from __future__ import annotations

import re

from config import settings
from docs import generate

WRITTEN = (generate.ROOT / "docs" / "settings.md").read_text("utf-8")


def test_docs_settings_is_in_step_with_the_settings() -> None:
    assert generate.settings_table() == WRITTEN, "run: make docs"


def test_every_setting_has_a_row() -> None:
    named = re.findall(r"^\| `([A-Z_]+)` \|", WRITTEN, re.MULTILINE)
    assert named == [spec.metadata["name"] for spec in settings()]


def test_no_secret_has_a_default_that_could_be_used_in_earnest() -> None:
    for spec in settings():
        if spec.metadata["secret"] and "KEY" in spec.metadata["name"]:
            row = next(
                line for line in WRITTEN.splitlines() if f"`{spec.metadata['name']}`" in line
            )
            assert row.split("|")[3].strip() in ("needed", "empty", "none, must be set")
