"""Values that would like to be headers, recipients or things to load (C14, C22, M04, M12)."""

from __future__ import annotations

import email
import re
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser

import pytest
from sqlalchemy.orm import Session

from app.audience.models import NEWSLETTER
from app.audience.subscriptions import Desk
from app.core import addresses, catalogue, languages
from app.core.errors import InvalidError
from app.newsletters import issues, letters
from app.newsletters.models import Block, BlockText, Issue
from app.optin.letters import CONFIRMATION, Letters
from app.outbox.models import INVITATION
from config import Config
from emails.addresses import on_the_wire
from emails.errors import AddressError, EmailsError
from emails.skeleton import Skeleton
from emails.transport import Envelope
from tests.attacks.conftest import NOON
from tests.attacks.hostile import TEXTS

INJECTED = "x\r\nBcc: everyone@example.org\r\n\r\nbody"
EVIL = (
    '"><zz-evil onload="alert(1)"><script>alert(1)</script><img src="https://zz-evil.example/p.png">'
    "<style>@import url(https://zz-evil.example/c.css)</style> ![b](https://zz-evil.example/x.png)\n\n"
    "[a](javascript:alert(1)) [b](data:text/html,x) [c](//zz-evil.example) <https://zz-evil.example>\n\n"
    "hole0link0latn0 %(code)s {{ 7*191 }} =?utf-8?q?Bcc?= \u202e\u2066"
)
TYPED = (
    "a@b.example\r\nBcc: everyone@b.example",
    "a@b.example\nRCPT TO:<c@d.example>",
    "a@b.example%0d%0aBcc:c@d.example",
    "a@b.example>,<c@d.example",
    "a@b.example, c@d.example",
    "<a@b.example>",
    "Leila <a@b.example>",
    '"a b"@example.org',
    '"a\\"@x"@example.org',
    "a(comment)@example.org",
    "a@example.org(comment)",
    "a@[127.0.0.1]",
    "a@[IPv6:::1]",
    "@relay.example:a@b.example",
    "a%b@c@example.org",
    "a..b@example.org",
    ".a@example.org",
    "a@-example.org",
    "a@exam_ple.org",
    "a@example.org.",
    "a@" + "x" * 64 + ".org",
    "a@" + ".".join(["x" * 60] * 5) + ".org",
    "x" * 65 + "@example.org",
    "a@xn--a.example",
    "a\x00@example.org",
    "a\u200bb@example.org",
    "a\u202eb@example.org",
    "a\u00a0b@example.org",
    "a\u2028@example.org",
    "a@exa\u200cmple.org",
    "a@example\u3002org",
    "a@\u0430pple.example",
    "ｆｕｌｌ@example.org",
    "💥@example.org",
    "لیلا@example.org",
    "leila@نمونه.example",
    "=?utf-8?q?a?=@example.org",
    "!path!user@example.org",
    "|cat@example.org",
    "-oQ/tmp@example.org",
)


class _Loads(HTMLParser):
    """What a mail client would fetch, run or style from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in given}
        if tag in ("script", "link", "iframe", "object", "embed", "form", "zz-evil", "base", "svg"):
            self.found.append(tag)
        for name, value in attributes.items():
            if name.startswith("on"):
                self.found.append(f"{tag} {name}")
            loads = name in ("src", "srcset", "background", "poster", "data")
            if loads and not value.startswith("cid:"):
                self.found.append(f"{tag} {name}={value[:30]}")
            if name == "style" and re.search(r"url\(|@import|expression", value, re.IGNORECASE):
                self.found.append(f"{tag} style={value[:40]}")
            if name == "href" and not re.match(r"https?://|mailto:|#", value):
                self.found.append(f"{tag} href={value[:30]}")


def arrived(skeleton: Skeleton, **values: str) -> EmailMessage:
    """The message as a reader's client reads it."""
    filled = {hole.name: "https://x.example/secret" for hole in skeleton.holes}
    filled |= {"to": "leila@example.org", "message_id": "id@x.example", "code": "ACDEFHJK"}
    filled |= {"number": "47", "date": "Tue, 24 Nov 2026 12:00:00 +0000", **values}
    needed = {hole.name for hole in skeleton.holes}
    message = email.message_from_bytes(
        skeleton.fill({name: value for name, value in filled.items() if name in needed}),
        policy=default,
    )
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


def loads(html: str) -> list[str]:
    parser = _Loads()
    parser.feed(html)
    for style in re.findall(r"<style.*?</style>", html, re.DOTALL):
        if re.search(r"url\(|@import", style):
            parser.found.append(f"style {style[:60]}")
    return parser.found


@pytest.mark.parametrize("typed", TYPED)
def test_M04_M12_an_address_is_one_recipient_or_refused(typed: str) -> None:
    try:
        found = addresses.parse(languages.tidy(typed))
    except InvalidError:
        return
    wire = on_the_wire(found.exact)  # what the form takes, the mailer takes
    envelope = Envelope("b-1@x.example", wire.spec, smtputf8=wire.smtputf8)
    assert wire.spec.count("@") == 1
    assert not set(envelope.recipient) & set('<>,;:()[]\\" \r\n\t\0')
    assert wire.spec.partition("@")[2].isascii()
    assert wire.smtputf8 or wire.spec.isascii()


