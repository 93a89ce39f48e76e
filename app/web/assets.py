"""Addresses of the service's own files, with a mark of their content so that they may be kept for a year."""

from __future__ import annotations

import hashlib
from pathlib import Path

from flask import Flask, url_for

from app.web.headers import YEAR


def init_app(app: Flask) -> None:
    """Offer ``asset(name)`` to templates."""
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = YEAR
    root = Path(app.static_folder or "static")
    marks: dict[str, str] = {}

    @app.template_global()
    def asset(name: str) -> str:
        if name not in marks:
            marks[name] = hashlib.sha256((root / name).read_bytes()).hexdigest()[:12]
        return url_for("static", filename=name, v=marks[name])
