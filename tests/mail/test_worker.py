"""The worker: what is due goes out, in order, whatever becomes of the mail server in the meantime."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from support.smtp import HOST, MailServer

from db import connection, db, on_sqlite
from domain import clock, outbox, worker
from domain.registration import send_link
from domain.transport import Unreachable
from domain.worker import Worker
from models import Mail

NOON = datetime(2017, 4, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def states() -> list[str]:
    return [mail.state for mail in mails()]


@pytest.fixture
def work(app: Flask, make_settings, port) -> Iterator[Callable[..., Worker]]:
    """Start a worker, which ends with the test."""
    started = []

    def start(**given: Any) -> Worker:
        thread = Worker(make_settings(mail_url=f"smtp://{HOST}:{port}", **given), app.extensions["desk"])
        thread.start()
        started.append(thread)
        return thread

    yield start
    for thread in started:
        thread.stop()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker looks again at once."""
    monkeypatch.setattr(worker, "POLL", 0.02)
    monkeypatch.setattr(worker, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(outbox, "FIRST_WAIT", timedelta(seconds=0.05))


@pytest.fixture
def noon(app: Flask) -> Iterator[time_machine.Traveller]:
    """Time stands still at noon, until a test moves it."""
    clock.rehearse(None)
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def links(app: Flask, registered, monkeypatch) -> Callable[..., str]:
    """Let mails be written to one address, which has registered: the confirmation and then links."""

    def write(how_many: int) -> str:
        row = registered()
        monkeypatch.setattr(outbox, "MOST_A_DAY", how_many)
        with app.test_request_context("/"), connection():
            for _ in range(how_many - 1):
                send_link(row.email, lang="en", desk=app.extensions["desk"])
        return row.email

    return write


def mails() -> list[Mail]:
    with connection():
        return list(Mail.select().order_by(Mail.id))


def received(server: MailServer) -> list[str]:
    return [mail.recipients[0] for mail in server.mailbox.received]


def test_worker_sends_what_is_queued_before_it_starts(registered, work, port):
    ada = registered(lang="fr", given_names="Ünal")
    with MailServer(port) as server:
        thread = work()
        wait_for(lambda: states() == ["accepted"])
        thread.stop()

    (mail,) = server.mailbox.received
    with connection():
        assert mail.content == Mail.get().message.encode()
    assert (mail.sender, mail.recipients) == ("secretariat@example.org", [ada.email])


def test_commit_wakes_the_worker(registered, work, port, monkeypatch):
    monkeypatch.setattr(worker, "POLL", 5)
    registered()
    with MailServer(port) as server:
        thread = work()
        wait_for(lambda: states() == ["accepted"])
        wait_for(lambda: not server.still_connected)  # by now it waits
        registered()
        wait_for(lambda: len(server.mailbox.received) == 2, seconds=2)
        thread.stop()

    assert not thread.is_alive()


def test_worker_goes_on_after_a_refusal_and_a_deferral(registered, work, port):
    people = [registered() for _ in range(3)]
    with MailServer(port) as server:
        server.mailbox.answers = {
            people[0].email: "550 5.1.1 No such user",
            people[1].email: "451 4.3.0 Later",
        }
        thread = work()
        wait_for(lambda: states() == ["failed", "retrying", "accepted"])
        thread.stop()

    with connection():
        errors = [mail.error for mail in Mail.select().order_by(Mail.id)]
    assert errors == ["550 5.1.1 No such user", "451 4.3.0 Later", ""]


def test_mail_that_the_server_cannot_stand_neither_fails_nor_stands_in_the_way(registered, work, port, quick):
    people = [registered().email for _ in range(3)]
    with MailServer(port) as server:
        server.mailbox.answers[people[0]] = None
        thread = work()
        wait_for(lambda: states() == ["queued", "accepted", "accepted"])
        thread.stop()

    with connection():
        first = Mail.select().order_by(Mail.id).first()
    assert (first.attempts, first.error != "") == (0, True)
    assert sorted(received(server)) == sorted(people[1:])


def test_mail_that_is_put_back_is_due_after_the_pause_that_the_worker_takes(
    registered, app, make_settings, port, noon
):
    people = [registered().email]
    thread = Worker(make_settings(mail_url=f"smtp://{HOST}:{port}"), app.extensions["desk"])
    thread.pause = worker.LONGEST_PAUSE / 2
    with MailServer(port) as server:
        server.mailbox.answers[people[0]] = None
        with connection(), pytest.raises(Unreachable):
            thread.send_next()
        noon.shift(worker.LONGEST_PAUSE * 1.2)
        people.append(registered().email)
        thread.attempt(thread.send_all)
        thread.transport.close()

    assert states() == ["queued", "accepted"]


def test_421_to_a_recipient_uses_up_an_attempt_and_holds_up_nobody(registered, work, port):
    people = [registered().email for _ in range(3)]
    with MailServer(port) as server:
        server.mailbox.answers[people[0]] = "421 4.7.0 Too many to this mailbox"
        thread = work()
        wait_for(lambda: states() == ["retrying", "accepted", "accepted"])
        thread.stop()

    assert (mails()[0].attempts, thread.pause) == (1, 0)


def test_worker_finishes_the_mail_in_hand_when_it_is_stopped(registered, work, port):
    registered()
    registered()
    with MailServer(port) as server:
        server.mailbox.seconds = 0.5
        thread = work()
        wait_for(lambda: states() == ["sending", "queued"])
        thread.stop()
        wait_for(lambda: not server.still_connected, seconds=2)

    assert not thread.is_alive()
    assert states() == ["accepted", "queued"]
    assert len(server.mailbox.received) == 1


@pytest.mark.parametrize("is_stopped", [False, True], ids=["goes on", "is stopped"])
def test_outcome_that_the_database_does_not_take_is_written_when_it_is_back(
    registered, work, port, is_stopped
):
    registered()
    with MailServer(port) as server:
        server.mailbox.seconds = 0.5
        thread = work()
        wait_for(lambda: states() == ["sending"])
        with database_out(seconds=7):
            if is_stopped:
                thread.stop(timeout=0)
        wait_for(lambda: states() == ["accepted"])
        thread.stop()

    assert len(server.mailbox.received) == 1


@contextmanager
def database_out(seconds: float) -> Iterator[None]:
    """SQLite is locked for a while by somebody else; PostgreSQL ends every connection, as when it is started again."""
    if not on_sqlite():
        yield
        with connection():
            db.execute_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        return
    with closing(sqlite3.connect(db.database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        time.sleep(seconds)
        other.execute("ROLLBACK")


def test_worker_that_waits_stops_at_once(registered, work, port, monkeypatch):
    monkeypatch.setattr(worker, "POLL", 5)
    registered()
    with MailServer(port) as server:
        thread = work()
        wait_for(lambda: states() == ["accepted"])
        wait_for(lambda: not server.still_connected)  # by now it waits
        began = time.monotonic()
        thread.stop()

    assert not thread.is_alive()
    assert time.monotonic() - began < 1


# A mail server in trouble


@pytest.fixture
def looks(caplog: pytest.LogCaptureFixture) -> Callable[[], None]:
    """Wait until the worker has looked in vain at the mail server once more, from now on."""

    def count() -> int:
        return sum(record.getMessage() == "outbox.waits_for_server" for record in caplog.records)

    def look() -> None:
        before = count()
        wait_for(lambda: count() > before + 1)  # one look may have begun already

    return look


def test_mails_wait_for_a_server_that_is_down_and_all_go_out_in_order_when_it_is_back(
    registered, work, port, quick, noon, looks
):
    people = []
    for _ in range(4):
        people.append(registered().email)
        noon.shift(60)
    thread = work()
    for _ in range(4):
        looks()
        noon.shift(HOUR / 4)
    looks()

    error = "ConnectionRefusedError: [Errno 111] Connection refused"
    assert {(mail.state, mail.attempts, mail.error) for mail in mails()} == {("queued", 0, error)}
    with connection():
        assert outbox.waiting() == (NOON, error)

    with MailServer(port) as server:
        wait_for(lambda: set(states()) == {"accepted"})
        thread.stop()

    assert received(server) == people
    assert {(mail.attempts, mail.error) for mail in mails()} == {(1, "")}


def test_pause_between_two_looks_at_a_server_that_is_down_grows_and_ends_with_it(
    registered, app, make_settings, port
):
    registered()
    thread = Worker(make_settings(mail_url=f"smtp://{HOST}:{port}"), app.extensions["desk"])
    pauses = []

    for _ in range(8):
        thread.attempt(thread.send_all)
        pauses.append(thread.pause)
    with MailServer(port):
        thread.attempt(thread.send_all)
        thread.transport.close()

    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert (thread.pause, states()) == (0, ["accepted"])


def test_sender_who_is_refused_costs_no_mail_anything_and_all_go_out_later(
    registered, work, port, quick, looks
):
    people = [registered().email for _ in range(3)]
    with MailServer(port) as server:
        server.mailbox.to_sender = "553 5.7.1 Sender address rejected: not owned by user"
        thread = work()
        for _ in range(len(people) + 1):
            looks()
        thread.stop()
        refused = {(mail.state, mail.attempts, mail.error) for mail in mails()}
        server.mailbox.to_sender = "250 OK"
        thread = work()
        wait_for(lambda: set(states()) == {"accepted"})
        thread.stop()

    assert refused == {("queued", 0, "553 5.7.1 Sender address rejected: not owned by user")}
    assert sorted(received(server)) == sorted(people)
    assert {(mail.attempts, mail.error) for mail in mails()} == {(1, "")}


def test_size_that_the_server_minds_fails_that_mail_only(registered, work, port):
    small = registered()
    large = registered(given_names="x" * 100, family_name="é" * 100)
    last = registered()
    sizes = [len(mail.message) for mail in mails()]
    assert sizes[1] > max(sizes[0], sizes[2])
    with MailServer(port) as server:
        server.mailbox.to_sender, server.mailbox.of_size = "552 5.3.4 Message too big", sizes[1]
        thread = work()
        wait_for(lambda: states() == ["accepted", "failed", "accepted"])
        thread.stop()

    assert received(server) == [small.email, last.email]
    assert large.email not in received(server)
    assert [mail.error for mail in mails()] == ["", "552 5.3.4 Message too big", ""]


def test_dead_connection_is_found_before_a_mail_is_at_stake(registered, app, make_settings, port):
    registered(), registered()
    with MailServer(port) as server:
        thread = Worker(make_settings(mail_url=f"smtp://{HOST}:{port}"), app.extensions["desk"])
        with connection():
            thread.transport.open()
            thread.send_next()
            server.hang_up()
            thread.transport.open()
            thread.send_next()
        thread.transport.close()

    assert len(server.connections) == 2
    assert [(mail.state, mail.attempts) for mail in mails()] == [("accepted", 1), ("accepted", 1)]


def test_server_that_is_gone_between_two_mails_keeps_the_second_untouched(
    registered, app, make_settings, port
):
    registered(), registered()
    thread = Worker(make_settings(mail_url=f"smtp://{HOST}:{port}"), app.extensions["desk"])
    with MailServer(port), connection():
        thread.transport.open()
        thread.send_next()

    thread.attempt(thread.send_all)

    assert [(mail.state, mail.attempts) for mail in mails()] == [("accepted", 1), ("queued", 0)]
    assert mails()[1].error.startswith("ConnectionRefusedError")
    assert thread.pause == worker.POLL


# Not too many


def test_share_of_an_hour_is_kept_and_the_rest_goes_out_an_hour_later(registered, work, port, quick, noon):
    people = [registered().email for _ in range(5)]
    with MailServer(port) as server:
        thread = work(mails_per_hour=2)
        counts = []
        for _ in range(3):
            wait_for(lambda: is_idle(thread))
            counts.append(len(server.mailbox.received))
            noon.shift(HOUR)
        wait_for(lambda: is_idle(thread))
        thread.stop()

    assert counts == [2, 4, 5]
    assert received(server) == people


def test_share_of_an_hour_is_for_all_workers_together(registered, work, port, quick):
    for _ in range(25):
        registered()
    with MailServer(port) as server:
        server.mailbox.seconds = 0.05
        threads = [work(mails_per_hour=10), work(mails_per_hour=10)]
        wait_for(
            lambda: outbox.HOURLY_LIMIT in {mail.error for mail in mails()} and "sending" not in states()
        )
        for thread in threads:
            thread.stop()

    assert len(server.mailbox.received) in (10, 11)  # the other worker may have had a mail in hand


def is_idle(thread: Worker) -> bool:
    """Whether the worker can do no more for the moment."""
    with connection():
        may_send = outbox.sent_within_an_hour() < thread.most_an_hour
        return not (may_send and outbox.is_any_due()) and "sending" not in states()


def test_eleventh_mail_to_one_address_within_a_day_waits_and_says_why(links, work, port, quick, noon):
    email = links(11)
    with MailServer(port) as server:
        thread = work()
        wait_for(lambda: states() == ["accepted"] * 10 + ["queued"] and not is_any_due())
        last = mails()[-1]
        noon.shift(timedelta(days=1))
        wait_for(lambda: states() == ["accepted"] * 11)
        thread.stop()

    assert (last.error, last.attempts, last.due_at) == ("daily limit", 0, NOON + timedelta(days=1))
    assert received(server) == [email] * 11
    assert (mails()[-1].error, mails()[-1].attempts) == ("", 1)


def is_any_due() -> bool:
    with connection():
        return outbox.is_any_due()


def test_address_that_has_had_enough_keeps_nobody_else_waiting(links, registered, work, port):
    links(11)
    other = registered()
    with MailServer(port) as server:
        thread = work()
        wait_for(lambda: states() == ["accepted"] * 10 + ["queued", "accepted"])
        thread.stop()

    assert received(server)[-1] == other.email


# Several workers, and the end of one


def test_stop_between_two_steps_of_the_loop_is_not_slept_through(app, make_settings, monkeypatch):
    monkeypatch.setattr(worker, "POLL", 30)
    thread = Worker(make_settings(), app.extensions["desk"])
    clear = outbox.wake.clear

    def stop_and_clear() -> None:
        thread.stopping.set()
        outbox.wake.set()
        clear()

    monkeypatch.setattr(outbox.wake, "clear", stop_and_clear)
    began = time.monotonic()
    thread.start()
    thread.join(5)

    assert not thread.is_alive()
    assert time.monotonic() - began < 5


def test_stop_while_the_server_is_down_ends_the_pause(registered, work, monkeypatch):
    monkeypatch.setattr(worker, "POLL", 30)
    registered()
    thread = work()
    wait_for(lambda: mails()[0].error != "")
    began = time.monotonic()

    thread.stop()

    assert not thread.is_alive()
    assert time.monotonic() - began < 5


def test_claim_that_another_worker_won_is_nobodys_loss(registered, app, make_settings, port):
    registered()
    thread = Worker(make_settings(mail_url=f"smtp://{HOST}:{port}"), app.extensions["desk"])
    with connection():
        assert outbox.is_any_due()
        outbox.claim("another worker")

        thread.send_next()

    (mail,) = mails()
    assert (mail.state, mail.owner, mail.attempts) == ("sending", "another worker", 1)


def test_two_workers_send_each_mail_once(registered, work, port):
    people = [registered().email for _ in range(8)]
    with MailServer(port) as server:
        server.mailbox.seconds = 0.05
        threads = [work(), work()]
        wait_for(lambda: set(states()) == {"accepted"})
        for thread in threads:
            thread.stop()

    assert sorted(received(server)) == sorted(people)
    assert len(server.connections) == 2
