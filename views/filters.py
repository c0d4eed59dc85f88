"""The organisers' list in words and in addresses: what it can be filtered by, its columns, its presets."""

from dataclasses import replace
from typing import Any, NamedTuple

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from domain import roster
from domain.conference import LANGUAGE_NAMES
from i18n import country_names, current_language, day
from questions import Questions
from security import may
from views.desk import conference

TITLES = {
    "state": _l("State"),
    "day": _l("Day"),
    "session": _l("Session"),
    "category": _l("Comes as"),
    "country": _l("Country"),
    "interpretation": _l("Listens in"),
    "visa": _l("Visa letter"),
    "travel": _l("Flights"),
    "checked": _l("Flight check"),
    "hotel": _l("Hotel"),
    "booked": _l("Hotel booking"),
    "diet": _l("Diet"),
    "mail": _l("Mails"),
    "late": _l("Late"),
    "twin": _l("Duplicates"),
}
VALUES = {
    "state": {"received": _l("Received"), "confirmed": _l("Confirmed"), "cancelled": _l("Cancelled")},
    "visa": {
        "none": _l("Not requested"),
        "requested": _l("Requested"),
        "in_preparation": _l("In preparation"),
        "sent": _l("Sent"),
    },
    "travel": {
        "known": _l("Known"),
        "later": _l("To be told later"),
        "none": _l("Needs no transfer"),
        roster.UNANSWERED: _l("Not answered"),
    },
    "hotel": {
        "reserve": _l("To be reserved"),
        "own": _l("Arranges it alone"),
        "later": _l("Does not know yet"),
        roster.UNANSWERED: _l("Not answered"),
    },
    "interpretation": {**LANGUAGE_NAMES, "none": _l("Needs no interpretation")},
    "mail": {
        "failed": _l("Some mail failed"),
        "waiting": _l("Some mail waits"),
        "accepted": _l("Every mail was accepted"),
    },
    "checked": {"yes": _l("Checked"), "no": _l("Not checked yet")},
    "booked": {"yes": _l("Booked"), "no": _l("Not booked yet")},
    "late": {"yes": _l("Came through a late link")},
    "twin": {"yes": _l("Possible duplicate")},
}
COLUMNS = {
    "name": _l("Name"),
    "organisation": _l("Organisation"),
    "function": _l("Function"),
    "country": _l("Country"),
    "email": _l("E-mail address"),
    "category": _l("Comes as"),
    "interpretation": _l("Listens in"),
    "visa": _l("Visa letter"),
    "travel": _l("Flights"),
    "hotel": _l("Hotel"),
    "state": _l("State"),
    "received": _l("Received on"),
    "changed": _l("Changed on"),
    "reference": _l("Reference"),
}
PRESETS = {
    "visa": _l("Visa letters to prepare"),
    "travel": _l("Flights missing"),
    "hotel": _l("Hotel to book"),
    "check": _l("Flights to check"),
    "twin": _l("Possible duplicates"),
    "mail": _l("Mail failing"),
    "late": _l("Late registrations"),
}
# By what a conference may leave out: the filters that go with it.
GOES_WITH = {
    "visa": {"visa"},
    "journey": {"travel", "checked", "hotel", "booked"},
    "travel": {"travel", "checked"},
    "hotel": {"hotel", "booked"},
    "sessions": {"session"},
    "interpretation": {"interpretation"},
    "diet": {"diet"},
}
# The right that a filter by a sensitive answer needs: whoever may not read the answer must not find people by it.
NEEDED = {"diet": "logistics"}


class Chip(NamedTuple):
    """A filter in use: in words, and the query without it."""

    words: str
    without: roster.Query


def choices() -> dict[str, dict[str, Any]]:
    """What this conference's list can be filtered by, by whoever looks at it: by each filter its values in words."""
    lang, facts = current_language(), conference()
    values = VALUES | {
        "day": {one.key: day(one.date, "full") for one in facts.days},
        "session": {one.key: one.title[lang] for one in facts.sessions},
        "category": {one.key: one.label[lang] for one in facts.categories},
        "country": country_names(lang),
        "diet": {one.value: one.label for one in Questions.diet.kwargs["choices"]}
        | {"other": _("Another diet")},
    }
    if facts.hotel is None:
        del values["hotel"], values["booked"]
    left_out = withheld().union(*(GOES_WITH.get(name, set()) for name in facts.leave_out))
    return {name: values[name] for name in roster.FILTERS if name not in left_out and values.get(name)}


def withheld() -> set[str]:
    """The filters that the roles of whoever looks at this do not allow."""
    return {name for name, right in NEEDED.items() if not may(right)}


def is_sensitive(query: roster.Query) -> bool:
    """Whether a query finds people by what not every organiser may know of them."""
    return not NEEDED.keys().isdisjoint(query.filters)


def columns() -> dict[str, Any]:
    """The columns that this conference's list can show, in words."""
    offered = choices()
    return {name: words for name, words in COLUMNS.items() if name not in roster.FILTERS or name in offered}


def asked() -> roster.Query:
    """The query in the address; what makes no sense there counts for nothing."""
    offered = choices()
    given = request.args.to_dict(flat=False)
    for name in roster.FILTERS:
        given[name] = [value for value in given.get(name, []) if value in offered.get(name, {})]
    return roster.read(given)


def in_address(query: roster.Query, **changes: Any) -> dict[str, str | list[str]]:
    """A query as it stands in an address, with some changes."""
    return roster.in_address(replace(query, **changes))


def chips(query: roster.Query) -> list[Chip]:
    """Every value of every filter in use."""
    offered, first_page = choices(), replace(query, after="", before="")
    return [
        Chip(
            _("%(filter)s: not %(value)s", filter=TITLES[name], value=offered[name].get(value, value))
            if name in query.negated
            else _("%(filter)s: %(value)s", filter=TITLES[name], value=offered[name].get(value, value)),
            first_page.without(name, value),
        )
        for name, values in query.filters.items()
        if name in offered
        for value in values
    ]


def presets() -> dict[str, roster.Query]:
    """What is to be done in the last weeks, as far as this conference asks for it."""
    offered = choices()
    return {name: query for name, query in roster.PRESETS.items() if query.filters.keys() <= offered.keys()}
