"""The sheets of the last weeks: what drivers, the hotel, consulates, the kitchen and the door work with.

A sheet has tables, a table rows of plain values in the order in which they are worked through; their words belong to
the views. Only registrations that hold are on them, and only answers that the conference asks for.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Any

from peewee import fn

from domain import audit
from domain.answers import Journey, fold, read
from domain.conference import LANGUAGES, Conference
from domain.doubts import expires_soon
from domain.rooms import Guest, how_shared, occupied, partners_of
from domain.roster import holds
from models import ACTIVE, Organiser, Registration

Row = tuple[Any, ...]

WHO = (
    Registration.given_names,
    Registration.family_name,
    Registration.organisation,
    Registration.country,
    Registration.reference,
)
PERSON = ("name", "organisation", "country", "reference")
# A country code has one digit, or two, or else three (ITU-T E.164).
TELEPHONE = re.compile(
    r"\(?(?:\+|00) ?(1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})\)?[ ./-]*(.+)", re.ASCII
)
NO_DIET = "no_special"
EVERYBODY = "everybody"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows below names of columns. With `by_day` the first column, a day, divides them."""

    name: str
    columns: tuple[str, ...]
    rows: list[Row]
    by_day: bool = False

    def without(self, *names: str) -> "Table":
        """The table without some columns."""
        kept = [place for place, name in enumerate(self.columns) if name not in names]
        rows = [tuple(row[place] for place in kept) for row in self.rows]
        return replace(self, columns=tuple(self.columns[place] for place in kept), rows=rows)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What a sheet is called, which right opens it, whether a conference has it, and its tables.

    `is_sensitive`: somebody's sensitive answers are on it, so each look is in the log and its file asks for a proof
    of who takes it. `stays_open`: the answers on it can be changed after the deadline.
    """

    name: str
    right: str
    is_asked: Callable[[Conference], bool]
    read: Callable[[Conference], list[Table]]
    is_sensitive: bool = True
    stays_open: bool = True


def sheets(conference: Conference) -> dict[str, Sheet]:
    """The sheets that a conference has, in the order in which they are needed."""
    return {sheet.name: sheet for sheet in SHEETS if sheet.is_asked(conference)}


def record(sheet: Sheet, tables: list[Table], *, as_file: bool, organiser: Organiser) -> None:
    """Enter in the log that a sheet was opened, or taken as a file."""
    audit.record(
        "sheet.exported" if as_file else "sheet.opened",
        organiser=organiser,
        sheet=sheet.name,
        format="xlsx" if as_file else "html",
        lines=sum(len(table.rows) for table in tables),
        columns=list(dict.fromkeys(name for table in tables for name in table.columns)),
    )


def people(*columns: Any) -> Iterator[Row]:
    """Some columns of everybody who is expected, by name; what is encrypted is read row by row."""
    chosen = Registration.select(*columns).where(Registration.state.in_(ACTIVE))
    rows: Iterator[Row] = chosen.order_by(Registration.name_key, Registration.id).tuples().iterator()
    return rows


def expected() -> int:
    """How many registrations hold."""
    return Registration.select().where(Registration.state.in_(ACTIVE)).count()


def person(given_names: str, family_name: str, organisation: str, country: str, reference: str) -> Row:
    return (f"{given_names} {family_name}".strip(), organisation, country, reference)


def arrivals(conference: Conference) -> list[Table]:
    """Who lands when, by day and hour; whose flights are unknown, and who needs no transfer."""
    landing, others = [], []
    for who, travel, journey, mobile in travellers():
        if journey:
            flight = (journey.arrival_date, journey.arrival_time, journey.arrival_flight)
            landing.append((*flight, *who[:3], journey.pickup, mobile, who[3]))
        else:
            others.append((who, travel))
    columns = ("day", "time", "flight", *PERSON[:3], "pickup", "mobile", "reference")
    table = Table(name="arrivals", columns=columns, rows=sorted(landing, key=in_time), by_day=True)
    is_met = "pickup" not in conference.leave_out
    return [table if is_met else table.without("pickup", "mobile"), *without_flight(others)]


def departures(conference: Conference) -> list[Table]:
    """Who leaves when, by day and hour; whose flights are unknown, and who needs no transfer."""
    leaving, others = [], []
    for who, travel, journey, mobile in travellers():
        if journey and journey.departure_date:
            flight = (journey.departure_date, journey.departure_time, journey.departure_flight)
            leaving.append((*flight, *who[:3], mobile, who[3]))
        else:
            others.append((who, travel))
    columns = ("day", "time", "flight", *PERSON[:3], "mobile", "reference")
    table = Table(name="departures", columns=columns, rows=sorted(leaving, key=in_time), by_day=True)
    is_met = "pickup" not in conference.leave_out
    return [table if is_met else table.without("mobile"), *without_flight(others)]


def travellers() -> Iterator[tuple[Row, str, Journey | None, str]]:
    """Everybody with what is known of their flights, and the number for the driver."""
    columns = (*WHO, Registration.travel, Registration.journey, Registration.mobile)
    for *who, travel, journey, mobile in people(*columns):
        yield person(*who), travel, read("journey", journey), dialled(mobile or "")


def without_flight(others: list[tuple[Row, str]]) -> list[Table]:
    """Those who have told no flight: because they will, or because they need no transfer."""
    unknown = [who for who, travel in others if travel != "none"]
    alone = [who for who, travel in others if travel == "none"]
    return [
        Table(name="flights_unknown", columns=PERSON, rows=unknown),
        Table(name="no_transfer", columns=PERSON, rows=alone),
    ]


def in_time(row: Row) -> tuple[date, time]:
    """By day and hour; those whose hour is unknown come last on their day."""
    return row[0], row[1] or time.max


def dialled(number: str) -> str:
    """A telephone number with its country code in brackets: (+976) 99 112233."""
    parts = TELEPHONE.fullmatch(number)
    return f"(+{parts[1]}) {parts[2]}" if parts else number


def rooms(conference: Conference) -> list[Table]:
    """The rooming list by check-in, how many guests and rooms each night has, and who does not know yet."""
    guests, undecided = [], []
    for *who, hotel, stored in people(*WHO, Registration.hotel, Registration.stay):
        if stay := read("stay", stored):
            guests.append(Guest(who=person(*who), stay=stay))
        elif hotel in ("", "later"):
            undecided.append(person(*who))
    guests.sort(key=lambda guest: (guest.stay.check_in, guest.stay.check_out))
    shared = {room.key for room in conference.hotel.rooms if room.is_shared} if conference.hotel else set()
    partners, rows = partners_of(guests), []
    for guest in guests:
        stay = guest.stay
        sharing = how_shared(guest, partners) if stay.room in shared else ""
        dates = (stay.check_in, stay.check_out, len(guest.nights))
        rows.append((*dates, stay.room, *guest.who[:3], stay.share_with, sharing, guest.who[3]))
    columns = ("check_in", "check_out", "nights", "room", *PERSON[:3], "share_with", "sharing", "reference")
    per_night = [
        (night, kind, number, number - pairs)
        for (night, kind), (number, pairs) in occupied(guests, shared, partners).items()
    ]
    return [
        Table(name="rooms", columns=columns, rows=rows),
        Table(name="nights", columns=("night", "room", "guests", "rooms"), rows=per_night),
        Table(name="hotel_unknown", columns=PERSON, rows=undecided),
    ]


def access(conference: Conference) -> list[Table]:
    """Who needs what to take part, as far as they agreed that we tell the helpers."""
    rows = []
    for *who, days, needs, has_agreed in people(*WHO, Registration.days, Registration.needs, holds("needs")):
        if has_agreed and needs and needs["access"]:
            name = person(*who)
            rows.append((*name[:3], days, needs["access"], name[3]))
    columns = (*PERSON[:3], "days", "access_needs", "reference")
    return [Table(name="access", columns=columns, rows=rows)]


def visa(conference: Conference) -> list[Table]:
    """What the letters need, oldest request first, and how far each of them is."""
    chosen = (
        Registration.select(*WHO, Registration.created_at, Registration.visa_state, Registration.passport)
        .where(Registration.state.in_(ACTIVE), Registration.visa_state != "none")
        .order_by(Registration.created_at, Registration.id)
    )
    rows = []
    for *who, received, state, stored in chosen.tuples().iterator():
        name, passport = person(*who), read("passport", stored)
        told: Row = ("", "", "", None, False, "")
        if passport:
            is_short = expires_soon(passport.expiry, conference.ends_on)
            told = (passport.name, passport.nationality, passport.number, passport.expiry)
            told += (is_short, passport.post)
        rows.append((received.date(), state, *told, *name[:2], name[3]))
    columns = (
        "received", "visa_state", "passport_name", "nationality", "passport_number", "passport_expiry",
        "expires_soon", "visa_post", "name", "organisation", "reference",
    )  # fmt: skip
    return [Table(name="visa", columns=columns, rows=rows)]


def meals(conference: Conference) -> list[Table]:
    """How many meals of which kind on each day; nobody's name. Who keeps two diets counts in each of them."""
    plain: Counter[tuple[str, str]] = Counter()
    several: Counter[tuple[str, tuple[str, ...]]] = Counter()
    other: Counter[tuple[str, str]] = Counter()
    spelling: dict[str, str] = {}
    for days, needs in people(Registration.days, Registration.needs):
        diets = [diet for diet in needs["diet"] if diet != "none"] if needs else []
        words = needs["diet_other"] if needs else ""
        kept = (*sorted(diets), *(["other"] if words else []))
        for day in days:
            plain.update((day, diet) for diet in (EVERYBODY, *(kept or (NO_DIET,))))
            if len(kept) > 1:
                several[day, kept] += 1
            if words:
                other[day, spelling.setdefault(fold(words), words)] += 1
    known = [day.key for day in conference.days]
    return [
        Table(
            name="meals",
            columns=("day", "diet", "people"),
            rows=[(date.fromisoformat(day), diet, count) for (day, diet), count in by_count(plain, known)],
            by_day=True,
        ),
        Table(
            name="several_diets",
            columns=("day", "diets", "people"),
            rows=[
                (date.fromisoformat(day), list(diets), count)
                for (day, diets), count in by_count(several, known)
            ],
        ),
        Table(
            name="other_diets",
            columns=("day", "words", "people"),
            rows=[(date.fromisoformat(day), text, count) for (day, text), count in by_count(other, known)],
        ),
    ]


