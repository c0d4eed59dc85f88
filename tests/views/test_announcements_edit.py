"""GET and POST /organiser/announcements/<number>/edit: other words for a draft."""

import pytest
from support.announcing import ANNOUNCEMENTS, WORDS, in_languages, sent, token_on, written
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
    token = token_on(desk_client.get(f"{path}/edit"))
    words = EMPTY | in_languages("en") | {"subject_en": "Coaches"}

    page = desk_client.post(f"{path}/edit", {"csrf_token": token} | words, status=303)

    (draft,) = stored(Announcement)
    assert page.headers["Location"] == path
    assert (draft.subject, draft.text) == ({"en": "Coaches"}, {"en": "They leave at 8:30"})
    assert stored(AuditEntry)[-1].action == "announcement.changed"


def test_draft_stays_when_its_new_words_are_no_good(desk_client):
    path = written(desk_client)
    token = token_on(desk_client.get(f"{path}/edit"))
    before = everything()
    words = EMPTY | {"subject_en": "Coaches"}

    page = desk_client.post(f"{path}/edit", {"csrf_token": token} | words, status=422)

    assert page.value("subject_en") == "Coaches"
    assert page.texts("#summary a") == ["Enter the text (English) too, or remove the subject"]
    assert page.texts("title")[0].startswith("Error: Change the draft")
    assert everything() == before


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_has_been_sent_is_not_changed(desk_client, registered, method):
    registered()
    path = written(desk_client)
    token = token_on(desk_client.get(f"{path}/edit"))
    sent_one = sent(desk_client)
    before = everything()

    page = desk_client.open(
        f"{sent_one}/edit", method=method, data={"csrf_token": token} | in_languages("en"), status=303
    )

    assert page.headers["Location"] == f"{sent_one}?late=1"
    assert desk_client.get(page.headers["Location"]).texts("main [role=alert]") == [
        "This announcement has been sent already: it can no longer be changed."
    ]
    assert everything() == before


def test_draft_that_is_sent_meanwhile_is_not_changed(desk_client, monkeypatch):
    path = written(desk_client)
    token = token_on(desk_client.get(f"{path}/edit"))

    def too_late(*given, **named):
        raise NoDraft

    monkeypatch.setattr(announcements, "amend", too_late)
    page = desk_client.post(f"{path}/edit", {"csrf_token": token} | WORDS, status=303)

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
