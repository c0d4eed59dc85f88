"""GET /organiser/session/warning: how long a sign-in still lasts, in every tab, without counting as work."""

import re
from datetime import timedelta

import pytest
from support.access import WARNING, idle_for
from support.journey import HTMX, stored

from db import connection
from models import SignIn

LIST = "/organiser/registrations"


def pause(page) -> int:
    """In how many seconds the page asks again."""
    return int(re.search(r"load delay:(\d+)s", page.one("#sign-in-warning")["hx-trigger"])[1])


def test_every_page_asks_again_when_five_minutes_are_left(desk_client):
    page = desk_client.get(LIST)

    assert pause(page) in range(1495, 1502)
    assert page.texts("#sign-in-warning") == []


def test_pages_of_somebody_who_is_not_signed_in_ask_nothing(client):
    assert client.get("/organiser/session").select("#sign-in-warning") == []


def test_warning_stays_silent_when_another_tab_was_active(desk_client):
    idle_for(timedelta(minutes=10))

    page = desk_client.get(WARNING, headers=HTMX)

    assert page.texts("[role=alert]") == []
    assert pause(page) in range(895, 902)


@pytest.mark.parametrize(("idle", "words"), [(25, "5 minutes"), (29, "1 minute")])
def test_warning_names_the_minutes_that_are_left(desk_client, idle, words):
    idle_for(timedelta(minutes=idle))

    page = desk_client.get(WARNING, headers=HTMX)

    (told,) = page.texts("[role=alert] p")
    assert told.startswith(f"You will be signed out in {words}, because")
    assert page.texts("button") == ["Stay signed in"]
    assert 1 <= pause(page) <= 61


def test_asking_does_not_count_as_work(desk_client):
    idle_for(timedelta(minutes=27))
    (before,) = stored(SignIn)

    desk_client.get(WARNING, headers=HTMX)
    desk_client.get("/organiser/announcements/1", headers=HTMX, status=404)
    desk_client.get("/organiser/statistics", headers=HTMX)
    desk_client.get("/organiser/statistics/country.svg")

    assert stored(SignIn)[0].seen_at == before.seen_at
    desk_client.get(LIST)
    assert stored(SignIn)[0].seen_at > before.seen_at


def test_warning_says_when_the_time_is_over_and_leads_to_another_tab(desk_client):
    idle_for(timedelta(minutes=30))

    page = desk_client.get(WARNING, headers=HTMX)

    assert page.texts("[role=alert] p")[0].startswith("You are not signed in any more.")
    link = page.one("[role=alert] a")
    assert (link["href"], link["target"]) == ("/organiser/session", "_blank")
    assert "load" not in page.one("#sign-in-warning")["hx-trigger"]
    desk_client.get(LIST, status=303)


def test_warning_before_the_end_of_eight_hours_offers_no_button(desk_client):
    (row,) = stored(SignIn)
    with connection():
        SignIn.update(expires_at=row.seen_at + timedelta(minutes=3)).execute()

    page = desk_client.get(WARNING, headers=HTMX)

    assert page.texts("[role=alert] p")[0].startswith("Your sign-in ends in 3 minutes, after eight hours.")
    assert page.select("button") == []


def test_warning_that_is_opened_as_a_page_leads_to_the_list(desk_client):
    assert desk_client.get(WARNING, status=303).headers["Location"] == LIST
