"""The demo of ``make run``: petitions, reports, a draft, unions and subscribers, all of them plainly made up (C26)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from app.audience import subscriptions, wordings
from app.audience.consents import current
from app.audience.models import NEWSLETTER, UNIONS
from app.audience.subscriptions import Desk
from app.core import addresses, ids, persian
from app.newsletters.models import PETITION, SUBJECT, Block, BlockText, Issue, Report, ReportText
from app.organisations.models import Organisation, Representative
from app.petitions import campaigning, endorsing, signing
from app.petitions.campaigning import Backing
from app.petitions.models import OPEN, Petition, PetitionText
from app.staff import passwords
from app.staff.models import ADMIN, Account

CONTENT: Final = Path(__file__).with_name("content.toml")
SUBSCRIBERS: Final = 80
CHOICES: Final = (("fa",), ("en",), ("fa", "en"))
LANGUAGES: Final = ("fa", "en")


def is_empty(session: Session) -> bool:
    """Whether nothing was ever written here: only then is the demo loaded."""
    return not session.scalar(sa.select(sa.func.count()).select_from(Petition))


def load(session: Session, desk: Desk, *, now: datetime) -> None:
    """Write the whole demo in one transaction; the lists and wordings must be there already."""
    content = tomllib.loads(CONTENT.read_text("utf-8"))
    day = now.date()
    petitions = {
        entry["slug"]: _petition(session, desk, entry, now) for entry in content["petitions"]
    }
    for entry in content["reports"]:
        _report(session, entry, day)
    _issue(session, content["issue"], petitions, day)
    for number, entry in enumerate(content["organisations"], start=1):
        _organisation(session, desk, entry, number, day)
    for entry in content["updates"]:
        _update(session, petitions[entry["petition"]], entry, day)
    for entry in content["endorsements"]:
        _endorsement(session, petitions[entry["petition"]], entry, day)
    for entry in content["asked_endorsements"]:
        _asked_endorsement(session, desk, petitions[entry["petition"]], entry, day)
    for number, languages in zip(range(1, SUBSCRIBERS + 1), cycle(CHOICES), strict=False):
        _subscribe(session, desk, f"reader{number}@readers.example", NEWSLETTER, languages, day)


def account(session: Session) -> Account:
    """The demo's one staff account; nobody knows its password, one signs in by a link."""
    found = session.scalar(sa.select(Account).where(Account.role == ADMIN, Account.active))
    if found is None:
        found = Account(
            name="demo",
            role=ADMIN,
            language=LANGUAGES[0],
            password_hash=passwords.hashed(ids.in_url(ids.new()) * 2),
            active=True,
        )
        session.add(found)
        session.flush()
    return found


def _petition(session: Session, desk: Desk, entry: Mapping[str, Any], now: datetime) -> Petition:
    day = now.date()
    source = LANGUAGES[0]
    approved = {"source_version": 1, "approved_by": account(session).id}
    petition = Petition(
        slug=entry["slug"],
        state=OPEN,
        goal=entry["goal"],
        live=entry["live"],
        source_language=source,
        opened=day - timedelta(days=9),
    )
    petition.texts = [
        PetitionText(
            language=language,
            version=1,
            day=day - timedelta(days=9),
            **({} if language == source else approved),
            **{key: str(text).strip() for key, text in entry[language].items()},
        )
        for language in LANGUAGES
    ]
    session.add(petition)
    session.flush()
    wording = current(session, wordings.SIGNATURE, LANGUAGES[0])
    for number in range(entry["signatures"]):
        signing.count(
            session,
            desk,
            petition.id,
            addresses.parse(f"signer{number}@signers.example"),
            {"text_id": petition.texts[0].id, "wording_id": wording.id if wording else 0},
            {"signature_id": ids.new().hex},
            day=day,
        )
    petition.published_total = entry["signatures"]
    petition.published_at = now
    return petition


def _report(session: Session, entry: Mapping[str, Any], day: date) -> None:
    session.add(
        Report(
            slug=entry["slug"],
            day=day - timedelta(days=entry["days_ago"]),
            texts=[
                ReportText(
                    language=language,
                    **{key: str(text).strip() for key, text in entry[language].items()},
                )
                for language in LANGUAGES
            ],
        )
    )


