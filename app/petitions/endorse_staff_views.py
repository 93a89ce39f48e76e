"""The workroom's page of endorsements that organisations asked for themselves: match, check the mandate, or refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from app.core import clock, ids, languages
from app.core.errors import InvalidError, NotFoundError
from app.organisations import records
from app.organisations.models import Organisation
from app.organisations.staff_forms import TYPE_NAMES
from app.petitions import endorsing, moderating
from app.petitions.campaign_models import Endorsement
from app.petitions.endorsing import Asked
from app.petitions.staff_views import petitions_staff
from app.staff import audit, gate
from app.staff.roles import Permission
from app.web import language
from app.web.context import reading, unit_of_work
from app.web.forms import plain_number

NEW: Final = "new"
REFUSE: Final = "refuse"


@dataclass(frozen=True)
class Problem:
    """What is to be put right, and at which endorsement."""

    id: UUID
    field: str
    words: str
    typed: str


@petitions_staff.get("/endorsements")
@gate.needs(Permission.PUBLISH)
def asked_endorsements() -> ResponseReturnValue:
    """What organisations ask to be endorsed with, and nothing of who wrote it (C19)."""
    return _page()


@petitions_staff.post("/endorsements")
@gate.needs(Permission.PUBLISH)
def decide_endorsement() -> ResponseReturnValue:
    """Check one mandate, or refuse it with a reason; what changed meanwhile waits on."""
    endorsement_id = ids.from_url(request.form.get("id", ""))
    if endorsement_id is None:
        raise NotFoundError("no such endorsement")
    refused = request.form.get("do") == REFUSE
    now, account_id = clock.now(), gate.account().id
    try:
        with unit_of_work() as session:
            mark = request.form.get("mark", "")
            if refused:
                decided = endorsing.refuse(
                    session,
                    endorsement_id,
                    mark,
                    request.form.get("reason", ""),
                    account_id=account_id,
                    day=now.date(),
                )
            else:
                decided = endorsing.check(
                    session,
                    endorsement_id,
                    mark,
                    _chosen(),
                    account_id=account_id,
                    day=now.date(),
                )
            action = "petition.endorsement-refused" if refused else "petition.endorsement-checked"
            audit.record(session, account_id, action, f"petition:{decided.petition_id}", now)
    except NotFoundError:
        flash(_("It changed or was decided meanwhile; please look again."), "warn")
        return redirect(url_for(".asked_endorsements"), 303)
    except InvalidError as error:
        field = "reason" if refused else "organisation"
        typed = request.form.get(field, "")
        return _page(Problem(endorsement_id, field, _words(error), typed)), 422
    flash(
        _("It is refused and erased within a week.")
        if refused
        else _("It is checked. Where the organisation may be named, the page shows it now."),
        "ok",
    )
    return redirect(url_for(".asked_endorsements"), 303)


def _chosen() -> int | None:
    """The organisation that was chosen; None for a new one. Raises InvalidError for anything else."""
    typed = request.form.get("organisation", "")
    if typed == NEW:
        return None
    number = plain_number(typed, 9)
    if number is None:
        raise InvalidError("unknown", field="organisation")
    return number


def _words(error: InvalidError) -> str:
    told = {
        "needed": _("This is needed."),
        "too long": _("That is too long; please shorten it."),
        "unknown": _("Choose one of the list."),
    }
    return str(
        told.get(str(error))
        or _(
            "It cannot be entered as it was written. Enter the organisation first, then choose it."
        )
    )


def _page(problem: Problem | None = None) -> str:
    with reading() as session:
        waiting = endorsing.waiting(session)
        names = _names(session)
        return render_template(
            "petitions/staff_endorsements.html",
            waiting=waiting,
            offered={one.row.id: _offered(one, names) for one in waiting},
            more=endorsing.how_many(session) - len(waiting),
            titles=moderating.titles(session, [one.row.petition_id for one in waiting]),
            standing=_standing(session, waiting),
            types=TYPE_NAMES,
            problem=problem,
            in_url=ids.in_url,
        )


def _names(session: Session) -> dict[int, str]:
    here = language.current()
    rows = session.scalars(sa.select(Organisation))
    named = [(row.id, records.name_in(row, here)) for row in rows]
    return dict(sorted(named, key=lambda one: languages.sort_key(one[1], here)))


def _offered(one: Asked, names: dict[int, str]) -> list[tuple[int, str]]:
    """Those that it may be, the likeliest first, then all others by the alphabet."""
    first = [(row_id, names[row_id]) for row_id in one.suggested]
    return first + [(row_id, name) for row_id, name in names.items() if row_id not in one.suggested]


def _standing(session: Session, waiting: Sequence[Asked]) -> set[tuple[int, int]]:
    """Which organisations stand behind these petitions already: newer words would replace theirs."""
    rows = session.execute(
        sa.select(Endorsement.petition_id, Endorsement.organisation_id).where(
            Endorsement.petition_id.in_([one.row.petition_id for one in waiting]),
            Endorsement.organisation_id.is_not(None),
        )
    )
    return {(row[0], row[1]) for row in rows if row[1] is not None}
