"""Plain counts of the registrations, made by the database: of anybody in particular they know nothing.

`counts` are those that hold, by the values of one answer: whoever comes on two days counts for both of them.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from peewee import SQL, fn

from domain.conference import Conference
from domain.roster import PRESETS, UNANSWERED, matching
from models import ACTIVE, EncryptedField, Registration

MOST = 15
DAY = timedelta(days=1)

Counts = dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The numbers on top. `to_do` are those of the presets of the list."""

    active: int
    confirmed: int
    cancelled: int
    countries: int
    organisations: int
    to_do: Counts


def headline(presets: Iterable[str]) -> Headline:
    states = by_state()
    here = holding()
    countries, organisations = here.select(
        fn.COUNT(Registration.country.distinct()), fn.COUNT(Registration.organisation_key.distinct())
    ).scalar(as_tuple=True)
    return Headline(
        active=sum(states.get(state, 0) for state in ACTIVE),
        confirmed=states.get("confirmed", 0),
        cancelled=states.get("cancelled", 0),
        countries=countries,
        organisations=organisations,
        to_do={name: matching(PRESETS[name]).count() for name in presets},
    )


def holding() -> Any:
    return Registration.select().where(Registration.state.in_(ACTIVE))


def grouped(column: Any) -> Counts:
    """How many registrations that hold have each value of a column."""
    return dict(holding().select(column, fn.COUNT(Registration.id)).group_by(column).tuples())


def by_state() -> Counts:
    rows = Registration.select(Registration.state, fn.COUNT(Registration.id)).group_by(Registration.state)
    counts: dict[str, int] = dict(cast(Any, rows.tuples()))
    return {state: number for state, number in counts.items() if state != "erased"}


def by(column: Any) -> Callable[[], Counts]:
    """The counts by the values of a column; what is empty there is not answered."""
    return lambda: {value or UNANSWERED: number for value, number in grouped(column).items()}


def in_lists(column: Any) -> Callable[[], Counts]:
    """The counts by the keys in the lists of a column: the database counts the lists, of which there are few kinds."""

    def count() -> Counts:
        found: Counter[str] = Counter()
        for keys, number in grouped(column.cast("TEXT")).items():
            found.update(dict.fromkeys(json.loads(keys), number))
        return dict(found)

    return count


def by_organisation() -> Counts:
    """By organisation, however its name is spelled with accents and capitals; one of the spellings stands for all."""
    key = Registration.organisation_key
    rows = holding().select(fn.MIN(Registration.organisation), fn.COUNT(Registration.id)).group_by(key)
    found: Counter[str] = Counter()
    for name, number in rows.tuples():
        found[name] += number
    return dict(found)


def by_diet(diets: Iterable[str]) -> Counts:
    """By diet, of which the database knows the marks alone."""
    of_mark = {mark: diet for diet in diets for mark in EncryptedField.marks(diet)}
    found: Counter[str] = Counter()
    for marks, number in grouped(Registration.diet_marks).items():
        kept = {of_mark[mark] for mark in marks.split() if mark in of_mark}
        found.update(dict.fromkeys(kept or {UNANSWERED}, number))
    return dict(found)


COUNTS: dict[str, Callable[[], Counts]] = {
    "country": by(Registration.country),
    "organisation": by_organisation,
    "category": by(Registration.category),
    "day": in_lists(Registration.days),
    "session": in_lists(Registration.sessions),
    "interpretation": by(Registration.interpretation),
    "state": by_state,
    "visa": by(Registration.visa_state),
    "travel": by(Registration.travel),
    "hotel": by(Registration.hotel),
}


def largest(counts: Counts, most: int = MOST) -> tuple[Counts, Counts]:
    """The largest counts in their order, and those beyond them."""
    order = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return dict(order[:most]), dict(order[most:])


def by_arrival(conference: Conference) -> dict[date, int]:
    """How many registrations came on each day where the conference takes place, from the first to the last.

    Those that were cancelled or erased later came as well. The database counts by the hour, for days differ by time
    zone; by the minute, of which there are many more, only where midnight is within an hour of Universal Time.
    """
    zone = ZoneInfo(conference.time_zone)
    figures = SQL("13" if has_whole_hours(zone, conference.starts_on.year) else "16")
    part = fn.SUBSTR(Registration.created_at.cast("TEXT"), SQL("1"), figures).coerce(False)
    found: Counter[date] = Counter()
    rows: Any = Registration.select(part, fn.COUNT(Registration.id)).group_by(part).tuples()
    for words, number in rows:
        moment = datetime.fromisoformat(words).replace(tzinfo=UTC)
        found[moment.astimezone(zone).date()] += number
    if not found:
        return {}
    first, last = min(found), max(found)
    return {first + DAY * place: found[first + DAY * place] for place in range((last - first).days + 1)}


def has_whole_hours(zone: ZoneInfo, year: int) -> bool:
    """Whether a zone is whole hours away from Universal Time, in summer and in winter."""
    offsets = [datetime(year, month, 1, tzinfo=zone).utcoffset() or timedelta() for month in range(1, 13)]
    return not any(offset % timedelta(hours=1) for offset in offsets)
