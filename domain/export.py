"""The list as CSV: UTF-8 with BOM, CRLF, every field quoted, one line a person, stable column names."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from domain.roster import Query, export_rows
from models import Registration

SEPARATORS = (",", ";")  # the semicolon is what a French or Spanish Excel expects
LINES_AT_ONCE = 500
FORMULA_STARTS = tuple("=+-@\t\r＝＋－＠")  # noqa: RUF001 - the full-width twins are meant: spreadsheets take them too

COLUMNS = (
    "reference",
    "state",
    "language",
    "received_at",
    "given_names",
    "family_name",
    "email",
    "organisation",
    "country",
    "function",
    "category",
    "days",
    "sessions",
    "interpretation",
    "visa_letter",
    "consent_list",
    "consent_photo",
)


def csv_chunks(query: Query, *, separator: str = ",") -> Iterator[bytes]:
    """The registrations of a query as CSV, in pieces. Passports and needs are never in it."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    buffer.write("\ufeff")
    writer.writerow(COLUMNS)
    for count, (registration, consents) in enumerate(export_rows(query), start=1):
        writer.writerow(map(cell, values(registration, consents)))
        if count % LINES_AT_ONCE == 0:
            yield emptied(buffer)
    yield emptied(buffer)


def emptied(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def values(registration: Registration, consents: set[str]) -> tuple[Any, ...]:
    return (
        registration.reference,
        registration.state,
        registration.language,
        registration.created_at.isoformat(timespec="seconds"),
        registration.given_names,
        registration.family_name,
        registration.email,
        registration.organisation,
        registration.country,
        registration.function,
        registration.category,
        " ".join(registration.days),
        " ".join(registration.sessions),
        registration.interpretation,
        registration.visa_state,
        "yes" if "list" in consents else "no",
        "yes" if "photo" in consents else "no",
    )


def cell(value: str) -> str:
    """A value on one line, with an apostrophe in front where a spreadsheet would take it for a formula."""
    line = " ".join(value.splitlines())
    return f"'{line}" if line.lstrip(" ").startswith(FORMULA_STARTS) else line
