"""The organisers' look at the outbox: who has not been reached, and sending to another address."""

import dataclasses
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from factories import make_answers, next_address

from domain import clock, late, mailroom, organisers, outbox
from domain.answers import answers_of
from domain.blocked import Unwanted
from domain.desk import Desk
from domain.registration import (
    AddressTaken,
    ChangedMeanwhile,
    amend,
    cancel,
    correct_address,
    erase,
    move,
    register,
    renew_link,
    send_link,
)
from domain.transport import Deferred, Refused, Unreachable
from domain.worker import Worker
from models import MAIL_STATES, Announcement, AuditEntry, Mail, Organiser, Registration

NEW = "ada@example.net"
ERROR = "550 5.1.1 No such user here"


@pytest.fixture
def cem(database: None) -> Organiser:
    return organisers.add("cem@example.org", "correct horse battery staple")


@pytest.fixture
def correct(cem: Organiser, desk) -> Callable[..., None]:
    """cem corrects the address of a registration."""
    return partial(correct_address, organiser=cem, desk=desk)


def settle(**columns) -> None:
    Mail.update(**columns).execute()


def mails() -> list[tuple[str, str, str]]:
    return list(Mail.select(Mail.kind, Mail.recipient, Mail.state).order_by(Mail.id).tuples())


def fresh(row: Registration) -> Registration:
    return Registration.get_by_id(row.id)


# Who has not been reached


@pytest.mark.parametrize(
    ("state", "count"), [("queued", 0), ("sending", 0), ("accepted", 0), ("retrying", 0), ("failed", 1)]
)
def test_delegate_is_unreached_whose_mail_failed(ada, state, count):
    settle(state=state)

    assert mailroom.unreached() == count


@pytest.mark.parametrize("spelt", ["ada@example.org", "ADA@Example.org"])
def test_spelling_of_the_address_makes_no_difference(ada, spelt):
    settle(state="failed", recipient=spelt)

    assert mailroom.unreached() == 1


def test_mail_to_an_address_that_is_no_longer_the_delegates_does_not_count(ada):
    settle(state="failed", recipient="ada@before.example")

    assert mailroom.unreached() == 0


def test_every_mail_that_failed_counts(ada, stored, desk):
    stored(email=next_address(), key="another form")
    renew_link(ada, desk=desk)
    settle(state="failed")

    assert mailroom.unreached() == 3


def test_delegate_who_cancelled_still_counts(ada, desk):
    cancel(ada, "", desk=desk)
    settle(state="failed")

    assert mailroom.unreached() == 2


def test_erased_registration_does_not_count(ada, desk):
    settle(state="failed")
    erase(ada, is_blocking=False, desk=desk)

    assert mailroom.unreached() == 0


def test_farewell_that_failed_does_not_count(ada, desk):
    erase(ada, is_blocking=False, desk=desk)
    outbox.failed(outbox.claim("worker"), Refused(ERROR))
    assert [kind for kind, _, state in mails() if state == "failed"] == ["erased"]

    assert mailroom.unreached() == 0


def test_mail_of_a_stopped_announcement_does_not_count(ada):
    settle(state="failed", announcement=Announcement.create(state="sent", created_at=clock.now()))
    assert mailroom.unreached() == 1

    Announcement.update(state="stopped").execute()

    assert mailroom.unreached() == 0


def test_late_link_counts_until_it_runs_out(noon, cem, desk):
    late.make("bo@example.org", lang="en", organiser=cem, desk=desk)
    settle(state="failed")
    noon.shift(late.LIFETIME - timedelta(seconds=1))
    assert mailroom.unreached() == 1

    noon.shift(1)

    assert mailroom.unreached() == 0


def test_retry_and_acceptance_take_a_mail_off_the_count(ada):
    settle(state="failed")
    outbox.retry()
    assert mailroom.unreached() == 0

    outbox.failed(outbox.claim("worker"), Refused(ERROR))

    assert mailroom.unreached() == 1


