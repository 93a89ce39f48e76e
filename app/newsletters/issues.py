"""Writing an issue: its blocks, their order, their texts, and whom and how it is for.

Only a draft can be written to. Each verb takes the issue's row first, so that nothing changes under a send that
is being scheduled at the same moment. The caller's unit of work commits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, cast
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.orm import Session, selectinload

from app.audience.models import NEWSLETTER
from app.core import ids
from app.core.database import insert_into
from app.core.errors import InvalidError, NotFoundError, StaleError
from app.newsletters import translating
from app.newsletters.models import (
    BLOCK_KINDS,
    DRAFT,
    PETITION,
    SUBJECT,
    TEXT,
    Block,
    BlockText,
    Issue,
)

MAX_BLOCKS: Final = 40
MAX_BODY: Final = 20_000
MAX_HEADING: Final = 200

Key = tuple[UUID, str]
"""A text: its block and its language."""


class IssueLockedError(StaleError):
    """The issue is scheduled or sent, and can no longer be changed."""


class OverwriteError(StaleError):
    """Someone else saved these texts since the page was opened; nothing was saved."""

    def __init__(self, keys: Sequence[Key]) -> None:
        super().__init__("somebody else changed these texts meanwhile")
        self.keys = tuple(keys)


class TooManyBlocksError(InvalidError):
    """An issue holds up to forty blocks."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A text as it came from the page, the revision that the page showed (0: none), and whether it was changed.

    A text that this person left alone is never a reason to refuse, whatever others did to it meanwhile.
    """

    block_id: UUID
    language: str
    heading: str
    body: str
    revision: int
    touched: bool = True

    @property
    def key(self) -> Key:
        return self.block_id, self.language


@dataclass(frozen=True, slots=True)
class BlockChange:
    """What a block shares between its languages: the address of a button, or its petition."""

    url: str = ""
    petition_id: int | None = None


def draft(session: Session, *, source_language: str, languages: Sequence[str], day: date) -> Issue:
    """A new draft with the next number, an empty subject and one empty block of text.

    Raises InvalidError when the source language is not among the issue's languages.
    """
    if source_language not in languages:
        raise InvalidError("the source language is one of the issue's languages", field="languages")
    table = sa.inspect(Issue).local_table
    following = sa.select(sa.func.coalesce(sa.func.max(Issue.number), 0) + 1).scalar_subquery()
    issue_id = None
    while issue_id is None:  # a number that another draft took in this moment is tried again
        issue_id = session.scalar(
            insert_into(session, table)
            .values(
                number=following,
                state=DRAFT,
                day=day,
                source_language=source_language,
                languages=tuple(languages),
                lists=[NEWSLETTER],
                fall_back=False,
            )
            .on_conflict_do_nothing(index_elements=["number"])
            .returning(table.c.id)
        )
    session.add(Block(issue_id=issue_id, position=0, kind=SUBJECT))
    session.add(Block(issue_id=issue_id, position=1, kind=TEXT))
    session.flush()
    return get(session, issue_id)


def get(session: Session, issue_id: int) -> Issue:
    """The issue with its blocks and texts. Raises NotFoundError."""
    issue = session.scalar(
        sa.select(Issue)
        .where(Issue.id == issue_id)
        .options(selectinload(Issue.blocks).selectinload(Block.texts))
        .execution_options(populate_existing=True)
    )
    if issue is None:
        raise NotFoundError("no such issue")
    return issue


def add_block(
    session: Session, issue_id: int, kind: str, *, petition_id: int | None = None, url: str = ""
) -> UUID:
    """Put an empty block at the end. Raises InvalidError for an unknown kind or beyond forty blocks."""
    _take(session, issue_id)
    if kind not in BLOCK_KINDS:
        raise InvalidError("no such kind of block", field="kind")
    last, count = session.execute(
        sa.select(sa.func.max(Block.position), sa.func.count()).where(Block.issue_id == issue_id)
    ).one()
    if count >= MAX_BLOCKS:
        raise TooManyBlocksError("an issue holds up to forty blocks", field="kind")
    block = Block(
        id=ids.new(),
        issue_id=issue_id,
        position=last + 1,
        kind=kind,
        petition_id=petition_id if kind == PETITION else None,
        url=url,
    )
    session.add(block)
    session.flush()
    return block.id


def move_block(session: Session, issue_id: int, block_id: UUID, *, up: bool) -> None:
    """Change places with the neighbour above or below; the subject stays first, an end stays an end."""
    _take(session, issue_id)
    order = list(_movable(session, issue_id))
    if block_id not in order:
        raise NotFoundError("no such block")
    at = order.index(block_id)
    to = at - 1 if up else at + 1
    if not 0 <= to < len(order):
        return
    order[at], order[to] = order[to], order[at]
    for position, moved in enumerate(order, 1):
        session.execute(sa.update(Block).where(Block.id == moved).values(position=position))


def remove_block(session: Session, issue_id: int, block_id: UUID) -> None:
    """Take a block out with its texts; removing what is gone already is no error. The subject stays."""
    _take(session, issue_id)
    session.execute(
        sa.delete(Block).where(
            Block.id == block_id, Block.issue_id == issue_id, Block.kind != SUBJECT
        )
    )


def change_blocks(session: Session, issue_id: int, changes: Mapping[UUID, BlockChange]) -> None:
    """Set addresses and petitions of blocks; those of another issue are left alone."""
    _take(session, issue_id)
    for block_id, change in changes.items():
        session.execute(
            sa.update(Block)
            .where(Block.id == block_id, Block.issue_id == issue_id)
            .values(url=change.url, petition_id=change.petition_id)
        )


def choose(
    session: Session,
    issue_id: int,
    *,
    lists: Sequence[str],
    languages: Sequence[str],
    fall_back: bool,
) -> None:
    """Set for whom the issue is, in which languages, and what happens where a translation is missing (F08).

    Raises InvalidError when the source language is not among ``languages``, or no list is chosen.
    """
    _take(session, issue_id)
    issue = get(session, issue_id)
    if issue.source_language not in languages:
        raise InvalidError("the source language is one of the issue's languages", field="languages")
    if not lists:
        raise InvalidError("an issue goes to one list at least", field="lists")
    issue.lists = list(lists)
    issue.languages = tuple(languages)
    issue.fall_back = fall_back
    session.flush()


def save(
    session: Session, issue_id: int, typed: Sequence[Typed], *, approving: Key | None = None
) -> None:
    """Keep the texts that changed, each under its next revision; approve one translation where asked.

    A first translation is taken as made from the source as it stands. Raises OverwriteError, and saves nothing,
    where another person saved one of these texts since the page was opened; NotFoundError for foreign blocks.
    """
    _take(session, issue_id)
    issue = get(session, issue_id)
    blocks = {block.id: block for block in issue.blocks}
    if any(one.block_id not in blocks for one in typed):
        raise NotFoundError("no such block")
    # The source first: a translation saved beside it is one of the new source.
    ordered = sorted(typed, key=lambda one: one.language != issue.source_language)
    overwritten = [one.key for one in ordered if not _keep(blocks[one.block_id], one, issue)]
    if approving is not None:
        overwritten += _approve(blocks, approving, ordered, issue)
    if overwritten:
        raise OverwriteError(overwritten)
    session.flush()


def _keep(block: Block, one: Typed, issue: Issue) -> bool:
    """Take one typed text over into its block; False when the row moved on under the page."""
    if not one.touched:
        return True
    row = next((text for text in block.texts if text.language == one.language), None)
    if row is None:
        if one.revision:
            return False
        if not one.heading and not one.body:
            return True
        row = BlockText(language=one.language, heading="", body="", revision=0, source_body="")
        block.texts.append(row)
    if (row.heading, row.body) == (one.heading, one.body):
        return True
    if row.revision != one.revision:
        return False
    fresh = not translating.is_written(block, row)
    row.heading, row.body, row.revision = one.heading, one.body, row.revision + 1
    if one.language != issue.source_language and fresh:
        _made_from(row, translating.text_in(block, issue.source_language))
    return True


def _approve(
    blocks: Mapping[UUID, Block], key: Key, typed: Sequence[Typed], issue: Issue
) -> list[Key]:
    """Tie a translation to its source as the approver saw it; the source's key when it moved on."""
    block = blocks.get(key[0])
    if block is None:
        raise NotFoundError("no such block")
    source = translating.text_in(block, issue.source_language)
    text = translating.text_in(block, key[1])
    if source is None or text is None or key[1] == issue.source_language:
        raise InvalidError("there is no translation to approve yet", field="approve")
    for one in typed:
        seen = one.revision + 1 if one.touched else one.revision
        if one.key == (block.id, issue.source_language) and source.revision > seen:
            return [one.key]
    _made_from(text, source)
    return []


def _made_from(text: BlockText, source: BlockText | None) -> None:
    if source is not None:
        text.source_revision, text.source_body = source.revision, translating.whole(source)


def _movable(session: Session, issue_id: int) -> Sequence[UUID]:
    return session.scalars(
        sa.select(Block.id)
        .where(Block.issue_id == issue_id, Block.kind != SUBJECT)
        .order_by(Block.position)
    ).all()


def _take(session: Session, issue_id: int) -> None:
    """Hold the draft's row until the commit. Raises IssueLockedError, or NotFoundError."""
    taken = session.execute(
        sa.update(Issue)
        .where(Issue.id == issue_id, Issue.state == DRAFT)
        .values(state=DRAFT)
        .execution_options(synchronize_session=False)
    )
    if cast("sa.CursorResult[object]", taken).rowcount == 1:
        return
    if session.scalar(sa.select(Issue.id).where(Issue.id == issue_id)) is None:
        raise NotFoundError("no such issue")
    raise IssueLockedError("the issue is scheduled or sent")
