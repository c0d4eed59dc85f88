"""The one clock and its rehearsal date."""

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
import time_machine

from domain import clock

REAL = datetime(2026, 11, 23, 17, 45, 12, 345678, tzinfo=UTC)


@pytest.fixture(autouse=True)
def real_time() -> Iterator[time_machine.Traveller]:
    """The real time stands still at REAL."""
    with time_machine.travel(REAL, tick=False) as traveller:
        yield traveller
    clock.rehearse(None)


def test_clock_moves_today_to_the_rehearsal_date():
    clock.rehearse(date(2017, 4, 10))

    assert clock.today() == date(2017, 4, 10)


def test_clock_keeps_the_time_of_day_in_a_rehearsal():
    clock.rehearse(date(2017, 4, 10))

    assert clock.now() == datetime(2017, 4, 10, 17, 45, 12, 345678, tzinfo=UTC)


def test_clock_runs_on_in_a_rehearsal(real_time):
    clock.rehearse(date(2017, 4, 10))

    real_time.shift(7 * 3600)

    assert clock.now() == datetime(2017, 4, 11, 0, 45, 12, 345678, tzinfo=UTC)
    assert clock.today() == date(2017, 4, 11)


def test_clock_returns_to_the_real_time_without_a_rehearsal_date():
    clock.rehearse(date(2017, 4, 10))

    clock.rehearse(None)

    assert clock.now() == REAL
    assert clock.now().tzinfo is UTC
