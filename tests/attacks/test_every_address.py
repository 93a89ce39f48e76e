"""Every address of the url_map, attacked through its parts, queries, headers, methods and bodies (R06, C24, C25)."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TypeVar

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from tests.attacks.conftest import House
from tests.attacks.fairness import faults_of
from tests.attacks.hostile import BODIES, HEADERS, PARTS, TEXTS, words_asked_for

T = TypeVar("T")
QUERIES, FIELDS = words_asked_for()


def is_staff(rule: Rule) -> bool:
    return rule.rule == "/staff" or rule.rule.startswith("/staff/")


def rules(house: House, method: str) -> list[Rule]:
    found = [rule for rule in house.app.url_map.iter_rules() if method in (rule.methods or ())]
    return sorted(found, key=lambda rule: (rule.endpoint == "staff.sign_out", rule.rule))


def some(things: Sequence[T], rule: Rule, one_in: int) -> list[T]:
    """A part of ``things``, another one for each rule, so that all are tried on somebody and none on everybody."""
    return list(things[sum(rule.rule.encode()) % one_in :: one_in])


def browsers(house: House, rule: Rule) -> list[FlaskClient]:
    return [house.staff(), house.visitor()] if is_staff(rule) else [house.visitor()]


def test_R06_every_address_is_reached_by_these_tests(house: House) -> None:
    """Else the rest of this file would only look at pages that say "no such page"."""
    assert len(rules(house, "GET")) > 40
    assert len(rules(house, "POST")) > 30
    lost = []
    for rule in rules(house, "GET"):
        status = browsers(house, rule)[0].get(house.address(rule)).status_code
        if status not in (200, 301, 302, 303):
            lost.append((rule.rule, status))
    assert lost == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_R06_hostile_parts_of_addresses_get_a_page_in_the_readers_language(
    house: House, method: str
) -> None:
    wrong = []
    before = house.rows()
    for rule in rules(house, method):
        client = browsers(house, rule)[0]
        for argument, part in itertools.product(sorted(rule.arguments), some(PARTS, rule, 2)):
            locale = "fa" if len(part) % 2 else "en"
            language = locale if "<locale" in rule.rule and argument != "locale" else None
            place = house.address(rule, argument, part, locale)
            answer = client.open(place, method=method)
            found = faults_of(answer, public=not is_staff(rule), language=language)
            if found:
                wrong.append((method, place[:90], found))
    assert wrong == []
    changed = {name for name, rows in house.rows().items() if rows != before[name]}
    if method == "GET":
        assert changed == set()


def test_M03_R06_hostile_queries_change_nothing(house: House) -> None:
    wrong = []
    before = house.rows()
    for rule in rules(house, "GET"):
        client = browsers(house, rule)[0]
        for number, text in enumerate(some(TEXTS, rule, 6)):
            query = dict.fromkeys(QUERIES, text[:700].encode("utf-8", "surrogatepass"))
            place = house.address(rule, locale=("fa", "en")[number % 2])
            answer = client.get(place, query_string=query)
            found = faults_of(answer, public=not is_staff(rule))
            if found:
                wrong.append((place, text[:30], found))
    assert wrong == []
    assert house.rows() == before


def test_R06_hostile_headers(house: House) -> None:
    wrong = []
    before = house.rows()
    for rule in rules(house, "GET"):
        for client in browsers(house, rule):
            for name, value in some(HEADERS, rule, 5):
                answer = client.get(house.address(rule), headers={name: value})
                found = faults_of(answer, public=not is_staff(rule))
                if found:
                    wrong.append((rule.rule, name, value[:30], found))
    assert wrong == []
    assert house.rows() == before


def test_R06_bodies_that_are_no_form_store_nothing(house: House) -> None:
    wrong = []
    for rule in rules(house, "POST"):
        for client, (body, kind) in itertools.product(browsers(house, rule), some(BODIES, rule, 3)):
            before = house.rows()
            answer = client.post(house.address(rule), data=body, content_type=kind)
            found = faults_of(answer, public=not is_staff(rule))
            if answer.status_code >= 400 and house.rows() != before:
                found.append("stored something all the same")
            if found:
                wrong.append((rule.rule, kind, body[:30], found))
    assert wrong == []


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PROPFIND"])
def test_M03_R06_other_methods_change_nothing(house: House, method: str) -> None:
    wrong = []
    before = house.rows()
    for rule in [*rules(house, "GET"), *rules(house, "POST")]:
        for client in browsers(house, rule):
            answer = client.open(house.address(rule), method=method, data=b"consent=y")
            found = faults_of(answer, public=not is_staff(rule))
            if found:
                wrong.append((method, rule.rule, found))
    assert wrong == []
    assert house.rows() == before


def test_R06_every_field_of_every_form_hostile_at_once(house: House) -> None:
    wrong = []
    for rule in rules(house, "POST"):
        client = browsers(house, rule)[0]
        for text in some(TEXTS, rule, 8):
            before = house.rows()
            data = dict.fromkeys(FIELDS, text.encode("utf-8", "surrogatepass"))
            answer = client.post(house.address(rule), data=data)
            found = faults_of(answer, public=not is_staff(rule))
            if answer.status_code >= 400 and house.rows() != before:
                found.append("stored something all the same")
            if found:
                wrong.append((rule.rule, text[:30], found))
    assert wrong == []


def test_R06_an_error_asked_for_in_json_is_json_everywhere(house: House) -> None:
    wrong = []
    for rule in rules(house, "GET"):
        for argument in sorted(rule.arguments - {"locale", "filename"}):
            place = house.address(rule, argument, "%00")
            answer = browsers(house, rule)[0].get(place, headers={"Accept": "application/json"})
            if answer.status_code == 404 and argument != "token" and not answer.is_json:
                wrong.append((place, answer.mimetype))
    assert wrong == []
