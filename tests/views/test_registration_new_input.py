"""POST /<lang>/registration: whatever may be typed into each field, what is refused of it and what becomes of the rest."""

from io import BytesIO

import pytest
from factories import NEEDS, PASSPORT, typed, typed_with_visa
from support.journey import FORM, ON_SQLITE, as_typed, fresh_key, lists, send, stored
from support.page import Page, check_page
from werkzeug.datastructures import MultiDict

from models import Consent, Mail, Registration

TEXTS = {  # the longest answer to each question that is answered in words
    "given_names": 100,
    "family_name": 100,
    "email": 254,
    "organisation": 200,
    "function": 120,
    "diet_other": 120,
    "access_needs": 500,
    "passport_name": 200,
    "passport_number": 20,
    "visa_post": 120,
}
GROUPS = ("category", "days", "sessions", "interpretation", "diet", "visa_letter")
MISSING = {
    "email": "Enter your e-mail address",
    "organisation": "Enter the name of your organisation",
    "country": "Choose the country or territory of your organisation",
    "function": "Enter your function in the organisation",
    "category": "Choose in what role you come",
    "days": "Choose at least one day",
    "interpretation": "Choose a language, or that you need no interpretation",
    "visa_letter": "Say whether you need a visa letter",
    "passport_name": "Enter your name as it is printed in your passport",
    "nationality": "Choose your nationality",
    "passport_number": "Enter your passport number",
    "passport_expiry": "Enter the date on which your passport expires",
    "visa_post": "Enter the city and country where you will apply, or “on arrival”",
    "consent_visa": "Tick this box: without your consent we cannot prepare the letter",
    "consent_affiliation": "Tick this box: without your consent we cannot register you",
}
ADDRESSES = [
    "ada",
    "ada@",
    "@example.org",
    "ada@example",
    "ada lovelace@example.org",
    "ada@exam ple.org",
    "ada..l@example.org",
    "àda@example.org",
    "ada@example.org, bo@example.org",
    "Ada <ada@example.org>",
    "ada@[127.0.0.1]",
    f"{'a' * 65}@example.org",
]
DAYS = ["2019-02-30", "2019-13-01", "30/06/2019", "2019", "soon", "0000-00-00", "9" * 100_000]
NUMBERS = ["1234", "1-2-3-4", "12E34567!", "АВ123456", "<B>12345</B>"]  # noqa: RUF001 - Cyrillic letters are meant
NO_ADDRESS = "Enter an e-mail address such as name@example.org"
NO_NUMBER = "Enter 5 to 20 letters and digits, as printed in the passport"
NO_DATE = "Enter a date such as 2019-06-30"
NO_CONSENT = "Tick this box so that we may keep these answers, or remove them above"
NO_CHOICE = "Choose one of the answers on offer"
NO_COUNTRY = "Choose a country or territory from the list"
NO_LINK = "Enter a name, without a web address"
INVISIBLE = "Remove the invisible characters; typing the text again usually helps"
EITHER = "Choose either “none of these” or your requirements"


def too_long(name: str) -> str:
    return NO_NUMBER if name == "passport_number" else f"Shorten this to {TEXTS[name]} characters or fewer"


def address_of(length: int) -> str:
    labels = "a" * 63
    return f"ada@{'.'.join([labels] * 4)}.org"[: length - 4] + ".org"


def texts_except(*names: str) -> list[str]:
    return [name for name in TEXTS if name not in names]


REFUSED = [  # the field that is reported, what is typed, and the words beside the field
    *((name, {name: ""}, message) for name, message in MISSING.items()),
    *((name, {name: " \t\n "}, MISSING[name]) for name in TEXTS if name in MISSING),
    *((name, {name: "x" * (TEXTS[name] + 1)}, too_long(name)) for name in texts_except("email")),
    *((name, {name: "x" * 100_000}, too_long(name)) for name in TEXTS),
    ("email", {"email": address_of(255)}, too_long("email")),
    ("given_names", {"given_names": "", "family_name": " "}, "Enter your given names or your family name"),
    *((name, {name: "See https://eve.example"}, NO_LINK) for name in ("given_names", "family_name")),
    *((name, {name: "WWW.eve.example"}, NO_LINK) for name in ("given_names", "family_name")),
    *(("email", {"email": address}, NO_ADDRESS) for address in ADDRESSES),
    ("diet", {"diet": ["vegan", "none"], "consent_needs": "y"}, EITHER),
    ("diet", {"diet": "none", "diet_other": "No nuts", "consent_needs": "y"}, EITHER),
    ("consent_needs", {"diet": "vegan"}, NO_CONSENT),
    ("consent_needs", {"diet_other": "No nuts"}, NO_CONSENT),
    ("consent_needs", {"access_needs": "Step-free route"}, NO_CONSENT),
    *(("passport_number", {"passport_number": number}, NO_NUMBER) for number in NUMBERS),
    *(("passport_expiry", {"passport_expiry": day}, NO_DATE) for day in DAYS),
    ("passport_expiry", {"passport_expiry": "2017-05-25"}, "Your passport must be valid until the conference has ended"),
]


@ON_SQLITE
@pytest.mark.parametrize(("name", "wrong", "message"), REFUSED, ids=[f"{n}-{case[0]}" for n, case in enumerate(REFUSED)])
def test_wrong_answer_is_reported_beside_its_field_and_nothing_is_lost(app, client, name, wrong, message):
    given = {"passport_number": "12E34567", "diet": "vegan", "access_needs": "Aisle", "consent_needs": "y"}
    fields = typed_with_visa(key=fresh_key(app), step="send", **(wrong if "consent_needs" in message else given | wrong))

    page = client.post(FORM, fields, status=422)

    (link,) = page.select("#summary a")
    assert page.texts(".field__error") == page.texts(f"#{name}-error") == [message]
    assert page.texts("#summary a") == [message]
    assert page.one(link["href"])["name"] == name
    assert page.one(".field--invalid")["id"] == f"{name}-field"
    assert as_typed(page) == {name: values for name, values in lists(fields).items() if "".join(values).strip()}
    assert (stored(Registration), stored(Mail)) == ([], [])
