"""GET /organiser/sheets/visa.xlsx: the passports as a workbook, for those who prepare the letters."""

import io
from datetime import datetime

import pytest
from factories import PASSPORT
from openpyxl import load_workbook
from support.journey import ON_SQLITE, stored

from models import AuditEntry

FILE = "/organiser/sheets/visa.xlsx"

pytestmark = ON_SQLITE


@pytest.fixture
def ada(registered):
    return registered(passport=PASSPORT, consents=["affiliation", "visa"])


def test_passport_numbers_are_text_and_days_are_days(desk_client, ada):
    sheet = load_workbook(io.BytesIO(desk_client.get(FILE).data)).active

    cells = {head.value: cell for head, cell in zip(sheet[1], sheet[2], strict=True)}
    assert (cells["Passport number"].value, cells["Passport number"].data_type) == ("12E34567", "s")
    assert cells["Expires on"].value == datetime(2020, 1, 1)
    assert (cells["Received on"].value, cells["Letter"].value) == (datetime(2017, 4, 10), "Requested")


def test_file_with_passports_is_logged(desk_client, ada):
    desk_client.get(FILE)

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.details["sheet"], entry.details["lines"]) == ("sheet.exported", "visa", 1)
    assert "passport_number" in entry.details["columns"]
    assert PASSPORT.number not in str(entry.details)


@pytest.mark.parametrize("role", ["reader", "logistics"])
def test_passports_are_not_for_everybody(sign_in_as, ada, role):
    browser = sign_in_as(role)

    page = browser.get(FILE, status=403)

    assert PASSPORT.number not in page.text
