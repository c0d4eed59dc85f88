"""Bulk actions: exactly those for whom there is something to do, exactly as many as agreed to, and taken back."""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from factories import SENSITIVE_PARTS, STAY

from domain import batches, daily, marks, roster
from domain.announcements import NumberChanged
from domain.batches import KINDS, TooLate
from domain.desk import Desk
from domain.registration import cancel, confirm, erase
from models import AuditEntry, Batch, Mail, Organiser, Registration

HOUR = timedelta(hours=1)
EVERYBODY = roster.Query()


@pytest.fixture
def cem(database: None, noon) -> Organiser:
    return Organiser.create(email="cem@example.org", password_hash="", roles="admin", created_at="2017-04-01")


@pytest.fixture
def crowd(noon, stored) -> dict[str, Registration]:
    """ada asked for everything and is confirmed, bo for nothing, eve asked and cancelled, zoe asked and is sent."""
    rows = {
        name: stored(
            key=name,
            email=f"{name}@example.org",
            given_names=name.title(),
            **({} if name == "bo" else SENSITIVE_PARTS),
        )
        for name in ("ada", "bo", "eve", "zoe")
    }
    given = {
        "ada": {"state": "confirmed"},
        "eve": {"state": "cancelled"},
        "zoe": {"visa_state": "sent", "is_hotel_booked": True, "is_travel_checked": True},
    }
    for name, columns in given.items():
        Registration.update(columns).where(Registration.id == rows[name].id).execute()
    return rows


@pytest.fixture
def do(cem, desk: Desk) -> Callable[..., Batch]:
    def do(kind: str, number: int, references: list[str] | None = None, **query: Any) -> Batch:
        among = batches.chosen(replace(EVERYBODY, **query), references)
        return batches.perform(kind, among, number=number, organiser=cem, desk=desk)

    return do


def fresh(row: Registration) -> Registration:
    return Registration.get_by_id(row.id)


def values() -> dict[str, tuple[str, str, bool, bool]]:
    return {
        row.given_names: (row.state, row.visa_state, row.is_hotel_booked, row.is_travel_checked)
        for row in Registration.select()
    }


def versions() -> list[tuple[Any, ...]]:
    columns = (Registration.sequence, Registration.updated_at)
    return list(Registration.select(*columns).order_by(Registration.id).tuples())


UNTOUCHED = {
    "Ada": ("confirmed", "requested", False, False),
    "Bo": ("received", "none", False, False),
    "Eve": ("cancelled", "requested", False, False),
    "Zoe": ("received", "sent", True, True),
}
MARKED = {
    "letter_in_preparation": {"Ada": ("confirmed", "in_preparation", False, False)},
    "letter_sent": {"Ada": ("confirmed", "sent", False, False)},
    "hotel_booked": {"Ada": ("confirmed", "requested", True, False)},
    "travel_checked": {"Ada": ("confirmed", "requested", False, True)},
    "confirmation": {
        "Bo": ("confirmed", "none", False, False),
        "Zoe": ("confirmed", "sent", True, True),
    },
}


@pytest.mark.parametrize("kind", MARKED)
def test_bulk_action_changes_those_for_whom_there_is_something_to_do(crowd, do, desk, kind):
    ahead = batches.preview(kind, batches.chosen(EVERYBODY, None), desk)

    batch = do(kind, len(MARKED[kind]))

    assert (ahead.total, ahead.number, ahead.names) == (
        4,
        len(MARKED[kind]),
        [f"{name} Lovelace" for name in MARKED[kind]],
    )
    assert values() == UNTOUCHED | MARKED[kind]
    assert batches.number_of(batch) == len(MARKED[kind])


@pytest.mark.parametrize("kind", MARKED)
def test_bulk_action_writes_no_mail_and_disturbs_no_window(crowd, do, kind):
    before = versions()
    mails = Mail.select().count()

    do(kind, len(MARKED[kind]))

    assert versions() == before
    assert Mail.select().count() == mails


