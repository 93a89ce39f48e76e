"""The headers of every answer (C25): nothing from elsewhere, nothing inline, nothing kept.

Every page is ``no-store``, not only those with a secret in their address: a phone that is searched should hold no
copy of a petition either. Views that are documents of their own (mail previews) set their own policy first.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from flask import Flask, Response, request

from app.web.language import is_staff

PUBLIC_POLICY: Final = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
STAFF_POLICY: Final = f"{PUBLIC_POLICY}; script-src 'self'; connect-src 'self'; frame-src 'self'"
DOCUMENT_POLICY: Final = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
)
"""For a mail shown in a frame: its own inline styles and pictures, no script, no form, no address to load."""

UNLISTED: Final = ("/c/", "/u/", "/never/", "/check/")
MAILBOX_PREFIX: Final = "/mailbox"
YEAR: Final = 31_536_000


def init_app(app: Flask, *, https: bool, onion_url: str) -> None:
    """Add the headers to every answer of ``app``."""

    @app.after_request
    def add(response: Response) -> Response:
        headers = response.headers
        framed = is_staff() or request.path.startswith(MAILBOX_PREFIX)
        headers.setdefault("Content-Security-Policy", STAFF_POLICY if framed else PUBLIC_POLICY)
        headers.setdefault("Referrer-Policy", "same-origin" if is_staff() else "no-referrer")
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        headers.setdefault(
            "Permissions-Policy", "camera=(), geolocation=(), microphone=(), browsing-topics=()"
        )
        secret = any(part in request.path for part in UNLISTED)
        headers.setdefault("X-Robots-Tag", "noindex" if framed or secret else "noarchive")
        if request.endpoint != "static":
            headers["Cache-Control"] = "no-store"
        if https:
            headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}")
        if onion_url and not request.host.endswith(".onion"):
            headers.setdefault("Onion-Location", onion_url + quote(request.path))
        return response


def as_document(response: Response) -> Response:
    """Shut ``response`` in as a document of its own, to be shown in a frame of the same site."""
    response.headers["Content-Security-Policy"] = DOCUMENT_POLICY
    return response
