"""Another conference from its folder alone: other days, no travel, two questions of its own; the code is the same."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from conftest import CLOSED_DAY, OPEN_DAY, PASSWORD
from flask import Flask
from support.journey import (
    HTMX,
    ON_SQLITE,
    again,
    amend,
    amended,
    as_typed,
    check,
    lists,
    own_page,
    send,
    sign_in,
    stored,
)
from support.page import Page, PageClient
from support.second import second_service
from werkzeug.datastructures import MultiDict

from config import Settings
from db import connection
from domain import clock, organisers
from domain.conference import LANGUAGES
from models import Mail, Registration

pytestmark = ON_SQLITE

FOLDER = Path(__file__).parent.parent / "conferences" / "lisbon-2018"
AFTER_ITS_DEADLINE = date(2018, 1, 2)
FORM = "/en/registration"
KINDS = {"en": "Meeting of Cities", "fr": "Rencontre des villes", "es": "Encuentro de ciudades"}
WALKS = {
    "en": "Which walks would you like to join?",
    "fr": "Quelles promenades vous tentent ?",
    "es": "¿Qué paseos le interesan?",
}
TOPIC = "What would you like to talk about?"
ADA = {
    "given_names": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.org",
    "organisation": "City of London",
    "country": "GB",
    "function": "Councillor",
    "category": "city",
    "days": ["2018-03-15", "2018-03-17"],
    "sessions": ["water"],
    "interpretation": "en",
    "visa_letter": "no",
    "question_walks": ["river", "hills"],
    "question_topic": "Trees & benches",
    "consent_affiliation": "y",
}
SHOWN = {WALKS["en"]: "Along the river Over the hills", TOPIC: "Trees & benches"}


@pytest.fixture
def lisbon(app: Flask, make_settings: Callable[..., Settings]) -> Iterator[Flask]:
    """The service with the other conference; it opens on the same day as the first."""
    with second_service(make_settings(conference=FOLDER)) as service:
        yield service


@pytest.fixture
def client(lisbon: Flask) -> PageClient:
    return PageClient(lisbon)


@pytest.fixture
def row(client: PageClient) -> Registration:
    """ada, who has answered both questions."""
    send(client, answers())
    return stored(Registration)[0]


def answers(**changes: object) -> MultiDict:
    return MultiDict({name: value for name, value in (ADA | changes).items() if value is not None})


def shown(page: Page) -> dict[str, str]:
    """The answers to the conference's own questions on a page."""
    pairs = zip(page.texts("dt"), page.select("dd"), strict=True)
    return {name: " ".join(answer.stripped_strings) for name, answer in pairs if name in SHOWN}


def reported(page: Page) -> dict[str, str]:
    errors = page.select(".field__error")
    return {str(one["id"]).removesuffix("-error"): one.get_text() for one in errors if one.get_text()}


def test_folder_has_no_faults(app):
    result = app.test_cli_runner().invoke(args=["conference", "check", str(FOLDER)])

    assert (result.exit_code, result.output) == (0, f"{FOLDER}: no faults; 15 pages, 2 sessions.\n")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", ["", "programme", "practical", "privacy", "accessibility"])
def test_pages_are_of_this_conference(client, lang, name):
    page = client.get(f"/{lang}/{name}")

    assert page.one("html")["lang"] == lang
    assert page.texts("title")[0].endswith(KINDS[lang])
    for word in ("Mongolia", "Oulan", "Ulaanbaatar", "2017-05"):
        assert word not in page.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_form_asks_the_days_and_the_questions_and_nothing_about_travel(client, lang):
    page = client.get(f"/{lang}/registration")

    asked = list(
        dict.fromkeys(str(field["name"]) for field in page.select("#registration-form [name]:not(button)"))
    )
    assert [field["value"] for field in page.select("[name=days]")] == [
        "2018-03-15",
        "2018-03-16",
        "2018-03-17",
    ]
    assert [field["value"] for field in page.select("[name=question_walks]")] == ["river", "hills", "no_walk"]
    assert page.one("#question_walks-field legend").get_text() == WALKS[lang]
    assert asked[-5:] == [
        "question_walks",
        "question_topic",
        "consent_affiliation",
        "consent_list",
        "consent_photo",
    ]
    for name in ("travel", "arrival_date", "pickup", "mobile", "hotel", "check_in", "room", "share_with"):
        assert name not in asked
    assert [section["id"] for section in page.select("#registration-form > section")] == [
        "you",
        "taking_part",
        "visa",
        "questions",
        "consent",
    ]