def _update(session: Session, petition: Petition, entry: Mapping[str, Any], day: date) -> None:
    texts = {code: (entry[code]["title"], entry[code]["body"]) for code in LANGUAGES}
    made = campaigning.save_update(session, petition.id, entry["kind"], texts)
    shown_on = day - timedelta(days=entry["days_ago"])
    campaigning.publish_update(session, petition.id, made.id, day=shown_on)


def _endorsement(session: Session, petition: Petition, entry: Mapping[str, Any], day: date) -> None:
    organisation = session.scalars(
        sa.select(Organisation).where(
            Organisation.folded_name.contains(persian.fold(entry["organisation"]))
        )
    ).one()
    backing = Backing(
        organisation.id,
        entry["mandate"],
        entry["language"],
        statement=entry["statement"],
        may_publish=True,
    )
    campaigning.endorse(session, petition.id, backing, account_id=account(session).id, day=day)


def _asked_endorsement(
    session: Session, desk: Desk, petition: Petition, entry: Mapping[str, Any], day: date
) -> None:
    """One that an organisation asked for itself, so that staff have a mandate to check."""
    wording = current(session, wordings.ENDORSEMENT, entry["language"])
    endorsing.ask(
        session,
        desk,
        petition.id,
        addresses.parse(entry["address"]),
        {"wording_id": wording.id if wording else 0},
        {**entry, "may_publish": True},
        day=day,
    )


def _issue(
    session: Session, entry: Mapping[str, Any], petitions: Mapping[str, Petition], day: date
) -> None:
    issue = Issue(
        number=entry["number"],
        day=day,
        source_language=LANGUAGES[0],
        languages=LANGUAGES,
        lists=[NEWSLETTER, UNIONS],
    )
    subject = {language: {"heading": entry[language]["subject"]} for language in LANGUAGES}
    for position, block in enumerate([{"kind": SUBJECT, **subject}, *entry["blocks"]]):
        petition = petitions.get(block.get("petition", ""))
        issue.blocks.append(
            Block(
                position=position,
                kind=block["kind"],
                petition_id=petition.id if block["kind"] == PETITION and petition else None,
                texts=[_block_text(block, language) for language in LANGUAGES],
            )
        )
    session.add(issue)


def _block_text(block: Mapping[str, Any], language: str) -> BlockText:
    text, source = block[language], block[LANGUAGES[0]]
    translated = language != LANGUAGES[0]
    return BlockText(
        language=language,
        heading=text["heading"],
        body=str(text.get("body", "")).strip(),
        source_revision=1 if translated else None,
        source_body=str(source.get("body", "")).strip() if translated else "",
    )


def _organisation(
    session: Session, desk: Desk, entry: Mapping[str, Any], number: int, day: date
) -> None:
    organisation = Organisation(
        type=entry["type"],
        country=entry["country"],
        sector=entry["sector"],
        names=entry["names"],
        folded_name=persian.fold(" ".join(entry["names"].values())),
        website=entry["website"],
        source=entry["website"],
        verified=day,
    )
    session.add(organisation)
    session.flush()
    for place, choice in enumerate(entry["representatives"], start=1):
        languages = tuple(choice.split(","))
        address = f"international{place}@union{number}.example"
        contact_id = _subscribe(session, desk, address, UNIONS, languages, day)
        session.add(
            Representative(
                organisation_id=organisation.id,
                role="International department",
                language=languages[0],
                contact_id=contact_id,
                day=day,
            )
        )


def _subscribe(
    session: Session, desk: Desk, address: str, slug: str, languages: tuple[str, ...], day: date
) -> Any:
    purpose = wordings.NEWSLETTER
    wording = current(session, purpose, languages[0])
    return subscriptions.subscribe(
        session,
        desk,
        addresses.parse(address),
        slug,
        languages=languages,
        wording_id=wording.id if wording else 0,
        language=languages[0],
        day=day,
    ).contact_id
