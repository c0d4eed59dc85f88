"""GET /organiser/registrations: the list, searched, sorted, page by page."""

import logging
from dataclasses import replace
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from factories import NEEDS, PASSPORT, make_answers, next_address, typed
from support.journey import HTMX, send, stored

from db import connection
from domain import roster
from domain.registration import build
from i18n import country_names
from models import Mail, Registration

LIST = "/organiser/registrations"
CELLS = "tbody tr > :not(.table__tick)"
VEGAN = replace(NEEDS, diet=["vegan"])


@pytest.fixture
def listed(app):
    """Put a number of people on the list: the rows alone, without mail or log entry."""

    def put(number: int) -> None:
        with connection():
            for _ in range(number):
                address = next_address()
                row = build(
                    make_answers(email=address), lang="en", form_key=address, desk=app.extensions["desk"]
                )
                row.save(force_insert=True)

    return put


@pytest.fixture
def three(registered):
    """Zoë, Ada and Bo, who came in this order."""
    people = [("Zoë", "Ünal", "Cooperative"), ("Ada", "Byron", "Alliance"), ("Bo", "Adams", "Bund_100%")]
    for given, family, organisation in people:
        registered(given_names=given, family_name=family, organisation=organisation)


def names(page) -> list[str]:
    return [name.partition(" ")[0] for name in page.texts("tbody th")]


def test_list_shows_what_organisers_look_for(desk_client, registered):
    row = registered(email="ada@example.org")

    page = desk_client.get(LIST)

    assert page.texts(CELLS) == [
        "Ada Lovelace",
        "Labour Party",
        "United Kingdom",
        "ada@example.org",
        "Not requested",
        "Received",
        "10 Apr 2017",
        row.reference,
    ]
    assert page.one("tbody a")["href"] == f"{LIST}/{row.reference}"
    assert page.texts("[role=status]") == ["1 registration"]


def test_empty_list_says_so(desk_client):
    assert desk_client.get(LIST).texts(".list__empty") == ["There are no registrations yet."]
    assert desk_client.get(f"{LIST}?q=eve").texts(".list__empty") == ["No registration matches."]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Bo", "Ada", "Zoë"]),
        ("sort=received", ["Zoë", "Ada", "Bo"]),
        ("sort=name", ["Bo", "Ada", "Zoë"]),
        ("sort=-name", ["Zoë", "Ada", "Bo"]),
        ("sort=organisation", ["Ada", "Bo", "Zoë"]),
        ("sort=-organisation", ["Zoë", "Bo", "Ada"]),
        ("q=unal", ["Zoë"]),
        ("q=ZOE+coop", ["Zoë"]),
        ("q=example.org&sort=name", ["Bo", "Ada", "Zoë"]),
        ("q=%25", ["Bo"]),
        ("q=_", ["Bo"]),
        ("q=eve", []),
    ],
)
def test_list_is_searched_and_sorted(desk_client, three, query, expected):
    page = desk_client.get(f"{LIST}?{query}")

    assert names(page) == expected
    assert page.texts("[role=status]") == [f"{len(expected)} registration{'s' * (len(expected) != 1)}"]


def test_heads_of_the_columns_sort_and_turn_round_and_keep_the_search(desk_client, three):
    page = desk_client.get(f"{LIST}?q=example.org&sort=name")

    targets = {link["id"]: parse_qs(urlsplit(link["href"]).query) for link in page.select("thead a")}
    assert targets == {
        f"sort-{column}": {"q": ["example.org"], "sort": ["-name" if column == "name" else column]}
        for column in roster.USUAL_COLUMNS
    }
    assert page.one("th[aria-sort]")["aria-sort"] == "ascending"
    assert names(desk_client.get(page.one("#sort-name")["href"])) == ["Zoë", "Ada", "Bo"]
    assert page.one("#q")["value"] == "example.org"
    assert page.one("[form=search][name=sort]")["value"] == "name"


