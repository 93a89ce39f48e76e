"""What stands around a petition on its pages: updates, organisations, paper, signers, weeks (C21, F03, U04)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from app.core.database import Database
from app.petitions import showing_signers
from app.petitions.campaign_models import ANSWER, ASKED, MILESTONE, OUTCOME, REFUSED, Handover
from app.petitions.models import FULL_NAME, Petition
from tests.factories import DAY
from tests.pages import story
from tests.pages.conftest import NOON
from tests.petitions.campaigning import (
    a_signature,
    an_endorsement,
    an_update,
    paper,
)

PAGE = "/en/petitions/teachers"


@pytest.fixture(autouse=True)
def _noon(clock: time_machine.Traveller) -> None:
    """The petition's days are told from one noon."""


def teachers(session: Session) -> Petition:
    """The open petition of the filled site."""
    return session.get_one(Petition, 1)


def test_an_update_appears_with_its_day_and_a_draft_does_not(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        an_update(session, teachers(session), DAY - timedelta(days=3), en="The first letters")
        an_update(session, teachers(session), None, en="A draft")
        an_update(session, teachers(session), DAY + timedelta(days=1), en="Tomorrow")
    for place in (PAGE, f"{PAGE}/updates"):
        text = story.words(visitor.get(place))
        assert "The first letters" in text
        assert "21 November 2026" in text
        assert "A draft" not in text
        assert "Tomorrow" not in text


def test_updates_stand_with_the_newest_first(visitor: FlaskClient, database: Database) -> None:
    with database.unit_of_work() as session:
        for days, title in ((9, "Oldest"), (1, "Newest"), (5, "Between")):
            an_update(session, teachers(session), DAY - timedelta(days=days), en=title)
    text = story.words(visitor.get(f"{PAGE}/updates"))
    assert text.index("Newest") < text.index("Between") < text.index("Oldest")


def test_F01_an_update_without_the_reader_s_language_falls_back_and_says_so(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        an_update(session, teachers(session), fa="وزیر پاسخ داد")
    page = visitor.get(f"{PAGE}/updates")
    html = page.get_data(as_text=True)
    assert re.search(r'<h2 id="t\d+" lang="fa" dir="rtl">وزیر پاسخ داد</h2>', html)
    assert "Not yet in your language; you see it in فارسی ." in story.words(page)
    assert "Not yet in your language" not in story.words(
        visitor.get("/fa/petitions/teachers/updates")
    )


def test_the_answer_and_the_outcome_are_told_before_the_text(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        an_update(session, teachers(session), DAY, kind=MILESTONE, en="Six thousand")
        an_update(session, teachers(session), DAY, kind=ANSWER, en="The minister answered")
        an_update(session, teachers(session), DAY, kind=OUTCOME, en="They are free")
    text = story.words(visitor.get(PAGE))
    body = text.index("For years teachers")
    assert text.index("Outcome · 24 November 2026 They are free") < body
    assert text.index("Answer of the addressee · 24 November 2026 The minister answered") < body
    assert text.index("Six thousand") > body


def test_an_update_s_text_is_cleaned_markdown(visitor: FlaskClient, database: Database) -> None:
    with database.unit_of_work() as session:
        update = an_update(session, teachers(session), en="<b>Bold</b>")
        update.texts[0].body = "**strong** <script>alert(1)</script> [x](javascript:alert(1))"
    html = visitor.get(f"{PAGE}/updates").get_data(as_text=True)
    assert "<strong>strong</strong>" in html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "&lt;b&gt;Bold&lt;/b&gt;" in html


def test_updates_of_another_petition_stay_there(visitor: FlaskClient, database: Database) -> None:
    with database.unit_of_work() as session:
        an_update(session, session.get_one(Petition, 2), en="Of the pensions")
    assert "Of the pensions" not in story.words(visitor.get(PAGE))
    assert "Of the pensions" in story.words(visitor.get("/en/petitions/pensions/updates"))


def test_U04_only_checked_organisations_that_may_be_named_are_shown_and_counted(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        petition = teachers(session)
        an_endorsement(session, petition, en="Union of Docks", statement="We stand **with you**.")
        an_endorsement(session, petition, en="Zeta Federation", country="CA")
        an_endorsement(session, petition, en="Not checked", state=ASKED)
        an_endorsement(session, petition, en="Refused", state=REFUSED)
        an_endorsement(session, petition, en="Not to be named", may_publish=False)
        before = petition.published_total
    page = visitor.get(PAGE)
    text = story.words(page)
    assert "Endorsed by 2 organisations" in text
    assert "Union of Docks France" in text
    assert "Zeta Federation Canada" in text
    assert "<strong>with you</strong>" in page.get_data(as_text=True)
    for hidden in ("Not checked", "Refused", "Not to be named"):
        assert hidden not in text
    assert f"{before:,} signatures" in text, "organisations are no part of that number"


def test_F06_organisations_stand_by_the_reader_s_alphabet(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        for name in ("گروه نان", "پیوند رانندگان", "کانون معلمان", "تشکل نفت"):
            an_endorsement(session, teachers(session), fa=name)
    text = story.words(visitor.get("/fa/petitions/teachers"))
    places = [text.index(name) for name in ("پیوند", "تشکل نفت", "کانون معلمان", "گروه نان")]
    assert places == sorted(places)


def test_signatures_on_paper_are_told_apart(visitor: FlaskClient, database: Database) -> None:
    assert "on paper" not in story.words(visitor.get(PAGE))
    with database.unit_of_work() as session:
        paper(session, teachers(session), 1200)
        paper(session, teachers(session), 34)
    text = story.words(visitor.get(PAGE))
    assert "6,184 signatures" in text
    assert "and 1,234 on paper" in text


def test_C21_shown_signers_stand_on_the_page_and_on_one_of_their_own(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        petition = teachers(session)
        for place in range(70):
            a_signature(session, petition, f"S{place:02}. T.", country="DE")
        a_signature(
            session, petition, "<i>Leila</i>", shown_as=FULL_NAME, country="DE", affiliation="Docks"
        )
        assert "Among those who signed" not in story.words(visitor.get(PAGE))
        showing_signers.publish(session, now=NOON)
    text = story.words(visitor.get(PAGE))
    assert "Among those who signed" in text
    assert "All 71 who are shown" in text
    assert len(re.findall(r"S\d\d\. T\.", text)) in (59, 60)
    everyone = visitor.get(f"{PAGE}/signers")
    assert len(set(re.findall(r"S\d\d\. T\.", story.words(everyone)))) == 70
    html = everyone.get_data(as_text=True)
    assert "<bdi>&lt;i&gt;Leila&lt;/i&gt;</bdi>" in html
    assert story.words(everyone).count("Germany") == 1, "no place beside initials"
    assert "2026" not in story.words(everyone), "no day anywhere"


@pytest.mark.parametrize("page", ["0", "2", "-1", "x", "٢", "999999999999"])
def test_R06_a_page_of_signers_that_is_not_there(visitor: FlaskClient, page: str) -> None:
    assert visitor.get(f"{PAGE}/signers?page={page}").status_code == 404


def test_comments_stand_apart_and_escaped(visitor: FlaskClient, database: Database) -> None:
    with database.unit_of_work() as session:
        a_signature(
            session,
            teachers(session),
            comment="<b>برای</b> برادرم",
            comment_language="fa",
            comment_state="approved",
            comment_day=DAY,
        )
    page = visitor.get(PAGE)
    html = page.get_data(as_text=True)
    assert '<blockquote lang="fa" dir="rtl"><p>&lt;b&gt;برای&lt;/b&gt; برادرم</p>' in html
    assert "In their own words" in story.words(page)


def test_all_comments_stand_on_a_page_of_their_own(
    visitor: FlaskClient, database: Database
) -> None:
    with database.unit_of_work() as session:
        for place in range(23):
            a_signature(
                session,
                teachers(session),
                comment=f"word{place:02}",
                comment_language="en",
                comment_state="approved",
                comment_day=DAY,
            )
    page = visitor.get(PAGE)
    assert len(re.findall(r"word\d\d", story.words(page))) == 20
    assert "All 23 comments" in story.words(page)
    assert f"{PAGE}/comments" in story.hrefs(page)
    everything = story.words(visitor.get(f"{PAGE}/comments"))
    assert len(set(re.findall(r"word\d\d", everything))) == 23
    assert "2026" not in everything, "no day anywhere"


def weeks_of(database: Database, total: int, live: bool = False) -> None:
    with database.unit_of_work() as session:
        petition = teachers(session)
        petition.published_total, petition.live = total, live
        petition.published_weeks = [
            ["2026-10-26", "2026-11-01", 40],
            ["2026-11-02", "2026-11-15", 1234],
        ]


def test_C21_the_chart_says_the_same_in_figures(visitor: FlaskClient, database: Database) -> None:
    weeks_of(database, 6184)
    page = visitor.get(PAGE)
    html = page.get_data(as_text=True)
    chart = re.search(r'<svg class="chart".*?</svg>', html, re.DOTALL)
    assert chart is not None
    assert chart[0].count("<rect") == 3
    assert "style" not in chart[0]
    assert "<text" not in chart[0]
    text = story.words(page)
    assert "2 November 2026 15 November 2026 1,234" in text
    assert "26 October 2026 1 November 2026 40" in text


def test_C21_no_chart_while_the_total_is_untold(visitor: FlaskClient, database: Database) -> None:
    weeks_of(database, 19, live=True)
    assert "Week by week" not in story.words(visitor.get(PAGE))


def test_F05_the_persian_page_counts_in_persian(visitor: FlaskClient, database: Database) -> None:
    weeks_of(database, 6184)
    with database.unit_of_work() as session:
        paper(session, teachers(session), 1234)
    text = story.words(visitor.get("/fa/petitions/teachers"))
    assert text.count("۱٬۲۳۴") == 2
    assert "۴ آبان ۱۴۰۵" in text


def test_an_open_petition_offers_what_can_be_printed(visitor: FlaskClient) -> None:
    links = story.hrefs(visitor.get(PAGE))
    assert {f"{PAGE}/poster.pdf", f"{PAGE}/sheet.pdf"} <= set(links)
    assert not any(".pdf" in link for link in story.hrefs(visitor.get("/en/petitions/pensions")))


def test_a_closed_petition_leads_to_what_was_handed_over(
    visitor: FlaskClient, database: Database
) -> None:
    closed = "/en/petitions/pensions"
    assert f"{closed}/delivery" not in story.hrefs(visitor.get(closed))
    with database.unit_of_work() as session:
        session.add(Handover(petition_id=2, day=DAY, form="csv", line="a line", digest="0" * 64))
    assert f"{closed}/delivery" in story.hrefs(visitor.get(closed))
    assert visitor.get(f"{closed}/delivery").status_code == 200


@pytest.mark.parametrize("place", ["updates", "signers", "comments"])
def test_a_page_beside_a_petition_that_is_not_there(visitor: FlaskClient, place: str) -> None:
    assert visitor.get(f"/en/petitions/none/{place}").status_code == 404
    empty = visitor.get(f"/en/petitions/pensions/{place}")
    assert empty.status_code == 200
    assert "yet" in story.words(empty)


def test_R06_a_petition_page_reads_little(visitor: FlaskClient, database: Database) -> None:
    visitor.get(PAGE)
    with story.statements(database) as seen:
        visitor.get(PAGE)
    assert len([one for one in seen if one.lstrip().startswith("SELECT")]) <= 13
