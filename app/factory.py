"""Puts the web process together: one Flask application with every room's pages."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from types import TracebackType
from typing import IO, Final

from flask import Blueprint, Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface

from app import commands
from app.core.database import Database
from app.core.sealing import KeyFormatError, Sealer
from app.core.wake import waker_for
from app.web import assets, errors, filters, headers, keeping, language, limits, recent
from app.web.context import Services
from app.web.csrf import csrf
from config import Config, ConfigError

PUBLIC_BODY: Final = 64 * 1024
"""Octets that a visitor's form may have; the workroom sets its own, larger limit."""

log = logging.getLogger(__name__)


class Visit(Request):
    """A request whose uploads stay in memory: a file with a place and a name in it never touches a disk."""

    def _get_file_stream(self, *_known: object, **_named: object) -> IO[bytes]:
        return io.BytesIO()


class WorkroomSessions(SecureCookieSessionInterface):
    """Sessions of the workroom alone: a public page that wrote into one would fail, instead of setting a cookie (C24)."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return super().open_session(app, request) if language.is_staff(request.path) else None


class Peyvand(Flask):
    """Flask, whose log of an unexpected error names the error and the places, never a value (C23)."""

    request_class = Visit
    session_interface = WorkroomSessions()

    def log_exception(
        self,
        exc_info: tuple[type, BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> None:
        kind, _, trace = exc_info
        places = []
        while trace is not None:
            places.append(f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}")
            trace = trace.tb_next
        name = kind.__name__ if kind else "?"
        log.error("an unexpected %s, at %s", name, " < ".join(reversed(places[-6:])))


def create_app(config: Config | None = None) -> Flask:
    """The application for ``config``, else for the environment's settings of the web process.

    Raises ConfigError when a setting is missing, odd, or not the web's to hold.
    """
    config = config or Config.from_env("web")
    app = Peyvand(__name__)
    https = config.base_url.startswith("https://")
    app.config.update(
        SECRET_KEY=str(config.secret_key),
        SESSION_COOKIE_NAME="workroom",
        SESSION_COOKIE_PATH=language.STAFF_PREFIX,
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=PUBLIC_BODY,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        JSON_AS_ASCII=False,
    )
    if config.texts and not _is_folder(config.texts):
        raise ConfigError("PEYVAND_TEXTS names a folder that is not there.")
    waker = waker_for(config.broker_url, config.instance)
    Services(
        config=config,
        database=Database(config.database_url, on_commit=waker),
        sealer=_sealer("PEYVAND_SEAL_PUBLIC_KEY", config.seal_public_key),
        names_sealer=(
            _sealer("PEYVAND_NAMES_PUBLIC_KEY", config.names_public_key)
            if config.names_public_key
            else None
        ),
        waker=waker,
    ).install(app)
    language.init_app(app, config.locales)
    headers.init_app(app, https=https, onion_url=config.onion_url)
    assets.init_app(app)
    filters.init_app(app)
    keeping.init_app(app, config.kept_seconds)
    recent.init_app(app, config.kept_seconds)
    limits.init_app(app, config)
    errors.init_app(app)
    csrf.init_app(app)
    _site(app, config)
    for blueprint in public_blueprints(config):
        csrf.exempt(blueprint)
        app.register_blueprint(blueprint)
    for blueprint in staff_blueprints():
        app.register_blueprint(blueprint)
    commands.init_app(app)
    return app


def _is_folder(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:  # a name too long for any folder
        return False


def _sealer(name: str, keys: str) -> Sealer:
    try:
        return Sealer(keys)
    except KeyFormatError as error:
        raise ConfigError(f"{name}: {error}.") from None


def public_blueprints(config: Config) -> list[Blueprint]:
    """The pages anyone may open; they have no session, so nothing to forge."""
    from app.desk.choices import choices
    from app.desk.links import links
    from app.desk.mailbox import mailbox
    from app.desk.views import desk
    from app.newsletters.views import newsletters
    from app.petitions.api_views import api
    from app.petitions.campaign_views import campaign
    from app.petitions.endorse_views import endorse
    from app.petitions.feed_views import feeds
    from app.petitions.picture_views import pictures
    from app.petitions.print_views import printed
    from app.petitions.views import petitions

    around = [endorse, pictures, printed, campaign, feeds, api]
    always = [desk, choices, links, petitions, *around, newsletters]
    return [*always, mailbox] if config.embedded else always


def staff_blueprints() -> list[Blueprint]:
    """The workroom's pages, each closed by ``app.staff.gate``."""
    from app.desk.export_views import export_staff
    from app.desk.reader_views import reader_staff
    from app.desk.staff_views import desk_staff
    from app.newsletters.staff_views import newsletters_staff
    from app.organisations.staff_views import organisations_staff
    from app.petitions import (  # (their pages join those of the petitions)
        campaign_staff_views,  # noqa: F401
        endorse_staff_views,  # noqa: F401
        guard_views,  # noqa: F401
        picture_staff_views,  # noqa: F401
    )
    from app.petitions.staff_views import petitions_staff
    from app.staff.door_views import door
    from app.staff.views import staff

    rooms = [petitions_staff, newsletters_staff, organisations_staff]
    return [door, staff, desk_staff, reader_staff, export_staff, *rooms]


def _site(app: Flask, config: Config) -> None:
    @app.context_processor
    def site() -> dict[str, object]:
        return {
            "organisation": config.organisation_name(language.current()),
            "embedded": config.embedded,
            "quiet_mail": bool(config.quiet_mail_from and config.quiet_base_url),
            "caps": {
                "day": config.mails_a_day,
                "month": config.mails_a_month,
                "minutes": config.code_minutes,
                "hours": config.unproven_hours,
            },
        }
