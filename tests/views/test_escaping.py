"""What people typed is shown as text, on every page that shows it."""

from dataclasses import replace

import pytest
from factories import NEEDS, PASSPORT, typed_with_visa
from support.journey import FORM, SESSION, check, own_page

from db import connection
from models import Mail

CANARY = """"'><b id=canary>{{ 7 * 7 }}</b><!--"""
TEXTS = ("given_names", "family_name", "organisation", "function")
SENSITIVE = {
    "needs": replace(NEEDS, diet_other=CANARY, access=CANARY),
    "passport": replace(PASSPORT, name=CANARY, post=CANARY),
}


@pytest.fixture
def row(registered):
    row = registered(**dict.fromkeys(TEXTS, CANARY), **SENSITIVE, consents=["affiliation", "needs", "visa"])
    with connection():
        Mail.update(state="failed", error=CANARY).execute()
    return row


def in_list(desk_client, row):
    return desk_client.get("/organiser/registrations")


def on_page_of_one(desk_client, row):
    path = f"/organiser/registrations/{row.reference}"
    token = desk_client.get(path).select("main [name=csrf_token]")[0]["value"]
    return desk_client.post(path, {"csrf_token": token})


def on_own_page(desk_client, row):
    return desk_client.get(own_page(desk_client.client.application, row))


def fields(**changes):
    needs = {"diet_other": CANARY, "access_needs": CANARY, "consent_needs": "y"}
    return typed_with_visa(**dict.fromkeys((*TEXTS, "passport_name", "visa_post"), CANARY) | needs | changes)


def on_check_page(desk_client, row):
    return check(desk_client, fields())


def on_form(desk_client, row):
    return desk_client.post(FORM, fields(email=CANARY, passport_number="?", key=CANARY), status=422)


def in_search(desk_client, row):
    return desk_client.get("/organiser/registrations", query_string={"q": CANARY, "sort": CANARY})


def in_sign_in(desk_client, row):
    desk_client.client.delete_cookie("session")
    return desk_client.post(f"{SESSION}?next={CANARY}", {"email": CANARY}, status=422)


@pytest.mark.parametrize(
    ("show", "times"),
    [
        (in_list, 2),
        (on_page_of_one, 10),
        (on_own_page, 8),
        (on_check_page, 16),
        (on_form, 9),
        (in_search, 1),
        (in_sign_in, 1),
    ],
)
def test_html_is_shown_and_never_obeyed(desk_client, row, show, times):
    page = show(desk_client, row)

    values = [str(element["value"]) for element in page.select("main [value]")]
    assert page.select("#canary") == []
    assert page.one("body").get_text().count(CANARY) + values.count(CANARY) >= times
