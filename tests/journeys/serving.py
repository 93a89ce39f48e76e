"""The application on a loopback port for a real browser, and what axe-core says of a page (A01)."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page
from werkzeug.serving import WSGIRequestHandler, make_server

TAGS: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


class _Silent(WSGIRequestHandler):
    """Notes no request: a journey asks thousands of times, and a failure is read between them."""

    def log_request(self, *_: object) -> None:
        pass


@contextmanager
def serving(app: Flask, *, port: int = 0) -> Iterator[str]:
    """Serve ``app`` in a thread, at any free port where none is named; gives its address."""
    server = make_server("127.0.0.1", port, app, threaded=True, request_handler=_Silent)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(timeout=10)
        server.server_close()


def faults(page: Page) -> list[str]:
    """Each rule that the open page breaks, with the elements that break it."""
    options: dict[str, Any] = {
        "runOnly": {"type": "tag", "values": TAGS},
        "rules": {"target-size": {"enabled": True}},
        # Of what passes, one element a rule: listing them all takes longer than finding them.
        "resultTypes": ["violations"],
    }
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{page.url}: {fault['id']}: {node['html'][:200]} {node.get('failureSummary', '')[:300]}"
        for fault in found
        for node in fault["nodes"]
    ]


def sideways(page: Page, width: int) -> bool:
    """Whether the page has to be scrolled sideways at that width (A02)."""
    page.set_viewport_size({"width": width, "height": 800})
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))
