"""Registrations and forms for tests: boring, valid, minimal."""

from datetime import date, time
from itertools import count
from typing import Any

from werkzeug.datastructures import MultiDict

from domain.answers import Answers, Journey, Needs, Passport, Stay

_numbers = count(1)

ADA = {
    "given_names": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.org",
    "organisation": "Labour Party",
    "country": "GB",
    "function": "International Secretary",
    "category": "party",
    "days": ["2017-05-25"],
}
JOURNEY = Journey(
    arrival_date=date(2017, 5, 24), arrival_time=time(6, 10), arrival_flight="OM 302",
    departure_date=date(2017, 5, 27), departure_time=time(8, 45), departure_flight="OM 301", pickup=True,
)  # fmt: skip
STAY = Stay(check_in=date(2017, 5, 24), check_out=date(2017, 5, 27), room="twin", share_with="Bo Example")
NEEDS = Needs(diet=["vegetarian"], diet_other="", access="Step-free route")
PASSPORT = Passport(
    name="ADA LOVELACE", nationality="GB", number="12E34567", expiry=date(2020, 1, 1), post="Paris, France"
)
# Every part that is sensitive, and the consents that two of them need.
SENSITIVE_PARTS = {
    "needs": NEEDS,
    "passport": PASSPORT,
    "travel": "known",
    "journey": JOURNEY,
    "mobile": "+976 99 112233",
    "hotel": "reserve",
    "stay": STAY,
    "consents": ["affiliation", "visa", "needs"],
}


def make_answers(**overrides: Any) -> Answers:
    """What ada answers: one day, no needs, no visa letter."""
    given = {
        **ADA,
        "sessions": [],
        "interpretation": "en",
        "needs": None,
        "passport": None,
        "travel": "later",
        "journey": None,
        "mobile": "",
        "hotel": "own",
        "stay": None,
        "extra": {},
        "consents": ["affiliation"],
    }
    return Answers(**given | overrides)


def typed(**overrides: Any) -> MultiDict:
    """The same answers as a browser sends them; a field given as None is left out."""
    given = {
        **ADA,
        "interpretation": "en",
        "visa_letter": "no",
        "travel": "later",
        "hotel": "own",
        "consent_affiliation": "y",
    }
    fields = MultiDict()
    for name, value in (given | overrides).items():
        if value is not None:
            fields.setlist(name, value if isinstance(value, list) else [value])
    return fields


def typed_with_visa(**overrides: Any) -> MultiDict:
    """The answers of somebody who needs a visa letter."""
    visa = {
        "visa_letter": "yes",
        "passport_name": "ADA LOVELACE",
        "nationality": "GB",
        "passport_number": "12 e34-567",
        "passport_expiry": "2020-01-01",
        "visa_post": "Paris, France",
        "consent_visa": "y",
    }
    return typed(**visa | overrides)


def typed_with_travel(**overrides: Any) -> MultiDict:
    """The answers of somebody who knows their flights and wants a room."""
    travel = {
        "travel": "known",
        "arrival_date": "2017-05-24",
        "arrival_time": "06:10",
        "arrival_flight": "om 302",
        "departure_date": "2017-05-27",
        "departure_time": "08:45",
        "departure_flight": "OM 301",
        "pickup": "y",
        "mobile": "+976 99 112233",
        "hotel": "reserve",
        "check_in": "2017-05-24",
        "check_out": "2017-05-27",
        "room": "twin",
        "share_with": "Bo Example",
    }
    return typed(**travel | overrides)


def next_address() -> str:
    return f"delegate{next(_numbers)}@example.org"
