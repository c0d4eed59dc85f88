"""Erasing: nothing that tells of the person is left in any column of any table, nor in SQLite's files."""

import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from factories import JOURNEY, NEEDS, PASSPORT, STAY

from db import connection, db, on_sqlite
from domain import audit, late, notes, organisers, outbox
from domain.answers import answers_of, given_consents
from domain.desk import Desk
from domain.registration import (
    ChangedMeanwhile,
    RegistrationErased,
    amend,
    cancel,
    erase,
    find_by_link,
    find_by_reference,
    renew_link,
    send_link,
    stay,
    withdraw,
)
from domain.transport import Refused
from models import TABLES, AuditEntry, Blocked, Consent, LateLink, Mail, Registration, Repeat

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
CANARIES = {
    "given_names": "Quokka",
    "family_name": "Wombat",
    "organisation": "Echidna Union",
    "function": "Keeper of Quolls",
    "needs": replace(NEEDS, diet_other="Numbat seed", access="Bilby ramp"),
    "passport": replace(PASSPORT, name="KOWARI", number="POTOROO9", post="Dunnart, Nowhere"),
    "journey": replace(JOURNEY, arrival_flight="BETTONG 1", departure_flight="MULGARA 2"),
    "mobile": "+61 PLATYPUS",
    "stay": replace(STAY, share_with="Pademelon"),
    "extra": {"dinner": "Cassowary", "parts": ["kookaburra"]},
}
WORDS = [
    "quokka", "wombat", "echidna", "quolls", "numbat", "bilby", "kowari", "potoroo9", "dunnart", "bettong", "mulgara",
    "platypus", "pademelon", "cassowary", "kookaburra", "wallaby", "taipan@example.org", "brolga@example.org", "jabiru",
]  # fmt: skip
IN_CLEAR = ["quokka", "wombat", "echidna", "quolls", "cassowary", "kookaburra", "taipan@example.org"]


@pytest.fixture
def taipan(
    noon, stored: Callable[..., Registration], send: Callable[..., str], change: Callable[..., None], desk
) -> Registration:
    """Somebody who came through a late link and left a trace wherever one can be left."""
    noon.move_to(desk.conference.closes_at + HOUR)
    cem = organisers.add("cem@example.org", "correct horse battery staple")
    links = [late.make("Taipan@example.org", lang=lang, organiser=cem, desk=desk) for lang in ("en", "fr")]
    row = stored(
        email="taipan@example.org",
        late_link=links[0].public_id,
        travel="known",
        hotel="reserve",
        consents=["affiliation", "needs", "visa", "photo"],
        **CANARIES,
    )
    noon.move_to(NOON)
    change(row, email="brolga@example.org", function="Keeper of Quolls and Quokkas")
    for number in range(2):
        send(key=f"later form {number}", email="TAIPAN@example.org", given_names="Quokka")
    Mail.update(due_at=NOON).execute()
    for _ in range(3):
        outbox.accepted(outbox.claim("worker"))
    outbox.failed(outbox.claim("worker"), Refused("550 taipan@example.org is unknown here"))
    Registration.update(
        cancel_reason="Jabiru flu", is_hotel_booked=True, is_travel_checked=True, visa_state="sent"
    ).execute()
    notes.add(row, "Allergic to wallabies: no Wallaby room", organiser=cem)
    assert outbox.backlog() == {"accepted": 3, "failed": 1, "queued": 3}
    return Registration.get_by_id(row.id)


def everything() -> str:
    """Every value of every table, in clear and as the database holds it, without what chance spells in ciphers."""
    in_clear = [list(table.select().dicts()) for table in TABLES]
    raw = [db.execute_sql(f'SELECT * FROM "{table._meta.table_name}"').fetchall() for table in TABLES]
    return re.sub(r"gAAAA[\w-]+=*", "", str([in_clear, raw])).casefold()


