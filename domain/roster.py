"""The organisers' query: search, filters, sort, keyset pages, counts, and the rows of the export.

In an address a filter stands once for each value, any of which will do: `country=FR&country=DE`. `not=country` turns
it round: neither of them. All filters and every word of the search must hold. `columns=name,country` are shown.
"""

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any
from urllib.parse import parse_qs, urlencode

from peewee import SQL, Case, ModelSelect, NodeList, Tuple, Value, fn

from db import db, one_of
from domain.answers import fold
from models import ACTIVE, NOT_ERASED, STATES, UNFINISHED, Consent, EncryptedField, Mail, Registration

SORTS = {
    "name": Registration.name_key,
    "organisation": Registration.organisation_key,
    "function": Registration.function,
    "country": Registration.country,
    "email": Registration.address_key,
    "category": Registration.category,
    "interpretation": Registration.interpretation,
    "visa": Registration.visa_state,
    "travel": Registration.travel,
    "hotel": Registration.hotel,
    "state": Registration.state,
    "received": Registration.created_at,
    "changed": Registration.updated_at,
    "reference": Registration.reference,
}
USUAL_COLUMNS = ("name", "organisation", "country", "email", "visa", "state", "received", "reference")
UNANSWERED = "unanswered"  # as an address has it; the column is empty
END = "end"  # of the list, in the place of a reference
NEWEST_FIRST = "-received"
GONE = tuple(state for state in STATES if state not in ACTIVE)
PAGE_SIZE = 50
CHUNK = 2000
WHOLE_CHUNK = 200
FEW = 1000  # rows that are sorted rather than looked for in their order
MOST_WORDS = 10
MOST_TWINS = 20
LISTED = [column for column in Registration._meta.sorted_fields if not isinstance(column, EncryptedField)]
EXPORTED = (
    Registration.reference,
    Registration.state,
    Registration.language,
    Registration.created_at.cast("TEXT"),
    Registration.updated_at.cast("TEXT"),
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
    Registration.is_travel_checked,
    Registration.is_hotel_booked,
    Registration.is_late,
    Registration.extra.cast("TEXT"),
)


@dataclass(frozen=True, kw_only=True)
class Query:
    """What an organiser asks the list for. `sort` is a key of SORTS, with `-` in front for the reverse order.

    `filters` are values by keys of FILTERS, `negated` the keys of those that must not hold. `after` and `before` are
    references of the row beside which the page lies; before END it is the last one.
    """

    q: str = ""
    filters: dict[str, list[str]] = field(default_factory=dict)
    negated: tuple[str, ...] = ()
    columns: tuple[str, ...] = USUAL_COLUMNS
    sort: str = NEWEST_FIRST
    after: str = ""
    before: str = ""

    @property
    def column(self) -> Any:
        return SORTS[self.sort.removeprefix("-")]

    @property
    def is_descending(self) -> bool:
        return self.sort.startswith("-")

    @property
    def is_narrowed(self) -> bool:
        return bool(self.filters or self.q.strip())

    def without(self, name: str, value: str) -> "Query":
        """The same query without one value of a filter."""
        left = [other for other in self.filters[name] if other != value]
        others = {key: values for key, values in self.filters.items() if key != name}
        negated = self.negated if left else tuple(key for key in self.negated if key != name)
        return replace(self, filters=others | ({name: left} if left else {}), negated=negated)


def read(given: Mapping[str, list[str]]) -> Query:
    """A query from the parts of an address; what makes no sense there counts for nothing."""
    words = {
        name: (given.get(name) or [""])[0].replace("\0", "")[:200]
        for name in ("q", "sort", "after", "before")
    }
    if words["sort"].removeprefix("-") not in SORTS:
        words["sort"] = NEWEST_FIRST
    filters = {name: list(dict.fromkeys(given[name])) for name in FILTERS if given.get(name)}
    chosen = [name for part in given.get("columns", []) for name in part.split(",") if name in SORTS]
    return Query(
        filters=filters,
        negated=tuple(name for name in filters if name in given.get("not", [])),
        columns=tuple(dict.fromkeys(["name", *chosen])) if chosen else USUAL_COLUMNS,
        **words,
    )


