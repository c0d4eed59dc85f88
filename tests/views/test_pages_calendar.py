"""GET /<lang>/conference.ics: the conference for a calendar program."""

from datetime import date

import pytest
from icalendar import Calendar
from support.journey import ON_SQLITE

from domain.conference import LANGUAGES

pytestmark = ON_SQLITE


@pytest.mark.parametrize("lang", LANGUAGES)
def test_calendar_holds_the_conference_in_the_language_of_its_address(app, client, lang):
    facts = app.extensions["desk"].conference

    page = client.get(f"/{lang}/conference.ics")

    (event,) = Calendar.from_ical(page.data).walk("VEVENT")
    assert page.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert page.headers["Content-Disposition"] == "attachment; filename=conference.ics"
    assert event["SUMMARY"] == f"{facts.kind[lang]} – {facts.title[lang]}"
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2017, 5, 25), date(2017, 5, 27))
    assert event["URL"] == f"http://127.0.0.1:8000/{lang}/"


def test_calendar_may_be_kept_by_everybody(client):
    first = client.get("/en/conference.ics")

    again = client.get("/en/conference.ics", headers={"If-None-Match": first.headers["ETag"]}, status=304)

    assert first.headers["Cache-Control"] == "public, max-age=300"
    assert again.data == b""
    assert "Set-Cookie" not in first.headers
