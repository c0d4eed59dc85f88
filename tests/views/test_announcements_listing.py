"""GET /organiser/announcements: what has been written, newest first."""

import pytest
from support.announcing import ANNOUNCEMENTS, sent, written

from db import connection
from domain import clock
from models import Announcement


def rows(page) -> list[list[str]]:
    return [
        [" ".join(cell.get_text().split()) for cell in row.select("th, td")]
        for row in page.select("tbody tr")
    ]


def test_list_is_empty_at_first_and_leads_to_the_form(desk_client):
    page = desk_client.get(ANNOUNCEMENTS)

    assert page.select("table") == []
    assert page.one("main a.button")["href"] == f"{ANNOUNCEMENTS}/new"


def test_list_says_what_was_sent_when_to_how_many_and_by_whom(desk_client, registered):
    registered(), registered()
    first = sent(desk_client)
    second = written(desk_client, "fr")
    with connection():
        Announcement.update(sent_at=clock.now().replace(hour=9, minute=5)).where(
            Announcement.state == "sending"
        ).execute()

    page = desk_client.get(ANNOUNCEMENTS)

    assert rows(page) == [
        ["Navettes", "Draft", "–", "–", "cem@example.org"],
        ["Shuttles", "Being sent", "2", "10 April 2017, 09:05 UTC", "cem@example.org"],
    ]
    assert [link["href"] for link in page.select("tbody a")] == [second, first]


@pytest.mark.parametrize(
    ("lang", "written_in", "subject"),
    [
        ("es", ("fr", "en", "es"), "Lanzaderas"),
        ("es", ("fr", "en"), "Shuttles"),
        ("en", ("es",), "Lanzaderas"),
    ],
)
def test_subject_is_in_the_organisers_language_or_whichever_is_there(desk_client, lang, written_in, subject):
    written(desk_client, *written_in)

    page = desk_client.get(f"{ANNOUNCEMENTS}?lang={lang}")

    link = page.one("tbody a")
    assert link.get_text() == subject
    assert link["lang"] == {"Lanzaderas": "es", "Shuttles": "en"}[subject]


def test_account_bar_leads_here(desk_client):
    page = desk_client.get("/organiser/registrations")

    assert page.one(f'.account a[href="{ANNOUNCEMENTS}"]').get_text() == "Announcements"


def test_languages_lead_to_the_same_page(desk_client):
    page = desk_client.get(f"{ANNOUNCEMENTS}/new?q=ada")

    assert [link["href"] for link in page.select(".languages a")] == [
        f"{ANNOUNCEMENTS}/new?q=ada&lang={lang}" for lang in ("fr", "en", "es")
    ]
