"""The organisers' list: what it finds, in which order, and page by page without a row lost or shown twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories import make_answers

from db import db
from domain import roster
from domain.answers import index
from domain.desk import Desk
from domain.registration import build
from domain.roster import Page, Query, page
from models import Registration

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)
EVERY_SORT = [f"{sign}{name}" for name in roster.SORTS for sign in ("", "-")]


def names(query: Query) -> list[str]:
    return [row.name for row in page(query).rows]


def forwards(query: Query) -> list[Page]:
    found = [page(query)]
    while found[-1].next:
        found.append(page(found[-1].next))
        assert len(found) < 100, "the list goes in circles"
    return found


def backwards(last: Page) -> list[Page]:
    """The pages before one, the nearest first."""
    found = [last]
    while found[-1].previous:
        found.append(page(found[-1].previous))
        assert len(found) < 100, "the list goes in circles"
    return found[1:]


@pytest.fixture
def crowd(database: None, desk: Desk) -> list[Registration]:
    """120 people, many of whom share their name, their organisation, or the second in which they came."""
    ada = build(make_answers(), lang="en", form_key="", desk=desk).__data__
    people = [
        Registration(**ada | {"id": None, "public_id": number, "form_key": number, "address_key": number})
        for number in range(120)
    ]
    for number, person in enumerate(people):
        person.reference = f"OB17-{number:04}-99"
        person.given_names = ("Ada", "Bo", "Cem")[number % 3]
        person.family_name = ("Adams", "Brown", "Costa", "Diallo", "Eriksen")[number % 5]
        person.organisation = ("Labour", "Greens")[number % 2]
        person.created_at = NOON + timedelta(seconds=number // 10)
        index(person)
    Registration.bulk_create(people)
    return list(Registration.select().order_by(Registration.id))


# Search


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("", ["Ünal Åström", "Bo Lovelace"]),
        ("unal", ["Ünal Åström"]),
        ("ÜNAL", ["Ünal Åström"]),
        ("u\u0308nal", ["Ünal Åström"]),
        ("astrom", ["Ünal Åström"]),
        ("åström unal", ["Ünal Åström"]),
        ("stro", ["Ünal Åström"]),
        ("unal lovelace", []),
        ("parti", ["Ünal Åström"]),
        ("bo labour", ["Bo Lovelace"]),
        ("bo@example.org", ["Bo Lovelace"]),
        ("  bo   lovelace ", ["Bo Lovelace"]),
        ("nobody", []),
    ],
)
def test_search_finds_every_word_without_case_and_accents(listed, q, found):
    listed(given_names="Bo", email="bo@example.org")
    listed(given_names="Ünal", family_name="Åström", organisation="Parti écologiste")

    assert names(Query(q=q)) == found


@pytest.mark.parametrize("q", ["Достоевский", "достоевский", "ДОСТОЕВ", "العربية", "ΜΕΡΚΟΎΡΗ", "μερκουρη"])
def test_search_finds_names_of_every_script(listed, q):
    listed(given_names="Ada")
    listed(given_names="Фёдор العربية Μελίνα", family_name="Достоевский Μερκούρη")

    assert names(Query(q=q)) == ["Фёдор العربية Μελίνα Достоевский Μερκούρη"]


@pytest.mark.parametrize("q", ["OB17-7KQ4-M2", "ob17-7kq4-m2", "OB177KQ4M2", "7kq4", "ob17 lovelace"])
def test_search_finds_a_reference_with_and_without_hyphens(listed, q):
    listed(given_names="Bo", family_name="Other")
    listed(columns={"reference": "OB17-7KQ4-M2"})

    assert names(Query(q=q)) == ["Ada Lovelace"]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("100%", ["100% Left"]),
        ("%", ["100% Left"]),
        ("a_b", ["A_B Union"]),
        ("_", ["A_B Union"]),
        ("\\", ["Back\\slash"]),
        ("k\\s", ["Back\\slash"]),
        ("'", ["L'Avenir"]),
        ("a%b", []),
        ("100_", []),
    ],
)
def test_search_takes_the_signs_of_a_pattern_literally(listed, q, found):
    for organisation in ("100% Left", "A_B Union", "AxB Union", "Back\\slash", "L'Avenir"):
        listed(organisation=organisation)

    assert [row.organisation for row in page(Query(q=q)).rows] == found


def test_list_counts_all_that_was_found(crowd, monkeypatch):
    monkeypatch.setattr(roster, "PAGE_SIZE", 10)

    assert page(Query()).total == 120
    assert page(Query(q="diallo")).total == 24
    assert page(Query(q="nobody")).total == 0


def test_list_leaves_out_erased_registrations(listed):
    listed(given_names="Ada")
    listed(given_names="Eve", columns={"state": "erased"})

    found = page(Query())

    assert [row.given_names for row in found.rows] == ["Ada"]
    assert found.total == 1
    assert names(Query(q="eve")) == []


def test_list_shows_cancelled_registrations(listed):
    listed(columns={"state": "cancelled"})

    assert [row.state for row in page(Query()).rows] == ["cancelled"]


# Order


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["Ada Adams", "Zoë Adams", "Bo Zuse"]),
        ("-name", ["Bo Zuse", "Zoë Adams", "Ada Adams"]),
        ("organisation", ["Bo Zuse", "Zoë Adams", "Ada Adams"]),
        ("-organisation", ["Ada Adams", "Zoë Adams", "Bo Zuse"]),
        ("received", ["Zoë Adams", "Ada Adams", "Bo Zuse"]),
        ("-received", ["Bo Zuse", "Ada Adams", "Zoë Adams"]),
    ],
)
def test_list_is_in_the_order_asked_for(listed, sort, order):
    for minute, given, family, organisation in (
        (2, "Ada", "Adams", "Gamma"),
        (1, "Zoë", "Adams", "Beta"),
        (3, "Bo", "Zuse", "Alpha"),
    ):
        received = {"created_at": NOON + timedelta(minutes=minute)}
        listed(given_names=given, family_name=family, organisation=organisation, columns=received)

    assert names(Query(sort=sort)) == order


def test_every_sort_is_tested():
    assert set(roster.SORTS) == {"name", "organisation", "received"}


def test_newest_stand_first_unless_asked_otherwise(listed):
    listed(given_names="Ada", columns={"created_at": NOON})
    listed(given_names="Bo", columns={"created_at": NOON + timedelta(microseconds=1)})

    assert names(Query()) == ["Bo Lovelace", "Ada Lovelace"]


def test_names_of_every_script_stand_in_one_order_on_every_database(listed):
    for family in (
        "Ünal",
        "unal",
        "Zuse",
        "Достоевский",
        "de la Cruz",
        "Ångström",
        "الخوارزمي",
        "D’Arcy",
        "王",
    ):
        listed(given_names="", family_name=family)

    assert names(Query(sort="name")) == [
        "Ångström",
        "de la Cruz",
        "D’Arcy",
        "Ünal",
        "unal",
        "Zuse",
        "Достоевский",
        "الخوارزمي",
        "王",
    ]


# Pages


@pytest.mark.parametrize("size", [7, 40, 121])
@pytest.mark.parametrize("sort", EVERY_SORT)
def test_pages_show_every_row_exactly_once_and_in_order(crowd, monkeypatch, sort, size):
    monkeypatch.setattr(roster, "PAGE_SIZE", size)
    column = Query(sort=sort).column.name
    in_order = sorted(crowd, key=lambda row: (getattr(row, column), row.id), reverse=sort.startswith("-"))

    there = [found.rows for found in forwards(Query(sort=sort))]

    assert [row.id for rows in there for row in rows] == [row.id for row in in_order]
    assert {len(rows) for rows in there[:-1]} <= {size}


@pytest.mark.parametrize("size", [7, 40])
@pytest.mark.parametrize("sort", EVERY_SORT)
def test_pages_are_the_same_on_the_way_back(crowd, monkeypatch, sort, size):
    monkeypatch.setattr(roster, "PAGE_SIZE", size)
    there = forwards(Query(sort=sort))

    back = backwards(there[-1])

    assert [found.rows for found in reversed(back)] == [found.rows for found in there[:-1]]
    assert (back[-1].first, back[-1].previous) == (None, None)


def test_pages_of_a_search_hold_only_what_was_found(crowd, monkeypatch):
    monkeypatch.setattr(roster, "PAGE_SIZE", 10)

    found = forwards(Query(q="diallo", sort="organisation"))

    assert [len(one.rows) for one in found] == [10, 10, 4]
    assert {row.family_name for one in found for row in one.rows} == {"Diallo"}


def test_pages_know_their_neighbours(crowd, monkeypatch):
    monkeypatch.setattr(roster, "PAGE_SIZE", 50)
    query = Query(q="a", sort="name")

    first, second, third = forwards(query)

    assert (first.first, first.previous) == (None, None)
    assert first.next == replace(query, after=first.rows[-1].reference)
    assert (second.first, second.previous) == (query, replace(query, before=second.rows[0].reference))
    assert (third.first, third.next) == (query, None)


def test_page_lies_beside_its_row_even_when_that_was_erased_meanwhile(crowd, monkeypatch):
    monkeypatch.setattr(roster, "PAGE_SIZE", 50)
    first = page(Query(sort="received"))
    Registration.update(state="erased").where(Registration.id == first.rows[-1].id).execute()

    second = page(first.next)

    assert [row.id for row in second.rows] == [row.id for row in crowd[50:100]]


def test_list_begins_at_its_beginning_beside_an_unknown_row(listed):
    ada = listed()

    found = page(Query(after="OB17-ZZZZ-ZZ"))

    assert found.rows == [ada]
    assert (found.first, found.previous, found.next) == (None, None, None)


def test_empty_list_has_no_neighbours(database):
    found = page(Query())

    assert (found.rows, found.total, found.first, found.previous, found.next) == ([], 0, None, None, None)


def test_list_takes_the_same_queries_however_long_it_is(listed, monkeypatch):
    counts = {}
    for rows in (1, 3, 60):
        while Registration.select().count() < rows:
            listed()
        queries = []
        with monkeypatch.context() as watched:
            watched.setattr(db.obj, "query_hooks", [queries.append])
            found = page(Query())
        assert len(found.rows) == min(rows, roster.PAGE_SIZE)
        counts[rows] = len(queries)

    assert 0 < counts[1] == counts[3] == counts[60] <= 3
