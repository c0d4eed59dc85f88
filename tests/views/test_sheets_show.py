"""GET /organiser/sheets/<name>: a sheet on screen, which is also what goes on paper."""

from dataclasses import replace
from datetime import date, time

import pytest
from factories import JOURNEY, NEEDS, PASSPORT, SENSITIVE_PARTS, STAY
from support.journey import ON_SQLITE, stored

from models import AuditEntry

SHEETS = "/organiser/sheets"
BOTH_DAYS = ["2017-05-25", "2017-05-26"]
LOGGED = ["arrivals", "departures", "rooms", "access", "visa"]
COUNTED = ["meals", "headsets", "badges", "sign-in"]

pytestmark = ON_SQLITE


@pytest.fixture
def ada(registered):
    return registered(email="ada@example.org", **SENSITIVE_PARTS | {"days": BOTH_DAYS})


def cells(page, place: int = 0) -> list[list[str]]:
    """The rows of a table of a sheet, those with the hours too."""
    rows = page.select(".sheet table")[place].select("tbody tr")
    return [[" ".join(cell.get_text().split()) for cell in row.select("th, td")] for row in rows]


def test_arrivals_are_divided_by_day_and_hour(desk_client, ada, registered):
    early = replace(JOURNEY, arrival_date=date(2017, 5, 23), arrival_time=time(23, 5), pickup=False)
    registered(given_names="Bo", travel="known", journey=early)

    page = desk_client.get(f"{SHEETS}/arrivals")

    assert page.texts("h1") == ["Arrivals"]
    assert page.texts(".sheet__day") == ["Tuesday, 23 May 2017 (1)", "Wednesday, 24 May 2017 (1)"]
    assert page.texts(".sheet__hour") == ["23:00", "06:00"]
    assert cells(page, 1) == [
        ["06:00"],
        [
            "06:10",
            "OM 302",
            "Ada Lovelace",
            "Labour Party",
            "United Kingdom",
            "Yes",
            "(+976) 99 112233",
            ada.reference,
        ],
    ]
    assert cells(page, 0)[1][5:7] == ["No", ""]


def test_those_without_a_flight_stand_at_the_end(desk_client, registered):
    registered(given_names="Bo", travel="later")
    registered(given_names="Cem", travel="none")

    page = desk_client.get(f"{SHEETS}/arrivals")

    assert page.texts(".sheet__title") == ["Flights not known (1)", "Need no transfer (1)"]
    assert [cells(page, place)[0][0] for place in (0, 1)] == ["Bo Lovelace", "Cem Lovelace"]


def test_departure_at_an_unknown_hour_says_so(desk_client, registered):
    registered(travel="known", journey=replace(JOURNEY, departure_time=None, departure_flight=""))

    page = desk_client.get(f"{SHEETS}/departures")

    assert page.texts(".sheet__hour") == ["Time not known"]


def test_rooming_list_is_in_words(desk_client, ada, registered):
    registered(given_names="Bo", family_name="Example", hotel="reserve", stay=replace(STAY, share_with="Cem"))

    page = desk_client.get(f"{SHEETS}/rooms")

    assert page.texts(".sheet__title") == ["By check-in (2)", "Guests and rooms by night"]
    assert cells(page)[1][:4] == ["24 May 2017", "27 May 2017", "3", "Twin room"]
    assert cells(page)[1][7:9] == ["Bo Example", "No: the other one does not name this guest"]
    assert cells(page, 1)[0] == ["24 May 2017", "Twin room", "2", "2"]


def test_access_needs_name_who_has_them(desk_client, ada):
    page = desk_client.get(f"{SHEETS}/access")

    assert cells(page) == [
        [
            "Ada Lovelace",
            "Labour Party",
            "United Kingdom",
            "25 May 2017, 26 May 2017",
            "Step-free route",
            ada.reference,
        ]
    ]


def test_visa_letters_say_which_passport_is_short(desk_client, ada, registered):
    short = replace(PASSPORT, expiry=date(2017, 8, 1))
    registered(given_names="Bo", passport=short, consents=["affiliation", "visa"])

    page = desk_client.get(f"{SHEETS}/visa")

    assert [row[1:8] for row in cells(page)] == [
        ["Requested", "ADA LOVELACE", "United Kingdom", "12E34567", "1 Jan 2020", "", "Paris, France"],
        [
            "Requested", "ADA LOVELACE", "United Kingdom", "12E34567", "1 Aug 2017",
            "Less than six months after the conference", "Paris, France",
        ],
    ]  # fmt: skip


