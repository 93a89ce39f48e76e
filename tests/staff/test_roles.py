"""What each role may do (C28)."""

from __future__ import annotations

from app.staff.models import ADMIN, EDITOR, ORGANISER, ROLES, TRANSLATOR
from app.staff.roles import Permission, holders, may


def test_C28_each_role_may_do_what_the_table_says_and_nothing_else() -> None:
    allowed = {role: {str(p) for p in Permission if may(role, p)} for role in ROLES}
    assert allowed == {
        TRANSLATOR: {"enter", "translate"},
        EDITOR: {"enter", "translate", "write"},
        ORGANISER: {"enter", "translate", "write", "publish", "export", "organise", "send"},
        ADMIN: {
            "enter",
            "translate",
            "write",
            "publish",
            "export",
            "organise",
            "send",
            "administer",
        },
    }


def test_C28_an_unknown_role_may_do_nothing() -> None:
    assert not any(may("owner", permission) for permission in Permission)


def test_C28_those_who_may_send_are_counted_for_the_second_person() -> None:
    assert set(holders(Permission.SEND)) == {ORGANISER, ADMIN}
