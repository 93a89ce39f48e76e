"""The way out: what a server said, as data, and the three transports behind one Protocol.

A connection carries one lane's mails in order. ``offer`` puts an envelope before the server;
``deliver`` sends the body that was asked for together with the next envelope, which is one round
trip a mail. No text of a server's answer is kept (C23). See docs of each method for what is safe
to send again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, Self

from emails.errors import AddressError

State = Literal["accepted", "deferred", "bounced", "unknown", "unsent"]
Scope = Literal["recipient", "destination", "connection"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mail.

    ``accepted``: 250 after the dot. ``deferred``: 4xx, try later (M09). ``bounced``: 5xx (M10).
    ``unknown``: the body may have reached the server and no answer came (R02). ``unsent``: it
    certainly did not go, and nothing speaks against the mail itself: leave its row queued; 421
    and cut connections end here. ``scope`` is whom the answer speaks about. ``code`` is 0 where
    there was no answer.
    """

    state: State
    code: int = 0
    enhanced: str = ""
    scope: Scope = "recipient"

    @property
    def suppresses(self) -> bool:
        """The address does not exist: 5.1.x, but for those that blame the sender's (M10)."""
        return (
            self.state == "bounced"
            and self.scope == "recipient"
            and self.enhanced.startswith("5.1.")
            and self.enhanced not in {"5.1.7", "5.1.8"}
        )

    @property
    def pauses_destination(self) -> bool:
        """A refusal by policy, or of this sender as such: staff are to look (M10)."""
        return self.state == "bounced" and self.scope == "destination"

    @property
    def soft(self) -> bool:
        """A bounce that says nothing lasting about the address."""
        return self.state == "bounced" and not self.suppresses and not self.pauses_destination

    @property
    def ends_connection(self) -> bool:
        """Nothing more goes over this connection; open another, later."""
        return self.scope == "connection"


ACCEPTED = Outcome("accepted", 250, "2.0.0")
CUT = Outcome("unsent", scope="connection")
"""The connection went before the mail did."""
UNKNOWN = Outcome("unknown", scope="connection")
"""The connection went, or a time-out came, between the body and its answer."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """Who it goes from and to, as ``addresses.on_the_wire`` gives them; "" is the null sender.

    ``size`` is in bytes; a server that states a limit is told, and a larger mail is not tried.
    ``dots`` is False where no line of the mail begins with a dot; nobody then looks for one.
    """

    sender: str
    recipient: str
    size: int | None = None
    smtputf8: bool = False
    dots: bool = True

    def __post_init__(self) -> None:
        both = self.sender + self.recipient
        # What could end the path or the command early [RFC 5321 4.1.2].
        if not both.isprintable() or not _BARE.isdisjoint(both):
            raise AddressError("an envelope's address cannot stand in a command")
        if not self.recipient:
            raise AddressError("an envelope needs a recipient")


_BARE = frozenset('<> ",;')


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to wait for each answer; the defaults are those of RFC 5321 4.5.3.2."""

    connect: float = 30
    greeting: float = 300
    command: float = 300
    data: float = 120
    dot: float = 600
    quit: float = 2

    @classmethod
    def all(cls, seconds: float) -> Self:
        """The same patience everywhere."""
        return cls(seconds, seconds, seconds, seconds, seconds, seconds)


class Connection(Protocol):
    """One lane's way out; its calls follow each other, never at the same time."""

    async def offer(self, envelope: Envelope) -> Outcome | None:
        """Put ``envelope`` before the server: MAIL, RCPT and DATA.

        None: the server waits for the body, call ``deliver``. Else what became of it; on
        ``ends_connection`` the connection is gone. Nothing that fails here was sent.
        """
        ...

    async def deliver(
        self, message: bytes, then: Envelope | None = None
    ) -> tuple[Outcome, Outcome | None]:
        """Send the body that the last ``offer`` or ``then`` was for, and offer ``then``.

        Call it only when the outcome of the mail before is durable (the gate). The first answer
        is this mail's. The second is None where ``then`` is None or may now be delivered, else
        ``then``'s outcome; a ``then`` that is ``unsent`` is safe to send again, always.
        """
        ...

    async def close(self) -> None:
        """Say goodbye and close; harmless twice. An offer still open is dropped unsent."""
        ...


class Transport(Protocol):
    """Where mails go."""

    async def connect(self) -> Connection:
        """A connection of one's own. Raises ConnectError."""
        ...
