"""Asking, waiting, proving: the steps on the web that every request shares (C01, C10-C12).

Rooms bring their forms and pages; this module seals, writes the one row, and tells nothing of who was known.
The worker never loads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from flask import g, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy.orm import Session

from app.audience import consents
from app.audience.models import ConsentWording
from app.core import clock, ids, languages
from app.core.errors import NotFoundError
from app.optin import requests
from app.optin.models import SIGNATURE, Request
from app.web import language
from app.web.context import config, names_sealer, sealer, single_statements, unit_of_work
from app.web.forms import CodeField, PublicForm
from app.web.limits import visitors_network

ALL: Final = "all"
"""The subject of a request that is about everything."""


class CodeForm(PublicForm):
    """The waiting page's code; rooms add their choices beside it."""

    code = CodeField(lazy_gettext("Code from the mail"))


@dataclass(frozen=True)
class Waiting:
    """What a waiting page shows of a request, drawn from its id alone (C11, C14)."""

    request_id: UUID
    in_url: str
    number: str
    subject: str
    sender: str


def ask(purpose: str, subject: str, fields: Mapping[str, Any]) -> str:
    """Seal and write down a wish; returns its id as it stands in the address of the waiting page."""
    request_id = ids.new()
    settings = config()
    network = visitors_network() if purpose == SIGNATURE else None
    box = sealer().seal("request", request_id, {**fields, "subject": subject, "network": network})
    with single_statements() as session:
        requests.ask(
            session,
            request_id,
            purpose,
            subject,
            box,
            language=language.current(),
            now=clock.now(),
            keep_days=settings.request_days,
        )
    return ids.in_url(request_id)


def waiting(in_url: str) -> Waiting:
    """What the waiting page says; reads no row.

    Raises NotFoundError for what is no id.
    """
    request_id = _id(in_url)
    number = ids.number(request_id)
    here = language.current()
    return Waiting(
        request_id=request_id,
        in_url=in_url,
        number=languages.digits(number, here),
        subject=_("Please confirm your request: %(number)s", number=languages.digits(number, here)),
        sender=config().confirmation_sender,
    )


def send_again(in_url: str, purpose: str) -> None:
    """Ask for the same mail once more; the same for every id (C09).

    Raises NotFoundError for what is no id.
    """
    request_id = _id(in_url)
    with unit_of_work() as session:
        requests.resend(session, request_id, purpose)


def prove_by_code(
    in_url: str,
    purpose: str,
    form: CodeForm,
    chosen: Mapping[str, Any],
    *,
    subject: str | None = None,
) -> bool:
    """Try the typed code with what was chosen beside it; where it is refused, the form says the one sentence.

    ``subject`` is the petition that the page is about. Raises NotFoundError for what is no id.
    """
    request_id = _id(in_url)
    box = seal_choices(request_id, chosen)
    with unit_of_work() as session:
        done = requests.prove_by_code(
            session,
            request_id,
            purpose,
            str(form.code.data),
            box,
            now=clock.now(),
            subject=subject,
        )
    if not done:
        form.code.errors = [refusal()]
    return done


def behind_link(session: Session, token: str) -> Request | None:
    """What a live link asks for, or None."""
    return requests.behind_link(session, token, now=clock.now())


def prove_by_link(token: str, request_id: UUID, chosen: Mapping[str, Any]) -> bool:
    """Press the link's button."""
    box = seal_choices(request_id, chosen)
    with unit_of_work() as session:
        return requests.prove_by_link(session, token, box, now=clock.now())


def seal_choices(request_id: UUID, chosen: Mapping[str, Any]) -> bytes:
    """The second box of a request: what was chosen at the proof."""
    return sealer().seal("choices", request_id, {**chosen, "language": language.current()})


def seal_name(signature_id: UUID, name: str) -> bytes | None:
    """A name for the officers' offline key, bound to its signature; None where there is no such key (C05)."""
    closer = names_sealer()
    return closer.seal("name", signature_id, {"name": name}) if closer else None


def refusal() -> str:
    """The one answer to a code that is not taken (C11)."""
    return str(
        _(
            "This code is wrong, was used, or is too old. "
            "If you already pressed the link in the mail, you are done."
        )
    )


def dead_link() -> ResponseReturnValue:
    """One page for used, expired and false links, the same bytes for each (C10)."""
    g.neutral_links = True
    return render_template("desk/dead_link.html"), 404


def wording(session: Session, purpose: str, *, seen: int | None = None) -> ConsentWording:
    """The sentence shown today, in the page's language or the first that has one.

    ``seen`` is the one that the page showed when a form comes back, which may be an older one. Raises NotFoundError where none was published.
    """
    found = consents.current(session, purpose, *wording_languages(), seen=seen)
    if found is None:
        raise NotFoundError(f"no wording for {purpose}")
    return found


def wording_languages() -> tuple[str, ...]:
    """In which languages a sentence is looked for, the page's own first."""
    return (language.current(), *config().locales, "en")


def _id(in_url: str) -> UUID:
    request_id = ids.from_url(in_url)
    if request_id is None:
        raise NotFoundError("no request id")
    return request_id
