"""Seeding: registrations as the front desk would have stored them, of every state, and never in production."""

from dataclasses import replace

import pytest

from db import connection
from domain import demo, roster
from domain.answers import answers_of, index
from domain.roster import Query
from models import STATES, TRAVEL, VISA_STATES, Mail, Registration


def seeded(number: int, desk) -> list[Registration]:
    assert sum(demo.seed(number, desk)) == number
    return list(Registration.select().order_by(Registration.id))


def test_seeded_registrations_are_what_the_columns_to_search_by_say(database, desk):
    rows = seeded(200, desk)

    assert len({row.reference for row in rows}) == len({row.address_key for row in rows}) == 200
    kept = [row for row in rows if row.state != "erased"]
    for row in kept:
        was = (row.name_key, row.organisation_key, row.search)
        index(row)
        assert (row.name_key, row.organisation_key, row.search) == was
        assert answers_of(row).days == row.days != []
        assert roster.matching(Query(q=row.reference)).get() == row
        given = {"visa": row.passport, "needs": row.needs}
        assert {consent.kind for consent in row.consents} == {"affiliation", *(k for k in given if given[k])}
    assert Mail.select().count() == len(kept)


def test_seeded_registrations_are_of_every_state(database, desk):
    rows = seeded(600, desk)

    assert {row.state for row in rows} == set(STATES)
    assert {row.visa_state for row in rows} == set(VISA_STATES)
    assert {row.travel for row in rows} == set(TRAVEL)
    assert Mail.select().where(Mail.state == "failed").count() == demo.FAILED
    assert {mail.state for mail in Mail.select()} == {"accepted", "failed"}
    assert any(row.is_late for row in rows)
    assert roster.page(Query(filters={"diet": ["vegan"]})).total > 0
    assert roster.page(Query(filters={"session": [desk.conference.sessions[0].key]})).total > 0


def test_seeding_twice_adds_to_the_list(database, desk):
    seeded(3, desk)

    assert len(seeded(5, desk)) == 8


def test_seeded_registrations_answer_only_what_the_conference_asks(database, desk):
    left_out = ["visa", "journey", "sessions", "interpretation", "diet"]
    conference = desk.conference.model_copy(update={"leave_out": left_out})
    rows = seeded(50, replace(desk, conference=conference))

    assert {(row.travel, row.hotel, row.visa_state, row.diet_marks) for row in rows} == {("", "", "none", "")}
    assert [
        row.needs or row.passport or row.sessions or row.interpretation
        for row in rows
        if row.state != "erased"
    ] == ["" for row in rows if row.state != "erased"]


def test_demo_seed_fills_the_list(run):
    run("demo", "seed", 3)

    with connection():
        assert Registration.select().count() == 3


def test_demo_seed_is_refused_in_production(app, run, monkeypatch):
    settings = app.extensions["settings"].model_copy(update={"mode": "production"})
    monkeypatch.setitem(app.extensions, "settings", settings)

    answer = run("demo", "seed", 3, code=1)

    assert "only in a rehearsal" in answer.output
    with connection():
        assert Registration.select().count() == 0


@pytest.mark.parametrize("number", [0, -1, "many"])
def test_demo_seed_wants_a_number(run, number):
    run("demo", "seed", number, code=2)
