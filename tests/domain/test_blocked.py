"""Addresses to which the service never writes again: recognised, but not to be read from the table."""

from datetime import UTC, datetime
from functools import partial
from importlib import import_module

import pytest

from db import db
from domain import blocked, late, roster
from domain.answers import address_key
from domain.references import is_mistyped
from domain.registration import RegistrationClosed, erase, find_by_reference, send_link
from models import TABLES, AuditEntry, Blocked, Mail, Registration, Repeat

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)


def counts() -> dict[str, int]:
    """How many rows there are, of the tables that have any."""
    return {table.__name__: count for table in TABLES if (count := table.select().count())}


def recipients() -> set[str]:
    return {mail.recipient for mail in Mail.select()}


def test_blocked_address_is_recognised(database):
    blocked.block("ada@example.org")

    assert blocked.is_blocked("ada@example.org")
    assert not blocked.is_blocked("bo@example.org")


@pytest.mark.parametrize("again", ["ADA@Example.org", "ada@MÜLLER.example", "ada@xn--mller-kva.example"])
def test_blocked_address_is_recognised_however_it_is_spelt(database, again):
    for address in ("ada@example.org", "ada@müller.example"):
        blocked.block(address_key(address))

    assert blocked.is_blocked(address_key(again))


def test_address_of_another_domain_is_not_blocked(database):
    blocked.block(address_key("ada@straße.de"))

    assert not blocked.is_blocked(address_key("ada@strasse.de"))


def test_address_is_blocked_once(database):
    for _ in range(2):
        blocked.block("ada@example.org")

    assert Blocked.select().count() == 1


def test_blocked_address_is_kept_as_a_slow_hash(database):
    """Always the same one: with another, nobody who asked for it would be known again."""
    blocked.block("ada@example.org")

    ((address_hash,),) = db.execute_sql("SELECT address_hash FROM blocked").fetchall()

    assert address_hash == "573f4321f1cab9263e747789b83f2289a0f305e57b6c311cee8a3f8df2bc06bb"


def test_erasing_blocks_the_address_only_when_that_is_asked(stored, desk):
    for address, is_blocking in (("ada@example.org", True), ("bo@example.org", False)):
        erase(stored(email=address), is_blocking=is_blocking, desk=desk)

    assert blocked.is_blocked("ada@example.org")
    assert not blocked.is_blocked("bo@example.org")


def test_form_with_a_blocked_address_is_answered_as_always_and_stores_only_its_reference(send, noon):
    blocked.block("ada@example.org")
    open_to_others = send(key="bo's form", email="bo@example.org")
    before = counts()

    reference = send(key="ada's form", email="ADA@example.org")

    assert reference != open_to_others
    assert reference.startswith("OB17-")
    assert not is_mistyped(reference, "OB17")
    assert counts() == before | {"AuditEntry": before["AuditEntry"] + 1, "Repeat": 1}
    (kept,) = Repeat.select()
    assert (kept.reference, kept.registration, kept.created_at) == (reference, None, NOON)
    assert recipients() == {"bo@example.org"}


def test_form_with_a_blocked_address_is_in_the_log_without_the_address(send, noon):
    blocked.block("ada@example.org")

    send()

    (entry,) = AuditEntry.select()
    assert (entry.action, entry.registration, entry.organiser) == ("registration.blocked", None, None)
    assert entry.details == {}


@pytest.fixture
def steps(monkeypatch) -> list[str]:
    """What is done from now on that takes time."""
    taken: list[str] = []
    for place in ("registration.compose", "registration.give_consents", "outbox.enqueue", "audit.record"):
        module, verb = place.split(".")
        real = getattr(import_module(f"domain.{module}"), verb)
        monkeypatch.setattr(
            f"domain.{place}", lambda *a, real=real, place=place, **k: (taken.append(place), real(*a, **k))[1]
        )
    return taken


