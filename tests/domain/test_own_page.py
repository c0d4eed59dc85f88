"""What delegates do with their own registration: each change whole, in the log, mailed, and only once."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from factories import JOURNEY, NEEDS, PASSPORT, STAY, make_answers

from domain import audit, outbox
from domain.answers import Answers, answers_of, given_consents
from domain.registration import (
    AddressTaken,
    ChangedMeanwhile,
    LinkUnknown,
    PartClosed,
    RegistrationClosed,
    cancel,
    confirm,
    find_by_link,
    move,
    own_data,
    renew_link,
    restore,
    send_link,
    withdraw,
)
from models import TABLES, AuditEntry, Consent, Mail, Registration

pytestmark = pytest.mark.usefixtures("noon")
NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SENSITIVE = {
    "needs": NEEDS,
    "passport": PASSPORT,
    "travel": "known",
    "journey": JOURNEY,
    "mobile": "+976 99 112233",
    "hotel": "reserve",
    "stay": STAY,
    "extra": {"dinner": "yes"},
    "consents": ["affiliation", "needs", "visa", "list"],
}


@pytest.fixture
def cy(stored: Callable[..., Registration]) -> Registration:
    """Somebody who has told the secretariat everything that one can."""
    return stored(email="cy@example.org", given_names="Cy", key="cy's form", **SENSITIVE)


def fresh(row: Registration) -> Registration:
    return Registration.get_by_id(row.id)


def mails(since: int = 1) -> list[tuple[str, str]]:
    """Kind and recipient of the mails, without the first ones."""
    return list(Mail.select(Mail.kind, Mail.recipient).order_by(Mail.id).tuples())[since:]


def log(since: int = 1) -> list[tuple[str, dict]]:
    entries = AuditEntry.select().order_by(AuditEntry.id)
    return [(entry.action.removeprefix("registration."), entry.details) for entry in entries][since:]


def everything() -> list[list[dict]]:
    return [list(table.select().order_by(table.id).dicts()) for table in TABLES]


def refused(error: type[Exception], act: Callable[[], None]) -> None:
    """The act is refused and leaves everything as it was."""
    before = everything()
    with pytest.raises(error):
        act()
    assert everything() == before


# Confirming


def test_confirm_notes_that_the_link_has_arrived(ada, noon):
    noon.shift(HOUR)

    confirm(ada)

    row = fresh(ada)
    assert (row.state, row.confirmed_at, row.updated_at) == ("confirmed", NOON + HOUR, NOON + HOUR)
    assert row.sequence == 1
    assert (mails(), log()) == ([], [("confirmed", {})])


def test_confirm_a_second_time_keeps_the_first_moment(ada, noon):
    confirm(ada)
    noon.shift(HOUR)

    confirm(ada)

    assert (fresh(ada).state, fresh(ada).confirmed_at) == ("confirmed", NOON)


def test_confirm_of_what_is_cancelled_does_not_bring_it_back(ada, desk):
    cancel(ada, "", desk=desk)

    confirm(ada)

    assert fresh(ada).state == "cancelled"


@pytest.mark.parametrize(
    "act",
    [
        lambda row, desk: cancel(row, "", desk=desk),
        lambda row, desk: withdraw(row, "list", lang="en", changes=[], desk=desk),
        lambda row, desk: renew_link(row, desk=desk),
    ],
    ids=["cancel", "withdraw", "renew_link"],
)
def test_every_button_confirms_the_address(stored, desk, noon, act):
    row = stored(consents=["affiliation", "list"])
    assert row.confirmed_at is None

    act(row, desk)

    assert fresh(row).confirmed_at == NOON


# Changing


def test_change_stores_the_new_answers(ada, change, noon):
    noon.shift(HOUR)

    change(ada, function="President", sessions=["asia"], lang="es")

    row = fresh(ada)
    assert (row.function, row.sessions, row.language) == ("President", ["asia"], "es")
    assert (row.given_names, row.email) == ("Ada", "ada@example.org")
    assert (row.state, row.confirmed_at, row.updated_at) == ("confirmed", NOON + HOUR, NOON + HOUR)
    assert (row.created_at, row.sequence) == (NOON, 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("given_names", "Bo"),
        ("country", "FR"),
        ("days", ["2017-05-26"]),
        ("interpretation", "none"),
        ("travel", "none"),
        ("mobile", "+33 6 12 34 56 78"),
        ("hotel", "later"),
        ("stay", None),
        ("journey", replace(JOURNEY, departure_date=None, departure_time=None, departure_flight="")),
        ("extra", {"dinner": "no"}),
        ("needs", replace(NEEDS, access="")),
        ("passport", replace(PASSPORT, number="99X99999")),
        ("consents", ["affiliation", "needs", "visa", "photo"]),
    ],
)
def test_change_of_one_answer_leaves_the_others(cy, change, name, value):
    before = answers_of(cy)

    change(cy, **{name: value})

    assert answers_of(fresh(cy)) == replace(before, **{name: value})
    assert log() == [("changed", {"answers": [name]})]


def test_change_is_told_to_the_delegate(ada, change):
    change(ada, function="President", days=["2017-05-26"])

    assert mails() == [("changed", "ada@example.org")]
    for name in ("days", "function"):
        assert f"- {name}\r\n" in Mail.get(Mail.kind == "changed").message
    assert "organisation" not in Mail.get(Mail.kind == "changed").message


def test_log_of_a_change_holds_names_of_answers_and_never_their_values(cy, change):
    canary = {
        "given_names": "Canary",
        "function": "Canary",
        "needs": replace(NEEDS, diet_other="Canary"),
        "passport": replace(PASSPORT, name="CANARY"),
        "mobile": "+976 CANARY",
        "stay": replace(STAY, share_with="Canary"),
        "extra": {"dinner": "canary"},
        "email": "canary@example.org",
    }

    change(cy, **canary)

    assert "Canary" in str(vars(answers_of(fresh(cy))))
    assert log() == [("changed", {"answers": sorted(canary)})]
    assert "canary" not in str([entry.details for entry in AuditEntry.select()]).casefold()


def test_change_to_the_same_answers_only_confirms(ada, change, noon):
    change(ada, days=["2017-05-25"], email="ADA@example.org")

    row = fresh(ada)
    assert (row.state, row.confirmed_at, row.sequence, row.email) == ("confirmed", NOON, 1, "ada@example.org")
    assert (mails(), log()) == ([], [("confirmed", {})])


def test_change_to_the_same_answers_a_second_time_does_nothing(ada, change):
    confirm(ada)
    before = everything()

    change(ada, days=["2017-05-25"])

    assert everything() == before


def test_change_makes_the_registration_findable_by_its_new_name(ada, change):
    change(ada, given_names="Ünal", organisation="Les Écologistes")

    assert "unal" in fresh(ada).search
    assert fresh(ada).name_key == "lovelace unal"
    assert fresh(ada).organisation_key == "les ecologistes"


def test_change_enters_consents_that_are_new_and_withdraws_those_that_are_gone(stored, change, desk, noon):
    row = stored(consents=["affiliation", "list"])
    noon.shift(HOUR)

    change(row, consents=["affiliation", "photo"], lang="fr")

    assert given_consents(row) == ["affiliation", "photo"]
    ledger = {one.kind: (one.language, one.given_at, one.withdrawn_at) for one in Consent.select()}
    assert ledger == {
        "affiliation": ("en", NOON, None),
        "list": ("en", NOON, NOON + HOUR),
        "photo": ("fr", NOON + HOUR, None),
    }


def test_change_without_consent_erases_what_rested_on_it(cy, change):
    change(cy, needs=None, passport=None, consents=["affiliation", "list"])

    row = fresh(cy)
    assert (row.needs, row.passport, row.visa_state) == (None, None, "none")
    assert log() == [("changed", {"answers": ["consents", "needs", "passport"]})]


def test_change_of_the_passport_asks_for_the_letter_again(cy, change):
    Registration.update(visa_state="sent").execute()

    change(fresh(cy), function="President")
    after_another_answer = fresh(cy).visa_state
    change(fresh(cy), passport=replace(PASSPORT, number="99X99999"))

    assert (after_another_answer, fresh(cy).visa_state) == ("sent", "requested")


def test_change_leaves_nothing_behind_when_it_fails_halfway(cy, change, monkeypatch):
    def fail(*args, **kwargs):
        assert "changed" in [mail.kind for mail in Mail.select()]
        raise OSError("out of order")

    monkeypatch.setattr(audit, "record", fail)

    refused(OSError, lambda: change(cy, function="President", consents=["affiliation"], needs=None))


# Changes that are refused


@pytest.mark.parametrize("state", ["cancelled", "erased"])
def test_change_of_what_is_not_active_is_refused(ada, change, state):
    Registration.update(state=state).execute()

    refused(RegistrationClosed, lambda: change(fresh(ada), function="President"))


@pytest.mark.parametrize("sequence", [-1, 0, 2])
def test_change_by_another_window_is_refused(ada, change, sequence):
    confirm(ada)
    row = fresh(ada)

    refused(ChangedMeanwhile, lambda: change(row, sequence=sequence, function="President"))

    change(row, sequence=1, function="President")
    assert fresh(row).function == "President"


@pytest.mark.parametrize(
    "act",
    [
        lambda row, change, desk: change(row, function="President"),
        lambda row, change, desk: confirm(row),
        lambda row, change, desk: cancel(row, "", desk=desk),
        lambda row, change, desk: withdraw(row, "list", lang="en", changes=[], desk=desk),
        lambda row, change, desk: renew_link(row, desk=desk),
    ],
    ids=["change", "confirm", "cancel", "withdraw", "renew_link"],
)
def test_change_of_a_row_that_was_read_before_another_change_is_refused(stored, change, desk, act):
    stale = stored(consents=["affiliation", "list"])
    change(fresh(stale), organisation="Greens")

    refused(ChangedMeanwhile, lambda: act(stale, change, desk))

    act(fresh(stale), change, desk)
    assert fresh(stale).organisation == "Greens"


@pytest.mark.parametrize(
    ("closed", "names"),
    [
        ({"function": "President"}, ("function",)),
        ({"given_names": "Bo", "email": "bo@example.org", "travel": "none"}, ("email", "given_names")),
        ({"days": [], "sessions": ["asia"], "interpretation": "fr"}, ("days", "interpretation", "sessions")),
        ({"extra": {"dinner": "no"}, "needs": None}, ("extra",)),
    ],
)
def test_change_of_what_has_closed_is_refused_after_the_deadline(cy, change, desk, noon, closed, names):
    noon.move_to(desk.conference.closes_at)

    refused(PartClosed, lambda: change(cy, **closed))

    with pytest.raises(PartClosed) as refusal:
        change(cy, **closed)
    assert refusal.value.args == names


def test_change_of_what_has_closed_is_open_until_the_deadline(cy, change, desk, noon):
    noon.move_to(desk.conference.closes_at - timedelta(seconds=1))

    change(cy, function="President")

    assert fresh(cy).function == "President"


@pytest.mark.parametrize(
    "open_late",
    [
        {"needs": replace(NEEDS, access="Companion")},
        {"passport": replace(PASSPORT, post="Bonn, Germany")},
        {"travel": "none", "journey": None, "mobile": ""},
        {"journey": replace(JOURNEY, pickup=False), "mobile": ""},
        {"hotel": "own", "stay": None},
        {"consents": ["affiliation", "needs", "visa", "photo"]},
    ],
    ids=lambda given: " ".join(given),
)
def test_change_of_what_is_known_late_is_open_after_the_deadline(cy, change, desk, noon, open_late):
    noon.move_to(desk.conference.closes_at)
    before = answers_of(cy)

    change(cy, **open_late)

    assert answers_of(fresh(cy)) == replace(before, **open_late)
    assert mails() == [("changed", "cy@example.org")]


# Two at once


@pytest.mark.parametrize(
    "given",
    [{"function": "President"}, {"consents": ["affiliation", "photo"]}, {"consents": []}, {"email": "bo@example.org"}],
    ids=str,
)  # fmt: skip
def test_one_of_two_changes_at_once_wins(ada, change, together, given):
    def send(name: str) -> str:
        try:
            change(fresh(ada), sequence=0, given_names=name, **given)
        except ChangedMeanwhile:
            return "refused"
        return name

    outcomes = together(partial(send, "Bo"), partial(send, "Cem"))

    (winner,) = set(outcomes) - {"refused"}
    assert sorted(outcomes) == sorted([winner, "refused"])
    assert (fresh(ada).given_names, fresh(ada).sequence) == (winner, 1)
    assert [kind for kind, _ in mails() if kind == "changed"] == ["changed"]
    assert [action for action, _ in log()] == ["changed"]


def test_one_of_two_changes_from_the_same_row_wins_even_if_both_give_a_consent(ada, change, together):
    """Both have read the row before either of them writes."""
    rows = [fresh(ada), fresh(ada)]
    before = answers_of(ada)

    def send(row: Registration) -> bool:
        with suppress(ChangedMeanwhile):
            change(row, **vars(replace(before, consents=["affiliation", "photo"])))
            return True
        return False

    outcomes = together(*[partial(send, row) for row in rows])

    assert sorted(outcomes) == [False, True]
    assert Consent.select().where(Consent.kind == "photo").count() == 1


@pytest.mark.parametrize("kinds", [["photo"], ["list", "photo"]])
def test_change_from_a_stale_row_that_gives_a_consent_is_refused(ada, change, monkeypatch, kinds):
    stale, before = fresh(ada), answers_of(ada)
    change(fresh(ada), consents=["affiliation", *kinds])
    monkeypatch.setattr("domain.registration.answers_of", lambda row: before)  # as it was read

    refused(ChangedMeanwhile, lambda: change(stale, consents=["affiliation", *kinds], function="President"))


# A new address


def test_new_address_waits_until_it_is_confirmed(ada, change, noon):
    change(ada, email="Ada@müller.example", function="President")

    row = fresh(ada)
    assert (row.email, row.address_key) == ("ada@example.org", "ada@example.org")
    assert (row.pending_email, row.function, row.link_version) == (
        "Ada@xn--mller-kva.example",
        "President",
        1,
    )
    assert sorted(mails()) == [("address", "Ada@xn--mller-kva.example"), ("changed", "ada@example.org")]
    assert log() == [("changed", {"answers": ["email", "function"]})]


def test_new_address_is_not_told_to_the_old_one(ada, change):
    change(ada, email="new@example.org")

    assert "new@example.org" in str(everything())
    assert "new@example.org" not in Mail.get(Mail.kind == "changed").message


def test_new_address_of_somebody_who_is_registered_is_told_to_them(ada, stored, change):
    bo = stored(key="bo's form", email="bo@example.org", given_names="Bo")

    change(ada, email="BO@example.org")

    assert fresh(ada).pending_email == "BO@example.org"
    assert sorted(mails(2)) == [("changed", "ada@example.org"), ("repeat", "bo@example.org")]
    repeat = Mail.get(Mail.kind == "repeat")
    assert repeat.registration == bo
    assert "Dear Bo Lovelace," in repeat.message
    assert fresh(bo) == bo
    assert (fresh(bo).sequence, fresh(bo).email) == (0, "bo@example.org")


def test_new_address_is_free_when_its_registration_was_cancelled(ada, stored, change, desk):
    bo = stored(key="bo's form", email="bo@example.org")
    cancel(bo, "", desk=desk)

    change(ada, email="bo@example.org")
    move(fresh(ada), "bo@example.org", desk=desk)

    assert fresh(ada).email == "bo@example.org"


def test_another_new_address_takes_the_place_of_the_one_that_waits(ada, change, desk):
    change(ada, email="first@example.org")
    change(fresh(ada), email="second@example.org")
    assert fresh(ada).pending_email == "second@example.org"

    refused(LinkUnknown, lambda: move(fresh(ada), "first@example.org", desk=desk))

    move(fresh(ada), "second@example.org", desk=desk)
    assert fresh(ada).email == "second@example.org"


def test_move_takes_over_the_address_that_waits(ada, change, desk, noon):
    change(ada, email="New@example.org")
    noon.shift(HOUR)

    move(fresh(ada), "New@example.org", desk=desk)

    row = fresh(ada)
    assert (row.email, row.address_key, row.pending_email) == ("New@example.org", "new@example.org", None)
    assert (row.link_version, row.sequence, row.updated_at) == (2, 2, NOON + HOUR)
    assert "new@example.org" in row.search
    assert "ada@example.org" not in row.search
    assert mails(3) == [("moved", "ada@example.org"), ("link", "New@example.org")]
    assert log(2) == [("address_changed", {})]


def test_link_of_the_old_address_is_dead_after_the_move(ada, change, desk):
    change(ada, email="new@example.org")
    assert find_by_link(ada.public_id, 1) == ada

    move(fresh(ada), "new@example.org", desk=desk)

    assert find_by_link(ada.public_id, 2) == ada
    with pytest.raises(LinkUnknown):
        find_by_link(ada.public_id, 1)


def test_old_address_is_free_after_the_move(ada, change, desk, send):
    change(ada, email="new@example.org")
    move(fresh(ada), "new@example.org", desk=desk)

    send(key="a later form", email="ada@example.org")

    assert sorted(row.email for row in Registration.select()) == ["ada@example.org", "new@example.org"]


@pytest.mark.parametrize("address", ["eve@example.org", "", None])
def test_move_to_an_address_that_does_not_wait_is_refused(ada, change, desk, address):
    change(ada, email="new@example.org")

    refused(LinkUnknown, lambda: move(fresh(ada), address, desk=desk))


def test_move_is_refused_a_second_time(ada, change, desk):
    change(ada, email="new@example.org")
    move(fresh(ada), "new@example.org", desk=desk)

    refused(LinkUnknown, lambda: move(fresh(ada), "new@example.org", desk=desk))


def test_move_to_an_address_that_was_taken_meanwhile_is_refused(ada, change, stored, desk):
    change(ada, email="new@example.org")
    stored(key="bo's form", email="new@example.org")

    refused(AddressTaken, lambda: move(fresh(ada), "new@example.org", desk=desk))

    assert find_by_link(ada.public_id, 1).email == "ada@example.org"


def test_move_of_a_row_that_was_read_before_another_change_is_refused(ada, change, desk):
    change(ada, email="new@example.org")
    stale = fresh(ada)
    change(fresh(ada), function="President")

    refused(ChangedMeanwhile, lambda: move(stale, "new@example.org", desk=desk))


# Cancelling and taking it back


def test_cancel_keeps_the_reason_and_erases_the_passport(cy, desk, noon):
    noon.shift(HOUR)

    cancel(cy, "Elections", desk=desk)

    row = fresh(cy)
    assert (row.state, row.cancelled_at, row.cancel_reason) == ("cancelled", NOON + HOUR, "Elections")
    assert (row.passport, row.visa_state) == (None, "none")
    assert given_consents(row) == ["affiliation", "needs", "list"]
    assert (row.needs is None, row.journey is None, row.sequence) == (False, False, 1)
    assert mails() == [("cancelled", "cy@example.org")]
    assert log() == [("cancelled", {})]


def test_cancel_without_a_reason_keeps_none(ada, desk):
    cancel(ada, "", desk=desk)

    assert (fresh(ada).state, fresh(ada).cancel_reason) == ("cancelled", None)


def test_cancel_keeps_the_reason_out_of_mail_and_log(ada, desk):
    cancel(ada, "Canary flu", desk=desk)

    assert fresh(ada).cancel_reason == "Canary flu"
    assert "Canary" not in str([mail.message for mail in Mail.select()])
    assert "Canary" not in str(log(0))


def test_cancel_forgets_the_address_that_waits(ada, change, desk):
    change(ada, email="new@example.org")

    cancel(fresh(ada), "", desk=desk)

    assert fresh(ada).pending_email is None
    refused(LinkUnknown, lambda: move(fresh(ada), "new@example.org", desk=desk))


def test_cancel_is_open_after_the_deadline(ada, desk, noon):
    noon.move_to(desk.conference.closes_at)

    cancel(ada, "", desk=desk)

    assert fresh(ada).state == "cancelled"


def test_cancel_a_second_time_is_refused(ada, desk):
    cancel(ada, "Elections", desk=desk)

    refused(RegistrationClosed, lambda: cancel(fresh(ada), "Illness", desk=desk))


def test_link_of_a_cancelled_registration_still_opens_it(ada, desk):
    cancel(ada, "", desk=desk)

    assert find_by_link(ada.public_id, 1).state == "cancelled"


def test_restore_takes_the_cancellation_back(cy, desk, noon):
    cancel(cy, "Elections", desk=desk)
    noon.shift(HOUR)

    restore(fresh(cy), desk=desk)

    row = fresh(cy)
    assert (row.state, row.cancelled_at, row.cancel_reason) == ("confirmed", None, None)
    assert (row.sequence, row.confirmed_at, row.updated_at) == (2, NOON, NOON + HOUR)
    assert mails() == [("cancelled", "cy@example.org"), ("restored", "cy@example.org")]
    assert log() == [("cancelled", {}), ("restored", {})]


def test_restore_does_not_bring_the_passport_back(cy, desk):
    assert cy.passport is not None
    cancel(cy, "", desk=desk)

    restore(fresh(cy), desk=desk)

    row = fresh(cy)
    assert (row.passport, row.visa_state) == (None, "none")
    assert answers_of(row) == replace(
        make_answers(email="cy@example.org", given_names="Cy", **SENSITIVE),
        passport=None,
        consents=["affiliation", "needs", "list"],
    )


def test_restore_until_the_deadline(ada, desk, noon):
    cancel(ada, "", desk=desk)
    noon.move_to(desk.conference.closes_at - timedelta(seconds=1))

    restore(fresh(ada), desk=desk)

    assert fresh(ada).state == "confirmed"


def test_restore_after_the_deadline_is_refused(ada, desk, noon):
    cancel(ada, "", desk=desk)
    noon.move_to(desk.conference.closes_at)

    refused(RegistrationClosed, lambda: restore(fresh(ada), desk=desk))


@pytest.mark.parametrize("state", ["received", "confirmed", "erased"])
def test_restore_of_what_is_not_cancelled_is_refused(ada, desk, state):
    Registration.update(state=state).execute()

    refused(RegistrationClosed, lambda: restore(fresh(ada), desk=desk))


def test_restore_is_refused_when_the_address_was_registered_anew(ada, stored, desk):
    cancel(ada, "", desk=desk)
    anew = stored(key="a later form", email="ADA@example.org")
    assert anew != ada

    refused(AddressTaken, lambda: restore(fresh(ada), desk=desk))

    cancel(anew, "", desk=desk)
    restore(fresh(ada), desk=desk)
    assert (fresh(ada).state, fresh(anew).state) == ("confirmed", "cancelled")


def test_restore_of_a_row_that_was_read_before_another_change_is_refused(ada, desk):
    cancel(ada, "", desk=desk)
    stale = fresh(ada)
    renew_link(fresh(ada), desk=desk)

    refused(ChangedMeanwhile, lambda: restore(stale, desk=desk))


# Withdrawing a consent


@pytest.fixture
def take_back(desk) -> Callable[..., None]:
    """Withdraw a consent; the mail calls it by its kind."""

    def take_back(row: Registration, kind: str, *, lang: str = "en") -> None:
        withdraw(row, kind, lang=lang, changes=[f"Consent: {kind}"], desk=desk)

    return take_back


@pytest.mark.parametrize(
    ("kind", "erased"),
    [("needs", {"needs"}), ("visa", {"passport"}), ("list", set()), ("photo", set())],
)
def test_withdraw_erases_what_rests_on_the_consent(stored, take_back, noon, kind, erased):
    kinds = ["affiliation", "needs", "visa", "list", "photo"]
    row = stored(**SENSITIVE | {"consents": kinds})
    noon.shift(HOUR)

    take_back(row, kind)

    after = fresh(row)
    assert {
        name for name in ("needs", "passport", "journey", "stay") if getattr(after, name) is None
    } == erased
    assert after.visa_state == ("none" if kind == "visa" else "requested")
    assert given_consents(after) == [one for one in kinds if one != kind]
    assert Consent.get(Consent.kind == kind).withdrawn_at == NOON + HOUR
    assert log() == [("consent_withdrawn", {"kind": kind})]


def test_withdraw_is_told_to_the_delegate(cy, take_back):
    take_back(cy, "list", lang="fr")

    assert mails() == [("changed", "cy@example.org")]
    mail = Mail.get(Mail.kind == "changed")
    assert "- Consent: list\r\n" in mail.message
    assert (mail.language, fresh(cy).language) == ("fr", "fr")


@pytest.mark.parametrize("kind", ["photo", "affection", ""])
def test_withdraw_of_a_consent_that_does_not_hold_does_nothing(cy, take_back, kind):
    before = everything()

    take_back(cy, kind)

    assert everything() == before


def test_withdraw_a_second_time_does_nothing(cy, take_back):
    take_back(cy, "list")
    before = everything()

    take_back(fresh(cy), "list")

    assert everything() == before


def test_withdraw_leaves_the_consents_of_others(cy, stored, take_back):
    other = stored(key="bo's form", email="bo@example.org", **SENSITIVE)

    take_back(cy, "needs")

    assert "needs" not in given_consents(cy)
    assert "needs" in given_consents(other)
    assert fresh(other).needs is not None


def test_withdraw_is_open_after_the_deadline_and_when_cancelled(cy, take_back, desk, noon):
    noon.move_to(desk.conference.closes_at)
    cancel(cy, "", desk=desk)

    take_back(fresh(cy), "needs")

    assert (fresh(cy).needs, fresh(cy).state) == (None, "cancelled")


# The link


def test_new_link_takes_the_place_of_the_old_one(ada, desk):
    renew_link(ada, desk=desk)

    assert fresh(ada).link_version == 2
    assert find_by_link(ada.public_id, 2) == ada
    with pytest.raises(LinkUnknown):
        find_by_link(ada.public_id, 1)
    assert (mails(), log()) == ([("link", "ada@example.org")], [("link_renewed", {})])


def test_each_new_link_is_a_mail_of_its_own(ada, desk):
    for _ in range(3):
        renew_link(fresh(ada), desk=desk)

    assert mails() == [("link", "ada@example.org")] * 3
    assert len({mail.message_id for mail in Mail.select()}) == 4


@pytest.mark.parametrize("address", ["ada@example.org", "ADA@Example.ORG"])
def test_link_is_sent_again_to_whoever_is_registered(ada, desk, address):
    send_link(address, lang="fr", desk=desk)

    mail = Mail.get(Mail.kind == "link")
    assert (mail.recipient, mail.language, mail.registration) == ("ada@example.org", "en", ada)
    assert ada.public_id in mail.message
    assert (fresh(ada).sequence, fresh(ada).state, fresh(ada).link_version) == (0, "received", 1)
    entry = AuditEntry.select().order_by(AuditEntry.id.desc()).first()
    assert (entry.action, entry.registration, entry.details) == ("registration.link_requested", ada, {})


def test_link_of_an_unknown_address_goes_to_nobody(database, desk, noon):
    send_link("eve@example.org", lang="en", desk=desk)

    assert Mail.select().count() == 0
    (entry,) = AuditEntry.select()
    assert (entry.action, entry.registration, entry.details) == ("registration.link_requested", None, {})
    assert "eve" not in str(everything())


def test_link_of_an_unknown_address_leaves_the_mails_of_others(ada, desk):
    send_link("eve@example.org", lang="en", desk=desk)

    assert mails(0) == [("confirmation", "ada@example.org")]


def test_link_of_an_unknown_address_takes_the_same_steps(ada, desk, monkeypatch):
    steps = []
    for module, verb in (
        ("domain.registration", "compose"),
        ("domain.outbox", "enqueue"),
        ("domain.audit", "record"),
    ):
        real = getattr(__import__(module, fromlist=["*"]), verb)
        monkeypatch.setattr(
            f"{module}.{verb}", lambda *a, real=real, verb=verb, **k: (steps.append(verb), real(*a, **k))[1]
        )

    send_link("ada@example.org", lang="en", desk=desk)
    for_ada, steps[:] = steps.copy(), []
    send_link("eve@example.org", lang="en", desk=desk)

    assert for_ada == ["compose", "enqueue", "record"]
    assert steps == for_ada


def test_link_of_a_cancelled_registration_is_sent(ada, desk):
    cancel(ada, "", desk=desk)

    send_link("ada@example.org", lang="en", desk=desk)

    assert mails(2) == [("link", "ada@example.org")]


def test_link_of_an_erased_registration_is_not_sent(ada, desk):
    Registration.update(state="erased").execute()

    send_link("ada@example.org", lang="en", desk=desk)

    assert mails() == []
    assert log() == [("link_requested", {})]


@pytest.mark.parametrize("order", [("cancelled", "active"), ("active", "cancelled")])
def test_link_that_is_sent_again_is_that_of_the_active_registration(ada, stored, desk, order):
    cancel(ada, "", desk=desk)
    anew = stored(key="a later form", email="ada@example.org")
    if order == ("active", "cancelled"):
        cancel(anew, "", desk=desk)
        restore(fresh(ada), desk=desk)
    active = ada if order == ("active", "cancelled") else anew

    send_link("ada@example.org", lang="en", desk=desk)

    mail = Mail.select().order_by(Mail.id.desc()).first()
    assert (mail.kind, mail.registration) == ("link", active)


def test_link_of_two_cancelled_registrations_is_that_of_the_newer_one(ada, stored, desk):
    cancel(ada, "", desk=desk)
    newer = stored(key="a later form", email="ada@example.org")
    cancel(newer, "", desk=desk)

    send_link("ada@example.org", lang="en", desk=desk)

    assert Mail.get(Mail.kind == "link").registration == newer


def test_link_of_an_address_that_only_waits_goes_to_nobody(ada, change, desk):
    change(ada, email="new@example.org")

    send_link("new@example.org", lang="en", desk=desk)

    assert "link" not in [kind for kind, _ in mails()]


# A copy of everything

INTERNAL = {
    "id", "public_id", "form_key", "address_key", "name_key", "organisation_key", "search", "link_version",
    "sequence",
}  # fmt: skip
RENAMED = {
    "visa_state": "visa_letter",
    "created_at": "received_at",
    "updated_at": "changed_at",
    "is_late": "late",
}


def test_own_data_holds_every_answer(cy):
    data = own_data(cy)

    assert set(data["answers"]) == set(Answers.__dataclass_fields__) - {"consents"}
    assert data["answers"]["given_names"] == "Cy"
    assert data["answers"]["email"] == "cy@example.org"
    assert data["answers"]["passport"] == {
        "name": "ADA LOVELACE", "nationality": "GB", "number": "12E34567", "expiry": date(2020, 1, 1),
        "post": "Paris, France",
    }  # fmt: skip
    assert data["answers"]["needs"] == {"diet": ["vegetarian"], "diet_other": "", "access": "Step-free route"}
    assert data["answers"]["journey"]["arrival_flight"] == "OM 302"
    assert data["answers"]["stay"]["share_with"] == "Bo Example"
    assert (data["answers"]["mobile"], data["answers"]["extra"]) == ("+976 99 112233", {"dinner": "yes"})


def test_own_data_holds_every_column_that_tells_of_the_delegate(cy):
    data = own_data(cy)

    columns = {RENAMED.get(name, name) for name in Registration._meta.fields if name not in INTERNAL}
    assert columns - set(data) - set(data["answers"]) == set()


def test_own_data_tells_what_has_happened(cy, change, desk, noon):
    change(cy, email="new@example.org", consents=["affiliation", "needs", "visa"])
    noon.shift(HOUR)
    cancel(fresh(cy), "Elections", desk=desk)
    Registration.update(pending_email="newer@example.org").execute()

    data = own_data(fresh(cy))

    assert (data["reference"], data["state"], data["language"]) == (cy.reference, "cancelled", "en")
    assert (data["received_at"], data["confirmed_at"]) == (NOON, NOON)
    assert (data["changed_at"], data["cancelled_at"]) == (NOON + HOUR, NOON + HOUR)
    assert (data["cancel_reason"], data["pending_email"]) == ("Elections", "newer@example.org")
    assert data["visa_letter"] == "none"


def test_own_data_holds_the_ledger_of_consents(cy, take_back, desk, noon):
    noon.shift(HOUR)
    take_back(cy, "list")

    version = desk.conference.consents.version
    ledger = {one["kind"]: one for one in own_data(cy)["consents"]}
    assert list(ledger) == ["affiliation", "needs", "visa", "list"]
    assert ledger["list"] == {
        "kind": "list", "version": version, "language": "en", "given_at": NOON, "withdrawn_at": NOON + HOUR,
    }  # fmt: skip
    assert ledger["needs"]["withdrawn_at"] is None


def test_own_data_holds_which_mails_were_written(cy, desk, noon):
    outbox.accepted(outbox.claim("worker"))
    renew_link(cy, desk=desk)

    assert own_data(cy)["mails"] == [
        {"kind": "confirmation", "state": "accepted", "created_at": NOON, "accepted_at": NOON},
        {"kind": "link", "state": "queued", "created_at": NOON, "accepted_at": None},
    ]


def test_own_data_holds_the_references_of_later_forms(cy, send, noon):
    reference = send(key="a later form", email="cy@example.org")

    assert own_data(fresh(cy))["later_forms"] == [{"reference": reference, "received_at": NOON}]


def test_own_data_holds_nothing_of_others(cy, stored, desk):
    stored(key="eve's form", email="canary@example.org", given_names="Canary", **SENSITIVE)
    assert "canary" in str(everything()).casefold()

    assert "canary" not in str(own_data(cy)).casefold()


def test_own_data_is_json_with_days_and_hours_in_iso_8601(cy):
    text = json.dumps(own_data(cy), default=lambda value: value.isoformat())

    data = json.loads(text)
    assert data["answers"]["journey"]["arrival_date"] == "2017-05-24"
    assert data["answers"]["journey"]["arrival_time"] == "06:10:00"
    assert datetime.fromisoformat(data["received_at"]) == cy.created_at
