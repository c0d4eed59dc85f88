"""Notes: kept encrypted, removed for good, and in the delegate's own copy."""

import pytest

from db import db
from domain import audit, notes
from domain.registration import erase, own_data
from models import Note, Organiser


@pytest.fixture
def cem(database: None, noon) -> Organiser:
    return Organiser.create(email="cem@example.org", password_hash="", roles="admin", created_at="2017-04-01")


def test_note_says_what_when_and_by_whom(ada, cem, noon):
    notes.add(ada, "Speaks on Friday", organiser=cem)
    noon.shift(60)
    notes.add(ada, "Needs a lectern", organiser=cem)

    assert [(note.text, note.organiser) for note in notes.of(ada)] == [
        ("Speaks on Friday", cem),
        ("Needs a lectern", cem),
    ]
    entry = audit.history(ada)[0]
    assert (entry.action, entry.organiser) == ("registration.note_added", cem)
    assert entry.details == {"note": Note.select().order_by(Note.id.desc()).get().id}


def test_two_clicks_at_once_make_one_note_and_the_same_later_another(ada, cem, noon, together):
    together(*[lambda: notes.add(ada, "Speaks on Friday", organiser=cem)] * 4)
    assert len(notes.of(ada)) == 1

    noon.shift(60)
    notes.add(ada, "Speaks on Friday", organiser=cem)

    assert len(notes.of(ada)) == 2


def test_note_is_not_readable_in_the_database(ada, cem):
    notes.add(ada, "Speaks on Friday", organiser=cem)

    ((text,),) = db.execute_sql("SELECT text FROM note").fetchall()

    assert text.startswith("gAAAA")


def test_removed_note_is_gone_and_the_log_says_that_there_was_one(ada, cem):
    notes.add(ada, "Speaks on Friday", organiser=cem)
    (note,) = notes.of(ada)

    notes.remove(note, organiser=cem)
    notes.remove(note, organiser=cem)

    assert notes.of(ada) == []
    assert [entry.action for entry in audit.history(ada)[:2]] == [
        "registration.note_removed",
        "registration.note_added",
    ]


def test_note_belongs_to_one_registration_alone(ada, stored, cem):
    bo = stored(key="bo's form", email="bo@example.org")
    notes.add(ada, "Speaks on Friday", organiser=cem)
    (note,) = notes.of(ada)

    written = note.created_at.isoformat()
    assert notes.of(bo) == []
    assert notes.find(ada, note.id, written=written) == note
    assert notes.find(bo, note.id, written=written) is None


def test_note_with_the_number_of_a_removed_one_is_another(ada, cem, noon):
    notes.add(ada, "Speaks on Friday", organiser=cem)
    (removed,) = notes.of(ada)
    notes.remove(removed, organiser=cem)
    noon.shift(60)
    notes.add(ada, "Needs a lectern", organiser=cem)
    Note.update(id=removed.id).execute()  # as SQLite does it by itself

    found = notes.find(ada, removed.id, written=removed.created_at.isoformat())
    notes.remove(removed, organiser=cem)

    assert found is None
    assert [note.text for note in notes.of(ada)] == ["Needs a lectern"]


def test_delegates_own_copy_has_the_notes(ada, cem, noon):
    notes.add(ada, "Speaks on Friday", organiser=cem)

    (note,) = own_data(ada)["notes"]

    assert note == {"text": "Speaks on Friday", "created_at": notes.of(ada)[0].created_at}


def test_note_on_what_was_erased_meanwhile_is_not_kept(ada, cem, desk):
    erase(ada, is_blocking=False, desk=desk)

    notes.add(ada, "Speaks on Friday", organiser=cem)

    assert Note.select().count() == 0


def test_note_stays_when_the_row_of_its_organiser_goes(ada, cem):
    notes.add(ada, "Speaks on Friday", organiser=cem)

    Note.update(organiser=None).execute()

    assert notes.of(ada)[0].organiser is None
