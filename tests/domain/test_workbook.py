"""Workbooks: names of sheets that every spreadsheet takes, and cells that say of what kind they are."""

import io
from datetime import date, datetime, time

import pytest
from openpyxl import load_workbook

from domain import workbook


@pytest.mark.parametrize(
    ("title", "expected"),
    [("A: [b]/c?*\\", "A   b  c"), ("x" * 40, "x" * 31), ("'Quoted'", "Quoted")],
)
def test_name_of_a_sheet_is_one_that_a_spreadsheet_takes(title, expected):
    assert workbook.sheet_name(title) == expected


def test_cells_are_of_the_kind_of_their_values():
    values = (date(2017, 5, 24), time(6, 10), 3, "=1+1", "", None)
    file = b"".join(workbook.xlsx_chunks([("One", list("abcdef"), [values]), ("Two", ["g"], [])]))

    book = load_workbook(io.BytesIO(file))

    assert book.sheetnames == ["One", "Two"]
    assert [cell.value for cell in book["One"][1]] == list("abcdef")
    assert [(cell.value, cell.data_type) for cell in book["One"][2]] == [
        (datetime(2017, 5, 24), "d"),
        (time(6, 10), "d"),
        (3, "n"),
        ("=1+1", "s"),
        (None, "n"),
        (None, "n"),
    ]
    assert book["One"].freeze_panes == "A2"
    assert book["One"].print_title_rows == "$1:$1"
