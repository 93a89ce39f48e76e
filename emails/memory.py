"""A transport that keeps its mails in a list and answers as told: for tests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from emails.transport import ACCEPTED, CUT, Connection, Envelope, Outcome


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail that was accepted (or whose fate was made unknown): envelope and bytes."""

    envelope: Envelope
    message: bytes


def _no_objection(_: Envelope) -> Outcome | None:
    return None


def _accept(_: Envelope) -> Outcome | None:
    return ACCEPTED


@dataclass
class MemoryTransport:
    """``messages`` holds what arrived.

    ``at_offer`` answers an envelope (None: go on), ``at_deliver`` a body. An ``unknown`` body is
    kept too, for it may have arrived; an outcome that ends the connection ends it.
    """

    at_offer: Callable[[Envelope], Outcome | None] = _no_objection
    at_deliver: Callable[[Envelope], Outcome | None] = _accept
    messages: list[Sent] = field(default_factory=list)
    connections: int = 0

    async def connect(self) -> Connection:
        """A connection; every one writes into the same list."""
        self.connections += 1
        return _MemoryConnection(self)


class _MemoryConnection:
    def __init__(self, transport: MemoryTransport) -> None:
        self._transport = transport
        self._open: Envelope | None = None
        self._gone = False

    async def offer(self, envelope: Envelope) -> Outcome | None:
        if self._gone:
            return CUT
        outcome = self._transport.at_offer(envelope)
        self._open = envelope if outcome is None else None
        self._gone = outcome is not None and outcome.ends_connection
        return outcome

    async def deliver(
        self, message: bytes, then: Envelope | None = None
    ) -> tuple[Outcome, Outcome | None]:
        envelope, self._open = self._open, None
        if self._gone:
            return CUT, CUT if then else None
        if envelope is None:
            raise RuntimeError("no envelope was accepted for this body")
        outcome = self._transport.at_deliver(envelope) or ACCEPTED
        if outcome.state in ("accepted", "unknown"):
            self._transport.messages.append(Sent(envelope, message))
        self._gone = outcome.ends_connection
        return outcome, await self.offer(then) if then else None

    async def close(self) -> None:
        self._gone = True
