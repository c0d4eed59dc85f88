"""A registration arrives once, whole and with its mail, or not at all."""

import threading
from datetime import UTC, datetime
from email import message_from_string
from email.policy import SMTP
from itertools import count

import pytest
from factories import NEEDS, PASSPORT, make_answers

from db import connection, db
from domain import audit, clock, outbox, registration, roster
from domain.answers import Needs, Passport, answers_of, masked
from domain.registration import (
    LinkUnknown,
    RegistrationClosed,
    RegistrationErased,
    cancel,
    erase,
    find_by_link,
)
from models import TABLES, AuditEntry, Consent, Mail, Registration, Repeat

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)


def mails() -> list[tuple[str, str]]:
    return list(Mail.select(Mail.kind, Mail.recipient).order_by(Mail.id).tuples())


def row_of(reference: str) -> Registration:
    return Registration.get(Registration.reference == reference)


def everything_stored() -> str:
    """Every value of every table, as the database holds it."""
    return str([db.execute_sql(f"SELECT * FROM {table._meta.table_name}").fetchall() for table in TABLES])


def test_register_stores_the_answers(send, noon):
    reference = send(lang="fr", days=["2017-05-25", "2017-05-26"], sessions=["asia", "gender"])

    row = row_of(reference)
    assert row.state == "received"
    assert row.language == "fr"
    assert row.name == "Ada Lovelace"
    assert row.email == "ada@example.org"
    assert (row.organisation, row.country, row.function) == ("Labour Party", "GB", "International Secretary")
    assert (row.category, row.interpretation, row.visa_state) == ("party", "en", "none")
    assert row.days == ["2017-05-25", "2017-05-26"]
    assert row.sessions == ["asia", "gender"]
    assert (row.created_at, row.updated_at) == (NOON, NOON)
    assert (row.confirmed_at, row.cancelled_at) == (None, None)
    assert (row.link_version, row.sequence) == (1, 0)


def test_register_stores_each_consent_with_version_language_and_time(send, noon, desk):
    reference = send(lang="es", consents=["affiliation", "photo"])

    consents = Consent.select().where(Consent.registration == row_of(reference)).order_by(Consent.kind)
    version = desk.conference.consents.version
    assert [(one.kind, one.version, one.language, one.given_at, one.withdrawn_at) for one in consents] == [
        ("affiliation", version, "es", NOON, None),
        ("photo", version, "es", NOON, None),
    ]


def test_register_queues_the_confirmation(send, noon):
    reference = send(lang="fr")

    (mail,) = Mail.select()
    assert mail.registration == row_of(reference)
    assert (mail.kind, mail.language, mail.recipient) == ("confirmation", "fr", "ada@example.org")
    assert (mail.state, mail.attempts, mail.due_at) == ("queued", 0, NOON)


def test_register_leaves_an_audit_entry_without_names(send, noon):
    reference = send()

    (entry,) = AuditEntry.select()
    assert (entry.action, entry.registration, entry.organiser) == (
        "registration.received",
        row_of(reference),
        None,
    )
    assert (entry.at, entry.details) == (NOON, {})


@pytest.mark.parametrize(("module", "verb"), [(outbox, "enqueue"), (audit, "record")])
def test_register_leaves_nothing_behind_when_it_fails_halfway(send, monkeypatch, module, verb):
    def fail(*args, **kwargs):
        assert Registration.select().count() == 1
        raise OSError("out of order")

    monkeypatch.setattr(module, verb, fail)

    with pytest.raises(OSError, match="out of order"):
        send()

    assert [table.select().count() for table in TABLES] == [0] * len(TABLES)


