"""Which transport a URL names."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from emails.errors import TransportURLError
from emails.mailbox import MailboxTransport
from emails.memory import MemoryTransport
from emails.smtp import SmtpTransport
from emails.transport import Timeouts, Transport


def transport_for(
    url: str,
    *,
    base: Path | None = None,
    ehlo: str = "localhost",
    timeouts: Timeouts | None = None,
    tls: ssl.SSLContext | None = None,
) -> Transport:
    """The transport that ``url`` names: smtp://, smtps://, mailbox:folder, memory:.

    ``base`` is where a relative mailbox folder stands, ``ehlo`` the fixed name said to servers
    (M06), ``tls`` a context that verifies in place of the system's. Raises TransportURLError.
    """
    scheme, colon, rest = url.partition(":")
    if scheme == "memory" and colon:
        return MemoryTransport()
    if scheme == "mailbox" and colon:
        folder = rest.removeprefix("//")
        if not folder:
            raise TransportURLError("mailbox: needs a folder, as in mailbox:instance/mailbox")
        return MailboxTransport((base or Path()) / folder)
    if scheme not in ("smtp", "smtps"):
        raise TransportURLError("mail goes by smtp://, smtps:// or mailbox:folder")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise TransportURLError("the mail server's host or port cannot be read") from None
    if not host or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise TransportURLError("a mail server reads like smtp://user:password@host:port")
    if (parts.username is None) != (parts.password is None):
        raise TransportURLError("a mail server wants both a user and a password, or neither")
    transport = SmtpTransport(
        host=host,
        port=port or (465 if scheme == "smtps" else 587 if parts.username else 25),
        implicit_tls=scheme == "smtps",
        ehlo=ehlo,
        timeouts=timeouts or Timeouts(),
        tls=tls,
    )
    if parts.username is None or parts.password is None:
        return transport
    return replace(transport, user=unquote(parts.username), password=unquote(parts.password))
