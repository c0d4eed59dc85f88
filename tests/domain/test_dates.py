"""Days and moments in words, in each language."""

from datetime import UTC, date, datetime

import pytest

from domain import dates


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (
            date(2018, 10, 9),
            date(2018, 10, 13),
            {
                "fr": "9–13 octobre 2018",
                "en": "9–13 October 2018",
                "es": "9–13 de octubre de 2018",
            },
        ),
        (
            date(2018, 9, 30),
            date(2018, 10, 2),
            {
                "fr": "30 septembre – 2 octobre 2018",
                "en": "30 September – 2 October 2018",
                "es": "30 de septiembre – 2 de octubre de 2018",
            },
        ),
        (
            date(2018, 12, 30),
            date(2019, 1, 2),
            {
                "fr": "30 décembre 2018 – 2 janvier 2019",
                "en": "30 December 2018 – 2 January 2019",
                "es": "30 de diciembre de 2018 – 2 de enero de 2019",
            },
        ),
        (
            date(2018, 10, 9),
            date(2018, 10, 9),
            {"fr": "9 octobre 2018", "en": "9 October 2018", "es": "9 de octubre de 2018"},
        ),
        (
            date(2018, 10, 9),
            date(2019, 10, 9),
            {
                "fr": "9 octobre 2018 – 9 octobre 2019",
                "en": "9 October 2018 – 9 October 2019",
                "es": "9 de octubre de 2018 – 9 de octubre de 2019",
            },
        ),
    ],
    ids=["within a month", "across months", "across years", "one day", "a year apart"],
)
def test_range_of_days_names_whole_months(first, last, words):
    assert {lang: dates.span((first, last), lang=lang) for lang in words} == words


@pytest.mark.parametrize(
    ("style", "words"),
    [
        ("long", "1er septembre 2018"),
        ("full", "samedi 1er septembre 2018"),
        ("medium", "1er sept. 2018"),
        ("d MMM", "1er sept."),
    ],
)
def test_first_of_a_month_is_an_ordinal_in_french(style, words):
    assert dates.day(date(2018, 9, 1), style, lang="fr") == words


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2018, 9, 1), date(2018, 9, 3), "1er–3 septembre 2018"),
        (date(2018, 9, 1), date(2018, 10, 1), "1er septembre – 1er octobre 2018"),
        (date(2018, 9, 30), date(2019, 1, 1), "30 septembre 2018 – 1er janvier 2019"),
    ],
)
def test_range_of_days_with_the_first_of_a_month_has_the_ordinal_in_french(first, last, words):
    assert dates.span((first, last), lang="fr") == words


def test_moment_on_the_first_of_a_month_has_the_ordinal_in_french_alone():
    first = datetime(2018, 9, 1, 11, 1, tzinfo=UTC)

    assert {lang: dates.moment(first, lang=lang) for lang in dates.LOCALES} == {
        "fr": "1er septembre 2018, 11:01 UTC",
        "en": "1 September 2018, 11:01 UTC",
        "es": "1 de septiembre de 2018, 11:01 UTC",
    }


@pytest.mark.parametrize("number", [2, 10, 11, 21, 30, 31])
def test_other_days_are_plain_numbers_in_french(number):
    assert dates.day(date(2018, 10, number), lang="fr") == f"{number} octobre 2018"


def test_moment_in_another_zone_is_told_with_the_day_that_it_is_in_universal_time():
    deadline = datetime.fromisoformat("2017-05-08T23:59:59-12:00")

    assert dates.moment(deadline, lang="en") == "9 May 2017, 11:59 UTC"
