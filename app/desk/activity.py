"""The audit in words: what each action is called, and where its subject is found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from flask import current_app, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from app.core import languages
from app.staff import audit
from app.staff.forms import ROLE_NAMES
from app.staff.models import Account, AuditEntry
from app.web import language

WORDS: Final = {
    "staff.joined": lazy_gettext("took the invitation and joined"),
    "staff.signed-in": lazy_gettext("signed in"),
    "staff.signed-out": lazy_gettext("signed out"),
    "staff.invited": lazy_gettext("invited a colleague"),
    "staff.withdrew": lazy_gettext("withdrew an invitation"),
    "staff.made-admin": lazy_gettext("made a colleague administrator"),
    "staff.made-organiser": lazy_gettext("made a colleague organiser"),
    "staff.made-editor": lazy_gettext("made a colleague editor"),
    "staff.made-translator": lazy_gettext("made a colleague translator"),
    "staff.locked": lazy_gettext("locked an account"),
    "staff.unlocked": lazy_gettext("opened a locked account"),
    "staff.locked-the-house": lazy_gettext("ended all sessions and links"),
    "staff.changed-password": lazy_gettext("changed their password"),
    "staff.asked-test-address": lazy_gettext("named an address for test mails"),
    "petition.created": lazy_gettext("began a petition"),
    "petition.wrote": lazy_gettext("wrote in a petition"),
    "petition.changed": lazy_gettext("changed a petition’s settings"),
    "petition.addressed": lazy_gettext("changed a petition’s address"),
    "petition.opened": lazy_gettext("opened a petition for signatures"),
    "petition.closed": lazy_gettext("closed a petition"),
    "petition.opened-on-time": lazy_gettext("A petition opened on its day"),
    "petition.closed-on-time": lazy_gettext("A petition closed on its day"),
    "petition.not-ready": lazy_gettext("A petition was not ready to open on its day"),
    "petition.exported": lazy_gettext("A petition was exported to the officers"),
    "petition.recorded": lazy_gettext("What was made of a petition was recorded"),
    "petition.delivered": lazy_gettext("said that a petition was handed over"),
    "petition.archived": lazy_gettext("put a petition away"),
    "petition.wrote-update": lazy_gettext("wrote an update of a petition"),
    "petition.published-update": lazy_gettext("published an update of a petition"),
    "petition.removed-update": lazy_gettext("removed an update of a petition"),
    "petition.endorsed": lazy_gettext("entered an endorsement"),
    "petition.endorsement-withdrawn": lazy_gettext("withdrew an endorsement"),
    "petition.endorsement-checked": lazy_gettext("checked an organisation’s mandate"),
    "petition.endorsement-refused": lazy_gettext("refused an endorsement"),
    "petition.export-asked": lazy_gettext("asked for a petition’s export"),
    "petition.export-fetched": lazy_gettext("fetched a petition’s export"),
    "petition.entered-paper": lazy_gettext("entered signatures on paper"),
    "petition.removed-paper": lazy_gettext("took signatures on paper back"),
    "signers.moderated": lazy_gettext("looked at what signers want shown"),
    "guard.hold": lazy_gettext("held every new signature of a petition"),
    "guard.let": lazy_gettext("let a petition’s new signatures count again"),
    "guard.release": lazy_gettext("let held signatures count"),
    "guard.invalidate": lazy_gettext("took held signatures out of the count"),
    "guard.restore": lazy_gettext("counted signatures again that were taken out"),
    "newsletter.begun": lazy_gettext("began a newsletter"),
    "newsletter.saved": lazy_gettext("wrote in a newsletter"),
    "newsletter.readers-chosen": lazy_gettext("chose a newsletter’s readers"),
    "newsletter.tested": lazy_gettext("asked for a test mail"),
    "newsletter.scheduled": lazy_gettext("asked to send a newsletter"),
    "send.approved": lazy_gettext("agreed to a send"),
    "send.undone": lazy_gettext("took a send back"),
    "send.paused": lazy_gettext("paused a send"),
    "send.resumed": lazy_gettext("resumed a send"),
    "send.sent-again": lazy_gettext("sent the uncertain letters again"),
    "send.unknown-left": lazy_gettext("left the uncertain letters as they are"),
    "organisation.added": lazy_gettext("entered an organisation"),
    "organisation.changed": lazy_gettext("changed an organisation"),
    "organisation.removed": lazy_gettext("removed an organisation"),
    "organisation.invited": lazy_gettext("invited a representative"),
    "organisation.removed-representative": lazy_gettext("removed a representative’s role"),
    "readers.suppress": lazy_gettext("had an address silenced"),
    "readers.no-outreach": lazy_gettext("kept invitations away from an address"),
    "readers.lift": lazy_gettext("had an address’s silence lifted"),
    "readers.imported": lazy_gettext("A list of readers was brought in"),
    "wiping-failed": lazy_gettext(
        "What was deleted could not be wiped from the disk yet; it is tried again"
    ),
    "request-failed": lazy_gettext("A proven request could not be carried out"),
    "send-stuck": lazy_gettext("The letters of a send could not be made, so it waits"),
    "destination-paused": lazy_gettext("Mail to a provider that refuses us was paused"),
    "box-refused": lazy_gettext("A sealed box stood in the wrong place and was refused"),
}
PAGES: Final = {
    "petition": "petitions_staff.edit",
    "organisation": "organisations_staff.show",
    "issue": "newsletters_staff.editor",
    "send": "newsletters_staff.progress",
}
"""Which page shows a subject of a kind; the page takes the subject's number as ``row_id``."""


@dataclass(frozen=True)
class Act:
    """One line of the audit, ready to be shown."""

    id: int
    at: datetime
    who: str | None
    what: str
    subject: str
    url: str | None


def latest(session: Session, *, limit: int, before: int | None = None) -> list[Act]:
    """The newest acts in the page's language."""
    rows = audit.latest(session, limit=limit, before=before)
    names = _names(session, [entry for entry, _name in rows])
    return [_act(entry, name, names) for entry, name in rows]


def _names(session: Session, entries: Sequence[AuditEntry]) -> dict[str, str]:
    numbers = [
        int(number)
        for kind, _colon, number in (entry.subject.partition(":") for entry in entries)
        if kind == "account" and number.isdigit()
    ]
    rows = session.execute(sa.select(Account.id, Account.name).where(Account.id.in_(numbers)))
    return {f"account:{account_id}": name for account_id, name in rows}


def _act(entry: AuditEntry, who: str | None, names: dict[str, str]) -> Act:
    what = WORDS.get(entry.action)
    subject, url = _subject(entry, names)
    if subject == who:
        subject = ""
    return Act(entry.id, entry.at, who, str(what or entry.action), subject, url)


def _subject(entry: AuditEntry, names: dict[str, str]) -> tuple[str, str | None]:
    kind, _colon, number = entry.subject.partition(":")
    page = PAGES.get(kind)
    if page in current_app.view_functions and number.isdigit():
        return _titled(kind, number), url_for(page, row_id=int(number))
    if kind == "role":
        return str(ROLE_NAMES.get(number, number)), None
    return names.get(entry.subject, ""), None


def _titled(kind: str, number: str) -> str:
    shown = languages.digits(number, language.current())
    kinds = {
        "petition": _("Petition %(number)s", number=shown),
        "organisation": _("Organisation %(number)s", number=shown),
        "issue": _("Draft %(number)s", number=shown),
        "send": _("Send %(number)s", number=shown),
    }
    return str(kinds.get(kind, f"{kind} {shown}"))
