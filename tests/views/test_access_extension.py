"""POST /organiser/session/extension: staying signed in."""

from datetime import timedelta

from support.access import WARNING, idle_for
from support.journey import HTMX, stored

from models import SignIn

EXTENSION = "/organiser/session/extension"


def token_of(client):
    idle_for(timedelta(minutes=27))
    return client.get(WARNING, headers=HTMX).value("csrf_token")


def test_button_keeps_the_organiser_signed_in_and_silences_the_warning(desk_client):
    page = desk_client.post(EXTENSION, {"csrf_token": token_of(desk_client)}, headers=HTMX)

    assert page.texts("[role=alert]") == []
    desk_client.get("/organiser/registrations")


def test_button_works_at_once_however_lately_something_was_done(desk_client):
    token = token_of(desk_client)
    idle_for(timedelta(seconds=30))
    (before,) = stored(SignIn)

    desk_client.post(EXTENSION, {"csrf_token": token}, headers=HTMX)

    assert stored(SignIn)[0].seen_at > before.seen_at


def test_button_that_comes_too_late_leaves_the_page_and_its_words(desk_client):
    token = token_of(desk_client)
    idle_for(timedelta(minutes=30))

    page = desk_client.post(EXTENSION, {"csrf_token": token}, headers=HTMX, status=401)

    assert page.headers["HX-Trigger"] == "sign-in-ended"
    assert "HX-Redirect" not in page.headers


def test_button_without_htmx_leads_to_the_list(desk_client):
    page = desk_client.post(EXTENSION, {"csrf_token": token_of(desk_client)}, status=303)

    assert page.headers["Location"] == "/organiser/registrations"
