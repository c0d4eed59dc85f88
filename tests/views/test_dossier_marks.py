"""POST /organiser/registrations/<reference>/marks: a state that organisers set, each by the role that it belongs to."""

import pytest
from factories import SENSITIVE_PARTS
from support.journey import HTMX, ON_SQLITE, again, everything, stored

from db import connection
from models import AuditEntry, Registration

VALUES = {"visa": "sent", "booked": "yes", "checked": "yes"}
MAY = {
    "reader": [],
    "visa": ["visa"],
    "logistics": ["booked", "checked"],
    "admin": list(VALUES),
}


@pytest.fixture
def row(registered) -> Registration:
    return registered(**SENSITIVE_PARTS)


@pytest.fixture
def path(row) -> str:
    return f"/organiser/registrations/{row.reference}"


def given(page, name: str, value: str) -> dict[str, str]:
    token = page.select("[name=csrf_token]")[0]["value"]
    shown = page.select(f"#mark-{name} [selected]")
    former = shown[0]["value"] if shown else ""  # not every role is offered it
    return {"csrf_token": token, "mark": name, "value": value, "former": former, "sequence": "0"}


def state(row: Registration) -> tuple[str, bool, bool]:
    row = again(row)
    return row.visa_state, row.is_hotel_booked, row.is_travel_checked


def test_mark_is_stored_and_the_page_says_so(desk_client, row, path):
    answer = desk_client.post(
        f"{path}/marks", given(desk_client.get(path), "visa", "in_preparation"), status=303
    )

    page = desk_client.get(answer.headers["Location"])
    assert answer.headers["Location"] == f"{path}?done=mark#handling"
    assert state(row) == ("in_preparation", False, False)
    assert page.texts("#handling [role=status]") == ["The mark is stored."]
    assert page.select("#mark-visa [selected]")[0]["value"] == "in_preparation"
    told = [entry.partition("UTC ")[2] for entry in page.texts("#history-title + ul li")]
    assert "Visa letter marked: Requested → In preparation – cem@example.org" in told


def test_htmx_gets_the_section_as_it_is_now(desk_client, row, path):
    data = given(desk_client.get(path), "booked", "yes")

    page = desk_client.post(f"{path}/marks", data, headers=HTMX)

    assert page.select("h1") == []
    assert page.one("#handling")
    assert page.texts("#handling [role=status]") == ["The mark is stored."]
    assert "Hotel marked: Not booked yet → Booked" in page.texts("#history-title + ul li")[0]
    assert state(row) == ("requested", True, False)


@ON_SQLITE
@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("role", MAY)
def test_each_role_sets_its_own_marks_and_no_others(sign_in_as, row, path, role, name):
    browser = sign_in_as(role)
    before = state(row)

    browser.post(
        f"{path}/marks",
        given(browser.get(path), name, VALUES[name]),
        status=303 if name in MAY[role] else 403,
    )

    assert (state(row) != before) == (name in MAY[role])


def test_mark_on_what_has_changed_since_is_refused_and_the_page_shows_it_as_it_is(desk_client, row, path):
    data = given(desk_client.get(path), "booked", "yes")
    with connection():
        Registration.update(sequence=1, is_travel_checked=True).execute()

    for headers in ({}, HTMX):
        page = desk_client.post(f"{path}/marks", data, status=409, headers=headers)

        assert page.texts("[role=alert]")[0].startswith("This registration has changed in the meantime")
        assert page.select("[name=sequence]")[0]["value"] == "1"
        assert page.select("#mark-checked [selected]")[0]["value"] == "yes"
    assert state(row) == ("requested", False, True)


def test_mark_that_another_organiser_has_set_otherwise_meanwhile_stays(desk_client, row, path):
    page = desk_client.get(path)
    desk_client.post(f"{path}/marks", given(page, "visa", "sent"), status=303)

    shown = desk_client.post(f"{path}/marks", given(page, "visa", "in_preparation"), status=409)

    assert shown.select("#mark-visa [selected]")[0]["value"] == "sent"
    assert shown.select("#mark-visa")[0].find_previous_sibling("input", {"name": "former"})["value"] == "sent"
    assert state(row) == ("sent", False, False)


def test_second_of_two_clicks_is_answered_like_the_first(desk_client, row, path):
    data = given(desk_client.get(path), "visa", "sent")

    for _ in range(2):
        desk_client.post(f"{path}/marks", data, status=303)

    assert state(row) == ("sent", False, False)


@pytest.mark.parametrize(
    "changes", [{"mark": "state"}, {"mark": ""}, {"value": "perhaps"}, {"value": ""}, {"value": "none"}]
)
def test_mark_that_there_is_not_is_refused(desk_client, row, path, changes):
    data = given(desk_client.get(path), "visa", "sent") | changes
    before = everything()

    desk_client.post(f"{path}/marks", data, status=400)

    assert everything() == before


@pytest.mark.parametrize("sequence", ["", "x", "-1", "²", "9" * 30])
def test_mark_with_a_sequence_that_is_none_is_refused(desk_client, row, path, sequence):
    data = given(desk_client.get(path), "visa", "sent") | {"sequence": sequence}

    desk_client.post(f"{path}/marks", data, status=409)

    assert state(row) == ("requested", False, False)


@pytest.mark.parametrize("token", ["", "forged"])
def test_mark_without_the_token_is_not_stored(desk_client, row, path, token):
    data = given(desk_client.get(path), "visa", "sent") | {"csrf_token": token}

    page = desk_client.post(f"{path}/marks", data, status=422)

    assert page.texts("[role=alert]") == ["This page had been open for too long. Please send it once more."]
    assert state(row) == ("requested", False, False)
    assert "registration.visa_marked" not in [entry.action for entry in stored(AuditEntry)]


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_mark_without_the_token_comes_back_as_it_was_chosen_and_seen(desk_client, row, path, headers):
    old = given(desk_client.get(path), "visa", "sent") | {"csrf_token": ""}
    with connection():
        Registration.update(visa_state="in_preparation").execute()

    page = desk_client.post(f"{path}/marks", old, status=422, headers=headers)

    assert page.select("#mark-visa [selected]")[0]["value"] == "sent"
    form = {field["name"]: field["value"] for field in page.select("form:has(#mark-visa) [type=hidden]")}
    assert (form["former"], form["sequence"]) == ("requested", "0")
    desk_client.post(f"{path}/marks", form | {"value": "sent"}, status=409)
    with connection():
        Registration.update(visa_state="requested").execute()
    desk_client.post(f"{path}/marks", form | {"value": "sent"}, status=303)
    assert state(row)[0] == "sent"


def test_mark_of_an_unknown_registration_is_not_found(desk_client, path):
    data = given(desk_client.get(path), "visa", "sent")

    desk_client.post("/organiser/registrations/OB17-2222-22/marks", data, status=404)


def test_cancelled_registration_offers_no_marks(desk_client, path):
    with connection():
        Registration.update(state="cancelled").execute()

    page = desk_client.get(path)

    assert page.select("#marks-title") == []
    desk_client.post(f"{path}/marks", given(page, "booked", "yes"), status=409)