def in_address(query: Query) -> dict[str, str | list[str]]:
    """The parts of a query's address: only what is not as usual. The reverse of `read`."""
    parts = {name: getattr(query, name) for name in ("q", "sort", "after", "before")}
    told = {name: value for name, value in parts.items() if value != getattr(USUAL, name)}
    negated = {"not": list(query.negated)} if query.negated else {}
    columns = {"columns": ",".join(query.columns)} if query.columns != USUAL_COLUMNS else {}
    return told | query.filters | negated | columns


def in_words(query: Query) -> str:
    """What a query finds, as an announcement keeps it: the words of the search, or with filters "?" and an address."""
    if not query.filters and not query.q.startswith("?"):
        return query.q
    finding = Query(q=query.q, filters=query.filters, negated=query.negated)
    return f"?{urlencode(in_address(finding), doseq=True)}"


def from_words(words: str) -> Query:
    """The reverse of `in_words`."""
    return read(parse_qs(words[1:])) if words.startswith("?") else Query(q=words)


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page, with the queries of its neighbours. Of the `total` that match, `active` hold."""

    rows: list[Registration]
    total: int
    active: int
    first: Query | None
    previous: Query | None
    next: Query | None
    last: Query | None


def matching(query: Query) -> "ModelSelect[Registration]":
    """The registrations that a query finds, in no order, without their sensitive answers."""
    found = Registration.select(*LISTED).where(Registration.state != "erased")
    for name, values in query.filters.items():
        demand = FILTERS[name](values)
        found = found.where(~demand if name in query.negated else demand)
    for word in fold(query.q).split()[:MOST_WORDS]:
        found = found.where(contains(Registration.search, word))
    return found


def contains(column: Any, word: str) -> NodeList:
    """LIKE in plain words: Peewee's own operators differ between the databases."""
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return NodeList((column, SQL("LIKE"), Value(f"%{escaped}%"), SQL("ESCAPE '\\'")))


Filter = Callable[[list[str]], Any]


def any_of(demands: Iterable[Any]) -> NodeList:
    """Several demands on one level: nested, more than some fifty are too deep for SQLite."""
    return NodeList(list(demands), glue=" OR ", parens=True)


def equal(column: Any) -> Filter:
    """The filter that a column has one of the values."""
    return lambda values: column.in_(["" if value == UNANSWERED else value for value in values])


def lists(column: Any) -> Filter:
    """The filter that a column's list has one of the keys in it: both databases write JSON with its quotes."""
    return lambda keys: any_of(contains(column.cast("TEXT"), f'"{key}"') for key in keys)


def keeps(diets: list[str]) -> Any:
    """The filter by diet, of which the database knows the marks alone."""
    return any_of(
        contains(Registration.diet_marks, mark) for diet in diets for mark in EncryptedField.marks(diet)
    )


def has_mail(states: list[str]) -> Any:
    """The filter by mails: "failed", some did; "waiting", some have not gone out; "accepted", every one was."""
    theirs = Mail.select(Mail.registration).where(Mail.registration.is_null(False))
    accepted, others = (
        theirs.where(demand) for demand in (Mail.state == "accepted", Mail.state != "accepted")
    )
    demands = {
        "failed": Registration.id.in_(theirs.where(Mail.state == "failed")),
        "waiting": Registration.id.in_(theirs.where(Mail.state.in_(UNFINISHED))),
        "accepted": Registration.id.in_(accepted) & Registration.id.not_in(others),
    }
    return any_of(demands[state] for state in states)


