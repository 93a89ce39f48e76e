"""One letter of an issue: its editions rendered, its headers set (M01, M05), a quiet one stripped of every name (C14)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy.orm import Session

from app.newsletters import composing
from app.newsletters.composing import Gettext
from app.newsletters.models import Issue
from config import Config
from emails import message
from emails.newsletter import render_newsletter
from emails.skeleton import Skeleton

SNIPPET_FILLER: Final = "\u00a0\u034f" * 90
"""What a quiet letter shows after its number where an inbox previews the text: nothing."""


@dataclass(frozen=True)
class Letter:
    """A skeleton to be filled, the address that sends it, and where its links lead."""

    skeleton: Skeleton
    sender: str
    base_url: str


def render(
    session: Session,
    issue: Issue,
    languages: tuple[str, ...],
    config: Config,
    gettext: Gettext,
    *,
    slug: str,
    quiet: bool = False,
    test: bool = False,
) -> Letter:
    """The letter for readers of ``languages`` in this order, on the list ``slug``.

    A quiet one names nothing in sender, subject, headers and the line an inbox shows (C14).
    Raises GapError where a text is missing and nothing falls back; a test mail shows the gap instead.
    """
    first = languages[0]
    editions = composing.editions(
        session, issue, languages, config=config, gettext=gettext, strict=not test
    )
    sender, base_url = config.mail_from, config.base_url
    owner = config.contact_address or config.mail_from
    if quiet:
        sender, base_url = config.confirmation_sender, config.confirmation_base_url
        owner = sender
        plain = composing.quiet_subject(issue, first, gettext)
        editions = [
            replace(edition, subject=plain, preheader=plain + SNIPPET_FILLER)
            for edition in editions
        ]
    rendered = render_newsletter(
        editions,
        organisation={language: config.organisation_name(language) for language in languages},
        gettext=gettext,
    )
    name = "letters" if quiet else slug
    tongue = "-".join(languages)
    domain = sender.rpartition("@")[2]
    skeleton = message.build(
        rendered,
        sender=("" if quiet else config.organisation_name(first), sender),
        languages=languages,
        kind="test" if test else "newsletter",
        reply_to=None if quiet else config.reply_to or None,
        list_id=f"{name}-{tongue}.{domain}",
        list_help=f"{base_url}/{first}/my-choices",
        list_owner=f"mailto:{owner}",
        feedback_id=f"{issue.number}:{name}:{'test' if test else 'issue'}:{domain}",
    )
    return Letter(skeleton, sender, base_url)