def test_pages_of_the_list_lead_on_and_back_and_keep_the_search(desk_client, three, monkeypatch):
    monkeypatch.setattr(roster, "PAGE_SIZE", 1)
    first = desk_client.get(f"{LIST}?q=example.org&sort=name")

    second = desk_client.get(first.one("#page-next")["href"])
    third = desk_client.get(second.one("#page-next")["href"])
    back = desk_client.get(third.one("#page-previous")["href"])

    last = desk_client.get(first.one("#page-last")["href"])
    assert [names(page) for page in (first, second, third, back)] == [["Bo"], ["Ada"], ["Zoë"], ["Ada"]]
    assert names(last) == ["Zoë"]
    assert names(desk_client.get(last.one("#page-previous")["href"])) == ["Ada"]
    assert first.select("#page-first, #page-previous") == third.select("#page-next, #page-last") == []
    assert last.select("#page-next, #page-last") == []
    assert {value for page in (first, second, third) for value in page.texts("[role=status]")} == {
        "3 registrations"
    }
    assert names(desk_client.get(third.one("#page-first")["href"])) == ["Bo"]


def test_htmx_gets_the_rows_alone(desk_client, three):
    page = desk_client.get(f"{LIST}?q=unal", headers=HTMX)

    assert [element["id"] for element in page.one("body").find_all(id=True, recursive=False)] == [
        "registrations"
    ]
    assert names(page) == ["Zoë"]
    assert page.texts("title") == desk_client.get(LIST).texts("title")
    assert "HX-Request-Type" in page.response.vary


def test_reference_is_found_as_it_is_spoken(desk_client, registered):
    row = registered()

    spoken = (row.reference, row.reference.replace("-", "").lower())
    found = [desk_client.get(f"{LIST}?q={quote(text)}").texts(".table__code") for text in spoken]

    assert found == [[row.reference], [row.reference]]


def test_reference_of_a_repeat_leads_to_the_registration(client, desk_client):
    send(client, typed())
    second = send(client, typed(given_names="Ada A."))
    reference = client.get(second.headers["Location"]).texts(".received__reference bdi")[0]

    page = desk_client.get(f"{LIST}?q={reference}")

    assert page.texts(".table__code") == [stored(Registration)[0].reference]


@pytest.mark.parametrize(("q", "hints"), [("OB17-7KQ4-M2", 1), ("OB17-7KQ4", 0), ("ada", 0)])
def test_mistyped_reference_is_pointed_out(desk_client, q, hints):
    assert len(desk_client.get(f"{LIST}?q={q}").texts(".notice")) == hints


def test_failed_mails_are_pointed_out(desk_client, registered):
    registered()
    assert desk_client.get(LIST).texts(".notice") == []

    with connection():
        Mail.update(state="failed").execute()

    assert desk_client.get(LIST).texts(".notice") == [
        "1 mail has failed: its delegate has not been reached. See why, and send again"
    ]


def test_erased_registration_is_not_listed(desk_client, registered):
    registered()
    with connection():
        Registration.update(state="erased").execute()

    assert names(desk_client.get(LIST)) == []


@pytest.mark.parametrize(
    "query",
    [
        "sort=nonsense",
        "sort=-",
        "sort=search",
        "after=unknown",
        "after=x&before=y",
        "q=%00&after=%00&before=%00&sort=%00",
        "q=%ff%fe&%ff=%ff",
        "q=%zz&%=&&",
        "q=%5C%25_%27%22",
        f"q={'x' * 5000}",
        f"q={'+a' * 100}",
        f"q={quote('ﷺ') * 200}",
        "q=a&q=b&sort=name&sort=received",
        "state=erased&state=nonsense&country=ZZ&day=&diet=%00&mail=x&late=no&travel='&not=country&not=nonsense",
        "columns=nonsense,,search,needs&not=state",
        "before=end&after=end",
        "lang=xx",
    ],
)
def test_odd_query_still_gets_a_list(desk_client, registered, query):
    registered()

    assert desk_client.get(f"{LIST}?{query}").texts("h1") == ["Registrations"]


