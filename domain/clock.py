"""The one clock. In a rehearsal "today" is a chosen date; the time of day is always real."""

from datetime import UTC, date, datetime, timedelta

_ahead = timedelta()


def rehearse(on: date | None) -> None:
    """Move today to a date, or with None back to the real day. The clock then runs on from there."""
    global _ahead
    _ahead = timedelta() if on is None else on - datetime.now(UTC).date()


def now() -> datetime:
    """The current moment: aware, UTC."""
    return datetime.now(UTC) + _ahead


def real_now() -> datetime:
    """The current moment whatever day is rehearsed: for what people and their devices wait for."""
    return datetime.now(UTC)


def today() -> date:
    """The current day in UTC."""
    return now().date()