@pytest.fixture
def asked(ada, change) -> Mail:
    """The mail that asks ada to confirm a new address, which failed."""
    change(ada, email=NEW)
    Mail.update(state="failed", error=ERROR).where(Mail.kind == "address").execute()
    return Mail.get(Mail.kind == "address")


def test_new_address_that_cannot_be_asked_counts_and_is_up_to_the_delegate(asked, ada):
    assert mailroom.unreached() == 1
    assert mailroom.is_up_to_the_delegate(asked)
    assert not mailroom.is_correctable(mailroom.find(asked.id))
    assert mailroom.has_failed_at(ada, "Ada@example.net")


@pytest.mark.parametrize("end", ["dropped", "replaced", "moved"])
def test_new_address_that_waits_no_more_does_not_count(asked, ada, change, desk, end):
    ways = {
        "dropped": lambda: change(fresh(ada), email="ada@example.org"),
        "replaced": lambda: change(fresh(ada), email="ada@third.example"),
        "moved": lambda: move(fresh(ada), NEW, desk=desk),
    }

    ways[end]()

    assert mailroom.unreached() == 0
    assert not mailroom.is_up_to_the_delegate(asked)


def test_new_address_of_somebody_else_fails_alike(ada, stored, change):
    stored(email=NEW, key="another form")
    change(ada, email=NEW)
    Mail.update(state="failed").where(Mail.kind == "repeat").execute()

    assert mailroom.has_failed_at(ada, NEW)


# Redirecting


@pytest.fixture
def versioned(desk) -> Desk:
    """A desk whose links die with their version, as they do outside these tests."""
    return dataclasses.replace(
        desk, link=lambda row, lang: f"https://convoke.example/{lang}/r/{row.public_id}.v{row.link_version}"
    )


@pytest.fixture
def redirect(desk) -> Callable[[Registration, str], None]:
    """A registration has moved from an address."""

    def redirect(registration: Registration, old: str) -> None:
        registration.email = NEW
        mailroom.redirect(registration, old, desk=desk)

    return redirect


@pytest.fixture
def in_hand(versioned, cem) -> Mail:
    """A mail to ada that was being sent when cem corrected her address."""
    reference = register(make_answers(email="ada@example.org"), lang="en", key="a form", desk=versioned)
    mail = outbox.claim("worker")
    ada = Registration.get(Registration.reference == reference)
    correct_address(ada, NEW, organiser=cem, desk=versioned)
    return mail


def links_of(kind: str) -> list[str]:
    """The versions of the private link in the two bodies of a mail."""
    message = mailroom.message_of(Mail.get(Mail.kind == kind))
    bodies = [message.get_body((form,)).get_content() for form in ("plain", "html")]
    return [re.findall(r"/r/\w+\.(v\d)", body) for body in bodies]


@pytest.mark.parametrize("state", ["queued", "retrying", "failed"])
def test_move_takes_the_mails_along_with_the_new_link(database, versioned, state):
    reference = register(make_answers(email="ada@example.org"), lang="en", key="a form", desk=versioned)
    ada = Registration.get(Registration.reference == reference)
    answers = dataclasses.replace(answers_of(ada), email=NEW)
    amend(ada, answers, sequence=0, lang="en", describe=sorted, desk=versioned)
    settle(state=state)
    message_id = mailroom.message_of(Mail.get(Mail.kind == "confirmation"))["Message-ID"]
    assert links_of("confirmation") == [["v1"], ["v1"]]

    move(fresh(ada), NEW, desk=versioned)

    assert sorted(mails()) == [
        ("address", NEW, state),
        ("changed", NEW, "queued"),
        ("confirmation", NEW, "queued"),
        ("moved", "ada@example.org", "queued"),
        ("new_link", NEW, "queued"),
    ]
    assert links_of("confirmation") == links_of("changed") == [["v2"], ["v2"]]
    assert mailroom.message_of(Mail.get(Mail.kind == "confirmation"))["Message-ID"] == message_id


