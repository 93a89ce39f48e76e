"""Rows as the service makes them, for tests; each function takes a session and returns what it made."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from app.audience import consents, subscriptions, wordings
from app.audience.models import NEWSLETTER, UNIONS, MailingList, Subscription
from app.audience.subscriptions import Desk
from app.core import addresses, ids, tokens
from app.core.sealing import Indexer, Opener, make_index_key, make_key_pair
from app.newsletters.models import Report, ReportText
from app.optin import requests
from app.optin.models import ANSWERED, PROVEN, Request
from app.petitions.models import OPEN, Petition, PetitionText

DAY = date(2026, 11, 24)


class Keys:
    """One instance's keys, and what web and worker make of them."""

    def __init__(self) -> None:
        self.seal_private, self.seal_public = make_key_pair()
        self.names_private, self.names_public = make_key_pair()
        self.index = make_index_key(b"seven amber bricks in one course")
        self.desk = Desk(Opener(self.seal_public, self.seal_private), Indexer(self.index))
        self.names = Opener(self.names_public, self.names_private)

    @property
    def rotated(self) -> Desk:
        """The desk after a new index key came: new rows get that, and the old ones are still found."""
        new = make_index_key(b"another key of the same instance")
        opener = Opener(self.seal_public, self.seal_private)
        return Desk(opener, Indexer(f"2:{new.partition(':')[2]},{self.index}"))

    def web(self, **more: str) -> dict[str, str]:
        """The environment of a web process."""
        return {
            "PEYVAND_SECRET_KEY": "a secret that signs the workroom's cookie",
            "PEYVAND_KEPT_SECONDS": "0",
            "PEYVAND_SEAL_PUBLIC_KEY": self.seal_public,
            "PEYVAND_NAMES_PUBLIC_KEY": self.names_public,
            **more,
        }


def basics(session: Session) -> None:
    """The lists and the consent wordings that every instance has."""
    session.add(MailingList(slug=NEWSLETTER, names={"fa": "خبرنامه", "en": "Newsletter"}))
    session.add(MailingList(slug=UNIONS, names={"fa": "اتحادیه‌ها", "en": "Unions"}))
    wordings.publish_all(session)
    session.flush()


def a_petition(
    session: Session,
    slug: str = "teachers",
    *,
    state: str = OPEN,
    total: int = 6184,
    goal: int = 8000,
    live: bool = False,
    hand_over_names: bool = False,
    languages: tuple[str, ...] = ("fa", "en"),
) -> Petition:
    """A petition with its texts."""
    petition = Petition(
        slug=slug,
        state=state,
        goal=goal,
        live=live,
        hand_over_names=hand_over_names,
        opened=DAY - timedelta(days=28),
        closed=DAY if state == "closed" else None,
        published_total=total,
    )
    for language in languages:
        petition.texts.append(
            PetitionText(language=language, version=1, day=DAY, **TEXTS[language])
        )
    session.add(petition)
    session.flush()
    return petition


def a_report(session: Session, slug: str = "contract-workers", *, day: date = DAY) -> Report:
    """A report in both languages."""
    report = Report(slug=slug, day=day)
    for language, text in REPORTS.items():
        report.texts.append(ReportText(language=language, **text))
    session.add(report)
    session.flush()
    return report


def a_subscriber(
    session: Session,
    desk: Desk,
    address: str,
    *,
    languages: tuple[str, ...] = ("fa",),
    list_slug: str = NEWSLETTER,
) -> Subscription:
    """A confirmed reader of a list."""
    consent = consents.current(session, wordings.NEWSLETTER, languages[0])
    assert consent is not None, "call basics() first"
    return subscriptions.subscribe(
        session,
        desk,
        addresses.parse(address),
        list_slug,
        languages=languages,
        wording_id=consent.id,
        language=languages[0],
        day=DAY,
    )


