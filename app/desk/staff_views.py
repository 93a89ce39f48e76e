"""The workroom's own pages: the dashboard, my settings, the audit, and inviting a representative."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from app.core import clock, ids, languages
from app.core.errors import InvalidError
from app.desk import activity, invitations, sidebar
from app.desk import dashboard as board
from app.desk.staff_forms import LanguageForm, TestAddressForm
from app.newsletters.models import Issue
from app.organisations import staff_views as organisations
from app.organisations.staff_forms import RepresentativeForm
from app.outbox import queries
from app.petitions import endorsing, listing
from app.petitions.models import DRAFT
from app.staff import accounts, gate
from app.staff import audit as audit_log
from app.staff.forms import ROLE_NAMES, PasswordForm, show
from app.staff.roles import Permission
from app.web import language
from app.web.context import config, reading, sealer, unit_of_work
from app.web.forms import plain_number

desk_staff = Blueprint("desk_staff", __name__, url_prefix=language.STAFF_PREFIX)
gate.close(desk_staff, Permission.ENTER)
desk_staff.app_context_processor(sidebar.for_templates)

ACTIVITY = 6
AUDIT_PAGE = 50


@desk_staff.get("", strict_slashes=False)
def dashboard() -> ResponseReturnValue:
    """What needs somebody, then figures."""
    now = clock.now()
    with reading() as session:
        petitions = listing.rows(session, config().locales)
        unapproved = board.unapproved_sends(session)
        running = board.open_sends(session)
        drafts = board.drafts(session)
        numbers = board.issue_numbers(session, [issue_of(send) for send in unapproved + running])
        to_agree = [
            send
            for send in unapproved
            if gate.allows(Permission.SEND) and send.scheduled_by != gate.account().id
        ]
        to_write = [
            row for row in petitions if row.state == DRAFT and gate.allows(Permission.WRITE)
        ]
        to_check = endorsing.how_many(session) if gate.allows(Permission.PUBLISH) else 0
        return render_template(
            "staff/dashboard.html",
            to_check=to_check,
            now=now,
            petitions=petitions,
            drafts=drafts,
            unapproved=unapproved,
            running=running,
            todo_count=len(to_agree) + len(drafts) + len(to_write) + to_check,
            urls=_newsletter_urls(unapproved + running, drafts),
            numbers={send.id: numbers.get(issue_of(send)) for send in unapproved + running},
            workers=queries.worker_state(session, now=now, silent_after=board.SILENT_AFTER),
            waiting=board.waiting_requests(
                session, request_days=config().request_days, today=clock.today()
            ),
            paused=board.paused_destinations(session, now=now),
            subscribers=board.subscribers(session),
            acts=activity.latest(session, limit=ACTIVITY),
            locales=config().locales,
        )


def _newsletter_urls(
    sends: Sequence[board.OpenSend], drafts: Sequence[Issue]
) -> dict[str, dict[int, str] | str]:
    """Where the dashboard's lines about newsletters lead."""
    return {
        "write": url_for("newsletters_staff.listing"),
        "issues": {one.id: url_for("newsletters_staff.editor", row_id=one.id) for one in drafts},
        "sends": {one.id: url_for("newsletters_staff.progress", row_id=one.id) for one in sends},
    }


def issue_of(send: board.OpenSend) -> int:
    """The id of a newsletter send's issue; 0 for any other send."""
    number = send.subject.partition("#")[0]
    return int(number) if number.isdigit() else 0


@desk_staff.get("/settings")
def settings() -> ResponseReturnValue:
    """One's password, language and address for test mails."""
    return _settings()


