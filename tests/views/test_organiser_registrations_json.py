"""GET /organiser/registrations.json: everything that delegates answered, once registration has closed."""

import json
import logging

import pytest
from factories import PASSPORT, SENSITIVE_PARTS
from support.journey import HTMX, ON_SQLITE, own_page, stored

from domain import roster
from models import AuditEntry

LIST = "/organiser/registrations"
FILE = "/organiser/registrations.json"


@pytest.fixture
def three(registered):
    """Zoë, Ada and Bo, in this order; Ada has answered everything."""
    return [
        registered(given_names="Zoë"),
        registered(given_names="Ada", **SENSITIVE_PARTS),
        registered(given_names="Bo", organisation="=1+1\n“王”"),
    ]


@pytest.fixture
def closed_desk(three, after_the_deadline, desk_client):
    return desk_client


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_export_is_closed_until_registration_is(desk_client, registered, headers):
    registered(**SENSITIVE_PARTS)

    page = desk_client.get(FILE, status=403)

    assert page.texts("h1") == ["The export is not open yet"]
    assert PASSPORT.number not in page.text
    assert [entry.action for entry in stored(AuditEntry) if "exported" in entry.action] == []


@pytest.mark.parametrize("chunk", [1, 2, 200])
@pytest.mark.parametrize("query", ["", "sort=organisation", "sort=-name&q=zoe", "q=nobody"])
def test_export_has_the_rows_of_the_list_in_its_order(closed_desk, monkeypatch, query, chunk):
    monkeypatch.setattr(roster, "WHOLE_CHUNK", chunk)
    listed = closed_desk.get(f"{LIST}?{query}").texts(".table__code")

    exported = json.loads(closed_desk.get(f"{FILE}?{query}").data)

    assert [row["reference"] for row in exported] == listed


def test_export_tells_what_the_delegate_is_told(app, closed_desk, three, client):
    """The same as the delegate's own copy, but for the mails, the notes and the forms that came later."""
    own = json.loads(client.post(f"{own_page(app, three[1])}/data.json", {}).data)

    exported = {row["reference"]: row for row in json.loads(closed_desk.get(FILE).data)}

    del own["mails"], own["notes"], own["later_forms"]
    assert own["answers"]["passport"]["number"] == PASSPORT.number
    assert exported[three[1].reference] == own
    assert exported[three[2].reference]["answers"]["organisation"] == "=1+1\n“王”"


@ON_SQLITE
def test_export_is_a_file_by_its_name_and_type(closed_desk):
    page = closed_desk.get(FILE)

    assert page.headers["Content-Type"] == "application/json"
    assert page.headers["Content-Disposition"] == "attachment; filename=registrations.json"
    assert page.headers["Cache-Control"] == "no-store"


@ON_SQLITE
@pytest.mark.parametrize(("query", "has_search", "count"), [("", False, 3), ("?q=zoe", True, 1)])
def test_export_has_a_log_entry_of_its_own_kind(closed_desk, query, has_search, count):
    closed_desk.get(f"{FILE}{query}")

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.organiser_id is not None) == ("registrations.exported_whole", True)
    assert entry.details == {"format": "json", "has_search": has_search, "rows": count}


@ON_SQLITE
def test_export_asks_the_database_as_often_for_three_as_for_one(closed_desk, caplog):
    def queries(query: str) -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            closed_desk.client.get(f"{FILE}?{query}").get_data()
        return sum(record.name == "peewee" for record in caplog.records)

    assert queries("q=zoe") == queries("") > 3


def test_export_names_the_lost_field_keys(closed_desk, lost_keys):
    lost_keys()

    page = closed_desk.get(f"{FILE}?q=ada", status=500)

    assert page.texts("h1") == ["Encrypted answers cannot be read"]
    assert "Content-Disposition" not in page.headers
