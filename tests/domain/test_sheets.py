"""The sheets: who stands on which of them, in which order, and what is never on one."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from factories import JOURNEY, NEEDS, PASSPORT, STAY

from db import db
from domain import sheets
from domain.answers import Needs
from domain.conference import Conference
from domain.sheets import Table, dialled
from models import Consent, Registration

MAY_24, MAY_25, MAY_26, MAY_27 = (date(2017, 5, day) for day in (24, 25, 26, 27))
BOTH_DAYS = ["2017-05-25", "2017-05-26"]
NAMES = ["arrivals", "departures", "rooms", "access", "meals", "visa", "headsets", "badges", "sign-in"]


@pytest.fixture
def read(database: None, conference: Conference):
    """The tables of a sheet by their names; `facts` differ from those of the conference."""

    def read(name: str, **facts: Any) -> dict[str, Table]:
        asking = conference.model_copy(update=facts)
        return {table.name: table for table in sheets.sheets(asking)[name].read(asking)}

    return read


def column(table: Table, *names: str) -> list[Any]:
    """Some columns of a table, row by row; of one alone the bare values."""
    places = [table.columns.index(name) for name in names]
    rows = [tuple(row[place] for place in places) for row in table.rows]
    return [row[0] for row in rows] if len(names) == 1 else rows


def flying(**changes: Any) -> dict[str, Any]:
    return {"travel": "known", "journey": replace(JOURNEY, **changes), "mobile": "+976 99 112233"}


@pytest.mark.parametrize("name", NAMES)
def test_sheet_has_only_those_who_are_expected(listed, read, name):
    consents = ["affiliation", "visa", "needs"]
    given = {
        **flying(),
        "passport": PASSPORT,
        "needs": NEEDS,
        "hotel": "reserve",
        "stay": STAY,
        "consents": consents,
    }
    gone = ("cancelled", "erased")
    for number, state in enumerate(("received", "confirmed", *gone)):
        row = listed(given_names=state, **given, columns={"state": state})
        Consent.create(registration=row, kind="needs", version="1", language="en", given_at=row.created_at)
        assert row.id == number + 1 or state

    (table, *_) = read(name).values()

    text = str(table.rows)
    assert not any(state in text for state in gone)
    if name not in ("meals", "headsets"):
        assert text.count("received") == text.count("confirmed") == 1
    assert table.rows


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        (["journey"], {"arrivals", "departures", "rooms"}),
        (["travel"], {"arrivals", "departures"}),
        (["hotel"], {"rooms"}),
        (["visa"], {"visa"}),
        (["diet"], {"meals"}),
        (["access_needs"], {"access"}),
        (["interpretation"], {"headsets"}),
        ([], set()),
    ],
)
def test_conference_has_no_sheet_of_what_it_does_not_ask(conference, left_out, missing):
    assert [*sheets.sheets(conference)] == NAMES

    found = sheets.sheets(conference.model_copy(update={"leave_out": left_out}))

    assert set(NAMES) - set(found) == missing


def test_conference_without_a_hotel_has_no_rooming_list(conference):
    assert "rooms" not in sheets.sheets(conference.model_copy(update={"hotel": None}))


@pytest.mark.parametrize("name", NAMES)
def test_sheet_takes_the_same_queries_however_many_stand_on_it(listed, read, monkeypatch, name):
    given = {**flying(), "hotel": "reserve", "stay": STAY, "days": BOTH_DAYS}
    counts = []
    for more in (1, 2):
        for _ in range(more):
            listed(**given)
        queries: list[Any] = []
        with monkeypatch.context() as watched:
            watched.setattr(db.obj, "query_hooks", [queries.append])
            read(name)
        counts.append(len(queries))

    assert counts[0] == counts[1] <= 2


# Flights


def test_arrivals_are_in_the_order_of_day_and_hour_and_then_of_names(listed, read):
    listed(given_names="Ada", **flying(arrival_date=MAY_25, arrival_time=time(0, 5)))
    listed(given_names="Cem", **flying())
    listed(given_names="Bo", **flying())
    listed(given_names="Eve", **flying(arrival_time=time(23, 55), pickup=False))

    table = read("arrivals")["arrivals"]

    assert column(table, "day", "time", "name") == [
        (MAY_24, time(6, 10), "Bo Lovelace"),
        (MAY_24, time(6, 10), "Cem Lovelace"),
        (MAY_24, time(23, 55), "Eve Lovelace"),
        (MAY_25, time(0, 5), "Ada Lovelace"),
    ]
    assert column(table, "pickup") == [True, True, False, True]
    assert set(column(table, "flight", "organisation", "country", "mobile")) == {
        ("OM 302", "Labour Party", "GB", "(+976) 99 112233")
    }


def test_departures_are_in_order_and_an_unknown_hour_comes_last_on_its_day(listed, read):
    listed(given_names="Ada", **flying(departure_time=None, departure_flight=""))
    listed(given_names="Bo", **flying(departure_time=time(23, 59)))
    listed(given_names="Cem", **flying(departure_date=MAY_26))

    table = read("departures")["departures"]

    assert column(table, "day", "time", "flight", "name") == [
        (MAY_26, time(8, 45), "OM 301", "Cem Lovelace"),
        (MAY_27, time(23, 59), "OM 301", "Bo Lovelace"),
        (MAY_27, None, "", "Ada Lovelace"),
    ]


@pytest.mark.parametrize(
    ("sheet", "without_date", "unknown"),
    [
        ("arrivals", [], ["Bo", "Cem"]),
        ("departures", ["Eve"], ["Bo", "Cem", "Eve"]),
    ],
)
def test_those_without_a_flight_are_named_apart(listed, read, sheet, without_date, unknown):
    listed(given_names="Ada", travel="none")
    listed(given_names="Bo", travel="later")
    listed(given_names="Cem", travel="")
    for name in without_date:
        listed(given_names=name, **flying(departure_date=None, departure_time=None, departure_flight=""))

    tables = read(sheet)

    assert column(tables["flights_unknown"], "name") == [f"{name} Lovelace" for name in unknown]
    assert column(tables["no_transfer"], "name") == ["Ada Lovelace"]
    assert tables[sheet].rows == []


def test_without_the_question_of_pick_up_nobody_is_met_or_telephoned(listed, read):
    listed(**flying())

    shown = [read(name, leave_out=["pickup"])[name] for name in ("arrivals", "departures")]

    assert [{"pickup", "mobile"} & set(table.columns) for table in shown] == [set(), set()]
    assert "112233" not in str(shown)
    assert column(shown[0], "reference") == column(shown[1], "reference")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("+976 99 112233", "(+976) 99 112233"),
        ("+97699112233", "(+976) 99112233"),
        ("0033 6 12 34 56 78", "(+33) 6 12 34 56 78"),
        ("(+33) 6.12", "(+33) 6.12"),
        ("+1-212-5550", "(+1) 212-5550"),
        ("+7 495 1", "(+7) 495 1"),
        ("+44(0)20 1", "(+44) (0)20 1"),
        ("", ""),
        ("99 112233", "99 112233"),
    ],
)
def test_telephone_number_has_its_country_code_in_brackets(typed, expected):
    assert dialled(typed) == expected


# Needs


def test_access_needs_stand_there_only_with_a_consent_that_holds(listed, read):
    for name, withdrawn in (("Ada", None), ("Bo", 1), ("Cem", "none")):
        row = listed(given_names=name, needs=NEEDS, consents=["affiliation", "needs"], days=BOTH_DAYS)
        if withdrawn != "none":
            at = row.created_at if withdrawn else None
            Consent.create(
                registration=row,
                kind="needs",
                version="1",
                language="en",
                given_at=row.created_at,
                withdrawn_at=at,
            )

    table = read("access")["access"]

    assert column(table, "name", "days", "access_needs") == [("Ada Lovelace", BOTH_DAYS, "Step-free route")]


def test_access_needs_leave_out_who_has_none(send, read):
    send(needs=Needs(diet=["vegan"], diet_other="", access=""), consents=["affiliation", "needs"])

    assert read("access")["access"].rows == []


def test_meals_are_counted_by_day_without_a_name(listed, read):
    for days, diet, other in (
        (BOTH_DAYS, ["vegan", "halal"], "No nuts"),
        (BOTH_DAYS[:1], ["vegan"], "no NUTS"),
        (BOTH_DAYS[:1], ["none"], ""),
        (BOTH_DAYS[1:], [], "No fish"),
    ):
        needs = Needs(diet=diet, diet_other=other, access="")
        listed(days=days, needs=needs, consents=["affiliation", "needs"])
    listed(days=BOTH_DAYS, needs=None)

    tables = read("meals")

    assert tables["meals"].rows == [
        (MAY_25, "everybody", 4),
        (MAY_25, "no_special", 2),
        (MAY_25, "other", 2),
        (MAY_25, "vegan", 2),
        (MAY_25, "halal", 1),
        (MAY_26, "everybody", 3),
        (MAY_26, "other", 2),
        (MAY_26, "halal", 1),
        (MAY_26, "no_special", 1),
        (MAY_26, "vegan", 1),
    ]
    assert tables["several_diets"].rows == [
        (MAY_25, ["halal", "vegan", "other"], 1),
        (MAY_25, ["vegan", "other"], 1),
        (MAY_26, ["halal", "vegan", "other"], 1),
    ]
    assert tables["other_diets"].rows == [
        (MAY_25, "No nuts", 2),
        (MAY_26, "No fish", 1),
        (MAY_26, "No nuts", 1),
    ]
    assert "Lovelace" not in str(tables)


# Visa letters


def test_visa_letters_are_in_the_order_in_which_they_were_asked_for(listed, read):
    given = {"consents": ["affiliation", "visa"]}
    first = listed(given_names="Zoë", passport=PASSPORT, **given)
    listed(given_names="Ada", passport=replace(PASSPORT, name="A L", expiry=date(2017, 11, 1)), **given)
    listed(given_names="Bo")
    Registration.update(created_at=first.created_at.replace(year=2016)).where(
        Registration.id == first.id
    ).execute()

    table = read("visa")["visa"]

    assert column(
        table, "name", "passport_name", "nationality", "passport_number", "visa_post", "visa_state"
    ) == [
        ("Zoë Lovelace", "ADA LOVELACE", "GB", "12E34567", "Paris, France", "requested"),
        ("Ada Lovelace", "A L", "GB", "12E34567", "Paris, France", "requested"),
    ]
    assert column(table, "passport_expiry", "expires_soon") == [
        (date(2020, 1, 1), False),
        (date(2017, 11, 1), True),
    ]


def test_visa_letter_whose_passport_was_erased_keeps_its_line(listed, read):
    listed(
        passport=PASSPORT, consents=["affiliation", "visa"], columns={"passport": None, "visa_state": "sent"}
    )

    table = read("visa")["visa"]

    assert column(table, "visa_state", "passport_number", "passport_expiry", "expires_soon") == [
        ("sent", "", None, False)
    ]


# What readers see


def test_headsets_are_counted_by_day_and_by_session(listed, read):
    listed(interpretation="en", days=BOTH_DAYS, sessions=["asia"])
    listed(interpretation="en", days=BOTH_DAYS[:1], sessions=["asia", "gender"])
    listed(interpretation="fr", days=BOTH_DAYS[1:])
    listed(interpretation="none", days=BOTH_DAYS, sessions=["asia"])

    tables = read("headsets")

    assert tables["headsets_by_day"].columns == ("day", "fr", "en", "es", "headsets")
    assert tables["headsets_by_day"].rows == [(MAY_25, 0, 2, 0, 2), (MAY_26, 1, 1, 0, 2)]
    assert tables["headsets_by_session"].rows == [
        ("asia", 0, 2, 0, 2),
        ("strategies", 0, 0, 0, 0),
        ("gender", 0, 1, 0, 1),
        ("steering", 0, 0, 0, 0),
    ]
    assert [*read("headsets", leave_out=["sessions"])] == ["headsets_by_day"]


def test_badges_are_in_the_order_of_names(listed, read):
    listed(given_names="Zoë", family_name="Adams")
    listed(given_names="", family_name="Ünal")
    listed(given_names="Bo", family_name="")

    table = read("badges")["badges"]

    assert column(table, "given_names", "family_name") == [("Zoë", "Adams"), ("Bo", ""), ("", "Ünal")]
    assert table.columns == ("given_names", "family_name", "organisation", "country", "function", "category")


def test_sign_in_sheet_has_for_each_day_those_who_come(listed, read):
    listed(given_names="Ada", days=BOTH_DAYS)
    listed(given_names="Bo", days=BOTH_DAYS[1:])

    table = read("sign-in")["sign_in"]

    assert table.rows == [
        (MAY_25, "Ada Lovelace", "Labour Party", ""),
        (MAY_26, "Ada Lovelace", "Labour Party", ""),
        (MAY_26, "Bo Lovelace", "Labour Party", ""),
    ]
