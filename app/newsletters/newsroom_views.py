"""The newsroom's blueprint, closed by the gate; its pages are in the modules of views beside this one."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint
from sqlalchemy.orm import Session

from app.core import languages
from app.newsletters import translating
from app.newsletters.models import Issue
from app.staff import audit, gate
from app.staff.roles import Permission
from app.web import language

newsletters_staff = Blueprint("newsletters_staff", __name__, url_prefix=language.STAFF_PREFIX)
gate.close(newsletters_staff, Permission.TRANSLATE)


@newsletters_staff.app_template_global()
def tongue(code: str) -> str:
    """A language's name in the language of the page."""
    return languages.name_in(code, language.current())


def title_of(issue: Issue) -> str:
    """The issue's subject in the language of the page, else in its own."""
    for code in (language.current(), issue.source_language):
        for block in issue.blocks[:1]:
            text = translating.text_in(block, code)
            if text is not None:
                return text.heading
    return ""


def record(session: Session, action: str, issue_id: int, now: datetime) -> None:
    audit.record(session, gate.account().id, action, f"issue:{issue_id}", now)
