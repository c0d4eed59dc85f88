"""The rooming list: who shares with whom, and how many rooms a night takes."""

from dataclasses import replace
from datetime import date

import pytest
from factories import STAY

from domain import sheets
from domain.conference import Conference

MAY_24, MAY_25, MAY_26, MAY_27 = (date(2017, 5, day) for day in (24, 25, 26, 27))


@pytest.fixture
def guest(listed):
    """Put somebody with a reservation on the list."""

    def put(name: str, *, share_with: str = "", **stay):
        given, _, family = name.partition(" ")
        kept = replace(STAY, share_with=share_with, **stay)
        return listed(given_names=given, family_name=family, hotel="reserve", stay=kept)

    return put


@pytest.fixture
def tables(database: None, conference: Conference):
    def read() -> dict[str, list]:
        return {table.name: table.rows for table in sheets.rooms(conference)}

    return read


def sharing(rows: list) -> dict[str, str]:
    return {row[4]: row[8] for row in rows}


def test_rooming_list_is_in_the_order_of_check_in(guest, tables):
    guest("Ada Late", check_in=MAY_25, room="single")
    guest("Bo Early")
    guest("Cem Early", check_out=MAY_26)

    rows = tables()["rooms"]

    assert [row[:5] for row in rows] == [
        (MAY_24, MAY_26, 2, "twin", "Cem Early"),
        (MAY_24, MAY_27, 3, "twin", "Bo Early"),
        (MAY_25, MAY_27, 2, "single", "Ada Late"),
    ]


@pytest.mark.parametrize("wish", ["Bo Güneş", "bo gunes", "Güneş, Bo"])
def test_two_who_name_each_other_share(guest, tables, wish):
    guest("Ada Lovelace", share_with=wish)
    guest("Bo Güneş", share_with="Ada Lovelace")

    assert sharing(tables()["rooms"]) == {"Ada Lovelace": "agreed", "Bo Güneş": "agreed"}


def test_wish_that_is_not_returned_is_flagged(guest, tables):
    guest("Ada Lovelace", share_with="Bo Example")
    guest("Bo Example", share_with="Cem Example")
    guest("Cem Example")

    assert sharing(tables()["rooms"]) == {
        "Ada Lovelace": "one_sided",
        "Bo Example": "one_sided",
        "Cem Example": "nobody_named",
    }


def test_wish_for_somebody_without_a_reservation_is_flagged(guest, listed, tables):
    guest("Ada Lovelace", share_with="Bo Example")
    listed(given_names="Bo", family_name="Example", hotel="own")

    assert sharing(tables()["rooms"]) == {"Ada Lovelace": "no_such_guest"}


def test_nobody_shares_with_themselves(guest, tables):
    guest("Ada Lovelace", share_with="Ada Lovelace")

    assert sharing(tables()["rooms"]) == {"Ada Lovelace": "no_such_guest"}


@pytest.mark.parametrize("stay", [{"check_out": MAY_26}, {"room": "single"}])
def test_pair_with_other_nights_or_rooms_is_flagged(guest, tables, stay):
    guest("Ada Lovelace", share_with="Bo Example")
    guest("Bo Example", share_with="Ada Lovelace", **stay)

    assert sharing(tables()["rooms"])["Ada Lovelace"] == "apart"


def test_single_room_needs_nobody(guest, tables):
    guest("Ada Lovelace", room="single", share_with="Bo Example")

    assert sharing(tables()["rooms"]) == {"Ada Lovelace": ""}


def test_nights_count_guests_and_the_rooms_that_they_need(guest, tables):
    guest("Ada Lovelace", share_with="Bo Example")
    guest("Bo Example", share_with="Ada Lovelace")
    guest("Cem Example", check_in=MAY_25)
    guest("Eve Example", room="single", check_in=MAY_26)

    assert tables()["nights"] == [
        (MAY_24, "twin", 2, 1),
        (MAY_25, "twin", 3, 2),
        (MAY_26, "single", 1, 1),
        (MAY_26, "twin", 3, 2),
    ]


def test_those_who_do_not_know_yet_are_named_apart(listed, tables):
    for name, hotel in (("Ada", "later"), ("Bo", ""), ("Cem", "own")):
        listed(given_names=name, hotel=hotel)

    assert [row[0] for row in tables()["hotel_unknown"]] == ["Ada Lovelace", "Bo Lovelace"]
