"""GET /organiser/sheets/<name>.xlsx: a sheet as a workbook, whose cells say of what kind they are."""

import io
from datetime import datetime, time

import pytest
from factories import PASSPORT, SENSITIVE_PARTS
from openpyxl import load_workbook
from support.journey import ON_SQLITE, stored

from domain import workbook
from models import AuditEntry

SHEETS = "/organiser/sheets"
PASSPORTS = f"{SHEETS}/visa.xlsx"
NAMES = ["arrivals", "departures", "rooms", "access", "meals", "headsets", "badges", "sign-in"]

pytestmark = ON_SQLITE


@pytest.fixture
def ada(registered):
    return registered(email="ada@example.org", **SENSITIVE_PARTS)


def book(page):
    return load_workbook(io.BytesIO(page.data))


def rows(sheet) -> list[list]:
    return [list(row) for row in sheet.iter_rows(values_only=True)]


def test_arrivals_have_days_and_hours_that_are_days_and_hours(desk_client, ada):
    workbook = book(desk_client.get(f"{SHEETS}/arrivals.xlsx"))

    assert workbook.sheetnames == ["By day and hour", "Flights not known", "Need no transfer"]
    assert rows(workbook["By day and hour"]) == [
        ["Day", "Time", "Flight", "Name", "Organisation", "Country", "To be met", "Mobile phone", "Reference"],
        [
            datetime(2017, 5, 24), time(6, 10), "OM 302", "Ada Lovelace", "Labour Party", "United Kingdom", "Yes",
            "(+976) 99 112233", ada.reference,
        ],
    ]  # fmt: skip
    (line,) = workbook["By day and hour"].iter_rows(min_row=2)
    assert [cell.number_format for cell in line[:2]] == ["yyyy-mm-dd", "hh:mm"]


def test_counts_are_numbers(desk_client, ada):
    workbook = book(desk_client.get(f"{SHEETS}/headsets.xlsx"))

    assert rows(workbook["By day"])[1] == [datetime(2017, 5, 25), 0, 1, 0, 1]
    assert {cell.data_type for cell in workbook["By day"][2][1:]} == {"n"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "00123", "https://example.org", "1E5"])
def test_text_stays_text_whatever_it_looks_like(desk_client, registered, text):
    registered(organisation=text, function=text)

    sheet = book(desk_client.get(f"{SHEETS}/badges.xlsx")).active

    assert [(cell.value, cell.data_type, cell.hyperlink) for cell in (sheet["C2"], sheet["E2"])] == (
        [(text, "s", None)] * 2
    )


def test_line_breaks_become_spaces(desk_client, registered):
    needs = SENSITIVE_PARTS["needs"]
    registered(
        needs=type(needs)(diet=[], diet_other="", access="A ramp\nA seat"), consents=["affiliation", "needs"]
    )

    sheet = book(desk_client.get(f"{SHEETS}/access.xlsx")).active

    assert sheet["E2"].value == "A ramp A seat"


@pytest.mark.parametrize("name", NAMES)
def test_workbook_is_a_file_by_its_name_and_type(desk_client, ada, name):
    page = desk_client.get(f"{SHEETS}/{name}.xlsx")

    assert page.headers["Content-Type"] == workbook.MIMETYPE
    assert page.headers["Content-Disposition"] == f"attachment; filename={name}.xlsx"
    assert page.headers["Cache-Control"] == "no-store"
    assert all(sheet.max_row >= 1 for sheet in book(page))


@pytest.mark.parametrize("name", NAMES)
def test_every_file_is_logged(desk_client, ada, name):
    desk_client.get(f"{SHEETS}/{name}.xlsx")

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.organiser_id is not None) == ("sheet.exported", True)
    assert (entry.details["sheet"], entry.details["format"]) == (name, "xlsx")
    assert entry.details["columns"]


def test_file_is_open_before_the_deadline(desk_client, ada):
    desk_client.get("/organiser/registrations.xlsx", status=403)

    assert rows(book(desk_client.get(f"{SHEETS}/sign-in.xlsx")).active)[1][1] == "Ada Lovelace"


def test_file_is_in_the_language_of_the_organiser(desk_client, ada):
    workbook = book(desk_client.get(f"{SHEETS}/rooms.xlsx?lang=fr"))

    assert workbook.sheetnames[0] == "Par jour d’arrivée à l’hôtel"
    assert rows(workbook.active)[1][3] == "Chambre à deux lits"


def test_file_that_there_is_not_is_not_found(desk_client):
    desk_client.get(f"{SHEETS}/nothing.xlsx", status=404)


# Passports


@pytest.fixture
def bo(registered):
    return registered(passport=PASSPORT, consents=["affiliation", "visa"])


def test_passport_numbers_are_text_and_days_are_days(desk_client, bo):
    sheet = load_workbook(io.BytesIO(desk_client.get(PASSPORTS).data)).active

    cells = {head.value: cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert (cells["Passport number"].value, cells["Passport number"].data_type) == ("12E34567", "s")
    assert cells["Expires on"].value == datetime(2020, 1, 1)
    assert (cells["Received on"].value, cells["Letter"].value) == (datetime(2017, 4, 10), "Requested")


def test_file_with_passports_is_logged(desk_client, bo):
    desk_client.get(PASSPORTS)

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.details["sheet"], entry.details["lines"]) == ("sheet.exported", "visa", 1)
    assert "passport_number" in entry.details["columns"]
    assert PASSPORT.number not in str(entry.details)


@pytest.mark.parametrize("role", ["reader", "logistics"])
def test_passports_are_not_for_everybody(sign_in_as, bo, role):
    browser = sign_in_as(role)

    page = browser.get(PASSPORTS, status=403)

    assert PASSPORT.number not in page.text