@pytest.mark.parametrize("kind", MARKED)
def test_log_has_an_entry_for_each_and_one_for_all(crowd, do, cem, kind):
    last = AuditEntry.select().order_by(AuditEntry.id.desc()).get().id

    batch = do(kind, len(MARKED[kind]))

    *each, whole = AuditEntry.select().where(AuditEntry.id > last).order_by(AuditEntry.id)
    assert [(entry.action, entry.registration.given_names, entry.organiser) for entry in each] == [
        (KINDS[kind].action, name, cem) for name in MARKED[kind]
    ]
    assert {entry.details["after"] for entry in each} == {batches.in_word(KINDS[kind].after)}
    assert (whole.action, whole.organiser, whole.registration) == ("batch.done", cem, None)
    assert whole.details == {"batch": batch.id, "bulk": kind, "rows": len(MARKED[kind])}


@pytest.mark.parametrize("kind", MARKED)
def test_undoing_gives_back_exactly_what_there_was(crowd, do, cem, kind):
    before = {row.id: row.__data__ for row in Registration.select()}
    batch = do(kind, len(MARKED[kind]))

    batches.undo(batch, organiser=cem)

    after = {row.id: row.__data__ for row in Registration.select()}
    assert after == before
    stored = batches.find(batch.id)
    assert (stored.put_back, stored.undone_at is None) == (len(MARKED[kind]), False)
    *_, last, whole = AuditEntry.select().order_by(AuditEntry.id)
    assert last.details["before"] == batches.in_word(KINDS[kind].after)
    assert (whole.action, whole.details["rows"]) == ("batch.undone", len(MARKED[kind]))


def test_undoing_gives_each_its_own_former_value(crowd, do, cem):
    Registration.update(visa_state="in_preparation").where(Registration.id == crowd["zoe"].id).execute()
    batch = do("letter_sent", 2)

    batches.undo(batch, organiser=cem)

    assert {name: state for name, (_, state, *_) in values().items()} == {
        "Ada": "requested", "Bo": "none", "Eve": "requested", "Zoe": "in_preparation",
    }  # fmt: skip


def spoil(row: Registration, how: str, desk, change) -> None:
    if how == "changed":
        change(row, stay=replace(STAY, room="single"))
    if how == "cancelled":
        cancel(row, "", desk=desk)
    if how == "erased":
        erase(row, is_blocking=False, desk=desk)


@pytest.mark.parametrize("how", ["changed", "cancelled", "erased"])
def test_undoing_leaves_what_has_changed_since(crowd, do, cem, desk, change, how):
    Registration.update(is_hotel_booked=False).execute()
    batch = do("hotel_booked", 2)
    spoil(fresh(crowd["ada"]), how, desk, change)
    before = fresh(crowd["ada"]).__data__

    batches.undo(batch, organiser=cem)

    assert fresh(crowd["ada"]).__data__ == before
    assert not fresh(crowd["zoe"]).is_hotel_booked
    assert batches.find(batch.id).put_back == 1


def test_undoing_leaves_the_mark_that_an_organiser_set_to_another_value(crowd, do, cem):
    batch = do("letter_in_preparation", 1)
    row = fresh(crowd["ada"])
    marks.put(row, "visa", "sent", former="in_preparation", sequence=row.sequence, organiser=cem)

    batches.undo(batch, organiser=cem)

    assert fresh(crowd["ada"]).visa_state == "sent"
    assert batches.find(batch.id).put_back == 0


def test_undoing_leaves_those_confirmed_who_have_confirmed_by_a_change(crowd, do, cem, change, noon):
    batch = do("confirmation", 2)
    noon.shift(HOUR)
    change(fresh(crowd["bo"]), function="Treasurer")

    batches.undo(batch, organiser=cem)

    assert {name: state for name, (state, *_) in values().items()}["Bo"] == "confirmed"
    assert fresh(crowd["zoe"]).state == "received"
    assert fresh(crowd["zoe"]).confirmed_at is None


