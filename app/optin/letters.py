"""The letters of confirmations: rendered once per kind and language, kept under a revision (C14)."""

from __future__ import annotations

import hashlib
from typing import Final

from sqlalchemy.orm import Session

from app.core import languages
from app.core.catalogue import gettext
from app.optin.models import REPRESENTATIVE
from app.outbox import posting
from app.outbox.models import INVITATION, Letter
from config import Config
from emails.message import build
from emails.render import render

CONFIRMATION: Final = "confirmation"


def kind_of(purpose: str) -> str:
    """An invitation says who invites; every other purpose has one and the same quiet letter."""
    return INVITATION if purpose == REPRESENTATIVE else CONFIRMATION


class Letters:
    """Finds or renders the letters of one worker; what was rendered by another version is rendered anew."""

    def __init__(self, config: Config, key_id: str) -> None:
        self._config = config
        self._key_id = key_id
        self._revisions: dict[tuple[str, str, tuple[str, ...]], int] = {}

    def base_url(self, kind: str) -> str:
        """Where the links of a kind lead: the quiet host for confirmations."""
        quiet = kind == CONFIRMATION
        return self._config.confirmation_base_url if quiet else self._config.base_url

    def letter(
        self, session: Session, kind: str, language: str, *, organisation: str = "", by: str = ""
    ) -> Letter:
        """The letter of a kind in a language; an invitation names who invites whom, so each is its own."""
        wanted = (kind, language, (organisation, by))
        known = self._revisions.get(wanted)
        found = session.get(Letter, known) if known is not None else None
        if found is None:
            found = self._render(session, kind, language, organisation, by)
            self._revisions[wanted] = found.id
        return found

    def _render(
        self, session: Session, kind: str, language: str, organisation: str, by: str
    ) -> Letter:
        config = self._config
        quiet = kind == CONFIRMATION
        sender = config.confirmation_sender if quiet else config.mail_from
        name = "" if quiet else config.organisation_name(language)
        rendered = render(
            kind,
            languages=(language,),
            context={
                "organisation": config.organisation_name(language),
                "inviter": by,
                "reason": gettext(language, "This address was named to us for %(organisation)s.")
                % {"organisation": languages.isolate(organisation)},
            },
            gettext=gettext,
        )
        skeleton = build(
            rendered,
            sender=(name, sender),
            languages=(language,),
            kind="confirmation" if quiet else "invitation",
            reply_to=None if quiet else config.reply_to or None,
        )
        # The tokens of a rendering are random, and with them the boundary; its words tell versions apart.
        words = (
            f"{self._key_id}|{sender}|{name}|{organisation}|{by}|{rendered.subject}|{rendered.text}"
        )
        digest = hashlib.sha256(words.replace(rendered.nonce, "").encode()).hexdigest()
        return posting.add_letter(
            session,
            posting.standing_send(session),
            kind=kind,
            languages=(language,),
            skeleton=skeleton,
            sender=sender,
            base_url=self.base_url(kind),
            key_id=self._key_id,
            revision=digest[:16],
        )
