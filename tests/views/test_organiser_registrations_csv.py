"""GET /organiser/registrations.csv: the list as a file, once registration has closed."""

import csv
import io

import pytest
from factories import NEEDS, PASSPORT
from support.journey import HTMX, stored

from db import DatabaseOut
from domain import export, roster
from models import AuditEntry

LIST = "/organiser/registrations"
FILE = "/organiser/registrations.csv"
SHOWN = "name,organisation,country,email,visa,state,received,reference"


@pytest.fixture
def three(registered):
    given = {"family_name": "", "needs": NEEDS, "passport": PASSPORT, "sessions": ["asia", "gender"]}
    given["consents"] = ["affiliation", "needs", "visa", "photo"]
    organisations = {"Zoë": "Bund", "=Ada": "Alliance", "Bo": '"C", Ltd;\n'}
    return [registered(given_names=name, organisation=text, **given) for name, text in organisations.items()]


@pytest.fixture
def closed_desk(three, after_the_deadline, desk_client):
    """cem signs in after the deadline: an earlier sign-in would have run out by then."""
    return desk_client


def rows(page, separator=",") -> list[dict[str, str]]:
    text = page.data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=separator))


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_export_is_closed_until_registration_is(desk_client, registered, headers):
    registered()

    page = desk_client.get(FILE, status=403)

    assert page.texts("h1") == ["The export is not open yet"]
    assert "9 May 2017, 12:00 UTC" in page.texts(".prose__lede")[0]
    assert "ada@" not in page.text
    assert "registrations.exported" not in [entry.action for entry in stored(AuditEntry)]


def test_list_names_the_opening_and_then_links_the_export(desk_client):
    page = desk_client.get(LIST)

    assert "9 May 2017, 12:00 UTC" in page.texts(".list__export")[0]
    assert page.select(".list__export a") == []


def test_list_links_the_export_of_what_it_shows(closed_desk):
    page = closed_desk.get(f"{LIST}?q=example&sort=name")

    links = [link["href"] for link in page.select(".list__export a")]
    assert links == [
        f"{FILE}?q=example&sort=name",
        f"{FILE}?sep=;&q=example&sort=name",
        f"{LIST}.xlsx?q=example&sort=name",
        f"{LIST}.json?q=example&sort=name",
        f"{FILE}?columns={SHOWN}&q=example&sort=name",
        f"{FILE}?columns={SHOWN}&sep=;&q=example&sort=name",
        f"{LIST}.xlsx?columns={SHOWN}&q=example&sort=name",
    ]
    assert [len(rows(closed_desk.get(link), sep)) for link, sep in zip(links, ",;", strict=False)] == [3, 3]


def test_export_is_a_file_that_spreadsheets_read(closed_desk):
    page = closed_desk.get(FILE)

    assert page.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert page.headers["Content-Disposition"] == "attachment; filename=registrations.csv"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.data.startswith(b'\xef\xbb\xbf"reference","state",')
    assert page.data.count(b"\r\n") == page.data.count(b"\n") == 4


def test_export_holds_every_answer_but_the_sensitive_ones(closed_desk, three):
    (line,) = rows(closed_desk.get(f"{FILE}?q=bund"))

    assert line == {
        "reference": three[0].reference,
        "state": "received",
        "language": "en",
        "received_at": three[0].created_at.isoformat(timespec="seconds"),
        "changed_at": three[0].updated_at.isoformat(timespec="seconds"),
        "given_names": "Zoë",
        "family_name": "",
        "email": three[0].email,
        "organisation": "Bund",
        "country": "GB",
        "function": "International Secretary",
        "category": "party",
        "days": "2017-05-25",
        "sessions": "asia gender",
        "interpretation": "en",
        "visa_letter": "requested",
        "travel": "later",
        "hotel": "own",
        "travel_checked": "no",
        "hotel_booked": "no",
        "late": "no",
        "consent_list": "no",
        "consent_photo": "yes",
    }


@pytest.mark.parametrize(("separator", "chunk"), [(",", 1), (";", 2), (",", 2000)])
@pytest.mark.parametrize(
    "query", ["", "sort=organisation", "sort=-name&q=bo", "q=nobody", "sort=x&q=%00&after=x"]
)
def test_export_has_the_rows_of_the_list_in_its_order(closed_desk, monkeypatch, query, separator, chunk):
    monkeypatch.setattr(roster, "CHUNK", chunk)
    listed = closed_desk.get(f"{LIST}?{query}").texts(".table__code")

    exported = rows(closed_desk.get(f"{FILE}?{query}&sep={separator}"), separator)

    assert [line["reference"] for line in exported] == listed


def test_export_defuses_formulas_and_joins_lines(closed_desk, three):
    lines = {line["reference"]: line for line in rows(closed_desk.get(FILE))}

    assert [lines[row.reference]["given_names"] for row in three] == ["Zoë", "'=Ada", "Bo"]
    assert lines[three[2].reference]["organisation"] == '"C", Ltd;'


def test_export_holds_nothing_sensitive(closed_desk):
    text = closed_desk.get(FILE).data.decode()

    for words in (PASSPORT.number, PASSPORT.name, PASSPORT.post, "vegetarian", NEEDS.access):
        assert words not in text


@pytest.mark.parametrize(("query", "details"), [("", [False, 3]), ("?q=bund", [True, 1])])
def test_export_is_logged_with_its_number_of_rows(closed_desk, query, details):
    closed_desk.get(f"{FILE}{query}")

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.organiser_id is not None) == ("registrations.exported", True)
    assert entry.details == {
        "format": "csv",
        "columns": list(export.COLUMNS),
        "has_search": details[0],
        "rows": details[1],
    }


def test_export_of_a_filtered_list_is_logged_with_its_filters(closed_desk):
    closed_desk.get(f"{FILE}?country=FR&country=DE&not=country")

    details = stored(AuditEntry)[-1].details
    assert details["filters"] == {"country": ["FR", "DE"]}
    assert details["negated"] == ["country"]


def test_export_of_the_columns_shown_has_them_alone_and_is_logged_with_them(closed_desk):
    (line,) = rows(closed_desk.get(f"{FILE}?columns=country,visa,nonsense&q=bund"))

    assert line == {"given_names": "Zoë", "family_name": "", "country": "GB", "visa_letter": "requested"}
    assert stored(AuditEntry)[-1].details["columns"] == list(line)


@pytest.mark.parametrize("separator", ["x", "%00", "tab", ";;", "%0D"])
def test_other_separators_are_refused(closed_desk, separator):
    closed_desk.get(f"{FILE}?sep={separator}", status=400)


@pytest.mark.parametrize(("role", "number"), [("reader", 3), ("visa", 3), ("logistics", 0), ("admin", 0)])
def test_export_tells_nobody_who_may_not_read_them_who_keeps_which_diet(
    three, after_the_deadline, sign_in_as, role, number
):
    page = sign_in_as(role).get(f"{FILE}?diet=vegetarian&diet=none&not=diet")

    assert len(rows(page)) == number


@pytest.mark.parametrize("kind", export.FORMATS)
def test_export_says_so_when_the_database_is_out_before_it_begins(closed_desk, monkeypatch, kind):
    def out(*given, **named):
        raise DatabaseOut

    monkeypatch.setattr(roster, "ids_of", out)

    page = closed_desk.get(f"{LIST}.{kind}", status=503)

    assert page.texts("h1") == ["The service is unavailable for a moment"]
    assert "Content-Disposition" not in page.headers
