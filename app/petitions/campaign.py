"""All that stands around a petition's text on its public page, read in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.petitions import endorsing_queries, news, showing_signers, weeks
from app.petitions.campaign_models import ANSWER, OUTCOME, Handover
from app.petitions.endorsing_queries import Endorser
from app.petitions.news import ShownUpdate
from app.petitions.showing_signers import ShownComment, ShownSigner
from app.petitions.weeks import Group

LATEST: Final = 4
"""Updates on the petition's own page; the others stand on theirs."""
NAMES: Final = 60
COMMENTS: Final = 20


@dataclass(frozen=True)
class Campaign:
    """What is told of a petition beside its text and its total."""

    updates: Sequence[ShownUpdate]
    endorsers: Sequence[Endorser]
    paper: int
    signers: Sequence[ShownSigner]
    signers_shown: int
    comments: Sequence[ShownComment]
    comments_shown: int
    weeks: Sequence[Group]
    handed_over: bool

    @property
    def latest(self) -> Sequence[ShownUpdate]:
        """The newest updates."""
        return self.updates[:LATEST]

    @property
    def outcome(self) -> ShownUpdate | None:
        """What came of it, as last told."""
        return next((update for update in self.updates if update.kind == OUTCOME), None)

    @property
    def answer(self) -> ShownUpdate | None:
        """What the addressee last answered."""
        return next((update for update in self.updates if update.kind == ANSWER), None)


def around(
    session: Session,
    petition_id: int,
    language: str,
    locales: Sequence[str] = (),
    *,
    day: date,
    names: int = NAMES,
    comments: int = COMMENTS,
) -> Campaign:
    """What the public may see of a petition on ``day``, in ``language`` or the first that there is."""
    signers = showing_signers.signers(session, petition_id, limit=names)
    said = showing_signers.comments(session, petition_id, day=day, limit=comments)
    return Campaign(
        updates=news.updates(session, language, locales, petition_id=petition_id, day=day),
        endorsers=endorsing_queries.endorsers(session, petition_id, language, locales),
        paper=endorsing_queries.on_paper(session, petition_id),
        signers=signers,
        signers_shown=(
            showing_signers.number_of_signers(session, petition_id)
            if len(signers) == names
            else len(signers)
        ),
        comments=said,
        comments_shown=(
            showing_signers.number_of_comments(session, petition_id, day=day)
            if len(said) == comments
            else len(said)
        ),
        weeks=weeks.published(session, petition_id),
        handed_over=bool(
            session.scalar(sa.select(sa.exists().where(Handover.petition_id == petition_id)))
        ),
    )
