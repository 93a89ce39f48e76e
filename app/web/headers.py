"""The headers of every answer (C25): nothing from elsewhere, nothing inline, and what may be kept.

An answer is ``no-store`` unless its endpoint stands in ``SAME_FOR_EVERYONE``: pages that show what was published and
nothing of who asks. Those carry an ETag of their bytes, which change only when something is published (C21); where
such a page has another address now, the redirect is kept alike. A cache
in front may serve its copy for thirty seconds, so that a withdrawn name is gone within a minute; a browser asks each
time, and is told in a few octets that nothing is new. A file whose address holds its own digest never changes: it is
kept for a year (``FOREVER``).
Views that are documents of their own (mail previews) set their own policy first.
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

OPEN_TO_ALL: Final = frozenset(
    {"api.description", "api.petition", "api.petitions", "feeds.everything", "feeds.petition"}
)
"""JSON and feeds: pages of other sites may read them, too."""
SAME_FOR_EVERYONE: Final = OPEN_TO_ALL | {
    "campaign.comments",
    "campaign.signers",
    "campaign.updates",
    "campaign.versions",
    "desk.contact",
    "desk.home",
    "desk.privacy",
    "desk.safety",
    "desk.tor",
    "newsletters.archive",
    "newsletters.report",
    "petitions.petition",
    "petitions.short",
    "printed.delivery",
    "printed.poster",
    "printed.share",
    "printed.sheet",
    "printed.snippet",
}
"""Pages whose language stands in their address, without a form's token, an error or a word of the visitor's own."""
FOREVER: Final = frozenset({"pictures.picture"})
"""Files under the digest of their octets."""
KEPT_SECONDS: Final = 30
KEPT: Final = f"public, max-age=0, s-maxage={KEPT_SECONDS}"
KEPT_QUERIES: Final = frozenset({"page"})
"""Words of a query that only turn pages; any other may be something a visitor typed."""

UNLISTED: Final = ("/c/", "/u/", "/never/", "/check/")
MAILBOX_PREFIX: Final = "/mailbox"
API_PREFIX: Final = "/api/"
YEAR: Final = 31_536_000


def init_app(app: Flask, *, https: bool, onion_url: str) -> None:
    """Add the headers to every answer of ``app``."""

    constant = {
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), browsing-topics=()",
        **({"Strict-Transport-Security": f"max-age={YEAR}"} if https else {}),
    }

    @app.after_request
    def add(response: Response) -> Response:
        path, staff = request.path, is_staff()
        framed = staff or path.startswith(MAILBOX_PREFIX)
        secret = any(part in path for part in UNLISTED)
        wanted = {
            "Content-Security-Policy": STAFF_POLICY if framed else PUBLIC_POLICY,
            "Referrer-Policy": "same-origin" if staff else "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "X-Robots-Tag": "noindex" if framed or secret else "noarchive",
            **constant,
        }
        if path.startswith(API_PREFIX) or request.endpoint in OPEN_TO_ALL:
            wanted["Access-Control-Allow-Origin"] = "*"
            wanted["Access-Control-Expose-Headers"] = "ETag"
            wanted["Cross-Origin-Resource-Policy"] = "cross-origin"
        if onion_url and not request.host.endswith(".onion"):
            wanted["Onion-Location"] = onion_url + quote(path)
        headers = response.headers
        given = {name.lower() for name, _value in headers}
        for name, value in wanted.items():
            if name.lower() not in given:
                headers.add(name, value)
        if _may_be_kept(response):
            headers["Cache-Control"] = KEPT
            if response.status_code == 200:  # a redirect is never "unchanged" (RFC 9110, 13.2.1)
                response.add_etag()
                if "If-Match" not in request.headers:  # for who writes; a 412 is for no cache
                    response.make_conditional(request)
        elif request.endpoint in FOREVER and response.status_code == 200:
            headers["Cache-Control"] = f"public, max-age={YEAR}, immutable"
            response.make_conditional(request)
        elif request.endpoint != "static":
            headers["Cache-Control"] = "no-store"
        return response


def _may_be_kept(response: Response) -> bool:
    """Whether anyone who asks would get these very bytes: a page, or where it is now."""
    queries = KEPT_QUERIES if response.status_code == 200 else frozenset()
    return (
        request.endpoint in SAME_FOR_EVERYONE
        and request.method in ("GET", "HEAD")
        and response.status_code in (200, 301)
        and queries.issuperset(request.args)
        and "Set-Cookie" not in response.headers
    )


def as_document(response: Response) -> Response:
    """Shut ``response`` in as a document of its own, to be shown in a frame of the same site."""
    response.headers["Content-Security-Policy"] = DOCUMENT_POLICY
    return response
