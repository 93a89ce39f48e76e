"""SMTP [RFC 5321] with pipelining [RFC 2920]: one round trip a mail on a lasting connection."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from typing import NoReturn

from emails.errors import ConnectError, UnsafeTransportError
from emails.transport import ACCEPTED, CUT, UNKNOWN, Envelope, Outcome, Scope, Timeouts
from emails.wire import Reply, Wire

_DOT = b".\r\n"
_TOO_BIG = Outcome("bounced", 552, "5.3.4")
_NO_SMTPUTF8 = Outcome("bounced", 553, "5.6.7")


@dataclass(frozen=True)
class SmtpTransport:
    """A mail server; beyond loopback it is spoken to over verified TLS or not at all (M15)."""

    host: str
    port: int
    implicit_tls: bool = False
    ehlo: str = "localhost"
    timeouts: Timeouts = field(default_factory=Timeouts)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    async def connect(self) -> SmtpConnection:
        """A connection that is greeted, encrypted and signed in. Raises ConnectError."""
        loop = asyncio.get_running_loop()
        context = self._context() if self.implicit_tls else None
        try:
            async with asyncio.timeout(self.timeouts.connect):
                _, wire = await loop.create_connection(Wire, self.host, self.port, ssl=context)
        except ssl.SSLError:
            raise UnsafeTransportError(
                "the mail server's certificate is not to be trusted"
            ) from None
        except OSError as error:  # TimeoutError is one
            raise ConnectError(f"no mail server answers ({type(error).__name__})") from None
        try:
            return SmtpConnection(wire, await self._introduce(wire), self.timeouts)
        except BaseException:
            wire.abort()
            raise

    async def _introduce(self, wire: Wire) -> dict[str, str]:
        greeting = await wire.greeting(self.timeouts.greeting)
        if not greeting or greeting[0].code != 220:
            _refuse(greeting, "the mail server does not greet")
        offers = await self._say_hello(wire)
        encrypted = self.implicit_tls
        if not encrypted and "STARTTLS" in offers:
            await self._start_tls(wire)
            offers = await self._say_hello(wire)
            encrypted = True
        if not encrypted and not self._is_near:
            raise UnsafeTransportError("the mail server is elsewhere and offers no TLS")
        if self.user:
            await self._sign_in(wire, offers)
        return offers

    async def _say_hello(self, wire: Wire) -> dict[str, str]:
        name = self.ehlo.encode("ascii")
        reply, lines = await wire.ask_lines(b"EHLO " + name + b"\r\n", self.timeouts.command)
        if reply is not None and reply.code // 100 == 5 and not wire.closed:
            helo = await wire.ask(b"HELO " + name + b"\r\n", 1, self.timeouts.command)
            reply, lines = (helo[0] if helo else None), []
        if reply is None or reply.code != 250:
            _refuse([reply] if reply else [], "the mail server does not take our name")
        pairs = (line.upper().partition(" ") for line in lines[1:])
        return {keyword: parameters for keyword, _, parameters in pairs}

    async def _start_tls(self, wire: Wire) -> None:
        reply = await wire.ask(b"STARTTLS\r\n", 1, self.timeouts.command)
        if not reply or reply[0].code != 220:
            _refuse(reply, "the mail server takes back its offer of TLS")
        if wire.unread or wire.closed or wire.transport is None:
            # Said before encryption, to be read after it: someone stands between.
            raise UnsafeTransportError("the mail server spoke out of turn before TLS")
        try:
            async with asyncio.timeout(self.timeouts.connect):
                encrypted = await asyncio.get_running_loop().start_tls(
                    wire.transport, wire, self._context(), server_hostname=self.host
                )
        except ssl.SSLError:
            raise UnsafeTransportError(
                "the mail server's certificate is not to be trusted"
            ) from None
        except OSError as error:
            raise ConnectError(f"TLS cannot be started ({type(error).__name__})") from None
        if encrypted is None:
            raise ConnectError("TLS cannot be started")
        wire.connection_made(encrypted)

    async def _sign_in(self, wire: Wire, offers: dict[str, str]) -> None:
        ways = offers.get("AUTH", "").split()
        user, password = self.user.encode(), self.password.encode()
        if "PLAIN" in ways:
            secret = b64encode(b"\0" + user + b"\0" + password)
            reply = await wire.ask(b"AUTH PLAIN " + secret + b"\r\n", 1, self.timeouts.command)
        elif "LOGIN" in ways:
            reply = await wire.ask(b"AUTH LOGIN\r\n", 1, self.timeouts.command)
            for secret in (user, password):
                if not reply or reply[0].code != 334:
                    break
                line = b64encode(secret) + b"\r\n"
                reply = await wire.ask(line, 1, self.timeouts.command)
        else:
            raise ConnectError("the mail server lets nobody sign in here", temporary=False)
        if not reply or reply[0].code != 235:
            _refuse(reply, "the mail server does not let us sign in")

    @property
    def _is_near(self) -> bool:
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def _context(self) -> ssl.SSLContext:
        if self.tls is not None:
            return self.tls
        context = ssl.create_default_context()
        if self._is_near:
            # Nobody stands between on loopback, and a certificate seldom names it.
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def _refuse(replies: list[Reply], what: str) -> NoReturn:
    reply = replies[-1] if replies else Reply(0, "")
    raise ConnectError(
        f"{what} ({reply.code})" if reply.code else what,
        code=reply.code,
        enhanced=reply.enhanced,
        temporary=reply.code < 500,
    )


class SmtpConnection:
    """A connection in one of three states: idle, waiting for a body, or gone."""

    def __init__(self, wire: Wire, offers: dict[str, str], timeouts: Timeouts) -> None:
        self._wire = wire
        self._timeouts = timeouts
        self._pipelining = "PIPELINING" in offers
        self._smtputf8 = "SMTPUTF8" in offers and "8BITMIME" in offers
        self._sizes = "SIZE" in offers
        limit = offers.get("SIZE", "").split(" ")[0]
        self._limit = int(limit) if limit.isdigit() else 0
        self._wants_body = False
        self._dots = True
        self._must_reset = False

    @property
    def pipelining(self) -> bool:
        """Whether the server takes groups, so that a mail costs one round trip."""
        return self._pipelining

    async def offer(self, envelope: Envelope) -> Outcome | None:
        """See ``transport.Connection.offer``."""
        if self._wants_body and not self._wire.closed:
            raise RuntimeError("the server waits for a body")
        refusal = self._out_of_reach(envelope)
        if refusal is not None:
            return refusal
        self._dots = envelope.dots
        if not self._pipelining:
            return await self._offer_in_steps(envelope)
        group = self._group(envelope)
        wanted = 3
        if self._must_reset:
            group = b"RSET\r\n" + group
            wanted = 4
        replies = await self._wire.ask(group, wanted, self._timeouts.command)
        if self._must_reset:
            # A farewell in the place of RSET's answer says all there is to say.
            if len(replies) > 1 or not replies or replies[0].code != 421:
                replies = replies[1:]
            self._must_reset = False
        return await self._judge(replies)

    async def deliver(
        self, message: bytes, then: Envelope | None = None
    ) -> tuple[Outcome, Outcome | None]:
        """See ``transport.Connection.deliver``."""
        if self._wire.closed:
            self._wants_body = False
            # Nothing of the body was written: the server cannot have it.
            return CUT, CUT if then else None
        if not self._wants_body:
            raise RuntimeError("the server does not wait for a body")
        self._wants_body = False
        refusal = self._out_of_reach(then) if then else None
        together = then is not None and refusal is None and self._pipelining
        body = _stuffed(message) if self._dots else _ended(message)
        group = b""
        if then is not None and together:
            group = self._group(then)
            self._dots = then.dots
        replies = await self._wire.ask(
            b"".join((body, _DOT, group)), 4 if together else 1, self._timeouts.dot
        )
        outcome = _after_dot(replies[0]) if replies else UNKNOWN
        if outcome is UNKNOWN:
            self._wire.abort()
        if then is None:
            return outcome, None
        if together:
            if len(replies) == 4 and _asks_for_body(replies):
                self._wants_body = True
                return outcome, None
            return outcome, await self._judge(replies[1:])
        return outcome, refusal or await self.offer(then)

    async def close(self) -> None:
        """See ``transport.Connection.close``."""
        if not self._wire.closed and not self._wants_body:
            await self._wire.ask(b"QUIT\r\n", 1, self._timeouts.quit)
        # With a body still asked for, QUIT would be taken for its first line.
        self._wants_body = False
        self._wire.abort()

    def _out_of_reach(self, envelope: Envelope) -> Outcome | None:
        if envelope.smtputf8 and not self._smtputf8:
            return _NO_SMTPUTF8
        if self._limit and envelope.size is not None and envelope.size > self._limit:
            return _TOO_BIG
        return None

    def _mail(self, envelope: Envelope) -> str:
        size = f" SIZE={envelope.size}" if self._sizes and envelope.size is not None else ""
        beyond_ascii = " BODY=8BITMIME SMTPUTF8" if envelope.smtputf8 else ""
        return f"MAIL FROM:<{envelope.sender}>{size}{beyond_ascii}\r\n"

    def _group(self, envelope: Envelope) -> bytes:
        return f"{self._mail(envelope)}RCPT TO:<{envelope.recipient}>\r\nDATA\r\n".encode()

    async def _judge(self, replies: list[Reply]) -> Outcome | None:
        """What the answers to MAIL, RCPT and DATA come to; fewer than three: it was cut."""
        outcome: Outcome | None = None
        scopes: tuple[Scope, ...] = ("destination", "recipient")
        for reply, scope in zip(replies, scopes, strict=False):
            if outcome is None and reply.code // 100 != 2:
                outcome = _refused(reply, scope)
        if len(replies) < 3:
            return outcome or CUT
        asked = replies[2].code == 354
        if outcome is None and asked:
            self._wants_body = True
            return None
        if asked:
            # The server wants a body for nobody: it gets an empty one (RFC 2920 3.1).
            await self._wire.ask(_DOT, 1, self._timeouts.dot)
        else:
            self._must_reset = replies[0].code // 100 == 2
        return outcome or _refused(replies[2], "recipient")

    async def _offer_in_steps(self, envelope: Envelope) -> Outcome | None:
        if self._must_reset:
            self._must_reset = False
            await self._wire.ask(b"RSET\r\n", 1, self._timeouts.command)
        steps: tuple[tuple[str, Scope, float], ...] = (
            (self._mail(envelope), "destination", self._timeouts.command),
            (f"RCPT TO:<{envelope.recipient}>\r\n", "recipient", self._timeouts.command),
            ("DATA\r\n", "recipient", self._timeouts.data),
        )
        for number, (command, scope, seconds) in enumerate(steps):
            replies = await self._wire.ask(command.encode(), 1, seconds)
            if not replies:
                return CUT
            if replies[0].code // 100 != (3 if number == 2 else 2):
                self._must_reset = number > 0
                return _refused(replies[0], scope)
        self._wants_body = True
        return None


def _stuffed(message: bytes) -> bytes:
    if b"\r\n." in message:
        message = message.replace(b"\r\n.", b"\r\n..")
    if message.startswith(b"."):
        message = b"." + message
    return _ended(message)


def _ended(message: bytes) -> bytes:
    return message if message.endswith(b"\r\n") else message + b"\r\n"


def _asks_for_body(replies: list[Reply]) -> bool:
    """Whether after the first, MAIL, RCPT and DATA were taken: as nearly always."""
    return 200 <= replies[1].code < 300 and 200 <= replies[2].code < 300 and replies[3].code == 354


def _refused(reply: Reply, scope: Scope) -> Outcome:
    """What an answer means that is not the one hoped for."""
    code, enhanced = reply
    if code == 421:
        return Outcome("unsent", code, enhanced, "connection")
    if code // 100 == 4:
        return Outcome("deferred", code, enhanced, scope)
    if code // 100 == 5:
        return Outcome(
            "bounced", code, enhanced, "destination" if enhanced[:4] == "5.7." else scope
        )
    # A code that has no place here: nothing is refused for good because of it.
    return Outcome("deferred", code, enhanced, scope)


def _after_dot(reply: Reply) -> Outcome:
    if reply.code == 250:
        return ACCEPTED if not reply.enhanced else Outcome("accepted", 250, reply.enhanced)
    if reply.code // 100 in (4, 5):
        return _refused(reply, "recipient")
    return UNKNOWN