def test_meals_are_numbers_without_names(desk_client, ada, registered):
    registered(needs=replace(NEEDS, diet_other="No nuts"), consents=["affiliation", "needs"])

    page = desk_client.get(f"{SHEETS}/meals")

    assert cells(page, 0) == [["Everybody", "2"], ["Vegetarian", "2"], ["Another diet", "1"]]
    assert cells(page, 2) == [["25 May 2017", "Vegetarian + Another diet", "1"]]
    assert cells(page, 3) == [["25 May 2017", "No nuts", "1"]]
    assert "Lovelace" not in page.text


def test_headsets_are_counted(desk_client, ada):
    page = desk_client.get(f"{SHEETS}/headsets")

    assert cells(page)[0] == ["25 May 2017", "0", "1", "0", "1"]
    assert cells(page, 1)[0][0].startswith("Developments in Asian")


def test_badges_are_cards(desk_client, ada):
    page = desk_client.get(f"{SHEETS}/badges")

    assert [one.get_text() for one in page.select(".badge bdi")] == [
        "Ada", "Lovelace", "International Secretary", "Labour Party", "United Kingdom",
    ]  # fmt: skip


def test_sign_in_sheet_has_room_for_a_signature_on_each_day(desk_client, ada):
    page = desk_client.get(f"{SHEETS}/sign-in")

    assert page.texts(".sheet__day") == ["Thursday, 25 May 2017 (1)", "Friday, 26 May 2017 (1)"]
    assert cells(page, 1) == [["Ada Lovelace", "Labour Party", ""]]
    assert page.texts("thead tr:not(.sheet__again) th") == ["Name", "Organisation", "Signature"] * 2


@pytest.mark.parametrize("name", [*LOGGED, *COUNTED])
def test_sheet_without_anybody_says_so(desk_client, name):
    page = desk_client.get(f"{SHEETS}/{name}")

    assert page.texts(".list__empty") == (
        [] if name in ("headsets",) else ["There is nothing on this sheet yet."]
    )


@pytest.mark.parametrize("name", LOGGED)
def test_look_at_sensitive_answers_is_logged(desk_client, ada, name):
    desk_client.get(f"{SHEETS}/{name}")

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.organiser_id is not None) == ("sheet.opened", True)
    assert (entry.details["sheet"], entry.details["format"]) == (name, "html")
    assert entry.details["lines"] >= 1
    assert {"name", "reference"} <= set(entry.details["columns"])
    assert "Lovelace" not in str(entry.details)


@pytest.mark.parametrize("name", COUNTED)
def test_look_at_what_is_not_sensitive_is_not_logged(desk_client, ada, name):
    before = len(stored(AuditEntry))

    desk_client.get(f"{SHEETS}/{name}")

    assert len(stored(AuditEntry)) == before


def test_log_says_which_sheet_was_opened(desk_client, ada):
    desk_client.get(f"{SHEETS}/visa")

    page = desk_client.get("/organiser/log")

    assert page.texts("tbody tr:first-child td")[0] == "Sheet opened: Visa letters; HTML; 11 columns; 1 line"


@pytest.mark.parametrize("name", ["nothing", "flights_unknown", "arrivals.csv", "ARRIVALS"])
def test_sheet_that_there_is_not_is_not_found(desk_client, name):
    desk_client.get(f"{SHEETS}/{name}", status=404)


def test_before_the_deadline_a_sheet_says_how_many_can_still_change(desk_client, ada, registered):
    registered()

    page = desk_client.get(f"{SHEETS}/arrivals")

    assert "2 people are expected." in page.texts(".list__count")[0]
    assert (
        "All 2 registrations can still change until registration closes: on 9 May 2017, 12:00 UTC."
        in (page.texts(".list__count")[0])
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("arrivals", "Registration has closed; 1 delegate can still change what stands here."),
        ("badges", "Registration has closed; 1 delegate can still cancel."),
    ],
)
def test_after_the_deadline_a_sheet_says_what_can_still_change(
    ada, after_the_deadline, desk_client, name, words
):
    page = desk_client.get(f"{SHEETS}/{name}")

    assert page.texts(".list__count")[0].endswith(words)


@pytest.mark.parametrize(("lang", "title", "yes"), [("fr", "Arrivées", "Oui"), ("es", "Llegadas", "Sí")])
def test_sheet_is_in_the_language_of_the_organiser(desk_client, ada, lang, title, yes):
    page = desk_client.get(f"{SHEETS}/arrivals?lang={lang}")

    assert page.texts("h1") == [title]
    assert cells(page)[1][5] == yes
