"""The daily round: the mails that the hour brings about, and nobody's doing, each of them once.

Reminders go to delegates whose flights are missing; the digest tells organisers numbers, and never of anybody.
"""

import logging
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from peewee import ModelSelect, Value, fn

from db import write
from domain import clock, mailroom, organisers, outbox
from domain.answers import ascii_address
from domain.conference import Conference
from domain.desk import Desk
from domain.mail import compose, write_mail
from domain.outbox import DAY
from domain.roster import LISTED
from models import ACTIVE, AuditEntry, Mail, Organiser, Registration

MOST = 50  # mails that one call writes
MISSING = ("", "later")  # as Registration.travel has it: not asked for then, and to be told later
CHANGES = (
    "registration.changed",
    "registration.address_changed",
    "registration.consent_withdrawn",
    "registration.restored",
)

log = logging.getLogger("convoke.daily")
_complete: dict[str, date] = {}  # by kind of mail, the day of which this process knows that all are written


def write_due(desk: Desk) -> bool:
    """Write some of the mails that are owed by now, and say whether there were any.

    Several workers may do so at once. Where nothing is owed it asks the database once for each day, and then nothing.
    """
    rounds = (
        ("reminder", reminder_due(desk.conference), write_reminders),
        ("digest", digest_due(desk.conference), write_digests),
    )
    for kind, day, write_some in rounds:
        if day is None or _complete.get(kind) == day:
            continue
        if count := write_some(day, desk):
            log.info("daily.written", extra={"kind": kind, "mails": count})
            return True
        _complete[kind] = day
    return False


def round_at(day: date, conference: Conference) -> datetime:
    """When the round of a day begins. An hour that the clocks skip that day is the one after it."""
    hour = time(conference.daily_round.hour)
    return datetime.combine(day, hour, ZoneInfo(conference.time_zone)).astimezone(UTC)


def today(conference: Conference) -> date:
    """The day that it is where the conference takes place."""
    return clock.now().astimezone(ZoneInfo(conference.time_zone)).date()


def reminder_due(conference: Conference, *, at_any_hour: bool = False) -> date | None:
    """The day whose reminders are owed: the latest one whose hour has come, until the conference starts."""
    if not conference.asks_for_flights or today(conference) >= conference.starts_on:
        return None
    past = [
        day
        for day in conference.daily_round.reminders
        if (day <= today(conference) if at_any_hour else round_at(day, conference) <= clock.now())
    ]
    return past[-1] if past else None


def owed_reminders(day: date, conference: Conference) -> "ModelSelect[Registration]":
    """Who registered before the hour of a day, has not told the flights, and has no reminder of that day yet."""
    return (
        Registration.select(*LISTED)
        .where(
            Registration.state.in_(ACTIVE),
            Registration.travel.in_(MISSING),
            Registration.created_at < round_at(day, conference),
            ~is_written(Value(f"reminder:{day}:").concat(Registration.public_id)),
        )
        .order_by(Registration.id)
    )


def is_written(once: Any) -> Any:
    return fn.EXISTS(Mail.select(Mail.id).where(Mail.once == once))


def write_reminders(day: date, desk: Desk) -> int:
    """Write the next reminders of a day; returns how many, and 0 only when no more are owed."""
    while rows := list(owed_reminders(day, desk.conference).limit(MOST)):
        mails = []
        for row in rows:
            once = f"reminder:{day}:{row.public_id}"
            mails.append((row, once, compose("reminder", row, once=once, desk=desk)))
        with write():
            count = sum(
                outbox.enqueue(message, kind="reminder", registration=row, once=once)
                for row, once, message in mails
            )
        if count:  # otherwise somebody else has just written these, and there may be more
            return count
    return 0


def digest_due(conference: Conference) -> date | None:
    """The day whose digest is owed: that of the latest hour alone, however many have been missed."""
    day = today(conference)
    if clock.now() < round_at(day, conference):
        day -= DAY
    is_within = conference.announced_on < day <= conference.ends_on + DAY
    return day if conference.daily_round.digest and is_within else None


def write_digests(day: date, desk: Desk) -> int:
    """Write the digest of a day to the next organisers, if there is something to tell; returns to how many,
    and 0 only when no more are owed.
    """
    since, until = round_at(day - DAY, desk.conference), round_at(day, desk.conference)
    while to_whom := list(owed_digests(day, until).limit(MOST)):
        news, totals, troubles = news_between(since, until), totals_now(), mail_troubles()
        if not any((news | troubles).values()):
            break
        facts = {"day": day, "since": since, "until": until, "numbers": news | totals | troubles}
        if count := _write_digest_to(to_whom, facts, desk):
            return count
    return 0


def _write_digest_to(to_whom: list[Organiser], facts: dict[str, Any], desk: Desk) -> int:
    mails = []
    for organiser in to_whom:
        once, to = f"digest:{facts['day']}:{organiser.id}", ascii_address(organiser.email)
        message = write_mail(
            "digest",
            to=to,
            lang=organiser.language,
            once=once,
            desk=desk,
            list_page=desk.list_page(),
            **facts,
        )
        mails.append((once, message))
    with write():
        return sum(
            outbox.enqueue(message, kind="digest", registration=None, once=once) for once, message in mails
        )


def owed_digests(day: date, until: datetime) -> "ModelSelect[Organiser]":
    """Who could sign in as an organiser at that hour and has no digest of that day yet."""
    once = Value(f"digest:{day}:").concat(Organiser.id.cast("TEXT"))
    enrolled = organisers.enrolled().where(Organiser.created_at < until, ~is_written(once))
    return enrolled.order_by(Organiser.id)


def news_between(since: datetime, until: datetime) -> dict[str, int]:
    """How many registrations were received, confirmed, changed, cancelled and erased from one moment to another."""

    def having(*actions: str) -> int:
        within = AuditEntry.action.in_(actions), AuditEntry.at >= since, AuditEntry.at < until
        return AuditEntry.select(AuditEntry.registration).where(*within).distinct().count()

    # A delegate who changes something confirms by that, which has no entry of its own.
    confirmed = Registration.select().where(
        Registration.confirmed_at >= since, Registration.confirmed_at < until
    )
    return {
        "received": having("registration.received"),
        "newly_confirmed": confirmed.count(),
        "changed": having(*CHANGES),
        "cancelled": having("registration.cancelled"),
        "erased": having("registration.erased"),
    }


def totals_now() -> dict[str, int]:
    """How many registrations there are, without the cancelled ones, and what is still to be done for them."""
    active = Registration.select().where(Registration.state.in_(ACTIVE))
    return {
        "active": active.count(),
        "confirmed": active.where(Registration.state == "confirmed").count(),
        "visa_letters": active.where(Registration.visa_state.in_(("requested", "in_preparation"))).count(),
        "flights": active.where(Registration.travel.in_(MISSING)).count(),
    }


def mail_troubles() -> dict[str, int]:
    return {"failed": mailroom.unreached(), "waiting": outbox.stuck()}
