"""The mails of the daily round: the reminder of missing flights, and the organisers' digest."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from factories import PASSPORT
from support.journey import ON_SQLITE, amend

from domain import audit, clock, daily
from domain.conference import LANGUAGES
from models import Mail, Organiser, Registration

pytestmark = ON_SQLITE
in_each_language = pytest.mark.parametrize("lang", LANGUAGES)


def bodies(message) -> list[str]:
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


def items_of(message) -> list[str]:
    return re.findall(r"(?m)^- (.*?)\r?$", bodies(message)[0])


# Reminder


def test_reminder_says_what_is_missing_and_that_it_is_not_too_late(read):
    message = read("reminder")

    assert message["Subject"] == f"Your flights are missing – {Registration.get().reference}"
    assert items_of(message) == [
        "Arrival: date, time and flight number",
        "Departure: the same, as soon as you know it",
    ]
    for body in bodies(message):
        assert "at any time, after registration has closed too" in body


def test_reminder_does_not_say_until_when_one_can_register(read):
    assert [body for body in bodies(read("reminder")) if "8 May" in body or "closes on" in body] == []


def test_reminder_follows_the_confirmation(read):
    message = read("reminder")

    confirmation = Mail.get(Mail.kind == "confirmation")
    assert message["In-Reply-To"] == message["References"] == confirmation.message_id


def test_flights_can_be_given_with_the_link_of_the_reminder_after_the_deadline(
    read, client, after_the_deadline
):
    clock.rehearse(clock.today() - timedelta(days=30))
    text = bodies(read("reminder"))[0]
    clock.rehearse(clock.today() + timedelta(days=31))
    (link,) = re.findall(r"http://127\.0\.0\.1:8000(/\S+/r/\S+)", text)

    amend(client, f"{link}/edit", {"travel": "none"})

    assert Registration.get().travel == "none"


# Digest


def test_digest_tells_the_numbers(read):
    message = read("digest", passport=PASSPORT, consents=["affiliation", "visa"])

    assert message["Subject"] == "Registrations: the numbers of 11 April 2017 – Ulaanbaatar"
    assert items_of(message) == [
        "1 new registration",
        "0 addresses confirmed",
        "0 registrations changed",
        "0 registrations cancelled",
        "0 registrations erased",
        "1 registration, without the cancelled ones",
        "0 of them with confirmed addresses",
        "1 visa letter requested and not yet sent",
        "1 delegate whose flights are missing",
        "0 mails could not be delivered",
        "0 mails have been waiting for the mail server for over an hour",
    ]
    assert "from 10 April 2017, 00:00 UTC to 11 April 2017, 00:00 UTC" in bodies(message)[0]


@pytest.mark.parametrize(
    ("lang", "none", "one", "several"),
    [
        ("fr", "0 nouvelle inscription", "1 nouvelle inscription", "2 nouvelles inscriptions"),
        ("en", "0 new registrations", "1 new registration", "2 new registrations"),
        ("es", "0 inscripciones nuevas", "1 inscripción nueva", "2 inscripciones nuevas"),
    ],
)
def test_digest_counts_as_the_language_does(send, happen, newest, lang, none, one, several):
    audit.record("registration.cancelled")  # something to tell, without a new registration too
    lines = []
    for number in range(3):
        happen("digest", lang=lang, address=f"cem{number}@example.org")
        lines.append(items_of(newest("digest"))[0])
        send(lang, key=str(number), email=f"delegate{number}@example.org")

    assert lines == [none, one, several]


@in_each_language
def test_digest_says_the_same_in_text_and_html(read, lang):
    message = read("digest", lang=lang)

    in_html = re.findall("<li>(.*?)</li>", bodies(message)[1])
    assert in_html == items_of(message)
    assert len(in_html) == 11


@in_each_language
def test_digest_names_nobody_and_leads_to_the_list(read, lang):
    message = read("digest", lang=lang, given_names="Canary", organisation="Canary", function="Canary")

    row = Registration.get()
    for body in bodies(message):
        assert [word for word in ("Canary", row.family_name, row.email, row.reference) if word in body] == []
        assert "http://127.0.0.1:8000/organiser/registrations" in body


@in_each_language
def test_digest_ends_with_why_it_was_written_instead_of_the_delegates_privacy_notice(read, app, lang):
    message = read("digest", lang=lang)

    for body in bodies(message):
        assert app.extensions["desk"].conference.contact.name[lang] in body
        assert f"/{lang}/privacy" not in body
    if lang == "en":
        assert bodies(message)[0].rstrip().endswith("may sign in as an organiser, and names nobody.")


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [("visa", "visa letter"), ("travel", "flights are missing"), ("journey", "flights are missing")],
)
def test_digest_counts_nothing_that_the_conference_does_not_ask(send, app, newest, left_out, missing):
    desk = app.extensions["desk"]
    conference = desk.conference.model_copy(update={"leave_out": [left_out]})
    send("en")
    Organiser.create(email="cem@example.org", password_hash="", language="en", created_at=clock.now())

    with app.test_request_context():
        daily.write_digests(clock.today() + timedelta(days=1), replace(desk, conference=conference))

    items = items_of(newest("digest"))
    assert len(items) == 10
    assert [item for item in items if missing in item] == []
