"""Days and moments in words: the whole month, in each language."""

from datetime import date

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
