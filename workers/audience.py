"""``python -m workers audience``: an officer brings a list of readers in that was kept elsewhere."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from workers.terminal import or_exit, worker_config


@click.group("audience")
def audience() -> None:
    """Who gets mail."""


@audience.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--list", "slug", required=True, help="The list, such as newsletter.")
@click.option("--language", required=True, help="Of the sentence, and of who has none in FILE.")
@click.option(
    "--wording",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A UTF-8 file with the exact sentence that these people agreed to.",
)
@click.option("--source", required=True, help="Where they agreed, in a word: old-site, paper-2024.")
@click.option(
    "--consent-day",
    required=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="The day by which all had agreed: 2025-03-08.",
)
def import_list(
    file: Path, slug: str, language: str, wording: Path, source: str, consent_day: datetime
) -> None:
    """Put the readers in FILE, a CSV with a column email, on a list; it may be run again."""
    from workers import importing

    config = worker_config()
    with click.progressbar(length=file.stat().st_size, label="Read") as bar:
        told = or_exit(
            lambda: importing.bring_in(
                config,
                file,
                slug=slug,
                language=language,
                wording=wording,
                source=source,
                day=consent_day.date(),
                progress=bar.update,
            )
        )
    for line in told.lines():
        click.echo(line)