def test_register_works_again_after_a_failure(send, monkeypatch):
    with monkeypatch.context() as broken:
        broken.setattr(audit, "record", lambda *args, **kwargs: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            send()

    reference = send()

    assert [row.reference for row in Registration.select()] == [reference]
    assert mails() == [("confirmation", "ada@example.org")]


def test_form_that_is_sent_twice_is_one_registration(send):
    first = send(key="a form")

    second = send(key="a form")

    assert second == first
    assert Registration.select().count() == 1
    assert Repeat.select().count() == 0
    assert mails() == [("confirmation", "ada@example.org")]


@pytest.mark.parametrize("key", ["a form", "a later form"])
@pytest.mark.parametrize(
    "leave",
    [
        lambda row, desk: cancel(row, "", desk=desk),
        lambda row, desk: erase(row, is_blocking=False, desk=desk),
    ],
    ids=["cancelled", "erased"],
)
def test_form_that_is_sent_again_after_leaving_is_a_registration_of_its_own(send, desk, leave, key):
    before = {send(key="a form"), send(key="a later form")}
    leave(Registration.get(), desk)

    first, second = send(key=key), send(key=key)

    assert first not in before
    assert first == second
    assert (row_of(first).state, Registration.select().count()) == ("received", 2)
    assert [mail.kind for mail in outbox.mails_of(row_of(first))] == ["confirmation"]


def test_form_that_is_sent_with_other_answers_is_a_repeat(send):
    first = send(key="a form")

    second = send(key="a form", function="President")

    assert second != first
    assert row_of(first).function == "International Secretary"
    assert mails() == [("confirmation", "ada@example.org"), ("repeat", "ada@example.org")]


def test_form_that_is_sent_for_somebody_else_is_another_registration(send):
    first = send(key="a form")

    second = send(key="a form", email="bo@example.org", given_names="Bo")

    assert {row_of(first).email, row_of(second).email} == {"ada@example.org", "bo@example.org"}


@pytest.mark.parametrize(
    ("address", "again"),
    [
        ("ada@example.org", "ada@example.org"),
        ("ada@example.org", "ADA@Example.ORG"),
        ("Ada@example.org", "ada@example.org"),
        ("ada@müller.example", "ada@xn--mller-kva.example"),
        ("ada@xn--mller-kva.example", "Ada@MÜLLER.example"),
        ("ada@müller.example", "ada@mu\u0308ller.example"),
    ],
)
def test_registered_address_changes_nothing_and_gets_a_mail(send, noon, address, again):
    first = send(key="ada's form", email=address)
    before = Registration.select().dicts().get()
    noon.shift(3600)

    second = send(key="eve's form", lang="es", email=again, given_names="Eve", function="Nobody")

    after = Registration.select().dicts().get()
    assert second != first
    assert after | {"search": before["search"]} == before
    assert mails() == [("confirmation", row_of(first).email), ("repeat", row_of(first).email)]
    assert "Nobody" not in everything_stored()


def test_reference_of_a_repeat_leads_organisers_to_the_registration(send):
    first = send(key="ada's form")
    second = send(key="a later form", function="President")

    found = roster.page(roster.Query(q=second)).rows

    assert [row.reference for row in found] == [first]


@pytest.mark.parametrize("act", ["amend", "move", "correct"])
def test_reference_of_a_repeat_that_comes_just_before_a_change_leads_to_the_registration(
    send, change, desk, monkeypatch, act
):
    row, later, storing = row_of(send(key="a form")), [], registration.storing

    def after_a_later_form(*given, **named):
        later.append(send(key="a later form", function="Treasurer"))
        return storing(*given, **named)

    if act == "move":
        change(row, email="new@example.org")
        row = Registration.get()
    monkeypatch.setattr(registration, "storing", after_a_later_form)

    if act == "amend":
        change(row, function="President")
    elif act == "move":
        registration.move(row, "new@example.org", desk=desk)
    else:
        registration.correct_address(row, "new@example.org", organiser=None, desk=desk)

    assert [repeat.reference for repeat in Repeat.select()] == later
    for words in (row.reference, later[0]):
        assert [found.id for found in roster.page(roster.Query(q=words)).rows] == [row.id]


def test_repeat_that_is_sent_twice_is_one_repeat(send):
    send(key="a form")
    second = send(key="a later form")

    again = send(key="a later form")

    assert again == second
    assert Repeat.select().count() == 1
    assert [kind for kind, _ in mails()] == ["confirmation", "repeat"]


def test_repeat_is_in_the_log(send):
    reference = send(key="a form")

    send(key="a later form")

    entries = AuditEntry.select().order_by(AuditEntry.id)
    assert [(entry.action, entry.registration.reference) for entry in entries] == [
        ("registration.received", reference),
        ("registration.repeated", reference),
    ]


def test_registration_after_a_cancellation_goes_on_with_the_number_for_calendars(send, desk):
    first = send(key="a form", email="Ada@example.org")
    cancel(row_of(first), "", desk=desk)
    second = send(key="a later form", email="ADA@example.org")
    cancel(row_of(second), "", desk=desk)

    third = send(key="the last form", email="ada@example.org")

    assert [row_of(reference).sequence for reference in (first, second, third)] == [1, 3, 4]


def test_registration_of_another_address_begins_at_nought(send, desk):
    cancel(row_of(send(key="a form")), "", desk=desk)

    other = send(key="bo's form", email="bo@example.org")

    assert row_of(other).sequence == 0


def test_calendar_file_after_a_cancellation_takes_the_place_of_what_cancelled_it(send, desk):
    cancel(row_of(send(key="a form")), "", desk=desk)
    send(key="a later form")

    numbers = [
        int(part.get_content().partition("SEQUENCE:")[2].split()[0])
        for mail in Mail.select().order_by(Mail.id)
        for part in message_from_string(mail.message, policy=SMTP).iter_attachments()
    ]

    assert numbers == [0, 1, 2]


@pytest.mark.parametrize("state", ["cancelled", "erased"])
def test_address_is_free_again_after_its_registration(send, state):
    first = send(key="a form")
    Registration.update(state=state).execute()

    second = send(key="a later form")

    assert (row_of(first).state, row_of(second).state) == (state, "received")


def test_one_form_from_five_sides_at_once_is_one_registration(send, together):
    references = together(*[send] * 5)

    assert len(set(references)) == 1
    assert [row.reference for row in Registration.select()] == references[:1]
    assert mails() == [("confirmation", "ada@example.org")]


@pytest.mark.parametrize("step", range(1, 9))
def test_form_that_arrives_again_while_it_is_being_taken_is_one_registration(send, monkeypatch, step):
    """The second copy comes in between any two queries that the first one takes."""
    first, queries, references = threading.get_ident(), count(1), []

    def send_elsewhere() -> None:
        with connection():
            references.append(send())

    second = threading.Thread(target=send_elsewhere)

    def interrupt(query: object) -> None:
        if threading.get_ident() == first and next(queries) == step:
            second.start()
            second.join(0.2)  # no longer: it may have to wait for the transaction of the first

    monkeypatch.setattr(db.obj, "query_hooks", [interrupt])
    references.append(send())
    second.join()

    assert [row.reference for row in Registration.select()] == [references[0]]
    assert references[0] == references[1]
    assert mails() == [("confirmation", "ada@example.org")]


def test_five_forms_of_one_address_at_once_are_one_registration(send, together):
    references = together(*[lambda n=n: send(key=f"form {n}", function=f"Secretary {n}") for n in range(5)])

    (row,) = Registration.select()
    repeats = [repeat.reference for repeat in Repeat.select()]
    assert len(set(references)) == 5
    assert sorted([row.reference, *repeats]) == sorted(references)
    assert [kind for kind, _ in mails()] == ["confirmation"] + [
        "repeat"
    ] * 3  # no more a day than are bearable
    assert all(reference.casefold() in row.search for reference in references)


def test_reference_that_is_taken_is_drawn_again(send, monkeypatch):
    drawn = iter(["OB17-2222-22", "OB17-2222-22", "OB17-3333-33"])
    monkeypatch.setattr("domain.registration.new_reference", lambda prefix: next(drawn))

    references = [send(key="ada's form"), send(key="bo's form", email="bo@example.org")]

    assert references == ["OB17-2222-22", "OB17-3333-33"]
    assert row_of("OB17-3333-33").email == "bo@example.org"


def test_reference_of_a_repeat_that_is_taken_is_drawn_again(send, monkeypatch):
    drawn = iter(["OB17-2222-22", "OB17-3333-33", "OB17-3333-33", "OB17-4444-44"])
    monkeypatch.setattr("domain.registration.new_reference", lambda prefix: next(drawn))

    references = [send(key=f"form {number}") for number in range(3)]

    assert references == ["OB17-2222-22", "OB17-3333-33", "OB17-4444-44"]
    assert [kind for kind, _ in mails()] == ["confirmation", "repeat", "repeat"]


def test_register_is_refused_after_the_deadline(send, noon, desk):
    noon.move_to(desk.conference.closes_at)

    with pytest.raises(RegistrationClosed):
        send()

    assert [table.select().count() for table in TABLES] == [0] * len(TABLES)


def test_register_is_open_until_the_deadline(send, noon, desk):
    noon.move_to(desk.conference.closes_at)
    noon.shift(-1)

    reference = send()

    assert row_of(reference).state == "received"


def test_needs_are_stored_with_consent(send):
    reference = send(needs=NEEDS, consents=["affiliation", "needs"])

    assert answers_of(row_of(reference)).needs == NEEDS


def test_needs_are_not_stored_without_consent(send):
    reference = send(needs=NEEDS, consents=["affiliation"])

    assert row_of(reference).needs is None


def test_needs_that_say_that_there_are_none_are_stored_without_consent(send):
    none = Needs(diet=["none"], diet_other="", access="")

    reference = send(needs=none, consents=["affiliation"])

    assert answers_of(row_of(reference)).needs == none


def test_passport_is_not_stored_without_consent(send):
    reference = send(passport=PASSPORT, consents=["affiliation"])

    assert (row_of(reference).passport, row_of(reference).visa_state) == (None, "none")


def test_visa_letter_is_requested_with_a_passport(send):
    reference = send(passport=PASSPORT, consents=["affiliation", "visa"])

    assert row_of(reference).visa_state == "requested"


def test_sensitive_answers_are_encrypted_in_the_database(send):
    passport = Passport(
        name="CANARY NAME", nationality="GB", number="CANARY9", expiry=PASSPORT.expiry, post="Canary Islands"
    )
    needs = Needs(diet=["vegan"], diet_other="Canary seed", access="Canary lift")
    reference = send(passport=passport, needs=needs, consents=["affiliation", "visa", "needs"])
    Registration.update(mobile="+49 170 CANARY").execute()

    stored = db.execute_sql("SELECT passport, needs, mobile FROM registration").fetchone()

    row = row_of(reference)
    assert (answers_of(row).passport, answers_of(row).needs) == (passport, needs)
    assert row.mobile == "+49 170 CANARY"
    assert all(value.startswith("gAAAA") for value in stored)
    assert "canary" not in everything_stored().casefold()


def test_mails_are_encrypted_in_the_outbox(send):
    reference = send(given_names="Canary")

    (stored,) = db.execute_sql("SELECT message FROM mail").fetchone()

    assert "Canary" in Mail.get().message
    assert "Canary" not in stored
    assert reference not in stored


def test_answers_come_back_as_they_were_given(send):
    given = make_answers(
        given_names="Ngọc-Ánh “A”",
        family_name="Ó Néill, née <b>",
        days=["2017-05-26"],
        sessions=["steering"],
        interpretation="none",
        needs=NEEDS,
        passport=PASSPORT,
        consents=["affiliation", "needs", "photo", "visa"],
    )
    reference = send(**vars(given))

    answers = answers_of(row_of(reference))

    assert vars(answers) | {"consents": sorted(answers.consents)} == vars(given)


def test_answers_leave_out_withdrawn_consents(send):
    reference = send(consents=["affiliation", "photo"])
    Consent.update(withdrawn_at=clock.now()).where(Consent.kind == "photo").execute()

    assert answers_of(row_of(reference)).consents == ["affiliation"]


def test_find_by_link_finds_the_registration(listed):
    ada = listed()

    assert find_by_link(ada.public_id, ada.link_version) == ada


@pytest.mark.parametrize("state", ["confirmed", "cancelled"])
def test_find_by_link_finds_a_registration_in_every_state(listed, state):
    ada = listed(columns={"state": state})

    assert find_by_link(ada.public_id, 1).state == state


@pytest.mark.parametrize(("public_id", "version"), [("0" * 32, 2), (None, 1), (None, 3), ("", 2)])
def test_find_by_link_refuses_an_unknown_id_and_an_old_version(listed, public_id, version):
    ada = listed(columns={"link_version": 2})
    assert find_by_link(ada.public_id, 2) == ada

    with pytest.raises(LinkUnknown):
        find_by_link(ada.public_id if public_id is None else public_id, version)


def test_find_by_link_says_that_a_registration_was_erased(listed):
    ada = listed(columns={"state": "erased"})

    with pytest.raises(RegistrationErased):
        find_by_link(ada.public_id, 1)


def test_masked_number_shows_its_end_only():
    assert masked("12E34567") == "••••567"
