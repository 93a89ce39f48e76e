"""Settings: what is missing, odd, or not this process's to hold stops the start and is named (C02, C26, R06)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import pytest

import config as settings_of
from config import Config, ConfigError, Role, Secret, is_loopback, settings

WEB = {"PEYVAND_SECRET_KEY": "cookie", "PEYVAND_SEAL_PUBLIC_KEY": "1:public"}
WORKER = {
    "PEYVAND_SEAL_PUBLIC_KEY": "1:public",
    "PEYVAND_SEAL_PRIVATE_KEY": "1:private",
    "PEYVAND_INDEX_KEY": "1:index",
}
ENVIRONMENTS: dict[Role, dict[str, str]] = {"web": WEB, "worker": WORKER}
NAMES = [str(spec.metadata["name"]) for spec in settings()]
BOUNDED = [spec for spec in settings() if spec.metadata["within"]]


def role_of(spec: dataclasses.Field[object]) -> Role:
    role: Role = spec.metadata["roles"][0]
    return role


def read(role: Role, **more: str) -> Config:
    return Config.from_env(role, {**ENVIRONMENTS[role], **more})


def test_every_setting_is_named_documented_and_read_by_somebody() -> None:
    assert len(NAMES) == len(set(NAMES))
    for spec in settings():
        name, doc = spec.metadata["name"], spec.metadata["doc"]
        assert name == "PORT" or name.startswith("PEYVAND_")
        assert doc.endswith("."), name
        assert set(spec.metadata["roles"]) <= {"web", "worker"}
        assert spec.metadata["roles"], name


@pytest.mark.parametrize("role", ["web", "worker"])
def test_the_defaults_start_both_processes(role: Role) -> None:
    found = read(role)
    assert found.role == role
    assert found.locales == ("fa", "en")
    assert found.confirmation_sender == found.mail_from == "peyvand@example.org"
    assert found.confirmation_base_url == found.base_url == "http://127.0.0.1:8000"
    assert found.mail_domain == "example.org"


def test_C14_confirmations_have_a_sender_and_a_host_of_their_own() -> None:
    found = read(
        "worker",
        PEYVAND_QUIET_MAIL_FROM="post@plain.example",
        PEYVAND_QUIET_BASE_URL="https://plain.example/",
    )
    assert found.confirmation_sender == "post@plain.example"
    assert found.confirmation_base_url == "https://plain.example"


@pytest.mark.parametrize("spec", BOUNDED, ids=lambda spec: spec.name)
def test_numbers_are_read_within_their_bounds(spec: dataclasses.Field[object]) -> None:
    name, bounds = spec.metadata["name"], spec.metadata["within"]
    for value in (bounds.start, bounds.stop - 1):
        assert getattr(read(role_of(spec), **{name: str(value)}), spec.name) == value
    odd = (bounds.start - 1, bounds.stop, "x", "1.5", "-1", "1 0", "۶", "²", "0x10", "9" * 5000)
    for value in odd:
        with pytest.raises(ConfigError, match=f"^{name} "):
            read(role_of(spec), **{name: str(value)})


@pytest.mark.parametrize("spec", settings(), ids=lambda spec: spec.name)
def test_every_setting_may_come_from_a_file(
    spec: dataclasses.Field[object], tmp_path: Path
) -> None:
    name, role = spec.metadata["name"], role_of(spec)
    value = sample(spec)
    direct = read(role, **{name: value})
    file = tmp_path / "setting"
    file.write_text(f"{value}\n", "utf-8")
    rest = {key: text for key, text in ENVIRONMENTS[role].items() if key != name}
    assert Config.from_env(role, {**rest, f"{name}_FILE": str(file)}) == direct
    assert getattr(direct, spec.name) == getattr(read(role, **{name: value}), spec.name)
    for unreadable in (tmp_path / "none", tmp_path):
        with pytest.raises(ConfigError, match=f"^{name}_FILE "):
            Config.from_env(role, {**rest, f"{name}_FILE": str(unreadable)})


def sample(spec: dataclasses.Field[object]) -> str:
    """A value that this setting takes."""
    by_name = {
        "PEYVAND_DATABASE_URL": "postgresql://peyvand:pass-word@127.0.0.1/peyvand",
        "PEYVAND_BROKER_URL": "redis://127.0.0.1:6379/0",
        "PEYVAND_SMTP_URL": "smtps://user:pass-word@mail.example",
        "PEYVAND_BASE_URL": "https://peyvand.example",
        "PEYVAND_ONION_URL": "http://abcdef.onion",
        "PEYVAND_QUIET_BASE_URL": "https://plain.example",
        "PEYVAND_LOCALES": "en,fa",
        "PEYVAND_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2",
        "PEYVAND_ORGANISATION": "fa=کنفدراسیون;en=Confederation",
        "PEYVAND_EMBEDDED": "0",
        "PEYVAND_EHLO_NAME": "mail.example.org",
    }
    if spec.metadata["within"]:
        return str(spec.metadata["within"].start)
    return by_name.get(spec.metadata["name"], "someone@example.org")


@pytest.mark.parametrize("role", ["web", "worker"])
def test_C02_what_is_missing_stops_the_start_and_is_named(role: Role) -> None:
    for name in ENVIRONMENTS[role]:
        rest = {key: value for key, value in ENVIRONMENTS[role].items() if key != name}
        with pytest.raises(ConfigError, match=name):
            Config.from_env(role, rest)
        with pytest.raises(ConfigError, match=name):
            Config.from_env(role, {**rest, name: ""})


@pytest.mark.parametrize("form", ["{}", "{}_FILE"])
@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("web", "PEYVAND_SEAL_PRIVATE_KEY"),
        ("web", "PEYVAND_INDEX_KEY"),
        ("web", "PEYVAND_OFFICER_KEYS"),
        ("worker", "PEYVAND_SECRET_KEY"),
    ],
)
def test_C02_neither_process_starts_with_the_other_s_keys(role: Role, name: str, form: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(role, **{form.format(name): "hidden-word"})
    assert form.format(name) in str(caught.value)
    assert "hidden-word" not in str(caught.value)


@pytest.mark.parametrize("role", ["web", "worker"])
def test_C23_a_config_shows_no_secret(role: Role) -> None:
    secrets = {
        spec.metadata["name"]: sample(spec)
        for spec in settings()
        if spec.metadata["secret"] and role in spec.metadata["roles"]
    }
    found = read(role, **secrets)
    assert "pass-word" not in repr(found)
    assert "someone@example.org" not in repr(found)
    assert repr(Secret("x")) == "'***'"
    assert f"{Secret('x')}" == "x"


ODD = [
    ("PEYVAND_DATABASE_URL", "mysql://hidden-word@h/d"),
    ("PEYVAND_DATABASE_URL", "peyvand.sqlite"),
    ("PEYVAND_DATABASE_URL", "postgresql://u:hidden-word@h:port/d"),
    ("PEYVAND_BROKER_URL", "http://hidden-word"),
    ("PEYVAND_BROKER_URL", "redis://:hidden-word@[::1"),
    ("PEYVAND_SMTP_URL", "hidden-word"),
    ("PEYVAND_SMTP_URL", "http://hidden-word"),
    ("PEYVAND_BASE_URL", "hidden-word.example"),
    ("PEYVAND_BASE_URL", "ftp://hidden-word"),
    ("PEYVAND_BASE_URL", "http://[::1"),
    ("PEYVAND_ONION_URL", "hidden-word.onion"),
    ("PEYVAND_EMBEDDED", "hidden-word"),
    ("PEYVAND_MAIL_FROM", "hidden-word"),
    ("PEYVAND_REPLY_TO", "hidden-word"),
    ("PEYVAND_QUIET_MAIL_FROM", "hidden-word"),
    ("PEYVAND_CONTACT_ADDRESS", "hidden-word"),
    ("PEYVAND_MAIL_FROM", "a@b.example\nBcc: hidden-word"),
    ("PEYVAND_LOCALES", ","),
    ("PEYVAND_LOCALES", "fa,de"),
    ("PEYVAND_LOCALES", "فارسی"),
    ("PEYVAND_LOCALES", "hidden-word"),
]


@pytest.mark.parametrize(("name", "value"), ODD)
def test_what_is_odd_stops_the_start_and_is_named_without_its_value(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} ") as caught:
        read("worker", **{name: value})
    assert "hidden-word" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"), [("1", True), ("yes", True), ("TRUE", True), ("0", False), ("no", False)]
)
def test_a_switch_is_read_in_its_usual_spellings(text: str, value: bool) -> None:
    assert read("worker", PEYVAND_EMBEDDED=text).embedded is value


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost", True),
        ("http://[::1]:8000", True),
        ("http://127.9.9.9", True),
        ("https://peyvand.example", False),
        ("http://10.0.0.1", False),
        ("http://localhost.example", False),
        ("http://0.0.0.0", False),
        ("", False),
    ],
)
def test_C26_the_trial_set_up_starts_on_loopback_only(url: str, here: bool) -> None:
    assert is_loopback(url) is here
    if here:
        assert read("web", PEYVAND_EMBEDDED="1", PEYVAND_BASE_URL=url).embedded
    elif url:
        with pytest.raises(ConfigError, match="PEYVAND_BASE_URL"):
            read("web", PEYVAND_EMBEDDED="1", PEYVAND_BASE_URL=url)


def test_the_organisation_has_a_name_in_every_language() -> None:
    found = read("web", PEYVAND_ORGANISATION="en=Union; fa=اتحادیه")
    assert found.organisation_name("fa") == "اتحادیه"
    assert found.organisation_name("de") == "اتحادیه", "the site's first language that has one"
    assert read("web", PEYVAND_ORGANISATION="de=Bund").organisation_name("fa") == "Bund"
    assert read("web", PEYVAND_ORGANISATION=";").organisation_name("fa") == "Peyvand"


def test_a_setting_of_the_other_process_that_is_no_secret_is_left_aside() -> None:
    assert read("worker", PEYVAND_IDLE_MINUTES="nonsense").idle_minutes == 30


def test_settings_come_from_this_process_s_own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    environment: Mapping[str, str] = {**WEB, "PORT": "8123"}
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert Config.from_env("web").port == 8123


def test_a_config_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read("web").port = 1  # type: ignore[misc]


def test_C16_every_period_of_retention_is_a_setting_that_the_privacy_page_shows() -> None:
    shown = {spec.name for spec in settings() if spec.metadata["shown"]}
    assert shown >= {"unproven_hours", "request_days", "cap_days", "send_days", "code_minutes"}
    assert {spec.default for spec in settings() if spec.name in shown} == {72, 7, 60, 31, 3, 6, 10}
    assert settings_of.DEFAULT_ORGANISATION
