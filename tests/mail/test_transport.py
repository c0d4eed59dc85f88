"""Handing mails to a real server: what arrives, what is refused for good or tried again, and that TLS is verified."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from support.smtp import HOST, PASSWORD, USER, Authority, MailServer

from db import connection
from domain import transport, worker
from domain.transport import Deferred, FolderTransport, Refused, SmtpTransport, open_transport
from domain.worker import Worker
from models import Mail

MESSAGE = b"Subject: Good news\r\n\r\n.A line that begins with a full stop\r\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def port(free_port: Callable[[], int]) -> int:
    return free_port()


def send(outgoing: transport.Transport, recipient: str = "ada@example.org") -> None:
    outgoing.open()
    outgoing.send(MESSAGE, sender="secretariat@example.org", recipient=recipient, name="confirmation-1")


def send_once(url: str, recipient: str = "ada@example.org") -> None:
    outgoing = open_transport(url)
    try:
        send(outgoing, recipient)
    finally:
        outgoing.close()


def signed_in_as(user: str, password: str) -> str:
    return f"{quote(user, safe='')}:{quote(password, safe='')}@"


# What arrives


def test_message_arrives_over_smtp(port):
    with MailServer(port) as server:
        send_once(f"smtp://{HOST}:{port}")

    (mail,) = server.mailbox.received
    assert (mail.sender, mail.recipients) == ("secretariat@example.org", ["ada@example.org"])
    assert mail.content == MESSAGE
    assert not mail.is_encrypted


def test_message_arrives_over_starttls(port, authority):
    with MailServer.with_starttls(port, authority.context()) as server:
        send_once(f"smtp+starttls://{HOST}:{port}?ca={authority.path}")

    (mail,) = server.mailbox.received
    assert mail.content == MESSAGE
    assert mail.is_encrypted


def test_message_arrives_over_tls(port, authority):
    with MailServer.with_tls(port, authority.context()) as server:
        send_once(f"smtps://{HOST}:{port}?ca={authority.path}")

    (mail,) = server.mailbox.received
    assert mail.content == MESSAGE
    assert mail.is_encrypted


def test_message_arrives_after_signing_in(port, authority):
    with MailServer.with_sign_in(port, authority.context()) as server:
        send_once(f"smtp+starttls://{signed_in_as(USER, PASSWORD)}{HOST}:{port}?ca={authority.path}")

    (mail,) = server.mailbox.received
    assert mail.is_signed_in
    assert mail.is_encrypted


def test_several_messages_go_over_one_connection(port):
    with MailServer(port) as server:
        outgoing = SmtpTransport(f"smtp://{HOST}:{port}")
        for recipient in ("ada@example.org", "bo@example.org", "cem@example.org"):
            send(outgoing, recipient)
        outgoing.close()

    assert [mail.recipients for mail in server.mailbox.received] == [
        ["ada@example.org"],
        ["bo@example.org"],
        ["cem@example.org"],
    ]
    assert len(server.connections) == 1


def test_server_that_hung_up_between_two_messages_is_called_again(port):
    with MailServer(port) as server:
        outgoing = SmtpTransport(f"smtp://{HOST}:{port}")
        send(outgoing)
        server.hang_up()
        send(outgoing)
        outgoing.close()

    assert len(server.mailbox.received) == 2
    assert len(server.connections) == 2


def test_server_that_was_started_again_is_called_again(port):
    outgoing = SmtpTransport(f"smtp://{HOST}:{port}")
    with MailServer(port) as before:
        send(outgoing)
    with pytest.raises(Deferred):
        send(outgoing)

    with MailServer(port) as after:
        send(outgoing)
        outgoing.close()

    assert (len(before.mailbox.received), len(after.mailbox.received)) == (1, 1)


# What does not


def test_certificate_of_an_unknown_authority_is_not_trusted(port, authority):
    with (
        MailServer.with_tls(port, authority.context()) as server,
        pytest.raises(Deferred, match="CERTIFICATE"),
    ):
        send_once(f"smtps://{HOST}:{port}")

    assert server.mailbox.received == []


def test_certificate_of_an_unknown_authority_is_not_trusted_for_starttls(port, authority):
    with (
        MailServer.with_sign_in(port, authority.context()) as server,
        pytest.raises(Deferred, match="CERTIFICATE"),
    ):
        send_once(f"smtp+starttls://{signed_in_as(USER, PASSWORD)}{HOST}:{port}")

    assert server.mailbox.received == []


def test_certificate_of_another_host_is_not_trusted(port, authority):
    with (
        MailServer.with_tls(port, authority.context("mail.example.org")) as server,
        pytest.raises(Deferred, match="CERTIFICATE"),
    ):
        send_once(f"smtps://{HOST}:{port}?ca={authority.path}")

    assert server.mailbox.received == []


def test_server_without_starttls_gets_nothing_in_clear(port):
    with MailServer(port) as server, pytest.raises(Deferred, match="STARTTLS"):
        send_once(f"smtp+starttls://{signed_in_as(USER, PASSWORD)}{HOST}:{port}")

    assert server.mailbox.received == []


def test_wrong_password_is_the_servers_trouble_not_the_messages(port, authority):
    with (
        MailServer.with_sign_in(port, authority.context()) as server,
        pytest.raises(Deferred, match="535") as error,
    ):
        send_once(f"smtp+starttls://{signed_in_as(USER, 'wrong password')}{HOST}:{port}?ca={authority.path}")

    assert server.mailbox.received == []
    assert "wrong password" not in str(error.value)


def test_server_that_wants_a_sign_in_is_no_refusal_of_the_message(port, authority):
    with MailServer.with_sign_in(port, authority.context()) as server, pytest.raises(Deferred, match="530"):
        send_once(f"smtp+starttls://{HOST}:{port}?ca={authority.path}")

    assert server.mailbox.received == []


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("550 5.1.1 No such user", Refused),
        ("552 5.2.2 Mailbox full", Refused),
        ("450 4.2.0 Greylisted", Deferred),
        ("451 4.3.0 Try again", Deferred),
        ("421 4.3.2 Shutting down", Deferred),
    ],
)
def test_answer_of_the_server_decides(port, answer, verdict):
    with MailServer(port) as server:
        server.mailbox.answers["eve@example.org"] = answer
        with pytest.raises(verdict, match=answer[:3]):
            send_once(f"smtp://{HOST}:{port}", "eve@example.org")

    assert server.mailbox.received == []


def test_refusal_of_one_recipient_does_not_harm_the_next(port):
    with MailServer(port) as server:
        server.mailbox.answers["eve@example.org"] = "550 5.1.1 No such user"
        outgoing = SmtpTransport(f"smtp://{HOST}:{port}")
        with pytest.raises(Refused):
            send(outgoing, "eve@example.org")
        send(outgoing, "ada@example.org")
        outgoing.close()

    assert [mail.recipients for mail in server.mailbox.received] == [["ada@example.org"]]


def test_connection_that_is_cut_is_tried_again_later(port):
    with MailServer(port) as server:
        server.mailbox.answers["bo@example.org"] = None
        outgoing = SmtpTransport(f"smtp://{HOST}:{port}")
        with pytest.raises(Deferred):
            send(outgoing, "bo@example.org")
        send(outgoing, "ada@example.org")
        outgoing.close()

    assert [mail.recipients for mail in server.mailbox.received] == [["ada@example.org"]]


def test_server_that_is_not_there_is_tried_again_later(port):
    with pytest.raises(Deferred, match="refused"):
        send_once(f"smtp://{HOST}:{port}")


# In a rehearsal


def test_folder_keeps_each_message_as_a_file(tmp_path):
    outgoing = FolderTransport(tmp_path / "new" / "mail")

    outgoing.open()
    for name in ("confirmation-1", "repeat-2"):
        outgoing.send(MESSAGE, sender="secretariat@example.org", recipient="ada@example.org", name=name)

    files = sorted((tmp_path / "new" / "mail").iterdir(), key=lambda path: path.name[-6:])
    assert [file.name.partition("-")[2] for file in files] == ["confirmation-1.eml", "repeat-2.eml"]
    assert [file.read_bytes() for file in files] == [MESSAGE, MESSAGE]


def test_folder_that_cannot_be_written_to_is_tried_again_later(tmp_path):
    (tmp_path / "mail").write_text("a file, not a folder")

    with pytest.raises(Deferred):
        send(FolderTransport(tmp_path / "mail"))


def test_address_of_a_folder_may_hold_any_letter(tmp_path):
    folder = tmp_path / "Boîte d’envoi #1"

    send_once(f"file://{quote(str(folder))}")

    assert len(list(folder.iterdir())) == 1


# The worker


def wait_for(condition: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)


def states() -> list[str]:
    with connection():
        return [mail.state for mail in Mail.select().order_by(Mail.id)]


@pytest.fixture
def work(app, make_settings, port) -> Callable[[], Worker]:
    """Start a worker."""

    def start(**given: Any) -> Worker:
        worker = Worker(make_settings(mail_url=f"smtp://{HOST}:{port}", **given), app.extensions["desk"])
        worker.start()
        return worker

    return start


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
        time.sleep(0.2)  # by now it waits
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


def test_worker_that_waits_stops_at_once(registered, work, port, monkeypatch):
    monkeypatch.setattr(worker, "POLL", 5)
    registered()
    with MailServer(port):
        thread = work()
        wait_for(lambda: states() == ["accepted"])
        time.sleep(0.2)  # by now it waits
        began = time.monotonic()
        thread.stop()

    assert not thread.is_alive()
    assert time.monotonic() - began < 1
