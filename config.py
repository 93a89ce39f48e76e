"""The settings of one process, read once from the environment and then frozen.

A secret comes from ``NAME`` or from the file named in ``NAME_FILE``. What is missing, odd, or not this
process's to hold stops the start and is named (C02): the web process holds public keys only.
"""

# ruff: noqa: RUF009 (setting() is a field, not a mutable default)
from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from functools import cached_property
from typing import Any, Final

from app.core.settings import (
    NO_SECRET,
    ConfigError,
    Role,
    Secret,
    database,
    host,
    is_loopback,
    mail_address,
    networks,
    per_language,
    read,
    scheme,
    setting,
    tongues,
    truth,
    url,
)

__all__ = ["Config", "ConfigError", "Role", "Secret", "is_loopback", "settings"]

DEFAULT_ORGANISATION: Final = (
    "fa=کنفدراسیون کار ایران – خارج از کشور;en=Iran Labour Confederation – Abroad"
)


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything a process may know of its surroundings."""

    role: Role
    database_url: str = setting(
        "PEYVAND_DATABASE_URL",
        default="sqlite:///instance/peyvand.sqlite",
        parse=database,
        secret=True,
        doc="The database: sqlite:///FILE or postgresql://...",
    )
    broker_url: str = setting(
        "PEYVAND_BROKER_URL",
        default="",
        parse=scheme("redis", "rediss", "unix", "amqp", "amqps"),
        secret=True,
        doc="redis://... or amqp://... wakes the workers; empty: a socket in the instance folder.",
    )
    smtp_url: str = setting(
        "PEYVAND_SMTP_URL",
        default="mailbox:instance/mailbox",
        parse=scheme("smtp", "smtps", "mailbox"),
        secret=True,
        doc="Where mail goes: smtp://, smtps:// or mailbox:FOLDER.",
    )
    smtp_connections: int = setting(
        "PEYVAND_SMTP_CONNECTIONS",
        default=8,
        within=range(1, 201),
        doc="Lasting SMTP connections a worker keeps open at most.",
        roles=("worker",),
    )
    ehlo_name: str = setting(
        "PEYVAND_EHLO_NAME",
        default="",
        parse=host,
        doc="The name said in EHLO; empty: the domain of PEYVAND_MAIL_FROM.",
        roles=("worker",),
    )
    base_url: str = setting(
        "PEYVAND_BASE_URL",
        default="http://127.0.0.1:8000",
        parse=url,
        doc="The public address of the site, without a slash at the end.",
    )
    onion_url: str = setting(
        "PEYVAND_ONION_URL", default="", parse=url, doc="The site's onion address, if it has one."
    )
    mail_from: str = setting(
        "PEYVAND_MAIL_FROM",
        default="peyvand@example.org",
        parse=mail_address,
        doc="The sender of newsletters and invitations; its domain stands in Message-ID and in bounces.",
    )
    reply_to: str = setting(
        "PEYVAND_REPLY_TO", default="", parse=mail_address, doc="Where answers to newsletters go."
    )
    quiet_mail_from: str = setting(
        "PEYVAND_QUIET_MAIL_FROM",
        default="",
        parse=mail_address,
        doc="The sender of confirmations (C14); empty: PEYVAND_MAIL_FROM.",
    )
    quiet_base_url: str = setting(
        "PEYVAND_QUIET_BASE_URL",
        default="",
        parse=url,
        doc="The host of the links in confirmations (C14); empty: PEYVAND_BASE_URL.",
    )
    relay_limit: int = setting(
        "PEYVAND_RELAY_LIMIT",
        default=0,
        within=range(100_000_001),
        doc="Mails a day that the relay takes; 0: no limit.",
        roles=("worker",),
    )
    secret_key: Secret = setting(
        "PEYVAND_SECRET_KEY",
        default=NO_SECRET,
        secret=True,
        roles=("web",),
        doc="Signs the staff's session cookie.",
    )
    seal_public_key: str = setting(
        "PEYVAND_SEAL_PUBLIC_KEY", secret=True, doc="Public halves of the seal keys, id:key,id:key."
    )
    names_public_key: str = setting(
        "PEYVAND_NAMES_PUBLIC_KEY",
        default="",
        secret=True,
        doc="Public half of the names key; its private half stays offline.",
    )
    seal_private_key: Secret = setting(
        "PEYVAND_SEAL_PRIVATE_KEY",
        default=NO_SECRET,
        secret=True,
        roles=("worker",),
        doc="Private halves of the seal keys, id:key,id:key; the worker alone holds them.",
    )
    index_key: Secret = setting(
        "PEYVAND_INDEX_KEY",
        default=NO_SECRET,
        secret=True,
        roles=("worker",),
        doc="Index keys, id:key,id:key; the first is current. The worker alone holds them.",
    )
    officer_keys: str = setting(
        "PEYVAND_OFFICER_KEYS",
        default="",
        secret=True,
        roles=("worker",),
        doc="age recipients of the officers, to whom exports and backups are encrypted.",
    )
    ledger: str = setting(
        "PEYVAND_LEDGER",
        default="instance/ledger.jsonl",
        roles=("worker",),
        doc="The erasure ledger: a file outside the dump, appended before each erasing commit (C17).",
    )
    trusted_proxies: tuple[str, ...] = setting(
        "PEYVAND_TRUSTED_PROXIES",
        default=(),
        parse=networks,
        roles=("web",),
        doc="Addresses of proxies whose X-Forwarded headers are believed, separated by commas.",
    )
    locales: tuple[str, ...] = setting(
        "PEYVAND_LOCALES",
        default=("fa", "en"),
        parse=tongues,
        doc="Languages of the site, the first is the default; each needs its catalogue.",
    )
    organisation: Mapping[str, str] = setting(
        "PEYVAND_ORGANISATION",
        default=per_language(DEFAULT_ORGANISATION),
        parse=per_language,
        doc="The organisation's name in each language: fa=...;en=...",
    )
    contact_address: str = setting(
        "PEYVAND_CONTACT_ADDRESS",
        default="",
        parse=mail_address,
        doc="The address on the contact page; empty: PEYVAND_MAIL_FROM.",
    )
    texts: str = setting(
        "PEYVAND_TEXTS",
        default="",
        roles=("web",),
        doc="A folder with the operator's own safety.fa.md, contact.en.md and so on.",
    )
    instance: str = setting(
        "PEYVAND_INSTANCE", default="instance", doc="The folder of the embedded set-up's files."
    )
    embedded: bool = setting(
        "PEYVAND_EMBEDDED",
        default=False,
        parse=truth,
        doc="The trial set-up of make run: demo, made keys, /mailbox; loopback only (C26).",
    )
    port: int = setting(
        "PORT", default=8000, within=range(1, 65536), doc="The port the site listens on."
    )
    burst_minute: int = setting(
        "PEYVAND_BURST_MINUTE",
        default=600,
        within=range(1, 1_000_001),
        roles=("worker",),
        doc="Signatures a minute of one petition from which on the others of the minute are held.",
    )
    burst_domain: int = setting(
        "PEYVAND_BURST_DOMAIN",
        default=30,
        within=range(1, 1_000_001),
        roles=("worker",),
        doc="The same for one mail domain that is no public provider's.",
    )
    burst_network: int = setting(
        "PEYVAND_BURST_NETWORK",
        default=60,
        within=range(1, 1_000_001),
        roles=("worker",),
        doc="Signatures a day of one petition from one network from which on the others are held.",
    )
    unproven_hours: int = setting(
        "PEYVAND_UNPROVEN_HOURS",
        default=72,
        within=range(1, 169),
        shown=True,
        doc="Hours after its mail until a request nobody proved is erased (C16).",
    )
    request_days: int = setting(
        "PEYVAND_REQUEST_DAYS",
        default=7,
        within=range(2, 31),
        shown=True,
        doc="Days until a request is erased in any case (C16).",
    )
    code_minutes: int = setting(
        "PEYVAND_CODE_MINUTES",
        default=60,
        within=range(5, 241),
        shown=True,
        doc="Minutes a code is good for after its mail was accepted (C11).",
    )
    cap_days: int = setting(
        "PEYVAND_CAP_DAYS",
        default=31,
        within=range(31, 63),
        shown=True,
        doc="Days for which the counters of C15 are kept.",
    )
    mails_a_day: int = setting(
        "PEYVAND_REQUESTS_A_DAY",
        default=3,
        within=range(1, 21),
        shown=True,
        doc="Unproven requests mailed to one address in a day (C15).",
    )
    mails_a_month: int = setting(
        "PEYVAND_REQUESTS_A_MONTH",
        default=6,
        within=range(1, 101),
        shown=True,
        doc="Unproven requests mailed to one address in a month (C15).",
    )
    send_days: int = setting(
        "PEYVAND_SEND_DAYS",
        default=10,
        within=range(1, 61),
        shown=True,
        doc="Days after its last mail until a send's deliveries become counts (C16).",
    )
    export_days: int = setting(
        "PEYVAND_EXPORT_DAYS",
        default=3,
        within=range(1, 31),
        shown=True,
        doc="Days until an export that nobody fetched is deleted (C20).",
    )
    undo_seconds: int = setting(
        "PEYVAND_UNDO_SECONDS",
        default=60,
        within=range(3601),
        doc="Seconds in which a send can still be undone (C28).",
    )
    forms_an_hour: int = setting(
        "PEYVAND_FORMS_AN_HOUR",
        default=120,
        within=range(1, 10_000_001),
        roles=("web",),
        doc="How often an hour one network may send each kind of form (C24).",
    )
    kept_seconds: int = setting(
        "PEYVAND_KEPT_SECONDS",
        default=5,
        within=range(6),
        roles=("web",),
        doc="Seconds a public page is kept in the web process before it is made anew; 0 for none (C21).",
    )
    idle_minutes: int = setting(
        "PEYVAND_IDLE_MINUTES",
        default=30,
        within=range(5, 241),
        roles=("web",),
        doc="Minutes without a request after which a staff session ends (C28).",
    )
    session_hours: int = setting(
        "PEYVAND_SESSION_HOURS",
        default=12,
        within=range(1, 49),
        roles=("web",),
        doc="Hours after which a staff session ends in any case (C28).",
    )

    @classmethod
    def from_env(cls, role: Role, environ: Mapping[str, str] | None = None) -> Config:
        """Read the settings of ``role`` from the environment.

        Raises ConfigError, naming the variable, when one is missing, odd, or belongs to the other process.
        """
        env = os.environ if environ is None else environ
        values: dict[str, Any] = {"role": role}
        for spec in settings():
            value = read(spec, role, env)
            if value is not None:
                values[spec.name] = value
        config = cls(**values)
        config._check()
        return config

    def _check(self) -> None:
        needed = {"web": ("secret_key",), "worker": ("seal_private_key", "index_key")}[self.role]
        for name in needed:
            if not getattr(self, name):
                raise ConfigError(
                    f"{_variable(name)} is not set; the {self.role} process needs it."
                )
        if self.embedded and not self.at_home:
            raise ConfigError(
                "PEYVAND_EMBEDDED is for trying the service on this computer: "
                "PEYVAND_BASE_URL must be a loopback address such as http://127.0.0.1:8000."
            )

    @cached_property
    def at_home(self) -> bool:
        """Whether the site is reached at this computer alone."""
        return is_loopback(self.base_url)

    @property
    def confirmation_sender(self) -> str:
        return self.quiet_mail_from or self.mail_from

    @property
    def confirmation_base_url(self) -> str:
        return self.quiet_base_url or self.base_url

    @property
    def mail_domain(self) -> str:
        return self.mail_from.rpartition("@")[2]

    def organisation_name(self, language: str) -> str:
        """The organisation's name in ``language``, else in the site's first language that has one."""
        for code in (language, *self.locales):
            if code in self.organisation:
                return self.organisation[code]
        return next(iter(self.organisation.values()), "Peyvand")


def settings() -> list[Field[Any]]:
    """All settings in the order of the class, each with its variable's name in its metadata."""
    return [spec for spec in fields(Config) if "name" in spec.metadata]


def _variable(attribute: str) -> str:
    return next(str(spec.metadata["name"]) for spec in settings() if spec.name == attribute)
