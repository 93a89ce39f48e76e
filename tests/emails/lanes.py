"""Mails sent over one connection in order, as the sender's loop does, for tests of SMTP."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from emails.smtp import SmtpConnection, SmtpTransport
from emails.transport import Envelope, Outcome, Timeouts
from tests.emails.sink import Sink

Run = Callable[[Coroutine[Any, Any, Any]], Any]
ENVELOPES = [Envelope("bounce-1@example.org", f"reader{n}@example.net", 400) for n in range(12)]


def a_mail(number: int, body: bytes = b"Hello\r\n") -> bytes:
    return b"Message-ID: <m%d@example.org>\r\nSubject: x\r\n\r\n" % number + body


def to(sink: Sink, seconds: float = 3, **options: Any) -> SmtpTransport:
    return SmtpTransport("127.0.0.1", sink.port, timeouts=Timeouts.all(seconds), **options)


async def a_lane(connection: SmtpConnection, count: int) -> list[Outcome]:
    """Send ``count`` mails in order as the sender's loop does; an outcome for each."""
    outcomes: list[Outcome] = []
    waiting = False
    while len(outcomes) < count:
        number = len(outcomes)
        if not waiting:
            refusal = await connection.offer(ENVELOPES[number])
            if refusal is not None:
                outcomes.append(refusal)
                continue
        then = ENVELOPES[number + 1] if number + 1 < count else None
        outcome, refusal = await connection.deliver(a_mail(number), then)
        outcomes.append(outcome)
        waiting = then is not None and refusal is None
        if refusal is not None:
            outcomes.append(refusal)
    await connection.close()
    return outcomes


def sent(
    sink: Sink, count: int, **options: Any
) -> Callable[[], Coroutine[Any, Any, list[Outcome]]]:
    async def go() -> list[Outcome]:
        async with sink:
            return await a_lane(await to(sink, **options).connect(), count)

    return go


def states(outcomes: list[Outcome]) -> list[str]:
    return [outcome.state for outcome in outcomes]


def ids(sink: Sink) -> list[str]:
    return [mail.message_id.removesuffix("@example.org") for mail in sink.received]
