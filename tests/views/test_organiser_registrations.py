"""GET /organiser/registrations: the list, searched, sorted, page by page."""

import logging
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from factories import typed
from support.journey import HTMX, send, stored

from db import connection
from domain import roster
from models import Mail, Registration

LIST = "/organiser/registrations"


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

    assert page.texts("tbody th, tbody td") == [
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
        "sort-name": {"q": ["example.org"], "sort": ["-name"]},
        "sort-organisation": {"q": ["example.org"], "sort": ["organisation"]},
        "sort-received": {"q": ["example.org"], "sort": ["received"]},
    }
    assert page.one("th[aria-sort]")["aria-sort"] == "ascending"
    assert names(desk_client.get(page.one("#sort-name")["href"])) == ["Zoë", "Ada", "Bo"]
    assert page.value("q") == "example.org"
    assert page.value("sort") == "name"


def test_pages_of_the_list_lead_on_and_back_and_keep_the_search(desk_client, three, monkeypatch):
    monkeypatch.setattr(roster, "PAGE_SIZE", 1)
    first = desk_client.get(f"{LIST}?q=example.org&sort=name")

    second = desk_client.get(first.one("#page-next")["href"])
    third = desk_client.get(second.one("#page-next")["href"])
    back = desk_client.get(third.one("#page-previous")["href"])

    assert [names(page) for page in (first, second, third, back)] == [["Bo"], ["Ada"], ["Zoë"], ["Ada"]]
    assert first.select("#page-first, #page-previous") == third.select("#page-next") == []
    assert {value for page in (first, second, third) for value in page.texts("[role=status]")} == {
        "3 registrations"
    }
    assert names(desk_client.get(third.one("#page-first")["href"])) == ["Bo"]


def test_htmx_gets_the_rows_alone(desk_client, three):
    page = desk_client.get(f"{LIST}?q=unal", headers=HTMX)

    assert [element["id"] for element in page.one("body").find_all(recursive=False)] == ["registrations"]
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
        "lang=xx",
    ],
)
def test_odd_query_still_gets_a_list(desk_client, registered, query):
    registered()

    assert desk_client.get(f"{LIST}?{query}").texts("h1") == ["Registrations"]


def test_query_of_raw_bytes_still_gets_a_page(desk_client):
    odd = {"environ_overrides": {"QUERY_STRING": "q=\xff\xfe"}}

    assert desk_client.client.get(LIST, **odd).status_code < 500


def test_list_asks_the_database_as_often_for_three_as_for_one(desk_client, registered, caplog):
    def queries() -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            desk_client.client.get(LIST)
        return sum(record.name == "peewee" for record in caplog.records)

    registered()
    for_one = queries()
    registered()
    registered()

    assert queries() == for_one > 2
