"""What a signature names: the text and the sentence of consent that its page showed (C05, C13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import consents, wordings
from app.audience.consents import Sentence
from app.core import languages
from app.core.errors import NotFoundError
from app.petitions import addressing
from app.petitions.models import DRAFT, OPEN, Petition, PetitionAddress, PetitionText
from app.petitions.queries import TextRow, current_texts

_TEXTS: Final = (
    sa.select(
        PetitionText.id,
        PetitionText.language,
        PetitionText.version,
        PetitionText.is_hidden.label("is_hidden"),
        Petition.id.label("petition_id"),
        Petition.state,
        PetitionAddress.language.label("slug_language"),
        PetitionAddress.current.label("slug_current"),
    )
    .join(PetitionText, PetitionText.petition_id == Petition.id)
    .join(PetitionAddress, PetitionAddress.petition_id == Petition.id)
    .where(PetitionAddress.slug == sa.bindparam("slug"), Petition.state != DRAFT)
    .where(~PetitionText.is_hidden)
)


@dataclass(frozen=True)
class Signable:
    """What a signature is tied to."""

    petition_id: int
    open: bool
    text_id: int
    wording_id: int


@dataclass(frozen=True)
class Readable:
    """All that the readers of one petition may have before them, by id: few rows, which seldom change."""

    texts: Mapping[int, TextRow]
    sentences: Mapping[int, Sentence]

    def shows(self, text_seen: int | None, wording_seen: int | None) -> bool:
        """Whether what a form says its page showed is among them; a form may say nothing."""
        return (text_seen is None or text_seen in self.texts) and (
            wording_seen is None or wording_seen in self.sentences
        )

    def signable(
        self,
        language: str,
        locales: Sequence[str],
        wording_languages: Sequence[str],
        *,
        text_seen: int | None = None,
        wording_seen: int | None = None,
    ) -> Signable:
        """What the page showed is what is signed, though a newer version came meanwhile.

        That is any version that readers may see, in another language too, since the page may have fallen back to it.
        An id of anything else is not minded, and the newest is taken. Raises NotFoundError where there is none.
        """
        seen = self.texts.get(text_seen or 0)
        text = seen or languages.first_of(current_texts(self.texts.values()), language, *locales)
        sentence = consents.newest(self.sentences.values(), wording_languages, seen=wording_seen)
        if text is None or sentence is None:
            raise NotFoundError("no such petition")
        return Signable(text.petition_id, text.state == OPEN, text.id, sentence.id)


def readable(session: Session, slug: str) -> Readable:
    """What ``shown_petition`` may show of the petition at this address, and the sentences beside it.

    Raises NotFoundError for a draft and for none.
    """
    texts = session.execute(_TEXTS, {"slug": slug}).all()
    shown = current_texts(texts)
    if not any(addressing.leads(one.slug_language, one.slug_current, shown) for one in texts):
        raise NotFoundError("no such petition")
    sentences = consents.published(session, wordings.SIGNATURE)
    return Readable({text.id: text for text in texts}, {each.id: each for each in sentences})
