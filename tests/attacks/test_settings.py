"""Settings with nonsense in them: the start is refused by a sentence that names the setting and quotes nothing (C02, C26)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from app.core.database import Database
from app.factory import create_app
from config import Config, ConfigError, Role, settings
from tests import factories
from workers.embedded import _prepare
from workers.keys import open_desk
from workers.loop import _transport

SECRET = "hunter2-value"
NONSENSE = (
    " ",
    "\x00",
    "a\nb",
    "\u202e",
    "[",
    "http://[",
    f"http://[{SECRET}]/",
    "http://",
    f"http://user:{SECRET}\u2100x@h/",
    f"http://u:{SECRET}@h",
    "http://x y",
    "https://exämple.org",
    f"https://e.org?{SECRET}",
    "https://e.org:99999",
    "sqlite:",
    f"sqlite+{SECRET}:///x",
    f"postgresql+{SECRET}://h/x",
    f"amqp://{SECRET}[",
    "smtp://",
    f"smtp://{SECRET}@h",
    "mailbox:",
    SECRET,
    "@",
    f"{SECRET}@",
    f"a b@{SECRET}",
    f"a@b.example>,<{SECRET}@d.example",
    "fa,fa",
    "fa,.*",
    "fa,zz",
    "../etc",
    f"={SECRET}",
    "fa=;en=",
    f"1:{SECRET}",
    f"10.0.0.0/{SECRET}",
    "-1",
    "1e3",
    "٥",
    "x" * 10_000,
)
SHOWN = {"PEYVAND_LOCALES", "PEYVAND_TEXTS", "PEYVAND_ORGANISATION", "PEYVAND_ONION_URL"}
"""What only a page would stumble over."""
CASES = [(spec, role) for spec in settings() for role in spec.metadata["roles"]]


def environment(role: Role, keys: factories.Keys, folder: Path) -> dict[str, str]:
    base = {
        "PEYVAND_INSTANCE": str(folder),
        "PEYVAND_DATABASE_URL": f"sqlite:///{folder / 'peyvand.sqlite'}",
    }
    if role == "web":
        return keys.web(**base)
    return {
        **base,
        "PEYVAND_SEAL_PUBLIC_KEY": keys.seal_public,
        "PEYVAND_SEAL_PRIVATE_KEY": keys.seal_private,
        "PEYVAND_INDEX_KEY": keys.index,
    }


def start(role: Role, environ: dict[str, str]) -> None:
    """As far as a process comes before it opens its doors. Raises ConfigError."""
    config = Config.from_env(role, environ)
    if role == "worker":
        open_desk(config)
        _transport(config)
        return
    app = create_app(config)
    if environ.keys() & SHOWN:
        answer = app.test_client().get(f"/{config.locales[0]}/safety")
        assert answer.status_code == 200


def refusal(role: Role, environ: dict[str, str]) -> ConfigError | None:
    """Why the process does not start, or None where it does; any other error is the test's."""
    try:
        start(role, environ)
    except ConfigError as error:
        return error
    return None


@pytest.fixture(scope="module")
def keys() -> factories.Keys:
    return factories.Keys()


@pytest.mark.parametrize(
    ("spec", "role"), CASES, ids=[f"{spec.metadata['name']}-{role}" for spec, role in CASES]
)
def test_C02_nonsense_is_named_and_never_quoted(
    spec: dataclasses.Field[object], role: Role, keys: factories.Keys, tmp_path: Path
) -> None:
    name = spec.metadata["name"]
    for value in NONSENSE:
        refused = refusal(role, {**environment(role, keys, tmp_path), name: value})
        if refused is not None:
            assert name in str(refused), value
            assert SECRET not in str(refused), value
            assert refused.__cause__ is None, "a cause would quote what it met"


