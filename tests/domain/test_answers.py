"""What a delegate answers: it comes back from the columns as it was given, and what differs is known by its name."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, time
from typing import Any

import pytest
from factories import JOURNEY, NEEDS, PASSPORT, SENSITIVE_PARTS, STAY, make_answers

from domain import clock, roster
from domain.answers import (
    OPEN_LATE,
    PARTS,
    Answers,
    Needs,
    address_key,
    answers_of,
    changed,
    fill,
    fold,
    given_consents,
    index,
    plain,
    read,
)
from domain.registration import give_consents
from models import Consent, Registration, Repeat

EVERYTHING = SENSITIVE_PARTS | {
    "extra": {"dinner": "yes", "parts": ["opening", "closing"], "motion": "Peace\n& “bread”"},
    "consents": ["affiliation", "needs", "visa"],
}
WITHOUT_DEPARTURE = replace(JOURNEY, departure_date=None, departure_time=None, departure_flight="")


@pytest.fixture
def kept(listed: Callable[..., Registration], desk) -> Callable[..., Registration]:
    """Put somebody with their consents on the list and read the row again."""

    def keep(*, columns: dict[str, Any] | None = None, **answers: Any) -> Registration:
        row = listed(columns=columns, **answers)
        give_consents(row, make_answers(**answers).consents, desk=desk)
        return Registration.get_by_id(row.id)

    return keep


def filled(row: Registration, **answers: Any) -> Registration:
    """The row with other answers of ada's, stored and read again."""
    fill(row, make_answers(**answers))
    index(row)
    row.save()
    return Registration.get_by_id(row.id)


# From answers to columns and back


@pytest.mark.parametrize(
    "given",
    [
        {},
        EVERYTHING,
        EVERYTHING | {"journey": WITHOUT_DEPARTURE},
        EVERYTHING | {"journey": replace(WITHOUT_DEPARTURE, departure_date=date(2017, 5, 27))},
        EVERYTHING | {"journey": replace(JOURNEY, arrival_time=time(0, 0), pickup=False)},
        EVERYTHING | {"stay": replace(STAY, room="single", share_with="")},
        EVERYTHING | {"needs": replace(NEEDS, diet=[], diet_other="Ünal’s", access="")},
        {"travel": "none", "hotel": "later", "sessions": ["asia"], "consents": ["affiliation", "photo"]},
        {"country": "", "function": "", "category": "", "travel": "", "hotel": "", "interpretation": ""},
    ],
    ids=[
        "little", "everything", "no departure", "departure in part", "midnight", "single room",
        "another diet", "no travel", "not asked",
    ],
)  # fmt: skip
def test_answers_come_back_from_the_columns_as_they_were_given(kept, given):
    row = kept(email="ada@example.org", **given)

    assert answers_of(row) == make_answers(email="ada@example.org", **given)


def test_answers_of_an_earlier_release_lack_what_was_not_asked_then(kept):
    row = kept(columns={"mobile": None, "travel": "", "hotel": "", "extra": {}})

    answers = answers_of(row)

    assert (answers.mobile, answers.travel, answers.hotel, answers.extra) == ("", "", "", {})
    assert (answers.journey, answers.stay) == (None, None)


def test_part_is_plain_with_days_and_hours_in_iso_8601():
    assert plain(JOURNEY) == {
        "arrival_date": "2017-05-24",
        "arrival_time": "06:10:00",
        "arrival_flight": "OM 302",
        "departure_date": "2017-05-27",
        "departure_time": "08:45:00",
        "departure_flight": "OM 301",
        "pickup": True,
    }


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("needs", NEEDS),
        ("passport", PASSPORT),
        ("journey", JOURNEY),
        ("journey", WITHOUT_DEPARTURE),
        ("stay", STAY),
        *((name, None) for name in PARTS),
    ],
)
def test_part_is_read_as_it_was_before_it_became_plain(name, part):
    assert read(name, plain(part)) == part


@pytest.mark.parametrize("name", PARTS)
def test_part_that_is_stored_is_encrypted_and_nothing_when_there_is_none(kept, name):
    full, empty = kept(**EVERYTHING), kept()

    raw = dict(Registration.select(Registration.id, getattr(Registration, name).cast("TEXT")).tuples())

    assert getattr(full, name) == plain(EVERYTHING[name])
    assert getattr(empty, name) is None
    assert (raw[full.id][:5], raw[empty.id]) == ("gAAAA", "")


@pytest.mark.parametrize(("part", "consent"), [("needs", "needs"), ("passport", "visa")])
def test_fill_keeps_sensitive_answers_only_with_their_consent(kept, part, consent):
    row = kept(**EVERYTHING)
    assert getattr(row, part) is not None

    row = filled(row, **EVERYTHING | {"consents": [c for c in EVERYTHING["consents"] if c != consent]})

    others = {"needs", "passport", "journey", "stay"} - {part}
    assert getattr(row, part) is None
    assert [name for name in others if getattr(row, name) is None] == []


