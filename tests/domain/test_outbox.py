"""The outbox: every mail is claimed by one worker at a time, and ends up accepted or visibly failed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from itertools import islice

import pytest

from db import db, write
from domain import clock, outbox
from domain.transport import Deferred, Refused, Unreachable
from domain.worker import Worker
from models import Announcement, Mail, Registration

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BO = "bo@example.org"


def message_to(recipient: str) -> EmailMessage:
    message = EmailMessage()
    message["To"] = recipient
    message["Message-ID"] = f"<{recipient}>"
    message.set_content("Good news")
    message["Content-Language"] = "fr"
    return message


@pytest.fixture
def queued(listed: Callable[..., Registration]) -> Callable[..., Mail]:
    """Queue a mail; `age` is how long it has been due, and columns can be given a value of their own."""

    def queue(*, age: timedelta = timedelta(0), **columns) -> Mail:
        ada = listed()
        outbox.enqueue(message_to(ada.email), kind="confirmation", registration=ada, once=ada.email)
        Mail.update(due_at=NOON - age, **columns).where(Mail.once == ada.email).execute()
        return Mail.get(Mail.once == ada.email)

    return queue


def fresh(mail: Mail) -> Mail:
    return Mail.get_by_id(mail.id)


def claim_all(owner: str) -> list[Mail]:
    """Claim until there is nothing left, or what is left comes again and again."""
    return list(islice(iter(lambda: outbox.claim(owner), None), 50))


# Queueing


def test_enqueue_stores_the_mail_as_it_will_be_sent(listed, noon):
    ada = listed(email="ada@example.org")
    message = message_to("ada@example.org")

    outbox.enqueue(message, kind="confirmation", registration=ada, once="confirmation:1")

    mail = Mail.get()
    assert (mail.kind, mail.language, mail.recipient) == ("confirmation", "fr", "ada@example.org")
    assert mail.message == message.as_bytes().decode("ascii")
    assert (mail.message_id, mail.once) == ("<ada@example.org>", "confirmation:1")
    assert (mail.state, mail.attempts, mail.owner, mail.error) == ("queued", 0, None, "")
    assert (mail.created_at, mail.due_at, mail.accepted_at) == (NOON, NOON, None)


def test_enqueue_queues_one_mail_for_one_occasion(listed):
    ada = listed(email="ada@example.org")

    for _ in range(2):
        outbox.enqueue(message_to("ada@example.org"), kind="confirmation", registration=ada, once="once")

    assert Mail.select().count() == 1


def test_transaction_that_is_rolled_back_queues_nothing(listed):
    ada = listed()

    def enqueue_and_fail() -> None:
        with write():
            outbox.enqueue(message_to(ada.email), kind="confirmation", registration=ada, once="once")
            assert Mail.select().count() == 1
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        enqueue_and_fail()

    assert Mail.select().count() == 0


# Not too often


@pytest.fixture
def written(database: None, noon) -> Callable[..., None]:
    """A number of mails of one kind to bo, queued so long ago."""

    def write_to(kind: str = "link", *, times: int, age: timedelta = timedelta(0), to: str = BO) -> None:
        for number in range(times):
            once = f"{kind}-{age.days}-{age.seconds}-{number}-{to}"
            message = message_to(to)
            message.replace_header("Message-ID", f"<{once}>")
            outbox.enqueue(message, kind=kind, registration=None, once=once)
            Mail.update(created_at=NOON - age).where(Mail.once == once).execute()

    return write_to


@pytest.mark.parametrize(("times", "is_often"), [(0, False), (2, False), (3, True), (4, True)])
@pytest.mark.parametrize("kind", ["address", "repeat", "link"])
def test_address_is_written_to_often_after_three_mails_that_others_may_cause(written, kind, times, is_often):
    written(kind, times=times)

    assert outbox.has_written_often(BO) is is_often


def test_mails_of_every_kind_that_others_may_cause_count_together(written):
    for kind in ("address", "repeat"):
        written(kind, times=1)
    assert not outbox.has_written_often(BO)

    written("link", times=1)

    assert outbox.has_written_often(BO)


@pytest.mark.parametrize(
    "kind", ["confirmation", "new_link", "changed", "moved", "cancelled", "restored", "erased", "late"]
)
def test_mails_that_only_delegates_themselves_cause_do_not_count(written, kind):
    written(kind, times=5)
    written("link", times=2)

    assert not outbox.has_written_often(BO)


def test_mails_of_another_day_do_not_count(written, noon):
    day = timedelta(days=1)
    written(times=2)
    written(times=5, age=day)
    assert not outbox.has_written_often(BO)

    written(times=1, age=day - timedelta(seconds=1))

    assert outbox.has_written_often(BO)
    noon.shift(1)
    assert not outbox.has_written_often(BO)


def test_mails_to_another_address_do_not_count(written):
    written(times=5, to="eve@example.org")

    assert not outbox.has_written_often(BO)
    assert outbox.has_written_often("eve@example.org")


@pytest.mark.parametrize("again", ["BO@example.org", "bo@EXAMPLE.ORG"])
def test_mails_count_however_the_address_is_spelt(written, again):
    written(times=2)
    written(times=1, to=again)

    assert outbox.has_written_often(BO)
    assert outbox.has_written_often(again)


# Claiming


def test_claim_takes_the_mail_that_has_been_due_the_longest(queued, noon):
    ages = [timedelta(hours=1), timedelta(hours=3), timedelta(hours=2)]
    mails = [queued(age=age) for age in ages]

    order = [outbox.claim("worker") for _ in ages]

    assert order == [mails[1], mails[2], mails[0]]
    assert outbox.claim("worker") is None


def test_claim_takes_the_older_of_two_that_are_due_at_the_same_instant(queued, noon):
    mails = [queued(age=MINUTE) for _ in range(5)]
    Mail.update(error="touched").where(Mail.id == mails[0].id).execute()  # moves the row on PostgreSQL

    assert claim_all("worker") == mails


def test_claim_gives_the_right_to_send_until_the_lease_ends(queued, noon):
    queued()

    mail = fresh(outbox.claim("worker"))

    assert (mail.state, mail.owner, mail.attempts) == ("sending", "worker", 1)
    assert mail.due_at == NOON + outbox.LEASE


def test_claim_takes_nothing_before_it_is_due(queued, noon):
    queued(age=timedelta(seconds=-1))

    assert outbox.claim("worker") is None

    noon.shift(1)
    assert outbox.claim("worker") is not None


@pytest.mark.parametrize("state", ["accepted", "failed"])
def test_claim_leaves_finished_mails_alone(queued, noon, state):
    queued(age=MINUTE, state=state)

    assert outbox.claim("worker") is None


def test_claim_takes_a_mail_again_when_the_lease_has_ended(queued, noon):
    queued()
    outbox.claim("first")

    noon.shift(outbox.LEASE - timedelta(seconds=1))
    too_early = outbox.claim("second")
    noon.shift(1)
    mail = fresh(outbox.claim("second"))

    assert too_early is None
    assert (mail.owner, mail.attempts, mail.state) == ("second", 2, "sending")


def test_workers_never_claim_the_same_mail(queued, noon, together):
    mails = {queued(age=MINUTE * number).id for number in range(20)}

    claimed = together(*[lambda owner=owner: claim_all(owner) for owner in "abcd"])

    assert sorted(mail.id for worker in claimed for mail in worker) == sorted(mails)
    assert {mail.attempts for mail in Mail.select()} == {1}


def test_mail_that_cannot_be_read_does_not_hold_up_the_others(queued, noon, make_settings, desk):
    broken, good = queued(age=MINUTE), queued()
    db.execute_sql(f"UPDATE mail SET message = 'of a lost key' WHERE id = {broken.id}")
    worker = Worker(make_settings(), desk)

    worker.attempt(worker.send_all)

    assert dict(Mail.select(Mail.id, Mail.state).tuples()) == {broken.id: "failed", good.id: "accepted"}


# Settling


def test_accepted_mail_is_done(queued, noon):
    queued(error="421 busy")
    mail = outbox.claim("worker")
    noon.shift(2)

    outbox.accepted(mail)

    mail = fresh(mail)
    assert (mail.state, mail.owner, mail.error) == ("accepted", None, "")
    assert mail.accepted_at == NOON + timedelta(seconds=2)
    noon.shift(outbox.LEASE)
    assert outbox.claim("worker") is None


def test_deferred_mail_is_tried_again_later(queued, noon):
    queued()
    mail = outbox.claim("worker")

    outbox.failed(mail, Deferred("451 try again"))

    mail = fresh(mail)
    assert (mail.state, mail.owner, mail.error) == ("retrying", None, "451 try again")
    assert outbox.claim("worker") is None
    noon.shift(timedelta(seconds=45))
    assert outbox.claim("worker") == mail


def test_refused_mail_fails_at_once(queued, noon):
    queued()
    mail = outbox.claim("worker")

    outbox.failed(mail, Refused("550 no such user"))

    mail = fresh(mail)
    assert (mail.state, mail.owner, mail.error, mail.attempts) == ("failed", None, "550 no such user", 1)
    noon.shift(timedelta(days=7))
    assert outbox.claim("worker") is None


@pytest.mark.parametrize(("attempts", "state"), [(16, "retrying"), (17, "failed")])
def test_eighteenth_attempt_is_the_last(queued, noon, attempts, state):
    queued(attempts=attempts)
    mail = outbox.claim("worker")

    outbox.failed(mail, Deferred("451 try again"))

    assert (fresh(mail).state, fresh(mail).attempts) == (state, attempts + 1)
    assert fresh(mail).error == "451 try again"


def test_attempts_last_for_some_two_days_at_a_server_that_answers(queued, noon, monkeypatch):
    monkeypatch.setattr(outbox.random, "uniform", lambda low, high: (low + high) / 2)
    mail = queued()

    while fresh(mail).state != "failed":
        noon.move_to(fresh(mail).due_at)
        outbox.failed(outbox.claim("worker"), Deferred("451 try again"))

    assert timedelta(hours=46) < clock.now() - NOON < timedelta(hours=54)


def test_mail_is_put_back_when_the_server_is_in_trouble(queued, noon):
    queued(attempts=17)
    mail = outbox.claim("worker")

    outbox.put_back(mail, Unreachable("550 no such sender"))

    mail = fresh(mail)
    assert (mail.state, mail.attempts, mail.error) == ("queued", 17, "550 no such sender")
    assert (mail.due_at, mail.owner) == (NOON + outbox.FIRST_WAIT, None)


def test_mails_that_are_due_say_why_they_wait_for_the_server(queued, noon):
    queued(), queued(age=-MINUTE), queued(state="accepted")

    outbox.say_why("connection refused")

    assert [mail.error for mail in Mail.select().order_by(Mail.id)] == ["connection refused", "", ""]


@pytest.mark.parametrize("spelt", ["bo@example.org", "BO@Example.org"])
def test_mail_is_held_back_when_its_address_has_had_enough_within_a_day(queued, noon, spelt):
    for number in range(outbox.MOST_TO_ONE):
        queued(state="accepted", recipient=BO, accepted_at=NOON - timedelta(hours=20 - number))
    mail = queued(recipient=spelt, kind="announcement")

    assert outbox.hold_back(outbox.claim("worker"))

    mail = fresh(mail)
    assert (mail.state, mail.attempts, mail.error) == ("queued", 0, outbox.DAILY_LIMIT)
    assert mail.due_at == NOON + timedelta(hours=4)  # then the oldest of the ten is a day old
    noon.shift(timedelta(hours=4))
    assert not outbox.hold_back(outbox.claim("worker"))


@pytest.mark.parametrize("kind", outbox.NEVER_HELD_BACK)
def test_mail_that_a_delegate_cannot_do_without_is_never_held_back(queued, noon, kind):
    for _ in range(outbox.MOST_TO_ONE):
        queued(state="accepted", recipient=BO, accepted_at=NOON)
    queued(recipient=BO, kind=kind)

    assert not outbox.hold_back(outbox.claim("worker"))


def test_mail_is_not_held_back_for_what_others_had_or_long_ago(queued, noon):
    for number in range(outbox.MOST_TO_ONE):
        queued(state="accepted", recipient=BO if number else "ada@example.org", accepted_at=NOON)
    for _ in range(outbox.MOST_TO_ONE):
        queued(state="accepted", recipient=BO, accepted_at=NOON - outbox.DAY)
        queued(state="failed", recipient=BO)
    queued(recipient=BO, kind="announcement")

    assert not outbox.hold_back(outbox.claim("worker"))


def test_mails_of_the_last_hour_are_counted(queued, noon):
    for minutes in (0, 59, 60, 61):
        queued(state="accepted", accepted_at=NOON - MINUTE * minutes)
    queued(state="failed")

    assert outbox.sent_within_an_hour() == 2


def test_retry_sends_what_failed_or_waits_from_the_first_attempt_on(queued, noon):
    states = ("queued", "sending", "accepted", "retrying", "failed")
    mails = {state: queued(state=state, attempts=5, age=-MINUTE, error="451") for state in states}

    assert outbox.retry() == 2

    for state, mail in mails.items():
        row = fresh(mail)
        is_again = state in ("retrying", "failed")
        assert (row.state, row.attempts, row.error) == (("queued", 0, "") if is_again else (state, 5, "451"))
        assert (row.due_at == NOON) is is_again


def test_retry_of_all_leaves_what_was_stopped_and_retry_by_number_does_not(queued, noon):
    stopped = Announcement.create(state="stopped", created_at=NOON)
    other, theirs = queued(state="failed"), queued(state="failed")
    Mail.update(announcement=stopped).where(Mail.id == theirs.id).execute()

    assert (outbox.failures(), outbox.retry(), outbox.failures()) == (1, 1, 0)
    assert (fresh(other).state, fresh(theirs).state) == ("queued", "failed")

    assert outbox.retry(Mail.id == theirs.id) == 1
    assert fresh(theirs).state == "queued"


def test_mail_that_was_erased_is_not_sent_again_nor_sent_at_all(queued, noon):
    mail = queued(state="failed", message="")

    assert (outbox.failures(), outbox.retry(), outbox.retry(Mail.id == mail.id)) == (0, 0, 0)
    with pytest.raises(Refused):
        outbox.opened("")


def test_retry_of_one_leaves_the_others(queued, noon):
    one, other = queued(state="failed"), queued(state="failed")

    assert outbox.retry(Mail.id == one.id) == 1

    assert (fresh(one).state, fresh(other).state) == ("queued", "failed")


@pytest.mark.parametrize(
    ("attempt", "wait"),
    [
        (1, timedelta(seconds=30)),
        (2, timedelta(minutes=1)),
        (5, timedelta(minutes=8)),
        (10, timedelta(seconds=15360)),
        (11, timedelta(hours=6)),
    ],
)
def test_wait_doubles_with_each_attempt_up_to_six_hours(queued, noon, attempt, wait):
    queued(attempts=attempt - 1)
    mail = outbox.claim("worker")

    waits = []
    for _ in range(10):
        Mail.update(owner="worker").execute()
        outbox.failed(mail, Deferred("451 try again"))
        waits.append(fresh(mail).due_at - NOON)

    assert wait * 0.5 <= min(waits) < max(waits) <= wait * 1.5


@pytest.mark.parametrize(
    "settle",
    [
        outbox.accepted,
        lambda mail: outbox.failed(mail, Refused("550")),
        lambda mail: outbox.failed(mail, Deferred("451")),
    ],
)
def test_worker_whose_lease_has_ended_settles_nothing(queued, noon, settle):
    queued()
    stale = outbox.claim("slow")
    noon.shift(outbox.LEASE)
    assert outbox.claim("quick") == stale
    before = Mail.select().dicts().get()

    settle(stale)

    assert Mail.select().dicts().get() == before
    assert (before["state"], before["owner"]) == ("sending", "quick")


def test_mail_in_hand_keeps_its_own_words_when_it_is_deleted_meanwhile(queued):
    queued(message="Subject: to ada")
    mail = outbox.claim("worker")
    Mail.delete().execute()
    queued(message="Subject: to bo")

    assert outbox.opened(mail.message) == b"Subject: to ada"


def test_number_of_a_mail_is_never_another_mails(queued):
    queued()
    deleted = queued()
    Mail.delete().where(Mail.id == deleted.id).execute()

    assert queued().id > deleted.id


def test_backlog_counts_the_mails_in_each_state(queued, noon):
    for state in ("queued", "accepted", "accepted", "failed"):
        queued(state=state)

    assert outbox.backlog() == {"queued": 1, "accepted": 2, "failed": 1}


def test_worker_that_starts_makes_due_what_a_clock_that_was_set_back_would_keep_waiting(queued, noon):
    year = timedelta(days=300)
    for state in ("queued", "retrying", "sending", "accepted", "failed"):
        queued(age=-year, state=state)
    queued(age=-outbox.LONGEST_WAIT), queued(age=-outbox.LEASE, state="sending")
    assert outbox.claim("worker") is None

    outbox.resume()

    assert len(claim_all("worker")) == 3
    assert outbox.backlog() == {"sending": 4, "queued": 1, "accepted": 1, "failed": 1}