def test_question_is_optional_unless_it_is_required(client):
    page = client.get(FORM)

    assert page.select("#question_walks-field .field__optional") == []
    assert page.texts("#question_topic-field .field__optional") == ["(optional)"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"question_walks": None}, {"question_walks": f"Answer the question “{WALKS['en']}”"}),
        ({"question_walks": ["sea"]}, {"question_walks": "Choose one of the answers on offer"}),
        ({"question_topic": "x" * 201}, {"question_topic": "Shorten this to 200 characters or fewer"}),
        ({"question_topic": "…"}, {"question_topic": "Enter letters or digits"}),
        (
            {"days": ["2017-05-25"]},
            {
                "days": "Choose one of the answers on offer",
                "sessions": "Choose sessions of the days that you will attend",
            },
        ),
        ({"days": ["2018-03-16"]}, {"sessions": "Choose sessions of the days that you will attend"}),
        ({"category": "party"}, {"category": "Choose one of the answers on offer"}),
    ],
    ids=range(7),
)
def test_wrong_answer_is_reported_beside_its_question(client, wrong, errors, headers):
    page = client.post(FORM, answers(**wrong), headers=headers, status=422)

    assert reported(page) == errors
    assert {page.one(link["href"])["name"]: link.get_text() for link in page.select("#summary a")} == errors
    assert as_typed(page)["function"] == ["Councillor"]
    assert stored(Registration) == []


def test_summary_of_errors_has_the_order_of_the_page(client):
    page = client.post(FORM, {}, status=422)

    summary = [page.one(link["href"])["name"] for link in page.select("#summary a")]
    on_page = [
        str(one["id"]).removesuffix("-error") for one in page.select(".field__error") if one.get_text()
    ]
    assert summary == on_page
    assert summary[-2:] == ["question_walks", "consent_affiliation"]


def test_answers_about_travel_that_are_slipped_in_are_not_kept(client):
    travel = {
        "travel": "known",
        "arrival_date": "2018-03-14",
        "arrival_time": "10:00",
        "arrival_flight": "TP 1",
    }
    slipped = travel | {"pickup": "y", "mobile": "+33 6 12 34 56 78", "hotel": "reserve", "room": "twin"}

    send(client, answers(**slipped))

    (row,) = stored(Registration)
    assert (row.travel, row.journey, row.mobile, row.hotel, row.stay) == ("", None, None, "", None)


@pytest.mark.parametrize("name", ["travel", "mobile", "hotel", "question_unheard_of"])
def test_field_that_is_not_asked_is_not_checked(client, name):
    client.post(f"{FORM}/fields/{name}", answers(), status=404)


@pytest.mark.parametrize("name", ["question_walks", "question_topic"])
def test_field_of_a_question_is_checked_like_any_other(client, name):
    wrong = answers(question_walks=["sea"], question_topic="x" * 201)

    fragment = client.post(f"{FORM}/fields/{name}", wrong, headers=HTMX)

    assert list(reported(fragment)) == [name]


def test_check_page_carries_the_answers_there_and_back(client):
    page = check(client, answers())
    back = client.post(FORM, page.hidden_fields() | {"step": "edit:questions"})

    assert shown(page) == SHOWN
    assert page.texts("h2") == ["You", "Taking part", "Visa letter", "Further questions", "Consent"]
    assert as_typed(back) == lists(answers())


def test_registration_is_received_with_a_reference_of_this_conference(client):
    page = client.get(send(client, answers()).headers["Location"])

    (row,) = stored(Registration)
    assert row.reference.startswith("LX18-")
    assert page.texts(".received__reference bdi") == [row.reference]
    assert row.extra == {"walks": ["river", "hills"], "topic": "Trees & benches"}
    assert row.days == ["2018-03-15", "2018-03-17"]
    assert [mail.kind for mail in stored(Mail)] == ["confirmation"]


def test_optional_question_may_stay_unanswered(client):
    send(client, answers(question_topic="", question_walks=["no_walk"]))

    assert stored(Registration)[0].extra == {"walks": ["no_walk"]}


def test_own_page_shows_the_answers(lisbon, client, row):
    assert shown(client.get(own_page(lisbon, row))) == SHOWN


