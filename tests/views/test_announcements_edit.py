"""GET and POST /organiser/announcements/<number>/edit: other words for a draft."""

import pytest
from support.announcing import ANNOUNCEMENTS, WORDS, hidden_on, in_languages, sent, written
from support.journey import everything, stored

from domain import announcements
from domain.announcements import NoDraft
from models import Announcement, AuditEntry

EMPTY = dict.fromkeys(WORDS, "")


def test_form_shows_the_draft(desk_client, registered):
    registered(family_name="Byron")
    path = written(desk_client, "fr", "es", q="byron")

    page = desk_client.get(f"{path}/edit")

    assert {name: page.value(name) for name in WORDS} == EMPTY | in_languages("fr", "es")
    assert page.texts("#recipients dd")[0] == "1"
    assert page.texts("h1") == ["Change the draft"]


def test_draft_gets_other_words(desk_client):
    path = written(desk_client)
    hidden = hidden_on(desk_client.get(f"{path}/edit"))
    words = EMPTY | in_languages("en") | {"subject_en": "Coaches"}

    page = desk_client.post(f"{path}/edit", hidden | words, status=303)

    (draft,) = stored(Announcement)
    assert page.headers["Location"] == path
    assert (draft.subject, draft.text) == ({"en": "Coaches"}, {"en": "They leave at 8:30"})
    assert stored(AuditEntry)[-1].action == "announcement.changed"


def test_draft_stays_when_its_new_words_are_no_good(desk_client):
    path = written(desk_client)
    hidden = hidden_on(desk_client.get(f"{path}/edit"))
    before = everything()
    words = EMPTY | {"subject_en": "Coaches"}

    page = desk_client.post(f"{path}/edit", hidden | words, status=422)

    assert page.value("subject_en") == "Coaches"
    assert page.texts("#summary a") == ["Enter the text (English) too, or remove the subject"]
    assert page.texts("title")[0].startswith("Error: Change the draft")
    assert everything() == before


def test_two_who_change_a_draft_do_not_overwrite_each_other(desk_client):
    path = written(desk_client, "en")
    hidden = hidden_on(desk_client.get(f"{path}/edit"))
    desk_client.post(
        f"{path}/edit", hidden | EMPTY | in_languages("en") | {"subject_en": "Coaches"}, status=303
    )
    before = everything()

    page = desk_client.post(f"{path}/edit", hidden | WORDS | {"subject_en": "Taxis"}, status=409)

    assert everything() == before
    assert page.value("subject_en") == "Taxis"
    assert page.texts("main [role=alert] p")[0].startswith("The announcement has been changed meanwhile.")
    told = zip(page.texts("main [role=alert] dt"), page.texts("main [role=alert] dd"), strict=True)
    assert dict(told) == {
        "Subject (English)": "Coaches",
        **{f"{part} ({name})": "–" for part in ("Subject", "Text") for name in ("Français", "Español")},
    }
    desk_client.post(f"{path}/edit", hidden_on(page) | WORDS | {"subject_en": "Taxis"}, status=303)
    assert stored(Announcement)[0].subject["en"] == "Taxis"


def test_second_click_on_save_is_no_change_by_somebody_else(desk_client):
    path = written(desk_client)
    data = hidden_on(desk_client.get(f"{path}/edit")) | WORDS | {"subject_en": "Coaches"}

    for _ in range(2):
        desk_client.post(f"{path}/edit", data, status=303)

    assert [entry.action for entry in stored(AuditEntry)].count("announcement.changed") == 1


def test_refusal_of_the_new_words_does_not_hide_that_somebody_else_changed_it(desk_client):
    path = written(desk_client)
    hidden = hidden_on(desk_client.get(f"{path}/edit"))
    desk_client.post(f"{path}/edit", hidden | WORDS | {"subject_en": "Coaches"}, status=303)

    page = desk_client.post(f"{path}/edit", hidden | EMPTY, status=422)

    desk_client.post(f"{path}/edit", hidden_on(page) | WORDS, status=409)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_has_been_sent_is_not_changed(desk_client, registered, method):
    registered()
    path = written(desk_client)
    hidden = hidden_on(desk_client.get(f"{path}/edit"))
    sent_one = sent(desk_client)
    before = everything()

    page = desk_client.open(f"{sent_one}/edit", method=method, data=hidden | in_languages("en"), status=303)

    assert page.headers["Location"] == f"{sent_one}?late=1"
    assert desk_client.get(page.headers["Location"]).texts("main [role=alert]") == [
        "This announcement has been sent already: it can no longer be changed."
    ]
    assert everything() == before


def test_draft_that_is_sent_meanwhile_is_not_changed(desk_client, monkeypatch):
    path = written(desk_client)
    hidden = hidden_on(desk_client.get(f"{path}/edit"))

    def too_late(*given, **named):
        raise NoDraft

    monkeypatch.setattr(announcements, "amend", too_late)
    page = desk_client.post(f"{path}/edit", hidden | WORDS, status=303)

    assert page.headers["Location"] == f"{path}?late=1"


@pytest.mark.parametrize("token", ["", "forged"])
def test_nothing_is_changed_without_the_token(desk_client, token):
    path = written(desk_client)
    before = everything()

    desk_client.post(f"{path}/edit", {"csrf_token": token} | in_languages("en"), status=422)

    assert everything() == before


@pytest.mark.parametrize("number", ["0", "1", "2147483647", "2147483648", "9" * 30])
def test_unknown_number_is_not_found(desk_client, number):
    desk_client.get(f"{ANNOUNCEMENTS}/{number}/edit", status=404)
