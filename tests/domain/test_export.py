"""The list as CSV: what a spreadsheet opens, and what must never be in it."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from factories import JOURNEY, NEEDS, PASSPORT, STAY

from db import db, on_sqlite, write
from domain import clock, export, roster
from domain.answers import Journey, Needs, Passport, Stay
from domain.conference import LANGUAGES, Conference, Question
from domain.export import COLUMNS, cell, columns, csv_chunks
from domain.roster import Query, export_rows, whole_rows
from models import Consent, Registration

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)


@pytest.fixture
def text_of(database: None, conference: Conference) -> Callable[..., str]:
    """The export as text; `questions` are a conference's own."""

    def text_of(query: Query | None = None, *, questions: Sequence[Question] = (), **given: Any) -> str:
        asking = conference.model_copy(update={"questions": list(questions)})
        pieces = list(islice(csv_chunks(export_rows(query or Query()), asking, **given), 10))
        assert len(pieces) < 10, "the export does not end"
        return b"".join(pieces).decode("utf-8-sig")

    return text_of


@pytest.fixture
def rows_of(text_of: Callable[..., str]) -> Callable[..., list[dict[str, str]]]:
    """The export as a spreadsheet reads it."""

    def rows_of(query: Query | None = None, *, separator: str = ",", **given: Any) -> list[dict[str, str]]:
        text = text_of(query, separator=separator, **given)
        return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))

    return rows_of


def question(key: str, kind: str) -> Question:
    label = {lang: f"{key} ({lang})" for lang in LANGUAGES}
    options = [{"key": one, "label": label} for one in ("opening", "closing")]
    return Question(key=key, kind=kind, label=label, options=options if kind in ("one", "several") else [])


def test_export_begins_with_a_byte_order_mark_and_the_names_of_the_columns(database, conference):
    assert b"".join(csv_chunks(export_rows(Query()), conference)) == (
        b'\xef\xbb\xbf"reference","state","language","received_at","changed_at","given_names","family_name","email",'
        b'"organisation","country","function","category","days","sessions","interpretation","visa_letter",'
        b'"travel","hotel","travel_checked","hotel_booked","late","consent_list","consent_photo"\r\n'
    )


def test_export_has_one_line_for_each_person(listed, text_of):
    listed(
        given_names="Ünal",
        days=["2017-05-25", "2017-05-26"],
        sessions=["asia", "gender"],
        email="ada@example.org",
        columns={"reference": "OB17-7KQ4-M2", "created_at": NOON, "updated_at": NOON + timedelta(hours=1)},
    )

    (line,) = text_of().removesuffix("\r\n").split("\r\n")[1:]

    assert line == (
        '"OB17-7KQ4-M2","received","en","2017-04-10T12:00:00+00:00","2017-04-10T13:00:00+00:00",'
        '"Ünal","Lovelace","ada@example.org",'
        '"Labour Party","GB","International Secretary","party","2017-05-25 2017-05-26","asia gender","en",'
        '"none","later","own","no","no","no","no","no"'
    )


def test_export_of_some_columns_has_them_in_the_order_of_the_list(listed, text_of):
    listed(given_names="Ünal", columns={"reference": "OB17-7KQ4-M2", "created_at": NOON})

    text = text_of(shown=("name", "visa", "received", "reference"))

    assert text.split("\r\n") == [
        '"given_names","family_name","visa_letter","received_at","reference"',
        '"Ünal","Lovelace","none","2017-04-10T12:00:00+00:00","OB17-7KQ4-M2"',
        "",
    ]


def test_every_column_of_the_list_can_be_exported(conference):
    assert set(columns(conference, tuple(roster.SORTS))) <= set(COLUMNS)


def test_export_separates_with_semicolons_when_asked(listed, rows_of, text_of):
    listed(organisation="Left; Right")

    assert text_of(separator=";").startswith('"reference";"state";')
    assert rows_of(separator=";")[0]["organisation"] == "Left; Right"


def test_export_is_read_back_value_for_value(listed, rows_of):
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


def test_export_says_which_consents_hold(send, rows_of):
    both = send(key="1", email="ada@example.org", consents=["affiliation", "list", "photo"])
    withdrawn = send(key="2", email="bo@example.org", consents=["affiliation", "list", "photo"])
    Consent.update(withdrawn_at=clock.now()).where(
        Consent.kind == "photo", Consent.registration == Registration.get(Registration.reference == withdrawn)
    ).execute()

    consents = {row["reference"]: (row["consent_list"], row["consent_photo"]) for row in rows_of()}

    assert consents == {both: ("yes", "yes"), withdrawn: ("yes", "no")}


