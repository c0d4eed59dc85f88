"""The organisers' query: search, sort, keyset pages, counts, and the rows of the export."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from peewee import SQL, ModelSelect, NodeList, Tuple, Value

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
MOST_WORDS = 10
LISTED = [column for column in Registration._meta.sorted_fields if not isinstance(column, EncryptedField)]


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


def export_rows(query: Query) -> Iterator[tuple[Registration, set[str]]]:
    """Every registration of a query, in its order, with the kinds of consent that hold."""
    query = replace(query, after="", before="")
    anchor = None
    while rows := list(slice_of(query, anchor, limit=CHUNK)):
        consents: dict[int, set[str]] = {row.id: set() for row in rows}
        given = Consent.select(Consent.registration, Consent.kind).where(
            Consent.registration.in_(list(consents)), Consent.withdrawn_at.is_null()
        )
        for consent in given:
            consents[consent.registration_id].add(consent.kind)  # type: ignore[attr-defined]
        yield from ((row, consents[row.id]) for row in rows)
        anchor = rows[-1]
