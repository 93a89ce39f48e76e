"""How soon ``make run`` serves when it was run before, beside reading the code alone: ``python -m bench.start``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from statistics import median
from typing import Final

from bench.surroundings import ROOT, quietness
from tests.journeys.households import Household

ENOUGH: Final = 3.0
READ: Final = ("app.factory", "workers.loop")
"""What the two processes import."""


def _reading() -> float:
    """Seconds until two bare interpreters, at once, have imported what web and worker consist of."""
    began = time.perf_counter()
    processes = [
        subprocess.Popen([sys.executable, "-c", f"import {name}"], cwd=ROOT) for name in READ
    ]
    for process in processes:
        process.wait(60)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.start", description=__doc__)
    parser.add_argument("--pairs", type=int, default=3, help="paired runs, of which medians")
    options = parser.parse_args()
    print(quietness())
    served, read = [], []
    with Household(ROOT) as home:
        home.serves(within=60)
        home.presses_ctrl_c()
        for _ in range(options.pairs):
            read.append(_reading())
            served.append(home.serves(within=60))
            home.presses_ctrl_c()
    ratio = median(one / other for one, other in zip(served, read, strict=True))
    print(
        f"second start  {median(served):4.1f} s (target under {ENOUGH:.0f})"
        f"  reading the code {median(read):4.1f} s  ratio {ratio:4.2f}"
    )
    print(quietness())


if __name__ == "__main__":
    main()
