"""What delegates do with their own registration: each change whole, in the log, mailed, and only once."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pytest
from factories import JOURNEY, NEEDS, PASSPORT, SENSITIVE_PARTS, STAY, make_answers

from domain import audit, blocked, outbox
from domain.answers import Answers, Needs, answers_of, given_consents
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
    stay,
    withdraw,
)
from models import TABLES, AuditEntry, Consent, Mail, Registration

pytestmark = pytest.mark.usefixtures("noon")
NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SENSITIVE = SENSITIVE_PARTS | {
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
    assert (row.state, row.confirmed_at) == ("confirmed", NOON + HOUR)
    assert (row.updated_at, row.sequence) == (NOON, 0)
    assert (mails(), log()) == ([], [("confirmed", {})])


@pytest.mark.parametrize("read", [lambda row: row, fresh], ids=["same page", "fresh page"])
def test_confirm_a_second_time_does_nothing(ada, noon, read):
    confirm(ada)
    before = everything()
    noon.shift(HOUR)

    confirm(read(ada))

    assert everything() == before
    assert fresh(ada).confirmed_at == NOON


def test_confirm_needs_no_fresh_row(ada, desk):
    stale = fresh(ada)
    Registration.update(organisation="Greens", sequence=1).execute()

    confirm(stale)

    row = fresh(ada)
    assert (row.state, row.organisation, row.sequence) == ("confirmed", "Greens", 1)


def test_confirm_disturbs_no_other_window(ada, change):
    window = fresh(ada)
    confirm(ada)

    change(window, sequence=0, function="President")

    assert (fresh(ada).state, fresh(ada).function) == ("confirmed", "President")


def test_confirm_from_five_sides_at_once_is_in_the_log_once(ada, together):
    together(*[partial(confirm, fresh(ada)) for _ in range(5)])

    assert (fresh(ada).state, log()) == ("confirmed", [("confirmed", {})])


def test_confirm_leaves_nothing_behind_when_it_fails_halfway(ada, monkeypatch):
    def fail(*args, **kwargs):
        assert fresh(ada).state == "confirmed"
        raise OSError("out of order")

    monkeypatch.setattr(audit, "record", fail)

    refused(OSError, lambda: confirm(ada))


@pytest.mark.parametrize("state", ["cancelled", "erased"])
def test_confirm_of_what_is_not_active_does_not_bring_it_back(ada, state):
    stale = fresh(ada)
    Registration.update(state=state).execute()
    before = everything()

    confirm(stale)

    assert everything() == before
    assert fresh(ada).state == state


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

    has_changed = change(ada, function="President", sessions=["asia"], lang="es")

    row = fresh(ada)
    assert has_changed is True
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
    has_changed = change(ada, days=["2017-05-25"], lang="fr")

    row = fresh(ada)
    assert has_changed is False
    assert (row.state, row.confirmed_at, row.sequence, row.language) == ("confirmed", NOON, 0, "en")
    assert (mails(), log()) == ([], [("confirmed", {})])


def test_change_to_the_same_answers_a_second_time_does_nothing(ada, change):
    confirm(ada)
    before = everything()

    has_changed = change(ada, days=["2017-05-25"])

    assert has_changed is False
    assert everything() == before


def test_change_that_is_sent_again_after_a_lost_answer_does_nothing_more(cy, change):
    again = {"function": "President", "email": "new@example.org", "consents": ["affiliation", "photo"]}
    first = change(fresh(cy), sequence=0, **again)
    before = everything()

    second = change(fresh(cy), sequence=0, **again)

    assert (first, second) == (True, False)
    assert everything() == before


@pytest.mark.parametrize("has_ended", [False, True], ids=["before the deadline", "after the deadline"])
def test_change_to_the_same_answers_is_open_whatever_the_sequence(ada, change, desk, noon, has_ended):
    confirm(ada)
    if has_ended:
        noon.move_to(desk.conference.closes_at)
    before = everything()

    outcomes = [change(fresh(ada), sequence=sequence) for sequence in (-1, 0, 7)]

    assert outcomes == [False] * 3
    assert everything() == before


def test_change_to_another_order_of_what_was_ticked_does_nothing(stored, change):
    given = {
        "days": ["2017-05-25", "2017-05-26"],
        "needs": replace(NEEDS, diet=["halal", "vegan"]),
        "extra": {"parts": ["opening", "closing"], "dinner": "yes"},
        "consents": ["affiliation", "needs", "photo"],
    }
    row = stored(**given)
    confirm(row)
    before = everything()

    has_changed = change(
        fresh(row),
        days=["2017-05-26", "2017-05-25"],
        needs=replace(NEEDS, diet=["vegan", "halal"]),
        extra={"dinner": "yes", "parts": ["closing", "opening"]},
        consents=["photo", "affiliation", "needs"],
    )

    assert has_changed is False
    assert everything() == before


def test_change_to_no_needs_at_all_asks_for_no_consent(cy, change):
    none = Needs(diet=["none"], diet_other="", access="")

    change(cy, needs=none, consents=["affiliation", "visa", "list"])

    assert answers_of(fresh(cy)).needs == none
    assert given_consents(cy) == ["affiliation", "visa", "list"]


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
    change(ada, organisation="Greens")
    row = fresh(ada)

    refused(ChangedMeanwhile, lambda: change(row, sequence=sequence, function="President"))

    change(row, sequence=1, function="President")
    assert (fresh(row).function, fresh(row).organisation) == ("President", "Greens")


@pytest.mark.parametrize(
    "act",
    [
        lambda row, change, desk: change(row, function="President"),
        lambda row, change, desk: cancel(row, "", desk=desk),
        lambda row, change, desk: withdraw(row, "list", lang="en", changes=[], desk=desk),
        lambda row, change, desk: renew_link(row, desk=desk),
    ],
    ids=["change", "cancel", "withdraw", "renew_link"],
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
    assert mails(3) == [("moved", "ada@example.org"), ("new_link", "New@example.org")]
    assert log(2) == [("address_changed", {})]


def test_calendar_file_goes_on_where_that_of_the_new_address_was_cancelled(ada, stored, change, desk):
    bo = stored(email="bo@example.org", key="bo's form")
    for function in ("President", "Treasurer", "Secretary"):
        change(fresh(bo), function=function)
    cancel(fresh(bo), "", desk=desk)
    assert fresh(bo).sequence == 4
    change(ada, email="bo@example.org")

    move(fresh(ada), "bo@example.org", desk=desk)

    assert fresh(ada).sequence == 5


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


# Addresses that are not written to


def test_new_address_gets_at_most_three_mails_a_day(ada, change, noon):
    for number in range(4):
        change(fresh(ada), email="bo@example.org", function=f"Secretary {number}")
        change(fresh(ada), email="ada@example.org")

    change(fresh(ada), email="bo@example.org")

    assert fresh(ada).pending_email == "bo@example.org"
    assert [kind for kind, recipient in mails() if recipient == "bo@example.org"] == ["address"] * 3
    noon.shift(24 * HOUR)
    change(fresh(ada), email="ada@example.org")
    change(fresh(ada), email="bo@example.org")
    assert mails()[-2:] in (
        [("address", "bo@example.org"), ("changed", "ada@example.org")],
        [("changed", "ada@example.org"), ("address", "bo@example.org")],
    )


def test_new_address_of_somebody_who_is_registered_gets_at_most_three_mails_a_day(ada, stored, change):
    bo = stored(key="bo's form", email="bo@example.org")

    for again in ("bo@example.org", "BO@example.org", "bo@EXAMPLE.org", "Bo@example.org", "bO@example.org"):
        change(fresh(ada), email=again)

    assert [kind for kind, recipient in mails(2) if recipient == "bo@example.org"] == ["repeat"] * 3
    assert len([kind for kind, recipient in mails(2) if recipient == "ada@example.org"]) == 5
    assert fresh(bo).sequence == 0


def test_address_that_was_written_to_often_can_still_be_confirmed(ada, change, desk):
    for _ in range(3):
        send_link("ada@example.org", lang="en", desk=desk)
    Mail.update(recipient="new@example.org").where(Mail.kind == "link").execute()

    change(ada, email="new@example.org")
    move(fresh(ada), "new@example.org", desk=desk)

    assert "address" not in [kind for kind, _ in mails()]
    assert fresh(ada).email == "new@example.org"


def test_move_to_an_address_that_was_blocked_meanwhile_is_refused(ada, change, desk):
    change(ada, email="new@example.org")
    blocked.block("new@example.org")

    refused(LinkUnknown, lambda: move(fresh(ada), "new@example.org", desk=desk))

    assert (fresh(ada).email, fresh(ada).pending_email) == ("ada@example.org", "new@example.org")


# An address that waits and is dropped


def test_waiting_address_that_is_entered_again_is_no_change(ada, change):
    change(ada, email="New@müller.example")
    before = everything()

    has_changed = change(fresh(ada), email="New@müller.example")

    assert has_changed is False
    assert everything() == before


def test_waiting_address_stays_when_another_answer_changes(ada, change):
    change(ada, email="new@example.org")

    change(fresh(ada), function="President")

    assert (fresh(ada).pending_email, fresh(ada).function) == ("new@example.org", "President")
    assert mails(3) == [("changed", "ada@example.org")]
    assert log(2) == [("changed", {"answers": ["function"]})]


@pytest.mark.parametrize("again", ["ada@example.org", "ADA@example.org"])
def test_stored_address_that_is_entered_again_drops_the_one_that_waits(ada, change, desk, again):
    change(ada, email="new@example.org")

    has_changed = change(fresh(ada), email=again)

    row = fresh(ada)
    assert has_changed is True
    assert (row.email, row.address_key, row.pending_email) == (again, "ada@example.org", None)
    assert (row.link_version, row.sequence) == (1, 2)
    assert mails(3) == [("changed", again)]
    assert "- email\r\n" in Mail.select().order_by(Mail.id.desc()).first().message
    assert log(2) == [("changed", {"answers": ["email"]})]
    refused(LinkUnknown, lambda: move(fresh(ada), "new@example.org", desk=desk))


@pytest.mark.parametrize("again", ["ADA@example.org", "Ada@EXAMPLE.org"])
def test_another_spelling_of_the_stored_address_is_stored_at_once(ada, change, again):
    has_changed = change(ada, email=again)

    row = fresh(ada)
    assert has_changed is True
    assert row.email.partition("@")[0] == again.partition("@")[0]
    assert (row.address_key, row.pending_email, row.link_version) == ("ada@example.org", None, 1)
    assert mails() == [("changed", row.email)]
    assert log() == [("changed", {"answers": ["email"]})]


def test_mail_about_a_new_address_names_it_once(ada, change):
    change(ada, email="new@example.org", function="President")

    message = Mail.get(Mail.kind == "changed").message
    assert "- function\r\n" in message
    assert "- email\r\n" not in message


def test_stay_drops_the_address_that_waits(ada, change, desk, noon):
    change(ada, email="new@example.org", function="President")
    noon.shift(HOUR)

    stay(fresh(ada))

    row = fresh(ada)
    assert (row.email, row.pending_email, row.function) == ("ada@example.org", None, "President")
    assert (row.link_version, row.sequence, row.updated_at) == (1, 2, NOON + HOUR)
    assert (mails(3), log(2)) == ([], [("address_kept", {})])
    refused(LinkUnknown, lambda: move(fresh(ada), "new@example.org", desk=desk))


def test_stay_where_no_address_waits_does_nothing(ada):
    before = everything()

    stay(fresh(ada))

    assert everything() == before


def test_stay_a_second_time_does_nothing(ada, change, noon):
    change(ada, email="new@example.org")
    stay(fresh(ada))
    before = everything()
    noon.shift(HOUR)

    stay(fresh(ada))

    assert everything() == before


def test_stay_of_a_row_that_was_read_before_another_change_is_refused(ada, change):
    change(ada, email="new@example.org")
    stale = fresh(ada)
    change(fresh(ada), email="newer@example.org")

    refused(ChangedMeanwhile, lambda: stay(stale))

    assert fresh(ada).pending_email == "newer@example.org"


def test_stay_and_move_at_once_end_in_one_of_the_two(ada, change, desk, together):
    change(ada, email="new@example.org")

    def press(verb: Callable[..., None], row: Registration) -> bool:
        with suppress(ChangedMeanwhile):
            verb(row)
            return True
        return False

    outcomes = together(
        partial(press, stay, fresh(ada)),
        partial(press, lambda row: move(row, "new@example.org", desk=desk), fresh(ada)),
    )

    row = fresh(ada)
    assert sorted(outcomes) == [False, True]
    assert row.pending_email is None
    assert row.email == ("ada@example.org" if outcomes[0] else "new@example.org")


def test_address_that_was_dropped_can_be_entered_again(ada, change, desk):
    change(ada, email="new@example.org")
    stay(fresh(ada))

    change(fresh(ada), email="new@example.org")
    move(fresh(ada), "new@example.org", desk=desk)

    assert fresh(ada).email == "new@example.org"
    assert [kind for kind, _ in mails()].count("address") == 2


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


@pytest.mark.parametrize("state", ["cancelled", "erased"])
def test_cancel_of_what_is_not_active_does_nothing(cy, desk, noon, state):
    cancel(cy, "Elections", desk=desk)
    Registration.update(state=state).execute()
    before = everything()
    noon.shift(HOUR)

    cancel(fresh(cy), "Illness", desk=desk)

    assert everything() == before
    assert fresh(cy).cancel_reason == "Elections"


def test_one_of_two_cancellations_at_once_is_told(cy, desk, together):
    def press(row: Registration, reason: str) -> None:
        with suppress(ChangedMeanwhile):
            cancel(row, reason, desk=desk)

    together(partial(press, fresh(cy), "Elections"), partial(press, fresh(cy), "Illness"))

    assert fresh(cy).cancel_reason in ("Elections", "Illness")
    assert (mails(), log()) == ([("cancelled", "cy@example.org")], [("cancelled", {})])


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


@pytest.mark.parametrize("state", ["received", "confirmed"])
@pytest.mark.parametrize("has_ended", [False, True], ids=["before the deadline", "after the deadline"])
def test_restore_of_what_holds_does_nothing(ada, desk, noon, state, has_ended):
    Registration.update(state=state).execute()
    if has_ended:
        noon.move_to(desk.conference.closes_at)
    before = everything()

    restore(fresh(ada), desk=desk)

    assert everything() == before


def test_restore_a_second_time_does_nothing(cy, desk, noon):
    cancel(cy, "Elections", desk=desk)
    restore(fresh(cy), desk=desk)
    before = everything()
    noon.shift(HOUR)

    restore(fresh(cy), desk=desk)

    assert everything() == before


def test_restore_of_what_is_erased_is_refused(ada, desk):
    Registration.update(state="erased").execute()

    refused(RegistrationClosed, lambda: restore(fresh(ada), desk=desk))


def test_restore_goes_on_after_what_was_mailed_to_the_address_last(ada, stored, desk):
    """A calendar leaves out what has a lower number than the cancellation that it knows."""
    cancel(ada, "", desk=desk)
    anew = stored(key="a later form", email="ada@example.org")
    cancel(anew, "", desk=desk)
    assert fresh(anew).sequence > fresh(ada).sequence

    restore(fresh(ada), desk=desk)

    assert fresh(ada).sequence > fresh(anew).sequence


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
    assert (mails(), log()) == ([("new_link", "ada@example.org")], [("link_renewed", {})])


def test_each_new_link_is_a_mail_of_its_own(ada, desk):
    for _ in range(3):
        renew_link(fresh(ada), desk=desk)

    assert mails() == [("new_link", "ada@example.org")] * 3
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
        ("domain.outbox", "has_written_often"),
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

    assert for_ada == ["compose", "has_written_often", "enqueue", "record"]
    assert steps == for_ada


def test_fourth_link_of_a_day_is_not_written_and_takes_the_same_steps(ada, desk, noon):
    for address in ("ada@example.org", "ADA@example.org", "ada@\uff45xample.org", "Ada@Example.org"):
        send_link(address, lang="en", desk=desk)

    assert mails() == [("link", "ada@example.org")] * 3
    assert log() == [("link_requested", {})] * 4
    noon.shift(24 * HOUR)
    send_link("ada@example.org", lang="en", desk=desk)
    assert mails() == [("link", "ada@example.org")] * 4


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
    "id", "public_id", "form_key", "address_key", "name_key", "name_words", "organisation_key", "search", "diet_marks",
    "link_version", "sequence",
}  # fmt: skip
RENAMED = {
    "visa_state": "visa_letter",
    "created_at": "received_at",
    "updated_at": "changed_at",
    "is_late": "late",
    "is_hotel_booked": "hotel_booked",
    "is_travel_checked": "travel_checked",
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
        {"kind": "new_link", "state": "queued", "created_at": NOON, "accepted_at": None},
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
