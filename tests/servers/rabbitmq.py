"""A RabbitMQ node of our own, with its own epmd, all on loopback."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.servers.process import LOOPBACK, Server, answers, find_program, free_port

# Debian's scripts on the path insist on the account "rabbitmq" and on /var; these do not.
_FOLDERS = (Path("/usr/lib/rabbitmq/bin"), Path("/opt/homebrew/sbin"))


class _Epmd(Server):
    """Erlang's port mapper; without one of our own the node would leave a daemon behind."""

    program = "epmd"
    account = "rabbitmq"

    def command(self) -> Sequence[str | os.PathLike[str]]:
        return [find_program("epmd"), "-address", LOOPBACK, "-port", str(self.port)]


class RabbitMQ(Server):
    """One node; slow to start (about 5 s), so it is kept for the whole run."""

    program = "rabbitmq-server"
    account = "rabbitmq"
    start_seconds = 60
    stop_seconds = 40

    def __init__(self) -> None:
        self._rabbitmq_server = find_program("rabbitmq-server", folders=_FOLDERS)
        self._rabbitmqctl = find_program("rabbitmqctl", folders=_FOLDERS)
        find_program("epmd")
        super().__init__()
        self._epmd = _Epmd()
        self._epmd.start()
        self._distribution = free_port()
        self._node = f"peyvand-{os.getpid()}-{self.port}@localhost"
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {LOOPBACK}:{self.port}\n"
            "log.console = true\nlog.console.level = warning\nlog.file = false\n"
            "vm_memory_high_watermark.absolute = 512MB\ndisk_free_limit.absolute = 50MB\n"
        )

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{LOOPBACK}:{self.port}/"

    def environment(self) -> Mapping[str, str]:
        return {
            "RABBITMQ_NODENAME": self._node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": LOOPBACK,
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_BASE": str(self.folder),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.folder / "logs"),
            "RABBITMQ_PID_FILE": str(self.folder / "pid"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "rabbitmq"),
            "RABBITMQ_ENABLED_PLUGINS": "",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "none"),
            # With input "allowed" the script becomes the Erlang process instead of watching over one,
            # so that the pid we know is the broker's.
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "-noinput -start_epmd false -kernel inet_dist_use_interface {127,0,0,1}"
            ),
            "RABBITMQ_CTL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "ERL_EPMD_PORT": str(self._epmd.port),
        }

    def command(self) -> Sequence[str | os.PathLike[str]]:
        return [self._rabbitmq_server]

    def ready(self) -> bool:
        return answers(self.port)

    def start(self) -> None:
        self._epmd.start()
        super().start()

    def flush(self) -> None:
        """Delete every queue and message under the workers' hands."""
        self.control("stop_app")
        self.control("reset")
        self.control("start_app")

    def control(self, *command: str) -> str:
        """Run ``rabbitmqctl``; takes about a second."""
        return self.run(self._rabbitmqctl, *command)

    def close(self) -> None:
        super().close()
        self._epmd.close()
