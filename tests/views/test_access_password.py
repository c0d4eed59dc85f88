"""GET and POST /organiser/account/password: another password."""

from datetime import timedelta

import pytest
from conftest import PASSWORD
from support.access import proved_before
from support.journey import sign_in, stored
from support.page import PageClient

from models import AuditEntry

PATH = "/organiser/account/password"
NEW = "quite another password"


def change(client, *, status=303, **given):
    token = client.get(PATH).select("main [name=csrf_token]")[0]["value"]
    return client.post(PATH, {"csrf_token": token, "password": NEW, "again": NEW} | given, status=status)


@pytest.fixture
def here(app, client, organiser) -> PageClient:
    sign_in(client, organiser.email, PASSWORD)
    return client


def test_new_password_holds_and_ends_the_other_sign_ins(app, here):
    elsewhere = PageClient(app)
    sign_in(elsewhere, "cem@example.org", PASSWORD)

    page = change(here)

    assert page.headers["Location"] == "/organiser/account?done=password"
    assert here.get(page.headers["Location"]).texts(".notice--good")
    elsewhere.get(PATH, status=303)
    sign_in(PageClient(app), "cem@example.org", PASSWORD, status=422)
    sign_in(PageClient(app), "cem@example.org", NEW)
    assert "organiser.password_changed" in [entry.action for entry in stored(AuditEntry)]


@pytest.mark.parametrize(
    ("given", "field", "error"),
    [
        ({"again": "other"}, "again", "Type the same password twice"),
        ({"password": "short", "again": "short"}, "password", "Choose a password of 12 characters or more"),
    ],
)
def test_page_says_what_is_wrong(app, here, given, field, error):
    page = change(here, status=422, **given)

    assert page.texts(f"#{field}-error") == [error]
    sign_in(PageClient(app), "cem@example.org", PASSWORD)


def test_change_asks_for_the_present_password_first(app, here):
    token = here.get(PATH).select("main [name=csrf_token]")[0]["value"]
    proved_before(timedelta(minutes=10))

    page = here.post(PATH, {"csrf_token": token, "password": NEW, "again": NEW}, status=303)

    assert page.headers["Location"] == f"/organiser/session/proof?next={PATH}"
    sign_in(PageClient(app), "cem@example.org", PASSWORD)
