"""docs/data.md says of every column in what form it is kept and what for, and is in step with the models (C07)."""

from __future__ import annotations

import pytest

from app.core.database import Base
from config import settings
from docs import generate
from docs.generate import Described

TABLES = generate.tables()


def test_every_table_of_the_schema_is_described() -> None:
    assert {table.name for table in TABLES} == set(Base.metadata.tables)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_table_says_what_it_is_and_how_long_it_is_kept(table: Described) -> None:
    assert table.purpose.endswith("."), "the class's docstring"
    assert table.kept.endswith("."), "a last paragraph that begins with Kept:"
    periods = {word.strip(".,;") for word in table.kept.split() if word.startswith("PEYVAND_")}
    assert periods <= {spec.metadata["name"] for spec in settings()}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_each_column_says_its_form_and_its_purpose(table: Described) -> None:
    for column, (form, purpose) in table.columns.items():
        assert form in generate.FORMS, f"{column}: begin its string with one of {generate.FORMS}"
        assert purpose.endswith("."), column
        assert len(purpose) > 6, column


def test_docs_data_is_in_step_with_the_models() -> None:
    written = (generate.ROOT / "docs" / "data.md").read_text("utf-8")
    assert written == generate.data(), "run: make docs"
