"""How fast a petition's page goes out, beside a bare application and beside nginx's own file: ``python -m bench.page``."""

from __future__ import annotations

import argparse
import re
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Final

from app.core import clock
from bench.processes import cpu_seconds
from bench.sinks import RoundTripSink
from bench.surroundings import Process, Surroundings, quietness, surroundings
from bench.visitors import Visitors
from tests.servers.nginx import ONION, Nginx
from tests.servers.process import LOOPBACK, find_program, free_port
from workers import demo
from workers.keys import open_desk

SLUG: Final = "free-the-teachers"
PATH: Final = f"/fa/petitions/{SLUG}"
FILE_SERVER: Final = """
    server {{
        listen {host}:{port};
        location / {{ root {folder}; types {{ }} default_type "text/html; charset=utf-8"; }}
    }}
"""


@dataclass
class Place:
    """Something that answers with the page: whom to ask, and whose processor time counts."""

    name: str
    port: int
    path: str
    pid: int
    host: str = LOOPBACK
    rates: list[float] = field(default_factory=list)
    spent: list[float] = field(default_factory=list)

    def run(self, seconds: float, connections: int) -> None:
        """Ask over so many lasting connections for so long; raises AssertionError for any answer but 200."""
        before = cpu_seconds(self.pid)
        told = subprocess.run(
            [
                *(find_program("wrk"), "-t1", f"-c{connections}", f"-d{seconds:.0f}s"),
                *("-H", f"Host: {self.host}", f"http://{LOOPBACK}:{self.port}{self.path}"),
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert "Non-2xx" not in told, told
        assert "Socket errors" not in told, told
        requests, rate = re.search(r"(\d+) requests in", told), re.search(r"/sec: +([\d.]+)", told)
        assert requests, told
        assert rate, told
        self.rates.append(float(rate[1]))
        self.spent.append((cpu_seconds(self.pid) - before) / int(requests[1]) * 1e6)


def compare(one: Place, other: Place, *, target: float, options: argparse.Namespace) -> None:
    """Print both rates and their ratio: medians of interleaved runs."""
    for place in (one, other):
        place.run(1, options.connections)
        place.rates.clear()
        place.spent.clear()
    for _ in range(options.pairs):
        for place in (other, one):
            place.run(options.seconds, options.connections)
    ratio = median(a / b for a, b in zip(one.rates, other.rates, strict=True))
    told = "  ".join(
        f"{place.name} {median(place.rates):8,.0f}/s ({median(place.spent):5.0f} us CPU a request)"
        for place in (one, other)
    )
    print(f"{told}  ratio {ratio:4.2f} (target {target})", flush=True)


def fetch(port: int, host: str = LOOPBACK) -> bytes:
    """The page as it goes out, uncompressed."""
    request = urllib.request.Request(f"http://{LOOPBACK}:{port}{PATH}", headers={"Host": host})
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        page: bytes = answer.read()
    return page


def measure(around: Surroundings, options: argparse.Namespace) -> None:
    """The two comparisons of Serving."""
    web, port = around.start_web(instance=around.instance(0))
    page = fetch(port)
    body = around.folder / "page.html"
    body.write_bytes(page)
    around.folder.chmod(0o755)  # nginx runs as nobody
    bare, bare_port = around.start_bare(body)
    file_port = free_port()
    files = FILE_SERVER.format(host=LOOPBACK, port=file_port, folder=around.folder)
    nginx = Nginx(port, more=files)
    try:
        nginx.start()
        assert fetch(nginx.onion_port, ONION) == page
        print(f"the page of {PATH} has {len(page):,} octets; {options.connections} connections")
        compare(
            Place("granian, the page", port, PATH, web.pid),
            Place("granian, bare application", bare_port, "/", bare.pid),
            target=0.5,
            options=options,
        )
        compare(
            Place("nginx, its cache", nginx.onion_port, PATH, nginx.pid, ONION),
            Place("nginx, a file", file_port, "/page.html", nginx.pid),
            target=0.8,
            options=options,
        )
    finally:
        nginx.close()
        bare.end()
        web.end()


def watch_memory(around: Surroundings, minutes: int, *, a_minute: int) -> None:
    """Sign and read for so many minutes, and print the memory of web and worker at the end of each."""
    sink = RoundTripSink(0)
    sink.start()
    web, port = around.start_web(instance=around.instance(0))
    worker = around.start_worker(0, smtp_port=sink.port, connections=8)
    pages = Place("granian, the page", port, PATH, web.pid)
    try:
        for minute in range(1, minutes + 1):
            ends = time.monotonic() + 60
            visitors = Visitors(port, f"{PATH}/sign", connections=4)
            visitors.sign([f"signer{minute}x{n}@union.example" for n in range(a_minute)])
            visitors.leave()
            pages.run(max(1.0, min(30.0, ends - time.monotonic())), 8)
            time.sleep(max(0.0, ends - time.monotonic()))
            print(
                f"minute {minute}  web {_megabytes(web)}  worker {_megabytes(worker)}"
                f"  {a_minute * minute:,} signed, {len(sink.recorded() or ()):,} mails out,"
                f" pages {pages.rates[-1]:,.0f}/s",
                flush=True,
            )
    finally:
        worker.end()
        web.end()
        sink.close()


def _megabytes(process: Process) -> str:
    """Resident memory of a process and its children (Linux)."""
    pids = [process.pid]
    for pid in pids:
        for thread in Path(f"/proc/{pid}/task").iterdir():
            pids += map(int, (thread / "children").read_text("ascii").split())
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) for pid in pids)
    return f"{pages * 4096 / 1e6:6.1f} MB"


def furnish(around: Surroundings) -> None:
    """The petitions, updates and unions of the demo."""
    database = around.database()
    with database.unit_of_work() as session:
        demo.load(
            session, open_desk(around.config("worker")), now=clock.now() - timedelta(minutes=5)
        )
    database.dispose()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.page", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4, help="one run's length")
    parser.add_argument("--pairs", type=int, default=3, help="paired runs, of which medians")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--minutes", type=int, default=0, help="watch memory instead, so long")
    parser.add_argument("--a-minute", type=int, default=600, help="signatures a minute, then")
    options = parser.parse_args()
    with surroundings() as around:
        print(quietness())
        furnish(around)
        if options.minutes:
            watch_memory(around, options.minutes, a_minute=options.a_minute)
        else:
            measure(around, options)
        print(quietness())


if __name__ == "__main__":
    main()
