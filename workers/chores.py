"""What a worker does beside sending, once a second or when it is woken; each chore is a transaction of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from time import monotonic
from typing import Final, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.core import clock
from app.core.catalogue import gettext
from app.core.database import Database
from app.desk.basics import ensure_basics
from app.newsletters import sending as newsletters
from app.outbox import lanes, recording, sends, takeover, workers
from app.outbox.models import FREEZING, NEWSLETTER, TEST, Send
from app.outbox.workers import Presence
from app.petitions import editing, publishing, showing_signers, weeks
from app.staff import audit
from workers import exports, requests, retention
from workers.requests import Room
from workers.wiping import Wiping

log = logging.getLogger(__name__)

T = TypeVar("T")

RETENTION_EVERY: Final = timedelta(minutes=10)
SHOW_EVERY: Final = timedelta(minutes=10)
WIPE_FIRST: Final = timedelta(minutes=5)
"""After a start, when there is more pressing work and nobody can know what was wiped before."""
WIPE_EVERY: Final = timedelta(minutes=25)
"""So that within an hour it was tried twice."""
RENEW_EVERY: Final = 10.0


class Chores:
    """One worker's chores; ``run`` does a round and is called from one thread."""

    def __init__(self, database: Database, room: Room, presence: Presence) -> None:
        self._database = database
        self._room = room
        self._presence = presence
        self._prepared = False
        self._wiping = Wiping(database)
        self._wiped = True
        self._next = {"wipe": clock.now() + WIPE_FIRST}
        self._renew_next = 0.0

    def run(self) -> bool:
        """One round; True when there may be more to do at once. Raises what the database raises."""
        more = False
        for chore in (
            self._prepare,
            self._answer,
            self._carry_out,
            self._suppress,
            self._export,
            self._freeze,
            self._keep_going,
            self._keep_schedule,
            self._publish,
            self._show,
            self._beat,
            self._forget,
            self._wipe,
        ):
            try:
                more |= bool(chore())
            except (sa.exc.OperationalError, sa.exc.InterfaceError):
                raise
            except Exception as error:  # noqa: BLE001 (one chore that fails must not stop the others)
                log.error("a chore failed: %s", type(error).__name__)
        return more

    def leave(self) -> None:
        """Take this worker's row away at a clean end."""
        self._do(lambda session, _: workers.leave(session, self._presence))

    def _do(self, chore: Callable[[Session, datetime], T]) -> T:
        with self._database.unit_of_work() as session:
            return chore(session, clock.now())

    def _prepare(self) -> None:
        if not self._prepared:
            self._do(lambda session, _: ensure_basics(session, self._room.config))
            self._prepared = True

    def _answer(self) -> bool:
        return self._do(lambda session, now: requests.answer(session, self._room, now=now)) > 0

    def _carry_out(self) -> bool:
        return self._do(lambda session, now: requests.carry_out(session, self._room, now=now)) > 0

    def _suppress(self) -> None:
        self._do(lambda session, now: requests.suppress_unwanted(session, now=now))

    def _export(self) -> None:
        self._do(lambda session, now: exports.make_waiting(session, self._room.config, now=now))

    def _keep_schedule(self) -> None:
        self._do(lambda session, now: editing.keep_schedule(session, now=now))

    def _publish(self) -> None:
        self._do(lambda session, now: publishing.publish(session, now=now))

    def _show(self) -> None:
        """Show signers and past weeks whose time has come; days matter to them, not seconds."""
        if not self._is_time("show", SHOW_EVERY):
            return
        self._do(lambda session, now: showing_signers.publish(session, now=now))
        self._do(lambda session, now: weeks.publish(session, now=now))

    def _keep_going(self) -> None:
        def keep_going(session: Session, now: datetime) -> None:
            takeover.recover(session, now=now, is_alive=self._presence.is_alive)
            sends.requeue(session, recording.due_retries(session, now=now))
            sends.start_due(session, now=now)
            sends.finish(session, now=now)

        self._do(keep_going)

    def _freeze(self) -> bool:
        """Render and fix a part of each send that began; True while a part is left."""

        def freeze(session: Session, now: datetime) -> bool:
            more = False
            for send in session.scalars(
                sa.select(Send).where(Send.state == FREEZING).with_for_update(skip_locked=True)
            ).all():
                try:
                    with session.begin_nested():
                        fixed = self._fix(session, send, now)
                except (sa.exc.OperationalError, sa.exc.InterfaceError):
                    raise
                except Exception as error:  # noqa: BLE001 (one send that fails must not stop the others)
                    log.error("send %d cannot be fixed: %s", send.id, type(error).__name__)
                    if not sends.has_slices(session, send.id):
                        sends.postpone(session, send, now=now)
                    continue
                if fixed:
                    sends.frozen(session, send.id)
                more |= not fixed
            return more

        return self._do(freeze)

    def _fix(self, session: Session, send: Send, now: datetime) -> bool:
        config, desk = self._room.config, self._room.desk
        if send.purpose == NEWSLETTER:
            newsletters.prepare(session, desk, send, config, gettext)
            return newsletters.freeze(session, send)
        if send.purpose == TEST:
            newsletters.send_test(session, desk, send, config, gettext, now=now)
        return True

    def _beat(self) -> None:
        def beat(session: Session, now: datetime) -> None:
            workers.beat(session, self._presence, now=now)
            if monotonic() >= self._renew_next:
                self._renew_next = monotonic() + RENEW_EVERY
                lanes.renew(session, self._presence.id, now=now)
                self._presence.tidy(known=workers.forget_silent(session, now=now))

        self._do(beat)

    def _forget(self) -> None:
        if self._is_time("forget", RETENTION_EVERY):
            self._do(
                lambda session, now: retention.forget_on_time(session, self._room.config, now=now)
            )

    def _wipe(self) -> None:
        """Take what was forgotten off the disk, outside a transaction; staff are told when that begins to fail."""
        if not self._is_time("wipe", WIPE_EVERY):
            return
        wiped = self._wiping.run()
        if self._wiped and not wiped:
            self._do(lambda session, now: audit.record(session, None, "wiping-failed", "", now))
        self._wiped = wiped

    def _is_time(self, chore: str, every: timedelta) -> bool:
        """Whether a chore that need not be done each round is due; its next time begins now."""
        now = clock.now()
        due = now >= self._next.get(chore, now)
        if due:
            self._next[chore] = now + every
        return due
