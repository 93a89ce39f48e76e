"""A Redis server, empty at first and kept in memory only."""

from __future__ import annotations

import os
from collections.abc import Sequence

import redis

from tests.servers.process import LOOPBACK, Server, find_program


class Redis(Server):
    """Nothing is written to disk: a restart or a kill loses all messages, as R01 must survive."""

    program = "redis-server"
    account = "redis"

    def __init__(self) -> None:
        self._redis_server = find_program("redis-server", "valkey-server")
        super().__init__()

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def command(self) -> Sequence[str | os.PathLike[str]]:
        return [
            *(self._redis_server, "--bind", LOOPBACK, "--port", str(self.port)),
            *("--dir", self.folder, "--save", "", "--appendonly", "no", "--daemonize", "no"),
        ]

    def ready(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False

    def client(self) -> redis.Redis:
        """A client of the test's own; close it."""
        return redis.Redis.from_url(self.url, socket_timeout=5, socket_connect_timeout=5)

    def flush(self) -> None:
        """Empty the broker under the workers' hands."""
        with self.client() as client:
            client.flushall()
