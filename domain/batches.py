"""Bulk actions: one thing done to many registrations, exactly as many as were agreed to; and taking it back."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from peewee import Value, fn

from db import held, write
from domain import audit, clock, outbox, roster
from domain.announcements import NumberChanged
from domain.daily import MISSING, is_written, today
from domain.desk import Desk
from domain.mail import compose
from domain.marks import HOLDS, MARKS, YES_NO
from domain.outbox import DAY
from models import Batch, Organiser, Registration

MOST_MAILS = 500  # that are written while somebody waits
NAMED = 10


class TooLate(Exception):
    """It was undone before, or more than a day has passed, or it cannot be undone."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is done, by whoever has the `right`: a column gets the value `after`, where it is one of `before`.

    `only` is what must hold besides. Without a column it writes the reminder that flights are missing.
    """

    right: str
    only: Any
    column: Any = None
    before: tuple[Any, ...] = ()
    after: Any = None
    action: str = ""
    filters: tuple[str, ...] = ()

    @property
    def is_undoable(self) -> bool:
        return self.column is not None


def marking(name: str, before: tuple[str, ...], after: str) -> Kind:
    """The kind of bulk action that sets a mark."""
    mark = MARKS[name]
    return Kind(
        right=mark.right,
        column=mark.column,
        before=tuple(mark.values[value] for value in before),
        after=mark.values[after],
        action=mark.action,
        only=mark.is_called_for,
        filters=(name,),
    )


# By what addresses and the log call them; `filters` are those that a conference must have.
KINDS = {
    "letter_in_preparation": marking("visa", ("requested",), "in_preparation"),
    "letter_sent": marking("visa", ("requested", "in_preparation"), "sent"),
    "hotel_booked": marking("booked", ("no",), "yes"),
    "travel_checked": marking("checked", ("no",), "yes"),
    "reminder": Kind(right="write", only=HOLDS, filters=("travel",)),
    "confirmation": Kind(
        right="write",
        only=HOLDS,
        column=Registration.state,
        before=("received",),
        after="confirmed",
        action="registration.confirmed_for",
    ),
}


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a bulk action would do: `number` of the `total` that were chosen change, the first of them by name."""

    total: int
    number: int
    names: list[str]


def chosen(query: roster.Query, references: list[str] | None) -> Any:
    """The registrations that were chosen: by their references, or all that a query finds."""
    if references is None:
        return roster.matching(query)
    return roster.matching(roster.USUAL).where(Registration.reference.in_(references))


def due(name: str, desk: Desk) -> Any:
    """The condition that a bulk action has something to do on a registration."""
    kind = KINDS[name]
    if kind.is_undoable:
        return kind.only & kind.column.in_(kind.before)
    has_begun = today(desk.conference) >= desk.conference.starts_on
    missing = () if has_begun else MISSING
    return (
        kind.only
        & Registration.travel.in_(missing)
        & ~is_written(Value(f"reminder:{today(desk.conference)}:").concat(Registration.public_id))
    )


def preview(name: str, among: Any, desk: Desk) -> Preview:
    """What would change, counted now."""
    changing = among.where(due(name, desk))
    first = changing.order_by(Registration.name_key, Registration.id).limit(NAMED)
    return Preview(total=among.count(), number=changing.count(), names=[row.name for row in first])


def perform(name: str, among: Any, *, number: int, organiser: Organiser, desk: Desk) -> Batch:
    """Do it to everybody among them for whom there is something to do; returns what undoes it.

    `number` is how many the organiser agreed to. Raises NumberChanged, also when these are too many mails.
    """
    kind, owed = KINDS[name], among.where(due(name, desk))
    mails = {} if kind.is_undoable else reminders(owed, desk=desk)
    with write():
        changed = values_of(owed, kind)
        rows = [row for rows in changed.values() for row in rows]
        if len(rows) != number or not rows or not (kind.is_undoable or mails.keys() >= set(rows)):
            raise NumberChanged(len(rows))
        batch = Batch.create(kind=name, organiser=organiser, changed=changed, created_at=clock.now())
        for former, theirs in changed.items() if kind.is_undoable else ():
            store(theirs, kind, kind.after, confirmed_at=batch.created_at)
            audit.record_each(
                kind.action, theirs, organiser=organiser, before=former, after=in_word(kind.after)
            )
        for row in () if kind.is_undoable else rows:
            registration, once, message = mails[row]
            outbox.enqueue(message, kind="reminder", registration=registration, once=once)
            audit.record("registration.reminded", organiser=organiser, registration=registration)
        audit.record("batch.done", organiser=organiser, batch=batch.id, bulk=name, rows=len(rows))
    return batch


