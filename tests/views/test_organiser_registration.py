"""GET and POST /organiser/registrations/<reference>: one registration; its sensitive answers only on demand."""

import pytest
from factories import NEEDS, PASSPORT
from support.journey import ON_SQLITE, stored

from db import connection
from models import AuditEntry, Registration

SENSITIVE = ["Vegetarian", "Step-free route", "12E34567", "ADA LOVELACE", "Paris, France", "1 January 2020"]


@pytest.fixture
def row(registered):
    return registered(
        needs=NEEDS, passport=PASSPORT, email="ada@example.org", consents=["affiliation", "needs", "visa"]
    )


@pytest.fixture
def path(row):
    return f"/organiser/registrations/{row.reference}"


def shown(page) -> dict[str, str]:
    pairs = zip(page.select("dt"), page.select("dd"), strict=True)
    return {question.get_text(): " ".join(answer.stripped_strings) for question, answer in pairs}


def actions() -> list[str]:
    return [entry.action for entry in stored(AuditEntry) if entry.registration_id and entry.organiser_id]


def test_registration_shows_what_organisers_need(desk_client, row, path):
    page = desk_client.get(path)

    answers = shown(page)
    assert page.texts("h1") == ["Ada Lovelace"]
    assert page.texts(".received__reference") == [f"Reference {row.reference} Received"]
    assert (answers["E-mail address"], answers["Country or territory"]) == (
        "ada@example.org",
        "United Kingdom",
    )
    assert len(page.texts("#mails-title + ul li")) == 1


def test_sensitive_answers_are_hidden(desk_client, path):
    page = desk_client.get(path)

    answers = shown(page)
    assert [words for words in SENSITIVE if words in page.text] == []
    assert (answers["Passport number"], answers["Nationality"], answers["Accessibility needs"]) == (
        "••••567",
        "hidden",
        "hidden",
    )
    assert actions() == ["registration.viewed"]


def test_sensitive_answers_are_shown_on_demand_and_that_is_logged(desk_client, path):
    token = desk_client.get(path).select("main [name=csrf_token]")[0]["value"]

    page = desk_client.post(path, {"csrf_token": token})

    answers = shown(page)
    assert [words for words in SENSITIVE if words not in page.text] == []
    assert (answers["Passport number"], answers["Nationality"]) == ("12E34567", "United Kingdom")
    assert page.select("main form") == []
    assert actions() == ["registration.viewed", "registration.revealed"]


@pytest.mark.parametrize("token", ["", "forged"])
def test_sensitive_answers_stay_hidden_without_the_token(desk_client, path, token):
    page = desk_client.post(path, {"csrf_token": token}, status=422)

    assert [words for words in SENSITIVE if words in page.text] == []
    assert actions() == ["registration.viewed"]


def test_nothing_is_hidden_where_nothing_is_sensitive(desk_client, registered):
    page = desk_client.get(f"/organiser/registrations/{registered().reference}")

    assert page.select("main form") == []


def test_history_says_who_did_what(desk_client, path):
    desk_client.get(path)

    page = desk_client.get(path)

    entries = [entry.partition("UTC ")[2] for entry in page.texts("#history-title + ul li")]
    assert entries == ["Viewed – cem@example.org", "Viewed – cem@example.org", "Registration received"]


@pytest.mark.parametrize("reference", ["OB17-2222-22", "ob17", "%00", "%ff", "..", "x" * 5000, "'"])
def test_unknown_reference_is_not_found(desk_client, row, reference):
    page = desk_client.get(f"/organiser/registrations/{reference}", status=404)

    assert page.texts("h1") == ["Page not found"]
    assert actions() == []


@ON_SQLITE
def test_erased_registration_is_not_found(desk_client, path):
    with connection():
        Registration.update(state="erased").execute()

    page = desk_client.get(path, status=404)

    assert page.texts(".prose__lede") == ["There is no registration with this reference."]
