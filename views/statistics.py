"""The statistics in words: the numbers on top, and for each answer a plot with its table."""

import hashlib
from datetime import date
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from flask import Blueprint, abort, current_app, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug import Response

from domain import clock, roster, statistics
from htmx import render
from i18n import current_language, day
from views import plots
from views.connections import hold_connection
from views.desk import conference
from views.filters import PRESETS, choices, in_address, presets

bp = Blueprint("statistics", __name__, url_prefix="/organiser/statistics")
hold_connection(bp)

ARRIVAL = "arrival"
TITLES = {
    ARRIVAL: _l("Registrations per day"),
    "country": _l("By country or territory"),
    "organisation": _l("The largest organisations"),
    "category": _l("By capacity"),
    "day": _l("By day"),
    "session": _l("By session"),
    "interpretation": _l("By language listened to"),
    "diet": _l("By diet"),
    "state": _l("Registrations by state"),
    "visa": _l("Visa letters by state"),
    "travel": _l("Flights"),
    "hotel": _l("Hotel"),
}
SEVERAL = {"day", "session", "diet"}  # of which one person may have more than one
LONG = {"country", "organisation"}  # of which only the largest are named


class Line(NamedTuple):
    """A row of a table: its words and numbers, and the list of those whom it counts."""

    words: str
    numbers: list[int]
    address: str | None


class Plot(NamedTuple):
    """A plot with its table; `version` changes with what it shows, `alt` says the main fact."""

    name: str
    title: str
    lines: list[Line]
    version: str
    alt: str
    height: int

    @property
    def bars(self) -> list[tuple[str, int]]:
        return [(line.words, line.numbers[0]) for line in self.lines]


@bp.get("")
def show() -> Response:
    """Show the numbers with their plots and tables, or to htmx all of them anew."""
    names = [name for name in presets() if name != "late"]
    return render(
        "statistics/show.html",
        "statistics/_show.html",
        title=_("Statistics"),
        headline=statistics.headline(names),
        to_do={name: PRESETS[name] for name in names},
        preset_queries=roster.PRESETS,
        several=SEVERAL,
        plots=[plot_of(name) for name in titles()],
        width=plots.WIDTH,
        now=clock.now(),
    )


@bp.get("/<name>.svg")
def plot(name: str) -> Response:
    """Give one plot as an image."""
    if name not in titles():
        abort(404)
    tokens = Path(current_app.static_folder or "") / "tokens.css"
    if name == ARRIVAL:
        days = statistics.by_arrival(conference()) or abort(404)
        svg = plots.growth(days, conference().register_by, deadline(), short, tokens)
    else:
        svg = plots.bars(plot_of(name).bars, tokens)
    response = Response(svg, mimetype="image/svg+xml")
    response.headers["Content-Security-Policy"] = plots.POLICY
    return response


def titles() -> dict[str, Any]:
    """The plots of this conference: of what it does not ask there is none."""
    offered = choices()
    return {
        name: title for name, title in TITLES.items() if name in offered or name in (ARRIVAL, "organisation")
    }


def plot_of(name: str) -> Plot:
    lines = arrivals() if name == ARRIVAL else lines_of(name)
    shown = repr((name, current_language(), lines)).encode()
    version = hashlib.sha256(shown).hexdigest()[:12]
    title = str(TITLES[name])
    if name == ARRIVAL:
        alt = _("Line: %(total)s registrations so far.", total=lines[-1].numbers[1] if lines else 0)
        return Plot(name, title, lines, version, f"{alt} {deadline()}.", plots.HEIGHT)
    return Plot(name, title, lines, version, main_fact(lines), plots.height_of(lines))


def main_fact(lines: list[Line]) -> str:
    most = max(lines, key=lambda line: line.numbers[0], default=None)
    if most is None or not most.numbers[0]:
        return _("Bars: nothing to count yet.")
    return _("Bars: the most are %(words)s, %(number)s.", words=most.words, number=most.numbers[0])


def deadline() -> str:
    return _("Deadline: %(day)s", day=day(conference().register_by))


def short(on: date) -> str:
    return day(on, "d MMM")


def arrivals() -> list[Line]:
    """How many registrations came on each day, and how many there were by then."""
    days = statistics.by_arrival(conference())
    totals = zip(days.items(), accumulate(days.values()), strict=True)
    return [Line(day(on, "medium"), [number, total], None) for (on, number), total in totals]


def lines_of(name: str) -> list[Line]:
    """The counts of an answer: in the order of the form where it is chosen from a few, else the largest first."""
    words: dict[str, Any] = choices().get(name, {})
    counts = statistics.by_diet(words) if name == "diet" else statistics.COUNTS[name]()
    if name in LONG:
        counts, beyond = statistics.largest(counts)
    else:
        order = [*words, *(key for key in counts if key not in words)]
        counts = {key: counts.get(key, 0) for key in order if key in counts or key != roster.UNANSWERED}
        beyond = {}
    lines = [
        Line(words_of(words, key), [number], address_of(name, key) if key in words else None)
        for key, number in counts.items()
    ]
    if beyond and name == "country":
        others = _("Others (%(number)s)", number=len(beyond))
        lines.append(Line(others, [sum(beyond.values())], None))
    return lines


def words_of(words: dict[str, Any], key: str) -> str:
    return str(words.get(key, _("Not answered") if key == roster.UNANSWERED else key))


def address_of(name: str, key: str) -> str:
    """The list of those who are counted together."""
    held = {} if name == "state" else roster.HOLDING
    address: dict[str, Any] = in_address(roster.Query(filters=held | {name: [key]}))
    return url_for("organiser.registrations", **address)