def reminders(owed: Any, *, desk: Desk) -> dict[int, Any]:
    """The mails by registration, composed before the transaction, which holds up everybody else."""
    day, mails = today(desk.conference), {}
    for row in owed.limit(MOST_MAILS):
        once = f"reminder:{day}:{row.public_id}"
        mails[row.id] = row, once, compose("reminder", row, once=once, desk=desk)
    return mails


def values_of(found: Any, kind: Kind) -> dict[str, list[int]]:
    """The ids of registrations by the value that their column has, kept as it is until the transaction ends."""
    column = kind.column or Registration.travel
    rows = held(found.select(Registration.id, column).order_by(Registration.id)).tuples()
    values: dict[str, list[int]] = {}
    for row, value in rows:
        values.setdefault(in_word(value), []).append(row)
    return values


def in_word(value: Any) -> str:
    """A value of a column as the log has it."""
    return {False: "no", True: "yes"}.get(value, value)


def store(rows: list[int], kind: Kind, value: Any, *, confirmed_at: datetime | None) -> None:
    values = {kind.column: value}
    if kind.column is Registration.state:
        values[Registration.confirmed_at] = confirmed_at
    for some in audit.in_chunks(rows):
        Registration.update(values).where(Registration.id.in_(some)).execute()


def undo(batch: Batch, *, organiser: Organiser) -> None:
    """Give those their former value again who still have the one that the bulk action gave them. Raises TooLate."""
    kind = KINDS[batch.kind]
    if not kind.is_undoable:
        raise TooLate
    with write():
        claimed = Batch.update(undone_at=clock.now()).where(
            Batch.id == batch.id, Batch.undone_at.is_null(), Batch.created_at > clock.now() - DAY
        )
        if not claimed.execute():
            raise TooLate
        put_back = 0
        for former, rows in batch.changed.items():
            unchanged = [row for some in audit.in_chunks(rows) for row in still_set(some, batch, kind)]
            store(unchanged, kind, YES_NO.get(former, former), confirmed_at=None)
            audit.record_each(
                kind.action, unchanged, organiser=organiser, before=in_word(kind.after), after=former
            )
            put_back += len(unchanged)
        Batch.update(put_back=put_back).where(Batch.id == batch.id).execute()
        audit.record("batch.undone", organiser=organiser, batch=batch.id, bulk=batch.kind, rows=put_back)


def still_set(rows: list[int], batch: Batch, kind: Kind) -> list[int]:
    """Which registrations have the value that the bulk action gave them; a delegate confirms by every change."""
    unchanged = kind.only & (kind.column == kind.after)
    if kind.column is Registration.state:
        unchanged &= (Registration.confirmed_at == batch.created_at) & (
            Registration.updated_at <= batch.created_at
        )
    found = Registration.select().where(Registration.id.in_(rows), unchanged)
    return [row for theirs in values_of(found, kind).values() for row in theirs]


def newest() -> int:
    """The number of the bulk action that was done last, by whomever; 0 before the first."""
    return Batch.select(fn.MAX(Batch.id)).scalar() or 0


def done_since(newest: int, name: str, *, number: int, organiser: Organiser) -> Batch | None:
    """What the same organiser did to as many since a bulk action was the newest: the first of two clicks."""
    theirs = Batch.select().where(Batch.id > newest, Batch.kind == name, Batch.organiser == organiser)
    return next((batch for batch in theirs if number_of(batch) == number), None)


def find(number: int) -> Batch | None:
    """A bulk action with its organiser."""
    found = Batch.select(Batch, Organiser).left_outer_join(Organiser)
    return found.where(Batch.id == number).first()


def number_of(batch: Batch) -> int:
    return sum(len(rows) for rows in batch.changed.values())


def is_undoable(batch: Batch) -> bool:
    is_recent = batch.created_at > clock.now() - DAY
    return KINDS[batch.kind].is_undoable and batch.undone_at is None and is_recent
