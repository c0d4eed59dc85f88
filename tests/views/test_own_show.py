"""GET /<lang>/r/<token>: the delegate's own page, behind a private link."""

import pytest
from factories import NEEDS, PASSPORT
from support.journey import own_page, stored

from db import connection
from domain.conference import LANGUAGES
from models import AuditEntry, Mail, Registration
from security import receipt, signer

FULL = {
    "needs": NEEDS,
    "passport": PASSPORT,
    "sessions": ["asia"],
    "consents": ["affiliation", "visa", "needs", "list"],
}


def test_own_page_shows_every_answer_and_only_the_end_of_the_passport_number(app, client, registered):
    row = registered(email="ada@example.org", **FULL)

    page = client.get(own_page(app, row))

    shown = zip(page.select("dt"), page.select("dd"), strict=True)
    assert {question.get_text(): " | ".join(answer.stripped_strings) for question, answer in shown} == {
        "Given names": "Ada",
        "Family name": "Lovelace",
        "E-mail address": "ada@example.org",
        "Organisation": "Labour Party",
        "Country or territory": "United Kingdom",
        "Function": "International Secretary",
        "You come as": "Political party",
        "Which days will you attend?": "Thursday, 25 May 2017",
        "Which sessions interest you?": "Developments in Asian countries",
        "In which language will you listen?": "English",
        "Dietary requirements": "Vegetarian",
        "Another dietary requirement": "Not provided",
        "Accessibility needs": "Step-free route",
        "Consent for diet and accessibility": "Yes",
        "Do you need a letter to support your visa application?": "Yes",
        "Name as printed in the passport": "ADA LOVELACE",
        "Nationality": "United Kingdom",
        "Passport number": "••••567",
        "Expiry date of the passport": "1 January 2020",
        "Where will you apply for the visa?": "Paris, France",
        "Consent for the visa letter": "Yes",
        "Consent to process your data": "Yes",
        "List of participants": "Yes",
        "Pictures": "No",
    }
    assert page.texts(".received__reference bdi") == [row.reference]
    assert PASSPORT.number not in page.text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_own_page_speaks_the_language_of_its_address(app, client, registered, lang):
    row = registered()

    page = client.get(own_page(app, row, lang=lang))

    assert page.one("html")["lang"] == lang
    assert {link["hreflang"]: link["href"] for link in page.select(".languages a")} == {
        other: own_page(app, row, lang=other) for other in LANGUAGES
    }


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_opening_a_private_link_changes_nothing(app, client, registered, method):
    path = own_page(app, registered(**FULL))
    before = [[row.__data__ for row in stored(table)] for table in (Registration, Mail, AuditEntry)]

    client.client.open(path, method=method)

    assert [[row.__data__ for row in stored(table)] for table in (Registration, Mail, AuditEntry)] == before


def test_own_page_is_kept_by_nobody_and_sets_no_cookie(app, client, registered):
    page = client.get(own_page(app, registered()))

    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in page.headers


def as_receipt(row) -> str:
    return receipt(row.reference)


def of_another_salt(row) -> str:
    return signer("receipt").dumps([row.public_id, row.link_version])


def of_an_earlier_version(row) -> str:
    return signer("private-link").dumps([row.public_id, row.link_version - 1])


def of_nobody(row) -> str:
    return signer("private-link").dumps(["0" * 32, 1])


@pytest.mark.parametrize("forge", [as_receipt, of_another_salt, of_an_earlier_version, of_nobody])
def test_wrong_link_opens_nothing(app, client, registered, forge):
    row = registered()
    assert row.email in client.get(own_page(app, row)).text
    with app.app_context():
        token = forge(row)

    page = client.get(f"/en/r/{token}", status=404)

    assert row.email not in page.text
    assert "Please use the link in your newest mail from us" in page.text


@pytest.mark.parametrize(
    "change", [lambda path: path[:-1], lambda path: path + "A", lambda path: "/en/r/x", str.lower]
)
def test_mistyped_link_opens_nothing(app, client, registered, change):
    row = registered()

    page = client.get(change(own_page(app, row)), status=404)

    assert row.email not in page.text


def test_link_of_an_erased_registration_says_so(app, client, registered):
    row = registered()
    with connection():
        Registration.update(state="erased").where(Registration.id == row.id).execute()

    page = client.get(own_page(app, row), status=410)

    assert row.email not in page.text
    assert "This registration has been erased." in page.text