MUST_REFUSE = [
    ("web", "PEYVAND_BASE_URL", "http://"),
    ("web", "PEYVAND_BASE_URL", "https://exämple.org"),
    ("web", "PEYVAND_ONION_URL", "http://x y"),
    ("web", "PEYVAND_TRUSTED_PROXIES", "everyone"),
    ("web", "PEYVAND_LOCALES", "fa,zz"),
    ("web", "PEYVAND_LOCALES", "fa,.*"),
    ("web", "PEYVAND_LOCALES", "fa,fa"),
    ("web", "PEYVAND_TEXTS", "no-such-folder"),
    ("web", "PEYVAND_TEXTS", "x" * 10_000),
    ("web", "PEYVAND_SEAL_PUBLIC_KEY", "1:AAAA"),
    ("web", "PEYVAND_NAMES_PUBLIC_KEY", "nonsense"),
    ("web", "PEYVAND_DATABASE_URL", "sqlite+nonsense:///x"),
    ("web", "PEYVAND_BROKER_URL", "redis"),
    ("web", "PEYVAND_ORGANISATION", "fa=;en=x"),
    ("worker", "PEYVAND_MAIL_FROM", "@"),
    ("worker", "PEYVAND_MAIL_FROM", "Peyvand <a@b.example>"),
    ("worker", "PEYVAND_MAIL_FROM", "لیلا@example.org"),
    ("worker", "PEYVAND_REPLY_TO", "a@b.example, c@d.example"),
    ("worker", "PEYVAND_QUIET_MAIL_FROM", "a b@example.org"),
    ("worker", "PEYVAND_EHLO_NAME", "two words"),
    ("worker", "PEYVAND_SMTP_URL", "smtp://user@mail.example"),
    ("worker", "PEYVAND_INDEX_KEY", "1:short"),
    ("worker", "PEYVAND_SEAL_PRIVATE_KEY", "1:short"),
]


@pytest.mark.parametrize(("role", "name", "value"), MUST_REFUSE)
def test_C02_what_would_fail_later_is_refused_at_the_start(
    role: Role, name: str, value: str, keys: factories.Keys, tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match=name):
        start(role, {**environment(role, keys, tmp_path), name: value})


@pytest.mark.parametrize(
    "url",
    [
        "https://peyvand.example",
        "http://0.0.0.0:8000",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://127.0.0.1@evil.example",
        "http://evil.example#127.0.0.1",
        "http://[::ffff:8.8.8.8]",
        "http://2130706433",
        "http://0x7f.1",
        "http://192.168.1.2:8000",
    ],
)
def test_C26_the_trial_set_up_off_loopback_does_not_start(
    url: str, keys: factories.Keys, tmp_path: Path
) -> None:
    for role in ("web", "worker"):
        environ = {**environment(role, keys, tmp_path), "PEYVAND_BASE_URL": url}
        with pytest.raises(ConfigError, match="PEYVAND_BASE_URL"):
            Config.from_env(role, {**environ, "PEYVAND_EMBEDDED": "1"})


def test_C26_the_trial_set_up_prepares_nothing_off_loopback(
    keys: factories.Keys, tmp_path: Path
) -> None:
    environ = environment("worker", keys, tmp_path)
    serious = Config.from_env("worker", {**environ, "PEYVAND_BASE_URL": "https://peyvand.example"})
    with pytest.raises(ConfigError):
        _prepare(serious)
    assert not (tmp_path / "peyvand.sqlite").exists()


def test_C02_a_web_process_opens_no_box_with_all_it_holds(
    keys: factories.Keys, tmp_path: Path
) -> None:
    app = create_app(Config.from_env("web", environment("web", keys, tmp_path)))
    held = app.extensions["peyvand"]
    assert isinstance(held.database, Database)
    for closer in (held.sealer, held.names_sealer):
        assert not hasattr(closer, "open")
    text = repr(held) + repr(app.config) + repr(held.config)
    for private in (keys.seal_private, keys.index, keys.names_private):
        assert private.partition(":")[2] not in text
    held.database.dispose()
