"""What organisers mark: where there is something to mark, what takes the mark away, and who is not disturbed."""

from dataclasses import replace
from datetime import date

import pytest
from factories import JOURNEY, PASSPORT, SENSITIVE_PARTS, STAY

from domain import audit, marks
from domain.registration import ChangedMeanwhile, cancel, erase, restore, withdraw
from models import AuditEntry, Mail, Organiser, Registration


@pytest.fixture
def cem(database: None, noon) -> Organiser:
    return Organiser.create(email="cem@example.org", password_hash="", roles="admin", created_at="2017-04-01")


@pytest.fixture
def ada(stored) -> Registration:
    """ada, who needs a letter and a room and knows her flights."""
    return stored(email="ada@example.org", **SENSITIVE_PARTS)


@pytest.fixture
def marked(ada, cem) -> Registration:
    """The same with every mark set."""
    for name, value in (("visa", "sent"), ("booked", "yes"), ("checked", "yes")):
        put(fresh(ada), name, value, cem)
    return fresh(ada)


def fresh(row: Registration) -> Registration:
    return Registration.get_by_id(row.id)


def put(row: Registration, name: str, value: str, organiser: Organiser) -> None:
    """Set a mark of a registration that is as it was shown."""
    former = marks.called_for(row).get(name, "")
    marks.put(row, name, value, former=former, sequence=row.sequence, organiser=organiser)


def values(row: Registration) -> tuple[str, bool, bool]:
    row = fresh(row)
    return row.visa_state, row.is_hotel_booked, row.is_travel_checked


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("visa", "in_preparation", ("in_preparation", False, False)),
        ("visa", "sent", ("sent", False, False)),
        ("booked", "yes", ("requested", True, False)),
        ("checked", "yes", ("requested", False, True)),
    ],
)
def test_mark_is_set_and_the_log_says_from_what_to_what_by_whom(ada, cem, name, value, expected):
    before = marks.called_for(ada)[name]

    put(ada, name, value, cem)

    assert values(ada) == expected
    entry = audit.history(ada)[0]
    assert (entry.action, entry.organiser) == (marks.MARKS[name].action, cem)
    assert entry.details == {"before": before, "after": value}


def test_mark_is_taken_away_again(marked, cem):
    put(marked, "booked", "no", cem)
    put(marked, "visa", "requested", cem)

    assert values(marked) == ("requested", False, True)


def test_mark_that_is_set_already_leaves_no_trace(marked, cem):
    before = AuditEntry.select().count()

    put(marked, "booked", "yes", cem)

    assert AuditEntry.select().count() == before


def test_mark_changes_no_answer_and_writes_no_mail(ada, cem):
    before, mails = ada.__data__ | {"is_hotel_booked": True}, Mail.select().count()

    put(ada, "booked", "yes", cem)

    assert fresh(ada).__data__ == before
    assert Mail.select().count() == mails


def test_mark_leaves_the_delegates_open_window_as_good_as_it_was(ada, cem, change):
    seen = fresh(ada)
    for name, value in (("visa", "sent"), ("booked", "yes"), ("checked", "yes")):
        put(fresh(ada), name, value, cem)

    change(seen, function="Treasurer")

    assert fresh(ada).function == "Treasurer"
    assert values(ada) == ("sent", True, True)


@pytest.mark.parametrize(
    ("answers", "left"),
    [
        ({"function": "Treasurer"}, ("sent", True, True)),
        ({"stay": replace(STAY, check_out=date(2017, 5, 28))}, ("sent", False, True)),
        ({"hotel": "own", "stay": None}, ("sent", False, True)),
        ({"journey": replace(JOURNEY, arrival_flight="OM 304")}, ("sent", True, False)),
        ({"travel": "later", "journey": None}, ("sent", True, False)),
        ({"passport": replace(PASSPORT, number="12E34568")}, ("requested", True, True)),
    ],
)
def test_delegates_change_takes_the_mark_away_of_what_it_changes(marked, change, answers, left):
    change(marked, **answers)

    assert values(marked) == left


def test_change_of_what_was_marked_meanwhile_takes_the_mark_away_too(ada, cem, change):
    seen = fresh(ada)
    put(ada, "booked", "yes", cem)

    change(seen, stay=replace(STAY, room="single"))

    assert values(ada) == ("requested", False, False)


@pytest.mark.parametrize("value", ["sent", "in_preparation"])
def test_letter_is_called_for_no_more_when_its_consent_is_withdrawn(marked, desk, value):
    withdraw(marked, "visa", lang="en", changes=[], desk=desk)

    assert values(marked) == ("none", True, True)
    assert "visa" not in marks.called_for(fresh(marked))


def test_cancelling_takes_every_mark_away_and_restoring_does_not_bring_them_back(marked, desk):
    cancel(marked, "", desk=desk)
    assert values(marked) == ("none", False, False)
    assert marks.called_for(fresh(marked)) == {}

    restore(fresh(marked), desk=desk)

    assert values(marked) == ("none", False, False)


@pytest.mark.parametrize(
    ("answers", "called_for"),
    [
        ({}, {}),
        (SENSITIVE_PARTS, {"visa": "requested", "booked": "no", "checked": "no"}),
        ({"travel": "none", "hotel": "later"}, {}),
    ],
)
def test_only_what_was_asked_for_is_marked(stored, answers, called_for):
    assert marks.called_for(stored(**answers)) == called_for


def spoil(row: Registration, how: str, desk, change) -> None:
    if how == "changed":
        change(row, function="Treasurer")
    if how == "cancelled":
        cancel(row, "", desk=desk)
    if how == "erased":
        erase(row, is_blocking=False, desk=desk)
    if how == "marked by another":
        Registration.update(is_hotel_booked=True).execute()


@pytest.mark.parametrize("how", ["changed", "cancelled", "erased", "marked by another"])
def test_mark_on_what_has_changed_since_it_was_shown_is_refused(ada, cem, desk, change, how):
    seen, sequence = fresh(ada), ada.sequence
    spoil(ada, how, desk, change)
    before = values(ada)

    with pytest.raises(ChangedMeanwhile):
        marks.put(seen, "booked", "yes", former="no", sequence=sequence, organiser=cem)

    assert values(ada) == before
    assert "registration.hotel_marked" not in [entry.action for entry in AuditEntry.select()]


def test_mark_from_what_another_organiser_has_set_otherwise_is_refused(ada, cem):
    put(ada, "visa", "sent", cem)

    with pytest.raises(ChangedMeanwhile):
        marks.put(
            fresh(ada), "visa", "in_preparation", former="requested", sequence=ada.sequence, organiser=cem
        )

    assert values(ada) == ("sent", False, False)


def test_mark_where_there_is_nothing_to_mark_is_refused(stored, cem):
    bo = stored(email="bo@example.org")

    for name, value in (("visa", "sent"), ("booked", "yes"), ("checked", "yes")):
        with pytest.raises(ChangedMeanwhile):
            put(bo, name, value, cem)

    assert values(bo) == ("none", False, False)
