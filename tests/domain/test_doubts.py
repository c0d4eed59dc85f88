"""Answers that are often slips: each is asked about, and what is right is left in peace."""

from datetime import date, timedelta

import pytest

from domain.doubts import (
    MAILBOXES,
    NEARLY_COM,
    OTHERS,
    expires_soon,
    is_apart,
    is_far_from,
    is_usual_flight,
    likely_address,
)

STARTS, ENDS = date(2017, 5, 25), date(2017, 5, 26)
REAL = [f"{name}.{ending}" for name, endings in MAILBOXES.items() for ending in endings]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("ada@gmial.com", "ada@gmail.com"),
        ("ada@gmail.con", "ada@gmail.com"),
        ("ada@gmaill.com", "ada@gmail.com"),
        ("ada@gmal.com", "ada@gmail.com"),
        ("ada@hotmial.com", "ada@hotmail.com"),
        ("ada@hotmai.fr", "ada@hotmail.fr"),
        ("ada@hotmial.co.uk", "ada@hotmail.co.uk"),
        ("ada@yaho.fr", "ada@yahoo.fr"),
        ("ada@yaho.com.mx", "ada@yahoo.com.mx"),
        ("ada@hotmial.cmo", "ada@hotmail.com"),
        ("ada@protn.me", "ada@proton.me"),
        ("ada@outlok.com", "ada@outlook.com"),
        ("ada@yaho.com", "ada@yahoo.com"),
        ("ada@wanado.fr", "ada@wanadoo.fr"),
        ("Ada.Lovelace+list@GMIAL.COM", "Ada.Lovelace+list@gmail.com"),
        ("a@b@gmial.com", "a@b@gmail.com"),
    ],
)
def test_slip_in_the_name_of_a_mailbox_is_noticed(typed, meant):
    assert likely_address(typed) == meant


@pytest.mark.parametrize("ending", sorted(NEARLY_COM))
@pytest.mark.parametrize("name", ["gmail", "yahoo"])
def test_slip_in_the_ending_of_a_mailbox_is_noticed(name, ending):
    assert likely_address(f"ada@{name}.{ending}") == f"ada@{name}.com"


@pytest.mark.parametrize("domain", [*REAL, *(f"{name}.com" for name in sorted(OTHERS))])
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


@pytest.mark.parametrize(
    "domain",
    ["yahoo.com.vn", "yahoo.com.ph", "yahoo.ca", "hotmail.ca", "hotmail.co.jp", "outlook.co.th", "gmx.at", "gmx.net",
     "icloud.fr", "gmail.fr", "proton.com", "orange.com", "libero.com", "wanadoo.es", "live.com", "mail.ru"],
)  # fmt: skip
def test_mailbox_with_the_ending_of_another_country_raises_no_doubt(domain):
    assert likely_address(f"ada@{domain}") is None


@pytest.mark.parametrize("domain", ["gmal.fr", "yaho.com.vn", "hotmial.ca", "orange.con", "gmail"])
def test_slip_is_left_in_peace_where_what_was_meant_is_no_mailbox_that_is_known(domain):
    assert likely_address(f"ada@{domain}") is None


def test_real_mailboxes_that_resemble_others_would_raise_a_doubt_without_the_list(monkeypatch):
    alike = {"email", "fmail", "mail", "ymail"}
    assert alike <= OTHERS

    monkeypatch.setattr("domain.doubts.OTHERS", OTHERS - alike)

    assert {name for name in alike if likely_address(f"ada@{name}.com")} == alike


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


@pytest.mark.parametrize(
    ("on", "is_far"),
    [
        (date(2016, 5, 24), True),
        (date(2016, 5, 25), False),
        (date(2017, 4, 24), False),
        (date(2018, 5, 26), False),
        (date(2018, 5, 27), True),
    ],
)
def test_day_is_far_from_the_conference_by_as_much_as_one_says(on, is_far):
    assert is_far_from(on, STARTS, ENDS, by=timedelta(days=365)) is is_far


@pytest.mark.parametrize(("days", "apart"), [(0, False), (1, False), (2, True), (30, True)])
def test_night_and_flight_more_than_a_day_apart_are_noticed(days, apart):
    flight = date(2017, 5, 31)

    assert is_apart(flight + timedelta(days=days), flight) is apart
    assert is_apart(flight - timedelta(days=days), flight) is apart