@pytest.mark.parametrize("text", TEXTS)
def test_M12_the_form_and_the_mailer_agree_on_hostile_addresses(text: str) -> None:
    for typed in (text, f"{text}@example.org", f"leila@{text}", f"leila@{text}.example"):
        try:
            exact = addresses.parse(languages.tidy(typed)).exact
        except InvalidError:
            continue
        assert on_the_wire(exact).spec.count("@") == 1


@pytest.mark.parametrize("name", ["to", "message_id", "date", "link", "code", "number"])
@pytest.mark.parametrize("value", [INJECTED, "x\ny", "x\ry", "x\x00y", "x\u2028y"])
def test_M04_no_hole_takes_a_line_break(
    session: Session, desk: Desk, config: Config, name: str, value: str
) -> None:
    letter = Letters(config, desk.indexer.key_id).letter(session, CONFIRMATION, "en")
    skeleton = Skeleton.from_row(letter.skeleton, letter.holes)
    with pytest.raises(EmailsError):
        arrived(skeleton, **{name: value})


@pytest.mark.parametrize("text", [EVIL, INJECTED, *TEXTS], ids=lambda text: ascii(text[:12]))
def test_M04_C22_an_invitation_made_of_hostile_names_stays_one_mail(
    session: Session, desk: Desk, config: Config, text: str
) -> None:
    kept = languages.tidy(text)[:150]
    made = Letters(config, desk.indexer.key_id)
    letter = made.letter(session, INVITATION, "fa", organisation=kept, by=kept[:40])
    plain = made.letter(session, INVITATION, "fa", organisation="Union", by="Roya")
    message = arrived(Skeleton.from_row(letter.skeleton, letter.holes))
    usual = arrived(Skeleton.from_row(plain.skeleton, plain.holes))
    assert message.keys() == usual.keys()
    assert message["To"] == "leila@example.org"
    assert loads(html_of(message)) == []
    assert "36481" not in html_of(message)


@pytest.mark.parametrize("language", ["fa", "en"])
def test_C14_two_confirmations_differ_in_their_secrets_alone(
    session: Session, desk: Desk, config: Config, language: str
) -> None:
    letter = Letters(config, desk.indexer.key_id).letter(session, CONFIRMATION, language)
    skeleton = Skeleton.from_row(letter.skeleton, letter.holes)
    assert {hole.name for hole in skeleton.holes} == {
        *("to", "date", "message_id"),
        *("link", "code", "number", "never_write"),
    }
    message = arrived(skeleton)
    assert loads(html_of(message)) == []
    names = {key.lower() for key in message}
    assert not [name for name in names if name.startswith(("list-", "x-", "received"))]
    assert message["Auto-Submitted"] == "auto-generated"
    organisation = config.organisation_name(language)
    told = "\n".join([html_of(message), *(f"{key}: {value}" for key, value in message.items())])
    assert organisation not in told
    assert "peyvand" not in told.lower()


def a_hostile_issue(session: Session) -> Issue:
    issue = issues.draft(session, source_language="fa", languages=("fa", "en"), day=NOON.date())
    for kind, url in (
        ("text", ""),
        ("quote", ""),
        ("button", "https://zz-evil.example/?a=\"'><script>"),
        ("petition", ""),
    ):
        block_id = issues.add_block(session, issue.id, kind, url=url, petition_id=999)
        _write(session, session.get_one(Block, block_id))
    for block in issue.blocks:
        _write(session, block)
    issue.fall_back = True
    session.flush()
    return issues.get(session, issue.id)


def _write(session: Session, block: Block) -> None:
    heading = languages.tidy(EVIL)[:200]
    for language in ("fa", "en"):
        session.add(
            BlockText(
                block_id=block.id,
                language=language,
                heading=heading,
                body=languages.tidy_lines(EVIL),
                revision=1,
                source_body="",
            )
        )


@pytest.mark.parametrize("tongues", [("fa",), ("en",), ("fa", "en"), ("en", "fa")])
@pytest.mark.parametrize("quiet", [False, True])
def test_C22_M04_a_newsletter_of_hostile_blocks_loads_nothing_and_is_one_mail(
    session: Session, config: Config, tongues: tuple[str, ...], quiet: bool
) -> None:
    issue = a_hostile_issue(session)
    letter = letters.render(
        session,
        issue,
        tongues,
        config,
        catalogue.gettext,
        slug=NEWSLETTER,
        quiet=quiet,
        test=True,
    )
    message = arrived(letter.skeleton)
    html = html_of(message)
    assert loads(html) == []
    assert "36481" not in html, "no template is filled in"
    assert not [key for key in message if key.lower() in ("bcc", "cc", "x-evil")]
    assert all(len(line) <= 998 for line in letter.skeleton.fill(_some(letter)).split(b"\r\n"))
    text = message.get_body(("plain",))
    assert isinstance(text, EmailMessage)
    assert "javascript:" not in re.sub(r"\]\(\S+", "", str(text.get_content()))


def _some(letter: letters.Letter) -> dict[str, str]:
    values = {"to": "leila@example.org", "message_id": "id@x.example"}
    values |= {"date": "Tue, 24 Nov 2026 12:00:00 +0000"}
    values |= {"unsubscribe": "https://x.example/u/secret"}
    return {hole.name: values.get(hole.name, "https://x.example") for hole in letter.skeleton.holes}


@pytest.mark.parametrize("spec", ["a@b.example>\r\nDATA", "a b@c", "a@b;c", "<a@b>", "a@b\x00", ""])
def test_M04_an_envelope_takes_no_command(spec: str) -> None:
    with pytest.raises(AddressError):
        Envelope("b-1@x.example", spec)
