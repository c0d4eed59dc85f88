"""GET and POST /organiser/announcements/new: writing to the delegates whom a search finds."""

import pytest
from support.announcing import ANNOUNCEMENTS, WORDS, in_languages, write
from support.journey import HTMX, everything, stored

from db import connection
from models import Announcement, Registration

PAGE = f"{ANNOUNCEMENTS}/new"
LIST = "/organiser/registrations"


def errors(page) -> dict[str, str]:
    found = {str(one["id"]).removesuffix("-error"): one.get_text() for one in page.select(".field__error")}
    return {name: words for name, words in found.items() if words}


def test_draft_is_stored_in_all_languages(desk_client):
    page = write(desk_client)

    (draft,) = stored(Announcement)
    assert page.headers["Location"] == f"{ANNOUNCEMENTS}/{draft.id}"
    assert draft.subject == {lang: WORDS[f"subject_{lang}"] for lang in ("fr", "en", "es")}
    assert draft.text == {lang: WORDS[f"text_{lang}"] for lang in ("fr", "en", "es")}
    assert (draft.state, draft.search, draft.total) == ("draft", "", 0)


def test_draft_in_one_language_is_enough(desk_client):
    write(desk_client, "es")

    (draft,) = stored(Announcement)
    assert (draft.subject, draft.text) == ({"es": "Lanzaderas"}, {"es": "Salen a las 8:30"})


def test_draft_keeps_the_search(desk_client):
    write(desk_client, q="ada+london")

    assert [draft.search for draft in stored(Announcement)] == ["ada london"]


def test_form_with_htmx_leads_on_too(desk_client):
    token = desk_client.get(PAGE).select("main [name=csrf_token]")[0]["value"]

    page = desk_client.post(PAGE, {"csrf_token": token} | WORDS, headers=HTMX, status=204)

    assert page.headers["HX-Redirect"] == f"{ANNOUNCEMENTS}/{stored(Announcement)[0].id}"


def test_form_says_for_how_many_it_is_and_which_search(desk_client, registered):
    registered(family_name="Lovelace")
    registered(family_name="Byron")

    everybody = desk_client.get(PAGE)
    some = desk_client.get(f"{PAGE}?q=byron")

    assert everybody.texts("#recipients dd") == ["2", "Everybody whose registration holds"]
    assert some.texts("#recipients dd") == [
        "1",
        "Everybody whose registration holds and whom this search finds: byron",
    ]
    assert some.one("#recipients a")["href"] == f"{LIST}?q=byron"


def test_list_leads_here_with_its_search_and_the_number_of_those_who_are_coming(desk_client, registered):
    for name in ("Lovelace", "Byron", "Byron", "Byron"):
        row = registered(family_name=name)
    with connection():
        Registration.update(state="cancelled").where(Registration.id == row.id).execute()

    links = {
        q: desk_client.get(LIST, query_string={"q": q} if q else None).select('a[href*="announcements/new"]')
        for q in ("", "byron", "lovelace", "nobody")
    }

    assert {q: [(link.get_text(), link["href"]) for link in found] for q, found in links.items()} == {
        "": [("Write to these 3 delegates", PAGE)],
        "byron": [("Write to these 2 delegates", f"{PAGE}?q=byron")],
        "lovelace": [("Write to 1 delegate", f"{PAGE}?q=lovelace")],
        "nobody": [],
    }


