"""GET /organiser/registrations.xlsx: the list as a workbook, once registration has closed."""

import csv
import io

import pytest
from factories import NEEDS, PASSPORT
from openpyxl import load_workbook
from support.journey import HTMX, ON_SQLITE, stored

from domain import export, roster
from models import AuditEntry

CSV = "/organiser/registrations.csv"
FILE = "/organiser/registrations.xlsx"


@pytest.fixture
def three(registered):
    given = {"needs": NEEDS, "passport": PASSPORT, "consents": ["affiliation", "needs", "visa", "photo"]}
    organisations = {"Zoë": "00123", "Ada": "=1+1", "Bo": "https://example.org"}
    return [registered(given_names=name, organisation=text, **given) for name, text in organisations.items()]


@pytest.fixture
def closed_desk(three, after_the_deadline, desk_client):
    return desk_client


def rows(page) -> list[list[str]]:
    sheet = load_workbook(io.BytesIO(page.data)).active
    return [[cell or "" for cell in row] for row in sheet.iter_rows(values_only=True)]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_export_is_closed_until_registration_is(desk_client, registered, headers):
    registered()

    page = desk_client.get(FILE, status=403)

    assert page.texts("h1") == ["The export is not open yet"]
    assert "ada@" not in page.text
    assert [entry.action for entry in stored(AuditEntry) if "exported" in entry.action] == []


@pytest.mark.parametrize("query", ["", "sort=organisation", "sort=-name&q=bo", "q=nobody"])
def test_workbook_has_the_cells_of_the_csv(closed_desk, monkeypatch, query):
    monkeypatch.setattr(roster, "CHUNK", 2)
    text = closed_desk.get(f"{CSV}?{query}").data.decode("utf-8-sig")

    page = closed_desk.client.get(f"{FILE}?{query}")

    assert rows(page) == [
        [cell.removeprefix("'") for cell in row] for row in csv.reader(io.StringIO(text, newline=""))
    ]


def test_every_cell_is_text(closed_desk):
    sheet = load_workbook(io.BytesIO(closed_desk.client.get(FILE).data)).active

    kinds = {cell.data_type for row in sheet.iter_rows() for cell in row if cell.value is not None}
    organisations = {cell.value for cell in sheet["I"]}
    assert kinds == {"s"}
    assert organisations == {"organisation", "00123", "=1+1", "https://example.org"}
    assert [cell.hyperlink for cell in sheet["I"]] == [None] * 4


@ON_SQLITE
def test_workbook_is_a_file_by_its_name_and_type(closed_desk):
    page = closed_desk.client.get(FILE)

    assert page.headers["Content-Type"] == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    assert page.headers["Content-Disposition"] == "attachment; filename=registrations.xlsx"
    assert page.headers["Cache-Control"] == "no-store"


@ON_SQLITE
def test_workbook_holds_nothing_sensitive(closed_desk):
    text = str(rows(closed_desk.client.get(FILE)))

    assert "Lovelace" in text
    for words in (PASSPORT.number, PASSPORT.name, PASSPORT.post, "vegetarian", NEEDS.access):
        assert words not in text


@pytest.mark.parametrize(("query", "has_search", "count"), [("", False, 3), ("?q=bo", True, 1)])
def test_export_is_logged_with_its_columns_and_its_number_of_rows(closed_desk, query, has_search, count):
    closed_desk.client.get(f"{FILE}{query}")

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.organiser_id is not None) == ("registrations.exported", True)
    assert entry.details == {
        "format": "xlsx",
        "columns": list(export.COLUMNS),
        "has_search": has_search,
        "rows": count,
    }
