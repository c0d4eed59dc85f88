"""GET /<lang>/r/<token>/calendar.ics: the conference for a calendar, in step with the registration."""

import pytest
from icalendar import Calendar, Event
from support.journey import ON_SQLITE, amend, own_page

from domain.conference import LANGUAGES
from models import Registration

pytestmark = ON_SQLITE


@pytest.fixture
def row(registered) -> Registration:
    return registered(email="ada@example.org")


def event_of(client, path: str) -> Event:
    (event,) = Calendar.from_ical(client.get(f"{path}/calendar.ics").data).events
    return event


@pytest.mark.parametrize("lang", LANGUAGES)
def test_calendar_is_a_file_that_names_nobody(app, client, row, lang):
    path = own_page(app, row, lang=lang)

    page = client.get(f"{path}/calendar.ics")

    assert page.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert page.headers["Content-Disposition"] == "attachment; filename=conference.ics"
    assert page.headers["Cache-Control"] == "no-store"
    for personal in ("Ada", "Lovelace", "ada@example.org", row.reference, "/r/"):
        assert personal not in page.text
    assert event_of(client, path)["URL"] == f"http://127.0.0.1:8000/{lang}/"


def test_calendar_rises_with_every_change_and_ends_with_a_cancellation(app, client, row):
    path, steps = own_page(app, row), []

    for step in (
        lambda: client.get(path),
        lambda: client.post(f"{path}/confirmation", {}, status=303),
        lambda: amend(client, f"{path}/edit", {"function": "President"}),
        lambda: client.post(f"{path}/cancellation", {}, status=303),
        lambda: client.post(f"{path}/restoration", {}, status=303),
    ):
        step()
        event = event_of(client, path)
        steps.append((event["SEQUENCE"], str(event["STATUS"])))

    assert steps == [(0, "CONFIRMED"), (0, "CONFIRMED"), (1, "CONFIRMED"), (2, "CANCELLED"), (3, "CONFIRMED")]


def test_calendar_replaces_the_one_of_the_public_page(app, client, row):
    public = Calendar.from_ical(client.get("/en/conference.ics").data).events[0]

    own = event_of(client, own_page(app, row))

    assert (own["UID"], own["DTSTART"].dt, own["DTEND"].dt) == (
        public["UID"],
        public["DTSTART"].dt,
        public["DTEND"].dt,
    )
