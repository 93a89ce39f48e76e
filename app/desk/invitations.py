"""What staff ask the worker to do with an address they type: invite a representative, prove a test address (C19).

Each is a sealed request like a visitor's, written in one transaction with what it belongs to. The answer is the
same whatever the address, for the web process cannot know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from app.audience import consents, wordings
from app.core import ids
from app.core.addresses import Address
from app.core.errors import StaleError
from app.core.sealing import Sealer
from app.optin import requests
from app.optin.models import REPRESENTATIVE, STAFF_ADDRESS
from app.organisations import records, representatives
from app.staff.models import Account

MOST_OF_A_NAME: Final = 380
"""Octets of an organisation's name that fit into the box beside the longest address; Persian never needs more."""


def invite_representative(
    session: Session,
    sealer: Sealer,
    organisation_id: int,
    *,
    role: str,
    language: str,
    languages: Sequence[str],
    address: Address,
    invited_by: Account,
    now: datetime,
    keep_days: int,
) -> UUID:
    """Note the role and ask the worker to invite whoever reads ``address``; returns the representative's id.

    ``language`` is the invitation's, ``languages`` those of the newsletter that is offered. Raises NotFoundError
    for no such organisation, InvalidError for the role, StaleError where the instance has no wording yet.
    """
    organisation = records.get(session, organisation_id)
    wording = consents.current(session, wordings.NEWSLETTER, language)
    if wording is None:
        raise StaleError("no wording is published in this language: run init")
    representative = representatives.add(session, organisation, role, language, day=now.date())
    _ask(
        session,
        sealer,
        REPRESENTATIVE,
        representative.id.hex,
        {
            "address": str(address),
            "invited_by": invited_by.name,
            "organisation": _cut(records.name_in(organisation, language)),
            "languages": list(languages),
            "wording_id": wording.id,
        },
        language=language,
        now=now,
        keep_days=keep_days,
    )
    return representative.id


def prove_test_address(
    session: Session,
    sealer: Sealer,
    account: Account,
    address: Address,
    *,
    language: str,
    now: datetime,
    keep_days: int,
) -> UUID:
    """Ask the worker to mail ``address``, and to keep it sealed for test mails once it is proven.

    Returns the request's id, from which page and mail draw the same two digits.
    """
    return _ask(
        session,
        sealer,
        STAFF_ADDRESS,
        str(account.id),
        {"address": str(address)},
        language=language,
        now=now,
        keep_days=keep_days,
    )


def _cut(name: str) -> str:
    return name.encode()[:MOST_OF_A_NAME].decode("utf-8", "ignore")


def _ask(
    session: Session,
    sealer: Sealer,
    purpose: str,
    subject: str,
    fields: dict[str, object],
    *,
    language: str,
    now: datetime,
    keep_days: int,
) -> UUID:
    request_id = ids.new()
    box = sealer.seal("request", request_id, {**fields, "subject": subject})
    requests.ask(
        session, request_id, purpose, subject, box, language=language, now=now, keep_days=keep_days
    )
    return request_id
