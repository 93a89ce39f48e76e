"""Readers, and the letters they get: sealed, indexed and rendered as the service does it, written in bulk."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import subscriptions
from app.audience.models import NEWSLETTER, Contact, MailingList, Subscription
from app.audience.subscriptions import Desk
from app.core import addresses, catalogue, ids, tokens
from app.newsletters import issues, letters
from app.newsletters.issues import Typed
from app.newsletters.models import Issue
from app.newsletters.readers import recipients
from app.outbox import freezing, posting
from app.outbox.models import PAUSED, Send
from config import Config
from emails import message
from emails.holes import Tokens
from emails.render import Rendered
from emails.skeleton import Skeleton

LANGUAGES: Final = ("en",)
DAY: Final = date(2026, 11, 24)
PROVIDERS: Final = ("gmail.com", "yahoo.com", "outlook.com", "proton.me")
SENTENCE: Final = "For years teachers have stood up for free and decent schools, and for a union. "
CHUNK: Final = 5_000
_TOKEN: Final = "1." + "a" * 43
SAMPLE: Final = {
    "to": "reader0000001@gmail.com",
    "message_id": f"{'a' * 32}@peyvand.example",
    "date": "Tue, 24 Nov 2026 08:00:00 +0000",
    "unsubscribe": f"https://peyvand.example/u/{_TOKEN}",
}


def add_readers(session: Session, desk: Desk, count: int) -> None:
    """``count`` confirmed readers of the newsletter: four in five at public providers, the rest anywhere."""
    list_id = session.scalars(sa.select(MailingList.id).where(MailingList.slug == NEWSLETTER)).one()
    for begin in range(0, count, CHUNK):
        rows = [_reader(desk, list_id, n) for n in range(begin, min(count, begin + CHUNK))]
        session.execute(sa.insert(Contact), [contact for contact, _ in rows])
        session.execute(sa.insert(Subscription), [subscription for _, subscription in rows])


def _reader(desk: Desk, list_id: int, n: int) -> tuple[dict[str, Any], dict[str, Any]]:
    domain = PROVIDERS[n % 5] if n % 5 < len(PROVIDERS) else f"union{n}.example"
    address = addresses.Address(f"reader{n:07}", domain)
    contact, subscription_id = subscriptions.contact_row(desk, address), ids.new()
    token = desk.secrets.token(tokens.ONE_CLICK, subscription_id, desk.indexer.key_id)
    subscription = {
        "id": subscription_id,
        "contact_id": contact["id"],
        "list_id": list_id,
        "languages": LANGUAGES,
        "quiet": False,
        "day": DAY,
        "key_id": desk.indexer.key_id,
        "unsubscribe_hash": tokens.fingerprint(token),
    }
    return contact, subscription


def a_send(
    session: Session, desk: Desk, config: Config, *, octets: int, subject: str
) -> tuple[Send, int, int]:
    """A paused send with one letter of about ``octets``; the ids of nobody are fixed in it yet.

    Returns the send, its letter's id, and how many octets a mail has.
    """
    skeleton = _issue(session, config, octets) or _plain(config, octets)
    send = posting.schedule(
        session,
        purpose="newsletter",
        subject=subject,
        begins_at=None,
        scheduled_by=None,
        state=PAUSED,
    )
    assert send is not None
    letter = posting.add_letter(
        session,
        send,
        kind=NEWSLETTER,
        languages=LANGUAGES,
        skeleton=skeleton,
        sender=config.mail_from,
        base_url=config.base_url,
        key_id=desk.indexer.key_id,
    )
    return send, letter.id, len(skeleton.fill(SAMPLE))


def freeze(session: Session, send: Send, letter_id: int, *, slices: int = 40) -> bool:
    """Fix a part of the readers, as the worker does in each of its rounds; True once all are."""
    chosen = recipients([NEWSLETTER], [LANGUAGES], of=NEWSLETTER)
    return freezing.freeze(session, send, {(LANGUAGES, False): letter_id}, chosen, slices=slices)


def _issue(session: Session, config: Config, octets: int) -> Skeleton | None:
    """A real issue of this size, or None where even one of a single word is longer."""
    issue = issues.draft(session, source_language="en", languages=LANGUAGES, day=DAY)
    subject, text = (block.id for block in issue.blocks)
    issues.save(session, issue.id, [Typed(subject, "en", "News of the month", "", 0)])
    sentences, revision, body = 0, 0, "News."
    while True:
        issues.save(session, issue.id, [Typed(text, "en", "", body, revision)])
        issue, revision = issues.get(session, issue.id), revision + 1
        skeleton = _rendered(session, issue, config)
        missing = octets - len(skeleton.fill(SAMPLE))
        # Each sentence stands in the plain part and in the HTML part.
        more = round(missing / (2.1 * len(SENTENCE)))
        if sentences + more < 0:
            return None
        if more == 0 or revision > 4:
            return skeleton
        sentences += more
        body = _text(sentences)


def _rendered(session: Session, issue: Issue, config: Config) -> Skeleton:
    return letters.render(
        session, issue, LANGUAGES, config, catalogue.gettext, slug=NEWSLETTER
    ).skeleton


def _plain(config: Config, octets: int) -> Skeleton:
    """A letter in two parts without the newsletter's frame, for sizes below that of an empty issue."""
    letters_ = (_in_two_parts(config, sentences) for sentences in itertools.count())
    return next(letter for letter in letters_ if len(letter.fill(SAMPLE)) >= octets - 100)


def _in_two_parts(config: Config, sentences: int) -> Skeleton:
    holes = Tokens()
    link = holes.hole("unsubscribe")
    text = _text(sentences)
    paragraphs = "".join(f"<p>{part}</p>\n" for part in text.split("\n\n"))
    rendered = Rendered(
        subject="News of the month",
        text=f"{text}\n\n{link}\n",
        html=f'<html lang="en"><body>{paragraphs}<a href="{link}">Unsubscribe</a></body></html>\n',
        nonce=holes.nonce,
    )
    return message.build(
        rendered,
        sender=("Peyvand", config.mail_from),
        languages=LANGUAGES,
        kind="newsletter",
        list_id=f"newsletter-en.{config.mail_domain}",
    )


def _text(sentences: int) -> str:
    paragraphs = [SENTENCE * 5] * (sentences // 5) + [SENTENCE * (sentences % 5)]
    return "News.\n\n" + "\n\n".join(paragraph.strip() for paragraph in paragraphs if paragraph)
