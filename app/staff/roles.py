"""The four roles and what each may do, in one table; every staff page names the line it needs (C28)."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from app.staff.models import ADMIN, EDITOR, ORGANISER, TRANSLATOR


class Permission(StrEnum):
    """One thing that staff may be allowed to do."""

    ENTER = "enter"
    """See the dashboard and one's own settings."""
    TRANSLATE = "translate"
    """Read newsletters and write their translations."""
    WRITE = "write"
    """Write newsletters and petitions."""
    PUBLISH = "publish"
    """Open petitions for signatures and close them."""
    EXPORT = "export"
    """Ask for what goes to a petition's addressee, encrypted to the officers, and fetch it once."""
    ORGANISE = "organise"
    """Keep organisations, and invite their representatives."""
    SEND = "send"
    """Schedule, approve, pause and resume newsletters."""
    ADMINISTER = "administer"
    """Invite, lock and change staff; read the audit."""


_TRANSLATOR: Final = frozenset({Permission.ENTER, Permission.TRANSLATE})
_EDITOR: Final = _TRANSLATOR | {Permission.WRITE}
_ORGANISER: Final = _EDITOR | {
    Permission.PUBLISH,
    Permission.EXPORT,
    Permission.ORGANISE,
    Permission.SEND,
}
_ADMIN: Final = _ORGANISER | {Permission.ADMINISTER}

MAY: Final[Mapping[str, frozenset[Permission]]] = {
    TRANSLATOR: _TRANSLATOR,
    EDITOR: _EDITOR,
    ORGANISER: _ORGANISER,
    ADMIN: _ADMIN,
}


def may(role: str, permission: Permission) -> bool:
    """Whether a role may do something; an unknown role may do nothing."""
    return permission in MAY.get(role, frozenset())


def holders(permission: Permission) -> tuple[str, ...]:
    """The roles that may do something, for counting second persons (C28)."""
    return tuple(role for role, allowed in MAY.items() if permission in allowed)