@pytest.mark.parametrize("sort", ["name", "-name", "organisation", "-received"])
def test_export_is_in_the_order_of_the_list(listed, rows_of, sort):
    for number, (family, organisation) in enumerate([("Zuse", "B"), ("Ünal", "C"), ("Adams", "A")]):
        listed(
            family_name=family,
            organisation=organisation,
            columns={"created_at": NOON + timedelta(seconds=number)},
        )

    exported = [row["reference"] for row in rows_of(Query(sort=sort))]

    assert exported == [row.reference for row in roster.page(Query(sort=sort)).rows]


def test_export_holds_the_whole_search_whatever_page_was_open(listed, rows_of):
    ada, bo = listed(given_names="Ada"), listed(given_names="Bo")
    listed(given_names="Cem", family_name="Other")

    exported = rows_of(Query(q="lovelace", sort="name", after=bo.reference))

    assert [row["reference"] for row in exported] == [ada.reference, bo.reference]


def test_export_leaves_out_erased_registrations(listed, rows_of):
    ada = listed()
    listed(columns={"state": "erased"})

    assert [row["reference"] for row in rows_of()] == [ada.reference]


@pytest.mark.parametrize("sort", [f"{sign}{name}" for name in roster.SORTS for sign in ("", "-")])
def test_export_crosses_the_borders_of_its_chunks(listed, rows_of, monkeypatch, sort):
    monkeypatch.setattr(roster, "CHUNK", 4)
    monkeypatch.setattr(export, "LINES_AT_ONCE", 3)
    with write():
        people = [listed(columns={"created_at": NOON + timedelta(seconds=n // 5)}) for n in range(17)]

    exported = [row["reference"] for row in rows_of(Query(sort=sort))]

    assert exported == [row.reference for row in roster.page(Query(sort=sort)).rows]
    assert len(exported) == len(people)


MOVES = [
    (sort, column, first, last)
    for column, low, high in (
        ("updated_at", NOON - timedelta(days=1), NOON + timedelta(days=1)),
        ("name_key", "aaa", "zzz"),
        ("state", "cancelled", "received"),
    )
    for name in ({"updated_at": "changed", "name_key": "name"}.get(column, column),)
    for sort, first, last in ((name, high, low), (f"-{name}", low, high))
]


@pytest.mark.parametrize("rows", [export_rows, whole_rows])
@pytest.mark.parametrize(("sort", "column", "first", "last"), MOVES, ids=[move[0] for move in MOVES])
def test_nobody_is_missing_or_there_twice_when_rows_move_meanwhile(
    listed, monkeypatch, rows, sort, column, first, last
):
    """The first goes to the end and the last to the beginning, while a slow client has got two."""
    monkeypatch.setattr(roster, "CHUNK", 2)
    monkeypatch.setattr(roster, "WHOLE_CHUNK", 2)
    middle = {"updated_at": NOON, "name_key": "m", "state": "confirmed"}
    for _ in range(6):
        listed(columns=middle)
    before = [row.reference for row in roster.page(Query(sort=sort)).rows]

    given = rows(Query(sort=sort))
    exported = list(islice(given, 2))
    for reference, value in ((before[0], first), (before[-1], last)):
        Registration.update({column: value}).where(Registration.reference == reference).execute()
    exported += islice(given, 10)

    assert [getattr(row[0], "reference", row[0]) for row in exported] == before


@pytest.mark.parametrize("rows", [export_rows, whole_rows])
def test_who_has_been_erased_meanwhile_is_left_out(listed, monkeypatch, rows):
    monkeypatch.setattr(roster, "CHUNK", 1)
    monkeypatch.setattr(roster, "WHOLE_CHUNK", 1)
    ada, bo, cem, eve = (listed() for _ in range(4))

    given = rows(Query(sort="received"))
    exported = [next(given)]
    Registration.update(state="erased").where(Registration.id == bo.id).execute()
    cem.delete_instance()
    exported += given

    assert [getattr(row[0], "reference", row[0]) for row in exported] == [ada.reference, eve.reference]


@pytest.mark.parametrize("rows", [export_rows, whole_rows])
def test_no_transaction_lasts_as_long_as_a_download(listed, together, monkeypatch, rows):
    """SQLite can empty its log, and PostgreSQL knows of no transaction that is open."""
    monkeypatch.setattr(roster, "CHUNK", 2)
    monkeypatch.setattr(roster, "WHOLE_CHUNK", 2)
    for _ in range(5):
        listed()

    given = rows(Query())
    states = []
    for _ in given:
        (state,) = together(oldest_transaction)
        states.append(state)

    assert states == [0] * 5


def oldest_transaction() -> int:
    """How many others hold a transaction open."""
    if on_sqlite():
        return int(db.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0])
    count = "SELECT count(*) FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid != pg_backend_pid()"
    return int(
        db.execute_sql(
            f"{count} AND datname = current_database() AND backend_type = 'client backend'"
        ).fetchone()[0]
    )


def test_export_comes_in_pieces(listed, conference, monkeypatch):
    monkeypatch.setattr(export, "LINES_AT_ONCE", 3)
    for _ in range(7):
        listed()

    pieces = list(islice(csv_chunks(export_rows(Query()), conference), 10))

    assert [piece.count(b"\r\n") for piece in pieces] == [1 + 3, 3, 1]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", *"\uff1d\uff0b\uff0d\uff20"])
@pytest.mark.parametrize("blanks", ["", " ", "   "])
def test_export_guards_against_formulas(listed, rows_of, start, blanks):
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
def test_export_keeps_each_person_on_one_line(listed, rows_of, text_of, break_):
    listed(function=f"Secretary{break_}for peace")

    assert rows_of()[0]["function"] == "Secretary for peace"
    assert len(text_of().splitlines()) == 2


@pytest.mark.parametrize(
    ("travel", "hotel", "is_late", "late"),
    [("known", "reserve", True, "yes"), ("later", "own", False, "no"), ("none", "later", False, "no")],
)
def test_export_says_what_is_known_of_travel_and_hotel_and_who_came_late(
    listed, rows_of, travel, hotel, is_late, late
):
    listed(travel=travel, hotel=hotel, columns={"is_late": is_late})

    (row,) = rows_of()

    assert (row["travel"], row["hotel"], row["late"]) == (travel, hotel, late)


def test_export_ends_each_line_with_the_answers_to_the_conferences_own_questions(listed, rows_of):
    questions = [question("dinner", "one"), question("badge", "text"), question("parts", "several")]
    listed(extra={"parts": ["opening", "closing"], "badge": "Dr. “A”; Ada", "dinner": "opening"})

    (row,) = rows_of(questions=questions)

    assert tuple(row) == (*COLUMNS, "question_dinner", "question_badge", "question_parts")
    assert list(row.values())[-3:] == ["opening", "Dr. “A”; Ada", "opening closing"]


@pytest.mark.parametrize("extra", [{}, {"badge": "Ada"}])
def test_export_leaves_the_column_of_a_missing_answer_empty(listed, rows_of, extra):
    listed(extra=extra)

    (row,) = rows_of(questions=[question("badge", "text"), question("parts", "several")])

    assert (row["question_badge"], row["question_parts"]) == (extra.get("badge", ""), "")


def test_export_leaves_out_answers_to_questions_that_are_no_longer_put(listed, text_of):
    ada = listed(extra={"old": "Canary", "badge": "Ada"})
    assert ada.extra["old"] == "Canary"

    text = text_of(questions=[question("badge", "text")])

    assert text.endswith('"Ada"\r\n')
    assert "Canary" not in text


def test_export_guards_the_answers_to_own_questions_too(listed, rows_of):
    listed(extra={"badge": "=1+1", "motion": "@SUM(A1)\nsecond line", "parts": ["-1", "=2"]})
    questions = [question("badge", "text"), question("motion", "long_text"), question("parts", "several")]

    (row,) = rows_of(questions=questions)

    assert row["question_badge"] == "'=1+1"
    assert row["question_motion"] == "'@SUM(A1) second line"
    assert row["question_parts"] == "'-1 =2"


def test_export_holds_nothing_that_is_kept_encrypted(listed, rows_of):
    passport = Passport(**vars(PASSPORT) | {"name": "CANARY", "number": "CANARY9", "post": "Canary Islands"})
    needs = Needs(**vars(NEEDS) | {"diet_other": "Canary seed", "access": "Canary lift"})
    journey = Journey(**vars(JOURNEY) | {"arrival_flight": "CANARY 1", "departure_flight": "CANARY 2"})
    stay = Stay(**vars(STAY) | {"share_with": "Canary Bird"})
    columns = {"cancel_reason": "Canary flu", "pending_email": "canary@example.org"}
    ada = listed(
        passport=passport,
        needs=needs,
        travel="known",
        journey=journey,
        mobile="+976 CANARY",
        hotel="reserve",
        stay=stay,
        consents=["affiliation", "needs", "visa"],
        columns=columns,
    )
    planted = ("passport", "needs", "journey", "mobile", "stay", *columns)
    assert [name for name in planted if "canary" not in str(getattr(ada, name)).casefold()] == []

    (row,) = rows_of(questions=[question("badge", "text")])

    assert (row["visa_letter"], row["travel"], row["hotel"]) == ("requested", "known", "reserve")
    assert "canary" not in str(row).casefold()
