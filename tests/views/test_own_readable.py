"""GET /<lang>/r/<token>/data.html: everything that is stored, as a page that needs nothing else."""

import pytest
from factories import NEEDS, PASSPORT
from support.journey import ON_SQLITE, amend, own_page

from domain.conference import LANGUAGES
from models import Registration


@pytest.fixture
def row(registered) -> Registration:
    return registered(
        email="ada@example.org", needs=NEEDS, passport=PASSPORT, consents=["affiliation", "needs", "visa"]
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_to_keep_is_a_file_in_the_language_of_its_address(app, client, row, lang):
    page = client.get(f"{own_page(app, row, lang=lang)}/data.html")

    assert page.one("html")["lang"] == lang
    assert page.headers["Content-Disposition"] == "attachment; filename=registration.html"
    assert page.headers["Cache-Control"] == "no-store"


def test_page_to_keep_shows_what_the_own_page_shows(app, client, row):
    page = client.get(f"{own_page(app, row)}/data.html")
    own = client.get(own_page(app, row))

    about, consents = 2, 3  # the lists before and behind the answers have a question for each of these
    assert page.texts("dt")[about:-consents] == own.texts("dt")
    assert page.texts("dd")[about:-consents] == own.texts("dd")
    assert "••••567" in page.texts("dd")
    assert PASSPORT.number not in page.text
    assert row.reference in page.texts("title")[0]


def test_page_to_keep_tells_of_consents_and_mails(app, client, row):
    client.post(f"{own_page(app, row)}/consents", {"kind": "visa"}, status=303)

    page = client.get(f"{own_page(app, row)}/data.html")

    kinds, told = page.texts("dt")[-3:], page.texts("dd")[-3:]
    assert kinds == [
        "Consent to process your data",
        "Consent for diet and accessibility",
        "Consent for the visa letter",
    ]
    assert {words.partition(", ")[0] for words in told} == {"given on 10 April 2017"}
    assert ["withdrawn on 10 April 2017" in words for words in told] == [False, False, True]
    assert page.texts("li")[0].partition("UTC – ")[2] == "Confirmation"


@ON_SQLITE
def test_page_to_keep_begins_with_what_the_registration_is(app, client, row):
    own = own_page(app, row)
    amend(client, f"{own}/edit", {"email": "ada@new.example"})
    waiting = client.get(f"{own}/data.html")
    client.post(f"{own}/cancellation", {"reason": "Ill"}, status=303)
    cancelled = client.get(f"{own}/data.html")

    def first(page, count):
        return list(zip(page.texts("dt"), page.texts("dd"), strict=True))[:count]

    assert first(waiting, 3) == [
        ("Your reference number", row.reference),
        ("State", "Confirmed"),
        ("New address to be confirmed", "ada@new.example"),
    ]
    assert first(cancelled, 3) == [
        ("Your reference number", row.reference),
        ("State", "Cancelled"),
        ("Reason for cancelling", "Ill"),
    ]


@ON_SQLITE
def test_page_to_keep_needs_nothing_from_the_service(app, client, row):
    page = client.get(f"{own_page(app, row)}/data.html")

    assert page.select("[href], [src], form, script, style, img") == []
