"""The daily round: who is reminded of what, and when; what organisers are told; and nothing twice."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from db import db
from domain import daily, organisers, outbox
from domain.daily import round_at, write_due
from domain.desk import Desk
from domain.mail import compose, write_mail
from domain.registration import cancel, confirm, erase, restore
from domain.worker import Worker
from models import AuditEntry, Mail, Organiser, Registration

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
FIRST = date(2017, 5, 11)
# Eight o'clock in Ulaanbaatar is midnight in UTC, all year since 2017.
AT_FIRST, AT_SECOND = datetime(2017, 5, 11, tzinfo=UTC), datetime(2017, 5, 18, tzinfo=UTC)
STARTS = datetime(2017, 5, 24, 16, tzinfo=UTC)  # midnight there


@pytest.fixture(autouse=True)
def fresh_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that has not looked yet."""
    monkeypatch.setattr(daily, "_complete", {})


@pytest.fixture
def restart(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    return lambda: monkeypatch.setattr(daily, "_complete", {})


@pytest.fixture
def quiet_desk(desk: Desk) -> Desk:
    """A desk of a conference that wants no digest."""
    return at(desk, digest=False)


def at(desk: Desk, *, facts: dict[str, Any] | None = None, **given: Any) -> Desk:
    """The desk of a conference with another round, or with other facts."""
    daily_round = desk.conference.daily_round.model_copy(update=given)
    changes = {"daily_round": daily_round} | (facts or {})
    return replace(desk, conference=desk.conference.model_copy(update=changes))


def write_all(desk: Desk) -> int:
    """Let the worker call until there is nothing to write; returns how often there was."""
    return sum(iter(lambda: write_due(desk), False))


def mailed(kind: str) -> list[str]:
    """To whom mails of a kind were written, in order."""
    return [mail.recipient for mail in Mail.select().where(Mail.kind == kind).order_by(Mail.id)]


def organise(email: str = "cem@example.org", *, lang: str = "en", at: datetime | None = None) -> Organiser:
    created_at = at or datetime(2017, 4, 1, tzinfo=UTC)
    return Organiser.create(email=email, password_hash="", language=lang, created_at=created_at)


def log(action: str, when: datetime, registration: Registration) -> None:
    AuditEntry.create(at=when, action=f"registration.{action}", registration=registration)


def queries_of(call: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> int:
    queries: list[Any] = []
    with monkeypatch.context() as watched:
        watched.setattr(db.obj, "query_hooks", [queries.append])
        call()
    return len(queries)


# The hour


@pytest.mark.parametrize(
    ("zone", "hour", "day", "moment"),
    [
        ("Asia/Ulaanbaatar", 8, FIRST, AT_FIRST),
        ("Asia/Ulaanbaatar", 0, FIRST, datetime(2017, 5, 10, 16, tzinfo=UTC)),
        ("Europe/Lisbon", 9, date(2018, 3, 24), datetime(2018, 3, 24, 9, tzinfo=UTC)),
        ("Europe/Lisbon", 9, date(2018, 3, 25), datetime(2018, 3, 25, 8, tzinfo=UTC)),
        (
            "Europe/Lisbon",
            1,
            date(2018, 3, 25),
            datetime(2018, 3, 25, 1, tzinfo=UTC),
        ),  # there is no 1 o'clock
        ("Europe/Lisbon", 1, date(2018, 10, 28), datetime(2018, 10, 28, 0, tzinfo=UTC)),  # there are two
        ("America/Sao_Paulo", 0, date(2017, 10, 15), datetime(2017, 10, 15, 3, tzinfo=UTC)),  # no midnight
    ],
)
def test_round_begins_at_the_hour_of_the_conference(desk, zone, hour, day, moment):
    conference = at(desk, hour=hour, facts={"time_zone": zone}).conference

    assert round_at(day, conference) == moment


@pytest.mark.parametrize(("zone", "hour"), [("Europe/Lisbon", 1), ("Europe/Lisbon", 9)])
def test_each_day_has_one_round_when_the_clocks_change(desk, noon, zone, hour):
    facts = {"time_zone": zone, "announced_on": date(2018, 3, 1), "ends_on": date(2018, 11, 30)}
    conference = at(desk, hour=hour, facts=facts).conference

    for start in (datetime(2018, 3, 23, tzinfo=UTC), datetime(2018, 10, 26, tzinfo=UTC)):
        days = []
        for quarters in range(4 * 24 * 5):
            noon.move_to(start + timedelta(minutes=15) * quarters)
            days.append(daily.digest_due(conference))
        assert days == sorted(days)
        assert sorted(set(days)) == [
            days[0] + DAY * number for number in range((days[-1] - days[0]).days + 1)
        ]
        assert {days.count(day) for day in sorted(set(days))[1:-1]} <= {23 * 4, 24 * 4, 25 * 4}


# Reminders


def test_reminders_are_written_at_the_hour_and_once(listed, noon, quiet_desk):
    ada = listed(email="ada@example.org")
    noon.move_to(AT_FIRST - SECOND)
    assert not write_due(quiet_desk)
    assert mailed("reminder") == []

    noon.move_to(AT_FIRST)

    assert write_due(quiet_desk)
    assert not write_due(quiet_desk)
    mail = Mail.get()
    assert (mail.kind, mail.recipient, mail.language) == ("reminder", "ada@example.org", "en")
    assert (mail.registration, mail.once) == (ada, f"reminder:2017-05-11:{ada.public_id}")


def test_reminders_are_not_written_again_by_a_process_that_has_just_begun(listed, noon, quiet_desk, restart):
    listed()
    noon.move_to(AT_FIRST)
    write_all(quiet_desk)

    restart()

    assert not write_due(quiet_desk)
    assert Mail.select().count() == 1


def test_workers_that_write_at_once_write_each_reminder_once(listed, noon, quiet_desk, together):
    people = [listed() for _ in range(60)]
    noon.move_to(AT_FIRST)

    together(*[lambda: write_all(quiet_desk) for _ in range(3)])

    assert sorted(mailed("reminder")) == sorted(row.email for row in people)


def test_reminders_that_another_worker_has_just_written_are_not_counted(
    listed, noon, quiet_desk, monkeypatch
):
    for _ in range(60):
        listed()
    noon.move_to(AT_FIRST)
    by_another = []

    def compose_late(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(daily, "compose", compose)
        by_another.append(daily.write_reminders(AT_FIRST.date(), quiet_desk))
        return compose(*given, **named)

    monkeypatch.setattr(daily, "compose", compose_late)
    ours = daily.write_reminders(AT_FIRST.date(), quiet_desk)

    assert (by_another, ours) == ([50], 10)


def test_reminders_are_written_fifty_at_a_time(listed, noon, quiet_desk):
    for _ in range(120):
        listed()
    noon.move_to(AT_FIRST)
    counts = []

    while write_due(quiet_desk):
        counts.append(Mail.select().count())

    assert counts == [50, 100, 120]


def test_reminders_that_were_missed_are_made_up_for(listed, noon, quiet_desk):
    listed(email="ada@example.org")
    noon.move_to(AT_FIRST + 30 * HOUR)

    assert write_all(quiet_desk) == 1
    assert mailed("reminder") == ["ada@example.org"]


def test_reminders_go_on_where_they_were_broken_off(listed, noon, quiet_desk, restart):
    for _ in range(70):
        listed()
    noon.move_to(AT_FIRST)
    write_due(quiet_desk)
    restart()
    noon.move_to(AT_SECOND - SECOND)

    write_all(quiet_desk)

    assert len(set(mailed("reminder"))) == len(mailed("reminder")) == 70


def test_reminders_of_a_day_are_not_made_up_for_after_the_next(listed, noon, quiet_desk):
    ada = listed()
    noon.move_to(AT_SECOND)

    write_all(quiet_desk)

    assert [mail.once for mail in Mail.select()] == [f"reminder:2017-05-18:{ada.public_id}"]


def test_next_reminder_is_another_one(listed, noon, quiet_desk):
    listed()
    for moment in (AT_FIRST, AT_SECOND):
        noon.move_to(moment)
        write_all(quiet_desk)

    assert len(mailed("reminder")) == 2


@pytest.mark.parametrize(("moment", "count"), [(STARTS - SECOND, 1), (STARTS, 0), (STARTS + DAY, 0)])
def test_reminders_end_when_the_conference_starts(listed, noon, quiet_desk, moment, count):
    listed()
    noon.move_to(moment)

    write_all(quiet_desk)

    assert len(mailed("reminder")) == count


@pytest.mark.parametrize(
    ("columns", "is_reminded"),
    [
        ({}, True),
        ({"state": "confirmed"}, True),
        ({"travel": ""}, True),
        ({"travel": "known"}, False),
        ({"travel": "none"}, False),
        ({"state": "cancelled"}, False),
        ({"state": "erased"}, False),
        ({"created_at": AT_FIRST - SECOND}, True),
        ({"created_at": AT_FIRST}, False),
    ],
    ids=str,
)
def test_reminder_goes_to_whoever_registered_before_the_hour_and_lacks_flights(
    listed, noon, quiet_desk, columns, is_reminded
):
    listed(columns=columns)
    noon.move_to(AT_FIRST + HOUR)

    write_all(quiet_desk)

    assert len(mailed("reminder")) == is_reminded


def test_reminder_is_not_written_to_whoever_erased_in_between(listed, noon, quiet_desk, monkeypatch):
    ada = listed()
    noon.move_to(AT_FIRST)

    def compose_and_erase(*given: Any, **named: Any) -> Any:
        message = compose(*given, **named)
        erase(Registration.get_by_id(ada.id), is_blocking=False, desk=quiet_desk)
        return message

    monkeypatch.setattr(daily, "compose", compose_and_erase)
    write_due(quiet_desk)

    assert mailed("reminder") == []
    assert not write_due(quiet_desk)


@pytest.mark.parametrize("left_out", ["journey", "travel"])
def test_conference_that_does_not_ask_for_flights_does_not_remind(listed, noon, quiet_desk, left_out):
    listed(travel="")
    noon.move_to(AT_FIRST)

    write_all(at(quiet_desk, facts={"leave_out": [left_out]}))

    assert mailed("reminder") == []


def test_conference_without_reminders_writes_none(listed, noon, quiet_desk):
    listed()
    noon.move_to(AT_SECOND)

    write_all(at(quiet_desk, reminders=[]))

    assert Mail.select().count() == 0


def test_reminder_needs_none_of_the_keys_of_the_sensitive_answers(listed, noon, quiet_desk):
    ada = listed(mobile="+976 99 112233")
    db.execute_sql(f"UPDATE registration SET mobile = 'of a lost key' WHERE id = {ada.id}")
    noon.move_to(AT_FIRST)

    assert write_due(quiet_desk)


def test_clock_that_is_set_back_repeats_no_reminder(listed, noon, quiet_desk):
    listed()
    for moment in (AT_FIRST, AT_SECOND, AT_FIRST + HOUR, AT_SECOND + HOUR):
        noon.move_to(moment)
        write_all(quiet_desk)

    assert len(mailed("reminder")) == 2


# The digest


def numbers(day: date, desk: Desk) -> dict[str, int]:
    since, until = round_at(day - DAY, desk.conference), round_at(day, desk.conference)
    return daily.news_between(since, until) | daily.totals_now() | daily.mail_troubles()


TODAY = date(2017, 4, 12)
AT_TODAY = datetime(2017, 4, 12, tzinfo=UTC)


def test_digest_goes_to_every_organiser_in_their_language_at_the_hour_and_once(stored, noon, desk):
    cem, bo = organise(lang="es"), organise("bo@example.org", lang="fr")
    stored()
    Mail.delete().execute()
    noon.move_to(AT_TODAY - DAY - SECOND)
    assert not write_due(desk)

    noon.move_to(AT_TODAY - DAY)

    assert write_all(desk) == 1
    assert [
        (mail.kind, mail.recipient, mail.language, mail.once, mail.registration)
        for mail in Mail.select().order_by(Mail.id)
    ] == [
        ("digest", "cem@example.org", "es", f"digest:2017-04-11:{cem.id}", None),
        ("digest", "bo@example.org", "fr", f"digest:2017-04-11:{bo.id}", None),
    ]


def test_digest_is_not_written_again_by_a_process_that_has_just_begun(stored, noon, desk, restart):
    organise()
    stored()
    noon.move_to(AT_TODAY - DAY)
    write_all(desk)

    restart()

    assert not write_due(desk)
    assert mailed("digest") == ["cem@example.org"]


def test_workers_that_write_at_once_write_each_digest_once(stored, noon, desk, together):
    for number in range(5):
        organise(f"cem{number}@example.org")
    stored()
    noon.move_to(AT_TODAY - DAY)

    together(*[lambda: write_all(desk) for _ in range(3)])

    assert mailed("digest") == [f"cem{number}@example.org" for number in range(5)]


def test_digests_that_another_worker_has_just_written_are_not_counted(stored, noon, desk, monkeypatch):
    organise()
    stored()
    noon.move_to(AT_TODAY - DAY)
    day, by_another = (AT_TODAY - DAY).date(), []

    def write_late(*given: Any, **named: Any) -> Any:
        monkeypatch.setattr(daily, "write_mail", write_mail)
        by_another.append(daily.write_digests(day, desk))
        return write_mail(*given, **named)

    monkeypatch.setattr(daily, "write_mail", write_late)
    ours = daily.write_digests(day, desk)

    assert (by_another, ours) == ([1], 0)


def test_conference_may_do_without_the_digest(stored, noon, quiet_desk):
    organise()
    stored()
    noon.move_to(AT_TODAY - DAY)

    assert not write_due(quiet_desk)


@pytest.mark.parametrize(
    ("moment", "is_written"),
    [
        (datetime(2017, 4, 6, tzinfo=UTC) - SECOND, False),
        (datetime(2017, 4, 6, tzinfo=UTC), True),
        (datetime(2017, 5, 27, tzinfo=UTC), True),
        (datetime(2017, 5, 28, tzinfo=UTC) - SECOND, True),
        (datetime(2017, 5, 28, tzinfo=UTC), False),
        (datetime(2017, 6, 28, tzinfo=UTC), False),
    ],
    ids=str,
)
def test_digest_is_written_from_the_day_after_the_invitation_to_the_day_after_the_end(
    listed, noon, desk, moment, is_written
):
    organise()
    log("received", moment.replace(hour=0, minute=0, second=0) - HOUR, listed(travel="known"))
    noon.move_to(moment)

    assert write_due(desk) is is_written


@pytest.mark.parametrize(
    ("when", "is_within"),
    [
        (AT_TODAY - DAY - SECOND, False),
        (AT_TODAY - DAY, True),
        (AT_TODAY - SECOND, True),
        (AT_TODAY, False),
    ],
)
@pytest.mark.parametrize(
    ("action", "name"),
    [
        ("received", "received"),
        ("changed", "changed"),
        ("address_changed", "changed"),
        ("consent_withdrawn", "changed"),
        ("restored", "changed"),
        ("cancelled", "cancelled"),
        ("erased", "erased"),
    ],
)
def test_digest_counts_what_happened_from_one_hour_to_the_next(
    listed, noon, desk, action, name, when, is_within
):
    organise()
    log(action, when, listed())
    noon.move_to(AT_TODAY + HOUR)

    names = ("received", "newly_confirmed", "changed", "cancelled", "erased")
    expected = [int(one == name and is_within) for one in names]
    assert [numbers(TODAY, desk)[one] for one in names] == expected
    assert write_due(desk) is is_within


@pytest.mark.parametrize(
    ("when", "is_within"),
    [(AT_TODAY - DAY - SECOND, 0), (AT_TODAY - DAY, 1), (AT_TODAY - SECOND, 1), (AT_TODAY, 0)],
)
def test_digest_counts_whose_address_was_confirmed(listed, noon, desk, when, is_within):
    organise()
    listed(columns={"state": "confirmed", "confirmed_at": when})
    noon.move_to(AT_TODAY)

    assert numbers(TODAY, desk)["newly_confirmed"] == is_within
    assert write_due(desk) is bool(is_within)


def test_digest_counts_a_registration_that_was_changed_twice_once(listed, noon, desk):
    ada = listed()
    for action in ("changed", "changed", "address_changed"):
        log(action, AT_TODAY - HOUR, ada)
    log("changed", AT_TODAY - HOUR, listed())

    assert numbers(TODAY, desk)["changed"] == 2


def test_digest_counts_what_people_did(stored, change, noon, desk):
    people = [stored(email=f"delegate{number}@example.org", key=str(number)) for number in range(6)]
    confirm(people[0])
    change(people[1], function="President")
    for row in people[2:4]:
        cancel(row, "", desk=desk)
    restore(people[3], desk=desk)
    erase(people[4], is_blocking=False, desk=desk)

    found = numbers(date(2017, 4, 11), desk)

    assert found == {
        "received": 6, "newly_confirmed": 5, "changed": 2, "cancelled": 2, "erased": 1,
        "active": 4, "confirmed": 3, "visa_letters": 0, "flights": 4, "failed": 0, "waiting": 0,
    }  # fmt: skip


def test_digest_counts_what_is_still_to_be_done(listed, noon, desk):
    for visa_state in ("none", "requested", "in_preparation", "sent"):
        listed(columns={"visa_state": visa_state, "travel": "known"})
    for travel in ("", "later", "none"):
        listed(columns={"travel": travel, "state": "confirmed"})
    listed(columns={"state": "cancelled", "visa_state": "requested", "travel": "later"})
    listed(columns={"state": "erased", "visa_state": "requested", "travel": "later"})

    assert daily.totals_now() == {"active": 7, "confirmed": 3, "visa_letters": 2, "flights": 2}


@pytest.mark.parametrize(
    ("columns", "age", "troubles"),
    [
        ({"state": "failed", "error": "550"}, DAY, {"failed": 1, "waiting": 0}),
        ({"error": "connection refused"}, HOUR + SECOND, {"failed": 0, "waiting": 1}),
        ({"error": "connection refused"}, HOUR, {"failed": 0, "waiting": 0}),
        ({"state": "retrying", "error": "451"}, HOUR + SECOND, {"failed": 0, "waiting": 1}),
        ({"error": ""}, DAY, {"failed": 0, "waiting": 0}),
        ({"error": outbox.DAILY_LIMIT}, DAY, {"failed": 0, "waiting": 0}),
        ({"state": "accepted"}, DAY, {"failed": 0, "waiting": 0}),
    ],
    ids=str,
)
def test_digest_tells_of_mails_that_did_not_go_out(stored, noon, desk, columns, age, troubles):
    organise()
    stored()
    noon.move_to(AT_TODAY)
    Mail.update(created_at=AT_TODAY - age, **columns).execute()

    assert daily.mail_troubles() == troubles
    assert write_due(desk) is any(troubles.values())


def test_digest_is_silent_when_nothing_happened(stored, noon, desk):
    organise()
    stored()
    noon.move_to(AT_TODAY)

    assert not write_due(desk)
    assert mailed("digest") == []


def test_digest_of_yesterday_is_not_made_up_for(stored, noon, desk):
    organise()
    stored()
    noon.move_to(AT_TODAY + HOUR)
    log("changed", AT_TODAY - HOUR, Registration.get())

    write_all(desk)

    assert [mail.once.rpartition(":")[0] for mail in Mail.select().where(Mail.kind == "digest")] == [
        "digest:2017-04-12"
    ]


def test_digest_does_not_go_to_an_organiser_who_was_removed(stored, noon, desk):
    stored()
    organise("old@example.org")
    organise("cem@example.org")
    organisers.remove("old@example.org")
    noon.move_to(AT_TODAY - DAY)

    write_all(desk)

    assert mailed("digest") == ["cem@example.org"]


def test_digest_does_not_go_to_an_address_that_was_only_invited(stored, noon, desk):
    stored()
    organise("typo@example.net")
    Organiser.update(password_hash=organisers.INVITED).execute()
    organise("cem@example.org")
    noon.move_to(AT_TODAY - DAY)

    write_all(desk)

    assert mailed("digest") == ["cem@example.org"]


def test_digest_goes_to_whoever_was_an_organiser_at_the_hour(stored, noon, desk, restart):
    stored()
    organise("old@example.org", at=AT_TODAY - DAY - SECOND)
    organise("new@example.org", at=AT_TODAY - DAY)
    noon.move_to(AT_TODAY - DAY + HOUR)
    write_all(desk)
    restart()
    assert not write_due(desk)
    assert mailed("digest") == ["old@example.org"]

    log("changed", AT_TODAY - HOUR, Registration.get())
    noon.move_to(AT_TODAY)
    write_all(desk)

    assert mailed("digest") == ["old@example.org", "old@example.org", "new@example.org"]


def test_digests_are_written_fifty_at_a_time(stored, noon, desk):
    for number in range(70):
        organise(f"cem{number}@example.org")
    stored()
    noon.move_to(AT_TODAY - DAY)

    assert write_all(desk) == 2
    assert len(set(mailed("digest"))) == len(mailed("digest")) == 70


# The worker


def test_worker_writes_what_is_due_and_sends_it(listed, noon, desk, make_settings):
    organise()
    for _ in range(60):
        log("received", AT_FIRST - HOUR, listed())
    noon.move_to(AT_FIRST)
    worker = Worker(make_settings(), desk)

    worker.attempt(worker.send_all)

    assert outbox.backlog() == {"accepted": 61}
    assert (len(mailed("reminder")), mailed("digest")) == (60, ["cem@example.org"])


# At rest


@pytest.mark.parametrize("moment", [AT_FIRST - HOUR, AT_FIRST, STARTS, STARTS + 30 * DAY], ids=str)
def test_round_that_is_complete_asks_the_database_nothing(listed, noon, desk, moment, monkeypatch):
    organise()
    for _ in range(3):
        log("received", moment - HOUR, listed())
    noon.move_to(moment)
    write_all(desk)

    noon.shift(SECOND)

    assert queries_of(lambda: write_due(desk), monkeypatch) == 0


def test_last_look_takes_the_same_queries_however_many_there_are(listed, noon, desk, monkeypatch, restart):
    noon.move_to(AT_FIRST)
    counts = []
    for _ in range(3):
        organise(f"cem{len(counts)}@example.org")
        log("received", AT_FIRST - HOUR, listed())
        write_all(desk)
        restart()
        counts.append(queries_of(lambda: write_due(desk), monkeypatch))
        restart()

    assert 0 < counts[0] == counts[1] == counts[2] <= 5
