"""The least a web application can do: answer with bytes it holds, for ``bench.page``; it runs where ``wsgi:app`` does."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

_BODY = Path(os.environ.get("PEYVAND_BENCH_BODY", os.devnull)).read_bytes()


def app(
    _environ: dict[str, object], start_response: Callable[[str, list[tuple[str, str]]], object]
) -> Iterable[bytes]:
    """200 and the same bytes, whatever was asked."""
    length = str(len(_BODY))
    kind = "text/html; charset=utf-8"
    start_response("200 OK", [("Content-Type", kind), ("Content-Length", length)])
    return [_BODY]
