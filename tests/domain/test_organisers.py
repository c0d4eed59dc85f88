"""Organisers: who may sign in, for how long, and what the database must not hold in clear."""

from datetime import date, timedelta

import pytest
from werkzeug.security import generate_password_hash

from domain import clock, organisers
from domain.organisers import OrganiserExists, OrganiserUnknown
from models import AuditEntry, Organiser, SignIn

PASSWORD = "correct horse battery staple"


@pytest.fixture
def cem(noon) -> Organiser:
    return organisers.add("cem@example.org", PASSWORD)


def whose(token: str) -> Organiser | None:
    found = organisers.signed_in(token)
    return found and found.organiser


def may_sign_in(password: str) -> bool:
    """Whether cem's password is enough where no code is needed."""
    return organisers.authenticate("cem@example.org", password, needs_code=False) is not None


def actions() -> list[str]:
    return [entry.action for entry in AuditEntry.select().order_by(AuditEntry.id)]


def test_added_organiser_may_sign_in(cem):
    assert organisers.authenticate("cem@example.org", PASSWORD, needs_code=False) == cem
    assert actions() == ["organiser.added"]


def test_organiser_is_added_once_whatever_the_case(cem):
    with pytest.raises(OrganiserExists):
        organisers.add("CEM@Example.org", "another password")

    assert Organiser.select().count() == 1
    assert may_sign_in(PASSWORD)
    assert actions() == ["organiser.added"]


def test_organiser_of_another_domain_is_another_one(database):
    for address in ("cem@straße.de", "cem@strasse.de"):
        organisers.add(address, PASSWORD)

    assert [organisers.find(address).email for address in ("CEM@Straße.de", "cem@strasse.de")] == [
        "cem@straße.de",
        "cem@strasse.de",
    ]


def test_address_is_the_same_in_any_case(noon):
    organisers.add("Cem@Example.org", PASSWORD)

    assert organisers.authenticate("cEM@example.ORG", PASSWORD, needs_code=False).email == "cem@example.org"


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("cem@example.org", "wrong"),
        ("cem@example.org", PASSWORD.upper()),
        ("eve@example.org", PASSWORD),
        ("", ""),
    ],
)
def test_wrong_password_and_unknown_address_are_refused(cem, email, password):
    assert organisers.authenticate(email, password, needs_code=False) is None


def test_password_is_stored_as_a_slow_hash(database, monkeypatch):
    monkeypatch.setattr(organisers, "generate_password_hash", generate_password_hash)  # not the quick one

    cem = organisers.add("cem@example.org", PASSWORD)

    assert cem.password_hash.startswith("scrypt:32768:8:1$")
    assert PASSWORD not in cem.password_hash


def test_new_passwords_are_long_and_differ():
    passwords = {organisers.new_password() for _ in range(50)}

    assert len(passwords) == 50
    assert all(len(password) == 20 for password in passwords)


def test_token_of_a_sign_in_tells_whose_it_is(cem):
    bo = organisers.add("bo@example.org", PASSWORD)

    tokens = organisers.sign_in(cem), organisers.sign_in(bo)

    assert [whose(token) for token in tokens] == [cem, bo]


def test_token_is_not_stored_in_clear(cem):
    token = organisers.sign_in(cem)

    stored = SignIn.get()

    assert len(token) == 43
    assert token not in str(stored.__data__)
    assert organisers.signed_in(stored.token_hash) is None


@pytest.mark.parametrize("token", ["", "nonsense", "0" * 43])
def test_unknown_token_is_nobodys(cem, token):
    organisers.sign_in(cem)

    assert organisers.signed_in(token) is None


def test_sign_in_lasts_eight_hours_however_busy(cem, noon):
    token = organisers.sign_in(cem)

    for _ in range(16):
        noon.shift(timedelta(minutes=29, seconds=59))
        organisers.note_activity(organisers.signed_in(token))

    noon.shift(15)
    assert whose(token) == cem
    noon.shift(1)
    assert whose(token) is None


def test_sign_in_ends_after_half_an_hour_in_which_nothing_is_done(cem, noon):
    token = organisers.sign_in(cem)

    noon.shift(timedelta(minutes=30) - timedelta(seconds=1))
    assert whose(token) == cem

    noon.shift(1)
    assert whose(token) is None
    assert organisers.sign_ins_of(cem) == []


