"""The trial set-up's mailbox, read in the browser: what the service sent stays on this computer (C25, C26).

Registered only when embedded, and shut to every peer and host name but loopback.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import NotFoundError
from app.web.context import config
from app.web.headers import as_document
from app.web.limits import from_this_computer
from emails import mailbox as folder
from emails.mailbox import Mail
from emails.preview import in_scheme

mailbox = Blueprint("mailbox", __name__)

ON_A_PAGE: Final = 30
VIEWS: Final = ("letter", "text", "headers", "dark")


@mailbox.before_request
def only_from_here() -> None:
    """Whoever is not at this computer finds no such page."""
    if not from_this_computer():
        raise NotFoundError("the mailbox opens on loopback only")


@mailbox.get("/mailbox")
def inbox() -> ResponseReturnValue:
    """The mails, the newest first; the first one opened."""
    newest = folder.read_folder(_path(), limit=1)
    return _page(newest[0].key if newest else "")


@mailbox.get("/mailbox/<key>")
def letter(key: str) -> ResponseReturnValue:
    """One mail; ``view`` chooses letter, plain text, headers or dark."""
    return _page(key)


@mailbox.get("/mailbox/<key>/html")
def document(key: str) -> Response:
    """The mail's HTML as a document of its own, shut in a sandbox."""
    mail = _mail(key)
    html = in_scheme(mail.html, dark=request.args.get("view") == "dark")
    return as_document(make_response(html))


@mailbox.post("/mailbox/empty")
def empty() -> ResponseReturnValue:
    """Throw all mails away; not at the wish of a foreign page, whose browser says where the form came from."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise NotFoundError("only the mailbox's own button empties it")
    folder.empty_folder(_path())
    return redirect(url_for(".inbox"), 303)


def _page(key: str) -> ResponseReturnValue:
    page = max(1, request.args.get("page", 1, type=int))
    view = request.args.get("view", "letter")
    opened = _mail(key) if key else None
    number = folder.count_folder(_path())
    return render_template(
        "desk/mailbox.html",
        mails=folder.read_folder(_path(), start=(page - 1) * ON_A_PAGE, limit=ON_A_PAGE),
        opened=opened,
        view=view if view in VIEWS else "letter",
        links=_own_links(opened),
        number=number,
        page=page,
        last=max(1, -(-number // ON_A_PAGE)),
    )


def _own_links(mail: Mail | None) -> tuple[str, ...]:
    if mail is None:
        return ()
    hosts = (f"{config().base_url}/", f"{config().confirmation_base_url}/")
    return tuple(link for link in mail.links if link.startswith(hosts))


def _mail(key: str) -> Mail:
    found = folder.read_mail(_path(), key)
    if found is None:
        raise NotFoundError("no such mail")
    return found


def _path() -> Path:
    kind, _, path = config().smtp_url.partition(":")
    if kind != "mailbox":
        raise NotFoundError("mail goes to a server, not into a folder")
    return Path(path)