def test_fill_leaves_address_and_consents_alone(kept):
    row = kept(email="ada@example.org")

    row = filled(row, email="eve@example.org", given_names="Eve", consents=["affiliation", "photo"])

    assert (row.email, row.address_key) == ("ada@example.org", "ada@example.org")
    assert row.given_names == "Eve"
    assert given_consents(row) == ["affiliation"]


@pytest.mark.parametrize(
    ("diet", "diet_other", "access", "is_none"),
    [
        (["none"], "", "", True),
        ([], "", "", False),
        (["none", "vegan"], "", "", False),
        (["vegan"], "", "", False),
        (["none"], "No nuts", "", False),
        (["none"], "", "Step-free route", False),
    ],
)
def test_fill_keeps_needs_without_consent_only_when_there_are_none(kept, diet, diet_other, access, is_none):
    needs = Needs(diet=diet, diet_other=diet_other, access=access)

    row = kept(needs=needs, consents=["affiliation"])

    assert needs.is_none is is_none
    assert answers_of(row).needs == (needs if is_none else None)
    assert answers_of(kept(needs=needs, consents=["affiliation", "needs"])).needs == needs


# The visa letter


@pytest.mark.parametrize("state", ["requested", "in_preparation", "sent"])
def test_visa_letter_is_not_asked_for_again_while_the_passport_stays(kept, state):
    row = kept(columns={"visa_state": state}, **EVERYTHING)

    row = filled(row, **EVERYTHING | {"function": "President"})

    assert (row.visa_state, row.function) == (state, "President")


@pytest.mark.parametrize("state", ["requested", "in_preparation", "sent"])
@pytest.mark.parametrize(
    "other",
    [
        {"name": "ADA KING"}, {"nationality": "FR"}, {"number": "99X99999"}, {"expiry": date(2021, 1, 1)},
        {"post": "Bonn, Germany"},
    ],
    ids=str,
)  # fmt: skip
def test_visa_letter_is_asked_for_again_with_another_passport(kept, state, other):
    row = kept(columns={"visa_state": state}, **EVERYTHING)

    row = filled(row, **EVERYTHING | {"passport": replace(PASSPORT, **other)})

    assert row.visa_state == "requested"


def test_visa_letter_is_asked_for_with_the_first_passport(kept):
    row = kept()
    assert row.visa_state == "none"

    row = filled(row, **EVERYTHING)

    assert row.visa_state == "requested"


@pytest.mark.parametrize("given", [{"passport": None}, {"consents": ["affiliation", "needs"]}], ids=str)
def test_visa_letter_is_not_asked_for_without_a_passport(kept, given):
    row = kept(columns={"visa_state": "sent"}, **EVERYTHING)

    row = filled(row, **EVERYTHING | given)

    assert (row.passport, row.visa_state) == (None, "none")


# What differs


def test_nothing_differs_between_the_same_answers():
    assert changed(make_answers(**EVERYTHING), make_answers(**EVERYTHING)) == set()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("given_names", "Bo"),
        ("family_name", ""),
        ("email", "bo@example.org"),
        ("organisation", "Greens"),
        ("country", "FR"),
        ("function", "President"),
        ("category", "guest"),
        ("days", ["2017-05-25", "2017-05-26"]),
        ("sessions", ["asia"]),
        ("interpretation", "fr"),
        ("needs", replace(NEEDS, diet=["vegan"])),
        ("passport", replace(PASSPORT, expiry=date(2021, 1, 1))),
        ("travel", "none"),
        ("journey", replace(JOURNEY, arrival_time=time(7, 10))),
        ("mobile", "+976 99 445566"),
        ("hotel", "own"),
        ("stay", None),
        ("extra", {"dinner": "no"}),
        ("consents", ["affiliation"]),
    ],
)
def test_answer_that_differs_is_known_by_its_name(name, value):
    before = make_answers(**EVERYTHING)

    assert changed(before, replace(before, **{name: value})) == {name}
    assert changed(replace(before, **{name: value}), before) == {name}


def test_every_answer_is_compared():
    nobody = Answers(**{field.name: None for field in fields(Answers)})

    assert changed(make_answers(**EVERYTHING), nobody) == {field.name for field in fields(Answers)}


@pytest.mark.parametrize("name", ["days", "sessions", "consents"])
def test_order_of_what_was_ticked_is_no_difference(name):
    before = make_answers(**{name: ["one", "two", "three"]})

    assert changed(before, make_answers(**{name: ["three", "one", "two"]})) == set()
    assert changed(before, make_answers(**{name: ["one", "two", "two"]})) == {name}


