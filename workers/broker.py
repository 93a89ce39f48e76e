"""The broker that wakes this worker: Redis, RabbitMQ, or one of its own fed by datagrams.

The actors only nudge: they carry no data, and every worker also looks by itself each second, so a broker that was
emptied, restarted or lost costs a second and never a mail (R01). There is no retry middleware: the rows own retries,
and no traceback is ever stored in a message.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import dramatiq
from dramatiq.brokers.stub import StubBroker

from app.core.wake import DELIVER, REQUESTS, SOCKET_NAME, broker_for, within_limit
from config import Config

log = logging.getLogger(__name__)

Nudge = Callable[[], None]


class Alarm:
    """Listens to the broker for one worker process; ``nudge`` is called from its threads."""

    def __init__(self, config: Config, nudge: Nudge) -> None:
        self._socket: _Socket | None = None
        if config.broker_url:
            self._broker = broker_for(config.broker_url, patient=True)
        else:
            self._broker = StubBroker(middleware=[])
            self._socket = _Socket(Path(config.instance) / SOCKET_NAME, self._broker)
        _register(self._broker, nudge)
        self._worker = dramatiq.Worker(self._broker, worker_threads=1, worker_timeout=100)

    def start(self) -> None:
        self._worker.start()
        if self._socket:
            self._socket.start()

    def stop(self) -> None:
        if self._socket:
            self._socket.stop()
        self._worker.stop(timeout=1000)
        self._broker.close()


def _register(broker: dramatiq.Broker, nudge: Nudge) -> None:
    def wake() -> None:
        nudge()

    for name in (REQUESTS, DELIVER):
        actor = dramatiq.actor(broker=broker, actor_name=name, queue_name=name)
        actor(wake)


class _Socket(threading.Thread):
    """Turns a datagram that names an actor into a message of the worker's own broker."""

    def __init__(self, path: Path, broker: StubBroker) -> None:
        super().__init__(name="wake-socket", daemon=True)
        self._path = path = within_limit(path)
        self._broker = broker
        self._receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        self._receiver.bind(str(path))
        path.chmod(0o600)
        self._receiver.settimeout(0.5)
        self._ended = threading.Event()

    def run(self) -> None:
        while not self._ended.is_set():
            try:
                name = self._receiver.recv(64).decode("ascii", "replace")
            except TimeoutError:
                continue
            except OSError:
                break
            if name in (REQUESTS, DELIVER):
                message: dramatiq.Message[None] = dramatiq.Message(
                    queue_name=name, actor_name=name, args=(), kwargs={}, options={}
                )
                self._broker.enqueue(message)

    def stop(self) -> None:
        self._ended.set()
        self.join(timeout=2)
        self._receiver.close()
        self._path.unlink(missing_ok=True)