def has_twin(_: list[str]) -> Any:
    """The filter that another registration that holds has the same name, whichever part of it comes first."""
    other: Any = Registration.alias("other")
    twins = other.select(other.id).where(
        other.name_words == Registration.name_words,
        other.id != Registration.id,
        other.state.in_(ACTIVE),
    )
    return (Registration.name_words != "") & fn.EXISTS(twins)


def twins_of(registration: Registration) -> list[Registration]:
    """The other registrations of the same name, also those that were cancelled, oldest first."""
    if not registration.name_words:
        return []
    found = Registration.select(*LISTED).where(
        Registration.name_words == registration.name_words, Registration.id != registration.id, NOT_ERASED
    )
    return list(found.order_by(Registration.id).limit(MOST_TWINS))


def is_set(column: Any) -> Filter:
    return lambda values: column.in_([value == "yes" for value in values])


FILTERS: dict[str, Filter] = {
    "state": equal(Registration.state),
    "day": lists(Registration.days),
    "session": lists(Registration.sessions),
    "category": equal(Registration.category),
    "country": equal(Registration.country),
    "interpretation": equal(Registration.interpretation),
    "visa": equal(Registration.visa_state),
    "travel": equal(Registration.travel),
    "checked": is_set(Registration.is_travel_checked),
    "hotel": equal(Registration.hotel),
    "booked": is_set(Registration.is_hotel_booked),
    "diet": keeps,
    "mail": has_mail,
    "late": is_set(Registration.is_late),
    "twin": has_twin,
}
HOLDING = {"state": list(ACTIVE)}
FLIGHTS_MISSING = {"travel": ["later", UNANSWERED]}
USUAL = Query()
# What is to be done in the last weeks, oldest first.
PRESETS = {
    "visa": Query(
        filters=HOLDING | {"visa": ["requested", "in_preparation"]},
        sort="received",
        columns=("name", "country", "email", "visa", "received", "reference"),
    ),
    "travel": Query(
        filters=HOLDING | FLIGHTS_MISSING,
        sort="received",
        columns=("name", "organisation", "country", "email", "travel", "received"),
    ),
    "hotel": Query(
        filters=HOLDING | {"hotel": ["reserve"], "booked": ["no"]},
        sort="received",
        columns=("name", "organisation", "country", "email", "hotel", "received"),
    ),
    "check": Query(
        filters=HOLDING | {"travel": ["known"], "checked": ["no"]},
        sort="received",
        columns=("name", "organisation", "country", "email", "travel", "changed"),
    ),
    "twin": Query(
        filters=HOLDING | {"twin": ["yes"]},
        sort="name",
        columns=("name", "organisation", "country", "email", "state", "received", "reference"),
    ),
    "mail": Query(filters={"mail": ["failed"]}, sort="received"),
    "late": Query(filters={"late": ["yes"]}, sort="received"),
}


def page(query: Query) -> Page:
    """One page of the list. Beside a row that there is not, or beside which there is no other, it is the first."""
    anchor = anchor_of(query)
    if anchor is None and query.before != END:
        query = replace(query, before="", after="")
    backwards = bool(query.before)
    found = few(query) if query.is_narrowed else None
    rows = list(slice_of(query, anchor, limit=PAGE_SIZE + 1, among=found))
    if anchor is not None and not rows:
        return page(replace(query, before="", after=""))
    has_more = len(rows) > PAGE_SIZE
    rows = rows[:PAGE_SIZE]
    if backwards:
        rows.reverse()
    has_previous = bool(rows) and (has_more if backwards else bool(query.after))
    has_next = bool(rows) and query.before != END and (backwards or has_more)
    total, active = (
        totals(query) if found is None else (len(found), sum(state in ACTIVE for state in found.values()))
    )
    return Page(
        rows=rows,
        total=total,
        active=active,
        first=replace(query, after="", before="") if has_previous else None,
        previous=replace(query, before=rows[0].reference, after="") if has_previous else None,
        next=replace(query, after=rows[-1].reference, before="") if has_next else None,
        last=replace(query, after="", before=END) if has_next else None,
    )