def test_confirmation_is_of_now_and_a_delegate_who_comes_later_does_not_change_it(crowd, do, noon):
    do("confirmation", 2)
    confirmed_at = fresh(crowd["bo"]).confirmed_at
    noon.shift(HOUR)

    confirm(fresh(crowd["bo"]))

    assert fresh(crowd["bo"]).confirmed_at == confirmed_at is not None


def test_bulk_action_is_undone_once(crowd, do, cem):
    batch = do("hotel_booked", 1)
    batches.undo(batch, organiser=cem)
    Registration.update(is_hotel_booked=True).execute()

    with pytest.raises(TooLate):
        batches.undo(batch, organiser=cem)

    assert fresh(crowd["ada"]).is_hotel_booked


@pytest.mark.parametrize(("hours", "is_in_time"), [(23, True), (24, False)])
def test_bulk_action_is_undone_within_a_day(crowd, do, cem, noon, hours, is_in_time):
    batch = do("hotel_booked", 1)
    noon.shift(hours * HOUR)

    assert batches.is_undoable(batch) == is_in_time
    if not is_in_time:
        with pytest.raises(TooLate):
            batches.undo(batch, organiser=cem)
    else:
        batches.undo(batch, organiser=cem)
    assert fresh(crowd["ada"]).is_hotel_booked != is_in_time


@pytest.mark.parametrize("number", [0, 2, -1])
def test_bulk_action_for_another_number_than_agreed_to_does_nothing(crowd, do, number):
    entries = AuditEntry.select().count()

    with pytest.raises(NumberChanged) as refused:
        do("hotel_booked", number)

    assert refused.value.actual == 1
    assert values() == UNTOUCHED
    assert (Batch.select().count(), AuditEntry.select().count()) == (0, entries)


def test_bulk_action_for_nobody_does_nothing(crowd, do):
    with pytest.raises(NumberChanged):
        do("hotel_booked", 0, references=[crowd["bo"].reference])

    assert Batch.select().count() == 0


def test_bulk_action_on_a_selection_leaves_the_others(crowd, do):
    Registration.update(is_hotel_booked=False).execute()
    chosen = [crowd[name].reference for name in ("zoe", "bo", "eve")]

    do("hotel_booked", 1, references=[*chosen, "OB17-2222-22"])

    assert values() == UNTOUCHED
    assert fresh(crowd["ada"]).is_hotel_booked is False


def test_bulk_action_on_all_that_match_leaves_the_others(crowd, do):
    Registration.update(is_hotel_booked=False).execute()

    do("hotel_booked", 1, q="zoe")

    assert values() == UNTOUCHED


def test_bulk_action_keeps_ids_and_nothing_of_the_person(crowd, do, desk, cem):
    batch = do("letter_sent", 1)

    assert Batch.select().dicts().get() == {
        "id": batch.id, "kind": "letter_sent", "organiser": cem.id, "changed": {"requested": [crowd["ada"].id]},
        "created_at": batch.created_at, "undone_at": None, "put_back": 0,
    }  # fmt: skip


# Reminders


@pytest.fixture
def without_flights(noon, stored) -> list[Registration]:
    return [
        stored(key=travel, email=f"{travel}@example.org", travel=travel)
        for travel in ("later", "none", "known")
    ]


def reminded() -> list[str]:
    return [mail.recipient for mail in Mail.select().where(Mail.kind == "reminder").order_by(Mail.id)]


def test_reminder_goes_to_those_alone_whose_flights_are_missing(without_flights, do, desk):
    batch = do("reminder", 1)

    assert reminded() == ["later@example.org"]
    assert batch.changed == {"later": [without_flights[0].id]}


