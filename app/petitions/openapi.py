"""The description of the read-only JSON, as an OpenAPI 3.1 document; a test holds every answer against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from app.petitions import addressing
from app.petitions.campaign_models import KINDS
from app.petitions.queries import FEW

JSON: Final = "application/json"
ATOM: Final = "application/atom+xml"


def document(base_url: str, locales: Sequence[str]) -> dict[str, Any]:
    """The whole document, for a site at ``base_url`` in ``locales``."""
    return {
        "openapi": "3.1.1",
        "info": {
            "title": "Peyvand",
            "version": "1",
            "summary": "Petitions, as their public pages show them.",
            "description": (
                "Read-only, without a key, from any site. Totals move as they do on the pages: at a random minute of"
                f" the hour and by five or more, or after a day, and below {FEW} none is told. ETag and answer change"
                " only when what is published changes; ask with If-None-Match."
            ),
        },
        "servers": [{"url": base_url}],
        "paths": {
            "/api/petitions": {"get": _read("petitions", "All public petitions.", "Petitions")},
            "/api/petitions/{petition_id}": {
                "get": _read(
                    "petition", "One petition with all that its page shows.", "Petition", True
                )
            },
            "/api/openapi.json": {"get": _read("description", "This document.", "Description")},
            "/{locale}/feed.atom": {"get": _feed("feed", "New petitions and their updates.")},
            "/{locale}/petitions/{slug}/feed.atom": {
                "get": _feed("petition_feed", "One petition’s opening and updates.", slug=True)
            },
        },
        "components": {
            "schemas": _schemas(),
            "parameters": {
                "locale": {
                    "name": "locale",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "enum": list(locales)},
                },
                "slug": {
                    "name": "slug",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "string", "pattern": f"^{addressing.PATTERN}$"},
                },
                "petition_id": {
                    "name": "petition_id",
                    "in": "path",
                    "required": True,
                    "schema": {"type": "integer", "minimum": 0, "maximum": 2**31 - 1},
                },
            },
            "headers": {
                "ETag": {
                    "description": "Names this very answer; send it back as If-None-Match.",
                    "schema": {"type": "string"},
                },
            },
            "responses": {
                "Unchanged": {
                    "description": "What If-None-Match names is still what is published."
                },
                "Missing": {
                    "description": "There is no such petition, or it is not public.",
                    "content": {JSON: {"schema": _ref("Error")}},
                },
                "Away": {
                    "description": "The database is away; Retry-After says when to ask again.",
                    "content": {JSON: {"schema": _ref("Error")}},
                },
            },
        },
    }


def _read(name: str, summary: str, schema: str, by_id: bool = False) -> dict[str, Any]:
    operation = _operation(name, summary, {JSON: {"schema": _ref(schema)}})
    if by_id:
        operation["parameters"] = [_shared("parameters", "petition_id")]
        operation["responses"]["404"] = _shared("responses", "Missing")
    return operation


def _feed(name: str, summary: str, *, slug: bool = False) -> dict[str, Any]:
    operation = _operation(name, summary, {ATOM: {"schema": {"type": "string"}}})
    operation["parameters"] = [_shared("parameters", "locale")]
    if slug:
        operation["parameters"].append(_shared("parameters", "slug"))
    operation["responses"]["404"] = {
        "description": "There is no such petition, or no such language."
    }
    return operation


def _operation(name: str, summary: str, content: dict[str, Any]) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "responses": {
            "200": {
                "description": summary,
                "headers": {"ETag": _shared("headers", "ETag")},
                "content": content,
            },
            "304": _shared("responses", "Unchanged"),
            "503": _shared("responses", "Away"),
        },
    }


def _schemas() -> dict[str, Any]:
    text = {"type": "string"}
    day = {"type": "string", "format": "date"}
    country = {"type": ["string", "null"], "description": "ISO 3166-1, two letters."}
    url = {"type": "string", "format": "uri"}
    number = {"type": "integer", "minimum": 0}
    short = {"topic": text, "title": text, "summary": text, "addressee": text}
    short |= {
        "page": url,
        "short": url | {"description": "Leads to the page, for good."},
        "feed": url,
    }
    long = short | {"body": text | {"description": "Markdown."}, "demands": _list(text)}
    summary = {
        "id": number,
        "open": {"type": "boolean", "description": "Whether it can be signed now."},
        "opened": _or_none(day),
        "closed": _or_none(day),
        "signatures": _ref("Signatures"),
    }
    return {
        "Petitions": _object({"petitions": _list(_ref("PetitionSummary"))}),
        "PetitionSummary": _object({**summary, "texts": _by_language(_ref("ShortText"))}),
        "Petition": _object(
            {
                **summary,
                "texts": _by_language(_ref("Text")),
                "updates": _list(_ref("Update")),
                "endorsements": _list(_ref("Endorsement")),
                "picture": {"anyOf": [_ref("Picture"), {"type": "null"}]},
                "weeks": _list(_ref("Week")),
                "signers_shown": number | {"description": "How many chose to be shown, and are."},
                "signers": _list(_ref("Signer"))
                | {"description": "The first ones of them, in no order."},
                "comments": _list(_ref("Comment")),
            }
        ),
        "ShortText": _object(short),
        "Text": _object(long),
        "Signatures": _object(
            {
                "total": {
                    "type": ["integer", "null"],
                    "description": "The published total over all languages; null while it is not told.",
                },
                "fewer_than": {
                    "type": ["integer", "null"],
                    "description": "Told instead of a total that is too small to be told.",
                },
                "goal": number,
                "live": {"type": "boolean", "description": "Whether the total is exact at once."},
                "paper": number | {"description": "Signatures on paper, beside the total."},
            }
        ),
        "Update": _object(
            {
                "kind": {"type": "string", "enum": list(KINDS)},
                "day": day,
                "texts": _by_language(_object({"title": text, "body": text})),
            }
        ),
        "Endorsement": _object(
            {
                "names": _by_language(text),
                "country": country,
                "website": _or_none(url),
                "statement": {"type": ["string", "null"], "description": "Markdown."},
                "statement_language": {"type": ["string", "null"]},
                "logo": {"anyOf": [_ref("Picture"), {"type": "null"}]},
            }
        ),
        "Picture": _object(
            {
                "url": url | {"description": "WebP. Host it yourself: no page loads it from here."},
                "width": number,
                "height": number,
                "alts": _by_language(text),
            }
        ),
        "Week": _object(
            {"first": day, "last": day, "signatures": {"type": "integer", "minimum": FEW}}
        ),
        "Signer": _object(
            {
                "name": text | {"description": "A name or initials, as the signer chose."},
                "country": country,
                "affiliation": {"type": ["string", "null"]},
            }
        ),
        "Comment": _object(
            {
                "text": text,
                "language": {"type": ["string", "null"]},
                "name": {"type": ["string", "null"]},
            }
        ),
        "Description": {"type": "object", "required": ["openapi", "info", "paths"]},
        "Error": _object({"error": text, "advice": text}),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    """An object with exactly these."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def _by_language(values: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "propertyNames": {"pattern": "^[a-z]{2,3}(_[A-Za-z]{2,4})?$"},
        "additionalProperties": values,
    }


def _or_none(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


def _ref(schema: str) -> dict[str, Any]:
    return _shared("schemas", schema)


def _shared(kind: str, name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/{kind}/{name}"}
