"""Commands of the web process, which hold no key: ``flask --app wsgi COMMAND``.

What needs a key is a command of the worker: ``python -m workers COMMAND``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import alembic.command
import alembic.config
import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext

from app.core import clock
from app.core.errors import PeyvandError
from app.desk import dashboard, exporting
from app.desk.basics import ensure_basics
from app.newsletters import sending
from app.outbox import queries
from app.staff import accounts, audit, invitations
from app.staff.models import ROLES
from app.web.context import config, reading, unit_of_work

ALEMBIC: Final = Path(__file__).parent.parent / "alembic.ini"

staff = AppGroup("staff", help="Invite staff; end all their sessions and links.")
newsletter = AppGroup("newsletter", help="Send an issue of the newsletter.")
outbox = AppGroup("outbox", help="Look at the road that mail takes.")


def init_app(app: Flask) -> None:
    """Register the commands."""
    app.cli.add_command(init)
    app.cli.add_command(staff)
    app.cli.add_command(newsletter)
    app.cli.add_command(outbox)


def upgrade(url: str) -> None:
    """Bring the database to the newest schema; nothing of a migration that fails stays."""
    settings = alembic.config.Config(str(ALEMBIC))
    settings.attributes["url"] = url
    alembic.command.upgrade(settings, "head")


@click.command("init")
@with_appcontext
def init() -> None:
    """Create or upgrade the database, the mailing lists and the consent wordings."""
    upgrade(config().database_url)
    with unit_of_work() as session:
        ensure_basics(session, config())
    click.echo("The database is ready.")


@staff.command("invite")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What they may do.")
def invite(role: str) -> None:
    """Print a link that makes one account; hand it over yourself. It is good once, for seven days."""
    now = clock.now()
    with unit_of_work() as session:
        token = invitations.invite(session, role, invited_by=None, now=now)
        audit.record(session, None, "staff.invited", f"role:{role}", now)
    click.echo(invitations.address(config().base_url, token))


@staff.command("lock")
def lock() -> None:
    """End all staff sessions and all links at once, and delete all exports; passwords stay."""
    with unit_of_work() as session:
        ended = accounts.lock_the_house(session)
        exporting.forget_all(session)
        audit.record(session, None, "staff.locked-the-house", f"sessions:{ended}", clock.now())
    click.echo(f"Ended all sessions ({ended}), all links and all exports.")


@newsletter.command("send")
@click.argument("issue_id", metavar="ID", type=int)
@click.option("--by", "name", required=True, help="The colleague who asks; their role must send.")
def send(issue_id: int, name: str) -> None:
    """Put an issue on the road, as its page does: a second person agrees where two may send."""
    try:
        with unit_of_work() as session:
            made = sending.schedule_as(session, issue_id, name, config(), now=clock.now())
    except sending.NotReadyError as error:
        wanting = ", ".join(
            f"{one.count} {one.reason}{f' in {one.language}' if one.language else ''}"
            for one in error.hindrances
        )
        raise click.ClickException(f"The issue is not ready: {wanting}.") from None
    except PeyvandError as error:
        raise click.ClickException(f"Nothing is sent: {error}.") from None
    if made.begins_at is None:
        click.echo(f"Send {made.id} waits for a second person to agree.")
    else:
        click.echo(f"Send {made.id} begins at {made.begins_at:%H:%M:%S} UTC; until then undo it.")


@outbox.command("status")
def status() -> None:
    """Print the worker's last beat, the requests that wait, and the sends under way."""
    with reading() as session:
        workers = queries.worker_state(
            session, now=clock.now(), silent_after=dashboard.SILENT_AFTER
        )
        waiting = dashboard.waiting_requests(
            session, request_days=config().request_days, today=clock.today()
        )
        mail = queries.states_by_purpose(session)
    if workers.last_beat is None:
        click.echo("worker: none has run yet")
    else:
        state = f"{workers.running} running, last" if workers.running else "SILENT, last"
        click.echo(f"worker: {state} beat {workers.last_beat:%Y-%m-%d %H:%M:%S} UTC")
    since = f", the oldest since {waiting.since:%Y-%m-%d %H:%M} UTC" if waiting.since else ""
    click.echo(f"requests that wait: {waiting.count}{since}")
    for purpose, counts in mail.items():
        told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
        click.echo(f"{purpose}: {told or 'nothing'}")
    if not mail:
        click.echo("no mail is on the road")
