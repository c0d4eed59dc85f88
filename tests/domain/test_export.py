"""The list as CSV: what a spreadsheet opens, and what must never be in it."""

import csv
import io
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from factories import NEEDS, PASSPORT

from db import write
from domain import clock, export, roster
from domain.export import COLUMNS, cell, csv_chunks
from domain.answers import Needs, Passport
from domain.roster import Query
from models import Consent, Registration

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)


def text_of(query: Query | None = None, **given) -> str:
    pieces = list(islice(csv_chunks(query or Query(), **given), 10))
    assert len(pieces) < 10, "the export does not end"
    return b"".join(pieces).decode("utf-8-sig")


def rows_of(query: Query | None = None, **given) -> list[dict[str, str]]:
    separator = given.get("separator", ",")
    return list(csv.DictReader(io.StringIO(text_of(query, **given), newline=""), delimiter=separator))


def test_export_begins_with_a_byte_order_mark_and_the_names_of_the_columns(database):
    assert b"".join(csv_chunks(Query())) == (
        b'\xef\xbb\xbf"reference","state","language","received_at","given_names","family_name","email",'
        b'"organisation","country","function","category","days","sessions","interpretation","visa_letter",'
        b'"consent_list","consent_photo"\r\n'
    )


def test_export_has_one_line_for_each_person(listed):
    listed(
        given_names="Ünal",
        days=["2017-05-25", "2017-05-26"],
        sessions=["asia", "gender"],
        email="ada@example.org",
        columns={"reference": "OB17-7KQ4-M2", "created_at": NOON},
    )

    (line,) = text_of().removesuffix("\r\n").split("\r\n")[1:]

    assert line == (
        '"OB17-7KQ4-M2","received","en","2017-04-10T12:00:00+00:00","Ünal","Lovelace","ada@example.org",'
        '"Labour Party","GB","International Secretary","party","2017-05-25 2017-05-26","asia gender","en",'
        '"none","no","no"'
    )


def test_export_separates_with_semicolons_when_asked(listed):
    listed(organisation="Left; Right")

    assert text_of(separator=";").startswith('"reference";"state";')
    assert rows_of(separator=";")[0]["organisation"] == "Left; Right"


def test_export_is_read_back_value_for_value(listed):
    given = {
        "given_names": "Anne “A.” d’Arc",
        "family_name": 'O"Neill, "Jr."',
        "organisation": "Парти; العربية, 王",
        "function": "Secretary\u2019s \\ deputy",
        "country": "MN",
        "interpretation": "none",
    }
    ada = listed(**given)

    (row,) = rows_of()

    assert {name: row[name] for name in given} == given
    assert tuple(row) == COLUMNS
    assert (row["reference"], row["email"]) == (ada.reference, ada.email)


def test_export_says_which_consents_hold(send):
    both = send(key="1", email="ada@example.org", consents=["affiliation", "list", "photo"])
    withdrawn = send(key="2", email="bo@example.org", consents=["affiliation", "list", "photo"])
    Consent.update(withdrawn_at=clock.now()).where(
        Consent.kind == "photo", Consent.registration == Registration.get(Registration.reference == withdrawn)
    ).execute()

    consents = {row["reference"]: (row["consent_list"], row["consent_photo"]) for row in rows_of()}

    assert consents == {both: ("yes", "yes"), withdrawn: ("yes", "no")}


@pytest.mark.parametrize("sort", ["name", "-name", "organisation", "-received"])
def test_export_is_in_the_order_of_the_list(listed, sort):
    for number, (family, organisation) in enumerate([("Zuse", "B"), ("Ünal", "C"), ("Adams", "A")]):
        listed(
            family_name=family,
            organisation=organisation,
            columns={"created_at": NOON + timedelta(seconds=number)},
        )

    exported = [row["reference"] for row in rows_of(Query(sort=sort))]

    assert exported == [row.reference for row in roster.page(Query(sort=sort)).rows]


def test_export_holds_the_whole_search_whatever_page_was_open(listed):
    ada, bo = listed(given_names="Ada"), listed(given_names="Bo")
    listed(given_names="Cem", family_name="Other")

    exported = rows_of(Query(q="lovelace", sort="name", after=bo.reference))

    assert [row["reference"] for row in exported] == [ada.reference, bo.reference]


def test_export_leaves_out_erased_registrations(listed):
    ada = listed()
    listed(columns={"state": "erased"})

    assert [row["reference"] for row in rows_of()] == [ada.reference]


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in roster.SORTS for sign in ("", "-")])
def test_export_crosses_the_borders_of_its_chunks(listed, monkeypatch, sort):
    monkeypatch.setattr(roster, "CHUNK", 4)
    monkeypatch.setattr(export, "LINES_AT_ONCE", 3)
    with write():
        people = [listed(columns={"created_at": NOON + timedelta(seconds=n // 5)}) for n in range(17)]

    exported = [row["reference"] for row in rows_of(Query(sort=sort))]

    assert exported == [row.reference for row in roster.page(Query(sort=sort)).rows]
    assert len(exported) == len(people)


def test_export_comes_in_pieces(listed, monkeypatch):
    monkeypatch.setattr(export, "LINES_AT_ONCE", 3)
    for _ in range(7):
        listed()

    pieces = list(islice(csv_chunks(Query()), 10))

    assert [piece.count(b"\r\n") for piece in pieces] == [1 + 3, 3, 1]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", *"\uff1d\uff0b\uff0d\uff20"])
@pytest.mark.parametrize("blanks", ["", " ", "   "])
def test_export_guards_against_formulas(listed, start, blanks):
    listed(organisation=f"{blanks}{start}1+1")

    (row,) = rows_of()

    assert row["organisation"] == f"'{blanks}{start}1+1"


@pytest.mark.parametrize("break_", ["\r", "\n", "\r\n", "\u2028"])
def test_export_guards_against_formulas_after_a_line_break(break_):
    assert cell(f"{break_}=1+1") == "' =1+1"


@pytest.mark.parametrize("harmless", ["Ada", "a=b", "1-2", "x@example.org", "’t Hart", "", " "])
def test_export_leaves_harmless_values_as_they_are(harmless):
    assert cell(harmless) == harmless


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\r", "\u2028", "\u0085", "\x0b"])
def test_export_keeps_each_person_on_one_line(listed, break_):
    listed(function=f"Secretary{break_}for peace")

    assert rows_of()[0]["function"] == "Secretary for peace"
    assert len(text_of().splitlines()) == 2


def test_export_holds_neither_passports_nor_needs(listed):
    passport = Passport(**vars(PASSPORT) | {"name": "CANARY", "number": "CANARY9", "post": "Canary Islands"})
    needs = Needs(**vars(NEEDS) | {"diet_other": "Canary seed", "access": "Canary lift"})
    ada = listed(passport=passport, needs=needs, consents=["affiliation", "needs", "visa"])
    assert "CANARY9" in str(ada.passport)
    assert "Canary seed" in str(ada.needs)

    (row,) = rows_of()

    assert row["visa_letter"] == "requested"
    assert "canary" not in str(row).casefold()