def bytes_of_the_files() -> bytes:
    """What SQLite has on the disk: the database, its write-ahead log and the index of that.

    Another process reads them: closing any of them here would give up all locks that SQLite holds on it in this one
    (POSIX), and the next process to come would take the database for nobody's.
    """
    files = [file for ending in ("", "-wal", "-shm") if (file := Path(f"{db.database}{ending}")).exists()]
    return subprocess.run(["cat", *files], check=True, capture_output=True).stdout.lower()


def found_in(text: str, words: list[str]) -> list[str]:
    return [word for word in words if word in text]


def send_farewell() -> None:
    mail = outbox.claim("worker")
    assert mail.kind == "erased"
    outbox.accepted(mail)


# Nothing is left


def test_erasing_leaves_nothing_of_the_person_in_any_table(taipan, desk):
    repeats = [repeat.reference.casefold() for repeat in Repeat.select()]
    words = [*WORDS, *repeats, *(reference.replace("-", "") for reference in repeats)]
    assert len(repeats) == 2
    assert found_in(everything(), words) == words

    erase(taipan, is_blocking=False, desk=desk)
    send_farewell()

    assert found_in(everything(), words) == []
    assert outbox.claim("worker") is None


def test_erasing_leaves_nothing_of_the_person_when_it_blocks_the_address(taipan, desk):
    assert found_in(everything(), WORDS) == WORDS

    erase(taipan, is_blocking=True, desk=desk)
    send_farewell()

    assert Blocked.select().count() == 1
    assert found_in(everything(), WORDS) == []


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_erasing_leaves_nothing_of_the_person_in_the_files(taipan, desk):
    assert on_sqlite()
    in_clear = [word.encode() for word in IN_CLEAR]
    before = bytes_of_the_files()
    assert [word for word in in_clear if word not in before] == []

    erase(taipan, is_blocking=True, desk=desk)
    send_farewell()

    after = bytes_of_the_files()
    assert taipan.public_id.encode() in after
    assert [word for word in in_clear if word in after] == []


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_farewell_is_all_that_the_files_hold_of_the_person_before_it_is_sent(taipan, desk):
    erase(taipan, is_blocking=False, desk=desk)

    text = bytes_of_the_files().decode("latin-1")

    assert found_in(text, IN_CLEAR) == ["taipan@example.org"]


def test_farewell_that_is_refused_is_not_kept_either(taipan, desk):
    erase(taipan, is_blocking=False, desk=desk)
    assert found_in(everything(), WORDS) == ["taipan@example.org"]

    outbox.failed(outbox.claim("worker"), Refused("550 taipan@example.org is unknown here"))

    assert Mail.get(Mail.kind == "erased").state == "failed"
    assert found_in(everything(), WORDS) == []


def test_erasing_leaves_the_others_as_they_are(stored, desk):
    ada, bo = (
        stored(email="ada@example.org", given_names="Ada"),
        stored(email="bo@example.org", given_names="Bo"),
    )
    before = Registration.select().where(Registration.id == bo.id).dicts().get()

    erase(ada, is_blocking=True, desk=desk)

    assert Registration.select().where(Registration.id == bo.id).dicts().get() == before
    assert given_consents(bo) == ["affiliation"]
    assert [mail.recipient for mail in Mail.select().where(Mail.registration == bo)] == ["bo@example.org"]


def test_erasing_ends_the_late_links_for_the_address_and_for_no_other(taipan, desk):
    used, unused = LateLink.select().order_by(LateLink.id)
    other = late.make("bo@example.org", lang="en", organiser=None, desk=desk)
    assert late.find(unused.public_id) == unused

    erase(taipan, is_blocking=False, desk=desk)

    assert [link.email for link in LateLink.select().order_by(LateLink.id)] == ["", "", "bo@example.org"]
    assert [late.find(link.public_id) for link in (used, unused, other)] == [None, None, other]
    assert Mail.get(Mail.once == f"late:{other.public_id}").recipient == "bo@example.org"


# What the same address had cancelled before


@pytest.fixture
def earlier(taipan: Registration, desk: Desk) -> Registration:
    """The same person, who has cancelled."""
    cancel(taipan, "Jabiru flu", desk=desk)
    return taipan


