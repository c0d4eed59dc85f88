"""GET and POST /<lang>/r/<token>/data.json: everything that is stored; the passport number in full only by a button."""

import json

import pytest
from conftest import CLOSED_DAY
from factories import JOURNEY, NEEDS, PASSPORT, SENSITIVE_PARTS, STAY
from support.journey import again, amend, own_page, stored

from domain import clock
from domain.answers import plain
from models import AuditEntry, Registration


@pytest.fixture
def row(registered) -> Registration:
    return registered(
        email="ada@example.org",
        **SENSITIVE_PARTS,
    )


@pytest.fixture
def path(app, row) -> str:
    return f"{own_page(app, row)}/data.json"


def test_data_hold_everything_that_is_stored(app, client, row, path):
    amend(client, path.replace("data.json", "edit"), {"email": "ada@new.example"})

    data = json.loads(client.get(path).text)

    assert data.pop("answers") == {
        "given_names": "Ada",
        "family_name": "Lovelace",
        "email": "ada@example.org",
        "organisation": "Labour Party",
        "country": "GB",
        "function": "International Secretary",
        "category": "party",
        "days": ["2017-05-25"],
        "sessions": [],
        "interpretation": "en",
        "needs": plain(NEEDS),
        "passport": plain(PASSPORT) | {"number": "••••567"},
        "travel": "known",
        "journey": plain(JOURNEY),
        "mobile": "+976 99 112233",
        "hotel": "reserve",
        "stay": plain(STAY),
        "extra": {},
    }
    consents, mails = data.pop("consents"), data.pop("mails")
    assert [(one["kind"], one["version"], one["language"], one["withdrawn_at"]) for one in consents] == [
        (kind, "2017-04-05", "en", None) for kind in ("affiliation", "visa", "needs")
    ]
    assert {mail["kind"] for mail in mails} == {"confirmation", "changed"}
    after = again(row)
    assert data == {
        "reference": row.reference,
        "state": "confirmed",
        "language": "en",
        "visa_letter": "requested",
        "hotel_booked": False,
        "travel_checked": False,
        "received_at": after.created_at.isoformat(),
        "changed_at": after.updated_at.isoformat(),
        "confirmed_at": after.confirmed_at.isoformat(),
        "cancelled_at": None,
        "cancel_reason": None,
        "pending_email": "ada@new.example",
        "late": False,
        "later_forms": [],
        "notes": [],
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_data_are_a_file_to_keep(client, path, method):
    page = client.open(path, method=method, data={}, status=200)

    assert page.headers["Content-Type"] == "application/json"
    assert page.headers["Content-Disposition"] == "attachment; filename=registration.json"
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("day", [None, CLOSED_DAY], ids=["before the deadline", "after it"])
def test_passport_number_is_given_in_full_by_the_button_and_that_is_logged(client, path, day):
    if day:
        clock.rehearse(day)
    shown = client.get(path)
    assert "registration.downloaded" not in [entry.action for entry in stored(AuditEntry)]

    downloaded = client.post(path, {})

    assert PASSPORT.number not in shown.text
    assert json.loads(downloaded.text)["answers"]["passport"] == plain(PASSPORT)
    assert [entry.action for entry in stored(AuditEntry)][-1] == "registration.downloaded"


def test_data_hold_nothing_with_which_somebody_else_could_open_a_page(client, row, path):
    text = client.post(path, {}).text

    for secret in (row.public_id, row.form_key, path.split("/")[3]):
        assert secret not in text


def test_data_of_somebody_without_a_passport_say_so(app, client, registered):
    page = client.get(f"{own_page(app, registered())}/data.json")

    assert json.loads(page.text)["answers"]["passport"] is None


def test_data_of_a_cancelled_registration_hold_the_reason(client, row, path):
    client.post(path.replace("data.json", "cancellation"), {"reason": "Ill"}, status=303)

    data = json.loads(client.get(path).text)

    assert (data["state"], data["cancel_reason"], data["answers"]["passport"]) == ("cancelled", "Ill", None)
