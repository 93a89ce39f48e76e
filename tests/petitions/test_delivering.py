"""What goes to the addressee: who stands in it, in which order, and what no file may hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from app.audience.ledger import Ledger
from app.audience.subscriptions import Desk
from app.core import addresses, ids, officers
from app.core.errors import InvalidError, NotFoundError
from app.core.sealing import KeyFormatError, Opener
from app.petitions import delivering, delivery_files, signing
from app.petitions.campaign_models import ASKED, CHECKED, REFUSED, PaperSheets
from app.petitions.delivering import Delivery
from app.petitions.models import (
    ANONYMOUS,
    APPROVED,
    DRAFT,
    FULL_NAME,
    INITIALS,
    WAITS,
    Petition,
    PetitionText,
    Signature,
)
from app.petitions.models import REFUSED as NAME_REFUSED
from tests.factories import DAY, TEXTS, Keys, a_petition
from tests.petitions.delivered import LINE, an_endorsement, gathered


@pytest.fixture
def petition(session: Session) -> Petition:
    return a_petition(session, hand_over_names=True)


Sign = Callable[..., Signature]


@pytest.fixture
def sign(session: Session, keys: Keys, petition: Petition) -> Sign:
    """Counts a signature as it stands after the moderators' work; ``handed`` is a name to be handed over."""

    def signed(
        shown_name: str = "",
        *,
        shown_as: str = ANONYMOUS,
        state: str = "",
        handed: str = "",
        **more: str,
    ) -> Signature:
        signature = Signature(
            id=ids.new(),
            petition_id=petition.id,
            index_key_id="1",
            exact_hash=ids.new().bytes,
            mailbox_hash=ids.new().bytes,
            text_id=petition.texts[0].id,
            wording_id=1,
            day=DAY,
            shown_as=shown_as,
            shown_name=shown_name,
            shown_state=state,
            **more,
        )
        if handed:
            signature.names_box = keys.names.seal("name", signature.id, {"name": handed})
        session.add(signature)
        session.flush()
        return signature

    return signed


def names(delivery: Delivery, opener: Opener | None) -> list[str]:
    return sorted(one.name for one in delivery_files.open_names(delivery, opener)[0])


@pytest.mark.both_databases
def test_C20_only_who_agreed_is_named(
    session: Session, keys: Keys, petition: Petition, sign: Sign
) -> None:
    sign("Approved Ana", shown_as=FULL_NAME, state=APPROVED)
    sign("I. N.", shown_as=INITIALS, state=APPROVED)
    sign(handed="Handed Hana")
    sign("S. P.", shown_as=INITIALS, state=WAITS, handed="Sealed Parvin")
    sign()
    sign("Waiting Wali", shown_as=FULL_NAME, state=WAITS)
    sign("Refused Reza", shown_as=FULL_NAME, state=NAME_REFUSED)
    sign("Held Homa", shown_as=FULL_NAME, state=APPROVED, held="burst")
    sign("Invalid Iraj", shown_as=FULL_NAME, state=APPROVED, invalid="twice", handed="Invalid Iraj")

    delivery = gathered(session, petition)

    assert names(delivery, keys.names) == ["Approved Ana", "Handed Hana", "I. N.", "Sealed Parvin"]


def test_C05_without_the_names_key_only_what_is_shown_in_public_is_named(
    session: Session, petition: Petition, sign: Sign
) -> None:
    sign(handed="Handed Hana")
    sign("S. P.", shown_as=INITIALS, state=APPROVED, handed="Sealed Parvin")
    delivery = gathered(session, petition)

    named, closed = delivery_files.open_names(delivery, None)

    assert ([one.name for one in named], closed) == (["S. P."], 2)
    assert b"Parvin" not in delivering.to_json(delivery), "the export holds the box alone"


def test_C20_a_petition_that_hands_no_names_over_exports_no_box(
    session: Session, keys: Keys, petition: Petition, sign: Sign
) -> None:
    sign(handed="Handed Hana")
    sign("Approved Ana", shown_as=FULL_NAME, state=APPROVED, handed="Another Ana")
    petition.hand_over_names = False
    session.flush()

    delivery = gathered(session, petition)

    assert [signer.box for signer in delivery.signers] == [""]
    assert names(delivery, keys.names) == ["Approved Ana"]


def test_C03_a_box_moved_to_another_signature_does_not_open(
    session: Session, keys: Keys, petition: Petition, sign: Sign
) -> None:
    one, other = sign(handed="Handed Hana"), sign()
    other.names_box, one.names_box = one.names_box, None
    session.flush()

    assert delivery_files.open_names(gathered(session, petition), keys.names) == ([], 1)


