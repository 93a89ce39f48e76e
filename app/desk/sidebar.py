"""The workroom's side bar: the rooms this reader's role opens, with how much waits in each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from flask import current_app, url_for
from flask_babel import lazy_gettext

from app.outbox.models import UNAPPROVED, Send
from app.staff import gate
from app.staff.roles import Permission
from app.web import language
from app.web.context import config, reading

ROOMS: Final = (
    ("dashboard", "desk_staff.dashboard", lazy_gettext("Dashboard"), Permission.ENTER),
    ("petitions", "petitions_staff.listing", lazy_gettext("Petitions"), Permission.WRITE),
    ("newsletters", "newsletters_staff.listing", lazy_gettext("Newsletters"), Permission.TRANSLATE),
    ("sends", "newsletters_staff.sends", lazy_gettext("Sends"), Permission.TRANSLATE),
    (
        "organisations",
        "organisations_staff.listing",
        lazy_gettext("Organisations"),
        Permission.ORGANISE,
    ),
    ("readers", "reader_staff.readers", lazy_gettext("Readers"), Permission.ORGANISE),
    ("people", "staff.people", lazy_gettext("Staff"), Permission.ADMINISTER),
    ("audit", "desk_staff.audit", lazy_gettext("Audit"), Permission.ADMINISTER),
    ("settings", "desk_staff.settings", lazy_gettext("My settings"), Permission.ENTER),
)


@dataclass(frozen=True)
class Item:
    """One link of the side bar."""

    key: str
    url: str
    label: object
    count: int = 0


def side_bar() -> list[Item]:
    """The links for who is signed in; a room that this instance does not have is left out."""
    waiting = _sends_to_approve() if gate.allows(Permission.SEND) else 0
    items = [
        Item(key, url_for(endpoint), label, waiting if key == "sends" else 0)
        for key, endpoint, label, permission in ROOMS
        if gate.allows(permission) and endpoint in current_app.view_functions
    ]
    if config().embedded and "mailbox.inbox" in current_app.view_functions:
        items.append(Item("mailbox", url_for("mailbox.inbox"), lazy_gettext("Test mailbox")))
    return items


def for_templates() -> dict[str, object]:
    """What the frame of a workroom page needs; nothing for anybody who is not signed in."""
    if not language.is_staff() or not gate.allows(Permission.ENTER):
        return {}
    return {"side": _SideBar()}


class _SideBar:
    """Asks the database when the frame is drawn: the page for a database that is away has no side bar."""

    def __iter__(self) -> Iterator[Item]:
        return iter(side_bar())


def _sends_to_approve() -> int:
    with reading() as session:
        return (
            session.scalar(
                sa.select(sa.func.count())
                .select_from(Send)
                .where(
                    Send.state == UNAPPROVED,
                    sa.func.coalesce(Send.scheduled_by, 0) != gate.account().id,
                )
            )
            or 0
        )
