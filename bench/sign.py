"""How many can sign in a second, beside a loop that seals and commits the same rows: ``python -m bench.sign``."""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import median
from typing import Final

import sqlalchemy as sa

from app.audience import consents, wordings
from app.core import clock, ids, wake
from app.core.database import Database
from app.core.sealing import Sealer
from app.core.wake import SocketWaker
from app.optin import requests
from app.optin.models import ANSWERED, ASKED, PROVEN, SIGNATURE, Request
from app.petitions.models import OPEN, Petition, PetitionText, Signature
from bench.processes import cpu_seconds, own_cpu_seconds
from bench.readers import DAY
from bench.sinks import RoundTripSink
from bench.surroundings import Surroundings, quietness, surroundings
from bench.visitors import Visitors

SLUG: Final = "teachers"
ENOUGH: Final = 330
CONNECTIONS_TO_THE_SERVER: Final = 20
_numbers: Iterator[int] = itertools.count(1)


class Bench:
    """One petition, signed over HTTP and by a loop in turns."""

    def __init__(self, around: Surroundings, *, lines: int, processes: int = 1) -> None:
        self._around = around
        self._lines = lines
        self._processes = processes
        self._database: Database = around.database()
        self._config = around.config("web", PEYVAND_FORMS_AN_HOUR="10000000")
        self._sealer = Sealer(self._config.seal_public_key)
        with self._database.unit_of_work() as session:
            petition = Petition(slug=SLUG, state=OPEN, goal=10_000, opened=DAY - timedelta(days=9))
            text = PetitionText(
                language="fa",
                version=1,
                day=DAY,
                topic="معلمان",
                title="معلمان زندانی را آزاد کنید",
                summary="آزادی بی‌قیدوشرط معلمان.",
                body="معلم در زندان، یعنی کلاسی بی‌معلم.",
                demands="آزادی همهٔ معلمان زندانی.",
                addressee="رئیس قوهٔ قضائیه",
            )
            petition.texts.append(text)
            session.add(petition)
            session.flush()
            consent = consents.current(session, wordings.SIGNATURE, "fa")
            assert consent is not None
            self._petition_id, self._text_id = petition.id, text.id
            self._wording_id = consent.id

    def compare(self, count: int, pairs: int) -> None:
        """Print both rates and their ratio: medians of interleaved runs."""
        instance = self._around.instance(0)
        web, port = self._around.start_web(instance=instance, processes=self._processes)
        visitors = Visitors(port, f"/fa/petitions/{SLUG}/sign", connections=self._lines)
        try:
            visitors.sign(_addresses(100))
            self._forget()
            signed, looped, web_us = [], [], []
            for _ in range(pairs):
                looped.append(self._loop(count))
                self._forget()
                before = cpu_seconds(web.pid)
                signed.append(visitors.sign(_addresses(count)))
                web_us.append((cpu_seconds(web.pid) - before) / count * 1e6)
                assert self._count(Request.state == ASKED) == count
                self._forget()
        finally:
            visitors.leave()
            web.end()
        ratio = median(one / other for one, other in zip(signed, looped, strict=True))
        print(
            f"signing over {self._lines} connections, {self._processes} web processes"
            f"  {median(signed):6,.0f}/s"
            f" (target above {ENOUGH})  loop of {self._lines} threads {median(looped):6,.0f}/s"
            f"  ratio {ratio:4.2f} (target 0.5)  web CPU a request {median(web_us):4.0f} us",
            flush=True,
        )

    def work(self, count: int) -> None:
        """Print how fast a worker answers and counts: from asked to mail accepted, from proven to counted."""
        sink = RoundTripSink(0)
        sink.start()
        self._loop(count)
        worker = self._around.start_worker(
            0, smtp_port=sink.port, connections=CONNECTIONS_TO_THE_SERVER
        )
        try:
            # It may have begun before it was "ready": a few hundred requests at most.
            before, began = own_cpu_seconds(worker.pid), time.perf_counter()
            already = len(sink.recorded() or ())
            _until(lambda: len(sink.recorded() or ()) >= count)
            self._told("answering", count - already, began, worker.pid, before)
            _until(lambda: self._count(Request.state == ANSWERED) == count)
            self._prove()
            before, began = own_cpu_seconds(worker.pid), time.perf_counter()
            SocketWaker(self._around.wake_socket(0))(wake.REQUESTS)
            _until(lambda: self._signatures() >= count)
            self._told("counting ", count, began, worker.pid, before)
        finally:
            worker.end()
            sink.close()

    def _told(self, what: str, count: int, began: float, pid: int, before: float) -> None:
        seconds = time.perf_counter() - began
        microseconds = (own_cpu_seconds(pid) - before) / count * 1e6
        print(
            f"worker {what}  {count / seconds:6,.0f} requests/s"
            f"  CPU a request {microseconds:5.0f} us",
            flush=True,
        )

    def _loop(self, count: int) -> float:
        """Seal and commit ``count`` rows from as many threads as there are connections."""
        addresses = _addresses(count)

        def ask(address: str) -> None:
            request_id = ids.new()
            fields = {
                "address": address,
                "text_id": self._text_id,
                "wording_id": self._wording_id,
                "subject": str(self._petition_id),
                "network": None,
            }
            box = self._sealer.seal("request", request_id, fields)
            with self._database.single_statements() as session:
                requests.ask(
                    session,
                    request_id,
                    SIGNATURE,
                    str(self._petition_id),
                    box,
                    language="fa",
                    now=clock.now(),
                    keep_days=self._config.request_days,
                )

        with ThreadPoolExecutor(self._lines) as threads:
            list(threads.map(ask, _addresses(self._lines)))
            self._forget()
            began = time.perf_counter()
            list(threads.map(ask, addresses))
            return count / (time.perf_counter() - began)

    def _prove(self) -> None:
        """What the web does at the proof, for every request at once."""
        with self._database.unit_of_work() as session:
            for request in session.scalars(sa.select(Request)):
                chosen = {
                    "shown_as": "anonymous",
                    "shown_name": "",
                    "signature_id": ids.new().hex,
                    "names_box": None,
                    "petition_news": None,
                    "newsletter": None,
                    "language": "fa",
                }
                request.choices = self._sealer.seal("choices", request.id, chosen)
                request.state = PROVEN

    def _forget(self) -> None:
        with self._database.unit_of_work() as session:
            session.execute(sa.delete(Request))
        with self._database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(sa.text("VACUUM request"))

    def _count(self, *conditions: sa.ColumnElement[bool]) -> int:
        with self._database.reading() as session:
            return session.scalar(sa.select(sa.func.count(Request.id)).where(*conditions)) or 0

    def _signatures(self) -> int:
        with self._database.reading() as session:
            return session.scalar(sa.select(sa.func.count()).select_from(Signature)) or 0


def _addresses(count: int) -> list[str]:
    return [f"signer{next(_numbers):08}@union.example" for _ in range(count)]


def _until(done: Callable[[], bool]) -> None:

    end = time.monotonic() + 300
    while not done():
        assert time.monotonic() < end, "the worker is too slow"
        time.sleep(0.02)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sign", description=__doc__)
    parser.add_argument("--requests", type=int, default=2_000)
    parser.add_argument("--pairs", type=int, default=3, help="paired runs, of which medians")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="of the web")
    options = parser.parse_args()
    with surroundings() as around:
        print(quietness())
        bench = Bench(around, lines=options.connections, processes=options.processes)
        bench.compare(options.requests, options.pairs)
        bench.work(options.requests)
        print(quietness())


if __name__ == "__main__":
    main()
