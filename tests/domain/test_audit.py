"""The log: it is only ever added to, and read page by page."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from peewee import IntegrityError

from db import DatabaseOut, db, turn
from domain import audit, organisers
from domain.audit import NOBODY, Query
from models import AuditEntry, Organiser

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)


@pytest.fixture
def cem(noon) -> Organiser:
    return Organiser.create(email="cem@example.org", password_hash="", created_at=NOON)


def put(count: int = 1, **columns) -> list[int]:
    usual = {"at": NOON, "action": "registration.viewed", "details": {}}
    for _ in range(count):
        AuditEntry.create(**usual | columns)
    return [entry.id for entry in AuditEntry.select().order_by(AuditEntry.id.desc()).limit(count)]


def found(**query) -> list[int]:
    return [entry.id for entry in audit.page(Query(**query)).rows]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET action = 'other'",
        "UPDATE audit_entry SET details = '{}'",
        "UPDATE audit_entry SET organiser_id = NULL",
        "DELETE FROM audit_entry",
        "DELETE FROM organiser",
    ],
)
def test_entry_is_neither_changed_nor_deleted(cem, statement):
    put(organiser=cem, details={"rows": 3})

    with pytest.raises(IntegrityError), db.atomic():
        db.execute_sql(statement)

    (entry,) = AuditEntry.select()
    assert (entry.action, entry.organiser, entry.details) == ("registration.viewed", cem, {"rows": 3})


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_entry_is_not_replaced(cem):
    put(organiser=cem)
    (before,) = AuditEntry.select().dicts()

    with pytest.raises(IntegrityError), db.atomic():
        db.execute_sql(
            "INSERT OR REPLACE INTO audit_entry (id, at, action, details) VALUES (?, 0, 'x', '{}')",
            [before["id"]],
        )

    assert list(AuditEntry.select().dicts()) == [before]


@pytest.mark.parametrize("service", ["postgresql"], indirect=True)
def test_log_is_not_truncated(cem):
    put(organiser=cem)

    with pytest.raises(IntegrityError), db.atomic():
        db.execute_sql("TRUNCATE audit_entry")

    assert AuditEntry.select().count() == 1


def test_removed_organiser_is_still_named_by_the_log(noon):
    cem = organisers.add("cem@example.org", "a password of some length")

    organisers.remove("cem@example.org")

    assert [entry.organiser.email for entry in audit.page(Query()).rows] == ["cem@example.org"] * 2
    assert audit.organisers() == [cem]


def test_log_is_narrowed_down_by_who_and_what(cem, listed):
    bo = Organiser.create(email="bo@example.org", password_hash="", created_at=NOON)
    (viewed,) = put(organiser=cem)
    (revealed,) = put(organiser=cem, action="registration.revealed")
    (by_bo,) = put(organiser=bo)
    (by_nobody,) = put(action="registration.received")

    assert found() == [by_nobody, by_bo, revealed, viewed]
    assert found(who=cem.id) == [revealed, viewed]
    assert found(who=NOBODY) == [by_nobody]
    assert found(who=4711) == []
    assert found(action="registration.viewed") == [by_bo, viewed]
    assert found(who=cem.id, action="registration.viewed") == [viewed]


def test_log_is_narrowed_down_to_one_registration(noon, listed):
    ada, bo = listed(columns={"reference": "OB17-7KQ4-M2"}), listed()
    (of_ada,), (of_bo,), _ = put(registration=ada), put(registration=bo), put()

    assert found(reference="OB177KQ4M2") == [of_ada]
    assert found(reference=bo.reference.replace("-", "")) == [of_bo]
    assert found(reference="OB17") == []


def test_days_of_the_log_are_those_of_universal_time(noon):
    midnight = datetime(2017, 4, 11, tzinfo=UTC)
    (last,) = put(at=midnight - timedelta(microseconds=1))
    (first,) = put(at=midnight)

    assert found(until=date(2017, 4, 10)) == [last]
    assert found(since=date(2017, 4, 11)) == [first]
    assert found(since=date(2017, 4, 10), until=date(2017, 4, 11)) == [first, last]
    assert found(since=date(2017, 4, 12)) == found(until=date(2017, 4, 9)) == []
    assert found(since=date.min, until=date.max) == [first, last]


@pytest.mark.parametrize(("count", "pages"), [(100, [100]), (101, [100, 1]), (201, [100, 100, 1])])
def test_pages_hold_a_hundred_entries(noon, count, pages):
    ids = put(count)
    page = audit.page(Query(action="registration.viewed"))

    read = [page]
    while page.older:
        page = audit.page(page.older)
        read.append(page)

    assert [len(one.rows) for one in read] == pages
    assert [entry.id for one in read for entry in one.rows] == ids
    assert {one.total for one in read} == {count}
    assert read[0].newest is None
    assert all(one.newest == Query(action="registration.viewed") for one in read[1:])


def test_same_entry_is_made_for_each_of_many(cem, stored, monkeypatch):
    monkeypatch.setattr(audit, "CHUNK", 2)
    rows = [stored(key=str(number), email=f"ada{number}@example.org").id for number in range(3)]

    audit.record_each("registration.hotel_marked", rows, organiser=cem, before="no", after="yes")

    made = AuditEntry.select().where(AuditEntry.action == "registration.hotel_marked").order_by(AuditEntry.id)
    assert [(entry.registration_id, entry.organiser, entry.at) for entry in made] == [
        (row, cem, NOON) for row in rows
    ]
    assert [entry.details for entry in made] == [{"before": "no", "after": "yes"}] * 3


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_entry_waits_its_turn_among_the_writers(database, monkeypatch):
    monkeypatch.setattr("db.LONGEST_WAIT", 0.1)
    with turn(), ThreadPoolExecutor() as others:
        outcome = others.submit(audit.record, "registration.viewed")

        assert isinstance(outcome.exception(), DatabaseOut)