def test_page_to_keep_shows_the_answers(lisbon, client, row):
    assert shown(client.get(f"{own_page(lisbon, row)}/data.html")) == SHOWN


def test_data_hold_the_answers(lisbon, client, row):
    data = json.loads(client.get(f"{own_page(lisbon, row)}/data.json").text)

    assert data["answers"]["extra"] == {"walks": ["river", "hills"], "topic": "Trees & benches"}


def test_own_edit_changes_the_answers(lisbon, client, row):
    path = f"{own_page(lisbon, row)}/edit"
    assert as_typed(client.get(path)) == {
        name: values for name, values in lists(answers()).items() if name != "consent_affiliation"
    }

    page = amend(client, path, {"question_walks": ["hills"], "question_topic": ""})

    assert page.headers["Location"].endswith("?done=changed")
    assert again(row).extra == {"walks": ["hills"]}
    assert stored(Mail)[-1].kind == "changed"


def test_own_edit_names_the_questions_in_a_conflict(lisbon, client, row):
    path = f"{own_page(lisbon, row)}/edit"
    second = amended(client.get(path), question_topic="Water")
    amend(client, path, {"question_topic": "Shade"})

    page = client.post(path, second, status=409)

    assert page.texts("[role=alert]:not([hidden]) li") == ["Further questions"]
    assert as_typed(page)["question_topic"] == ["Water"]


def test_own_edit_needs_the_answer_that_is_required(lisbon, client, row):
    page = amend(client, f"{own_page(lisbon, row)}/edit", {"question_walks": None}, status=422)

    assert reported(page) == {"question_walks": f"Answer the question “{WALKS['en']}”"}
    assert again(row).extra == row.extra


def test_own_edit_after_the_deadline_asks_no_questions(lisbon, client, row):
    path = f"{own_page(lisbon, row)}/edit"
    clock.rehearse(AFTER_ITS_DEADLINE)

    amend(client, path, {"question_topic": "Shade", "consent_list": "y"})

    assert client.get(path).select("[name^=question_]") == []
    assert again(row).extra == row.extra


@pytest.fixture
def desk_client(lisbon: Flask, client: PageClient) -> PageClient:
    """A browser in which cem has signed in; the clock stands where it stood."""
    with connection():
        organisers.add("cem@example.org", PASSWORD, roles=["admin"])
    sign_in(client, "cem@example.org", PASSWORD)
    return client


def test_organiser_sees_the_answers(row, desk_client):
    page = desk_client.get(f"/organiser/registrations/{row.reference}")

    assert shown(page) == SHOWN


def test_export_opens_after_the_deadline_of_this_conference_with_the_answers(row, desk_client):
    clock.rehearse(CLOSED_DAY)
    desk_client.get("/organiser/registrations.csv", status=403)
    clock.rehearse(AFTER_ITS_DEADLINE)

    text = desk_client.get("/organiser/registrations.csv").data.decode("utf-8-sig")

    (line,) = csv.DictReader(io.StringIO(text, newline=""))
    assert list(line)[-2:] == ["question_walks", "question_topic"]
    assert (line["reference"], line["question_walks"], line["question_topic"]) == (
        row.reference,
        "river hills",
        "Trees & benches",
    )
    assert (line["travel"], line["hotel"], line["days"]) == ("", "", "2018-03-15 2018-03-17")


def test_first_conference_knows_nothing_of_the_other(app):
    clock.rehearse(OPEN_DAY)

    page = PageClient(app).get(FORM)

    assert page.select("[name^=question_]") == []
    assert len(page.select("[name=travel]")) == 3


def test_sheets_and_statistics_are_of_what_it_asks(row, desk_client):
    page = desk_client.get("/organiser/sheets")

    assert [link["href"].rpartition("/")[2] for link in page.select(".sheets__title a")] == [
        "access", "meals", "visa", "headsets", "badges", "sign-in",
    ]  # fmt: skip
    for name in ("arrivals", "departures", "rooms"):
        desk_client.get(f"/organiser/sheets/{name}", status=404)
        desk_client.get(f"/organiser/sheets/{name}.xlsx", status=404)
    shown = [section["id"] for section in desk_client.get("/organiser/statistics").select(".plot")]
    assert {"travel", "hotel"} & set(shown) == set()
    for name in ("travel", "hotel"):
        desk_client.get(f"/organiser/statistics/{name}.svg", status=404)
