"""GET /organiser/statistics: numbers, plots and tables, and to htmx all of them anew."""

from datetime import UTC, datetime

import pytest
from factories import PASSPORT
from support.journey import HTMX, ON_SQLITE

from db import connection
from models import Registration

STATISTICS = "/organiser/statistics"
PLOTS = [
    "arrival", "country", "organisation", "category", "day", "session", "interpretation", "diet", "state", "visa",
    "travel", "hotel",
]  # fmt: skip

pytestmark = ON_SQLITE


@pytest.fixture
def two(registered):
    registered(passport=PASSPORT, consents=["affiliation", "visa"], travel="known")
    second = registered(country="FR", days=["2017-05-25", "2017-05-26"], hotel="reserve")
    with connection():  # in the evening it is the next day already in Ulaanbaatar
        Registration.update(created_at=datetime(2017, 4, 10, 12, tzinfo=UTC)).execute()
    return second


def figures(page) -> dict[str, str]:
    return {
        one.select_one("dt").get_text(): one.select_one("dd a").find(string=True)
        for one in page.select(".figures__figure")
    }


def table(page, name: str) -> list[list[str]]:
    rows = page.select(f"#{name} tbody tr")
    return [[" ".join(cell.get_text().split()) for cell in row.select("th, td")] for row in rows]


def test_numbers_on_top_lead_to_the_list(desk_client, two):
    page = desk_client.get(STATISTICS)

    assert figures(page) == {
        "Expected": "2",
        "of them confirmed": "0",
        "Cancelled registrations": "0",
        "Countries and territories": "2",
        "Organisations": "1",
        "Visa letters to prepare": "1",
        "Flights missing": "1",
        "Hotel to book": "1",
        "Flights to check": "1",
        "Possible duplicates": "2",
        "Mail failing": "0",
    }
    for link in page.select(".figures a:not([href^='#'])"):
        listed = desk_client.get(link["href"]).texts(".list__count")[0]
        assert listed.split()[0] == link.find(string=True)


def test_each_plot_has_its_words_and_its_table(desk_client, two):
    page = desk_client.get(STATISTICS)

    assert [section["id"] for section in page.select(".plot")] == PLOTS
    for name in PLOTS:
        image = page.one(f"#{name} img")
        assert image["src"].startswith(f"{STATISTICS}/{name}.svg?v=")
        assert image["alt"]
        assert image["width"]
        assert image["height"]
        assert page.texts(f"#{name} caption") == page.texts(f"#{name} h2")


def test_tables_have_the_counts(desk_client, two):
    page = desk_client.get(STATISTICS)

    assert table(page, "arrival") == [["10 Apr 2017", "2", "2"]]
    assert table(page, "country") == [["France", "1"], ["United Kingdom", "1"]]
    assert table(page, "day") == [["Thursday, 25 May 2017", "2"], ["Friday, 26 May 2017", "1"]]
    assert table(page, "visa")[:2] == [["Not requested", "1"], ["Requested", "1"]]
    assert table(page, "diet")[-1] == ["Not answered", "2"]
    assert page.one("#day img")["alt"] == "Bars: the most are Thursday, 25 May 2017, 2."
    assert page.one("#arrival img")["alt"] == "Line: 2 registrations so far. Deadline: 8 May 2017."


@pytest.mark.parametrize("role", ["reader", "visa", "logistics", "admin"])
def test_diets_are_counted_only_for_those_who_may_read_them(sign_in_as, two, role):
    browser, may = sign_in_as(role), role in ("logistics", "admin")

    page = browser.get(STATISTICS)

    assert [section["id"] for section in page.select(".plot")] == [
        name for name in PLOTS if may or name != "diet"
    ]
    browser.get(f"{STATISTICS}/diet.svg", status=200 if may else 404)


def test_rows_lead_to_those_whom_they_count(desk_client, two, registered):
    gone = registered(country="FR")
    with connection():
        Registration.update(state="cancelled").where(Registration.id == gone.id).execute()

    page = desk_client.get(STATISTICS)

    links = page.select(".plot tbody a")
    assert len(links) > 30
    for link in links:
        number = link.find_parent("tr").select_one("td").get_text()
        assert desk_client.get(link["href"]).texts(".list__count")[0].split()[0] == number


def test_country_beyond_the_largest_is_one_of_the_others(desk_client, registered):
    for code in (
        "AD",
        "AE",
        "AF",
        "AG",
        "AL",
        "AM",
        "AO",
        "AR",
        "AT",
        "AU",
        "AZ",
        "BA",
        "BB",
        "BD",
        "BE",
        "BF",
        "BG",
    ):
        registered(country=code)

    rows = table(desk_client.get(STATISTICS), "country")

    assert len(rows) == 16
    assert rows[-1] == ["Others (2)", "2"]


def test_plots_change_their_address_only_when_their_counts_change(desk_client, two, registered):
    def addresses() -> dict[str, str]:
        page = desk_client.get(STATISTICS)
        return {name: page.one(f"#{name} img")["src"] for name in PLOTS}

    before = addresses()
    again = addresses()
    with connection():
        Registration.update(hotel="own").where(Registration.id == two.id).execute()
    after = addresses()

    assert before == again
    assert {name for name in PLOTS if after[name] != before[name]} == {"hotel"}


def test_fragment_has_the_numbers_alone(desk_client, two):
    page = desk_client.get(STATISTICS, headers=HTMX)

    assert page.select("h1") == []
    assert page.one("#statistics")
    assert "HX-Request-Type" in page.headers["Vary"]
    again = page.one("#again")
    assert (again["hx-get"], again["hx-trigger"], again["hx-target"], again["hx-swap"]) == (
        STATISTICS, "every 60s, click", "#statistics", "outerMorph",
    )  # fmt: skip


def test_empty_list_has_statistics_too(desk_client):
    page = desk_client.get(STATISTICS)

    assert set(figures(page).values()) == {"0"}
    assert page.select("#country img") == []
    assert page.texts("#arrival .list__empty") == ["There are no registrations yet."]
    assert page.one("#day img")["alt"] == "Bars: nothing to count yet."


@pytest.mark.parametrize(("lang", "title"), [("fr", "Statistiques"), ("es", "Estadísticas")])
def test_statistics_are_in_the_language_of_the_organiser(desk_client, two, lang, title):
    assert desk_client.get(f"{STATISTICS}?lang={lang}").texts("h1") == [title]
