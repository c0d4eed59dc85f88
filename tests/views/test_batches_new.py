"""GET and POST /organiser/batches/new: what a bulk action would do, with its exact number, and doing it."""

import logging

import pytest
from factories import SENSITIVE_PARTS
from support.journey import ON_SQLITE, everything, stored

from db import connection
from domain import batches
from models import AuditEntry, Batch, Mail, Registration

NEW = "/organiser/batches/new"
LIST = "/organiser/registrations"
KINDS = {
    "letter_in_preparation": {"visa", "admin"},
    "letter_sent": {"visa", "admin"},
    "hotel_booked": {"logistics", "admin"},
    "travel_checked": {"logistics", "admin"},
    "reminder": {"visa", "logistics", "admin"},
    "confirmation": {"visa", "logistics", "admin"},
}


@pytest.fixture
def three(registered) -> list[Registration]:
    """Ada and Cyd who want a room, and Eve who does not."""
    return [
        registered(given_names="Ada", **SENSITIVE_PARTS),
        registered(given_names="Cyd", **SENSITIVE_PARTS),
        registered(given_names="Eve"),
    ]


def address(kind: str, *chosen: Registration, **query: str) -> str:
    parts = [f"kind={kind}", *(f"chosen-{row.reference}=y" for row in chosen)]
    return f"{NEW}?{'&'.join([*parts, *(f'{name}={value}' for name, value in query.items())])}"


def agreed(page) -> dict[str, str]:
    return {field["name"]: field["value"] for field in page.select("main form [type=hidden]")}


def booked() -> list[str]:
    return [row.given_names for row in stored(Registration) if row.is_hotel_booked]


def test_preview_says_exactly_what_would_happen_to_whom(desk_client, three):
    before = everything()

    page = desk_client.get(address("hotel_booked", three[0], three[2], scope="chosen"))

    assert page.texts("h1") == ["Mark hotel rooms as booked"]
    assert page.texts(".batch__number") == ["1 hotel room will be marked as booked."]
    assert "Chosen: 2; left out: 1 (cancelled, no room to be reserved, or booked already)." in page.text
    assert page.texts("#names-title + ul li") == ["Ada Lovelace"]
    assert page.texts("main form button") == ["Mark hotel rooms as booked: 1"]
    assert everything() == before


def test_bulk_action_is_done_to_those_who_were_ticked(desk_client, three):
    path = address("hotel_booked", three[0], three[2], scope="chosen", sort="name")

    answer = desk_client.post(path, agreed(desk_client.get(path)), status=303)

    (batch,) = stored(Batch)
    assert answer.headers["Location"] == f"/organiser/batches/{batch.id}?sort=name"
    assert booked() == ["Ada"]
    assert [entry.action for entry in stored(AuditEntry)][-2:] == ["registration.hotel_marked", "batch.done"]


def test_bulk_action_is_done_to_all_that_match(desk_client, three):
    path = address("hotel_booked", three[2], scope="all", q="cyd", hotel="reserve")

    desk_client.post(path, agreed(desk_client.get(path)), status=303)

    assert booked() == ["Cyd"]


def test_list_leads_to_the_preview_and_the_preview_back_to_the_list(desk_client, three):
    page = desk_client.get(f"{LIST}?hotel=reserve&not=hotel&q=eve&sort=-name&columns=name,hotel")
    kept = "&".join(f"{field['name']}={field['value']}" for field in page.select("#batch [type=hidden]"))

    preview = desk_client.get(f"{page.one('#batch')['action']}?{kept}&kind=confirmation&scope=all")

    assert preview.texts(".batch__number") == ["1 registration will be confirmed."]
    back = desk_client.get(preview.select("main a")[0]["href"])
    assert back.texts("tbody th") == ["Eve Lovelace"]
    assert back.texts("thead th:not(.table__tick)") == ["Name", "Hotel"]
    assert back.select('[aria-sort="descending"] #sort-name')


def test_another_number_by_now_changes_nothing_and_is_said(desk_client, three, registered):
    path = address("hotel_booked", scope="all")
    data = agreed(desk_client.get(path))
    registered(given_names="Zoe", **SENSITIVE_PARTS)

    page = desk_client.post(path, data, status=422)

    assert page.texts("[role=alert]")[0].startswith("Nothing was changed: by now it is another number")
    assert page.texts(".batch__number") == ["3 hotel rooms will be marked as booked."]
    assert booked() == []
    desk_client.post(path, agreed(page), status=303)
    assert booked() == ["Ada", "Cyd", "Zoe"]


@pytest.mark.parametrize("number", ["", "x", "0", "-2", "3", "²"])
def test_made_up_number_changes_nothing(desk_client, three, number):
    path = address("hotel_booked", scope="all")
    data = agreed(desk_client.get(path)) | {"number": number}

    desk_client.post(path, data, status=422)

    assert booked() == []


@pytest.mark.parametrize("kind", ["hotel_booked", "letter_sent", "confirmation"])
def test_second_of_two_clicks_changes_nothing_and_is_answered_like_the_first(desk_client, three, kind):
    path = address(kind, scope="all")
    data = agreed(desk_client.get(path))

    first = desk_client.post(path, data, status=303)
    second = desk_client.post(path, data, status=303)

    assert second.headers["Location"] == first.headers["Location"]
    assert len(stored(Batch)) == 1


def test_bulk_action_on_others_in_another_window_is_no_first_click(desk_client, three, registered):
    zoe = registered(given_names="Zoe", **SENSITIVE_PARTS)
    here = address("hotel_booked", three[0], three[1], scope="chosen")
    there = address("hotel_booked", three[1], zoe, scope="chosen")
    agreed_here, agreed_there = agreed(desk_client.get(here)), agreed(desk_client.get(there))
    desk_client.post(here, agreed_here, status=303)

    page = desk_client.post(there, agreed_there, status=422)

    assert page.texts("[role=alert]")[0].startswith("Nothing was changed: by now it is another number")
    assert booked() == ["Ada", "Cyd"]


