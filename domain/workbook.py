"""Workbooks for a spreadsheet (XLSX), whose cells say of what kind they are: nothing in them becomes a formula."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from datetime import date, time
from functools import partial
from pathlib import Path
from typing import Any

from xlsxwriter import Workbook

MIMETYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
BYTES_AT_ONCE = 65536
FORMATS = {date: {"num_format": "yyyy-mm-dd"}, time: {"num_format": "hh:mm"}}
WIDTHS = {date: 12, time: 8, int: 10, bool: 10}
USUAL_WIDTH = 24
A4 = 9


def xlsx_chunks(tables: Iterable[tuple[str, list[str], list[tuple[Any, ...]]]]) -> Iterator[bytes]:
    """Tables, each with its title and the words of its columns, as the sheets of one workbook, in pieces.

    Days and hours are days and hours there, numbers are numbers, and everything else says that it is text.
    """

    def fill(book: Workbook) -> None:
        head = book.add_format({"bold": True, "bottom": 1})
        formats = {kind: book.add_format(format_) for kind, format_ in FORMATS.items()}
        for title, columns, rows in tables:
            sheet = book.add_worksheet(sheet_name(title))
            sheet.set_paper(A4)
            sheet.set_landscape()
            sheet.fit_to_pages(1, 0)
            sheet.repeat_rows(0)
            sheet.freeze_panes(1, 0)
            kinds = [type(value) for value in rows[0]] if rows else []
            for place, kind in enumerate(kinds):
                sheet.set_column(place, place, WIDTHS.get(kind, USUAL_WIDTH))
            for number, row in enumerate([tuple(columns), *rows]):
                for place, value in enumerate(row):
                    write_cell(sheet, number, place, value, formats.get(type(value)) if number else head)

    return finished(fill)


def write_cell(sheet: Any, row: int, column: int, value: Any, format_: Any) -> None:
    if isinstance(value, date | time):
        sheet.write_datetime(row, column, value, format_)
    elif isinstance(value, int):
        sheet.write_number(row, column, value, format_)
    elif value:
        sheet.write_string(row, column, on_one_line(value), format_)


def sheet_name(title: str) -> str:
    """A title as a spreadsheet takes it for the name of a sheet."""
    return "".join(" " if sign in "[]:*?/\\" else sign for sign in title).strip(" '")[:31]


def finished(fill: Callable[[Workbook], None]) -> Iterator[bytes]:
    """A workbook, in pieces of a temporary file: its parts can only be put together at the end."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "workbook.xlsx"
        with Workbook(str(file), {"constant_memory": True, "tmpdir": folder}) as book:
            fill(book)
        with file.open("rb") as written:
            yield from iter(partial(written.read, BYTES_AT_ONCE), b"")


def on_one_line(value: str) -> str:
    return " ".join(value.splitlines())
