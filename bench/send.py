"""How fast a newsletter goes, beside Postfix's own ``smtp-source`` at the same sink: ``python -m bench.send``."""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

import sqlalchemy as sa

from app.core import wake
from app.core.database import Database
from app.core.wake import SocketWaker
from app.outbox import sends
from app.outbox.models import Slice
from app.outbox.sending import urgent_lanes
from bench import readers
from bench.freezing import compare_freezing
from bench.processes import cpu_seconds, own_cpu_seconds
from bench.sinks import PlainSink, RoundTripSink, Sink, limit
from bench.surroundings import Process, Surroundings, quietness, surroundings
from workers.keys import open_desk

KB: Final = 1024
PATIENCE: Final = 300.0
_numbers: Iterator[int] = itertools.count(1)


@dataclass(frozen=True)
class Setting:
    """One line of the table."""

    name: str
    make_sink: Callable[[], Sink]
    octets: int
    connections: int
    mails: int
    limit_mails: int
    delay: float = 0.0
    target: float = 0.0


@dataclass(frozen=True)
class Run:
    """One newsletter sent: mails and CPU microseconds a mail."""

    rate: float
    worker_us: float
    postgresql_us: float
    sink_us: float


def settings(mails: int) -> list[Setting]:
    """What is measured; ``target`` is the ratio to reach with one worker.

    Each newsletter is so many whole slices that all connections end together: ``smtp-source`` has no last lane
    that works while the others rest.
    """

    def slow() -> RoundTripSink:
        return RoundTripSink(20)

    return [
        Setting(
            "smtp-sink, 8 KB x 20",
            PlainSink,
            8 * KB,
            20,
            mails * 2 // 5,
            mails * 2 // 5,
            target=0.65,
        ),
        Setting(
            "smtp-sink, 41 KB x 20",
            PlainSink,
            41 * KB,
            20,
            mails * 2 // 5,
            mails * 2 // 5,
            target=1.0,
        ),
        Setting("20 ms, 8 KB x 20", slow, 8 * KB, 20, mails // 5, mails // 25, 0.02),
        Setting("20 ms, 8 KB x 100", slow, 8 * KB, 100, mails, mails // 10, 0.02, 3.6),
        Setting("20 ms, 41 KB x 100", slow, 41 * KB, 100, mails, mails // 10, 0.02),
    ]


def configured(connections: int) -> int:
    """The setting with which this many connections carry newsletters; the rest waits for confirmations."""
    return next(n for n in itertools.count(connections) if n - urgent_lanes(n) >= connections)


class Bench:
    """One database of readers, to which one newsletter after the other goes."""

    def __init__(self, around: Surroundings, *, pairs: int) -> None:
        self._around = around
        self._pairs = pairs
        self._database: Database = around.database()
        self._config = around.config("worker")
        self._desk = open_desk(self._config)

    def fill(self, count: int) -> None:
        """Make the readers."""
        with self._database.unit_of_work() as session:
            readers.add_readers(session, self._desk, count)
        self._vacuum()

    def measure(self, setting: Setting, workers: Sequence[int]) -> None:
        """Print a line for each number of workers: medians of paired runs."""
        sink = setting.make_sink()
        try:
            sink.start()
            for count in workers:
                self._pair(setting, sink, count)
        finally:
            sink.close()

    def _pair(self, setting: Setting, sink: Sink, workers: int) -> None:
        limits, runs = [], []
        for _ in range(self._pairs):
            sink.forget()
            limits.append(
                limit(
                    sink,
                    octets=setting.octets,
                    connections=setting.connections,
                    mails=setting.limit_mails,
                )
            )
            sink.forget()
            runs.append(self._send(setting, sink, workers))
        ratio = median(run.rate / alone for run, alone in zip(runs, limits, strict=True))
        rate = median(run.rate for run in runs)
        of_round_trips = (
            f"  {rate * setting.delay / setting.connections:4.0%} of connections / round trip"
            if setting.delay
            else ""
        )
        wanted = f" (target {setting.target})" if setting.target and workers == 1 else ""
        print(
            f"{setting.name:22} {workers} worker{'s' * (workers > 1):1}  {rate:7,.0f}/s"
            f"  smtp-source {median(limits):7,.0f}/s  ratio {ratio:4.2f}{wanted}"
            f"  CPU a mail: worker {median(run.worker_us for run in runs):3.0f} us,"
            f" PostgreSQL {median(run.postgresql_us for run in runs):3.0f} us,"
            f" sink {median(run.sink_us for run in runs):3.0f} us{of_round_trips}",
            flush=True,
        )

    def _send(self, setting: Setting, sink: Sink, workers: int) -> Run:
        send_id, mails = self._frozen(setting)
        started = [
            self._around.start_worker(
                number,
                smtp_port=sink.port,
                connections=configured(setting.connections // workers),
            )
            for number in range(workers)
        ]
        time.sleep(0.5)
        try:
            before = self._cpu(started, sink)
            began = time.perf_counter()
            with self._database.unit_of_work() as session:
                assert sends.resume(session, send_id)
            for number in range(workers):
                SocketWaker(self._around.wake_socket(number))(wake.DELIVER)
            self._wait(send_id, started)
            seconds = time.perf_counter() - began
            spent = [
                (now - then) / mails * 1e6
                for now, then in zip(self._cpu(started, sink), before, strict=True)
            ]
        finally:
            for process in started:
                process.end()
        recorded = sink.recorded()
        if recorded is not None:
            assert len(recorded) == len(set(recorded)) == mails, "a mail was lost or sent twice"
        return Run(mails / seconds, *spent)

    def _frozen(self, setting: Setting) -> tuple[int, int]:
        with self._database.unit_of_work() as session:
            send, letter_id, octets = readers.a_send(
                session,
                self._desk,
                self._config,
                octets=setting.octets,
                subject=f"bench {next(_numbers)}",
            )
            assert abs(octets - setting.octets) < setting.octets * 0.05, octets
            fixed = sa.select(sa.func.sum(Slice.size)).where(Slice.send_id == send.id)
            while (session.scalar(fixed) or 0) < setting.mails:
                readers.freeze(session, send, letter_id, slices=1)
            assert session.scalar(fixed) == setting.mails
        self._vacuum()
        return send.id, setting.mails

    def _wait(self, send_id: int, started: Sequence[Process]) -> None:
        left = sa.select(sa.func.sum(Slice.queued)).where(Slice.send_id == send_id)
        until = time.monotonic() + PATIENCE
        with self._database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            while connection.scalar(left):
                assert time.monotonic() < until, "the newsletter did not end"
                assert all(process.popen.poll() is None for process in started), "a worker ended"
                time.sleep(0.02)
            all_accepted = sa.select(sa.func.sum(Slice.size) == sa.func.sum(Slice.accepted)).where(
                Slice.send_id == send_id
            )
            assert connection.scalar(all_accepted), "a mail was not accepted"

    def _cpu(self, started: Sequence[Process], sink: Sink) -> tuple[float, float, float]:
        return (
            sum(own_cpu_seconds(process.pid) for process in started),
            cpu_seconds(self._around.postgresql.pid),
            own_cpu_seconds(sink.pid),
        )

    def _vacuum(self) -> None:
        """What autovacuum would do in the middle of a run is done before it."""
        with self._database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(sa.text("VACUUM ANALYZE"))
            connection.execute(sa.text("CHECKPOINT"))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.send", description=__doc__)
    parser.add_argument(
        "--mails",
        type=int,
        default=50_000,
        help="mails of the longest newsletter; whole slices for 100 connections",
    )
    parser.add_argument("--pairs", type=int, default=3, help="paired runs, of which medians")
    parser.add_argument("--only", default="", help="settings whose name holds this")
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--freeze", type=int, nargs="*", default=[100_000], metavar="ROWS")
    options = parser.parse_args()
    with surroundings() as around:
        print(quietness())
        bench = Bench(around, pairs=options.pairs)
        if options.workers:
            bench.fill(options.mails)
        for setting in settings(options.mails):
            if options.workers and options.only in setting.name:
                bench.measure(setting, options.workers)
        for rows in options.freeze:
            compare_freezing(around, rows, pairs=options.pairs)
        print(quietness())


if __name__ == "__main__":
    main()
