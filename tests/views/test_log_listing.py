"""GET /organiser/log: who did what, narrowed down, page by page."""

import ast
import logging
from urllib.parse import parse_qs, urlsplit

import pytest
from support.journey import HTMX, ON_SQLITE, everything, own_page, stored

from config import ROOT
from db import connection
from domain import audit
from models import AuditEntry, Organiser
from views.log import ACTIONS

PAGE = "/organiser/log"
ROWS = "tbody tr"


def entries(page) -> list[list[str]]:
    """What, who and which registration; not when."""
    return [[" ".join(cell.stripped_strings) for cell in row.select("td")[:3]] for row in page.select(ROWS)]


def record(action: str, **given) -> None:
    with connection():
        audit.record(action, **given)


def recorded() -> set[str]:
    """Every action that the code records, those that stand in tables too."""
    found = set()
    for path in (*ROOT.glob("*.py"), *ROOT.glob("domain/*.py"), *ROOT.glob("views/*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "audit.record":
                named = ast.walk(node.args[0])
                found |= {one.value for one in named if isinstance(one, ast.Constant)}
            if (
                isinstance(node, ast.keyword)
                and node.arg == "action"
                and isinstance(node.value, ast.Constant)
            ):
                found |= {node.value.value}
    return found


def test_every_action_has_its_words():
    assert recorded() == set(ACTIONS)


def test_log_tells_who_did_what_to_which_registration_and_when(desk_client, registered):
    row = registered()
    desk_client.get(f"/organiser/registrations/{row.reference}")

    page = desk_client.get(PAGE)

    assert entries(page) == [
        ["Viewed", "cem@example.org", row.reference],
        ["Registration received", "Delegate", row.reference],
        ["Signed in", "cem@example.org", "–"],
    ]
    assert page.select("tbody a")[0]["href"] == f"/organiser/registrations/{row.reference}"
    assert page.texts("tbody time")[0].startswith("10 April 2017, ")
    assert page.texts("[role=status]") == ["3 entries"]
    assert page.texts("title") == ["Log – Organisers"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("action", "details", "words"),
    [
        (
            "registration.changed",
            {"answers": ["function", "days", "needs"]},
            "Changed by the delegate: Function, Which days will you attend?, Diet and accessibility",
        ),
        ("mails.retried", {"mails": 3}, "Mails sent again: 3 mails"),
        ("mail.viewed", {"mail": 7}, "Mail viewed: Mail no. 7"),
        ("late_link.made", {"late_link": 2}, "Late link made: Link no. 2"),
        (
            "announcement.sent",
            {"announcement": 4, "readers": 1},
            "Announcement sent: Announcement no. 4; 1 recipient",
        ),
        (
            "announcement.stopped",
            {"announcement": 4, "mails": 2},
            "Announcement stopped: Announcement no. 4; 2 mails",
        ),
        ("organiser.removed", {"former_organiser": 9}, "Access taken away: Organiser no. 9"),
        (
            "registrations.exported",
            {"has_search": False, "rows": 1},
            "Registrations exported: 1 registration",
        ),
        (
            "registrations.exported",
            {"format": "csv", "columns": ["reference", "state"], "has_search": True, "rows": 12},
            "Registrations exported: CSV; 2 columns; 12 registrations; Found by a search",
        ),
        (
            "registrations.exported",
            {"rows": 3, "filters": {"country": ["FR"], "state": ["confirmed"]}, "negated": ["country"]},
            "Registrations exported: 3 registrations; Country: not France; State: Confirmed",
        ),
    ],
)
def test_details_are_told_in_words(desk_client, action, details, words):
    record(action, **details)

    assert entries(desk_client.get(PAGE))[0][0] == words


@ON_SQLITE
@pytest.mark.parametrize(("role", "told"), [("reader", ""), ("logistics", "; Diet: Vegan")])
def test_export_by_diet_is_told_in_full_to_those_who_may_read_it(sign_in_as, role, told):
    browser = sign_in_as(role)
    record("registrations.exported", rows=1, filters={"diet": ["vegan"]}, negated=[])

    page = browser.get(PAGE)

    assert entries(page)[0][0] == f"Registrations exported: 1 registration{told}"


@ON_SQLITE
def test_consent_that_was_withdrawn_is_named(desk_client):
    record("registration.consent_withdrawn", kind="list")

    assert entries(desk_client.get(PAGE))[0][0] == "Consent withdrawn: List of participants"


@ON_SQLITE
def test_command_is_told_from_a_delegate(desk_client):
    record("registration.link_requested")
    record("mails.retried", mails=1)

    assert [row[1] for row in entries(desk_client.get(PAGE))] == [
        "Command line",
        "Delegate",
        "cem@example.org",
    ]


@ON_SQLITE
def test_log_is_narrowed_down_by_what_stands_in_the_address(desk_client, registered):
    row, other = registered(), registered()
    (cem,) = stored(Organiser)
    desk_client.get(f"/organiser/registrations/{row.reference}")

    def references(query: str) -> list[str]:
        return [entry[2] for entry in entries(desk_client.get(f"{PAGE}?{query}"))]

    assert references(f"who={cem.id}") == [row.reference, "–"]
    assert references("who=0") == [other.reference, row.reference]
    assert references("action=registration.viewed") == [row.reference]
    assert references(f"reference=+{row.reference.lower()}") == [row.reference] * 2
    assert references(f"reference={row.reference.replace('-', '')}&who=0") == [row.reference]
    assert references("since=2017-04-10&until=2017-04-10&who=0") == [other.reference, row.reference]
    assert references("until=2017-04-09") == references("since=2017-04-11") == []


@ON_SQLITE
@pytest.mark.parametrize(
    "query",
    [
        "who=cem",
        "who=-1",
        "who=99999999999",
        "who=%D9%A3",
        "action=nothing",
        "before=x",
        "before=99999999999",
        "since=2017-13-01&until=yesterday",
        "since=9999999-01-01",
        "reference=%00+-",
        "since=0001-01-01&until=9999-12-31",
        "%ff=%ff&action=%ff",
    ],
)
def test_nonsense_in_the_address_counts_for_nothing(desk_client, query):
    assert len(entries(desk_client.get(f"{PAGE}?{query}"))) == 1


@ON_SQLITE
def test_form_shows_what_was_asked(desk_client):
    (cem,) = stored(Organiser)

    page = desk_client.get(
        f"{PAGE}?who={cem.id}&action=mail.viewed&reference=ob17-7kq4-m2&since=2017-04-01&until=2017-04-30"
    )

    assert page.texts("#search option[selected]") == ["cem@example.org", "Mail viewed"]
    assert [page.value(name) for name in ("reference", "since", "until")] == [
        "OB177KQ4M2", "2017-04-01", "2017-04-30",
    ]  # fmt: skip
    assert page.texts(".list__empty") == ["No entry matches."]


@ON_SQLITE
def test_organiser_who_was_removed_is_still_offered_and_named(desk_client, run):
    run("organiser", "add", "bo@example.org", "--role", "reader")
    run("organiser", "remove", "bo@example.org")

    page = desk_client.get(PAGE)

    assert page.texts("#who option") == [
        "All",
        "Nobody of the secretariat",
        "bo@example.org",
        "cem@example.org",
    ]
    assert entries(page)[:2] == [
        ["Access taken away", "bo@example.org", "–"],
        ["Access given", "bo@example.org", "–"],
    ]


def test_pages_hold_a_hundred_entries_and_keep_what_was_asked(desk_client):
    with connection():
        for _ in range(101):
            audit.record("mails.retried", mails=1)

    first = desk_client.get(f"{PAGE}?action=mails.retried&since=2017-04-01")
    last = desk_client.get(first.one("#page-older")["href"])

    assert [len(entries(page)) for page in (first, last)] == [100, 1]
    assert [link["id"] for link in first.select(".pager a")] == ["page-older"]
    (newest,) = last.select(".pager a")
    assert parse_qs(urlsplit(newest["href"]).query) == {"action": ["mails.retried"], "since": ["2017-04-01"]}


@ON_SQLITE
def test_log_of_an_erased_registration_names_nobody(app, desk_client, registered):
    row = registered(email="ada@example.org")
    assert row.reference in desk_client.get(PAGE).text
    desk_client.post(f"{own_page(app, row)}/erasure", {"sure": "y"}, status=303)

    page = desk_client.get(PAGE)

    assert [words for words in ("Lovelace", "ada@", row.reference) if words in page.text] == []
    assert ["Data erased", "Delegate", "Erased"] in entries(page)


def test_looking_at_the_log_leaves_no_trace(desk_client, registered):
    registered()
    before = everything()

    desk_client.get(PAGE)

    assert everything() == before


def test_listing_asks_the_database_as_often_for_a_hundred_as_for_one(desk_client, registered, caplog):
    def queries() -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            desk_client.client.get(PAGE)
        return sum(record.name == "peewee" for record in caplog.records)

    for_one = queries()
    row = registered()
    (cem,) = stored(Organiser)
    with connection():
        AuditEntry.insert_many(
            [{"at": row.created_at, "action": "registration.viewed", "organiser": cem, "registration": row}]
            * 98
        ).execute()

    assert for_one == queries() > 1


@ON_SQLITE
def test_htmx_gets_the_entries_alone(desk_client):
    page = desk_client.get(f"{PAGE}?who=0", headers=HTMX)

    assert [element["id"] for element in page.one("body").find_all(id=True, recursive=False)] == ["log"]
    assert page.one("hx-partial a[lang=fr]")["href"] == f"{PAGE}?who=0&lang=fr"
    assert "HX-Request-Type" in page.response.vary


@ON_SQLITE
@pytest.mark.parametrize(("headers", "status"), [({}, 303), (HTMX, 401)])
def test_log_is_for_organisers(client, desk_client, headers, status):
    assert entries(desk_client.get(PAGE)) != []

    page = type(client)(client.client.application).get(f"{PAGE}?who=0", headers=headers, status=status)

    target = page.headers.get("HX-Redirect") or page.headers["Location"]
    assert parse_qs(urlsplit(target).query) == {"next": [f"{PAGE}?who=0"]}
    assert "cem" not in page.text
