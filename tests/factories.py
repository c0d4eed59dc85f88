"""Registrations and forms for tests: boring, valid, minimal."""

from datetime import date
from itertools import count
from typing import Any

from werkzeug.datastructures import MultiDict

from domain.registration import Answers, Needs, Passport

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
NEEDS = Needs(diet=["vegetarian"], diet_other="", access="Step-free route")
PASSPORT = Passport(
    name="ADA LOVELACE", nationality="GB", number="12E34567", expiry=date(2020, 1, 1), post="Paris, France"
)


def make_answers(**overrides: Any) -> Answers:
    """What ada answers: one day, no needs, no visa letter."""
    given = {
        **ADA,
        "sessions": [],
        "interpretation": "en",
        "needs": None,
        "passport": None,
        "consents": ["affiliation"],
    }
    return Answers(**given | overrides)


def typed(**overrides: Any) -> MultiDict:
    """The same answers as a browser sends them; a field given as None is left out."""
    given = {
        **ADA,
        "interpretation": "en",
        "visa_letter": "no",
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


def next_address() -> str:
    return f"delegate{next(_numbers)}@example.org"