def test_order_and_page_of_the_list_do_not_travel_along(desk_client, registered):
    registered()

    page = desk_client.get(f"{LIST}?q=ada&sort=name&after=x", headers=HTMX)

    assert page.one('a[href*="announcements/new"]')["href"] == f"{PAGE}?q=ada"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({}, {"subject_fr": "Write a subject and a text in one language at least"}),
        (
            in_languages("en") | {"subject_fr": "Navettes"},
            {"text_fr": "Enter the text (Français) too, or remove the subject"},
        ),
        ({"text_es": "Salen"}, {"subject_es": "Enter the subject (Español) too, or remove the text"}),
        (
            {"subject_en": "x" * 151, "text_en": "x" * 10_001},
            {
                "subject_en": "Shorten this to 150 characters or fewer",
                "text_en": "Shorten this to 10000 characters or fewer",
            },
        ),
        (
            in_languages("en") | {"subject_en": "Shuttles\u202e"},
            {"subject_en": "Remove the invisible characters; typing the text again usually helps"},
        ),
        (in_languages("en") | {"subject_en": "…"}, {"subject_en": "Enter letters or digits"}),
    ],
)
def test_what_cannot_be_sent_is_reported(desk_client, words, expected):
    token = desk_client.get(PAGE).select("main [name=csrf_token]")[0]["value"]
    before = everything()

    page = desk_client.post(PAGE, {"csrf_token": token} | words, status=422)

    assert errors(page) == expected
    assert page.texts("#summary a") == list(expected.values())
    assert page.texts("title")[0].startswith("Error: Write an announcement")
    assert page.texts("h1") == ["Write an announcement"]
    assert {name: page.value(name) for name in words} == words
    assert everything() == before


def test_longest_words_are_taken(desk_client):
    write(desk_client, subject_en="x" * 150, text_en="é" * 10_000)

    (draft,) = stored(Announcement)
    assert (draft.subject["en"], draft.text["en"]) == ("x" * 150, "é" * 10_000)


@pytest.mark.parametrize(
    "typed", ["Shuttles\r\nBcc: eve@example.org", "Shuttles \v\n\u2028 Bcc: eve@example.org"]
)
def test_subject_becomes_one_line(desk_client, typed):
    write(desk_client, subject_en=typed)

    assert stored(Announcement)[0].subject["en"] == "Shuttles Bcc: eve@example.org"


def test_lines_of_the_text_are_kept(desk_client):
    write(desk_client, text_en="  One \r\n two\r\n\r\nThree  ")

    assert stored(Announcement)[0].text["en"] == "One\n two\n\nThree"


@pytest.mark.parametrize("token", ["", "forged"])
def test_nothing_is_stored_without_the_token(desk_client, token):
    page = desk_client.post(PAGE, {"csrf_token": token} | WORDS, status=422)

    assert stored(Announcement) == []
    assert page.value("text_es") == WORDS["text_es"]
    assert "This page had been open for too long" in page.text


def test_stranger_writes_nothing(client):
    client.post(PAGE, WORDS, status=401)

    assert stored(Announcement) == []


def test_fields_say_their_language(desk_client):
    page = desk_client.get(PAGE)

    assert {field["name"]: field["lang"] for field in page.select("main [lang]")} == {
        name: name[-2:] for name in WORDS
    }
    assert page.texts("main label")[:2] == ["Subject (Français)", "Text (Français)"]


@pytest.mark.parametrize("typed", ["Shuttles\0", "Shuttles\x07"])
def test_control_characters_are_stored_nowhere(desk_client, typed):
    token = desk_client.get(PAGE).select("main [name=csrf_token]")[0]["value"]
    words = in_languages("en") | {"subject_en": typed}

    answer = desk_client.client.post(PAGE, data={"csrf_token": token} | words)

    assert answer.status_code == 422
    assert stored(Announcement) == []


@pytest.mark.parametrize("q", ["?diet=vegan", "?diet=vegan&not=diet", "?q=lovelace&diet=halal"])
def test_nobody_is_written_to_by_diet(desk_client, registered, q):
    registered()

    page = desk_client.get(f"{LIST}?diet=vegan&not=diet")

    assert page.select('a[href*="announcements/new"]') == []
    assert "These delegates cannot be written to as a group" in page.text
    assert desk_client.client.get(PAGE + q).status_code == 400


def test_diet_counts_for_nothing_in_the_search_of_whoever_may_not_read_it(sign_in_as):
    write(sign_in_as("visa"), q="&diet=vegan")

    assert [draft.search for draft in stored(Announcement)] == [""]
