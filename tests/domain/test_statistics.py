"""The statistics: plain numbers, counted by the database."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import FIELD_KEY
from cryptography.fernet import Fernet

from db import db
from domain import statistics
from domain.answers import Needs
from models import EncryptedField, Mail, Registration

BOTH_DAYS = ["2017-05-25", "2017-05-26"]
DIETS = ["vegetarian", "vegan", "none", "other"]


@pytest.fixture
def three(listed, send) -> None:
    """Two who are expected, and one who has cancelled."""
    needs = Needs(diet=["vegan"], diet_other="No nuts", access="")
    consents = ["affiliation", "needs"]
    listed(
        country="FR", category="guest", days=BOTH_DAYS, sessions=["asia"], interpretation="fr", needs=needs,
        consents=consents, hotel="reserve", columns={"state": "confirmed"},
    )  # fmt: skip
    listed(sessions=["asia", "gender"], hotel="", needs=Needs(diet=["none"], diet_other="", access=""))
    listed(country="DE", days=BOTH_DAYS, needs=needs, consents=consents, columns={"state": "cancelled"})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("country", {"FR": 1, "GB": 1}),
        ("category", {"guest": 1, "party": 1}),
        ("day", {"2017-05-25": 2, "2017-05-26": 1}),
        ("session", {"asia": 2, "gender": 1}),
        ("interpretation", {"fr": 1, "en": 1}),
        ("state", {"received": 1, "confirmed": 1, "cancelled": 1}),
        ("visa", {"none": 2}),
        ("travel", {"later": 2}),
        ("hotel", {"reserve": 1, "unanswered": 1}),
        ("organisation", {"Labour Party": 2}),
    ],
)
def test_registrations_that_hold_are_counted_by_each_answer(three, name, expected):
    assert statistics.COUNTS[name]() == expected


def test_diets_are_counted_by_their_marks(three, listed):
    listed()

    assert statistics.by_diet(DIETS) == {"vegan": 1, "other": 1, "none": 1, "unanswered": 1}


def test_diets_are_counted_with_every_key(three, listed):
    try:
        EncryptedField.use([Fernet.generate_key().decode(), FIELD_KEY])
        listed(needs=Needs(diet=["vegan"], diet_other="", access=""), consents=["affiliation", "needs"])

        assert statistics.by_diet(DIETS) == {"vegan": 2, "other": 1, "none": 1}
    finally:
        EncryptedField.use([FIELD_KEY])


def test_spellings_of_an_organisation_count_together(listed):
    for name in ("Parti Écologiste", "PARTI ECOLOGISTE", "Labour"):
        listed(organisation=name)

    counts = statistics.by_organisation()

    assert sorted(counts.values()) == [1, 2]


def test_largest_come_first_and_the_others_apart():
    counts = {"A": 1, "B": 3, "C": 2, "D": 2}

    assert statistics.largest(counts, most=2) == ({"B": 3, "C": 2}, {"D": 2, "A": 1})
    assert list(statistics.largest(counts, most=4)[0]) == ["B", "C", "D", "A"]


def test_headline_counts_what_holds_and_what_is_to_be_done(three, stored):
    row = stored(email="ada@example.org")
    Mail.update(state="failed").where(Mail.registration == row).execute()

    headline = statistics.headline(["visa", "travel", "hotel", "mail"])

    assert (headline.active, headline.confirmed, headline.cancelled) == (3, 1, 1)
    assert (headline.countries, headline.organisations) == (2, 1)
    assert headline.to_do == {"visa": 0, "travel": 3, "hotel": 1, "mail": 1}


def test_nobody_is_counted_on_an_empty_list(database):
    headline = statistics.headline(["visa"])

    assert (headline.active, headline.countries, headline.to_do) == (0, 0, {"visa": 0})
    assert [count() for count in statistics.COUNTS.values()] == [{}] * len(statistics.COUNTS)


def test_registrations_count_on_the_day_where_the_conference_takes_place(listed, conference):
    for state, at in (
        ("received", datetime(2017, 4, 8, 16, 30, tzinfo=UTC)),  # past midnight in Ulaanbaatar, in summer
        ("cancelled", datetime(2017, 4, 8, 10, tzinfo=UTC)),
        ("erased", datetime(2017, 4, 11, 1, tzinfo=UTC)),
    ):
        listed(columns={"state": state, "created_at": at})

    assert statistics.by_arrival(conference) == {
        date(2017, 4, 8): 1,
        date(2017, 4, 9): 1,
        date(2017, 4, 10): 0,
        date(2017, 4, 11): 1,
    }


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Asia/Kolkata", "18:30"),
        ("Asia/Kathmandu", "18:15"),
        ("Australia/Adelaide", "14:30"),
        ("America/St_Johns", "02:30"),
        ("Asia/Ulaanbaatar", "16:00"),
        ("UTC", "00:00"),
    ],
)
def test_registrations_count_on_their_day_in_zones_of_parts_of_an_hour_too(
    listed, conference, zone, midnight
):
    day_begins = datetime.fromisoformat(f"2017-04-09 {midnight}+00:00")
    for at in (day_begins - timedelta(microseconds=1), day_begins, day_begins + timedelta(microseconds=1)):
        listed(columns={"created_at": at})

    counts = statistics.by_arrival(conference.model_copy(update={"time_zone": zone}))

    assert list(counts.values()) == [1, 2]
    assert list(counts)[1] == day_begins.astimezone(ZoneInfo(zone)).date()


def test_no_registrations_have_no_days(database, conference):
    assert statistics.by_arrival(conference) == {}


def test_statistics_take_the_same_queries_however_many_there_are(listed, conference, monkeypatch):
    counts = []
    for more in (1, 2):
        for number in range(more):
            listed(country=("FR", "DE")[number], days=BOTH_DAYS[number:])
        queries: list[str] = []
        with monkeypatch.context() as watched:
            watched.setattr(db.obj, "query_hooks", [queries.append])
            statistics.headline(["visa", "mail"])
            statistics.by_arrival(conference)
            statistics.by_diet(DIETS)
            for count in statistics.COUNTS.values():
                count()
        counts.append(len(queries))

    assert Registration.select().count() == 3
    assert counts[0] == counts[1] == 4 + 2 + len(statistics.COUNTS)