def totals(query: Query) -> tuple[int, int]:
    """How many registrations a query finds, and how many of them hold.

    The whole list is not counted row by row: that would take longer than its page.
    """
    if query.is_narrowed:
        holds = Case(None, [(Registration.state.in_(ACTIVE), 1)], 0)
        counted: Any = matching(query).select(fn.COUNT(SQL("*")), fn.SUM(holds)).tuples().get()
        return counted[0], counted[1] or 0
    everybody = Registration.select(fn.COUNT(SQL("*"))).scalar()
    gone = Registration.select(Registration.state, fn.COUNT(Registration.id)).group_by(Registration.state)
    rows: Any = gone.where(Registration.state.in_(GONE)).tuples()
    counts: dict[str, int] = dict(rows)
    return everybody - counts.get("erased", 0), everybody - sum(counts.values())


def few(query: Query) -> dict[int, str] | None:
    """All that a query finds, if that is not much: ids with states. One look at each row then does for everything."""
    found: list[Any] = list(
        matching(query).select(Registration.id, Registration.state).limit(FEW + 1).tuples()
    )
    return dict(found) if len(found) <= FEW else None


def anchor_of(query: Query) -> Registration | None:
    """The row beside which the page lies; nothing for the first page and the last, or where there is no such row."""
    reference = query.before or query.after
    return Registration.get_or_none(Registration.reference == reference) if reference else None


def slice_of(
    query: Query, anchor: Registration | None, *, limit: int | None, among: Collection[int] | None = None
) -> "ModelSelect[Registration]":
    """The rows next to the anchor, nearest first: by index, however long the list is, or `among` ids that are few."""
    descending = query.is_descending != bool(query.before)
    found = (
        matching(query).where(
            NOT_ERASED
        )  # so that the indexes are in question: to search, they would be a detour
        if among is None
        else Registration.select(*LISTED).where(Registration.id.in_(list(among)))
    )
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
    columns = (*EXPORTED, holds("list"), holds("photo"), Registration.id)
    for ids in ids_of(query, at_once=CHUNK):
        found = {row[-1]: row for row in db.execute(those(ids).select(*columns))}
        yield from filter(None, map(found.get, ids))


def ids_of(query: Query, *, at_once: int) -> "Iterator[array[int]]":
    """The ids that a query finds, in its order, in pieces.

    They are read at once: whoever saves while the rows are fetched, during a slow download, cannot jump from a piece
    that is still to come into one that has been fetched, nor back; and no transaction lasts as long as that.
    """
    order = slice_of(replace(query, after="", before=""), None, limit=None).select(Registration.id)
    ids = array("q", chain.from_iterable(db.execute(order)))
    for start in range(0, len(ids), at_once):
        yield ids[start : start + at_once]


def those(ids: Collection[int]) -> "ModelSelect[Registration]":
    """The registrations of some ids as they are now, in no order; without those that have been erased meanwhile."""
    return Registration.select().where(one_of(Registration.id, ids), NOT_ERASED)


def holds(kind: str) -> Any:
    """Whether a registration has a consent of a kind that was not withdrawn."""
    given = Consent.select(Consent.id).where(
        Consent.registration == Registration.id, Consent.kind == kind, Consent.withdrawn_at.is_null()
    )
    return fn.EXISTS(given)


def whole_rows(query: Query) -> Iterator[tuple[Registration, list[Consent]]]:
    """Every registration of a query, in its order, with its sensitive answers and all its consents."""
    for ids in ids_of(query, at_once=WHOLE_CHUNK):
        found = {row.id: row for row in those(ids)}
        ledger: dict[int, list[Consent]] = {number: [] for number in found}
        for consent in Consent.select().where(Consent.registration.in_(list(found))).order_by(Consent.id):
            ledger[consent.registration_id].append(consent)  # type: ignore[attr-defined]
        yield from ((found[number], ledger[number]) for number in ids if number in found)
