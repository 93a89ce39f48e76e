"""What every instance needs before anyone comes: two mailing lists, and the sentences people agree to (C13).

A change of wording becomes a new version at the next ``init``; a language that ships none takes the English
sentence through its catalogue.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy.orm import Session

from app.audience import consents, wordings
from app.audience.models import NEWSLETTER, UNIONS, MailingList
from app.core import catalogue
from app.core.database import insert_into
from config import Config


def N_(msgid: str) -> str:  # noqa: N802 (the name that Babel's extractor looks for)
    """Mark a sentence for the catalogue without translating it here."""
    return msgid


LISTS: Final = {NEWSLETTER: N_("Newsletter"), UNIONS: N_("Newsletter for unions")}


def ensure_basics(session: Session, config: Config) -> None:
    """Make the lists, and publish each wording in each language of the site; twice is as good as once."""
    for slug, name in LISTS.items():
        names = {locale: catalogue.gettext(locale, name) for locale in config.locales}
        session.execute(
            insert_into(session, MailingList)
            .values(slug=slug, names=names)
            .on_conflict_do_nothing(index_elements=["slug"])
        )
    for purpose, texts in wordings.SHIPPED.items():
        for locale in config.locales:
            text = texts.get(locale) or catalogue.gettext(locale, texts["en"])
            consents.publish(session, purpose, locale, text)