def test_C21_nothing_tells_a_place_beside_initials(
    session: Session, petition: Petition, sign: Sign
) -> None:
    sign("A. B.", shown_as=INITIALS, state=APPROVED, affiliation="Example Mine", country="IR")
    sign("Ana B", shown_as=FULL_NAME, state=APPROVED, affiliation="Example School", country="IR")
    sign(handed="Handed Hana", affiliation="Example Harbour")

    delivery = gathered(session, petition)

    assert {one.shown: one.affiliation for one in delivery.signers} == {
        "A. B.": "",
        "Ana B": "Example School",
        "": "",
    }
    assert b'"IR"' not in delivering.to_json(delivery)


def test_C21_the_total_is_the_published_one(session: Session, petition: Petition) -> None:
    assert gathered(session, petition).total == 6184
    petition.published_total = 19
    session.flush()
    assert gathered(session, petition).total is None
    petition.live = True
    session.flush()
    assert gathered(session, petition).total == 19


def a_version(petition: Petition, language: str, version: int, *, hidden: bool = False) -> None:
    petition.texts.append(
        PetitionText(
            language=language,
            version=version,
            day=DAY + timedelta(days=version),
            source_version=1 if hidden else None,
            **TEXTS[language],
        )
    )


@pytest.mark.both_databases
def test_C05_C21_each_text_s_version_is_named_and_who_signed_which_adds_up_to_the_total(
    session: Session, petition: Petition, sign: Sign
) -> None:
    # given a petition of one version in each language, of which nothing is told apart
    petition.published_total = 60
    assert {text.version for text in gathered(session, petition).texts} == {1}
    assert gathered(session, petition).versions == ()
    # when Persian has two more, and one between them that nobody approved, signed by 31, 22, 6 and 4
    for version, hidden in ((2, False), (3, True), (4, False)):
        a_version(petition, "fa", version, hidden=hidden)
    session.flush()
    session.refresh(petition)
    by_version = {(text.language, text.version): text.id for text in petition.texts}
    for text, signers in {("fa", 1): 31, ("fa", 2): 22, ("fa", 4): 6, ("en", 1): 4}.items():
        for _signer in range(signers):
            sign().text_id = by_version[text]

    delivery = gathered(session, petition)

    # then the newest is named as the public counts, and the cells are those of the published total
    persian = next(text for text in delivery.texts if text.language == "fa")
    assert (persian.version, persian.day) == (3, DAY + timedelta(days=4))
    told = [(one.language, one.version, one.signatures) for one in delivery.versions]
    assert told == [("fa", 1, 28)]
    assert delivery.other_versions == 32, "what is left of the total is never under twenty"
    assert delivering.from_json(delivering.to_json(delivery)) == delivery
    # and under twenty in all, nothing
    petition.published_total = 19
    assert gathered(session, petition).versions == ()


def test_U04_checked_endorsements_that_may_be_shown_and_paper_are_told_apart(
    session: Session, petition: Petition
) -> None:
    an_endorsement(session, petition, "Checked Union", CHECKED)
    an_endorsement(session, petition, "Asking Union", ASKED)
    an_endorsement(session, petition, "Refused Union", REFUSED)
    an_endorsement(session, petition, "Quiet Union", CHECKED, may_publish=False)
    for count in (12, 30):
        session.add(PaperSheets(petition_id=petition.id, scanned=DAY, signatures=count))
    session.flush()

    delivery = gathered(session, petition)

    assert [one.name("en") for one in delivery.endorsers] == ["Checked Union"]
    assert (delivery.total, delivery.paper) == (6184, 42)


def test_a_draft_and_none_are_not_delivered(session: Session, petition: Petition) -> None:
    petition.state = DRAFT
    session.flush()
    for number in (petition.id, 999):
        with pytest.raises(NotFoundError):
            delivering.gather(session, number, link="", organisations={}, day=DAY)


def test_C17_who_withdrew_is_in_no_new_delivery(
    session: Session, desk: Desk, keys: Keys, ledger: Ledger, petition: Petition
) -> None:
    # given Leila, who signed with her name, and handed it over
    address, signature_id = addresses.parse("leila@example.org"), ids.new()
    box = keys.names.seal("name", signature_id, {"name": "Leila Example"})
    asked = {"text_id": petition.texts[0].id, "wording_id": 1}
    signing.count(
        session, desk, petition.id, address, asked, {"signature_id": signature_id.hex}, day=DAY
    )
    signature = session.get_one(Signature, signature_id)
    signature.names_box, signature.shown_as = box, FULL_NAME
    signature.shown_name, signature.shown_state = "Leila Example", APPROVED
    session.flush()
    assert names(gathered(session, petition), keys.names) == ["Leila Example"]
    # when she withdraws
    signing.withdraw(session, desk, ledger, address, str(petition.id), day=DAY)
    # then neither her name nor her box is in what is made afterwards
    delivery = gathered(session, petition)
    assert delivery.signers == ()
    assert b"Leila" not in delivery_files.table(delivery, [], LINE)