def test_what_somebody_else_has_done_is_no_first_click(desk_client, three):
    path = address("hotel_booked", scope="all")
    data = agreed(desk_client.get(path))
    desk_client.post(path, data, status=303)
    with connection():
        Batch.update(organiser=None).execute()

    page = desk_client.post(path, data, status=422)

    assert page.texts(".batch__number") == ["0 hotel rooms will be marked as booked."]
    assert page.select("main form") == []
    assert len(stored(Batch)) == 1


@pytest.mark.parametrize("newest", ["", "x", "9" * 30, "999999999"])
def test_made_up_place_of_a_click_leads_nowhere(desk_client, three, newest):
    path = address("hotel_booked", scope="all")
    data = agreed(desk_client.get(path)) | {"newest": newest}

    desk_client.post(path, data, status=303)
    desk_client.post(path, data, status=422)

    assert len(stored(Batch)) == 1


@pytest.mark.parametrize(
    "query", ["", "&scope=chosen", "&chosen-OB17-2222-22=y", "&chosen-=y", "&scope=all&q=nobody"]
)
def test_nobody_chosen_is_said(desk_client, three, query):
    page = desk_client.get(f"{address('hotel_booked')}{query}")

    assert page.texts("article .notice") == [
        "No registration was chosen. Tick some in the list, or choose all that match."
    ]
    assert page.select("main form") == []


@pytest.mark.parametrize("kind", ["", "nonsense", "state"])
def test_bulk_action_that_there_is_not_is_refused(desk_client, three, kind):
    desk_client.get(address(kind), status=400)
    desk_client.post(address(kind), {}, status=400)


@pytest.mark.parametrize("token", ["", "forged"])
def test_bulk_action_without_the_token_changes_nothing(desk_client, three, token):
    path = address("hotel_booked", scope="all")

    page = desk_client.post(path, {"number": "2", "csrf_token": token}, status=422)

    assert page.texts("[role=alert]") == ["This page had been open for too long. Please send it once more."]
    assert booked() == []


@ON_SQLITE
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ["reader", "visa", "logistics", "admin"])
def test_bulk_action_is_open_to_the_roles_of_what_it_changes(sign_in_as, three, role, kind):
    browser, path = sign_in_as(role), address(kind, scope="all")
    before, may = everything(), role in KINDS[kind]

    page = browser.get(path, status=200 if may else 403)
    data = agreed(page) if may else {"number": "2", "csrf_token": browser.get(LIST).value("csrf_token")}
    browser.post(path, data, status=303 if may else 403)

    assert (everything() != before) == may


@pytest.mark.parametrize(("role", "number"), [("visa", 3), ("logistics", 2)])
def test_diet_chooses_nobody_for_those_who_may_not_read_it(sign_in_as, three, role, number):
    browser = sign_in_as(role)

    page = browser.get(address("confirmation", scope="all", diet="vegetarian"))

    assert page.texts(".batch__number")[0].partition(" ")[0] == str(number)


def test_no_more_than_ten_are_named(desk_client, registered):
    for number in range(12):
        registered(family_name=f"Number {number:02}")

    page = desk_client.get(address("confirmation", scope="all"))

    names = page.texts("#names-title + ul li")
    assert (names[0], len(names), names[-1]) == ("Ada Number 00", 11, "and 2 others")


def test_reminder_says_that_it_cannot_be_undone(desk_client, three):
    path = address("reminder", scope="all")
    page = desk_client.get(path)
    assert "This cannot be undone." in page.text

    desk_client.post(path, agreed(page), status=303)

    assert [mail.registration_id for mail in stored(Mail) if mail.kind == "reminder"] == [three[2].id]


def test_too_many_reminders_are_not_offered(desk_client, three, monkeypatch):
    monkeypatch.setattr(batches, "MOST_MAILS", 0)

    page = desk_client.get(address("reminder", scope="all"))

    assert page.texts("article .notice")[0].startswith("At most 0 reminders are sent at once.")
    assert page.select("main form") == []


@ON_SQLITE
def test_what_the_conference_does_not_ask_is_not_acted_on(app, desk_client, three, monkeypatch):
    from dataclasses import replace

    desk = app.extensions["desk"]
    facts = desk.conference.model_copy(update={"leave_out": ["journey"]})
    monkeypatch.setitem(app.extensions, "desk", replace(desk, conference=facts))

    for kind in ("hotel_booked", "travel_checked", "reminder"):
        desk_client.get(address(kind, scope="all"), status=400)
    desk_client.get(address("letter_sent", scope="all"))


def test_preview_asks_the_database_as_often_for_three_as_for_one(desk_client, registered, caplog):
    def queries(number: int) -> int:
        for _ in range(number):
            registered()
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            assert "will be confirmed" in desk_client.client.get(address("confirmation", scope="all")).text
        return sum(record.name == "peewee" for record in caplog.records)

    assert queries(1) == queries(2) > 3


def test_name_is_not_read_as_markup(desk_client, registered):
    registered(given_names="<b>Ada</b>")

    page = desk_client.get(address("confirmation", scope="all"))

    assert page.texts("#names-title + ul li") == ["<b>Ada</b> Lovelace"]


def test_hidden_page_state_stays_in_the_address(desk_client, three):
    path = address("hotel_booked", scope="all", q="%22%3E%3Cscript%3E")

    page = desk_client.get(path)

    assert page.texts("article .notice")[0].startswith("No registration was chosen")
    with connection():
        assert Batch.select().count() == 0
