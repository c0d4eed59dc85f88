"""GET /organiser/statistics/<name>.svg: a plot as an image that runs nothing and loads nothing."""

import subprocess
import sys
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from support.journey import ON_SQLITE

from db import connection
from models import Registration
from views.statistics import TITLES

STATISTICS = "/organiser/statistics"
SVG = "{http://www.w3.org/2000/svg}"

pytestmark = ON_SQLITE


def words(page) -> list[str]:
    root = ElementTree.fromstring(page.text)
    return [element.text for element in root.iter(f"{SVG}text") if element.text]


@pytest.mark.parametrize("name", TITLES)
def test_plot_is_an_image_without_scripts_and_addresses(desk_client, registered, name):
    registered()

    page = desk_client.get(f"{STATISTICS}/{name}.svg")

    root = ElementTree.fromstring(page.text)
    assert page.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert (root.tag, root.get("width")) == (f"{SVG}svg", "340")
    assert list(root.iter(f"{SVG}script")) == []
    assert "href" not in page.text
    assert "url(" not in page.text


def test_plot_may_style_itself_and_nothing_else(desk_client, registered):
    registered()

    page = desk_client.get(f"{STATISTICS}/country.svg")

    assert page.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
    )
    assert page.headers["Cache-Control"] == "no-store"
    assert "prefers-color-scheme:dark" in page.text


def test_bars_are_named_and_counted(desk_client, registered):
    for country in ("GB", "FR", "FR"):
        registered(country=country)

    assert words(desk_client.get(f"{STATISTICS}/country.svg")) == ["United Kingdom  1", "France  2"]


def test_long_words_are_shortened(desk_client, registered):
    registered(organisation="Confederation of many & of all <workers>")

    assert words(desk_client.get(f"{STATISTICS}/organisation.svg")) == ["Confederation of many…  1"]


def test_deadline_is_drawn_in(desk_client, registered):
    registered()
    with connection():  # in the evening it is the next day already in Ulaanbaatar
        Registration.update(created_at=datetime(2017, 4, 10, 12, tzinfo=UTC)).execute()

    page = desk_client.get(f"{STATISTICS}/arrival.svg")

    assert words(page) == ["0", "1", "9 Apr", "8 May", "Deadline: 8 May 2017"]
    assert "stroke-dasharray" in page.text


def test_plot_of_nothing_is_none(desk_client):
    desk_client.get(f"{STATISTICS}/arrival.svg", status=404)
    assert ElementTree.fromstring(desk_client.get(f"{STATISTICS}/country.svg").text).tag == f"{SVG}svg"


@pytest.mark.parametrize("name", ["nothing", "late", "mail", "name"])
def test_plot_that_there_is_not_is_not_found(desk_client, name):
    desk_client.get(f"{STATISTICS}/{name}.svg", status=404)


def test_library_is_loaded_only_for_plots(app):
    program = "import sys, app; sys.exit('pygal' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
