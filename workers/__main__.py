"""The commands that need the worker's keys: ``python -m workers COMMAND``."""

from __future__ import annotations

import asyncio
import logging
import sys

import click

from workers.audience import audience
from workers.delivery import delivery
from workers.terminal import or_exit, worker_config


@click.group(help="The worker, and the commands that need its keys.")
def cli() -> None:
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    for noisy in ("pika", "dramatiq", "alembic", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


@cli.command()
def run() -> None:
    """Answer requests and send mail, until SIGTERM."""
    from workers import loop, setup

    config = worker_config()
    or_exit(lambda: setup.check_schema(config.database_url))
    or_exit(lambda: loop.run(config))


@cli.command()
def embedded() -> None:
    """Start web and worker here with a demo (make run)."""
    from workers import embedded as household

    sys.exit(household.run())


@cli.command("demo")
def load_demo() -> None:
    """Load the demo into an empty database of a trial set-up."""
    from app.core import clock
    from app.core.database import Database
    from app.desk.basics import ensure_basics
    from workers import demo
    from workers.keys import open_desk

    config = worker_config()
    if not config.embedded:
        raise click.ClickException("The demo is only for the trial set-up (PEYVAND_EMBEDDED=1).")
    with Database(config.database_url) as database, database.unit_of_work() as session:
        if not demo.is_empty(session):
            raise click.ClickException(
                "There are petitions already; the demo is for an empty database."
            )
        ensure_basics(session, config)
        demo.load(session, open_desk(config), now=clock.now())
    click.echo("The demo is loaded.")


@cli.group("keys")
def keys() -> None:
    """Keys of a server."""


@keys.command("make")
@click.argument("folder", type=click.Path(file_okay=False))
def make_keys(folder: str) -> None:
    """Make the keys of a new server in FOLDER, split by who may read them."""
    from pathlib import Path

    from workers import setup

    setup.make_keys(Path(folder))
    click.echo(
        f"Keys are in {folder}: web/ for the web process, worker/ for the worker, public/ for both."
    )
    click.echo("Move offline/ to a computer that is not on any network, and delete it here.")


@keys.command("check")
def check_keys() -> None:
    """Say which keys this worker holds, and whether the database names one it lacks."""
    from app.audience.ledger import Ledger
    from app.core.database import Database
    from workers.key_check import missing_keys
    from workers.keys import open_desk

    config = worker_config()
    desk = or_exit(lambda: open_desk(config))
    with Database(config.database_url) as database, database.reading() as session:
        missing = missing_keys(session, desk, Ledger(config.ledger))
    click.echo(
        f"Seal keys: {', '.join(desk.opener.key_ids)}; index keys: {', '.join(desk.indexer.key_ids)}."
    )
    if missing:
        raise click.ClickException(
            f"Rows name keys that are not held: {', '.join(sorted(missing))}."
        )
    click.echo("Every row's key is held.")


cli.add_command(delivery)
cli.add_command(audience)


@cli.group("mail")
def mail() -> None:
    """The way out."""


@mail.command("test")
@click.argument("address")
def test_mail(address: str) -> None:
    """Send one mail to ADDRESS over the configured server, and say what the server answered."""
    from workers.trial_mail import send_one

    config = worker_config()
    click.echo(asyncio.run(send_one(config, address)))


if __name__ == "__main__":
    cli()
