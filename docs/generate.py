"""Writes docs/data.md from the models and docs/settings.md from the settings: ``make docs``.

What a column is for stands beside it in its room's ``models.py``, as a string that begins with its form; how long a
table's rows are kept stands in its class's docstring.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from app.core.database import Base
from config import DEFAULT_ORGANISATION, settings

ROOT: Final = Path(__file__).resolve().parents[1]
FORMS: Final = ("Plain", "Sealed", "Hashed", "Random")

DATA_INTRODUCTION: Final = """\
# What is stored

Generated from the models by `make docs`. Every column that the database has stands here, in what form, and what it is
for. `Sealed` is an X25519 box that the worker alone opens (names to be handed over: nobody on the server). `Hashed` is
a one-way hash; with HMAC it needs the worker's index key. `Random` is an id of 128 bits that says nothing. What is
`Plain` can be read by who reads the database. The periods are settings: see [settings.md](settings.md).

Outside the database stands the erasure ledger (`PEYVAND_LEDGER`): for each erasure and withdrawal the act, the key's
id, the mailbox's HMAC, the hashes of the removed rows, the petition, and the day.
"""
SETTINGS_INTRODUCTION: Final = """\
# Settings

Generated from `config.py` by `make docs`. Each is an environment variable, or a file that its `NAME_FILE` names. What
is missing, odd, or not the process's to hold stops the start and is named. A secret of the other process is refused,
in both forms.
"""


@dataclass(frozen=True)
class Described:
    """A table as its class describes it."""

    name: str
    room: str
    purpose: str
    kept: str
    columns: dict[str, tuple[str, str]]
    """Each column's form and purpose; ("", "") where the class says nothing."""


def tables() -> list[Described]:
    """Every table of every room, room by room."""
    for path in sorted((ROOT / "app").glob("*/*models.py")):
        importlib.import_module(f"app.{path.parent.name}.{path.stem}")
    classes = [mapper.class_ for mapper in Base.registry.mappers]
    described = [_described(one) for one in classes]
    return sorted(described, key=lambda one: (one.room, one.name))


def _described(model: type[Base]) -> Described:
    table = sa.inspect(model).local_table
    purpose, _, kept = inspect.cleandoc(model.__doc__ or "").partition("\n\nKept: ")
    said = dict(_beside_columns(model))
    return Described(
        name=str(getattr(table, "name", "")),
        room=model.__module__.split(".")[1],
        purpose=" ".join(purpose.split()),
        kept=" ".join(kept.split()),
        columns={column.key: said.get(column.key, ("", "")) for column in table.columns},
    )


def _beside_columns(model: type[Base]) -> Iterator[tuple[str, tuple[str, str]]]:
    """The strings that stand after a class's attributes, parted into form and purpose."""
    (tree,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(tree, ast.ClassDef)  # noqa: S101
    for column, after in zip(tree.body, tree.body[1:], strict=False):
        if (
            isinstance(column, ast.AnnAssign)
            and isinstance(column.target, ast.Name)
            and isinstance(after, ast.Expr)
            and isinstance(after.value, ast.Constant)
        ):
            form, _, purpose = " ".join(str(after.value.value).split()).partition(": ")
            yield column.target.id, (form, purpose)


def data() -> str:
    """docs/data.md as it must stand."""
    parts = [DATA_INTRODUCTION]
    room = ""
    for table in tables():
        if table.room != room:
            room = table.room
            parts.append(f"## {room}\n")
        parts.append(f"### {table.name}\n\n{_prose(table.purpose)}\n\nKept {table.kept}\n")
        parts.append("| column | form | what it is for |\n| --- | --- | --- |")
        parts.extend(
            f"| `{column}` | {form.lower()} | {purpose} |"
            for column, (form, purpose) in table.columns.items()
        )
        parts.append("")
    return "\n".join(parts)


def settings_table() -> str:
    """docs/settings.md as it must stand."""
    parts = [SETTINGS_INTRODUCTION, "| variable | process | default | what it is |"]
    parts.append("| --- | --- | --- | --- |")
    for spec in settings():
        roles = " and ".join(spec.metadata["roles"])
        bounds: range | None = spec.metadata["within"]
        text = spec.metadata["doc"]
        if bounds is not None:
            text += f" From {bounds.start} to {bounds.stop - 1}."
        if spec.metadata["shown"]:
            text += " Shown on the privacy page."
        cell = text.replace("|", "\\|")
        parts.append(f"| `{spec.metadata['name']}` | {roles} | {_default(spec)} | {cell} |")
    return "\n".join([*parts, ""])


def _default(spec: Field[Any]) -> str:
    if spec.default_factory is not MISSING:
        return f"`{DEFAULT_ORGANISATION}`"
    if spec.default is MISSING:
        return "none, must be set"
    if spec.default in ("", ()):
        return "needed" if spec.name in ("secret_key", "seal_private_key", "index_key") else "empty"
    if isinstance(spec.default, bool):
        return f"`{int(spec.default)}`"
    value = ",".join(spec.default) if isinstance(spec.default, tuple) else spec.default
    return f"`{value}`"


def _prose(text: str) -> str:
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def main() -> None:
    """Write both files."""
    for name, text in (("data.md", data()), ("settings.md", settings_table())):
        (ROOT / "docs" / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