def test_query_of_raw_bytes_still_gets_a_page(desk_client):
    odd = {"environ_overrides": {"QUERY_STRING": "q=\xff\xfe"}}

    assert desk_client.client.get(LIST, **odd).status_code < 500


@pytest.mark.parametrize(
    "query", ["", "?state=received&diet=vegan&not=diet&mail=accepted&not=mail&q=lovelace"]
)
def test_list_asks_the_database_as_often_for_a_hundred_as_for_one(desk_client, listed, caplog, query):
    def queries() -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            page = desk_client.client.get(LIST + query)
        assert page.text.count("<tr id=") >= 1
        return sum(record.name == "peewee" for record in caplog.records)

    counts = []
    for number in (1, 2, 97):
        listed(number)
        counts.append(queries())

    assert counts[0] == counts[1] == counts[2] > 2


# Filters, columns and presets


@pytest.fixture
def two(registered):
    """Ada of France, a vegan, and Bo of Germany."""
    registered(given_names="Ada", country="FR", needs=VEGAN, consents=["affiliation", "needs"])
    registered(given_names="Bo", country="DE")


def test_filters_in_use_stand_above_the_list_and_each_can_be_taken_out(desk_client, two):
    page = desk_client.get(f"{LIST}?q=lovelace&country=FR&country=ES&not=country&state=received&sort=name")

    assert names(page) == ["Bo"]
    assert page.texts(".chip") == [
        "Without this filter: State: Received",
        "Without this filter: Country: not France",
        "Without this filter: Country: not Spain",
    ]
    without = [parse_qs(urlsplit(chip["href"]).query) for chip in page.select(".chip")]
    kept = {"q": ["lovelace"], "sort": ["name"]}
    assert without == [
        kept | {"country": ["FR", "ES"], "not": ["country"]},
        kept | {"country": ["ES"], "not": ["country"], "state": ["received"]},
        kept | {"country": ["FR"], "not": ["country"], "state": ["received"]},
    ]
    cleared = desk_client.get(page.one(".chips__clear")["href"])
    assert names(cleared) == ["Ada", "Bo"]
    assert cleared.select(".chip") == []
    assert cleared.one("#q")["value"] == "lovelace"


def test_last_value_of_a_filter_takes_its_negation_along(desk_client, two):
    page = desk_client.get(f"{LIST}?country=FR&not=country")

    assert parse_qs(urlsplit(page.one(".chip")["href"]).query) == {}


def test_panel_shows_the_filters_in_use(desk_client, two):
    page = desk_client.get(f"{LIST}?country=FR&diet=vegan&not=diet&late=yes")

    assert [option["value"] for option in page.select("#filter-country [selected]")] == ["FR"]
    assert page.checked("diet") == ["vegan"]
    assert page.checked("not") == ["diet"]
    assert page.checked("late") == ["yes"]


def test_forms_of_the_list_keep_what_the_others_asked_for(desk_client, two):
    page = desk_client.get(
        f"{LIST}?q=lovelace&country=FR&country=DE&not=diet&diet=vegan&sort=name&columns=name,diet,country"
    )

    def kept(form: str) -> list[tuple[str, str]]:
        hidden = page.select(f"input[type=hidden][form={form}], #{form} input[type=hidden]")
        return sorted((field["name"], field["value"]) for field in hidden)

    finding = [("country", "DE"), ("country", "FR"), ("diet", "vegan"), ("not", "diet")]
    assert kept("search") == sorted([*finding, ("sort", "name"), ("columns", "name,country")])
    assert kept("filters") == sorted([("q", "lovelace"), ("sort", "name"), ("columns", "name,country")])
    assert kept("columns") == sorted([*finding, ("q", "lovelace"), ("sort", "name")])