@pytest.mark.parametrize("error", [Refused(ERROR), Deferred("451 4.3.0 Later")])
def test_mail_in_hand_that_comes_back_follows_to_the_new_address_with_the_new_link(in_hand, versioned, error):
    outbox.failed(in_hand, error)

    mailroom.follow(in_hand, desk=versioned)

    assert mails() == [("confirmation", NEW, "queued"), ("new_link", NEW, "queued")]
    assert links_of("confirmation") == [["v2"], ["v2"]]


@pytest.mark.parametrize("error", [Refused(ERROR), Deferred("451"), Unreachable("421"), ValueError()])
def test_worker_lets_every_mail_that_comes_back_follow(ada, correct, desk, make_settings, monkeypatch, error):
    worker = Worker(make_settings(), desk)

    def send(*given, **named) -> None:
        correct(fresh(ada), NEW)
        raise error

    monkeypatch.setattr(worker.transport, "send", send)
    with suppress(Unreachable):
        worker.send_next()

    assert mails() == [("confirmation", NEW, "queued"), ("new_link", NEW, "queued")]


def test_mail_that_comes_back_to_the_present_address_stays_as_it_is(ada, desk):
    mail = outbox.claim("worker")
    outbox.failed(mail, Refused(ERROR))

    mailroom.follow(mail, desk=desk)

    assert mails() == [("confirmation", "ada@example.org", "failed")]


def test_mail_that_tells_the_old_address_of_the_move_stays_there(ada, change, desk):
    change(ada, email=NEW)
    move(fresh(ada), NEW, desk=desk)
    Mail.delete().where(Mail.kind != "moved").execute()
    mail = outbox.claim("worker")
    outbox.failed(mail, Refused(ERROR))

    mailroom.follow(mail, desk=desk)

    assert mails() == [("moved", "ada@example.org", "failed")]


def test_mail_of_a_stopped_announcement_stays_behind(ada, redirect):
    stopped = Announcement.create(state="stopped", created_at=clock.now())
    settle(state="failed", announcement=stopped)

    redirect(ada, "ada@example.org")

    assert mails() == [("confirmation", "ada@example.org", "failed")]


def test_what_has_not_gone_out_is_redirected_and_what_is_being_sent_or_went_out_is_not(
    ada, desk, noon, monkeypatch, redirect
):
    monkeypatch.setattr(outbox, "MOST_A_DAY", 4)
    for _ in range(4):
        send_link("ada@example.org", lang="en", desk=desk)
    states = dict(zip(Mail.select().order_by(Mail.id), MAIL_STATES, strict=True))
    for mail, state in states.items():
        Mail.update(state=state, error=ERROR, attempts=2, owner="worker").where(Mail.id == mail.id).execute()

    redirect(ada, "ADA@example.org")

    found = {mail.id: (mail.state, mail.recipient, mail.attempts, mail.error) for mail in Mail.select()}
    moved, kept = ("queued", NEW, 0, ""), "ada@example.org"
    assert [found[mail.id] for mail in states] == [
        moved,
        ("sending", kept, 2, ERROR),
        ("accepted", kept, 2, ERROR),
        moved,
        moved,
    ]


def test_mails_to_others_and_to_another_address_are_not_redirected(ada, stored, desk, redirect):
    bo = stored(email="bo@example.org", key="another form")
    renew_link(ada, desk=desk)
    Mail.update(recipient="ada@before.example").where(Mail.kind == "new_link").execute()
    settle(state="failed")

    redirect(ada, "ada@example.org")

    assert mails() == [
        ("confirmation", NEW, "queued"),
        ("confirmation", bo.email, "failed"),
        ("new_link", "ada@before.example", "failed"),
    ]


def test_mails_of_an_earlier_registration_of_the_same_address_stay(ada, stored, desk, redirect):
    cancel(ada, "", desk=desk)
    later = stored(email="ada@example.org", key="another form")
    settle(state="failed")

    redirect(later, "ada@example.org")

    assert [recipient for _, recipient, _ in mails()] == ["ada@example.org", "ada@example.org", NEW]