def test_erasing_takes_what_the_address_had_cancelled_before(earlier, stored, desk):
    anew = stored(key="a new form", email="taipan@example.org", given_names="Ada")
    words = ["quokka", "wombat", "echidna", "numbat", "jabiru", "taipan@example.org"]
    assert found_in(everything(), words) == words

    erase(anew, is_blocking=False, desk=desk)
    send_farewell()

    assert found_in(everything(), WORDS) == []
    assert {row.state for row in Registration.select()} == {"erased"}
    assert (given_consents(earlier), Repeat.select().count()) == ([], 0)
    assert outbox.claim("worker") is None


def test_erasing_takes_several_earlier_registrations_and_says_so_once(stored, desk, noon):
    rows = []
    for number in range(3):
        rows.append(stored(key=f"form {number}", email="quokka@example.org"))
        cancel(rows[-1], "", desk=desk)

    erase(Registration.get_by_id(rows[1].id), is_blocking=False, desk=desk)

    assert [Registration.get_by_id(row.id).state for row in rows] == ["erased"] * 3
    assert [mail.recipient for mail in Mail.select().where(Mail.kind == "erased")] == ["quokka@example.org"]
    assert rows[1].reference in Mail.get(Mail.kind == "erased").message
    assert [audit.history(row)[0].action for row in rows] == ["registration.erased"] * 3


def test_link_of_an_earlier_registration_that_was_erased_too_opens_nothing(earlier, stored, desk):
    anew = stored(key="a new form", email="taipan@example.org")
    assert find_by_link(earlier.public_id, earlier.link_version) == earlier

    erase(anew, is_blocking=False, desk=desk)

    with pytest.raises(RegistrationErased):
        find_by_link(earlier.public_id, earlier.link_version)


def test_erasing_leaves_what_others_have_cancelled(stored, desk):
    bo = stored(key="bo's form", email="bo@example.org")
    cancel(bo, "Elections", desk=desk)
    ada = stored(email="ada@example.org")

    erase(ada, is_blocking=False, desk=desk)

    row = Registration.get_by_id(bo.id)
    assert (row.state, row.email, row.cancel_reason) == ("cancelled", "bo@example.org", "Elections")


def test_erasing_a_cancelled_registration_takes_the_one_that_holds_too(earlier, stored, desk):
    anew = stored(key="a new form", email="taipan@example.org")
    assert given_consents(anew) == ["affiliation"]

    erase(earlier, is_blocking=False, desk=desk)

    row = Registration.get_by_id(anew.id)
    assert (row.state, row.email, given_consents(row)) == ("erased", "", [])


def test_erasing_takes_the_late_link_that_brought_an_earlier_registration(earlier, stored, desk):
    """It was made for the address that the registration had at first."""
    moved = {"email": "bilby@example.org", "address_key": "bilby@example.org"}
    Registration.update(**moved).where(Registration.id == earlier.id).execute()
    anew = stored(key="a new form", email="bilby@example.org")
    used = LateLink.get(LateLink.registration == earlier)
    assert used.email == "Taipan@example.org"

    erase(anew, is_blocking=False, desk=desk)

    assert LateLink.get_by_id(used.id).email == ""
    assert Mail.get(Mail.once == f"late:{used.public_id}").recipient == ""


def test_erasing_leaves_everything_when_an_earlier_registration_fails(earlier, stored, desk, monkeypatch):
    anew = stored(key="a new form", email="taipan@example.org")
    before, real = everything(), audit.record

    def fail(action: str, *, registration: Registration) -> None:
        if registration == earlier:
            raise OSError("out of order")
        real(action, registration=registration)

    monkeypatch.setattr(audit, "record", fail)

    with pytest.raises(OSError, match="out of order"):
        erase(anew, is_blocking=True, desk=desk)
    assert everything() == before


# What remains


