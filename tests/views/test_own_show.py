"""GET /<lang>/r/<token>: the delegate's own page, behind a private link."""

import pytest
from conftest import CLOSED_DAY, OPEN_DAY
from factories import PASSPORT, SENSITIVE_PARTS
from support.journey import amend, own_page

from db import connection
from domain import clock
from domain.conference import LANGUAGES
from models import Mail, Registration
from views.own import DONE

FULL = SENSITIVE_PARTS | {
    "sessions": ["asia"],
    "consents": ["affiliation", "visa", "needs", "list"],
}


def changeable(page) -> list[str]:
    """The sections that the page offers to change."""
    links = (str(link["href"]) for link in page.select("a[href*='/edit#']"))
    return [link.partition("#")[2] for link in links]


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
        "Do you know your flights?": "I know my flights",
        "Arrival: date": "24 May 2017",
        "Arrival: time": "06:10",
        "Arrival: flight number": "OM 302",
        "Departure: date": "27 May 2017",
        "Departure: time": "08:45",
        "Departure: flight number": "OM 301",
        "Airport pick-up": "Yes",
        "Mobile phone": "+976 99 112233",
        "Do you need a hotel room?": "Reserve a room for me",
        "Check-in": "24 May 2017",
        "Check-out": "27 May 2017",
        "Room": "Twin room",
        "With whom will you share the room?": "Bo Example",
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


def test_own_page_is_kept_by_nobody_and_sets_no_cookie(app, client, registered):
    page = client.get(own_page(app, registered()))

    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "same-origin"
    assert "Set-Cookie" not in page.headers


def test_own_page_of_somebody_who_has_not_confirmed_asks_for_it(app, client, registered):
    row = registered()
    before = client.get(own_page(app, row))

    with connection():
        Registration.update(state="confirmed").execute()
    after = client.get(own_page(app, row))

    assert "Confirm my registration" in before.texts("main button")
    assert "Confirm my registration" not in after.texts("main button")
    assert after.texts(".received__reference") == [f"Your reference number {row.reference} Confirmed"]


def test_own_page_says_until_when_everything_can_be_changed(app, client, registered):
    page = client.get(own_page(app, registered()))

    assert page.texts(".form__intro") == [
        "This is what you registered on 10 April 2017. You can change everything until 8 May 2017. "
        "What is often known late can be changed after that too."
    ]
    assert changeable(page) == ["you", "taking_part", "visa", "journey", "consent"]


def test_own_page_after_the_deadline_offers_what_is_still_open(app, client, registered):
    path = own_page(app, registered())
    clock.rehearse(CLOSED_DAY)

    page = client.get(path)

    assert page.texts(".form__intro") == [
        "Registration has closed. You can still change the sections that have a button, and you can still cancel."
    ]
    assert changeable(page) == ["taking_part", "visa", "journey", "consent"]
    assert "Cancel my registration" in page.texts("main button")
    assert page.select("a[href*=colleague]") == []


def test_own_page_of_a_cancelled_registration_offers_to_come_after_all(app, client, registered):
    path = own_page(app, registered())
    client.post(f"{path}/cancellation", {}, status=303)

    cancelled = client.get(path)
    clock.rehearse(CLOSED_DAY)
    closed = client.get(path)

    assert changeable(cancelled) == []
    assert "Cancel my registration" not in cancelled.texts("main button")
    assert "I am coming after all" in cancelled.texts("main button")
    assert "I am coming after all" not in closed.texts("main button")


def test_own_page_offers_to_withdraw_the_consents_that_were_given(app, client, registered):
    some = client.get(own_page(app, registered(**FULL)))
    none = client.get(own_page(app, registered()))

    assert [button["value"] for button in some.select("button[name=kind]")] == ["needs", "visa", "list"]
    assert none.select("button[name=kind]") == []


def test_own_page_shows_the_address_that_waits_to_be_confirmed(app, client, registered):
    path = own_page(app, registered(email="ada@example.org"))
    amend(client, f"{path}/edit", {"email": "ada@new.example"})

    page = client.get(path)

    assert page.texts(".notice bdi") == ["ada@new.example"]
    assert page.texts(".answers__address") == ["ada@example.org"]


@pytest.mark.parametrize("has_failed", [False, True])
@pytest.mark.parametrize(
    ("day", "advised", "impossible"),
    [
        (OPEN_DAY, "enter it again", "write to the secretariat"),
        (CLOSED_DAY, "write to the secretariat", "enter it"),
    ],
)
def test_own_page_advises_what_can_be_done_about_a_new_address(
    app, client, registered, day, advised, impossible, has_failed
):
    path = own_page(app, registered())
    amend(client, f"{path}/edit", {"email": "ada@new.example"})
    if has_failed:
        with connection():
            Mail.update(state="failed").where(Mail.kind == "address").execute()
    clock.rehearse(day)

    notice = client.get(path).one(f".notice[action='{path}/address/withdrawal']").get_text()

    assert ("could not be delivered" in notice) is has_failed
    assert notice.count(advised) == 1 + has_failed
    assert impossible not in notice


def test_own_page_leads_to_the_form_for_a_colleague_without_naming_anybody(app, client, registered):
    page = client.get(own_page(app, registered()))

    address = page.one("a[href*=colleague]")["href"]
    assert "Labour" not in address
    assert client.get(address).value("organisation") == "Labour Party"


@pytest.mark.parametrize("word", sorted(DONE))
def test_own_page_says_what_has_been_done(app, client, registered, word):
    page = client.get(f"{own_page(app, registered())}?done={word}")

    assert page.texts("[role=status]") == [str(DONE[word])]


@pytest.mark.parametrize("word", ["", "unheard_of", "<b>", "__class__"])
def test_own_page_says_nothing_about_what_it_does_not_know(app, client, registered, word):
    page = client.get(own_page(app, registered()), query_string={"done": word})

    assert page.select("[role=status]") == []


@pytest.mark.parametrize(
    "change", [lambda path: path[:-1], lambda path: path + "A", lambda path: "/en/r/x", str.lower]
)
def test_mistyped_link_opens_nothing(app, client, registered, change):
    row = registered()
    assert row.email in client.get(own_page(app, row)).text

    page = client.get(change(own_page(app, row)), status=404)

    assert row.email not in page.text
    assert "Please use the link in your newest mail from us" in page.text
