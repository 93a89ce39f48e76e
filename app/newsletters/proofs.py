"""Test mails of an issue to one's own address: the web asks by a row, the worker opens the box and posts."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience.subscriptions import Desk
from app.core import addresses
from app.core.errors import MisplacedBoxError, PeyvandError
from app.newsletters import issues, letters
from app.newsletters.composing import Gettext
from app.newsletters.models import Issue
from app.outbox import posting
from app.outbox.models import NEWSLETTER, TEST, WAITING, Send
from app.staff import audit
from app.staff.models import Account
from app.staff.roles import Permission, may
from config import Config
from emails.errors import EmailsError

log = logging.getLogger(__name__)

TEST_UNSUBSCRIBE: Final = "/u/test"
"""Where the unsubscribe link of a test mail leads: a page that ends nothing."""


class NoTestAddressError(PeyvandError):
    """The account has no proven address for test mails."""


def ask_for_test(
    session: Session,
    issue_id: int,
    account: Account,
    choices: Sequence[tuple[str, ...]],
    *,
    quiet: bool,
    now: datetime,
) -> Send:
    """Web: ask the worker for test mails of an issue to the account's own address, one for each choice.

    Each asking is the next round. Raises NoTestAddressError where the account has proven none.
    """
    if account.test_box is None:
        raise NoTestAddressError("no address for test mails yet")
    issues.get(session, issue_id)
    subject = f"{issue_id}:{account.id}"
    while True:
        last = session.scalar(
            sa.select(sa.func.max(Send.round)).where(Send.purpose == TEST, Send.subject == subject)
        )
        send = posting.schedule(
            session,
            purpose=TEST,
            subject=subject,
            round_=0 if last is None else last + 1,
            begins_at=now,
            scheduled_by=account.id,
            state=WAITING,
            options={"choices": [list(choice) for choice in choices], "quiet": quiet},
        )
        if send is not None:
            return send


def send_test(
    session: Session,
    desk: Desk,
    send: Send,
    config: Config,
    gettext: Gettext,
    *,
    now: datetime,
) -> None:
    """Worker: render the test mails that were asked for, and post them to the account's own address.

    Outside the caps of C15, for the address is the asker's own. Nothing goes where the address, the account or the
    issue went meanwhile, or where the issue cannot be rendered; the reason is logged by its name.
    """
    issue_id, _, account_id = send.subject.partition(":")
    account = session.get(Account, int(account_id))
    if account is None or not account.active or not may(account.role, Permission.TRANSLATE):
        return
    if account.test_box is None or account.test_box_id is None:
        return
    box_id = UUID(account.test_box_id)
    try:
        opened = desk.opener.open("staff", box_id, account.test_box)
        address = addresses.parse(str(opened["address"]))
        issue = issues.get(session, int(issue_id))
        made = [
            (tuple(choice), _render(session, issue, tuple(choice), send, config, gettext))
            for choice in send.options["choices"]
        ]
    except (PeyvandError, EmailsError) as error:
        log.warning("test mail %s cannot be made: %s", send.id, type(error).__name__)
        if isinstance(error, MisplacedBoxError):
            audit.record(session, None, "box-refused", f"account:{account.id}", now)
        return
    quiet = bool(send.options["quiet"])
    mails = [
        posting.Mail(
            letter=posting.add_letter(
                session,
                send,
                kind=TEST,
                languages=languages,
                quiet=quiet,
                skeleton=letter.skeleton,
                sender=letter.sender,
                base_url=letter.base_url,
                key_id=desk.indexer.key_id,
            ),
            recipient=box_id,
            round=place,
            address=address,
            holes={"unsubscribe": f"{letter.base_url}{TEST_UNSUBSCRIBE}"},
        )
        for place, (languages, letter) in enumerate(made)
    ]
    posting.post(session, desk, mails, now=now)


def _render(
    session: Session,
    issue: Issue,
    languages: tuple[str, ...],
    send: Send,
    config: Config,
    gettext: Gettext,
) -> letters.Letter:
    return letters.render(
        session,
        issue,
        languages,
        config,
        gettext,
        slug=issue.lists[0] if issue.lists else NEWSLETTER,
        quiet=bool(send.options["quiet"]),
        test=True,
    )