def by_count(counts: Counter[Any], days: list[str]) -> list[tuple[Any, int]]:
    """Counts by day and something else: each day that the conference has, the largest number first."""
    here = [one for one in counts.items() if one[0][0] in days]
    return sorted(here, key=lambda one: (one[0][0], one[0][1] != EVERYBODY, -one[1], one[0][1]))


def headsets(conference: Conference) -> list[Table]:
    """How many will listen in which language, on each day and in each session."""
    tables = [
        Table(
            name="headsets_by_day",
            columns=("day", *LANGUAGES, "headsets"),
            rows=[
                (day.date, *counts)
                for day, counts in listeners(
                    Registration.days, {day.key: day for day in conference.days}
                ).items()
            ],
        )
    ]
    if conference.sessions and "sessions" not in conference.leave_out:
        of_session = listeners(Registration.sessions, {one.key: one for one in conference.sessions})
        rows = [(session.key, *counts) for session, counts in of_session.items()]
        columns = ("session", *LANGUAGES, "headsets")
        tables.append(Table(name="headsets_by_session", columns=columns, rows=rows))
    return tables


def listeners(column: Any, known: dict[str, Any]) -> dict[Any, list[int]]:
    """Of each day or session: how many listen in each language, and all of them together."""
    counts: Counter[tuple[str, str]] = Counter()
    listed = column.cast("TEXT")  # PostgreSQL groups no JSON
    grouped: Any = Registration.select(listed, Registration.interpretation, fn.COUNT(Registration.id))
    grouped = grouped.where(Registration.state.in_(ACTIVE)).group_by(listed, Registration.interpretation)
    for keys, lang, number in grouped.tuples():
        counts.update({(key, lang): number for key in json.loads(keys)})
    numbers = {key: [counts[key, lang] for lang in LANGUAGES] for key in known}
    return {one: [*numbers[key], sum(numbers[key])] for key, one in known.items()}


