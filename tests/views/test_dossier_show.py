"""GET and POST /organiser/registrations/<reference>: one registration; its sensitive answers only on demand."""

import logging

import pytest
from factories import NEEDS, PASSPORT, SENSITIVE_PARTS
from support.journey import ON_SQLITE, stored

from db import connection
from domain import audit, notes
from models import AuditEntry, Organiser, Registration

REVEAL = ".dossier__answers form"
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


def token(page) -> dict[str, str]:
    return {"csrf_token": page.select("[name=csrf_token]")[0]["value"]}


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
    assert page.texts("#notes-title ~ p") == ["There are no notes."]


@pytest.mark.parametrize(
    ("left", "leads_to"),
    [
        ("/organiser/registrations?q=ada&not=visa&visa=sent", "?q=ada&not=visa&visa=sent"),
        ("/organiser/registrations", ""),
        ("/organiser/statistics?q=ada", ""),
        ("[", ""),
        (None, ""),
    ],
)
def test_way_back_leads_to_the_list_as_it_was_left(desk_client, path, left, leads_to):
    page = desk_client.get(path, headers={"Referer": left and f"https://convoke.example{left}"})

    (link,) = [link["href"] for link in page.select("main a") if link.get_text() == "Back to the list"]
    assert link == f"/organiser/registrations{leads_to}"


def test_way_back_is_told_on_by_whatever_is_done_here(desk_client, path):
    page = desk_client.get(path, headers={"Referer": "https://convoke.example/organiser/registrations?q=ada"})
    actions = [form["action"] for form in page.select("main form")]
    assert [action.partition("?")[2] for action in actions] == ["list=q%3Dada"] * len(actions)
    data = token(page) | {"note": "Speaks on Friday."}

    answer = desk_client.post(f"{path}/notes?list=q%3Dada", data, status=303)

    page = desk_client.get(answer.headers["Location"], headers={"Referer": f"https://convoke.example{path}"})
    assert page.select('main a[href="/organiser/registrations?q=ada"]')
    assert "?list=q%3Dada" in page.select("main form")[-1]["action"]


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
    assert page.select(REVEAL) == []
    assert actions() == ["registration.viewed", "registration.revealed"]
    assert stored(AuditEntry)[-1].details == {"blocks": ["visa", "logistics"]}


@pytest.mark.parametrize("token", ["", "forged"])
def test_sensitive_answers_stay_hidden_without_the_token(desk_client, path, token):
    page = desk_client.post(path, {"csrf_token": token}, status=422)

    assert [words for words in SENSITIVE if words in page.text] == []
    assert actions() == ["registration.viewed"]


def test_nothing_is_hidden_where_nothing_is_sensitive(desk_client, registered):
    page = desk_client.get(f"/organiser/registrations/{registered().reference}")

    assert page.select(REVEAL) == []


# Which role sees what

BLOCKS = {
    "visa": ["ADA LOVELACE", "12E34567", "1 January 2020", "Paris, France"],
    "logistics": [
        "Vegetarian", "Step-free route", "OM 302", "OM 301", "06:10", "+976 99 112233", "27 May 2017", "Bo Example",
    ],
}  # fmt: skip
SEEN = {"visa": ["visa"], "logistics": ["logistics"], "admin": ["visa", "logistics"]}


@pytest.fixture
def whole(registered) -> str:
    """The page of somebody who gave every sensitive answer."""
    return f"/organiser/registrations/{registered(**SENSITIVE_PARTS).reference}"


@ON_SQLITE
@pytest.mark.parametrize("role", SEEN)
def test_reveal_shows_what_the_role_covers_and_the_log_says_which(sign_in_as, whole, role):
    browser = sign_in_as(role)
    before = browser.get(whole)
    assert [words for block in BLOCKS.values() for words in block if words in before.text] == []

    page = browser.post(whole, token(before))

    shown = {block: [words in page.text for words in told] for block, told in BLOCKS.items()}
    assert shown == {block: [block in SEEN[role]] * len(told) for block, told in BLOCKS.items()}
    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.details) == ("registration.revealed", {"blocks": SEEN[role]})


