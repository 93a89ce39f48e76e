"""``python -m workers delivery``: from the petition to the files for the addressee, in three steps on two machines.

``export`` on the server writes an age file for the officers (C20). ``open`` on the officers' machine, which needs no
network, no settings and no database, opens the names and makes the files. ``record`` on the server publishes what
tells the files from forgeries.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from app.core import clock
from app.core.errors import PeyvandError
from workers.terminal import or_exit, worker_config

if TYPE_CHECKING:
    from app.petitions.delivering import Delivery
    from app.petitions.delivery_files import MadeFile

# What sets documents and encrypts is loaded by the commands that need it: ``run`` starts without it.

RECORD: Final = "record.json"
LARGEST_RECORD: Final = 64 * 1024


@click.group("delivery")
def delivery() -> None:
    """What is handed to a petition's addressee."""


@delivery.command("export")
@click.argument("petition", type=int)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(petition: int, file: Path) -> None:
    """Write PETITION (its number) into FILE, encrypted to the officers' keys."""
    from app.core.database import Database
    from app.staff import audit
    from workers import exports

    config = worker_config()
    now = clock.now()
    with Database(config.database_url) as database, database.unit_of_work() as session:
        gathered, closed = or_exit(lambda: exports.make(session, petition, config, day=now.date()))
        _write_new(file, closed)
        audit.record(session, None, "petition.exported", f"petition:{petition}", now)
    boxes = sum(1 for signer in gathered.signers if signer.box)
    click.echo(
        f"{file}: {len(gathered.signers)} signers who agreed to be named, {boxes} of them sealed. "
        "Only the officers can open it."
    )


@delivery.command("open")
@click.argument("export", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--officer-key",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An officer's age key file (AGE-SECRET-KEY-...).",
)
@click.option(
    "--names-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The private half of the names key; without it only names shown in public are listed.",
)
@click.option(
    "--to",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="A new folder for the files.",
)
def open_export(export: Path, officer_key: Path, names_key: Path | None, folder: Path) -> None:
    """Open EXPORT on the officers' machine and make the PDF of each language and the CSV."""
    from app.petitions import delivery_files

    opened = or_exit(lambda: _opened(export, officer_key))
    opener = None
    if names_key is not None:
        private = names_key.read_text("utf-8", "replace")
        opener = or_exit(lambda: delivery_files.names_opener(private), "The names key: ")
    named, closed = delivery_files.open_names(opened, opener)
    if closed and opener is not None:
        raise click.ClickException(
            f"{closed} names do not open with this names key; nothing was made."
        )
    click.echo(f"Making {len(opened.texts)} documents and a table of {len(named)} names ...")
    made = or_exit(lambda: delivery_files.make(opened, named))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for file in made:
        _write_new(folder / _file_name(opened, file), file.content)
        click.echo(f"{_file_name(opened, file)}  {file.digest}")
    _write_new(folder / RECORD, _record_of(opened, made))
    click.echo(f"{len(named)} signers are named. Take {RECORD} to the server: it names nobody.")
    if closed:
        click.echo(f"{closed} sealed names were left out; --names-key opens them.")


@delivery.command("record")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def record(file: Path) -> None:
    """Put the files that FILE (record.json) tells of into the petition's public record."""
    from app.core.database import Database
    from app.petitions import delivering
    from app.staff import audit

    config = worker_config()
    petition, files = or_exit(lambda: _read_record(file))
    now = clock.now()
    with Database(config.database_url) as database, database.unit_of_work() as session:
        new = sum(
            or_exit(
                lambda one=one: delivering.record(  # type: ignore[misc]
                    session, petition, day=now.date(), **one
                )
            )
            for one in files
        )
        if new:
            audit.record(session, None, "petition.recorded", f"petition:{petition}", now)
    click.echo(f"{new} files are recorded, {len(files) - new} were recorded before.")


def _opened(export: Path, officer_key: Path) -> Delivery:
    from app.core import officers
    from app.petitions import delivering

    plain = officers.decrypt(export.read_bytes(), officer_key.read_text("utf-8", "replace"))
    return delivering.from_json(plain)


def _file_name(opened: Delivery, file: MadeFile) -> str:
    language = f".{file.language}" if file.language else ""
    return f"{opened.slug}{language}.{file.form}"


def _record_of(opened: Delivery, made: list[MadeFile]) -> bytes:
    files = [
        {"form": file.form, "language": file.language, "line": file.line, "digest": file.digest}
        for file in made
    ]
    return json.dumps({"petition": opened.petition_id, "files": files}, indent=1).encode()


def _read_record(file: Path) -> tuple[int, list[dict[str, str]]]:
    """Raises PeyvandError for what ``open`` did not write."""
    try:
        if file.stat().st_size > LARGEST_RECORD:
            raise PeyvandError("this is no record of a delivery")
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
        names = ("form", "language", "line", "digest")
        files = [{name: str(one[name]) for name in names} for one in found["files"]]
        return int(found["petition"]), files
    except (ValueError, TypeError, KeyError, RecursionError):
        raise PeyvandError("this is no record of a delivery") from None


def _write_new(path: Path, content: bytes) -> None:
    """Readable by this user alone; never over a file that is there."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise click.ClickException(f"{path} is there already; nothing was overwritten.") from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(number, "wb") as file:
        file.write(content)
