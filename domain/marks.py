"""What organisers mark on a registration: how far its visa letter is, that its room is booked, its flights checked."""

from dataclasses import dataclass
from typing import Any

from db import write
from domain import audit
from domain.registration import ChangedMeanwhile
from models import ACTIVE, VISA_STATES, Organiser, Registration

HOLDS = Registration.state.in_(ACTIVE)
YES_NO = {"no": False, "yes": True}


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A column that whoever has the `right` sets to one of the `values`, by what an address or the log calls them,
    where the answer that it `speaks_of` is one of `answers`."""

    column: Any
    values: dict[str, Any]
    right: str
    action: str
    speaks_of: Any
    answers: tuple[str, ...]

    @property
    def is_called_for(self) -> Any:
        """The condition that there is something to mark: on a registration that holds."""
        return HOLDS & self.speaks_of.in_(self.answers)

    def value_of(self, registration: Registration) -> str:
        return self.name_of(getattr(registration, self.column.name))

    def name_of(self, stored: Any) -> str:
        return next(name for name, value in self.values.items() if value == stored)


MARKS = {
    "visa": Mark(
        column=Registration.visa_state,
        values={state: state for state in VISA_STATES[1:]},
        right="visa",
        action="registration.visa_marked",
        speaks_of=Registration.visa_state,
        answers=VISA_STATES[1:],
    ),
    "booked": Mark(
        column=Registration.is_hotel_booked,
        values=YES_NO,
        right="logistics",
        action="registration.hotel_marked",
        speaks_of=Registration.hotel,
        answers=("reserve",),
    ),
    "checked": Mark(
        column=Registration.is_travel_checked,
        values=YES_NO,
        right="logistics",
        action="registration.travel_marked",
        speaks_of=Registration.travel,
        answers=("known",),
    ),
}


def called_for(registration: Registration) -> dict[str, str]:
    """The marks that there are to set on a registration, each with its value."""
    if registration.state not in ACTIVE:
        return {}
    return {
        name: mark.value_of(registration)
        for name, mark in MARKS.items()
        if getattr(registration, mark.speaks_of.name) in mark.answers
    }


def put(
    registration: Registration, name: str, value: str, *, former: str, sequence: int, organiser: Organiser
) -> None:
    """Set a mark. `former` is its value and `sequence` the registration's when they were shown.

    This changes no answer, writes no mail and disturbs no other window. Raises ChangedMeanwhile when the delegate, or
    another organiser, has changed something since.
    """
    mark = MARKS[name]
    present = called_for(registration).get(name)
    if present == value:
        return
    if present is None or present != former:
        raise ChangedMeanwhile
    with write():
        marked = Registration.update({mark.column: mark.values[value]}).where(
            Registration.id == registration.id,
            Registration.sequence == sequence,
            mark.column == mark.values[former],
            mark.is_called_for,
        )
        if not marked.execute():
            raise ChangedMeanwhile
        audit.record(mark.action, organiser=organiser, registration=registration, before=former, after=value)
