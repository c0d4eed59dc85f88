"""Plots as SVG, drawn here on the server. Colours and type are the tokens of the style sheet, dark ones too.

An image belongs to a table, which has every word and number: labels may be shortened here. pygal is only loaded when
somebody looks at plots.
"""

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any

WIDTH = 340  # pixels: as wide as the narrowest telephone shows without making the type smaller
BAR, EDGES = 26, 24  # the height of a bar with its distance, and of what is above and below all of them
HEIGHT = 240
LETTERS = 22  # of a label
ROOM_BESIDE, ROOM_ABOVE = 0.1, 0.25  # of what is drawn, for the words at the deadline
DAY = timedelta(days=1)
# An answer of its own: it may style itself, and load nothing, and run nothing.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"


def bars(rows: list[tuple[str, int]], tokens: Path) -> str:
    """A bar for each row, with its words and its number beside it, in their order from the top."""
    import pygal

    chart = pygal.HorizontalBar(height=height_of(rows), show_x_labels=False, **looks(tokens))
    chart.x_labels = [f"{shortened(words)}  {number}" for words, number in reversed(rows)]
    chart.add("", [number for _, number in reversed(rows)])
    return drawn(chart)


def height_of(rows: list[Any]) -> int:
    return EDGES + BAR * len(rows)


def growth(
    days: dict[date, int], deadline: date, words: str, short: Callable[[date], str], tokens: Path
) -> str:
    """The total from day to day, with the deadline as a line across, which `words` name; `short` names a day."""
    import pygal

    totals = list(zip(days, accumulate(days.values()), strict=True))
    first, top = totals[0][0] - DAY, totals[-1][1]
    last = max(totals[-1][0], deadline)
    chart = pygal.DateLine(
        height=HEIGHT,
        x_value_formatter=short,
        x_labels=[first, deadline],
        xrange=(first, last + (last - first) * ROOM_BESIDE),
        range=(0, top * (1 + ROOM_ABOVE)),
        print_labels=True,
        dots_size=0,
        **looks(tokens),
    )
    chart.y_labels = [0, top]
    chart.add("", [(first, 0), *totals], fill=True)
    line: list[Any] = [(deadline, 0), {"value": (deadline, top * (1 + ROOM_ABOVE)), "label": words}]
    chart.add("", line, stroke_style={"width": 2, "dasharray": "6, 4"})
    return drawn(chart)


def looks(tokens: Path) -> dict[str, Any]:
    """What all plots have in common."""
    from pygal.style import Style

    style = Style(
        background="transparent",
        plot_background="transparent",
        foreground="var(--ink)",
        foreground_strong="var(--ink)",
        foreground_subtle="var(--rule)",
        colors=("var(--accent)", "var(--bad)"),
        value_colors=("var(--ink)", "var(--ink)"),
        opacity="1",
        transition="none",
        font_family="var(--sans)",
        label_font_size=14,
        major_label_font_size=14,
        value_label_font_size=14,
    )
    return {
        "width": WIDTH,
        "style": style,
        "css": (f"inline:{css(tokens)}", "file://style.css", "file://graph.css"),
        "js": (),
        "explicit_size": True,
        "show_legend": False,
        "show_y_guides": False,
        "margin": 8,
        "margin_left": 0,
    }


@cache
def css(tokens: Path) -> str:
    return f"{tokens.read_text()} .text-overlay .label {{ text-anchor: end; transform: translateX(-20px); }}"


def shortened(words: str) -> str:
    return words if len(words) <= LETTERS else f"{words[: LETTERS - 1].rstrip()}…"


def drawn(chart: Any) -> str:
    chart.add_xml_filter(still)
    svg = chart.render(is_unicode=True)
    return svg if isinstance(svg, str) else svg.decode()


def still(root: Any) -> Any:
    """The drawing without what pygal adds for its own script, and without its own name as a title."""
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in ("script", "title")]:
            parent.remove(child)
    return root
