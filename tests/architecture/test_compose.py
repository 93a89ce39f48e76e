"""compose.yaml gives each process what it needs and nothing that is the other's (C02)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config import Role, settings

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = (ROOT / "compose.yaml").read_text(encoding="utf-8")
COMMON = COMPOSE.split("\nx-common:")[1].split("\nservices:")[0]


def part(service: str) -> str:
    """The lines of one service."""
    found = re.search(rf"^  {service}:\n((?:    .*\n|\n)+)", COMPOSE, re.MULTILINE)
    assert found, f"no service {service}"
    return found.group(1)


def variables(text: str) -> set[str]:
    """The settings that ``text`` sets, their file forms named like the settings."""
    names = re.findall(r"^ +(PEYVAND_[A-Z_]+):", text, re.MULTILINE)
    return {name.removesuffix("_FILE") for name in names}


def secrets_of(service: str) -> set[str]:
    """The secret files a service may read."""
    listed = re.search(r"^    secrets: \[(.*)\]$", part(service), re.MULTILINE)
    assert listed, f"{service} has no secrets"
    return set(listed.group(1).split(", "))


ROLES: list[Role] = ["web", "worker"]


@pytest.mark.parametrize("role", ROLES)
def test_C02_each_process_holds_its_own_keys_only(role: Role) -> None:
    known = {str(spec.metadata["name"]): spec.metadata for spec in settings()}
    given = variables(part(role)) | variables(COMMON)

    assert given <= set(known), "a setting that does not exist"
    assert {n for n in given if known[n]["secret"] and role not in known[n]["roles"]} == set()


@pytest.mark.parametrize("role", ROLES)
def test_C02_each_secret_named_is_a_file_the_service_may_read(role: Role) -> None:
    files = set(re.findall(r"_FILE: /run/secrets/([a-z-]+)", part(role) + COMMON))

    assert files == secrets_of(role)


def test_C02_the_web_process_cannot_read_the_keys_that_open() -> None:
    assert secrets_of("web").isdisjoint({"seal-private-key", "index-key", "officer-keys"})
    assert {"seal-private-key", "index-key"} <= secrets_of("worker")


def test_no_way_leads_out_of_the_web_process() -> None:
    assert "networks: [inside, front]" in part("web")
    front = COMPOSE.split("\n  front:\n")[1].split("\n  out:")[0]
    assert 'enable_ip_masquerade: "false"' in front
    assert re.search(r"^  inside: \{ internal: true \}$", COMPOSE, re.MULTILINE)