def test_redirected_mail_is_claimed_and_sent_to_the_new_address(ada, correct):
    settle(state="failed", due_at=clock.now() - timedelta(days=1))
    correct(ada, NEW)

    mail = outbox.claim("worker")

    assert (mail.recipient, mail.attempts) == (NEW, 1)
    assert b"\r\nTo: ada@example.net\r\n" in outbox.message_of(mail)


def test_mail_that_cannot_be_read_stays_behind(ada, redirect):
    settle(state="failed", message="")

    redirect(ada, "ada@example.org")

    assert mails() == [("confirmation", "ada@example.org", "failed")]


# Correcting


def test_correction_moves_the_registration_and_its_mails(ada, correct):
    settle(state="failed")

    correct(ada, NEW)

    row = fresh(ada)
    assert (row.email, row.address_key, row.sequence, row.link_version) == (NEW, NEW, 1, 1)
    assert NEW in row.search
    assert mails() == [("confirmation", NEW, "queued")]


def test_correction_keeps_the_references_of_repeats_findable(ada, send, correct):
    repeated = send(email="ada@example.org", key="another form")
    settle(state="failed")

    correct(fresh(ada), NEW)

    assert repeated.casefold() in fresh(ada).search


@pytest.mark.parametrize("state", ["accepted", "sending"])
def test_link_is_renewed_where_anything_was_or_may_be_accepted_at_the_old_address(ada, correct, state):
    settle(state=state, recipient="ADA@example.org")

    correct(ada, NEW)

    assert fresh(ada).link_version == 2
    assert mails() == [("confirmation", "ADA@example.org", state), ("new_link", NEW, "queued")]


def test_window_that_is_stale_corrects_nothing(ada, correct, change):
    settle(state="failed")
    stale = fresh(ada)
    change(ada, function="President")
    before = mails()

    with pytest.raises(ChangedMeanwhile):
        correct(stale, NEW)

    row = fresh(ada)
    assert (row.email, row.function, row.sequence) == ("ada@example.org", "President", 1)
    assert mails() == before


def test_registration_that_was_erased_meanwhile_stays_so(ada, correct, desk):
    stale = fresh(ada)
    erase(ada, is_blocking=False, desk=desk)

    with pytest.raises(ChangedMeanwhile):
        correct(stale, NEW)

    assert (fresh(ada).email, fresh(ada).state) == ("", "erased")


@pytest.mark.parametrize("spelt", ["bo@example.org", "BO@Example.org"])
def test_address_of_another_registration_is_taken(ada, stored, correct, spelt):
    stored(email="bo@example.org", key="another form")
    settle(state="failed")
    before = mails()

    with pytest.raises(AddressTaken):
        correct(ada, spelt)

    assert fresh(ada).email == "ada@example.org"
    assert mails() == before
    assert AuditEntry.select().where(AuditEntry.action == "registration.address_corrected").count() == 0


def test_address_of_a_registration_that_was_cancelled_is_free(ada, stored, correct, desk):
    cancel(stored(email="bo@example.org", key="another form"), "", desk=desk)

    correct(ada, "bo@example.org")

    assert fresh(ada).email == "bo@example.org"


def test_blocked_address_is_not_taken(ada, stored, correct, desk):
    erase(stored(email="bo@example.org", key="another form"), is_blocking=True, desk=desk)

    with pytest.raises(Unwanted):
        correct(ada, "Bo@example.org")

    assert fresh(ada).email == "ada@example.org"


def test_of_two_organisers_at_once_one_corrects_and_the_other_is_told(ada, correct, together):
    settle(state="failed")
    addresses = ["ada@one.example", "ada@other.example"]

    def attempt(row: Registration, address: str) -> str | None:
        try:
            correct(row, address)
        except ChangedMeanwhile:
            return None
        return address

    answers = together(*(partial(attempt, fresh(ada), address) for address in addresses))

    (winner,) = filter(None, answers)
    assert (fresh(ada).email, fresh(ada).sequence) == (winner, 1)
    assert mails() == [("confirmation", winner, "queued")]
    assert AuditEntry.select().where(AuditEntry.action == "registration.address_corrected").count() == 1
