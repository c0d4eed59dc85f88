"""The sheets of the last weeks in words: on screen, which is also how they go on paper, and as files."""

from collections.abc import Callable, Iterator
from datetime import date
from itertools import groupby
from typing import Any, NamedTuple

from flask import Blueprint, abort, render_template
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug import Response

from domain import clock, workbook
from domain import sheets as desk_sheets
from domain.conference import LANGUAGE_NAMES
from domain.sheets import EVERYBODY, NO_DIET, Sheet, Table
from i18n import country_names, current_language, day
from security import ask_for_proof, demand, may
from views.connections import hold_connection
from views.desk import conference
from views.filters import VALUES, choices

bp = Blueprint("sheets", __name__, url_prefix="/organiser/sheets")
hold_connection(bp)

TITLES = {
    "arrivals": _l("Arrivals"),
    "departures": _l("Departures"),
    "rooms": _l("Rooming list"),
    "access": _l("Access needs"),
    "meals": _l("Meals"),
    "visa": _l("Visa letters"),
    "headsets": _l("Headsets"),
    "badges": _l("Badges"),
    "sign-in": _l("Sign-in sheet"),
}
PURPOSES = {
    "arrivals": _l("For the drivers: who lands when, and whom to meet, by day and hour."),
    "departures": _l("For the drivers: who leaves when, by day and hour."),
    "rooms": _l("For the hotel: who comes for which nights, in which room and with whom."),
    "access": _l("For the helpers: who needs what to take part."),
    "meals": _l("For the kitchen: how many meals of which kind, without names."),
    "visa": _l("For the letters: passports, oldest request first."),
    "headsets": _l("For the interpretation: how many listen in which language."),
    "badges": _l("To print and cut: ten on each page."),
    "sign-in": _l("For the door: who comes on which day, with room for a signature."),
}
TABLES = {
    "arrivals": _l("By day and hour"),
    "departures": _l("By day and hour"),
    "flights_unknown": _l("Flights not known"),
    "no_transfer": _l("Need no transfer"),
    "rooms": _l("By check-in"),
    "nights": _l("Guests and rooms by night"),
    "hotel_unknown": _l("Have not said whether they need a room"),
    "access": _l("Access needs"),
    "meals": _l("By day and diet"),
    "several_diets": _l("Several diets at once"),
    "other_diets": _l("Other diets, in the delegates’ words"),
    "visa": _l("Oldest first"),
    "headsets_by_day": _l("By day"),
    "headsets_by_session": _l("By session"),
    "badges": _l("Badges"),
    "sign_in": _l("By day"),
}
COLUMNS = {
    "day": _l("Day"),
    "time": _l("Time"),
    "flight": _l("Flight"),
    "name": _l("Name"),
    "given_names": _l("Given names"),
    "family_name": _l("Family name"),
    "organisation": _l("Organisation"),
    "country": _l("Country"),
    "function": _l("Function"),
    "category": _l("Comes as"),
    "reference": _l("Reference"),
    "pickup": _l("To be met"),
    "mobile": _l("Mobile phone"),
    "check_in": _l("Check-in"),
    "check_out": _l("Check-out"),
    "nights": _l("Nights"),
    "room": _l("Room"),
    "share_with": _l("Wants to share with"),
    "sharing": _l("Do both agree?"),
    "night": _l("Night of"),
    "guests": _l("Guests"),
    "rooms": _l("Rooms"),
    "days": _l("Days"),
    "access_needs": _l("Accessibility needs"),
    "diet": _l("Diet"),
    "diets": _l("Diets"),
    "words": _l("In their words"),
    "people": _l("People"),
    "received": _l("Received on"),
    "visa_state": _l("Letter"),
    "passport_name": _l("Name as printed in the passport"),
    "nationality": _l("Nationality"),
    "passport_number": _l("Passport number"),
    "passport_expiry": _l("Expires on"),
    "expires_soon": _l("Validity"),
    "visa_post": _l("Applies in"),
    "session": _l("Session"),
    "headsets": _l("Headsets"),
    "signature": _l("Signature"),
    **LANGUAGE_NAMES,
}
SHARING = {
    "": "",
    "agreed": _l("Yes, each names the other"),
    "apart": _l("Each names the other, but their nights or rooms differ"),
    "one_sided": _l("No: the other one does not name this guest"),
    "no_such_guest": _l("No reservation under this name"),
    "nobody_named": _l("Names nobody"),
}


class Part(NamedTuple):
    """A table as the page shows it: `groups` are days in words, or one group without."""

    name: str
    title: str
    columns: dict[str, str]
    groups: "list[Group]"
    size: int


class Group(NamedTuple):
    """The rows of a day; `hours` are their hours in words with the rows of each, or one without."""

    title: str
    hours: list[tuple[str, list[list[str]]]]
    size: int