def an_answered_request(
    session: Session,
    desk: Desk,
    purpose: str,
    subject: str,
    *,
    now: datetime,
    language: str = "en",
    address: str = "leila@example.org",
    request_id: UUID | None = None,
) -> tuple[Request, str, str]:
    """A request the worker has answered, with its link's token and its code."""
    request_id = request_id or ids.new()
    key_id = desk.indexer.key_id
    link = desk.secrets.token(tokens.LINK, request_id, key_id)
    code = desk.secrets.code(request_id, key_id)
    request = Request(
        id=request_id,
        purpose=purpose,
        subject=subject,
        language=language,
        day=now.date(),
        state=ANSWERED,
        expires_at=now + timedelta(days=3),
        box=desk.opener.seal("request", request_id, {"address": address, "subject": subject}),
        answered=1,
        key_id=key_id,
        link_hash=tokens.fingerprint(link),
        code_hash=tokens.code_fingerprint(request_id, code),
        code_expires_at=now + timedelta(hours=1),
        noted={"lists": {}},
    )
    session.add(request)
    session.flush()
    return request, link, code


def a_request(
    session: Session,
    desk: Desk,
    purpose: str,
    subject: str,
    *,
    now: datetime,
    address: str = "leila@example.org",
    language: str = "en",
    **fields: object,
) -> UUID:
    """A wish as the web writes it down; returns its id."""
    request_id = ids.new()
    box = desk.opener.seal(
        "request", request_id, {"address": address, "subject": subject, "network": None, **fields}
    )
    requests.ask(
        session, request_id, purpose, subject, box, language=language, now=now, keep_days=7
    )
    session.flush()
    return request_id


def a_proven_request(
    session: Session,
    desk: Desk,
    purpose: str,
    subject: str,
    *,
    now: datetime,
    choices: Mapping[str, object] | None = None,
    address: str = "leila@example.org",
    language: str = "en",
    **fields: object,
) -> Request:
    """A wish that was answered and proven; the worker is to carry it out."""
    request_id = a_request(
        session,
        desk,
        purpose,
        subject,
        now=now,
        address=address,
        language=language,
        **fields,
    )
    request = session.get_one(Request, request_id)
    request.state, request.answered, request.key_id = PROVEN, 1, desk.indexer.key_id
    request.choices = desk.opener.seal("choices", request_id, choices or {})
    session.flush()
    return request


TEXTS = {
    "fa": {
        "topic": "معلمان",
        "title": "معلمان زندانی را آزاد کنید",
        "summary": "آزادی بی‌قیدوشرط اعضای کانون‌های صنفی و پایان پرونده‌سازی.",
        "body": "معلمان سال‌هاست برای مدرسهٔ رایگان و باکیفیت و برای حق داشتن تشکل مستقل ایستاده‌اند.\n\n"
        "> معلم در زندان، یعنی کلاسی بی‌معلم.\n\nاین خواست را با هم و با صدای بلند می‌گوییم.",
        "demands": "همهٔ معلمانی که برای فعالیت صنفی زندانی شده‌اند آزاد شوند.\n"
        "معلمان اخراجی با همهٔ حقوق خود به کار بازگردند.\n"
        "حق تشکل، بر پایهٔ مقاوله‌نامه‌های ۸۷ و ۹۸، به رسمیت شناخته شود.",
        "addressee": "رئیس قوهٔ قضائیه و وزیر آموزش و پرورش",
    },
    "en": {
        "topic": "Teachers",
        "title": "Free the imprisoned teacher unionists",
        "summary": "Unconditional freedom for the members of the teachers’ unions.",
        "body": "For years teachers have stood up for free and decent schools and for a union of their own.\n\n"
        "> A teacher in prison is a class without a teacher.\n\nWe say so together, and aloud.",
        "demands": "The release of every teacher jailed for union activity.\n"
        "Reinstatement, with full rights, of those who were dismissed.\n"
        "Recognition of the right to organise, in line with ILO Conventions 87 and 98.",
        "addressee": "the Head of the Judiciary and the Minister of Education",
    },
}
REPORTS = {
    "fa": {
        "topic": "نفت و گاز",
        "title": "نفت پیمانی: یک خواست در چند پالایشگاه",
        "summary": "کارگران پیمانی خواهان حذف پیمانکاران و قرارداد مستقیم‌اند.",
        "body": "کارگران پیمانی صنعت نفت بار دیگر دست از کار کشیده‌اند. خواست آنان روشن است.",
    },
    "en": {
        "topic": "Oil and gas",
        "title": "Oil contract workers: one demand across several refineries",
        "summary": "Contract workers want the contractors gone and direct employment.",
        "body": "Contract workers in the oil industry have downed tools again. Their demand is plain.",
    },
}
