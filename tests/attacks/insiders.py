"""Signing in and posting as a colleague would, for the attacks on the workroom."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask.testing import FlaskClient

from tests.attacks.conftest import PASSWORD, House


def token_of(client: FlaskClient, place: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get(place).text)
    assert found is not None
    return found[1]


def sign_in(client: FlaskClient, name: str = "One editor", password: str = PASSWORD) -> int:
    return client.post("/staff/sign-in", data={"name": name, "password": password}).status_code


def inside(client: FlaskClient) -> bool:
    return client.get("/staff").status_code == 200


def posts(house: House) -> Iterator[str]:
    for rule in house.app.url_map.iter_rules():
        staff = rule.rule.startswith("/staff/")
        if staff and "POST" in (rule.methods or ()) and rule.endpoint != "staff.sign_out":
            yield house.address(rule)


# Forged forms
