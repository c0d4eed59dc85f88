"""GET /organiser/batches/<number>: what a bulk action did, and whether it can still be undone."""

from datetime import timedelta

import pytest
from support.journey import ON_SQLITE

from db import connection
from domain import clock
from models import Batch, Organiser

UNDO = "main article form"


@pytest.fixture
def batch(app):
    """Put a bulk action into the database, with columns of one's choice."""

    def put(**columns) -> str:
        with connection():
            cem = Organiser.get_or_none() or Organiser.create(
                email="bo@example.org", password_hash="", created_at=clock.now()
            )
            usual = {"kind": "letter_sent", "changed": {"requested": [1, 2], "in_preparation": [3]}}
            usual |= {"organiser": cem, "created_at": clock.now()}
            return f"/organiser/batches/{Batch.create(**usual | columns).id}"

    return put


def test_page_says_what_was_done_when_and_by_whom(desk_client, batch):
    page = desk_client.get(batch())

    assert page.texts("h1") == ["Mark letters as sent"]
    assert page.texts("article [role=status]") == ["3 letters were marked as sent."]
    assert page.texts("dd")[1] == "cem@example.org"
    assert page.texts(f"{UNDO} button") == ["Undo"]


def test_way_back_leads_to_the_list_as_it_was(desk_client, batch):
    page = desk_client.get(f"{batch()}?visa=requested&sort=name&nonsense=1")

    assert page.select("article a")[0]["href"] == "/organiser/registrations?sort=name&visa=requested"


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"kind": "reminder", "changed": {"later": [1]}},
            "Mails that have been written cannot be taken back.",
        ),
        ({"created_at": timedelta(days=-1)}, "It can no longer be undone: more than a day has passed."),
        (
            {"undone_at": timedelta(), "put_back": 2},
            "2 registrations are as they were before. 1 had changed since",
        ),
        ({"undone_at": timedelta(), "put_back": 3}, "3 registrations are as they were before."),
    ],
)
def test_page_says_why_it_cannot_be_undone(desk_client, batch, columns, words):
    columns = {
        name: clock.now() + value if isinstance(value, timedelta) else value
        for name, value in columns.items()
    }

    page = desk_client.get(batch(**columns))

    assert words in page.text
    assert page.select(UNDO) == []


@ON_SQLITE
@pytest.mark.parametrize(("role", "offered"), [("reader", False), ("logistics", False), ("visa", True)])
def test_undoing_is_offered_to_the_roles_that_may(sign_in_as, batch, role, offered):
    page = sign_in_as(role).get(batch())

    assert bool(page.select(UNDO)) == offered
    assert ("Your role does not let you undo this." in page.text) != offered


def test_bulk_action_of_somebody_whose_row_is_gone_is_shown(desk_client, batch):
    assert desk_client.get(batch(organiser=None)).texts("dd")[1] == "–"


@pytest.mark.parametrize("number", ["0", "4711", "2147483648", "x"])
def test_unknown_bulk_action_is_not_found(desk_client, number):
    desk_client.get(f"/organiser/batches/{number}", status=404)


def test_log_leads_to_it(desk_client, registered):
    registered()
    path = "/organiser/batches/new?kind=confirmation&scope=all"
    page = desk_client.get(path)
    data = {field["name"]: field["value"] for field in page.select("main form [type=hidden]")}
    done = desk_client.post(path, data, status=303).headers["Location"]

    log = desk_client.get("/organiser/log")

    assert log.texts("tbody td:first-child")[0] == (
        "Bulk action: Confirm registrations; 1 registration Show or undo"
    )
    assert log.select("tbody td:first-child a")[0]["href"] == done
