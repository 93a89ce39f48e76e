"""What every answer owes, whatever was sent: a page that helps, in the reader's language, and nothing that leaks."""

from __future__ import annotations

import json
import re

from werkzeug.test import TestResponse

from tests.attacks.hostile import SCRIPT

TRACES = ("Traceback", "sqlalchemy", "werkzeug", "site-packages", "sqlite3", ".py:", "psycopg")
OPENINGS = ("<svg onload", "onerror=alert", 'href="javascript:', 'src="javascript:', 'href="data:')


def faults_of(answer: TestResponse, *, public: bool, language: str | None = None) -> list[str]:
    """What is wrong with an answer; nothing, if it is fair."""
    found = []
    if answer.status_code >= 500 and answer.status_code != 503:
        found.append(f"status {answer.status_code}")
    if public and "Set-Cookie" in answer.headers:
        found.append("a cookie on a public page")
    found += [
        f"no {name}"
        for name in ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")
        if name not in answer.headers
    ]
    if any("evil" in name.lower() for name in answer.headers.keys()):  # noqa: SIM118 (not a dict)
        found.append("a header that was sent in")
    location = answer.headers.get("Location", "")
    if location and not re.match(r"(http://localhost)?/(?![/\\])", location):
        found.append(f"leads to {location[:60]}")
    body = answer.get_data().decode("utf-8", "replace")  # a poster is no text
    if "sandbox" not in answer.headers.get("Content-Security-Policy", ""):
        found += [f"shows {text}" for text in (SCRIPT, *OPENINGS) if text in body]
    found += [f"shows {trace}" for trace in TRACES if trace in body]
    if answer.status_code >= 400:
        found += _unhelpful(answer, body, language)
    return found


def _unhelpful(answer: TestResponse, body: str, language: str | None) -> list[str]:
    if answer.mimetype == "application/json":
        told = json.loads(body)
        return [] if told.get("error") and told.get("advice") else ["a JSON error without advice"]
    if answer.mimetype != "text/html":
        return [f"an error as {answer.mimetype}"]
    if answer.request.method == "HEAD":
        return []
    found = [] if re.search(r"<h1[ >]", body) and "<p" in body else ["an error without words"]
    if language and f'<html lang="{language}"' not in body:
        found.append(f"not in {language}")
    return found
