"""The list as a file: CSV and XLSX with one line a person and stable column names, and everything as JSON.

CSV is UTF-8 with BOM, CRLF, every field quoted. Line breaks within a value become spaces. Where a spreadsheet would
take a value in a CSV for a formula, an apostrophe stands in front of it; the cells of an XLSX say that they are text.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain, islice
from operator import itemgetter
from typing import Any

from xlsxwriter import Workbook

from domain import audit
from domain.conference import Conference, Question
from domain.registration import facts_of
from domain.roster import Query, export_rows, matching, whole_rows
from domain.workbook import finished, on_one_line
from models import Consent, Organiser, Registration

SEPARATORS = (",", ";")  # the semicolon is what a French or Spanish Excel expects
LINES_AT_ONCE = 500
NO_YES = ("no", "yes")
FORMULA_STARTS = "=+-@\t\r＝＋－＠"  # noqa: RUF001 - the full-width twins are meant: spreadsheets take them too
FORMULA = re.compile(rf"\0 *[{re.escape(FORMULA_STARTS)}]")

Rows = Iterable[tuple[Any, ...]]

COLUMNS = (
    "reference",
    "state",
    "language",
    "received_at",
    "changed_at",
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
    "travel_checked",
    "hotel_booked",
    "late",
    "consent_list",
    "consent_photo",
)
# By columns of the list, those of the export that tell the same; the others have the same name.
LISTED_AS = {
    "name": ("given_names", "family_name"),
    "visa": ("visa_letter",),
    "received": ("received_at",),
    "changed": ("changed_at",),
}


def record(
    query: Query,
    conference: Conference,
    *,
    kind: str,
    organiser: Organiser | None = None,
    shown: tuple[str, ...] = (),
) -> int:
    """Enter an export in the log, by an organiser or by a command; returns its number of registrations."""
    total = matching(query).count()
    told: dict[str, Any] = {
        "format": kind,
        "has_search": bool(query.q.strip()),
        "rows": total,
    }
    if query.filters:
        told |= {"filters": query.filters, "negated": query.negated}
    if kind == "json":
        audit.record("registrations.exported_whole", organiser=organiser, **told)
    else:
        told["columns"] = columns(conference, shown)
        audit.record("registrations.exported", organiser=organiser, **told)
    return total


def columns(conference: Conference, shown: tuple[str, ...] = ()) -> list[str]:
    """The names of the columns: those that the list shows, or all; the conference's own questions are the last."""
    if shown:
        return [name for column in shown for name in LISTED_AS.get(column, (column,))]
    return [*COLUMNS, *(question.name for question in conference.questions)]


def lines(rows: Rows, conference: Conference, shown: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The values of the columns, row by row."""
    everything = (values(row, conference.questions) for row in rows)
    if not shown:
        return everything
    places = map(columns(conference).index, columns(conference, shown))
    return map(itemgetter(*places), everything)  # two places at least: a name has two


def csv_chunks(
    rows: Rows, conference: Conference, *, shown: tuple[str, ...] = (), separator: str = ","
) -> Iterator[bytes]:
    """Rows of `roster.export_rows` as CSV, in pieces.

    Passports, needs, flights, telephone numbers and hotel nights are never in it.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=separator, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    buffer.write("\ufeff")
    writer.writerow(columns(conference, shown))
    left, has_more = lines(rows, conference, shown), True
    while has_more:
        some = tuple(islice(left, LINES_AT_ONCE))
        writer.writerows(some if is_harmless(chain.from_iterable(some)) else map(guarded, some))
        yield emptied(buffer)
        has_more = len(some) == LINES_AT_ONCE


def guarded(line: tuple[str, ...]) -> Iterable[str]:
    return line if is_harmless(line) else map(cell, line)


def is_harmless(values: Iterable[str]) -> bool:
    """Whether `cell` would leave every value as it is: asked of all at once, because it nearly always would."""
    text = "\0".join(("", *values, ""))
    return len(text.splitlines()) == 1 and not FORMULA.search(text)


def emptied(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def xlsx_chunks(rows: Rows, conference: Conference, *, shown: tuple[str, ...] = ()) -> Iterator[bytes]:
    """The same as XLSX, in pieces."""

    def fill(book: Workbook) -> None:
        sheet = book.add_worksheet("registrations")
        sheet.freeze_panes(1, 0)
        for column, name in enumerate(columns(conference, shown)):
            sheet.write_string(0, column, name)
        for number, line in enumerate(lines(rows, conference, shown), start=1):
            for column, value in enumerate(line):
                sheet.write_string(number, column, on_one_line(value))

    return finished(fill)


def json_chunks(
    rows: Iterable[tuple[Registration, list[Consent]]], conference: Conference
) -> Iterator[bytes]:
    """Rows of `roster.whole_rows` as a JSON list: all answers, with the sensitive ones, and all consents."""
    before = "[\n"
    for registration, ledger in rows:
        text = json.dumps(
            facts_of(registration, ledger), default=lambda value: value.isoformat(), ensure_ascii=False
        )
        yield f"{before}{text}".encode()
        before = ",\n"
    yield b"[]\n" if before == "[\n" else b"\n]\n"


FORMATS: dict[str, tuple[Callable[[Query], Rows], Callable[..., Iterator[bytes]]]] = {
    "csv": (export_rows, csv_chunks),
    "xlsx": (export_rows, xlsx_chunks),
    "json": (whole_rows, json_chunks),
}


def values(row: tuple[Any, ...], questions: list[Question]) -> tuple[str, ...]:
    """What stands in the columns, as text."""
    reference, state, language, received, changed, given_names, family_name, email, organisation, country, function, \
        category, days, sessions, interpretation, visa, travel, hotel, checked, booked, late, extra, on_list, photo, _ \
        = row  # fmt: skip
    return (
        reference,
        state,
        language,
        f"{received[:10]}T{received[11:19]}+00:00",
        f"{changed[:10]}T{changed[11:19]}+00:00",
        given_names,
        family_name,
        email,
        organisation,
        country,
        function,
        category,
        words(days),
        words(sessions),
        interpretation,
        visa,
        travel,
        hotel,
        NO_YES[checked],
        NO_YES[booked],
        NO_YES[late],
        NO_YES[on_list],
        NO_YES[photo],
        *(own_answers(extra, questions) if questions else ()),
    )


@lru_cache(maxsize=1000)
def words(listed: str) -> str:
    """A list, which comes as JSON; there are not many different ones."""
    return " ".join(json.loads(listed))


def own_answers(extra: str, questions: list[Question]) -> Iterator[str]:
    answers = json.loads(extra)
    for question in questions:
        answer = answers.get(question.key, "")
        yield " ".join(answer) if isinstance(answer, list) else answer


def cell(value: str) -> str:
    """A value on one line, with an apostrophe in front where a spreadsheet would take it for a formula."""
    line = on_one_line(value)
    return f"'{line}" if line.lstrip(" ").startswith(tuple(FORMULA_STARTS)) else line
