"""Staff look at what signers want shown, and at what is held back from a petition's count."""

from __future__ import annotations

from typing import Final

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock
from app.core.errors import InvalidError
from app.petitions import editing, guarding, moderating
from app.petitions.staff_views import act, petitions_staff
from app.staff import audit, gate
from app.staff.roles import Permission
from app.web.context import reading, unit_of_work

APPROVE: Final = "approve"
REFUSE: Final = "refuse"


@petitions_staff.get("/moderate")
@gate.needs(Permission.PUBLISH)
def moderation() -> ResponseReturnValue:
    """Names, affiliations and comments that wait to be shown; nothing of who wrote them (C19)."""
    with reading() as session:
        waiting = moderating.waiting(session)
        return render_template(
            "petitions/staff_moderate.html",
            waiting=waiting,
            more=moderating.how_many(session) - len(waiting),
            titles=moderating.titles(session, [item.petition_id for item in waiting]),
        )


@petitions_staff.post("/moderate")
@gate.needs(Permission.PUBLISH)
def moderate() -> ResponseReturnValue:
    """Settle what was ticked, or all that the page showed; what changed meanwhile waits on."""
    everything = request.form.get("all") == APPROVE
    shown = set(request.form.getlist("shown"))
    now = clock.now()
    with unit_of_work() as session:
        waiting = [one for one in moderating.waiting(session) if one.key in shown]
        chosen = {
            one.key: APPROVE if everything else request.form.get(one.key, "") for one in waiting
        }
        done = moderating.approve(
            session, [one for one in waiting if chosen[one.key] == APPROVE], day=now.date()
        ) + moderating.refuse(
            session, [one for one in waiting if chosen[one.key] == REFUSE], day=now.date()
        )
        if done:
            audit.record(session, gate.account().id, "signers.moderated", "", now)
    flash(_("Saved."), "ok")
    return redirect(url_for(".moderation"), 303)


@petitions_staff.get("/<int:row_id>/guard")
@gate.needs(Permission.PUBLISH)
def guard(row_id: int) -> ResponseReturnValue:
    """What is held back, why, and since when."""
    return _guard(row_id)


@petitions_staff.post("/<int:row_id>/guard")
@gate.needs(Permission.PUBLISH)
def decide(row_id: int) -> ResponseReturnValue:
    """Turn the switch, let held signatures count, take them out, or take that back."""
    wish, _colon, reason = request.form.get("do", "").partition(":")
    now = clock.now()
    try:
        with unit_of_work() as session:
            editing.get(session, row_id)
            if wish in ("hold", "let"):
                guarding.hold_all(session, row_id, on=wish == "hold")
            elif wish == "release":
                guarding.release(session, row_id, reason)
            elif wish == "restore":
                guarding.restore(session, row_id, reason)
            elif wish == "invalidate":
                guarding.invalidate(session, row_id, reason, request.form.get("why", ""))
            else:
                return redirect(url_for(".guard", row_id=row_id), 303)
            audit.record(session, gate.account().id, f"guard.{wish}", f"petition:{row_id}", now)
    except InvalidError:
        return _guard(row_id, wrong=reason), 422
    flash(_("Saved."), "ok")
    return redirect(url_for(".guard", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/deliver")
@gate.needs(Permission.PUBLISH)
def deliver(row_id: int) -> ResponseReturnValue:
    """The addressee has it."""
    act(
        row_id,
        "petition.delivered",
        lambda session: editing.deliver(session, row_id, now=clock.now()),
        _("The page says now that the petition was handed over."),
    )
    return redirect(url_for(".edit", row_id=row_id), 303)


@petitions_staff.post("/<int:row_id>/archive")
@gate.needs(Permission.PUBLISH)
def archive(row_id: int) -> ResponseReturnValue:
    """Put it away."""
    act(
        row_id,
        "petition.archived",
        lambda session: editing.archive(session, row_id),
        _("The petition is put away; its page stays."),
    )
    return redirect(url_for(".edit", row_id=row_id), 303)


def _guard(row_id: int, *, wrong: str = "") -> str:
    with reading() as session:
        petition = editing.get(session, row_id)
        return render_template(
            "petitions/staff_guard.html",
            petition=petition,
            newest=editing.newest(petition),
            standing=guarding.standing(session, row_id),
            wrong=wrong,
            typed=request.form.get("why", ""),
            longest=guarding.LONGEST_REASON,
        )