def badges(conference: Conference) -> list[Table]:
    """What stands on each badge, by name."""
    columns = ("given_names", "family_name", "organisation", "country", "function", "category")
    rows = list(people(*(getattr(Registration, name) for name in columns)))
    return [Table(name="badges", columns=columns, rows=rows)]


def sign_in(conference: Conference) -> list[Table]:
    """Who comes on which day, with room for a signature."""
    everybody = list(people(*WHO, Registration.days))
    rows = [
        (day.date, *person(*who)[:2], "")
        for day in conference.days
        for *who, days in everybody
        if day.key in days
    ]
    columns = ("day", "name", "organisation", "signature")
    return [Table(name="sign_in", columns=columns, rows=rows, by_day=True)]


def has_hotel(conference: Conference) -> bool:
    return conference.hotel is not None and not {"journey", "hotel"} & set(conference.leave_out)


def asks(name: str) -> Callable[[Conference], bool]:
    return lambda conference: name not in conference.leave_out


def always(conference: Conference) -> bool:
    return True


SHEETS = (
    Sheet(name="arrivals", right="logistics", is_asked=lambda one: one.asks_for_flights, read=arrivals),
    Sheet(name="departures", right="logistics", is_asked=lambda one: one.asks_for_flights, read=departures),
    Sheet(name="rooms", right="logistics", is_asked=has_hotel, read=rooms),
    Sheet(name="access", right="logistics", is_asked=asks("access_needs"), read=access),
    Sheet(name="meals", right="logistics", is_asked=asks("diet"), read=meals, is_sensitive=False),
    Sheet(name="visa", right="visa", is_asked=asks("visa"), read=visa),
    Sheet(
        name="headsets",
        right="read",
        is_asked=asks("interpretation"),
        read=headsets,
        is_sensitive=False,
        stays_open=False,
    ),
    Sheet(name="badges", right="read", is_asked=always, read=badges, is_sensitive=False, stays_open=False),
    Sheet(name="sign-in", right="read", is_asked=always, read=sign_in, is_sensitive=False, stays_open=False),
)
