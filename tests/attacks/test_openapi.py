"""The JSON and the feeds as their OpenAPI document lets a stranger ask, rightly and wrongly: schemathesis.

Seeded like the forms; ``PEYVAND_FUZZ_CALLS`` asks for more of each operation.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
import time_machine
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.core.result import Ok

from tests.attacks.conftest import House

CALLS = int(os.environ.get("PEYVAND_FUZZ_CALLS", "60"))
OPERATIONS = 4
"""All but the document itself, which schemathesis has already read."""


def test_R06_what_the_document_allows_and_forbids_is_answered_as_it_says(
    build: Callable[..., House], clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    house = build()
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", house.app)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    assert len(operations) >= OPERATIONS
    before = house.rows()
    asked = 0
    for operation in operations:
        modes = [GenerationMode.POSITIVE, GenerationMode.NEGATIVE]
        for mode in modes if len(operation.path_parameters) else modes[:1]:

            @settings(
                max_examples=CALLS,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def attack(case: Case[Any]) -> None:
                nonlocal asked
                asked += 1
                case.call_and_validate()

            attack()
    assert house.rows() == before
    assert asked >= OPERATIONS
    assert "unexpected" not in caplog.text
    print(f"{asked} calls of {len(operations)} operations")