@pytest.mark.parametrize(
    ("role", "found"),
    [
        ("reader", ["Ada", "Bo"]),
        ("visa", ["Ada", "Bo"]),
        ("logistics", ["Ada"]),
        ("admin", ["Ada"]),
        ("reader logistics", ["Ada"]),
    ],
)
def test_nobody_finds_by_diet_who_may_not_read_it(sign_in_as, two, role, found):
    browser, may = sign_in_as(role), found == ["Ada"]

    page = browser.get(f"{LIST}?diet=vegan&sort=name")

    assert names(page) == found
    assert page.texts(".chip") == (["Without this filter: Diet: Vegan"] if may else [])
    assert bool(page.select("[name=diet]")) == may


def test_nonsense_in_the_filters_counts_for_nothing(desk_client, two):
    page = desk_client.get(
        f"{LIST}?country=ZZ&country=FR&state=erased&day=2017-01-01&not=state&not=nonsense&colour=red"
    )

    assert names(page) == ["Ada"]
    assert page.texts(".chip") == ["Without this filter: Country: France"]


def test_language_of_the_page_keeps_every_value_of_a_filter(desk_client, two):
    page = desk_client.get(f"{LIST}?country=FR&country=DE&sort=name")

    french = desk_client.get(page.one(".languages__list [lang=fr]")["href"])

    assert names(french) == ["Ada", "Bo"]
    assert french.texts(".chip") == ["Sans ce filtre : Pays : France", "Sans ce filtre : Pays : Allemagne"]


def test_columns_are_chosen_and_the_name_is_always_there(desk_client, two):
    page = desk_client.get(f"{LIST}?columns=travel,country&columns=hotel&sort=name")

    assert page.texts("thead th:not(.table__tick)") == ["Name", "Flights", "Country", "Hotel"]
    assert page.texts("tbody tr:first-child > :not(.table__tick)") == [
        "Ada Lovelace",
        "To be told later",
        "France",
        "Arranges it alone",
    ]
    assert page.checked("columns") == ["country", "travel", "hotel"]
    assert parse_qs(urlsplit(page.one("#sort-hotel")["href"]).query)["columns"] == [
        "name,travel,country,hotel"
    ]


def test_every_column_is_shown_and_sorts(desk_client, two):
    every = ",".join(roster.SORTS)

    page = desk_client.get(f"{LIST}?columns={every}")

    assert [head.a["id"] for head in page.select("thead th:not(.table__tick)")] == [
        f"sort-{column}" for column in roster.SORTS
    ]
    assert len(page.texts("tbody tr:first-child > :not(.table__tick)")) == len(roster.SORTS)
    for column in roster.SORTS:
        assert len(names(desk_client.get(f"{LIST}?columns={every}&sort={column}"))) == 2


def test_presets_lead_to_what_is_to_be_done(desk_client, registered):
    registered(given_names="Ada", passport=PASSPORT, consents=["affiliation", "visa"], travel="none")
    registered(given_names="Bo", hotel="reserve", travel="none")
    registered(given_names="Cem", travel="later")
    registered(given_names="Dan", travel="known")
    registered(given_names="Eve", travel="known", hotel="reserve")
    registered(given_names="Lovelace", family_name="Eve", travel="none")
    with connection():
        cem = Registration.get(Registration.given_names == "Cem")
        Mail.update(state="failed").where(Mail.registration == cem).execute()
        Registration.update(is_late=True).where(Registration.given_names == "Bo").execute()
        eve = Registration.given_names == "Eve"
        Registration.update(is_hotel_booked=True, is_travel_checked=True).where(eve).execute()
    page = desk_client.get(LIST)

    found = {link["id"]: names(desk_client.get(link["href"])) for link in page.select(".presets a")}

    assert found == {
        "preset-visa": ["Ada"],
        "preset-travel": ["Cem"],
        "preset-hotel": ["Bo"],
        "preset-check": ["Dan"],
        "preset-twin": ["Lovelace", "Eve"],
        "preset-mail": ["Cem"],
        "preset-late": ["Bo"],
    }