def test_every_column_of_an_erased_registration_is_accounted_for(taipan, desk, noon):
    """A column that is added later has to be emptied, or named here."""
    before = dict(taipan.__data__)
    noon.shift(HOUR)

    erase(taipan, is_blocking=False, desk=desk)

    after = Registration.get_by_id(taipan.id).__data__
    kept = {name for name, value in after.items() if value not in ("", None, [], {}, False)}
    assert {name for name in kept if after[name] == before[name]} == {
        "id", "public_id", "reference", "language", "created_at", "confirmed_at", "is_late",
        "link_version",
    }  # fmt: skip
    assert {name: after[name] for name in kept if after[name] != before[name]} == {
        "state": "erased",
        "form_key": f"released {taipan.public_id}",
        "address_key": f"erased {before['public_id']}",
        "visa_state": "none",
        "updated_at": NOON + HOUR,
        "sequence": before["sequence"] + 1,
    }


def test_erasing_withdraws_every_consent(taipan, desk, noon):
    assert given_consents(taipan) == ["affiliation", "needs", "visa", "photo"]

    erase(taipan, is_blocking=False, desk=desk)

    assert given_consents(taipan) == []
    assert {one.withdrawn_at for one in Consent.select()} == {NOON}


def test_erasing_stops_the_mails_on_their_way_and_empties_those_that_went_out(taipan, desk):
    erase(taipan, is_blocking=False, desk=desk)

    mails = Mail.select().where(Mail.kind.not_in(["late", "erased"])).order_by(Mail.id)
    assert {(mail.state, mail.recipient, mail.message, mail.error) for mail in mails} == {
        ("accepted", "", None, ""),
    }
    assert outbox.backlog() == {"accepted": 3, "queued": 1}


def test_erasing_is_in_the_log_that_stays(taipan, desk, noon):
    before = [entry.action for entry in audit.history(taipan)]

    erase(taipan, is_blocking=True, desk=desk)

    newest, *rest = audit.history(taipan)
    assert (newest.action, newest.organiser, newest.details, newest.at) == (
        "registration.erased", None, {}, NOON,
    )  # fmt: skip
    assert [entry.action for entry in rest] == before
    assert found_in(str([entry.details for entry in AuditEntry.select()]).casefold(), WORDS) == []


def test_erasing_is_told_in_one_last_mail(taipan, desk):
    erase(taipan, is_blocking=False, desk=desk)

    farewell = Mail.get(Mail.kind == "erased")
    assert (farewell.recipient, farewell.registration, farewell.state) == (
        "taipan@example.org",
        None,
        "queued",
    )
    assert farewell.language == "en"
    assert found_in(farewell.message.casefold(), ["quokka", "wombat", taipan.public_id]) == []


def test_farewell_is_forgotten_once_it_has_been_accepted(taipan, desk):
    erase(taipan, is_blocking=False, desk=desk)

    send_farewell()

    farewell = Mail.get(Mail.kind == "erased")
    assert (farewell.state, farewell.recipient, farewell.message) == ("accepted", "", None)
    assert found_in(everything(), ["taipan"]) == []


def test_link_and_reference_of_an_erased_registration_open_nothing(taipan, desk):
    assert find_by_reference(taipan.reference) == taipan

    erase(taipan, is_blocking=False, desk=desk)

    assert find_by_reference(taipan.reference) is None
    with pytest.raises(RegistrationErased):
        find_by_link(taipan.public_id, taipan.link_version)


def test_address_can_be_registered_again_after_erasing(taipan, stored, desk):
    erase(taipan, is_blocking=False, desk=desk)

    anew = stored(key="a later form", email="taipan@example.org")

    assert (anew.state, anew.email) == ("received", "taipan@example.org")
    assert anew != taipan


def test_address_that_was_blocked_cannot_be_registered_again(taipan, send, desk):
    erase(taipan, is_blocking=True, desk=desk)
    send_farewell()

    send(key="a later form", email="taipan@example.org")

    assert Registration.select().count() == 1
    assert found_in(everything(), ["taipan"]) == []


@pytest.mark.parametrize("state", ["received", "confirmed", "cancelled"])
def test_registration_can_be_erased_in_every_state(ada, desk, noon, state):
    Registration.update(state=state).execute()

    erase(Registration.get_by_id(ada.id), is_blocking=False, desk=desk)

    assert Registration.get_by_id(ada.id).state == "erased"


