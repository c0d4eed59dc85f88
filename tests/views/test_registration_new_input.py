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
NONCHARACTERS = ["\ufdd0", "\ufdef", "\ufffe", "\uffff", "\U0001fffe", "\U0010ffff"]
INVISIBLE = "Remove the invisible characters; typing the text again usually helps"
TOO_EARLY = "Enter a passport that is valid until the conference has ended"
EITHER = "Choose either “None of these” or your requirements"


def address_of(length: int) -> str:
    return f"{'a' * 64}@{'b' * 60}.{'c' * 60}.{'d' * 60}.{'e' * (length - 248)}"


def without(fields: dict[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in fields.items() if name not in names}


NAMED = without(dict.fromkeys(TEXTS), "email", "passport_number")
TOO_LONG = {name: f"Shorten this to {most} characters or fewer" for name, most in TEXTS.items()}
TOO_LONG["passport_number"] = NO_NUMBER
EMPTY = without(MISSING, "visa_letter")
BLANK = {name: words for name, words in MISSING.items() if name in TEXTS}
REFUSED = [  # what is typed, and the words beside each field that is reported
    (dict.fromkeys(EMPTY, ""), EMPTY),
    (dict.fromkeys(GROUPS), {name: words for name, words in MISSING.items() if name in GROUPS}),
    (dict.fromkeys(BLANK, " \t\n "), BLANK),
    ({name: "X" * (most + 1) for name, most in TEXTS.items()} | {"email": address_of(255)}, TOO_LONG),
    (dict.fromkeys(TEXTS, "X" * 100_000), TOO_LONG),
    ({"given_names": "", "family_name": " "}, {"given_names": "Enter your given names or your family name"}),
    *(({name: "See https://eve.example"}, {name: NO_LINK}) for name in ("given_names", "family_name")),
    *(({name: "WWW.eve.example"}, {name: NO_LINK}) for name in ("given_names", "family_name")),
    *(({"email": address}, {"email": NO_ADDRESS}) for address in ADDRESSES),
    ({"diet": ["vegan", "none"]}, {"diet": EITHER}),
    ({"diet": "none", "diet_other": "No nuts"}, {"diet": EITHER}),
    ({"diet": "vegan", "consent_needs": None}, {"consent_needs": NO_CONSENT}),
    ({"diet_other": "No nuts", "consent_needs": None}, {"consent_needs": NO_CONSENT}),
    ({"access_needs": "Step-free route", "consent_needs": None}, {"consent_needs": NO_CONSENT}),
    *(({"passport_number": number}, {"passport_number": NO_NUMBER}) for number in NUMBERS),
    *(({"passport_expiry": day}, {"passport_expiry": NO_DATE}) for day in DAYS),
    ({"passport_expiry": "2017-05-25"}, {"passport_expiry": TOO_EARLY}),
]


def reported(page: Page) -> dict[str, str]:
    """The errors on a page, by the names of their fields."""
    errors = {
        str(error["id"]).removesuffix("-error"): error.get_text() for error in page.select(".field__error")
    }
    return {name: words for name, words in errors.items() if words}


@ON_SQLITE
@pytest.mark.parametrize(("wrong", "errors"), REFUSED, ids=range(len(REFUSED)))
def test_wrong_answer_is_reported_beside_its_field_and_nothing_is_lost(app, client, wrong, errors):
    usual = {"passport_number": "12E34567", "consent_needs": "y", "key": fresh_key(app), "step": "send"}
    fields = typed_with_visa(**usual | wrong)

    page = client.post(FORM, fields, status=422, headers=HTMX)

    summary = page.select("#summary a")
    assert reported(page) == errors
    assert {page.one(link["href"])["name"]: link.get_text() for link in summary} == errors
    assert {field["id"] for field in page.select(".field--invalid")} == {f"{name}-field" for name in errors}
    assert as_typed(page) == {
        name: values for name, values in lists(fields).items() if "".join(values).strip()
    }
    assert (stored(Registration), stored(Mail)) == ([], [])


@ON_SQLITE
@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        (dict.fromkeys(GROUPS, "unheard_of"), dict.fromkeys(GROUPS, NO_CHOICE)),
        ({"days": ["2017-05-25", "2017-05-24"]}, {"days": NO_CHOICE}),
        *(
            (
                dict.fromkeys(("country", "nationality"), code),
                dict.fromkeys(("country", "nationality"), NO_COUNTRY),
            )
            for code in ("XX", "gb", "EU", "G" * 100_000)
        ),
    ],
    ids=range(6),
)
def test_choice_that_is_not_on_offer_is_refused(app, client, wrong, errors):
    fields = typed_with_visa(key=fresh_key(app), step="send", consent_needs="y", **wrong)

    page = client.post(FORM, fields, status=422, headers=HTMX)

    assert reported(page) == errors
    assert {page.one(link["href"])["name"] for link in page.select("#summary a")} == set(errors)
    assert stored(Registration) == []


@ON_SQLITE
@pytest.mark.parametrize("letter", ["\0", "\a", "\x1b", "\x7f", "\x9f", "\u202e", *NONCHARACTERS], ids=ascii)
def test_invisible_character_is_refused(app, client, letter):
    given = dict.fromkeys(NAMED, f"Ada{letter}Lovelace")
    fields = typed_with_visa(key=fresh_key(app), step="send", consent_needs="y", **given)

    page = Page(client.client.post(FORM, data=fields))  # not checked: no valid page holds what was typed

    assert page.status == 422
    assert reported(page) == dict.fromkeys(NAMED, INVISIBLE)
    assert stored(Registration) == []


@ON_SQLITE
def test_answer_of_invisible_characters_alone_is_refused(app, client):
    given = dict.fromkeys(NAMED, "\u200b\u2060")
    fields = typed_with_visa(key=fresh_key(app), step="send", consent_needs="y", **given)

    page = client.post(FORM, fields, status=422, headers=HTMX)

    assert reported(page) == dict.fromkeys(NAMED, "Enter letters or digits")


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
    ({"diet": "none"}, {"needs": {"diet": ["none"], "diet_other": "", "access": ""}}),
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