def test_list_says_what_is_booked_and_checked(desk_client, registered):
    registered(travel="known", hotel="reserve")
    with connection():
        Registration.update(is_hotel_booked=True, is_travel_checked=True).execute()

    page = desk_client.get(f"{LIST}?columns=name,travel,hotel")

    assert page.texts("tbody td")[1:] == ["Known Checked", "To be reserved Booked"]


def test_each_row_has_a_tick_of_its_own_that_belongs_to_the_bulk_action(desk_client, three):
    page = desk_client.get(f"{LIST}?sort=name&state=received")

    ticks = page.select("tbody .table__tick input")
    references = [row.reference for row in stored(Registration)]
    assert sorted(tick["name"] for tick in ticks) == sorted(f"chosen-{one}" for one in references)
    assert {tick["form"] for tick in ticks} == {"batch"}
    assert page.texts("tbody .table__tick label") == ["Bo Adams", "Ada Byron", "Zoë Ünal"]
    kept = {field["name"]: field["value"] for field in page.select("#batch [type=hidden]")}
    assert kept == {"sort": "name", "state": "received"}


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        ("reader", []),
        ("visa", ["letter_in_preparation", "letter_sent", "reminder", "confirmation"]),
        ("logistics", ["hotel_booked", "travel_checked", "reminder", "confirmation"]),
    ],
)
def test_list_offers_the_bulk_actions_of_the_role_alone(sign_in_as, registered, role, kinds):
    registered()

    page = sign_in_as(role).get(LIST)

    assert [option["value"] for option in page.select("#batch-kind option")] == kinds
    assert len(page.select("tbody .table__tick")) == bool(kinds)


def test_what_the_conference_leaves_out_has_no_filter_column_or_preset(
    app, desk_client, registered, monkeypatch
):
    registered()
    left_out = ["visa", "journey", "sessions", "interpretation", "diet"]
    desk = app.extensions["desk"]
    facts = desk.conference.model_copy(update={"leave_out": left_out})
    monkeypatch.setitem(app.extensions, "desk", replace(desk, conference=facts))

    page = desk_client.get(f"{LIST}?visa=sent&columns=visa,travel,country")

    assert {field["value"] for field in page.select("[name=not]")} == {
        "state", "day", "category", "country", "mail", "late", "twin",
    }  # fmt: skip
    assert page.texts("thead th:not(.table__tick)") == ["Name", "Country"]
    assert [link["id"] for link in page.select(".presets a")] == [
        "preset-twin",
        "preset-mail",
        "preset-late",
    ]
    assert [option["value"] for option in page.select("#batch-kind option")] == ["confirmation"]
    assert page.texts(".chip") == []


def test_export_and_announcement_follow_the_filters(two, after_the_deadline, desk_client):
    page = desk_client.get(f"{LIST}?country=FR&q=lovelace&columns=name,travel")

    export = desk_client.get(page.select('a[href*=".csv"]')[0]["href"])
    announcement = desk_client.get(page.one('a[href*="announcements/new"]')["href"])

    assert [name in export.text for name in ("Ada", "Bo")] == [True, False]
    assert announcement.texts("#recipients dd") == [
        "1",
        "Everybody whose registration holds and whom this search finds: lovelace; Country: France",
    ]


def test_announcement_is_not_offered_where_there_are_too_many_filters_to_keep(desk_client, two):
    everywhere = "&".join(f"country={code}" for code in sorted(country_names("en"))[:90])

    page = desk_client.get(f"{LIST}?{everywhere}")

    assert names(page) == ["Bo", "Ada"]
    assert page.select('a[href*="announcements/new"]') == []
    desk_client.get(f"/organiser/announcements/new?{everywhere}", status=400)
