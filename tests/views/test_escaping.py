"""What people typed is shown as text, on every page that shows it."""

from dataclasses import replace

import pytest
from factories import JOURNEY, NEEDS, PASSPORT, STAY, typed_with_travel, typed_with_visa
from support import announcing
from support.journey import FORM, SESSION, amended, check, own_page

from db import connection
from models import Mail

CANARY = """"'><b id=canary>{{ 7 * 7 }}</b><!--"""
TEXTS = ("given_names", "family_name", "organisation", "function")
SENSITIVE = {
    "needs": replace(NEEDS, diet_other=CANARY, access=CANARY),
    "passport": replace(PASSPORT, name=CANARY, post=CANARY),
    "travel": "known",
    "journey": replace(JOURNEY, arrival_flight=CANARY, departure_flight=CANARY),
    "mobile": CANARY,
    "hotel": "reserve",
    "stay": replace(STAY, share_with=CANARY),
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


def on_edit_page(desk_client, row):
    return desk_client.get(f"{own_page(desk_client.client.application, row)}/edit")


def on_page_to_keep(desk_client, row):
    return desk_client.get(f"{own_page(desk_client.client.application, row)}/data.html")


def after_a_conflict(desk_client, row):
    path = f"{own_page(desk_client.client.application, row)}/edit"
    usual = {"arrival_flight": "OM 302", "departure_flight": "OM 301", "mobile": "+976 99 112233"}
    second = amended(desk_client.get(path), function="Secretary", given_names="Ada", **usual)
    desk_client.post(f"{path.removesuffix('/edit')}/consents", {"kind": "needs"}, status=303)
    return desk_client.post(path, second, status=409)


def with_a_wrong_reason(desk_client, row):
    path = f"{own_page(desk_client.client.application, row)}/cancellation"
    return desk_client.post(path, {"reason": CANARY * 20}, status=422)


def in_wish_for_a_link(desk_client, row):
    return desk_client.post(f"{FORM}/link", {"email": CANARY}, status=422)


def in_late_links(desk_client, row):
    token = desk_client.get("/organiser/late-links").select("main [name=csrf_token]")[0]["value"]
    return desk_client.post("/organiser/late-links", {"csrf_token": token, "email": CANARY}, status=422)


def in_announcements(desk_client, row):
    announcing.write(desk_client, subject_en=CANARY, text_en=CANARY)
    return desk_client.get(announcing.ANNOUNCEMENTS)


def on_draft(desk_client, row):
    return desk_client.get(announcing.written(desk_client, "en", subject_en=CANARY, text_en=CANARY))


def in_form_for_an_announcement(desk_client, row):
    words = {"subject_en": CANARY * 6, "text_en": CANARY}
    return announcing.write(desk_client, "fr", status=422, q="x", **words)


def in_number_of_recipients(desk_client, row):
    path = announcing.written(desk_client)
    return announcing.send(desk_client, path, number=CANARY, status=422)


def travelling(**changes):
    canaries = dict.fromkeys(("arrival_flight", "departure_flight", "mobile", "share_with"), CANARY)
    return typed_with_travel(**canaries | changes)


def on_form_about_travel(desk_client, row):
    return desk_client.post(FORM, travelling(email=CANARY), status=422)


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
        (on_own_page, 12),
        (on_edit_page, 12),
        (on_page_to_keep, 12),
        (after_a_conflict, 2),
        (with_a_wrong_reason, 20),
        (in_wish_for_a_link, 1),
        (in_late_links, 1),
        (in_announcements, 1),
        (on_draft, 7),
        (in_form_for_an_announcement, 7),
        (in_number_of_recipients, 1),
        (on_form_about_travel, 5),
        (on_check_page, 16),
        (on_form, 9),
        (in_search, 1),
        (in_sign_in, 1),
    ],
)
def test_html_is_shown_and_never_obeyed(desk_client, row, show, times):
    page = show(desk_client, row)

    shown = page.one("body").get_text() + "".join(
        str(field["value"]) for field in page.select("main [value]")
    )
    assert page.select("[id=canary i]") == []
    assert shown.casefold().count(CANARY.casefold()) >= times  # flight numbers are in capitals