@desk_staff.post("/settings/address")
def test_address() -> ResponseReturnValue:
    """Ask the worker to prove one's address for test mails; the same answer for any address (C19)."""
    form = TestAddressForm()
    if not form.validate() or form.address.address is None:
        return _settings(address=form), 422
    now = clock.now()
    with unit_of_work() as session:
        request_id = invitations.prove_test_address(
            session,
            sealer(),
            gate.account(),
            form.address.address,
            language=language.current(),
            now=now,
            keep_days=config().request_days,
        )
        audit_log.record(
            session,
            gate.account().id,
            "staff.asked-test-address",
            f"account:{gate.account().id}",
            now,
        )
    flash(
        _(
            "A mail is on its way, with the number %(number)s in its subject. "
            "Press the link in it, and the address is yours for test mails.",
            number=languages.digits(ids.number(request_id), language.current()),
        ),
        "info",
    )
    return redirect(url_for(".settings"), 303)


@desk_staff.post("/settings/password")
def password() -> ResponseReturnValue:
    """Change one's password; every session ends, this one too."""
    form = PasswordForm()
    if not form.validate():
        return _settings(password=form), 422
    account_id = gate.account().id
    try:
        with unit_of_work() as session:
            accounts.change_password(session, account_id, form.old.data or "", form.new.data or "")
            audit_log.record(
                session,
                account_id,
                "staff.changed-password",
                f"account:{account_id}",
                clock.now(),
            )
    except InvalidError as error:
        show(form, error)
        return _settings(password=form), 422
    gate.forget()
    flash(_("Your password is changed. Please sign in with the new one."), "ok")
    return redirect(url_for("door.sign_in"), 303)


@desk_staff.post("/settings/language")
def set_language() -> ResponseReturnValue:
    """Choose the language the workroom opens in."""
    form = LanguageForm()
    form.language.offer(config().locales)
    if not form.validate():
        return _settings(language_form=form), 422
    with unit_of_work() as session:
        accounts.set_language(session, gate.account().id, form.language.data)
    language.prefer(form.language.data)
    flash(_("The workroom opens in this language from now on."), "ok")
    return redirect(url_for(".settings"), 303)


@desk_staff.get("/audit")
@gate.needs(Permission.ADMINISTER)
def audit() -> ResponseReturnValue:
    """Who did what, the newest first."""
    last = plain_number(request.args.get("before"), 9)
    with reading() as session:
        acts = activity.latest(session, limit=AUDIT_PAGE + 1, before=last)
    return render_template(
        "staff/audit.html",
        acts=acts[:AUDIT_PAGE],
        older=acts[AUDIT_PAGE - 1].id if len(acts) > AUDIT_PAGE else None,
        first=last is None,
    )


@desk_staff.post("/organisations/<int:row_id>/invite")
@gate.needs(Permission.ORGANISE)
def invite(row_id: int) -> ResponseReturnValue:
    """Invite a representative; the same answer for any address (C19)."""
    form = RepresentativeForm()
    form.offer(config().locales)
    if not form.validate() or form.address.address is None:
        return organisations.page(row_id, form), 422
    now = clock.now()
    try:
        with unit_of_work() as session:
            invitations.invite_representative(
                session,
                sealer(),
                row_id,
                role=form.role.data or "",
                language=form.language.data,
                languages=form.languages.data.split(","),
                address=form.address.address,
                invited_by=gate.account(),
                now=now,
                keep_days=config().request_days,
            )
            audit_log.record(
                session, gate.account().id, "organisation.invited", f"organisation:{row_id}", now
            )
    except InvalidError as error:
        organisations.show(form, error)
        return organisations.page(row_id, form), 422
    flash(
        _(
            "The invitation is handed to the worker. Whatever the address, you will see here only "
            "whether the person confirmed."
        ),
        "ok",
    )
    return redirect(url_for("organisations_staff.show", row_id=row_id), 303)


def _settings(
    *,
    address: TestAddressForm | None = None,
    password: PasswordForm | None = None,
    language_form: LanguageForm | None = None,
) -> str:
    me = gate.account()
    chosen = language_form or LanguageForm(language=me.language)
    chosen.language.offer(config().locales)
    return render_template(
        "staff/settings.html",
        address=address or TestAddressForm(formdata=None),
        password=password or PasswordForm(formdata=None),
        language_form=chosen,
        proven=me.test_box is not None,
        role_name=ROLE_NAMES[me.role],
    )
