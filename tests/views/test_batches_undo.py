"""POST /organiser/batches/<number>/undo: taking a bulk action back."""

import pytest
from factories import SENSITIVE_PARTS
from support.journey import ON_SQLITE, stored

from db import connection
from domain import batches, clock, roster
from models import Batch, Organiser, Registration


@pytest.fixture
def batch(app, registered) -> str:
    """Two rooms that bo marked as booked; the address of the page that says so."""
    for _ in range(2):
        registered(**SENSITIVE_PARTS)
    with connection():
        bo = Organiser.create(email="bo@example.org", password_hash="", created_at=clock.now())
        among = batches.chosen(roster.USUAL, None)
        done = batches.perform("hotel_booked", among, number=2, organiser=bo, desk=app.extensions["desk"])
    return f"/organiser/batches/{done.id}"


def token(page) -> dict[str, str]:
    return {"csrf_token": page.select("[name=csrf_token]")[0]["value"]}


def booked() -> int:
    return sum(row.is_hotel_booked for row in stored(Registration))


def test_bulk_action_is_undone_by_another_organiser_too_and_the_page_says_so(desk_client, batch):
    assert booked() == 2

    answer = desk_client.post(f"{batch}/undo?sort=name", token(desk_client.get(batch)), status=303)

    assert answer.headers["Location"] == f"{batch}?sort=name"
    assert booked() == 0
    page = desk_client.get(batch)
    assert "2 registrations are as they were before." in page.texts("article [role=status]")[0]


def test_second_of_two_clicks_undoes_nothing(desk_client, batch):
    data = token(desk_client.get(batch))
    desk_client.post(f"{batch}/undo", data, status=303)
    with connection():
        Registration.update(is_hotel_booked=True).execute()

    desk_client.post(f"{batch}/undo", data, status=303)

    assert booked() == 2


@ON_SQLITE
@pytest.mark.parametrize(("role", "status"), [("reader", 403), ("visa", 403), ("logistics", 303)])
def test_bulk_action_is_undone_by_the_roles_that_may_do_it(sign_in_as, batch, role, status):
    browser = sign_in_as(role)

    browser.post(f"{batch}/undo", token(browser.get(batch)), status=status)

    assert booked() == (0 if status == 303 else 2)


def test_bulk_action_is_not_undone_without_the_token(desk_client, batch):
    page = desk_client.post(f"{batch}/undo", {}, status=400)

    assert "Nothing was done" in page.text
    assert (booked(), stored(Batch)[0].undone_at) == (2, None)


def test_unknown_bulk_action_is_not_undone(desk_client, batch):
    desk_client.post("/organiser/batches/4711/undo", token(desk_client.get(batch)), status=404)
