"""The confirmation: that the registration was received, what for, and what happens next."""

import pytest
from factories import JOURNEY, PASSPORT, make_answers
from support.journey import ON_SQLITE

from domain import late
from domain.registration import register
from models import LateLink, Registration

pytestmark = ON_SQLITE

DATES = {
    "fr": ("25–26 mai 2017", "25 mai 2017", "26 mai 2017", "8 mai 2017"),
    "en": ("25–26 May 2017", "25 May 2017", "26 May 2017", "8 May 2017"),
    "es": ("25–26 de mayo de 2017", "25 de mayo de 2017", "26 de mayo de 2017", "8 de mayo de 2017"),
}


def bodies(message) -> list[str]:
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


@pytest.mark.parametrize("lang", DATES)
def test_confirmation_names_the_conference_in_the_delegates_language(read, app, lang):
    message = read("confirmation", lang=lang)

    conference = app.extensions["desk"].conference
    for body in bodies(message):
        assert conference.kind[lang] in body
        assert conference.title[lang] in body
        assert f"{DATES[lang][0]}, {conference.place[lang]}" in body


@pytest.mark.parametrize("lang", DATES)
def test_confirmation_has_the_city_and_the_days_in_its_subject(read, app, lang):
    message = read("confirmation", lang=lang)

    assert app.extensions["desk"].conference.city[lang] in message["Subject"]
    assert DATES[lang][0] in message["Subject"]


@pytest.mark.parametrize("lang", DATES)
def test_confirmation_lists_the_days_that_were_chosen(read, lang):
    message = read("confirmation", lang=lang, days=["2017-05-26"])

    _, first_day, second_day, _ = DATES[lang]
    text, html = bodies(message)
    assert f"\n- {second_day}\n" in text.replace("\r\n", "\n")
    assert f"<li>{second_day}</li>" in html
    assert [body for body in (text, html) if first_day in body] == []


@pytest.mark.parametrize("lang", DATES)
def test_confirmation_says_until_when_one_can_register(read, lang):
    for body in bodies(read("confirmation", lang=lang)):
        assert DATES[lang][3] in body


@pytest.mark.parametrize("lang", DATES)
def test_confirmation_after_the_deadline_does_not_speak_of_it(app, newest, after_the_deadline, lang):
    desk = app.extensions["desk"]
    with app.test_request_context(f"/{lang}/registration"):
        late.make("ada@example.org", lang=lang, organiser=None, desk=desk)
        link = LateLink.get().public_id
        register(make_answers(), lang=lang, key="a form", desk=desk, late_link=link)

    for body in bodies(newest("confirmation")):
        assert f"http://127.0.0.1:8000/{lang}/" in body
        assert DATES[lang][3] not in body


@pytest.mark.parametrize(
    ("interpretation", "name"), [("fr", "French"), ("es", "Spanish"), ("none", "none needed")]
)
def test_confirmation_says_the_language_of_interpretation(read, interpretation, name):
    for body in bodies(read("confirmation", interpretation=interpretation)):
        assert f"Interpretation: {name}" in body


def test_confirmation_says_that_a_visa_letter_was_requested(read):
    message = read("confirmation", passport=PASSPORT, consents=["affiliation", "visa"])

    for body in bodies(message):
        assert "Visa letter: requested" in body
        assert "your visa letter and write to you" in body


def test_confirmation_says_that_no_visa_letter_was_requested(read):
    for body in bodies(read("confirmation")):
        assert "Visa letter: not requested" in body
        assert "your visa letter and write to you" not in body


@pytest.mark.parametrize(("travel", "is_missing"), [("later", True), ("known", False), ("none", False)])
def test_confirmation_says_when_the_flights_are_missing(read, travel, is_missing):
    message = read("confirmation", travel=travel, journey=JOURNEY if travel == "known" else None)

    for body in bodies(message):
        assert ("Flights: missing; please add them when you know them" in body) is is_missing


@pytest.mark.parametrize(
    ("left_out", "lines"),
    [
        ((), ["Interpretation: English", "Visa letter: not requested"]),
        (("interpretation",), ["Visa letter: not requested"]),
        (("visa",), ["Interpretation: English"]),
        (("interpretation", "visa"), []),
    ],
    ids=lambda given: " ".join(given),
)
def test_confirmation_is_silent_on_what_the_conference_does_not_ask(read, leave_out, left_out, lines):
    leave_out(*left_out)

    message = read("confirmation", interpretation="" if "interpretation" in left_out else "en")

    text, html = bodies(message)
    assert [line for line in text.splitlines() if line.startswith(("Interpretation", "Visa letter"))] == lines
    assert [word for word in ("Interpretation", "Visa letter") if word in html] == [
        line.partition(":")[0] for line in lines
    ]


def test_confirmation_says_what_the_personal_link_is_for(read):
    for body in bodies(read("confirmation")):
        assert "With your personal link you see, change or cancel your registration. Whoever has it" in body
        assert "You did not register? Open the link and have the registration erased" in body


def test_confirmation_reads_well_in_english(read):
    message = read("confirmation")

    reference = Registration.get().reference
    lines = bodies(message)[0].splitlines()
    assert message["Subject"] == f"Registration received – {reference} – Ulaanbaatar, 25–26 May 2017"
    assert lines[:15] == [
        "Dear Ada Lovelace,",
        "",
        "Thank you: your registration for the conference has been received.",
        "",
        "Conference of the Progressive Alliance",
        "Social Justice and Sustainability for a Fair and Prosperous World",
        "25–26 May 2017, Ulaanbaatar, Mongolia",
        "",
        f"Your reference number: {reference}",
        "",
        "You registered for:",
        "- 25 May 2017",
        "Interpretation: English",
        "Visa letter: not requested",
        "Flights: missing; please add them when you know them",
    ]


@pytest.mark.parametrize(
    ("given_names", "family_name", "greeting"),
    [("Ada", "", "Dear Ada,"), ("", "Sukarno", "Dear Sukarno,"), ("Ada", "Lovelace", "Dear Ada Lovelace,")],
)
def test_confirmation_greets_people_with_one_name(read, given_names, family_name, greeting):
    message = read("confirmation", given_names=given_names, family_name=family_name)

    assert bodies(message)[0].splitlines()[0] == greeting