def test_registration_can_be_erased_after_the_deadline(ada, desk, noon):
    noon.move_to(desk.conference.closes_at)

    erase(ada, is_blocking=False, desk=desk)

    assert Registration.get_by_id(ada.id).state == "erased"


@pytest.mark.parametrize(
    "meanwhile", [renew_link, lambda row, desk: erase(row, is_blocking=False, desk=desk)]
)
def test_erasing_a_row_that_was_read_before_another_change_is_refused(taipan, desk, meanwhile):
    meanwhile(Registration.get_by_id(taipan.id), desk=desk)
    before = everything()

    with pytest.raises(ChangedMeanwhile):
        erase(taipan, is_blocking=True, desk=desk)

    assert everything() == before


def test_erasing_leaves_everything_when_it_fails_halfway(taipan, desk, monkeypatch):
    before = everything()

    def fail(*args, **kwargs):
        assert Repeat.select().count() == 0
        raise OSError("out of order")

    monkeypatch.setattr(audit, "record", fail)

    with pytest.raises(OSError, match="out of order"):
        erase(taipan, is_blocking=True, desk=desk)
    assert everything() == before


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
def test_address_that_is_dropped_leaves_the_files_too(taipan):
    (waiting,) = db.execute_sql("SELECT pending_email FROM registration").fetchone()
    assert waiting.encode().lower() in bytes_of_the_files()

    stay(taipan)

    assert waiting.encode().lower() not in bytes_of_the_files()


@pytest.mark.parametrize("service", ["sqlite"], indirect=True)
@pytest.mark.parametrize("kind", ["cancel", "withdraw"])
def test_what_is_erased_by_cancelling_and_withdrawing_leaves_the_files_too(taipan, desk, kind):
    (passport,) = db.execute_sql("SELECT passport FROM registration").fetchone()
    assert passport.encode().lower() in bytes_of_the_files()

    if kind == "cancel":
        cancel(taipan, "", desk=desk)
    else:
        withdraw(taipan, "visa", lang="en", changes=[], desk=desk)

    assert passport.encode().lower() not in bytes_of_the_files()


# While something else happens


def later_form(send: Callable[..., str], row: Registration, desk: Desk) -> None:
    send(key="a later form", email="quokka@example.org", given_names="Ada")


def link_again(send: Callable[..., str], row: Registration, desk: Desk) -> None:
    send_link("quokka@example.org", lang="en", desk=desk)


def somebody_moves_there(send: Callable[..., str], row: Registration, desk: Desk) -> None:
    bo = Registration.get(Registration.email == "bo@example.org")
    answers = replace(answers_of(bo), email="quokka@example.org")
    amend(bo, answers, sequence=0, lang="en", describe=sorted, desk=desk)


@pytest.mark.parametrize(
    ("act", "step"),
    [
        *((later_form, step) for step in range(1, 15)),
        *((link_again, step) for step in range(1, 5)),
        *((somebody_moves_there, step) for step in range(1, 16)),
    ],
)
def test_erasing_leaves_nothing_whatever_happens_at_the_same_time(stored, send, desk, monkeypatch, act, step):
    """The erasure comes in between any two queries of something that writes to the address."""
    stored(key="bo's form", email="bo@example.org")
    row = stored(email="quokka@example.org", given_names="Wombat", family_name="Echidna")
    first, queries = threading.get_ident(), count(1)

    def erase_elsewhere() -> None:
        with connection():
            erase(Registration.get_by_id(row.id), is_blocking=False, desk=desk)

    second = threading.Thread(target=erase_elsewhere)

    def interrupt(query: object) -> None:
        if threading.get_ident() == first and next(queries) == step:
            second.start()
            second.join(0.2)  # no longer: it may have to wait for the transaction of the first

    with monkeypatch.context() as hooked:
        hooked.setattr(db.obj, "query_hooks", [interrupt])
        act(send, row, desk)
    assert second.ident, "it takes fewer queries than this"
    second.join()

    assert Registration.get_by_id(row.id).state == "erased"
    assert found_in(everything(), ["wombat", "echidna"]) == []