def test_form_with_a_blocked_address_takes_the_same_steps(send, steps):
    send(key="bo's form", email="bo@example.org")
    for_bo = steps.copy()
    steps.clear()
    blocked.block("ada@example.org")

    send(key="ada's form", email="ada@example.org")

    assert steps == for_bo
    assert for_bo == ["registration.compose", "registration.give_consents", "outbox.enqueue", "audit.record"]


def test_new_address_that_is_not_written_to_takes_the_same_steps(stored, change, steps):
    bo = stored(email="bo@example.org")
    blocked.block("ada@example.org")
    steps.clear()
    taken = []

    for address in ("new@example.org", "ada@example.org"):
        change(Registration.get_by_id(bo.id), email=address)
        taken.append(steps.copy())
        steps.clear()

    assert taken[1] == taken[0]
    assert taken[0].count("registration.compose") == taken[0].count("outbox.enqueue") == 2
    assert recipients() == {"bo@example.org", "new@example.org"}


def test_form_with_a_blocked_address_gets_the_same_reference_when_it_is_sent_again(send):
    blocked.block("ada@example.org")
    first = send(key="a form")

    again, other = send(key="a form"), send(key="a later form")

    assert again == first
    assert other != first
    assert sorted(kept.reference for kept in Repeat.select()) == sorted([first, other])


def test_form_with_a_blocked_address_gets_the_same_reference_after_the_deadline_too(send, noon, desk):
    blocked.block("ada@example.org")
    first = send(key="a form")
    noon.move_to(desk.conference.closes_at)

    assert send(key="a form") == first
    with pytest.raises(RegistrationClosed):
        send(key="a later form")


def test_one_form_with_a_blocked_address_from_five_sides_at_once_gets_one_reference(send, together):
    blocked.block("ada@example.org")

    references = together(*[partial(send, key="a form")] * 5)

    assert [kept.reference for kept in Repeat.select()] == references[:1]
    assert len(set(references)) == 1


def test_form_with_a_blocked_address_leaves_nothing_behind_when_it_fails_halfway(send, monkeypatch):
    blocked.block("ada@example.org")

    def fail(*args, **kwargs):
        assert Repeat.select().count() == 1
        raise OSError("out of order")

    monkeypatch.setattr("domain.audit.record", fail)

    with pytest.raises(OSError, match="out of order"):
        send()

    assert counts() == {"Blocked": 1}


def test_reference_that_was_given_for_a_blocked_address_is_drawn_only_once(send, monkeypatch):
    blocked.block("ada@example.org")
    drawn = iter(["OB17-2222-22", "OB17-2222-22", "OB17-3333-33"])
    monkeypatch.setattr("domain.registration.new_reference", lambda prefix: next(drawn))

    references = [send(key="ada's form"), send(key="bo's form", email="bo@example.org")]

    assert references == ["OB17-2222-22", "OB17-3333-33"]


def test_reference_that_was_given_for_a_blocked_address_leads_organisers_nowhere(send, noon):
    send(key="bo's form", email="bo@example.org")
    blocked.block("ada@example.org")

    reference = send(key="ada's form")

    assert roster.page(roster.Query(q="bo@example.org")).rows != []
    assert roster.page(roster.Query(q=reference)).rows == []
    assert find_by_reference(reference) is None


def test_blocked_address_gets_no_link(send, desk):
    send(email="bo@example.org")
    blocked.block("ada@example.org")

    send_link("ada@example.org", lang="en", desk=desk)

    assert recipients() == {"bo@example.org"}


def test_blocked_address_gets_no_late_link(database, desk):
    blocked.block("ada@example.org")

    with pytest.raises(late.Unwanted):
        late.make("Ada@example.org", lang="en", organiser=None, desk=desk)

    assert counts() == {"Blocked": 1}


def test_registration_that_moves_to_a_blocked_address_writes_only_to_the_old_one(stored, change):
    blocked.block("ada@example.org")
    bo = stored(email="bo@example.org")

    change(bo, email="ada@example.org")

    assert Registration.get_by_id(bo.id).pending_email == "ada@example.org"
    assert [mail.kind for mail in Mail.select().order_by(Mail.id)] == ["confirmation", "changed"]
    assert recipients() == {"bo@example.org"}
