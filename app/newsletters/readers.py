"""To whom an issue goes: one subscription for each contact, in the languages that both chose (F08), and how many.

A contact on two of the issue's lists is written to once. What these queries count is told to staff in cells of
twenty or more only (C19).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from app.audience.models import (
    COMPLAINT,
    HARD_BOUNCE,
    NEVER_WRITE,
    Contact,
    MailingList,
    Subscription,
    Suppression,
)
from app.core.languages import in_order
from app.newsletters.models import Issue

REASONS: Final = (COMPLAINT, NEVER_WRITE, HARD_BOUNCE)

Choice = tuple[str, ...]
"""The languages of a reader, in the reader's order."""


@dataclass(frozen=True)
class Audience:
    """How many would get an issue now, in which languages; how many are suppressed and why; who reads no part."""

    languages: Mapping[Choice, int] = field(default_factory=dict)
    suppressed: Mapping[str, int] = field(default_factory=dict)
    without_language: int = 0

    @property
    def total(self) -> int:
        return sum(self.languages.values())

    @property
    def suppressed_total(self) -> int:
        return sum(self.suppressed.values())


def choices(session: Session, issue: Issue) -> dict[Choice, Choice]:
    """Each choice of languages found on the issue's lists, and what of it the issue has; no part is left out."""
    found = session.scalars(
        sa.select(Subscription.languages)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(MailingList.slug.in_(issue.lists))
        .distinct()
        .order_by(Subscription.languages)
    )
    pairs = ((choice, in_order(choice, issue.languages)) for choice in found)
    return {choice: met for choice, met in pairs if met}


def recipients(
    lists: Sequence[str], readable: Iterable[Choice], *, of: str | None = None
) -> sa.Select[Any]:
    """One row a reader: destination, contact_id, subscription_id, languages, quiet, and the list's slug.

    Of a contact's subscriptions on ``lists`` a quiet one is taken before a plain one, else the older list's.
    ``of`` keeps only those whose subscription is on that list.
    """
    known = list(readable)
    other, other_list = aliased(Subscription), aliased(MailingList)
    better = sa.exists().where(
        other.contact_id == Subscription.contact_id,
        other_list.id == other.list_id,
        other_list.slug.in_(lists),
        other.languages.in_(known),
        sa.or_(
            sa.and_(other.quiet, ~Subscription.quiet),
            sa.and_(other.quiet == Subscription.quiet, other.list_id < Subscription.list_id),
        ),
    )
    query = (
        sa.select(
            Contact.destination.label("destination"),
            Contact.id.label("contact_id"),
            Subscription.id.label("subscription_id"),
            Subscription.languages.label("languages"),
            Subscription.quiet.label("quiet"),
            MailingList.slug.label("slug"),
            Contact.mailbox_index.label("mailbox_index"),
        )
        .join(Subscription, Subscription.contact_id == Contact.id)
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(
            MailingList.slug == of if of else MailingList.slug.in_(lists),
            Subscription.languages.in_(known),
        )
    )
    if (
        len(lists) > 1
    ):  # on one list a contact stands once, and a million rows are spared the question
        query = query.where(~better)
    return cast("sa.Select[Any]", query)


def audience(session: Session, issue: Issue, *, today: date) -> Audience:
    """Count who would get the issue if it went now.

    Who was suppressed ``today`` is counted as suppressed from tomorrow: one who suppresses an address and looks
    again does not see whether it was among the readers (C19). It gets no mail all the same.
    """
    met = choices(session, issue)
    chosen = recipients(issue.lists, met).subquery("chosen")
    reason = sa.case(
        *[
            (
                sa.exists().where(
                    Suppression.mailbox_index == chosen.c.mailbox_index,
                    Suppression.reason == why,
                    Suppression.day < today,
                ),
                why,
            )
            for why in REASONS
        ],
        else_="",
    ).label("why")
    told = sa.select(chosen.c.languages, reason).subquery("told")
    rows = session.execute(
        sa.select(told.c.languages, told.c.why, sa.func.count().label("readers")).group_by(
            told.c.languages, told.c.why
        )
    )
    languages: dict[Choice, int] = {}
    suppressed: dict[str, int] = {}
    for row in rows:
        if row.why:
            suppressed[row.why] = suppressed.get(row.why, 0) + row.readers
        else:
            in_letter = met[row.languages]
            languages[in_letter] = languages.get(in_letter, 0) + row.readers
    return Audience(languages, suppressed, _without_language(session, issue, met))


def _without_language(session: Session, issue: Issue, met: Iterable[Choice]) -> int:
    on_lists = (
        sa.select(sa.func.count(sa.distinct(Subscription.contact_id)))
        .join(MailingList, MailingList.id == Subscription.list_id)
        .where(MailingList.slug.in_(issue.lists))
    )
    everyone = session.scalar(on_lists) or 0
    reading = session.scalar(on_lists.where(Subscription.languages.in_(list(met)))) or 0
    return everyone - reading
