"""How often one network, and everyone together, may send a form (C24).

The key is an HMAC of the network under a random key that lives a day; neither is written down. Over an onion
address, or behind a proxy that was not declared, the peer says nothing about the visitor, so only the limit over
everyone holds. That limit is counted apart for each way in: whoever only says that they come through a proxy can
use up the places of those who do, and nobody else's. This module is the one place that looks at the peer's address.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets
from collections.abc import Callable
from datetime import date
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any, Final, TypeVar, cast

from flask import Flask, current_app, g, request
from werkzeug.exceptions import TooManyRequests
from werkzeug.middleware.proxy_fix import ProxyFix

from app.core import clock
from app.web.context import config
from app.web.windows import Windows
from config import Config, is_loopback

View = TypeVar("View", bound=Callable[..., Any])

WINDOWS: Final = "peyvand-windows"
EVERYONE: Final = "everyone"
EVERYONE_TIMES: Final = 500
"""How many networks' worth of forms are taken from all together who come the same way."""
OWN: Final = "own"
"""The peer's network is the visitor's own."""
SAID: Final = "said"
"""A peer of the public net says that it passes on what somebody else sent: true or not."""
BETWEEN: Final = "between"
"""The peer stands beside us: a Tor service, a proxy that was not declared."""
FORWARDED: Final = ("HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")
FORWARDED_SO: Final = "HTTP_X_FORWARDED_"


class DailyKey:
    """A random key that is forgotten at the end of its day (UTC).

    It never leaves its process, Redis or not: a seized Redis then tells of no network. Each web process therefore
    counts for itself.
    """

    def __init__(self) -> None:
        self._day: date | None = None
        self._key = b""

    def __call__(self) -> bytes:
        today = clock.today()
        if self._day != today:
            self._day, self._key = today, secrets.token_bytes(32)
        return self._key


daily_key = DailyKey()


class DeclaredProxies:
    """Believes X-Forwarded headers of the peers that the settings name, and of no others."""

    def __init__(self, wsgi: Any, trusted: tuple[str, ...]) -> None:
        self._wsgi = wsgi
        self._behind_proxy = ProxyFix(wsgi, x_for=1, x_proto=1, x_host=1)
        self._trusted = [ip_network(peer, strict=False) for peer in trusted]

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        try:
            peer = ip_address(environ.get("REMOTE_ADDR", ""))
        except ValueError:
            return self._wsgi(environ, start_response)
        if any(peer in network for network in self._trusted):
            environ["peyvand.declared_proxy"] = True
            return self._behind_proxy(environ, start_response)
        return self._wsgi(environ, start_response)


def init_app(app: Flask, settings: Config) -> None:
    """Set up the windows' memory, and the proxies to be believed."""
    shared = settings.broker_url.startswith(("redis://", "rediss://"))
    app.extensions[WINDOWS] = Windows(settings.broker_url if shared else "")
    if settings.trusted_proxies:
        app.wsgi_app = DeclaredProxies(app.wsgi_app, settings.trusted_proxies)  # type: ignore[method-assign]


def windows() -> Windows:
    """What the running application has counted in this hour."""
    found: Windows = current_app.extensions[WINDOWS]
    return found


def limited(name: str) -> Callable[[View], View]:
    """Limit the POSTs of a view: so many an hour from one network, and many more from everyone together.

    Views that share ``name`` share their counts. The view raises TooManyRequests beyond them.
    """

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def counted(*arguments: Any, **named: Any) -> Any:
            if request.method == "POST":
                _count(name)
            return view(*arguments, **named)

        return cast("View", counted)

    return decorate


def _count(name: str) -> None:
    way, most = _way_in(), config().forms_an_hour
    if way == OWN and not windows().hit(most, "network", name, network_key()):
        raise TooManyRequests
    if not windows().hit(most * EVERYONE_TIMES, EVERYONE, name, way):
        raise TooManyRequests


def network_key() -> str:
    """What stands for the visitor's network today: the address (of IPv6 the first 64 bits), hashed."""
    address = _peer()
    if address is None:
        return EVERYONE
    if "network" not in g:
        if isinstance(address, IPv6Address):
            first = ip_network(f"{address}/64", strict=False).network_address
            address = address.ipv4_mapped or first
        g.network = hmac.digest(daily_key(), address.packed, hashlib.sha256).hex()[:32]
    return str(g.network)


def visitors_network() -> str | None:
    """The visitor's network as it is hashed today; None where somebody stands between (C24)."""
    return network_key() if _way_in() == OWN else None


def from_this_computer() -> bool:
    """Whether both ends are loopback: the peer, and the name it asked for, which a foreign page cannot fake."""
    peer = _peer()
    try:
        named = is_loopback(f"//{request.host}")
    except ValueError:
        return False
    return peer is not None and peer.is_loopback and named and not _is_forwarded()


def _is_forwarded() -> bool:
    """Whether the request says that somebody passed it on."""
    return any(name in FORWARDED or name.startswith(FORWARDED_SO) for name in request.environ)


def _peer() -> IPv4Address | IPv6Address | None:
    """The address at the other end, or None where a proxy passed on something that is none."""
    if "peer" not in g:
        try:
            g.peer = ip_address(request.remote_addr or "")
        except ValueError:
            g.peer = None
    found: IPv4Address | IPv6Address | None = g.peer
    return found


def _way_in() -> str:
    """How the request reached us: from the visitor's own network, or through somebody who hides it."""
    peer = _peer()
    if request.environ.get("peyvand.declared_proxy"):
        return OWN if peer else BETWEEN
    if peer is not None and peer.is_global:
        return SAID if _is_forwarded() else OWN
    at_home = peer is not None and config().at_home
    return OWN if at_home and not _is_forwarded() and not _is_onion() else BETWEEN


def _is_onion() -> bool:
    return request.host.partition(":")[0].endswith(".onion")