def test_an_export_says_the_same_after_its_journey(
    session: Session, keys: Keys, petition: Petition, sign: Sign
) -> None:
    sign(handed="Handed Hana")
    sign("پروین", shown_as=FULL_NAME, state=APPROVED)
    an_endorsement(session, petition, "Checked Union", CHECKED)
    delivery = gathered(session, petition)
    private, public = officers.make_key_pair()

    encrypted = officers.encrypt(delivering.to_json(delivery), f"# an officer\n{public}\n")

    assert delivering.from_json(officers.decrypt(encrypted, private)) == delivery
    for word in ("پروین".encode(), b"Checked Union", b"peyvand.example"):
        assert word not in encrypted, "C20"


@pytest.mark.parametrize(
    "written",
    [b"", b"[]", b"{}", b"\xff", b'{"version": 1}', b'{"version": 2, "day": 3}', b"[" * 100_000],
)
def test_what_is_no_export_is_refused(written: bytes) -> None:
    with pytest.raises(InvalidError):
        delivering.from_json(written)


@pytest.mark.parametrize(
    "change",
    [
        {"slug": "../../elsewhere"},
        {"slug": ""},
        {"source_language": "../../etc"},
        {"petition_id": "1"},
        {"other_versions": "<b>"},
        {"versions": [{"language": "../..", "version": 1, "day": "2026-11-24", "signatures": 20}]},
        {"texts": ()},
        {"total": {}, "surprise": 1},
    ],
    ids=json.dumps,
)
def test_R06_a_forged_export_names_no_file_elsewhere(
    session: Session, petition: Petition, change: dict[str, object]
) -> None:
    fields = {**json.loads(delivering.to_json(gathered(session, petition))), **change}
    with pytest.raises(InvalidError):
        delivering.from_json(json.dumps(fields).encode())


def test_C20_another_key_does_not_open_an_export() -> None:
    _, public = officers.make_key_pair()
    another, _ = officers.make_key_pair()
    encrypted = officers.encrypt(b"names", public)
    for key_file in (another, "", "# nothing\n", "AGE-SECRET-KEY-1NONSENSE"):
        with pytest.raises(KeyFormatError) as refused:
            officers.decrypt(encrypted, key_file)
        assert "AGE-SECRET-KEY-1" not in str(refused.value)


@pytest.mark.parametrize("keys_given", ["", " , ", "age1nonsense", "AGE-SECRET-KEY-1NONSENSE"])
def test_C20_nothing_is_exported_without_an_officer_s_key(keys_given: str) -> None:
    with pytest.raises(KeyFormatError):
        officers.encrypt(b"names", keys_given)


@pytest.mark.both_databases
def test_a_file_is_recorded_once_and_the_newest_comes_first(
    session: Session, petition: Petition
) -> None:
    def record(digest: str, later: int = 0) -> bool:
        return delivering.record(
            session,
            petition.id,
            form="pdf",
            language="fa",
            line=LINE,
            digest=digest,
            day=DAY + timedelta(days=later),
        )

    assert [record("a" * 64), record("a" * 64), record("b" * 64, 1)] == [True, False, True]

    assert [row.digest[0] for row in delivering.handed_over(session, petition.id)] == ["b", "a"]


@pytest.mark.parametrize(
    "change",
    [
        {"form": "exe"},
        {"digest": "a" * 63},
        {"digest": "A" * 64},
        {"digest": "a" * 63 + "\n"},
        {"line": "short"},
        {"line": "<b>" * 10},
        {"line": "a" * 65},
        {"language": "fa; drop"},
    ],
    ids=json.dumps,
)
def test_what_can_be_no_record_is_refused(
    session: Session, petition: Petition, change: dict[str, str]
) -> None:
    given = {"form": "csv", "language": "", "line": LINE, "digest": "a" * 64, **change}
    with pytest.raises(InvalidError):
        delivering.record(session, petition.id, day=DAY, **given)
    with pytest.raises(NotFoundError):
        delivering.record(session, 999, day=DAY, **given)
