"""Confirmed readers in bulk, as ``audience.subscriptions.subscribe`` makes them one by one; a newsletter for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import consents, subscriptions, wordings
from app.audience.models import Consent, Contact, MailingList, Subscription
from app.audience.subscriptions import Desk
from app.core import addresses, clock, ids, tokens
from app.newsletters import issues
from app.newsletters.issues import Typed

CHOICES: Final = (("fa",), ("en",), ("fa", "en"))
TEXTS: Final = {
    "fa": ("خبرهای این هفته", "کارگران پیمانی دست از کار کشیده‌اند."),
    "en": ("This week’s news", "Contract workers have downed tools."),
}


def subscribe_all(
    session: Session,
    desk: Desk,
    names: Sequence[str],
    choices: Sequence[tuple[str, ...]],
    slug: str,
) -> None:
    """Put every address on the list; the n-th reads ``choices[n % len(choices)]``."""
    rows = [_rows(desk, name, choices[n % len(choices)]) for n, name in enumerate(names)]
    list_id = session.scalars(sa.select(MailingList.id).where(MailingList.slug == slug)).one()
    wording = consents.current(session, wordings.NEWSLETTER, "fa")
    assert wording is not None
    contacts, subscriptions, agreed = zip(*rows, strict=True)
    session.execute(sa.insert(Contact), contacts)
    session.execute(sa.insert(Subscription), [{**row, "list_id": list_id} for row in subscriptions])
    session.execute(sa.insert(Consent), [{**row, "wording_id": wording.id} for row in agreed])


def draft_issue(session: Session, lists: Sequence[str]) -> int:
    """The id of an issue in fa and en for these lists, ready to be sent."""
    languages = tuple(TEXTS)
    made = issues.draft(
        session, source_language=languages[0], languages=languages, day=clock.today()
    )
    issues.choose(session, made.id, lists=lists, languages=languages, fall_back=False)
    subject, text = (block.id for block in made.blocks)
    typed = []
    for language, (heading, body) in TEXTS.items():
        typed.append(Typed(subject, language, heading, "", 0))
        typed.append(Typed(text, language, "", body, 0))
    issues.save(session, made.id, typed)
    return made.id


def _rows(desk: Desk, name: str, choice: tuple[str, ...]) -> tuple[dict[str, Any], ...]:
    contact, subscription_id = subscriptions.contact_row(desk, addresses.parse(name)), ids.new()
    key_id = desk.indexer.key_id
    token = desk.secrets.token(tokens.ONE_CLICK, subscription_id, key_id)
    subscription = {
        "id": subscription_id,
        "contact_id": contact["id"],
        "languages": choice,
        "quiet": False,
        "day": clock.today(),
        "key_id": key_id,
        "unsubscribe_hash": tokens.fingerprint(token),
    }
    consent = {
        "id": ids.new(),
        "subscription_id": subscription_id,
        "language": choice[0],
        "day": clock.today(),
    }
    return contact, subscription, consent
