"""Notes: what organisers have to remember of one delegate, who may read them."""

from db import forget_pages, write
from domain import audit, clock, outbox
from domain.organisers import take_turns
from models import Note, Organiser, Registration


def add(registration: Registration, text: str, *, organiser: Organiser) -> None:
    """Add a note, unless the registration has been erased since it was read, or this is the second of two clicks."""
    with write():
        theirs = Note.select().where(
            Note.registration == registration,
            Note.organiser == organiser,
            Note.created_at > take_turns(organiser),
        )
        if text in [note.text for note in theirs] or outbox.has_been_erased(registration):
            return
        note = Note.create(registration=registration, organiser=organiser, text=text, created_at=clock.now())
        audit.record("registration.note_added", organiser=organiser, registration=registration, note=note.id)


def remove(note: Note, *, organiser: Organiser) -> None:
    """Remove a note for good; once more does nothing."""
    with write():
        if Note.delete().where(Note.id == note.id, Note.created_at == note.created_at).execute():
            audit.record(
                "registration.note_removed",
                organiser=organiser,
                registration=note.registration,
                note=note.id,
            )
    forget_pages()


def of(registration: Registration) -> list[Note]:
    """The notes on one registration, oldest first, each with its organiser."""
    found = Note.select(Note, Organiser).left_outer_join(Organiser)
    return list(found.where(Note.registration == registration).order_by(Note.id))


def find(registration: Registration, number: int, *, written: str) -> Note | None:
    """The note with a number that was written at a moment: SQLite gives a number that is free again to another note."""
    note = Note.get_or_none(Note.id == number, Note.registration == registration)
    return note if note and note.created_at.isoformat() == written else None
