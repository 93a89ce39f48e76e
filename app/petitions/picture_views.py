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
    answer = as_file(found)
    answer.set_etag(digest)
    return answer


def as_file(octets: bytes) -> Response:
    """The file to be shown in a page."""
    answer = Response(octets, mimetype="image/webp")
    answer.headers["Content-Disposition"] = "inline"
    return answer
