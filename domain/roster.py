"""The organisers' query: search, sort, keyset pages, counts, and the rows of the export."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from peewee import SQL, ModelSelect, NodeList, Tuple, Value, fn

from db import db
from domain.answers import fold
from models import Consent, EncryptedField, Registration

SORTS = {
    "name": Registration.name_key,
    "organisation": Registration.organisation_key,
    "received": Registration.created_at,
}
NEWEST_FIRST = "-received"
PAGE_SIZE = 50
CHUNK = 2000
WHOLE_CHUNK = 200
MOST_WORDS = 10
LISTED = [column for column in Registration._meta.sorted_fields if not isinstance(column, EncryptedField)]
EXPORTED = (
    Registration.reference,
    Registration.state,
    Registration.language,
    Registration.created_at.cast("TEXT"),
    Registration.given_names,
    Registration.family_name,
    Registration.email,
    Registration.organisation,
    Registration.country,
    Registration.function,
    Registration.category,
    Registration.days.cast("TEXT"),
    Registration.sessions.cast("TEXT"),
    Registration.interpretation,
    Registration.visa_state,
    Registration.travel,
    Registration.hotel,
    Registration.is_late,
    Registration.extra.cast("TEXT"),
)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What an organiser asks the list for. `sort` is a key of SORTS, with `-` in front for the reverse order.

    `after` and `before` are references of the row beside which the page lies.
    """

    q: str = ""
    sort: str = NEWEST_FIRST
    after: str = ""
    before: str = ""

    @property
    def column(self) -> Any:
        return SORTS[self.sort.removeprefix("-")]

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")


@dataclass(frozen=True, kw_only=True)
class Page:
    rows: list[Registration]
    total: int
    first: Query | None
    previous: Query | None
    next: Query | None


def matching(query: Query) -> "ModelSelect[Registration]":
    """The registrations that have every word of the search, in no order, without their sensitive answers."""
    found = Registration.select(*LISTED).where(Registration.state != "erased")
    for word in fold(query.q).split()[:MOST_WORDS]:
        found = found.where(contains(Registration.search, word))
    return found


def contains(column: Any, word: str) -> NodeList:
    """LIKE in plain words: Peewee's own operators differ between the databases."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return NodeList((column, SQL("LIKE"), Value(f"%{escaped}%"), SQL("ESCAPE '\\'")))


def page(query: Query) -> Page:
    """One page of the list, with the queries of its neighbours."""
    anchor = anchor_of(query)
    if anchor is None:
        query = replace(query, before="", after="")
    backwards = bool(query.before)
    rows = list(slice_of(query, anchor, limit=PAGE_SIZE + 1))
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if backwards:
        rows.reverse()
    has_previous = bool(rows) and (has_more if backwards else bool(query.after))
    has_next = bool(rows) and (backwards or has_more)
    return Page(
        rows=rows,
        total=matching(query).count(),
        first=replace(query, after="", before="") if has_previous else None,
        previous=replace(query, before=rows[0].reference, after="") if has_previous else None,
        next=replace(query, after=rows[-1].reference, before="") if has_next else None,
    )


def anchor_of(query: Query) -> Registration | None:
    """The row beside which the page lies; nothing for the first page, or where there is no such row."""
    return Registration.get_or_none(Registration.reference == (query.before or query.after))


def slice_of(query: Query, anchor: Registration | None, *, limit: int) -> "ModelSelect[Registration]":
    """The rows next to the anchor, nearest first: by index, however long the list is."""
    descending = query.is_descending != bool(query.before)
    found = matching(query)
    if anchor is not None:
        here = Tuple(query.column, Registration.id)
        # A bare value in a tuple is not converted by its column: a time would keep a zone that the column has not.
        there = (query.column.db_value(getattr(anchor, query.column.name)), anchor.id)
        found = found.where(here < there if descending else here > there)
    order = (query.column, Registration.id)
    return found.order_by(*(column.desc() if descending else column.asc() for column in order)).limit(limit)


def export_rows(query: Query) -> Iterator[tuple[Any, ...]]:
    """Every registration of a query, in its order: the columns of EXPORTED, and whether the consents hold.

    The values are as the database gives them; lists and times are text. Rows of models would take five times as long.
    """
    query = replace(query, after="", before="")
    columns = (*EXPORTED, holds("list"), holds("photo"), query.column, Registration.id)
    anchor = None
    while rows := db.execute(slice_of(query, anchor, limit=CHUNK).select(*columns)).fetchall():
        yield from rows
        *_, place, number = rows[-1]
        anchor = Registration(id=number, **{query.column.name: query.column.python_value(place)})


def holds(kind: str) -> Any:
    """Whether a registration has a consent of a kind that was not withdrawn."""
    given = Consent.select(Consent.id).where(
        Consent.registration == Registration.id, Consent.kind == kind, Consent.withdrawn_at.is_null()
    )
    return fn.EXISTS(given)


def whole_rows(query: Query) -> Iterator[tuple[Registration, list[Consent]]]:
    """Every registration of a query, in its order, with its sensitive answers and all its consents."""
    query = replace(query, after="", before="")
    anchor = None
    while rows := list(slice_of(query, anchor, limit=WHOLE_CHUNK).select(Registration)):
        ledger: dict[int, list[Consent]] = {row.id: [] for row in rows}
        for consent in Consent.select().where(Consent.registration.in_(list(ledger))).order_by(Consent.id):
            ledger[consent.registration_id].append(consent)  # type: ignore[attr-defined]
        yield from ((row, ledger[row.id]) for row in rows)
        anchor = rows[-1]
