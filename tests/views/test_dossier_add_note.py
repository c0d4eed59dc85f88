"""POST /organiser/registrations/<reference>/notes: what organisers have to remember, and delegates may read."""

import pytest
from support.journey import HTMX, own_page, stored

from models import Note


@pytest.fixture
def row(registered):
    return registered()


@pytest.fixture
def path(row) -> str:
    return f"/organiser/registrations/{row.reference}"


def given(page, text: str) -> dict[str, str]:
    return {"csrf_token": page.select("[name=csrf_token]")[0]["value"], "note": text}


def test_page_reminds_that_the_delegate_may_read_it(desk_client, path):
    assert "delegate should not read" in desk_client.get(path).texts("#note-hint")[0]


def test_note_is_shown_with_its_lines_its_author_and_its_time(desk_client, path):
    text = "  Speaks on Friday.\r\n<b>Needs</b> a lectern \r\n"

    answer = desk_client.post(f"{path}/notes", given(desk_client.get(path), text), status=303)

    page = desk_client.get(answer.headers["Location"])
    assert page.one(".note bdi").text == "Speaks on Friday.\n<b>Needs</b> a lectern"
    assert page.texts(".note__by")[0].endswith("– cem@example.org")
    assert page.texts("#handling [role=status]") == ["The note is stored."]
    assert "Note added: Note no. " in page.texts("#history-title + ul li")[1]


def test_htmx_gets_the_section_with_an_empty_field(desk_client, path):
    page = desk_client.post(f"{path}/notes", given(desk_client.get(path), "Speaks"), headers=HTMX)

    assert page.select("h1") == []
    assert page.texts(".note") == ["Speaks"]
    assert page.one("#note").text.strip() == ""


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 2001, "\u202e"])
@pytest.mark.parametrize("headers", [{}, HTMX])
def test_note_that_is_none_comes_back_with_what_is_wrong(desk_client, path, text, headers):
    page = desk_client.post(f"{path}/notes", given(desk_client.get(path), text), status=422, headers=headers)

    assert page.texts("#note-error") != [""]
    assert page.select("#note[autofocus]")
    assert page.select(".notice[role=alert]") == []
    assert stored(Note) == []


def test_note_without_the_token_comes_back_as_it_was_typed(desk_client, path):
    page = desk_client.post(f"{path}/notes", {"note": "Speaks"}, status=422)

    assert page.texts("#note") == ["Speaks"]
    assert page.texts("[role=alert]") == ["This page had been open for too long. Please send it once more."]
    assert stored(Note) == []


@pytest.mark.parametrize(
    ("lang", "title"),
    [
        ("en", "Notes of the secretariat"),
        ("fr", "Notes du secrétariat"),
        ("es", "Notas de la secretaría"),
    ],
)
def test_delegate_reads_the_note_in_both_copies_of_the_data(app, client, desk_client, row, path, lang, title):
    desk_client.post(f"{path}/notes", given(desk_client.get(path), "Speaks on Friday"), status=303)
    own = own_page(app, row, lang=lang)

    copies = [client.get(f"{own}/data.{kind}").text for kind in ("json", "html")]

    assert ["Speaks on Friday" in copy for copy in copies] == [True, True]
    assert f"<h2>{title}</h2>" in copies[1]
    assert "cem@example.org" not in "".join(copies)


def test_copy_of_a_delegate_without_notes_says_nothing_of_them(app, client, row):
    assert "Notes of the secretariat" not in client.get(f"{own_page(app, row)}/data.html").text
