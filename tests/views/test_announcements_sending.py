"""POST /organiser/announcements/<number>/sending: to everybody, once their exact number has been typed."""

import pytest
from support.announcing import ANNOUNCEMENTS, amend, hidden_on, in_languages, send, token_on, written
from support.journey import HTMX, again, everything, stored

from models import Announcement, AuditEntry


@pytest.fixture
def path(desk_client, registered) -> str:
    """A draft to two delegates."""
    registered(), registered()
    return written(desk_client)


@pytest.mark.parametrize("number", ["2", " 2 ", "0\u202f002", "٢"])
def test_right_number_sends(desk_client, path, number):
    page = send(desk_client, path, number=number)

    (announcement,) = stored(Announcement)
    assert page.headers["Location"] == path
    assert (announcement.state, announcement.total) == ("sending", 2)
    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.details) == (
        "announcement.sent",
        {"announcement": announcement.id, "readers": 2},
    )


@pytest.mark.parametrize("number", ["", "1", "3", "two", "-2", "2.0", "0", "²"])
def test_wrong_number_sends_nothing_and_says_the_right_one(desk_client, path, number):
    before = everything()

    page = send(desk_client, path, number=number, status=422)

    words = "Enter the number of recipients, 2, to send the announcement"
    assert page.texts("#number-error") == page.texts("#summary a") == [words]
    assert page.texts("title")[0].startswith("Error: Shuttles")
    assert everything() == before


def test_endless_number_sends_nothing(desk_client, path):
    page = send(desk_client, path, number="9" * 5000, status=422)

    assert page.texts("#number-error") == ["Shorten this to 9 characters or fewer"]
    assert again(stored(Announcement)[0]).state == "draft"


def test_number_that_changes_meanwhile_sends_nothing_and_is_said(desk_client, path, registered):
    data = hidden_on(desk_client.get(path)) | {"number": "2"}
    registered()
    before = everything()

    page = desk_client.post(f"{path}/sending", data, status=422)

    assert page.texts("#number-error") == ["There are now 3 recipients. Enter this number if that is right"]
    assert page.value("shown") == "3"
    assert page.texts("#recipients dd")[0] == "3"
    assert everything() == before


def test_what_another_has_changed_meanwhile_is_not_sent_but_shown(desk_client, path):
    data = hidden_on(desk_client.get(path)) | {"number": "2"}
    amend(desk_client, path, subject_en="Coaches")
    before = everything()

    page = desk_client.post(f"{path}/sending", data, status=409)

    assert page.texts("main [role=alert]") == [
        "The announcement has been changed meanwhile. Please look at it again."
    ]
    assert page.texts("h1") == ["Coaches"]
    assert page.value("number") == ""
    assert everything() == before
    desk_client.post(f"{path}/sending", hidden_on(page) | {"number": "2"}, status=303)
    assert stored(Announcement)[0].state == "sending"


def test_page_from_before_versions_sends_nothing(desk_client, path):
    data = hidden_on(desk_client.get(path)) | {"number": "2"}
    del data["version"]

    desk_client.post(f"{path}/sending", data, status=409)

    assert stored(Announcement)[0].state == "draft"


def test_languages_of_a_refusal_lead_to_the_announcement(desk_client, path):
    page = send(desk_client, path, number="3", status=422)

    assert [link["href"] for link in page.select(".languages a")] == [
        f"{path}?lang={lang}" for lang in ("fr", "en", "es")
    ]


def test_second_click_sends_nothing_more(desk_client, path):
    data = hidden_on(desk_client.get(path)) | {"number": "2"}

    answers = [desk_client.post(f"{path}/sending", data, status=303).headers["Location"] for _ in range(2)]

    assert answers == [path, path]
    assert [entry.action for entry in stored(AuditEntry)].count("announcement.sent") == 1


def test_sending_with_htmx_leads_on_too(desk_client, path):
    data = hidden_on(desk_client.get(path)) | {"number": "2"}

    page = desk_client.post(f"{path}/sending", data, headers=HTMX, status=204)

    assert page.headers["HX-Redirect"] == path


@pytest.mark.parametrize("token", ["", "forged"])
def test_nothing_is_sent_without_the_token(desk_client, path, token):
    data = hidden_on(desk_client.get(path)) | {"csrf_token": token, "number": "2"}

    page = desk_client.post(f"{path}/sending", data, status=422)

    assert stored(Announcement)[0].state == "draft"
    assert "This page had been open for too long" in page.text


def test_stranger_sends_nothing(desk_client, path):
    token = token_on(desk_client.get(path))
    desk_client.client.delete_cookie("session")

    desk_client.post(f"{path}/sending", {"csrf_token": token, "number": "2"}, status=401)

    assert stored(Announcement)[0].state == "draft"


def test_log_holds_no_words(desk_client, path):
    send(desk_client, path)

    told = str([entry.details for entry in stored(AuditEntry)])
    assert [words for words in in_languages("fr", "en", "es").values() if words in told] == []


def test_unknown_number_is_not_found(desk_client):
    desk_client.post(f"{ANNOUNCEMENTS}/1/sending", {"number": "1"}, status=404)
