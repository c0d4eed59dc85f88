"""POST /<lang>/registration/fields/<name>: one field, checked in the light of the others."""

import pytest
from factories import typed, typed_with_travel, typed_with_visa
from support.journey import FORM, HTMX, ON_SQLITE, stored

from forms import RegistrationForm
from models import Registration

pytestmark = ON_SQLITE

FIELDS = f"{FORM}/fields"
NAMES = [
    name
    for section in RegistrationForm.SECTIONS.values()
    for name in RegistrationForm.with_follow_ups(section)
]
OPENED = {"visa_letter": "yes", "travel": "known", "pickup": "y", "hotel": "reserve", "room": "twin"}
RIGHT = dict(typed_with_visa().items()) | dict(typed_with_travel(visa_letter="yes").items())
WRONG = {
    "given_names": "www.eve.example",
    "family_name": "a" * 101,
    "email": "ada at example",
    "organisation": "a" * 201,
    "country": "XX",
    "function": "a" * 121,
    "category": "unheard_of",
    "days": "2017-05-24",
    "sessions": "unheard_of",
    "interpretation": "de",
    "diet": ["vegan", "none"],
    "diet_other": "a" * 121,
    "access_needs": "a" * 501,
    "consent_needs": "y",
    "passport_name": "a" * 201,
    "nationality": "XX",
    "passport_number": "12",
    "passport_expiry": "2017-02-30",
    "visa_post": "a" * 121,
    "arrival_date": "2017-02-30",
    "arrival_time": "25:00",
    "arrival_flight": "a" * 11,
    "departure_date": "soon",
    "departure_time": "25:00",
    "departure_flight": "a" * 11,
    "mobile": "06 12 34 56 78",
    "check_in": "soon",
    "check_out": "soon",
    "share_with": "a" * 101,
}


def only_field(client, name, fields):
    """The one root of the answer."""
    fragment = client.post(f"{FIELDS}/{name}", fields, headers=HTMX)
    (root,) = fragment.one("body").find_all(recursive=False)
    return root


@pytest.mark.parametrize(
    ("fields", "step", "status"),
    [(typed(**RIGHT), "edit", 200), (typed(**RIGHT | WRONG), "check", 422)],
    ids=["right", "wrong"],
)
def test_field_is_the_same_as_on_the_whole_page(client, fields, step, status):
    page = client.post(FORM, fields | {"step": step}, status=status)
    on_page = {name: str(page.one(f"#{name}-field")) for name in NAMES}

    alone = {name: str(only_field(client, name, fields)) for name in NAMES}

    assert alone == on_page


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answer_is_reported_at_once(client, name):
    root = only_field(client, name, typed(**RIGHT | WRONG))

    assert ("field--invalid" in root["class"]) == (name != "consent_needs")


@pytest.mark.parametrize("name", NAMES)
def test_empty_field_is_not_scolded(client, name):
    opened = {parent: value for parent, value in OPENED.items() if parent != name}

    assert "field--invalid" not in only_field(client, name, opened)["class"]


@pytest.mark.parametrize(
    ("name", "fields", "error"),
    [
        ("given_names", {"given_names": "", "family_name": "Sukarno"}, ""),
        ("passport_number", {"passport_number": "12", "visa_letter": "no"}, ""),
        (
            "passport_number",
            {"passport_number": "12", "visa_letter": "yes"},
            "Enter 5 to 20 letters and digits, as printed in the passport",
        ),
    ],
)
def test_field_is_checked_in_the_light_of_the_others(client, name, fields, error):
    assert only_field(client, name, fields).select_one(".field__error").get_text() == error


@pytest.mark.parametrize("name", ["unheard_of", "key", "csrf_token", "data", "%00", "__class__"])
def test_unknown_field_is_not_found(client, name):
    client.post(f"{FIELDS}/{name}", typed(), status=404)


def test_checking_a_field_stores_nothing_and_sets_no_cookie(client):
    page = client.post(f"{FIELDS}/email", typed(step="send"), headers=HTMX)

    assert stored(Registration) == []
    assert "Set-Cookie" not in page.headers
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("given", "family", "offered"),
    [("Ada", "Lovelace", ["Ada Lovelace"]), ("Pelé", "", ["Pelé"]), ("", "", [])],
)
def test_passport_name_is_offered_from_the_two_names(client, given, family, offered):
    fields = typed_with_visa(given_names=given, family_name=family, passport_name="")

    page = client.post(f"{FIELDS}/passport_name", fields, headers=HTMX)

    assert [option["value"] for option in page.select("datalist#passport_name-offer option")] == offered
    assert page.one("#passport_name").get("list") == ("passport_name-offer" if offered else None)
    assert page.value("passport_name") == ""
