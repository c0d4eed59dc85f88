"""The append-only log of who did what, page by page: identifiers and counts, never names or addresses."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from peewee import ModelSelect, Value, fn

from db import turn
from domain import clock
from models import AuditEntry, Organiser, Registration

PAGE_SIZE = 100
HISTORY, HISTORY_VIEWS = 100, 20
VIEWS = ("registration.viewed", "mail.viewed")
CHUNK = 10_000  # ids in one statement; SQLite takes 32766 values
NOBODY = 0  # no organiser: a delegate, or a command


@dataclass(frozen=True, kw_only=True)
class Query:
    """What is asked of the log: an organiser's id or NOBODY, an action, a reference without hyphens, the days (UTC).

    `before` is the number of the entry that the page comes after.
    """

    who: int | None = None
    action: str = ""
    reference: str = ""
    since: date | None = None
    until: date | None = None
    before: int = 0


@dataclass(frozen=True, kw_only=True)
class Page:
    rows: list[AuditEntry]
    total: int
    newest: Query | None
    older: Query | None


def record(
    action: str,
    *,
    organiser: Organiser | None = None,
    registration: Registration | None = None,
    **details: Any,
) -> None:
    """Add one entry. Without an organiser it was the delegate, or the service itself."""
    with turn():
        AuditEntry.insert(
            at=clock.now(), action=action, organiser=organiser, registration=registration, details=details
        ).execute()


def record_each(
    action: str, registrations: list[int], *, organiser: Organiser | None = None, **details: Any
) -> None:
    """Add the same entry for each of many registrations, by their ids; the database copies it."""
    entry = (clock.now(), action, organiser and organiser.id, details)
    columns: Any = (AuditEntry.at, AuditEntry.action, AuditEntry.organiser, AuditEntry.details)
    given = [Value(value, converter=column.db_value) for column, value in zip(columns, entry, strict=True)]
    for some in in_chunks(registrations):
        theirs = Registration.select(*given, Registration.id).where(Registration.id.in_(some))
        AuditEntry.insert_from(
            theirs.order_by(Registration.id), [*columns, AuditEntry.registration]
        ).execute()


def in_chunks(ids: list[int]) -> Iterator[list[int]]:
    """Ids, as many at a time as fit into one statement."""
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]


def history(registration: Registration) -> list[AuditEntry]:
    """The newest hundred entries about one registration and the newest twenty views of it, newest first, each with its
    organiser: however often somebody looks, it hides nothing that was done."""
    entries = AuditEntry.select(AuditEntry, Organiser).left_outer_join(Organiser)
    entries = entries.where(AuditEntry.registration == registration).order_by(AuditEntry.id.desc())
    done = entries.where(AuditEntry.action.not_in(VIEWS)).limit(HISTORY)
    views = entries.where(AuditEntry.action.in_(VIEWS)).limit(HISTORY_VIEWS)
    return sorted([*done, *views], key=lambda entry: entry.id, reverse=True)


def count(registration: Registration) -> int:
    """How many entries there are about one registration."""
    return AuditEntry.select().where(AuditEntry.registration == registration).count()


def matching(query: Query) -> "ModelSelect[AuditEntry]":
    """The entries of a query, each with its organiser and with what identifies its registration."""
    shown = (AuditEntry, Organiser, Registration.id, Registration.reference, Registration.state)
    found = AuditEntry.select(*shown).left_outer_join(Organiser)
    found = found.switch(AuditEntry).left_outer_join(Registration)
    if query.who is not None:
        found = found.where(
            AuditEntry.organiser == query.who if query.who else AuditEntry.organiser.is_null()
        )
    if query.action:
        found = found.where(AuditEntry.action == query.action)
    if query.reference:
        theirs = Registration.select(Registration.id)
        theirs = theirs.where(fn.REPLACE(Registration.reference, "-", "") == query.reference)
        found = found.where(AuditEntry.registration.in_(theirs))
    if query.since:
        found = found.where(AuditEntry.at >= datetime.combine(query.since, time.min, UTC))
    if query.until:
        found = found.where(AuditEntry.at <= datetime.combine(query.until, time.max, UTC))
    return found


def page(query: Query) -> Page:
    """One page, newest first. The number of an entry only grows, so a page is found by index."""
    found = matching(query)
    here = found.where(AuditEntry.id < query.before) if query.before else found
    rows = list(here.order_by(AuditEntry.id.desc()).limit(PAGE_SIZE + 1))
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    return Page(
        rows=rows,
        total=found.count(),
        newest=replace(query, before=0) if query.before else None,
        older=replace(query, before=rows[-1].id) if has_more else None,
    )


def organisers() -> list[Organiser]:
    """Everybody who may be in the log, those who were removed too, by address."""
    return list(Organiser.select(Organiser.id, Organiser.email).order_by(Organiser.email))
