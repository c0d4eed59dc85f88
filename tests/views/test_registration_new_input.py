"""POST /<lang>/registration: what is typed into each field; what of it is refused, and what becomes of the rest."""

from dataclasses import asdict
from io import BytesIO

import pytest
from factories import PASSPORT, typed, typed_with_visa
from support.journey import FORM, HTMX, ON_SQLITE, as_typed, fresh_key, lists, send, stored
from support.page import Page, check_page

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
]
DAYS = ["2019-02-30", "2019-13-01", "30/06/2019", "2019", "soon", "0000-00-00", "9" * 100_000]
NUMBERS = ["1234", "12E34567!", "АВ123456", "<B>12345</B>"]  # noqa: RUF001 - Cyrillic letters are meant
NO_ADDRESS = "Enter an e-mail address such as name@example.org"
NO_NUMBER = "Enter 5 to 20 letters and digits, as printed in the passport"
NO_DATE = "Enter a date such as 2019-06-30"
NO_CONSENT = "Tick this box so that we may keep these answers, or remove them above"
NO_CHOICE = "Choose one of the answers on offer"
NO_COUNTRY = "Choose a country or territory from the list"
NO_LINK = "Enter a name, without a web address"
INVISIBLE = "Remove the invisible characters; typing the text again usually helps"
EITHER = "Choose either “None of these” or your requirements"


def too_long(name: str) -> str:
    return NO_NUMBER if name == "passport_number" else f"Shorten this to {TEXTS[name]} characters or fewer"


def address_of(length: int) -> str:
    return f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * (length - 248)}"


def texts_except(*names: str) -> list[str]:
    return [name for name in TEXTS if name not in names]


REFUSED = [  # the field that is reported, what is typed, and the words beside the field
    *((name, {name: ""}, message) for name, message in MISSING.items()),
    ("days", {"days": None}, MISSING["days"]),
    *((name, {name: " \t\n "}, MISSING[name]) for name in TEXTS if name in MISSING),
    *((name, {name: "X" * (TEXTS[name] + 1)}, too_long(name)) for name in texts_except("email")),
    *((name, {name: "X" * 100_000}, too_long(name)) for name in TEXTS),
    ("email", {"email": address_of(255)}, too_long("email")),
    ("given_names", {"given_names": "", "family_name": " "}, "Enter your given names or your family name"),
    *((name, {name: "See https://eve.example"}, NO_LINK) for name in ("given_names", "family_name")),
    *((name, {name: "WWW.eve.example"}, NO_LINK) for name in ("given_names", "family_name")),
    *(("email", {"email": address}, NO_ADDRESS) for address in ADDRESSES),
    ("diet", {"diet": ["vegan", "none"]}, EITHER),
    ("diet", {"diet": "none", "diet_other": "No nuts"}, EITHER),
    ("consent_needs", {"diet": "vegan", "consent_needs": None}, NO_CONSENT),
    ("consent_needs", {"diet_other": "No nuts", "consent_needs": None}, NO_CONSENT),
    ("consent_needs", {"access_needs": "Step-free route", "consent_needs": None}, NO_CONSENT),
    *(("passport_number", {"passport_number": number}, NO_NUMBER) for number in NUMBERS),
    *(("passport_expiry", {"passport_expiry": day}, NO_DATE) for day in DAYS),
    (
        "passport_expiry",
        {"passport_expiry": "2017-05-25"},
        "Enter a passport that is valid until the conference has ended",
    ),
]


@ON_SQLITE
@pytest.mark.parametrize(
    ("name", "wrong", "message"), REFUSED, ids=[f"{n}-{case[0]}" for n, case in enumerate(REFUSED)]
)
def test_wrong_answer_is_reported_beside_its_field_and_nothing_is_lost(app, client, name, wrong, message):
    usual = {"passport_number": "12E34567", "consent_needs": "y", "key": fresh_key(app), "step": "send"}
    fields = typed_with_visa(**usual | wrong)

    page = client.post(FORM, fields, status=422, headers=HTMX)

    (link,) = page.select("#summary a")
    assert page.texts(".field__error") == page.texts(f"#{name}-error") == [message]
    assert page.texts("#summary a") == [message]
    assert page.one(link["href"])["name"] == name
    assert page.one(".field--invalid")["id"] == f"{name}-field"
    assert as_typed(page) == {
        name: values for name, values in lists(fields).items() if "".join(values).strip()
    }
    assert (stored(Registration), stored(Mail)) == ([], [])


@ON_SQLITE
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        *((name, "unheard_of", NO_CHOICE) for name in GROUPS),
        ("days", ["2017-05-25", "2017-05-24"], NO_CHOICE),
        *(
            (name, code, NO_COUNTRY)
            for name in ("country", "nationality")
            for code in ("XX", "gb", "EU", "G" * 100_000)
        ),
    ],
)
def test_choice_that_is_not_on_offer_is_refused(app, client, name, value, message):
    fields = typed_with_visa(key=fresh_key(app), step="send", consent_needs="y", **{name: value})

    page = client.post(FORM, fields, status=422, headers=HTMX)

    assert page.texts(f"#{name}-error") == [message]
    assert page.one(page.one("#summary a")["href"])["name"] == name
    assert stored(Registration) == []


@ON_SQLITE
@pytest.mark.parametrize("name", texts_except("email", "passport_number"))
@pytest.mark.parametrize("letter", ["\0", "\a", "\x1b", "\x7f", "\x9f", "\u202e"], ids=ascii)
def test_control_character_is_refused(app, client, name, letter):
    given = {name: f"Ada{letter}Lovelace", "consent_needs": "y"}
    fields = typed_with_visa(key=fresh_key(app), step="send", **given)

    page = Page(client.client.post(FORM, data=fields))  # not checked: no valid page holds what was typed

    assert page.status == 422
    assert page.texts(".field__error") == page.texts(f"#{name}-error") == [INVISIBLE]
    assert stored(Registration) == []