@pytest.mark.parametrize("again", ["by an organiser", "by the round"])
def test_nobody_is_reminded_twice_on_a_day(without_flights, do, desk, noon, monkeypatch, again):
    noon.shift(24 * HOUR)
    today = daily.today(desk.conference)
    if again == "by the round":
        daily.write_reminders(today, desk)
    else:
        do("reminder", 1)
    assert reminded() == ["later@example.org"]

    with pytest.raises(NumberChanged):
        do("reminder", 1)
    daily.write_reminders(today, desk)

    assert reminded() == ["later@example.org"]
    noon.shift(24 * HOUR)
    do("reminder", 1)
    assert reminded() == ["later@example.org"] * 2


def test_nobody_is_reminded_who_has_cancelled(without_flights, do, desk):
    cancel(without_flights[0], "", desk=desk)

    with pytest.raises(NumberChanged):
        do("reminder", 1)

    assert reminded() == []


def test_nobody_is_reminded_once_the_conference_has_begun(without_flights, do, desk, noon):
    noon.move_to(desk.conference.closes_at.replace(month=5, day=25))

    with pytest.raises(NumberChanged):
        do("reminder", 1)


def test_reminders_are_limited(without_flights, do, stored, monkeypatch):
    stored(key="another", email="another@example.org", travel="later")
    monkeypatch.setattr(batches, "MOST_MAILS", 1)

    with pytest.raises(NumberChanged):
        do("reminder", 2)

    assert reminded() == []


def test_reminders_that_are_owed_only_after_they_were_composed_change_the_number(
    without_flights, do, monkeypatch
):
    monkeypatch.setattr(batches, "reminders", lambda *args, **kwargs: {})

    with pytest.raises(NumberChanged):
        do("reminder", 1)

    assert Batch.select().count() == 0


def test_reminder_cannot_be_undone(without_flights, do, cem):
    batch = do("reminder", 1)

    assert not batches.is_undoable(batch)
    with pytest.raises(TooLate):
        batches.undo(batch, organiser=cem)


def test_reminder_is_logged_for_each(without_flights, do, cem):
    do("reminder", 1)

    *_, entry, whole = AuditEntry.select().order_by(AuditEntry.id)
    assert (entry.action, entry.registration, entry.organiser) == (
        "registration.reminded",
        without_flights[0],
        cem,
    )
    assert (whole.action, whole.details["rows"]) == ("batch.done", 1)


# Many, and at once


def test_bulk_action_on_more_than_fit_into_one_statement(crowd, do, cem, monkeypatch):
    monkeypatch.setattr("domain.audit.CHUNK", 1)
    Registration.update(is_hotel_booked=False).execute()
    batch = do("hotel_booked", 2)
    assert [booked for _, _, booked, _ in values().values()].count(True) == 2

    batches.undo(batch, organiser=cem)

    assert batches.find(batch.id).put_back == 2
    assert not any(booked for _, _, booked, _ in values().values())


def test_two_who_do_the_same_at_once_do_it_once(crowd, do, together):
    def attempt() -> str:
        try:
            do("hotel_booked", 1)
        except NumberChanged:
            return "refused"
        return "done"

    assert sorted(together(attempt, attempt)) == ["done", "refused"]
    assert Batch.select().count() == 1


@pytest.mark.parametrize("kind", KINDS)
def test_bulk_action_takes_as_many_queries_for_three_as_for_one(stored, do, cem, caplog, kind):
    """Apart from mails, which are written one by one, with an entry for each."""

    def queries(number: int) -> int:
        for one in range(number):
            answers = {"travel": "later"} if kind == "reminder" else SENSITIVE_PARTS
            stored(key=f"{number} {one}", email=f"bo{number}{one}@example.org", **answers)
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            batch = do(kind, number)
            if KINDS[kind].is_undoable:
                batches.undo(batch, organiser=cem)
                cancel_everybody()
        return sum(record.name == "peewee" for record in caplog.records)

    def cancel_everybody() -> None:
        Registration.update(state="cancelled").execute()

    assert queries(3) - queries(1) == (6 if kind == "reminder" else 0)
