"""One mail by hand, to see whether the way out is open; it stands in no table."""

from __future__ import annotations

from app.core import addresses, clock, ids
from app.core.errors import InvalidError
from config import Config
from emails.addresses import on_the_wire
from emails.errors import ConnectError
from emails.message import build, date_text
from emails.opening import transport_for
from emails.render import Rendered
from emails.transport import Envelope


async def send_one(config: Config, address: str) -> str:
    """Send a short mail to ``address``; returns what became of it, in words."""
    try:
        recipient = on_the_wire(str(addresses.parse(address)))
    except InvalidError:
        return "That is not an address that mail can go to."
    words = "This is a test of the mail server's settings. Nothing else stands in it."
    skeleton = build(
        Rendered(subject="Peyvand: test", html=f"<p>{words}</p>", text=words + "\n"),
        sender=("", config.mail_from),
        languages=("en",),
        kind="invitation",
    )
    message = skeleton.fill(
        {
            "to": recipient.spec,
            "message_id": f"{ids.new().hex}@{config.mail_domain}",
            "date": date_text(clock.now()),
        }
    )
    transport = transport_for(config.smtp_url, ehlo=config.ehlo_name or config.mail_domain)
    try:
        connection = await transport.connect()
    except ConnectError as error:
        return f"The mail server was not reached: {error}"
    try:
        envelope = Envelope(config.mail_from, recipient.spec, len(message), recipient.smtputf8)
        outcome = await connection.offer(envelope)
        if outcome is None:
            outcome, _ = await connection.deliver(message)
    finally:
        await connection.close()
    return f"{outcome.state} ({outcome.code} {outcome.enhanced})".replace("( ", "(")