@ON_SQLITE
def test_reader_is_shown_nothing_sensitive_and_offered_nothing(sign_in_as, whole):
    page = sign_in_as("reader").get(whole)

    assert [words for block in BLOCKS.values() for words in block if words in page.text] == []
    assert page.select("main form") == []
    assert page.texts(".dossier__answers > .notice") == [
        "Your role does not show the answers that are hidden here."
    ]


@ON_SQLITE
def test_reveal_is_not_offered_where_the_role_would_see_no_more(sign_in_as, registered):
    row = registered(needs=NEEDS, consents=["affiliation", "needs"])
    browser, path = sign_in_as("visa"), f"/organiser/registrations/{row.reference}"
    page = browser.get(path)
    assert page.select(REVEAL) == []

    page = browser.post(path, token(page))

    assert "Step-free route" not in page.text
    assert stored(AuditEntry)[-1].action == "registration.viewed"


@ON_SQLITE
@pytest.mark.parametrize(
    ("role", "marks"),
    [
        ("reader", []),
        ("visa", ["visa"]),
        ("logistics", ["booked", "checked"]),
        ("admin", ["visa", "booked", "checked"]),
    ],
)
def test_marks_are_shown_to_all_and_offered_to_the_role_that_sets_them(sign_in_as, whole, role, marks):
    page = sign_in_as(role).get(whole)

    assert [field["value"] for field in page.select("[name=mark]")] == marks
    assert page.texts(".mark__label") == ["Visa letter", "Hotel", "Flights"]


# Duplicates, notes and history


def test_registrations_of_the_same_name_are_named_in_either_order(desk_client, row, path, registered):
    cancelled = registered(given_names="LOVELACE", family_name="Ada", organisation="Greens")
    registered(given_names="Ada", family_name="Byron")
    erased = registered()
    with connection():
        Registration.update(state="cancelled").where(Registration.id == cancelled.id).execute()
        Registration.update(state="erased").where(Registration.id == erased.id).execute()

    page = desk_client.get(path)

    assert [" ".join(text.split()) for text in page.texts("#twins-title + ul li")] == [
        f"LOVELACE Ada ({cancelled.reference}) – Greens Cancelled"
    ]
    link = page.one("#twins-title + ul a")["href"]
    assert link == f"/organiser/registrations/{cancelled.reference}"


def test_nobody_is_named_where_nobody_has_the_same_name(desk_client, path):
    assert desk_client.get(path).select("#twins-title") == []


def test_page_asks_the_database_as_often_for_three_of_everything_as_for_one(
    desk_client, row, path, registered, caplog
):
    def queries(number: int) -> int:
        for place in range(number):
            registered()
            with connection():
                notes.add(row, f"Speaks on Friday, {number} {place}", organiser=Organiser.get())
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            page = desk_client.client.get(path)
        assert page.text.count("Speaks on Friday") >= number
        return sum(record.name == "peewee" for record in caplog.records)

    assert queries(1) == queries(3) > 5


def test_history_says_who_did_what(desk_client, path):
    desk_client.get(path)

    page = desk_client.get(path)

    entries = [entry.partition("UTC ")[2] for entry in page.texts("#history-title + ul li")]
    assert entries == ["Viewed – cem@example.org", "Viewed – cem@example.org", "Registration received"]


def test_views_push_nothing_out_of_the_history(desk_client, row, path):
    with connection():
        for _ in range(101):
            audit.record("registration.viewed", registration=row)

    page = desk_client.get(path)

    entries = [entry.partition("UTC ")[2] for entry in page.texts("#history-title + ul li")]
    assert entries == ["Viewed – cem@example.org", *["Viewed"] * 19, "Registration received"]
    assert page.texts("#history-title ~ p") == ["Older entries and views are in the log."]
    in_log = desk_client.get(page.one("#history-title ~ p a")["href"])
    assert in_log.texts(".list__count") == ["103 entries"]


def test_history_that_is_whole_does_not_lead_to_the_log(desk_client, path):
    assert desk_client.get(path).select("#history-title ~ p") == []


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
