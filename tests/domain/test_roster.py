"""The organisers' list: what it finds, in which order, and page by page without a row lost or shown twice."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from factories import NEEDS, make_answers

from db import db
from domain import roster
from domain.answers import index
from domain.desk import Desk
from domain.registration import build, erase, withdraw
from domain.roster import Page, Query, page
from models import EMPTIED, KEPT, EncryptedField, Mail, Registration

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


@pytest.mark.parametrize(
    ("given_names", "family_name", "q"),
    [
        ("Łukasz", "Đỗ", "lukasz do"),
        ("Søren", "Kjær", "soren kjaer"),
        ("Yıldız", "Œuvray", "yildiz oeuvray"),  # noqa: RUF001 - the letter that is meant
        ("Þóra", "Davíðsdóttir", "thora davidsdottir"),
        ("Ann\u2011Marie", "D’Arcy", "ann-marie d'arcy"),
        ("Ann-Marie", "D'Arcy", "ANN\u2010MARIE D’ARCY"),
    ],
)
def test_search_finds_letters_that_no_accent_tells_apart_as_they_are_typed_elsewhere(
    listed, given_names, family_name, q
):
    listed(given_names="Bo", email="bo@example.org")
    listed(given_names=given_names, family_name=family_name)

    assert names(Query(q=q)) == [f"{given_names} {family_name}"]
    assert names(Query(q=f"{given_names} {family_name}")) == [f"{given_names} {family_name}"]


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


@pytest.mark.parametrize("sort", ["name", "-received"])
def test_pages_of_a_search_are_the_same_whether_few_or_many_were_found(crowd, monkeypatch, sort):
    monkeypatch.setattr(roster, "PAGE_SIZE", 10)
    Registration.update(state="cancelled").where(Registration.given_names == "Bo").execute()
    query = Query(q="diallo", sort=sort)
    few = forwards(query)

    monkeypatch.setattr(roster, "FEW", 23)

    assert forwards(query) == few
    assert (few[0].total, few[0].active) == (24, 16)


# Filters


@pytest.fixture
def three(listed) -> None:
    """Ada, Bo and Cem, no two of whom answered anything alike."""
    listed(
        given_names="Ada", country="FR", category="party", days=["2017-05-25"], sessions=["trade", "opening_2"],
        interpretation="fr", travel="known", hotel="reserve", needs=replace(NEEDS, diet=["vegan", "gluten_free"]),
        consents=["affiliation", "needs"],
        columns={"visa_state": "requested", "is_late": True, "is_hotel_booked": True, "is_travel_checked": True},
    )  # fmt: skip
    listed(
        given_names="Bo", country="DE", category="guest", days=["2017-05-25", "2017-05-26"], sessions=["opening"],
        interpretation="en", travel="later", hotel="own",
        needs=replace(NEEDS, diet=["none"], diet_other="No nuts"), consents=["affiliation", "needs"],
        columns={"state": "confirmed", "visa_state": "sent"},
    )  # fmt: skip
    listed(
        given_names="Cem", country="ES", category="press", days=["2017-05-26"], sessions=["openingX2"],
        interpretation="none", travel="", hotel="", columns={"state": "cancelled"},
    )  # fmt: skip


def who(**filters: list[str]) -> str:
    """The initials of those whom filters find, and after a stroke of those whom they do not find when turned round."""
    found = [
        "".join(row.given_names[0] for row in page(query).rows)
        for query in (
            Query(filters=filters, sort="received"),
            Query(filters=filters, negated=tuple(filters), sort="received"),
        )
    ]
    return "/".join(found)


@pytest.mark.parametrize(
    ("name", "values", "found"),
    [
        ("state", ["received"], "A/BC"),
        ("state", ["received", "cancelled"], "AC/B"),
        ("state", ["erased"], "/ABC"),
        ("day", ["2017-05-25"], "AB/C"),
        ("day", ["2017-05-25", "2017-05-26"], "ABC/"),
        ("session", ["opening"], "B/AC"),
        ("session", ["opening_2"], "A/BC"),
        ("session", ["trade", "opening"], "AB/C"),
        ("category", ["guest"], "B/AC"),
        ("country", ["FR", "ES"], "AC/B"),
        ("interpretation", ["none"], "C/AB"),
        ("visa", ["requested"], "A/BC"),
        ("travel", ["later", "unanswered"], "BC/A"),
        ("hotel", ["reserve"], "A/BC"),
        ("hotel", ["unanswered"], "C/AB"),
        ("diet", ["vegan"], "A/BC"),
        ("diet", ["gluten_free", "other"], "AB/C"),
        ("diet", ["none"], "B/AC"),
        ("diet", ["halal"], "/ABC"),
        ("late", ["yes"], "A/BC"),
        ("booked", ["yes"], "A/BC"),
        ("booked", ["no"], "BC/A"),
        ("booked", ["no", "yes"], "ABC/"),
        ("checked", ["yes"], "A/BC"),
        ("checked", ["no"], "BC/A"),
        ("twin", ["yes"], "/ABC"),
        (
            "country",
            [f"{first}{second}" for first in "FGHIJKLMNO" for second in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
            "A/BC",
        ),
        ("session", [f"session{number}" for number in range(300)], "/ABC"),
    ],
    ids=lambda value: "+".join(value)[:30] if isinstance(value, list) else None,
)
def test_filter_finds_any_of_its_values_and_turned_round_none_of_them(three, name, values, found):
    assert who(**{name: values}) == found


def test_filters_must_all_hold(three):
    query = Query(filters={"day": ["2017-05-25"], "country": ["FR"]}, negated=("country",), q="lovelace")

    found = page(query)

    assert [row.given_names for row in found.rows] == ["Bo"]
    assert (found.total, found.active) == (1, 1)
    assert page(replace(query, q="nobody")).total == 0


@pytest.fixture
def mailed(listed) -> None:
    """Ada, all of whose mails were accepted; Bo, one of whose waits; Cem, one of whose failed; Dee without any."""
    for name, states in (
        ("Ada", "accepted accepted"),
        ("Bo", "accepted retrying"),
        ("Cem", "failed accepted"),
        ("Dee", ""),
    ):
        row = listed(given_names=name)
        for number, state in enumerate(states.split()):
            mail(row, f"{name}{number}", state)
    mail(None, "an organiser's", "failed")


def mail(registration: Registration | None, once: str, state: str) -> None:
    Mail.create(
        registration=registration, kind="confirmation", language="en", recipient="", message="", message_id=once,
        once=once, state=state, due_at=NOON, created_at=NOON,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("states", "found"),
    [
        (["accepted"], "A/BCD"),
        (["waiting"], "B/ACD"),
        (["failed"], "C/ABD"),
        (["accepted", "failed"], "AC/BD"),
    ],
)
def test_filter_by_mails_tells_what_became_of_them(mailed, states, found):
    assert who(mail=states) == found


def test_filter_by_diet_still_finds_after_the_keys_were_changed(three, monkeypatch):
    new, old = b"a new key", *EncryptedField.mark_keys
    monkeypatch.setattr(EncryptedField, "mark_keys", [new, old])

    assert who(diet=["vegan"]) == "A/BC"


def test_diet_lies_in_no_column_in_clear(three):
    rows = [str(row) for row in db.execute_sql("SELECT * FROM registration").fetchall()]

    assert len(rows) == 3
    assert not [row for row in rows if "vegan" in row or "gluten" in row or "nuts" in row]
    marks = sorted(len(row.diet_marks) for row in Registration.select())
    assert marks == [0, 25, 25]


@pytest.mark.parametrize("kind", ["changed", "withdrawn", "erased"])
def test_diet_leaves_no_mark_when_it_is_gone(stored, change, desk, kind):
    row = stored(needs=replace(NEEDS, diet=["vegan"]), consents=["affiliation", "needs"])
    assert Registration.get_by_id(row.id).diet_marks == EncryptedField.marks("vegan")[0]

    if kind == "changed":
        change(row, needs=None)
    elif kind == "withdrawn":
        withdraw(row, "needs", lang="en", changes=[], desk=desk)
    else:
        erase(row, is_blocking=False, desk=desk)

    assert Registration.get_by_id(row.id).diet_marks == ""


def test_diet_without_its_consent_leaves_no_mark(stored):
    row = stored(needs=replace(NEEDS, diet=["vegan"]), consents=["affiliation"])

    assert Registration.get_by_id(row.id).diet_marks == ""


def test_every_filter_is_tested():
    assert set(roster.FILTERS) == {
        "state", "day", "session", "category", "country", "interpretation", "visa", "travel", "hotel", "diet",
        "mail", "late", "booked", "checked", "twin",
    }  # fmt: skip


# Duplicates


@pytest.mark.parametrize(
    ("given", "family", "is_twin"),
    [
        ("Ada", "Lovelace", True),
        ("Lovelace", "Ada", True),
        ("ADA", "Lövelace", True),
        ("", "Ada  Lovelace", True),
        ("Ada Mary", "Lovelace", False),
        ("Ada", "Love Lace", False),
    ],
)
def test_registration_of_the_same_name_is_a_possible_duplicate_in_either_order(
    listed, given, family, is_twin
):
    ada = listed()
    other = listed(given_names=given, family_name=family)

    assert roster.twins_of(ada) == [other] * is_twin
    assert roster.twins_of(other) == [ada] * is_twin
    assert page(Query(filters={"twin": ["yes"]}, sort="received")).rows == [ada, other] * is_twin


@pytest.mark.parametrize(("state", "named", "found"), [("cancelled", 1, 0), ("erased", 0, 0)])
def test_duplicate_that_was_cancelled_is_named_and_is_nothing_to_be_done(listed, state, named, found):
    ada = listed()
    listed(columns={"state": state})

    assert len(roster.twins_of(ada)) == named
    assert page(roster.PRESETS["twin"]).total == found


def test_nobody_of_no_name_is_a_duplicate(listed):
    first, _ = listed(), listed()
    Registration.update(name_words="").execute()

    assert roster.twins_of(Registration.get_by_id(first.id)) == []
    assert page(Query(filters={"twin": ["yes"]})).rows == []


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_duplicates_are_found_by_their_index(listed):
    """How PostgreSQL goes about it depends on how many there are."""
    listed()
    sql, values = roster.matching(Query(filters={"twin": ["yes"]})).sql()

    plan = str(db.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values).fetchall())

    assert "USING INDEX registration_name_words" in plan


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(q="ada", sort="-name", after="OB17-7KQ4-M2"),
        Query(filters={"country": ["FR", "DE"], "late": ["yes"]}, negated=("late",), before=roster.END),
        Query(columns=("name", "travel")),
        *roster.PRESETS.values(),
    ],
)
def test_query_is_read_from_its_address_as_it_was(query):
    address = {
        name: value if isinstance(value, list) else [value]
        for name, value in roster.in_address(query).items()
    }

    assert roster.read(address) == query


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (Query(), ""),
        (Query(q="ada & bo"), "ada & bo"),
        (Query(q="country=FR"), "country=FR"),
        (Query(q="?"), "?q=%3F"),
        (Query(q="ada", filters={"diet": ["vegan"]}, negated=("diet",)), "?q=ada&diet=vegan&not=diet"),
    ],
)
def test_words_of_a_query_find_the_same(query, words):
    assert roster.in_words(query) == words
    assert roster.from_words(words) == query


def test_words_of_a_query_leave_out_order_place_and_columns():
    query = Query(filters={"late": ["yes"]}, sort="name", before=roster.END, columns=("name", "hotel"))

    assert roster.in_words(query) == "?late=yes"


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
    assert set(roster.SORTS.values()) == {*EMPTIED, *KEPT}
    assert set(roster.USUAL_COLUMNS) <= set(roster.SORTS)


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
        "D’Arcy",
        "de la Cruz",
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


@pytest.mark.parametrize("sort", ["-name", "-country"])
def test_list_begins_anew_beside_an_erased_row_that_has_lost_what_it_was_sorted_by(
    crowd, desk, monkeypatch, sort
):
    monkeypatch.setattr(roster, "PAGE_SIZE", 50)
    first = page(Query(sort=sort))
    erase(first.rows[-1], is_blocking=False, desk=desk)

    found = page(first.next)

    assert [row.id for row in found.rows] == [row.id for row in page(Query(sort=sort)).rows]
    assert (found.first, found.next) == (None, replace(first.next, after=found.rows[-1].reference))


def test_page_of_an_empty_search_beside_a_row_is_empty(listed):
    ada = listed()

    assert page(Query(q="nobody", after=ada.reference)).rows == []


def test_list_begins_at_its_beginning_beside_an_unknown_row(listed):
    ada = listed()

    found = page(Query(after="OB17-ZZZZ-ZZ"))

    assert found.rows == [ada]
    assert (found.first, found.previous, found.next, found.last) == (None, None, None, None)


@pytest.mark.parametrize("sort", EVERY_SORT)
def test_last_page_ends_the_list_and_leads_back(crowd, monkeypatch, sort):
    monkeypatch.setattr(roster, "PAGE_SIZE", 50)
    every = [row.id for found in forwards(Query(sort=sort)) for row in found.rows]

    last = page(page(Query(sort=sort)).last)

    assert [row.id for row in last.rows] == every[-50:]
    assert (last.next, last.last) == (None, None)
    assert [row.id for row in page(last.previous).rows] == every[20:70]
    assert [row.id for row in page(last.first).rows] == every[:50]


def test_empty_list_has_no_neighbours(database):
    found = page(Query())

    assert (found.rows, found.total, found.first, found.previous, found.next) == ([], 0, None, None, None)


def test_list_takes_the_same_queries_however_long_it_is(listed, monkeypatch):
    counts = {}
    for rows in (1, 3, 100):
        while Registration.select().count() < rows:
            listed()
        queries = []
        with monkeypatch.context() as watched:
            watched.setattr(db.obj, "query_hooks", [queries.append])
            found = page(Query())
        assert len(found.rows) == min(rows, roster.PAGE_SIZE)
        counts[rows] = len(queries)

    assert 0 < counts[1] == counts[3] == counts[100] == 3
