"""Pictures and logos as the public gets them: an address for each file, which never changes."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from app.petitions import picturing
from app.web.context import reading

pictures = Blueprint("pictures", __name__)


@pictures.get("/pictures/<digest>.webp", endpoint="picture")
def picture(digest: str) -> ResponseReturnValue:
    """A petition's picture, or the logo of an organisation behind one; it may be kept for good."""
    with reading() as session:
        found = picturing.public_octets(session, digest)
    return as_file(found, digest)


def as_file(octets: bytes, digest: str) -> Response:
    """The file to be shown in a page."""
    answer = Response(octets, mimetype="image/webp")
    answer.set_etag(digest)
    answer.headers["Content-Disposition"] = f'inline; filename="{digest[:12]}.webp"'
    return answer
