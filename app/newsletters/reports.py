"""Reports of the struggles, as readers see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.core import persian
from app.core.errors import NotFoundError
from app.newsletters.models import Report


@dataclass(frozen=True)
class ShownReport:
    """A report in the reader's language, or in the first it has."""

    slug: str
    day: date
    language: str
    topic: str
    title: str
    summary: str
    body: str


def latest(
    session: Session, language: str, *, limit: int | None = None, locales: Sequence[str] = ()
) -> list[ShownReport]:
    """The newest reports first."""
    rows = session.scalars(
        sa.select(Report)
        .order_by(Report.day.desc(), Report.id.desc())
        .limit(limit)
        .options(selectinload(Report.texts))
    )
    return [shown for row in rows if (shown := _shown(row, language, locales))]


def search(
    session: Session, language: str, words: str, *, locales: Sequence[str] = ()
) -> list[ShownReport]:
    """The reports that hold every one of ``words``, whichever form of ye, kaf, digits and ZWNJ (F04)."""
    wanted = persian.fold(words).split()
    return [
        report
        for report in latest(session, language, locales=locales)
        if all(word in _folded(report) for word in wanted)
    ]


def by_slug(
    session: Session, slug: str, language: str, *, locales: Sequence[str] = ()
) -> ShownReport:
    """One report.

    Raises NotFoundError where there is none.
    """
    row = session.scalar(
        sa.select(Report).where(Report.slug == slug).options(selectinload(Report.texts))
    )
    shown = _shown(row, language, locales) if row else None
    if shown is None:
        raise NotFoundError("no such report")
    return shown


def _folded(report: ShownReport) -> str:
    return persian.fold(f"{report.topic} {report.title} {report.summary} {report.body}")


def _shown(report: Report, language: str, locales: Sequence[str]) -> ShownReport | None:
    texts = {text.language: text for text in report.texts}
    found = next((texts[code] for code in (language, *locales) if code in texts), None)
    found = found or next(iter(texts.values()), None)
    if found is None:
        return None
    return ShownReport(
        slug=report.slug,
        day=report.day,
        language=found.language,
        topic=found.topic,
        title=found.title,
        summary=found.summary,
        body=found.body,
    )
