"""The editor as people meet it: nothing typed is lost, nobody is overwritten, no button does harm."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.database import Database
from app.newsletters.models import Issue
from app.staff.models import TRANSLATOR
from tests.newsletters.conftest import (
    EN,
    FA,
    Written,
    a_petition,
    an_account,
    save_text,
)
from tests.newsletters.looking import body_field, body_of, editor, stored
from tests.newsletters.newsroom import Newsroom


def test_a_new_issue_opens_in_the_editor(newsroom: Newsroom, database: Database) -> None:
    page = newsroom.send(newsroom.open("/staff/newsletters"), "/newsletters", source="fa")
    assert "No. 1" in page.text
    assert page.says("save")
    with database.reading() as session:
        assert [issue.number for issue in session.query(Issue)] == [1]


def test_the_editor_sets_two_languages_side_by_side(newsroom: Newsroom, made: Written) -> None:
    page = newsroom.open(editor(made))
    for language, direction in (("fa", "rtl"), ("en", "ltr")):
        field = body_field(made, language)
        assert f'name="{field}"' in page.html
        tag = page.html.split(f'name="{field}"')[1].split(">")[0]
        assert f'lang="{language}" dir="{direction}"' in tag
    assert page.form("/1")[1][body_field(made, "fa")] == FA


def test_what_is_typed_is_saved(newsroom: Newsroom, made: Written, database: Database) -> None:
    page = newsroom.send(
        newsroom.open(editor(made)), "/1", **{body_field(made, "en"): "New words.", "do": "save"}
    )
    assert "Saved." in page.text
    assert body_of(database, made, "en") == "New words."


def test_saving_an_untouched_page_changes_no_revision(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    newsroom.send(newsroom.open(editor(made)), "/1", do="save")
    revisions = {text.revision for block in stored(database, made).blocks for text in block.texts}
    assert revisions == {1}


def test_a_stale_text_shows_what_changed_and_is_approved_by_a_button(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    with database.unit_of_work() as session:
        save_text(session, made, "fa", FA.replace("کارگران", "کارگران نفت"), 1)
    page = newsroom.open(editor(made))
    assert "<ins>نفت</ins>" in page.html
    assert "1 stale" in page.text
    assert (
        '<button type="button" class="btn line mini" disabled aria-describedby="why">' in page.html
    )
    page = newsroom.send(page, "/1", do=f"approve:{made.text.hex}:en")
    assert "All texts are approved." in page.text


def test_blocks_are_added_moved_and_removed_without_losing_what_was_typed(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.send(
        newsroom.open(editor(made)),
        "/1",
        **{"do": "add", "kind": "quote", body_field(made, "en"): "Typed before adding."},
    )
    quote = stored(database, made).blocks[-1]
    assert quote.kind == "quote"
    assert body_of(database, made, "en") == "Typed before adding."
    page = newsroom.send(page, "/1", do=f"up:{quote.id.hex}")
    assert [block.kind for block in stored(database, made).blocks] == ["subject", "quote", "text"]
    newsroom.send(page, "/1", do=f"remove:{quote.id.hex}")
    assert [block.kind for block in stored(database, made).blocks] == ["subject", "text"]


def test_R06_what_is_wrong_is_said_and_everything_typed_is_kept(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.send(newsroom.open(editor(made)), "/1", do="add", kind="button")
    button = stored(database, made).blocks[-1]
    url = f"b-{button.id.hex}-url"
    page = newsroom.send(
        page,
        "/1",
        **{"do": "save", url: "http://example.org", body_field(made, "en"): "Kept words."},
    )
    assert page.response.status_code == 422
    assert "<title>Error:" in page.html
    assert f'href="#{url}"' in page.html
    fields = page.form("/1")[1]
    assert (fields[url], fields[body_field(made, "en")]) == ("http://example.org", "Kept words.")
    assert body_of(database, made, "en") == f"{EN} (en)"


def test_a_text_that_is_too_long_is_kept_too(newsroom: Newsroom, made: Written) -> None:
    page = newsroom.send(
        newsroom.open(editor(made)), "/1", **{body_field(made, "en"): "x" * 20_001}
    )
    assert page.response.status_code == 422
    assert len(page.form("/1")[1][body_field(made, "en")]) == 20_001


def test_two_editors_do_not_overwrite_each_other(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.open(editor(made))
    with database.unit_of_work() as session:
        save_text(session, made, "en", "Hers, saved first.", 1)
    page = newsroom.send(page, "/1", **{body_field(made, "en"): "His, later.", "do": "save"})
    assert page.response.status_code == 409
    assert "Hers, saved first." in page.text
    assert page.form("/1")[1][body_field(made, "en")] == "His, later."
    assert body_of(database, made, "en") == "Hers, saved first."
    newsroom.send(page, "/1", do="save")  # having read hers
    assert body_of(database, made, "en") == "His, later."


def test_two_editors_at_different_texts_both_save(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.open(editor(made))
    with database.unit_of_work() as session:
        save_text(session, made, "fa", "متن تازه.", 1)
    page = newsroom.send(page, "/1", **{body_field(made, "en"): "New.", "do": "save"})
    assert "Saved." in page.text
    assert (body_of(database, made, "fa"), body_of(database, made, "en")) == ("متن تازه.", "New.")


def test_typed_text_survives_when_the_issue_was_scheduled_meanwhile(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    page = newsroom.open(editor(made))
    newsroom.send(newsroom.open(f"{editor(made)}/send"), "/send")
    page = newsroom.send(page, "/1", **{body_field(made, "en"): "Too late.", "do": "save"})
    assert page.response.status_code == 409
    assert page.form("/1")[1][body_field(made, "en")] == "Too late."
    assert body_of(database, made, "en") == f"{EN} (en)"


def test_a_translator_writes_translations_only(
    app: Flask, database: Database, made: Written
) -> None:
    with database.unit_of_work() as session:
        sara = an_account(session, "Sara", TRANSLATOR)
    newsroom = Newsroom(app, database, sara)
    page = newsroom.open(editor(made))
    assert not page.says("add")
    page = newsroom.send(
        page,
        "/1",
        **{body_field(made, "en"): "Better.", body_field(made, "fa"): "نه", "do": "add"},
    )
    assert body_of(database, made, "en") == "Better."
    assert body_of(database, made, "fa") == FA
    assert len(stored(database, made).blocks) == 2


@pytest.mark.parametrize(
    "do", ["approve:", "approve:zz:en", "up:", "remove:nonsense", "add", "x" * 500, ""]
)
def test_R06_odd_buttons_do_no_harm(
    newsroom: Newsroom, made: Written, database: Database, do: str
) -> None:
    page = newsroom.send(newsroom.open(editor(made)), "/1", do=do, kind="<script>")
    assert page.response.status_code in (200, 404, 422)
    assert len(stored(database, made).blocks) == 2


def test_a_petition_block_takes_one_of_the_open_petitions(
    newsroom: Newsroom, made: Written, database: Database
) -> None:
    with database.unit_of_work() as session:
        petition_id = a_petition(session).id
    page = newsroom.send(newsroom.open(editor(made)), "/1", do="add", kind="petition")
    block = stored(database, made).blocks[-1]
    newsroom.send(page, "/1", **{f"b-{block.id.hex}-petition": str(petition_id), "do": "save"})
    assert stored(database, made).blocks[-1].petition_id == petition_id