def test_activity_is_noted_once_a_minute_and_at_once_when_asked(cem, noon):
    begun = clock.real_now()
    token = organisers.sign_in(cem)

    noon.shift(59)
    organisers.note_activity(organisers.signed_in(token))
    assert SignIn.get().seen_at == begun
    organisers.note_activity(organisers.signed_in(token), at_once=True)
    assert SignIn.get().seen_at == begun + timedelta(seconds=59)
    noon.shift(60)
    organisers.note_activity(organisers.signed_in(token))
    assert SignIn.get().seen_at == begun + timedelta(seconds=119)


def test_rehearsed_day_ends_no_sign_in(cem, noon):
    token = organisers.sign_in(cem)

    clock.rehearse(date(2017, 5, 10))

    assert whose(token) == cem


def test_sign_in_of_the_previous_release_has_ended(cem):
    token = organisers.sign_in(cem)

    SignIn.update(seen_at=None).execute()

    assert whose(token) is None


def test_next_sign_in_clears_those_that_have_ended(cem, noon):
    organisers.sign_in(cem)
    noon.shift(timedelta(hours=9))

    token = organisers.sign_in(cem)

    assert [row.token_hash for row in SignIn.select()] == [organisers.digest(token)]


def test_sign_out_ends_one_sign_in(cem):
    here, elsewhere = organisers.sign_in(cem), organisers.sign_in(cem)

    organisers.sign_out(here, cem)

    assert organisers.signed_in(here) is None
    assert whose(elsewhere) == cem


def test_reset_takes_everything_away_and_ends_every_sign_in(cem):
    bo = organisers.add("bo@example.org", PASSWORD)
    cems, bos = [organisers.sign_in(cem), organisers.sign_in(cem)], organisers.sign_in(bo)

    token = organisers.reset("CEM@example.org")

    assert not may_sign_in(PASSWORD)
    assert [whose(token) for token in cems] == [None, None]
    assert whose(bos) == bo
    assert organisers.invited(token) == cem


def test_remove_takes_the_access_and_keeps_the_log(cem):
    token = organisers.sign_in(cem)

    organisers.remove("Cem@example.org")

    assert not may_sign_in(PASSWORD)
    assert organisers.signed_in(token) is None
    assert SignIn.select().count() == 0
    assert actions() == ["organiser.added", "organiser.signed_in", "organiser.removed"]
    assert [entry.organiser for entry in AuditEntry.select()] == [cem] * 3
    assert list(organisers.current()) == []


def test_removed_organiser_may_be_added_once_more(cem):
    organisers.remove("cem@example.org")

    again = organisers.add("Cem@example.org", "a new password")

    assert (again.id, [one.email for one in organisers.current()]) == (cem.id, ["cem@example.org"])
    assert not may_sign_in(PASSWORD)
    assert may_sign_in("a new password")


@pytest.mark.parametrize("password", ["", "removed", PASSWORD])
def test_removed_organiser_has_no_password(cem, password):
    organisers.remove("cem@example.org")

    assert not may_sign_in(password)


def test_sign_in_that_began_while_its_organiser_was_removed_opens_nothing(cem):
    organisers.remove("cem@example.org")

    token = organisers.sign_in(cem)

    assert organisers.signed_in(token) is None


@pytest.mark.parametrize("verb", [organisers.remove, organisers.reset])
def test_organiser_who_is_unknown_cannot_be_reset_or_removed(cem, verb):
    organisers.add("bo@example.org", PASSWORD)
    organisers.remove("bo@example.org")

    for email in ("eve@example.org", "bo@example.org"):
        with pytest.raises(OrganiserUnknown):
            verb(email)

    assert may_sign_in(PASSWORD)
    assert actions() == ["organiser.added", "organiser.added", "organiser.removed"]


def test_comings_and_goings_are_in_the_log(cem):
    organisers.sign_out(organisers.sign_in(cem), cem)

    entries = AuditEntry.select().order_by(AuditEntry.id)
    assert [(entry.action, entry.organiser) for entry in entries] == [
        ("organiser.added", cem),
        ("organiser.signed_in", cem),
        ("organiser.signed_out", cem),
    ]
