"""Answers that are often slips: each is asked about, and what is right is left in peace."""

from datetime import date, timedelta

import pytest

from domain.doubts import MAILBOXES, OTHERS, expires_soon, is_far_from, is_usual_flight, likely_address

STARTS, ENDS = date(2017, 5, 25), date(2017, 5, 26)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ada@gmial.com", "ada@gmail.com"),
        ("ada@gmail.con", "ada@gmail.com"),
        ("ada@gmaill.com", "ada@gmail.com"),
        ("ada@gmal.com", "ada@gmail.com"),
        ("ada@hotmial.com", "ada@hotmail.com"),
        ("ada@hotmai.fr", "ada@hotmail.fr"),
        ("ada@outlok.com", "ada@outlook.com"),
        ("ada@yaho.com", "ada@yahoo.com"),
        ("ada@wanado.fr", "ada@wanadoo.fr"),
        ("Ada.Lovelace+list@GMIAL.COM", "Ada.Lovelace+list@gmail.com"),
        ("a@b@gmial.com", "a@b@gmail.com"),
    ],
)
def test_slip_in_the_name_of_a_mailbox_is_noticed(typed, meant):
    assert likely_address(typed) == meant


@pytest.mark.parametrize("domain", [*MAILBOXES, *sorted(OTHERS)])
def test_mailbox_that_there_is_raises_no_doubt(domain):
    assert likely_address(f"ada@{domain}") is None
    assert likely_address(f"ada@{domain.upper()}") is None


@pytest.mark.parametrize(
    "address",
    ["ada@example.org", "ada@labour.org.uk", "ada@spd.de", "ada@mpp.mn", "ada@xn--mller-kva.example",
     "gmial.com", "@gmial.com", ""],
)  # fmt: skip
def test_address_that_resembles_no_mailbox_raises_no_doubt(address):
    assert likely_address(address) is None


def test_real_mailboxes_that_resemble_others_would_raise_a_doubt_without_the_list(monkeypatch):
    monkeypatch.setattr("domain.doubts.OTHERS", set())

    assert [domain for domain in OTHERS if likely_address(f"ada@{domain}")] != []


@pytest.mark.parametrize(
    "number", ["OM 302", "OM302", "AF 6", "U2 1234", "9W 123", "MGL 302", "KL 1234A", "3U 8701"]
)
def test_usual_flight_number_raises_no_doubt(number):
    assert is_usual_flight(number)


@pytest.mark.parametrize(
    "number",
    ["302", "OM", "OM 30245", "O 302", "OM-302", "OM  302", "om 302", "11 302", "train", "OM 302 B", " OM 302", "",
     "\u041e\u041c 302", "OM ٣٠٢"],
)  # fmt: skip
def test_unusual_flight_number_is_noticed(number):
    assert not is_usual_flight(number)


@pytest.mark.parametrize(
    ("expiry", "is_soon"),
    [
        (ENDS, True),
        (date(2017, 11, 25), True),
        (ENDS + timedelta(days=183), True),
        (ENDS + timedelta(days=184), False),
        (date(2017, 11, 27), False),
        (date(2030, 1, 1), False),
    ],
)
def test_passport_that_expires_within_six_months_of_the_conference_is_noticed(expiry, is_soon):
    assert expires_soon(expiry, ENDS) is is_soon


@pytest.mark.parametrize("month", range(1, 13))
def test_six_months_are_never_too_short(month):
    ends = date(2017, month, 1)
    half_a_year_later = date(2017 + (month > 6), (month + 5) % 12 + 1, 1)

    assert expires_soon(half_a_year_later - timedelta(days=1), ends)


@pytest.mark.parametrize(
    ("on", "is_far"),
    [
        (date(2017, 4, 24), True),
        (date(2017, 4, 25), False),
        (STARTS, False),
        (ENDS, False),
        (date(2017, 6, 25), False),
        (date(2017, 6, 26), True),
        (date(2018, 5, 25), True),
        (date(2016, 5, 25), True),
    ],
)
def test_day_more_than_thirty_days_from_the_conference_is_noticed(on, is_far):
    assert is_far_from(on, STARTS, ENDS) is is_far
