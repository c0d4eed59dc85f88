"""The flask commands of the outbox: what they say, with real mail servers, and the worker as a process of its own."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from urllib.parse import quote

import pytest
from browser.server import Server, wait_for
from click.testing import Result
from flask import Flask
from support.journey import ON_SQLITE, own_page, stored
from support.smtp import HOST, PASSWORD, USER, Authority, MailServer, server_that_says

from config import ROOT
from db import connection
from domain import clock, outbox, transport
from models import MAIL_STATES, AuditEntry, Mail

ERROR = "550 5.1.1 No such user here"
SENDER, ANSWERS = "secretariat@example.org", "answers@example.org"


def give(mail: Mail, **columns) -> None:
    with connection():
        Mail.update(**columns).where(Mail.id == mail.id).execute()


@pytest.fixture
def one_of_each(registered) -> dict[str, Mail]:
    """A mail in each state, all tried five times."""
    for _ in MAIL_STATES:
        registered()
    mails = dict(zip(MAIL_STATES, stored(Mail), strict=True))
    for state, mail in mails.items():
        error = "" if state == "queued" else ERROR
        give(mail, state=state, attempts=5, error=error, due_at=clock.now() + timedelta(hours=1))
    return mails


def states() -> list[str]:
    return [mail.state for mail in stored(Mail)]


# status


def test_status_counts_the_mails_in_each_state(run, one_of_each):
    assert run("outbox", "status").output.splitlines() == [
        "queued    1",
        "sending   1",
        "accepted  1",
        "retrying  1",
        "failed    1",
    ]


def test_status_says_since_when_and_why_the_oldest_waits(run, registered):
    registered()
    since = clock.now() - timedelta(hours=2)
    give(stored(Mail)[0], due_at=since)
    registered()
    assert run("outbox", "status").output.splitlines()[-1] == (
        f"The oldest has been due since {since:%Y-%m-%d %H:%M} UTC."
    )

    with connection():
        outbox.say_why("ConnectionRefusedError: [Errno 111] Connection refused")

    assert run("outbox", "status").output.splitlines()[-2:] == [
        f"The oldest has been due since {since:%Y-%m-%d %H:%M} UTC. "
        "No mail server answers on this port: is it running, and is it the right port?",
        "  ConnectionRefusedError: [Errno 111] Connection refused",
    ]


# retry


def test_retry_sends_again_what_failed_or_waits(run, one_of_each):
    assert run("outbox", "retry").output == "2 mails to be sent again.\n"

    after = {mail.id: (mail.state, mail.attempts, mail.error) for mail in stored(Mail)}
    assert {state: after[mail.id] for state, mail in one_of_each.items()} == {
        "queued": ("queued", 5, ""),
        "sending": ("sending", 5, ERROR),
        "accepted": ("accepted", 5, ERROR),
        "retrying": ("queued", 0, ""),
        "failed": ("queued", 0, ""),
    }
    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.organiser_id, entry.details) == ("mails.retried", None, {"mails": 2})


def test_retry_of_numbers_leaves_the_others(run, one_of_each):
    numbers = [one_of_each[state].id for state in ("failed", "accepted")]

    assert run("outbox", "retry", *numbers, 2**31 - 1).output == "1 mail to be sent again.\n"

    assert states() == ["queued", "sending", "accepted", "retrying", "queued"]


@pytest.mark.parametrize("number", ["0", str(2**31), str(10**20), "one"])
def test_retry_of_what_is_no_number_of_a_mail_is_wrong_usage(run, number):
    assert "Invalid value" in run("outbox", "retry", number, code=2).output


def test_retry_with_nothing_to_do_says_so(run):
    assert run("outbox", "retry").output == "0 mails to be sent again.\n"


def test_retry_of_what_is_no_number_is_wrong_usage(run, one_of_each):
    run("outbox", "retry", "all", code=2)

    assert states() == list(MAIL_STATES)


def test_retry_leaves_what_has_been_erased(app, client, run, registered):
    row = registered()
    give(stored(Mail)[0], state="failed")
    client.post(f"{own_page(app, row)}/erasure", {"sure": "y"}, status=303)

    assert run("outbox", "retry").output == "0 mails to be sent again.\n"


# work


@pytest.fixture
def work(app: Flask, tmp_path, port) -> Iterator[Callable[[], subprocess.Popen]]:
    """Start `flask outbox work` as a process of its own, on the database of the test."""
    url = app.extensions["settings"].database_url
    environment = Server(
        tmp_path, port, CONVOKE_DATABASE_URL=url, CONVOKE_MAIL_URL=f"smtp://{HOST}:{port}"
    ).environment
    command = [sys.executable, "-m", "flask", "--app", "app", "outbox", "work"]
    started = []

    def start() -> subprocess.Popen:
        log = (tmp_path / f"{len(started)}.log").open("w+")
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        started.append((process, log))
        return process

    yield start
    for process, log in started:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        log.seek(0)
        words = log.read()
        log.close()
        assert '"level": "error"' not in words
        assert "Traceback" not in words


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_worker_that_is_told_to_end_finishes_the_mail_in_hand(registered, work, port, stop):
    registered(), registered()
    with MailServer(port) as server:
        server.mailbox.seconds = 0.5
        process = work()
        wait_for(lambda: states() == ["sending", "queued"])

        process.send_signal(stop)

        assert process.wait(10) == 0
    assert states() == ["accepted", "queued"]
    assert len(server.mailbox.received) == 1


def test_two_workers_share_the_mails_and_send_none_twice(registered, work, port):
    with MailServer(port) as server:
        server.mailbox.seconds = 0.2
        processes = [work(), work()]
        people = []
        wait_for(lambda: people.append(registered().email) or len(server.connections) == 2)
        server.mailbox.seconds = 0
        wait_for(lambda: set(states()) == {"accepted"})
        for process in processes:
            process.send_signal(signal.SIGTERM)

        assert [process.wait(10) for process in processes] == [0, 0]
    assert sorted(mail.recipients[0] for mail in server.mailbox.received) == sorted(people)


# check


@pytest.fixture
def check(app: Flask, run, make_settings, monkeypatch) -> Callable[..., Result]:
    """Run `flask outbox check` with the address of a mail server."""

    def check(url: str, *, code: int = 0, **given: str) -> Result:
        monkeypatch.setitem(app.extensions, "settings", make_settings(mail_url=url, **given))
        result = run("outbox", "check", code=code)
        assert [word for word in (PASSWORD, quote(PASSWORD, safe="")) if word in result.output] == []
        return result

    return check


WANTS_ENCRYPTION = (
    "Our mail server wants an encrypted connection: MAIL_URL has to begin with smtp+starttls://."
)
SIGNED_IN = f"{USER}:{quote(PASSWORD, safe='')}@"
SERVERS: dict[str, Callable[[int, Authority], AbstractContextManager]] = {
    "nobody": lambda port, authority: nullcontext(),
    "plain": lambda port, authority: MailServer(port),
    "starttls": lambda port, authority: MailServer.with_starttls(port, authority.context()),
    "sign-in": lambda port, authority: MailServer.with_sign_in(port, authority.context()),
    "tls": lambda port, authority: MailServer.with_tls(port, authority.context()),
    "another host": lambda port, authority: MailServer.with_tls(port, authority.context("mail.example.org")),
}


@ON_SQLITE
@pytest.mark.parametrize(
    ("kind", "url", "connected"),
    [
        ("plain", "smtp://{host}", "connected"),
        ("starttls", "smtp+starttls://{host}?ca={ca}", "connected"),
        ("tls", "smtps://{host}?ca={ca}", "connected"),
        ("sign-in", f"smtp+starttls://{SIGNED_IN}{{host}}?ca={{ca}}", "connected and signed in"),
    ],
)
def test_check_finds_no_fault_in_the_right_settings_and_sends_nothing(
    check, port, authority, kind, url, connected
):
    with SERVERS[kind](port, authority) as server:
        result = check(url.format(host=f"{HOST}:{port}", ca=authority.path), mail_reply_to=ANSWERS)

    assert result.output.splitlines()[:3] == [
        f"Mail server {HOST}, port {port} ({url.partition(':')[0]})",
        f"  {connected}",
        f"  takes mail from {SENDER} to {ANSWERS}",
    ]
    assert "dig TXT _dmarc.example.org" in result.output
    assert server.mailbox.received == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("kind", "url", "reason"),
    [
        (
            "nobody",
            "smtp://{host}",
            "No mail server answers on this port: is it running, and is it the right port?",
        ),
        ("nobody", "smtp://nowhere.invalid", "There is no mail server of this name."),
        (
            "plain",
            "smtps://{host}?ca={ca}",
            "Our mail server does not speak TLS from the start on this port: is it the right one?",
        ),
        (
            "plain",
            "smtp+starttls://{host}?ca={ca}",
            "Our mail server offers no encryption (STARTTLS) on this port: is it the right one?",
        ),
        (
            "tls",
            "smtps://{host}",
            "The certificate of our mail server is of an authority that we do not know.",
        ),
        (
            "sign-in",
            f"smtp+starttls://{SIGNED_IN}{{host}}",
            "The certificate of our mail server is of an authority that we do not know.",
        ),
        (
            "another host",
            "smtps://{host}?ca={ca}",
            "The certificate of our mail server is made out to another name.",
        ),
        (
            "sign-in",
            f"smtp+starttls://{USER}:{quote('not ' + PASSWORD, safe='')}@{{host}}?ca={{ca}}",
            "Our mail server does not accept our name and password.",
        ),
        ("sign-in", "smtp+starttls://{host}?ca={ca}", "Our mail server wants us to sign in."),
        ("starttls", "smtp://{host}", WANTS_ENCRYPTION),
    ],
    ids=[
        "nobody listens",
        "wrong name",
        "smtps on a plain port",
        "no STARTTLS",
        "unknown authority",
        "unknown authority, STARTTLS",
        "certificate of another host",
        "wrong password",
        "no sign-in",
        "no encryption",
    ],
)
def test_check_says_in_plain_words_what_is_wrong(check, port, authority, kind, url, reason):
    with SERVERS[kind](port, authority) as server:
        result = check(url.format(host=f"{HOST}:{port}", ca=authority.path), code=1)

    assert f"Error: it does not take our mail. {reason}\n" in result.output
    assert "takes mail from" not in result.output
    assert server is None or server.mailbox.received == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            "553 5.7.1 Sender address rejected: not owned by user",
            "The mail server does not accept our sender address.",
        ),
        ("550 5.1.8 Bad sender", "The mail server does not accept our sender address."),
        ("550 5.7.1 You may not send as this user", "The mail server does not accept our sender address."),
        ("451 4.3.0 Later", "The mail server asks us to try again later."),
    ],
)
def test_check_says_when_the_sender_is_refused(check, port, answer, reason):
    with MailServer(port) as server:
        server.mailbox.to_sender = answer
        result = check(f"smtp://{HOST}:{port}", code=1)

    assert result.output.splitlines()[-2:] == [
        f"Error: it does not take our mail. {reason}",
        f"  {answer}",
    ]
    assert server.mailbox.received == []


@ON_SQLITE
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("550 5.1.1 No such user", "The mail server says that there is no such mailbox."),
        (
            "554 5.7.1 Relay access denied",
            "The mail server passes nothing on for us: does it want us to sign in?",
        ),
    ],
)
def test_check_says_when_the_recipient_is_refused(check, port, answer, reason):
    with MailServer(port) as server:
        server.mailbox.answers[ANSWERS] = answer
        result = check(f"smtp://{HOST}:{port}", code=1, mail_reply_to=ANSWERS)

    assert f"{reason}\n  {answer}" in result.output
    assert server.mailbox.received == []


NO_MAIL_SERVER = "What answers on this port is no mail server: is it the right port?"
TRY_LATER = "The mail server asks us to try again later."
TURNED_AWAY = "Our mail server turned us away."


@ON_SQLITE
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (["SSH-2.0-OpenSSH_9.2"], NO_MAIL_SERVER),
        (["* OK IMAP4rev1 ready"], NO_MAIL_SERVER),
        (["421 4.7.0 Too many connections"], TRY_LATER),
        (["554 5.7.1 No service here"], TURNED_AWAY),
        (["220 Hello", "550 5.7.1 Access denied", "550 5.7.1 Access denied"], TURNED_AWAY),
        (["220 Hello", "250-Hello\r\n250 AUTH PLAIN", "454 4.7.0 Temporary failure"], TRY_LATER),
        (
            ["220 Hello", "250-Hello\r\n250 AUTH PLAIN", "530 5.7.0 Must issue a STARTTLS command first"],
            WANTS_ENCRYPTION,
        ),
        (
            ["220 Hello", "250-Hello\r\n250 AUTH PLAIN", "538 5.7.11 Encryption required"],
            WANTS_ENCRYPTION,
        ),
        (
            ["220 Hello", "250-Hello\r\n250 AUTH CRAM-MD5", "334 not base64!"],
            "The mail server could not be talked to.",
        ),
    ],
)
def test_check_says_when_a_server_lets_nobody_in(check, answers, reason):
    user = SIGNED_IN if "AUTH" in "".join(answers) else ""
    with server_that_says(*answers) as host:
        result = check(f"smtp://{user}{host}", code=1)

    assert f"Error: it does not take our mail. {reason}\n" in result.output


@ON_SQLITE
@pytest.mark.parametrize("scheme", ["smtp", "smtp+starttls", "smtps"])
def test_check_says_when_a_server_says_nothing(check, monkeypatch, scheme):
    monkeypatch.setattr(transport, "TIMEOUT", 0.2)
    with socket.create_server((HOST, 0)) as silent:
        result = check(f"{scheme}://{SIGNED_IN}{HOST}:{silent.getsockname()[1]}", code=1)

    assert (
        "Our mail server does not answer: is it the right port, and does a firewall let us through?"
        in result.output
    )


@ON_SQLITE
@pytest.mark.parametrize(
    "url", [f"smtp+starttls://{USER}:{quote('pässwort')}@{{host}}?ca={{ca}}", "smtp://mail..example.org"]
)
def test_check_says_when_a_letter_cannot_be_sent(check, port, authority, url):
    with MailServer.with_sign_in(port, authority.context()):
        result = check(url.format(host=f"{HOST}:{port}", ca=authority.path), code=1)

    assert result.output.splitlines()[1:] == [
        "Error: it does not take our mail. The mail server could not be talked to.",
        "  a letter in the server's name, the user or the password is not ASCII",
    ]


@ON_SQLITE
def test_check_of_a_folder_has_nothing_to_look_at(check, tmp_path):
    result = check(f"file://{tmp_path}")

    assert result.output == f"Mails are kept in a folder, file://{tmp_path}; none is sent.\n"


@ON_SQLITE
def test_check_leaves_no_connection_behind(check, port):
    with MailServer(port) as server:
        check(f"smtp://{HOST}:{port}")
        wait_for(lambda: not server.still_connected)

        assert len(server.connections) == 1
