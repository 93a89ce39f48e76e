"""Waking the workers by name, after the commit; a lost wake costs a second, never a mail (R01).

No waker raises: the row is durable, and every worker also looks by itself.
"""

from __future__ import annotations

import logging
import os
import socket
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

if TYPE_CHECKING:
    import dramatiq

log = logging.getLogger(__name__)

REQUESTS = "requests"
"""Requests to answer or to carry out."""
DELIVER = "deliver"
"""Deliveries to send."""

SOCKET_NAME = "wake.sock"
SOCKET_LIMIT = 100
"""Octets that a socket's path may have; the kernel takes 108 with its end (unix(7))."""


class Waker(Protocol):
    """Says "look now" to whoever does the work of ``name``."""

    def __call__(self, name: str) -> None: ...


class SocketWaker:
    """Sends the name as a datagram to the socket of the embedded worker, each time by its path: workers come and go."""

    def __init__(self, path: Path) -> None:
        self._path = str(within_limit(path))
        self._sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sender.setblocking(False)
        weakref.finalize(self, self._sender.close)

    def __call__(self, name: str) -> None:
        try:
            self._sender.sendto(name.encode(), self._path)
        except OSError:
            log.debug("no worker listens; it will look by itself")


class BrokerWaker:
    """Sends the name through Redis or RabbitMQ, as a Dramatiq message that holds nothing else."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._broker = broker_for(url)

    def __call__(self, name: str) -> None:
        import dramatiq

        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=name, actor_name=name, args=(), kwargs={}, options={}
        )
        try:
            self._broker.declare_queue(name)
            self._broker.enqueue(message)
        except Exception as error:  # noqa: BLE001 (no common base, and a wake may be lost)
            log.warning(
                "the broker was not reached (%s); the workers will look by themselves",
                type(error).__name__,
            )


def within_limit(path: Path) -> Path:
    """A socket's path as both its ends take it: seen from the working directory where the whole is too long."""
    return path if len(os.fsencode(path)) <= SOCKET_LIMIT else Path(os.path.relpath(path))


def waker_for(broker_url: str, instance: str) -> Waker:
    """The waker of this set-up: the broker where one is named, else the socket in the instance folder."""
    return BrokerWaker(broker_url) if broker_url else SocketWaker(Path(instance) / SOCKET_NAME)


def broker_for(url: str, *, patient: bool = False) -> dramatiq.Broker:
    """A Dramatiq broker without result or retry middleware.

    The web process gets short time-outs, so that a broker that hangs costs half a second; a worker that listens is
    ``patient``. Raises ValueError for a scheme that is neither redis nor amqp.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("redis", "rediss", "unix"):
        import redis
        from dramatiq.brokers.redis import RedisBroker
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        short = {
            "socket_timeout": 0.5,
            "socket_connect_timeout": 0.5,
            "retry": Retry(NoBackoff(), 0),
        }
        client = redis.Redis.from_url(url, **({} if patient else short))
        return RedisBroker(client=client, middleware=[])  # type: ignore[no-untyped-call]
    if scheme in ("amqp", "amqps"):
        from dramatiq.brokers.rabbitmq import RabbitmqBroker

        joint = "&" if "?" in url else "?"
        short_url = f"{url}{joint}connection_attempts=1&socket_timeout=0.5&stack_timeout=1"
        return RabbitmqBroker(url=url if patient else short_url, middleware=[])
    raise ValueError("must begin with redis:// or amqp://")