@pytest.mark.parametrize(
    ("name", "value", "reordered", "other"),
    [
        (
            "needs",
            replace(NEEDS, diet=["halal", "vegan"]),
            replace(NEEDS, diet=["vegan", "halal"]),
            replace(NEEDS, diet=["vegan", "halal", "none"]),
        ),
        (
            "extra",
            {"parts": ["opening", "closing"], "dinner": "yes"},
            {"dinner": "yes", "parts": ["closing", "opening"]},
            {"dinner": "yes", "parts": ["closing"]},
        ),
    ],
    ids=["needs", "extra"],
)
def test_order_of_what_was_ticked_inside_an_answer_is_no_difference(name, value, reordered, other):
    before = make_answers(**{name: value})

    assert changed(before, make_answers(**{name: reordered})) == set()
    assert changed(before, make_answers(**{name: other})) == {name}


def test_what_stays_open_after_the_deadline_are_answers():
    assert {field.name for field in fields(Answers)} >= OPEN_LATE
    assert sorted(OPEN_LATE) == [
        "consents", "hotel", "journey", "mobile", "needs", "passport", "stay", "travel",
    ]  # fmt: skip


# Consents


def test_consents_that_hold_are_given_in_their_order(kept, desk):
    row = kept(consents=["affiliation", "photo", "list"])
    other = kept(consents=["affiliation", "visa"])
    Consent.update(withdrawn_at=clock.now()).where(Consent.kind == "photo").execute()

    give_consents(row, ["needs"], desk=desk)

    assert given_consents(row) == ["affiliation", "list", "needs"]
    assert given_consents(other) == ["affiliation", "visa"]


def test_consent_that_was_withdrawn_can_be_given_again(kept, desk):
    row = kept(consents=["affiliation", "photo"])
    Consent.update(withdrawn_at=clock.now()).where(Consent.kind == "photo").execute()
    assert given_consents(row) == ["affiliation"]

    give_consents(row, ["photo"], desk=desk)

    assert given_consents(row) == ["affiliation", "photo"]


# Search


def found(words: str) -> list[str]:
    return [row.name for row in roster.page(roster.Query(q=words)).rows]


def test_index_follows_the_answers(kept):
    row = kept(given_names="Ada", organisation="Labour Party")

    filled(row, given_names="Ünal", family_name="Åström", organisation="Les Écologistes")

    assert found("unal ecologistes") == ["Ünal Åström"]
    assert found("lovelace") == found("labour") == []


def test_index_keeps_the_references_of_repeats_findable(kept):
    row = kept(columns={"reference": "OB17-7KQ4-M2"})
    for reference in ("OB17-2222-22", "OB17-3333-33"):
        Repeat.create(registration=row, reference=reference, form_key=reference, created_at=clock.now())

    filled(row, given_names="Bo")

    for words in ("OB17-7KQ4-M2", "ob177kq4m2", "OB17-2222-22", "OB17222222", "ob17-3333-33", "ob17333333"):
        assert found(words) == ["Bo Lovelace"]


@pytest.mark.parametrize(
    ("given_names", "family_name", "key"),
    [
        ("Ünal", "Åström", "astrom unal"),
        ("Ada", "", "ada"),
        ("", "Sukarno", "sukarno"),
        ("ﬃ" * 100, "é" * 100, "e" * 100 + " " + "ffi" * 33 + "f"),
    ],
)
def test_index_sorts_by_the_family_name_and_fits_its_column(listed, given_names, family_name, key):
    row = Registration.get_by_id(listed(given_names=given_names, family_name=family_name).id)

    assert row.name_key == key
    assert len(row.name_key) <= 201


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("Ada@Example.org", "ada@example.org"),
        ("ada@Müller.example", "ada@xn--mller-kva.example"),
        ("ada@XN--MLLER-KVA.example", "ada@xn--mller-kva.example"),
        ("ada@straße.de", "ada@xn--strae-oqa.de"),
        ("ada@xn--strae-oqa.de", "ada@xn--strae-oqa.de"),
        ("ada@strasse.de", "ada@strasse.de"),
    ],
)
def test_key_of_an_address_is_its_own_however_it_is_spelt(address, key):
    assert address_key(address) == key


def test_addresses_of_domains_that_differ_in_their_sharp_s_alone_are_two(stored):
    rows = [stored(email=address, key=address) for address in ("ada@straße.de", "ada@strasse.de")]

    assert len({row.reference for row in rows}) == len({row.address_key for row in rows}) == 2


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Ünal", "unal"),
        ("u\u0308NAL", "unal"),
        ("STRASSE", "strasse"),
        ("Straße", "strasse"),
        ("ﬁne", "fine"),
        ("\uff21\uff22\uff23", "abc"),
        ("Ngọc-Ánh", "ngoc-anh"),
        ("İstanbul", "istanbul"),
        ("Μερκούρη", "μερκουρη"),
        ("Фёдор", "федор"),
        ("  two \t words\n ", "two words"),
        ("王小明", "王小明"),
        ("", ""),
    ],
)
def test_fold_leaves_out_case_accents_and_stray_spaces(text, folded):
    assert fold(text) == folded
