"""docs/rules.md names lines of code and tests that are there: each line once, each test with its number (C01-C28)."""

from __future__ import annotations

import ast
import re
from collections import Counter

import pytest

from docs import breaking
from docs.breaking import ROOT, Rule

TEXT = breaking.RULES.read_text("utf-8")
RULES = list(breaking.rules(TEXT))
KEPT = [f"C{number:02}" for number in range(1, 29)]
"""The lines that hold in this release."""


def test_every_line_of_consent_and_safety_has_its_rules() -> None:
    assert list(Counter(rule.number for rule in RULES)) == KEPT
    assert len(RULES) == len(re.findall(r"^- ", TEXT, re.MULTILINE)), "every entry can be read"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.number} {rule.what[:40]}")
def test_the_line_is_there_once_and_the_broken_file_can_still_be_read(rule: Rule) -> None:
    text = (ROOT / rule.file).read_text("utf-8")
    without = breaking.broken(rule, text)
    assert without != text
    if rule.file.endswith(".py"):
        ast.parse(without)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.number} {rule.what[:40]}")
def test_the_test_is_there(rule: Rule) -> None:
    file, _, name = rule.test.partition("::")
    found = {
        node.name
        for node in ast.walk(ast.parse((ROOT / file).read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert name in found


def test_each_line_has_a_test_that_carries_its_number() -> None:
    without = set(KEPT) - {rule.number for rule in RULES if f"_{rule.number}_" in rule.test}
    assert without == set()


def test_a_broken_line_is_left_out_or_replaced_with_its_indent() -> None:
    rule = Rule("C01", "x", "x.py", "b()", None, "t::t")
    assert breaking.broken(rule, "if a:\n    b()\n    c()\n") == "if a:\n    c()\n"
    other = Rule("C01", "x", "x.py", "b()", "pass", "t::t")
    assert breaking.broken(other, "if a:\n    b()\n") == "if a:\n    pass\n"
    with pytest.raises(LookupError):
        breaking.broken(rule, "b()\nb()\n")