@bp.get("")
def listing() -> str:
    """Name the sheets that this conference has and this organiser may open."""
    return render_template(
        "sheets/listing.html",
        title=_("Sheets"),
        sheets=[sheet for sheet in desk_sheets.sheets(conference()).values() if may(sheet.right)],
        titles=TITLES,
        purposes=PURPOSES,
    )


@bp.get("/<name>")
def show(name: str) -> str:
    """Show a sheet, as it also goes on paper; a look at somebody's sensitive answers is in the log."""
    sheet = asked(name)
    tables = sheet.read(conference())
    if sheet.is_sensitive:
        desk_sheets.record(sheet, tables, as_file=False, organiser=current_user.organiser)
    return render_template(
        "sheets/show.html",
        title=TITLES[name],
        sheet=sheet,
        purpose=PURPOSES[name],
        parts=[part(table) for table in tables],
        expected=desk_sheets.expected(),
        now=clock.now(),
    )


@bp.get("/<name>.xlsx")
def show_xlsx(name: str) -> Response:
    """Give a sheet as a workbook, a sensitive one after password and code alone; each is in the log."""
    sheet = asked(name)
    proof = ask_for_proof() if sheet.is_sensitive else None
    return proof or workbook_of(sheet)


def asked(name: str) -> Sheet:
    """The sheet of a name, if this conference has it and this organiser may see it."""
    sheet = desk_sheets.sheets(conference()).get(name)
    if sheet is None:
        abort(404, _("There is no such sheet."))
    demand(sheet.right)
    return sheet


def workbook_of(sheet: Sheet) -> Response:
    tables = sheet.read(conference())
    desk_sheets.record(sheet, tables, as_file=True, organiser=current_user.organiser)
    told = [
        (
            str(TABLES[table.name]),
            [str(COLUMNS[column]) for column in table.columns],
            list(rows_in_words(table)),
        )
        for table in tables
    ]
    response = Response(workbook.xlsx_chunks(told), mimetype=workbook.MIMETYPE)
    response.headers["Content-Disposition"] = f"attachment; filename={sheet.name}.xlsx"
    return response


def rows_in_words(table: Table) -> Iterator[tuple[Any, ...]]:
    """The rows with what stands for something in words; days, hours and numbers stay what they are."""
    speakers = vocabulary()
    told = [speakers.get(column) for column in table.columns]
    for row in table.rows:
        yield tuple(speak(value) if speak else value for speak, value in zip(told, row, strict=True))


def vocabulary() -> dict[str, Callable[[Any], str]]:
    """By column, how its values are put into words."""
    facts, lang, offered = conference(), current_language(), choices()
    diets = {EVERYBODY: _("Everybody"), NO_DIET: _("No special diet"), **offered.get("diet", {})}
    rooms = {room.key: room.label[lang] for room in facts.hotel.rooms} if facts.hotel else {}
    words: dict[str, dict[Any, Any]] = {
        "country": country_names(lang),
        "nationality": country_names(lang),
        "category": offered["category"],
        "room": rooms,
        "sharing": SHARING,
        "diet": diets,
        "visa_state": VALUES["visa"],
        "session": offered.get("session", {}),
        "pickup": {True: _("Yes"), False: _("No")},
        "expires_soon": {True: _("Less than six months after the conference"), False: ""},
    }
    return {column: look_up(known) for column, known in words.items()} | {
        "days": lambda days: ", ".join(day(date.fromisoformat(one), "medium") for one in days),
        "diets": lambda keys: " + ".join(str(diets.get(key, key)) for key in keys),
    }


def look_up(known: dict[Any, Any]) -> Callable[[Any], str]:
    return lambda value: str(known.get(value, value))


def part(table: Table) -> Part:
    """A table for the page: all in words, divided by day where it is, and by hour where it has hours."""
    first = 1 if table.by_day else 0
    columns = {name: str(COLUMNS[name]) for name in table.columns[first:]}
    has_hours = table.columns[first] == "time"
    divided = groupby(rows_in_words(table), key=lambda row: row[0] if table.by_day else None)
    groups = []
    for on, rows in divided:
        shown = [row[first:] for row in rows]
        hours = groupby(shown, key=lambda row: hour(row[0]) if has_hours else "")
        told = [(title, [[as_text(value) for value in row] for row in some]) for title, some in hours]
        groups.append(Group(day(on, "full") if on else "", told, len(shown)))
    return Part(table.name, str(TABLES[table.name]), columns, groups, len(table.rows))


def hour(value: Any) -> str:
    return f"{value:%H}:00" if value else _("Time not known")


def as_text(value: Any) -> str:
    """A value of a cell as people read it."""
    if isinstance(value, date):
        return day(value, "medium")
    return f"{value:%H:%M}" if hasattr(value, "hour") else "" if value is None else str(value)
