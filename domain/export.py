"""The list as CSV: UTF-8 with BOM, CRLF, every field quoted, one line a person, stable column names."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from domain.conference import Conference, Question
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
    "travel",
    "hotel",
    "late",
    "consent_list",
    "consent_photo",
)


def csv_chunks(query: Query, conference: Conference, *, separator: str = ",") -> Iterator[bytes]:
    """The registrations of a query as CSV, in pieces; the conference's own questions are its last columns.

    Passports, needs, flights, telephone numbers and hotel nights are never in it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    buffer.write("\ufeff")
    questions = conference.questions
    writer.writerow([*COLUMNS, *(question.name for question in questions)])
    for count, (registration, consents) in enumerate(export_rows(query), start=1):
        writer.writerow(map(cell, values(registration, consents, questions)))
        if count % LINES_AT_ONCE == 0:
            yield emptied(buffer)
    yield emptied(buffer)


def emptied(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def values(registration: Registration, consents: set[str], questions: list[Question]) -> tuple[Any, ...]:
    own = (registration.extra.get(question.key, "") for question in questions)
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
        registration.travel,
        registration.hotel,
        "yes" if registration.is_late else "no",
        "yes" if "list" in consents else "no",
        "yes" if "photo" in consents else "no",
        *(" ".join(answer) if isinstance(answer, list) else answer for answer in own),
    )


def cell(value: str) -> str:
    """A value on one line, with an apostrophe in front where a spreadsheet would take it for a formula."""
    line = " ".join(value.splitlines())
    return f"'{line}" if line.lstrip(" ").startswith(FORMULA_STARTS) else line