ACCEPTED = [  # what is typed, and what is stored
    ({"given_names": "  Ada \t Augusta  "}, {"given_names": "Ada Augusta"}),
    ({"given_names": "", "family_name": "Sukarno"}, {"given_names": "", "family_name": "Sukarno"}),
    ({"given_names": "Sukarno", "family_name": None}, {"given_names": "Sukarno", "family_name": ""}),
    (
        {"given_names": "A\u0301gnes", "family_name": "Nguye\u0302\u0303n"},
        {"given_names": "Ágnes", "family_name": "Nguyễn"},
    ),
    ({"given_names": "x\u0327\u0301"}, {"given_names": "x\u0327\u0301"}),
    (
        {"given_names": "ᠪᠠᠲᠤ", "family_name": "Бат-Эрдэнэ"},
        {"given_names": "ᠪᠠᠲᠤ", "family_name": "Бат-Эрдэнэ"},
    ),
    (
        {"given_names": "فاطمة", "organisation": "حزب العمل"},
        {"given_names": "فاطمة", "organisation": "حزب العمل"},
    ),
    ({"organisation": "Parti 🌹 “Rosa” & Söhne"}, {"organisation": "Parti 🌹 “Rosa” & Söhne"}),
    ({"organisation": '<b class="x">SPD</b>'}, {"organisation": '<b class="x">SPD</b>'}),
    ({"organisation": "=1+1", "function": "@SUM(A1)"}, {"organisation": "=1+1", "function": "@SUM(A1)"}),
    ({"function": "'; DROP TABLE registration; --"}, {"function": "'; DROP TABLE registration; --"}),
    (
        {"given_names": "ﷺ" * 100, "family_name": "ß" * 100},
        {"given_names": "ﷺ" * 100, "family_name": "ß" * 100},
    ),
    (
        {name: "x" * TEXTS[name] for name in ("organisation", "function")},
        {"organisation": "x" * 200, "function": "x" * 120},
    ),
    ({"email": "ada@exämple.org"}, {"email": "ada@xn--exmple-cua.org"}),
    ({"email": " Ada+pa@Example.ORG "}, {"email": "Ada+pa@example.org"}),
    ({"email": address_of(254)}, {"email": address_of(254)}),
    (
        {"days": ["2017-05-25", "2017-05-26"], "sessions": "asia"},
        {"days": ["2017-05-25", "2017-05-26"], "sessions": ["asia"]},
    ),
    ({"days": ["2017-05-25", "2017-05-25"]}, {"days": ["2017-05-25"]}),
    (
        {"given_names": ["Ada", "Eve"], "category": ["party", "guest"]},
        {"given_names": "Ada", "category": "party"},
    ),
    ({"diet": "none"}, {"needs": None}),
    ({"diet": "vegan", "consent_needs": "y"}, {"needs": {"diet": ["vegan"], "diet_other": "", "access": ""}}),
    (
        {"access_needs": " Ramp \r\nSeat\r\n", "consent_needs": "y"},
        {"needs": {"diet": [], "diet_other": "", "access": "Ramp\nSeat"}},
    ),
    (
        {"state": "confirmed", "reference": "OB17-EVE2-22", "link_version": "9"},
        {"state": "received", "link_version": 1},
    ),
]


@pytest.mark.parametrize(("given", "kept"), ACCEPTED, ids=range(len(ACCEPTED)))
def test_unusual_answer_is_stored(client, given, kept):
    send(client, typed(**given))

    (row,) = stored(Registration)
    assert {name: getattr(row, name) for name in kept} == kept
    assert row.reference != "OB17-EVE2-22"


def test_passport_is_stored_as_it_is_printed(client):
    send(client, typed_with_visa())

    (row,) = stored(Registration)
    assert row.visa_state == "requested"
    assert row.passport == asdict(PASSPORT) | {"expiry": "2020-01-01"}


def test_answers_to_questions_that_were_not_put_are_not_stored(client):
    rubbish = {
        "passport_number": "?!",
        "passport_expiry": "soon",
        "nationality": "XX",
        "passport_name": "x" * 300,
    }

    send(client, typed_with_visa(visa_letter="no", consent_needs="y", **rubbish))

    (row,) = stored(Registration)
    assert (row.visa_state, row.passport, row.needs) == ("none", None, None)
    assert [consent.kind for consent in stored(Consent)] == ["affiliation"]


@ON_SQLITE
@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"given_names": (BytesIO(b"Ada"), "ada.txt")}, "content_type": "multipart/form-data"},
        {"data": b"no parts", "content_type": "multipart/form-data"},
        {"data": b"no parts", "content_type": "multipart/form-data; boundary=x"},
        {"json": {"given_names": 5, "days": {"a": None}}},
        {"json": [1]},
        {"data": b"{", "content_type": "application/json"},
        {"data": b"given_names=Ada", "content_type": "text/plain"},
        {"data": b"given_names=%ff%fe&%ff=1&step=send", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"given_names=%zz&%=%&=&&step=send", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"given_names=\xff\xfe\x00", "content_type": "application/x-www-form-urlencoded"},
        {"data": b"", "content_type": "application/x-www-form-urlencoded; charset=utf-16"},
    ],
    ids=[
        "file",
        "no boundary",
        "no parts",
        "object",
        "list",
        "half",
        "text",
        "not utf-8",
        "percent",
        "bytes",
        "empty",
    ],
)
def test_what_is_no_form_is_refused_with_a_page(client, sent):
    page = Page(client.client.post(FORM, **sent))

    assert page.status in (400, 415, 422)
    check_page(page)
    assert stored(Registration) == []
