"""Handing mails to a real server: what arrives, what is refused for good or tried again, and that TLS is verified."""

import time
from urllib.parse import quote

import pytest
from support.smtp import HOST, PASSWORD, USER, MailServer, server_that_says

from domain import outbox, transport
from domain.transport import Deferred, FolderTransport, Refused, SmtpTransport, Unreachable, open_transport

MESSAGE = b"Subject: Good news\r\n\r\n.A line that begins with a full stop\r\n"


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


@pytest.mark.parametrize("end", [b"", b"\r\n"], ids=["no line break at the end", "one"])
def test_message_arrives_with_every_line_that_is_or_begins_with_a_full_stop(port, end):
    message = b"Subject: a\r\n\r\n.\r\n..b\r\nc." + end

    with MailServer(port) as server:
        outgoing = SmtpTransport(f"smtp://{HOST}:{port}")
        for _ in range(2):
            outgoing.send(message, sender="a@example.org", recipient="b@example.org", name="x")
        outgoing.close()

    assert [mail.content for mail in server.mailbox.received] == [message.removesuffix(end) + b"\r\n"] * 2


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


def test_server_that_takes_its_time_with_the_message_gets_it_once(port, monkeypatch):
    monkeypatch.setattr(transport, "TIMEOUT", 0.3)
    with MailServer(port) as server:
        server.mailbox.seconds = 1
        send_once(f"smtp://{HOST}:{port}")

    assert len(server.mailbox.received) == 1


def test_server_that_does_not_answer_to_the_message_in_time_may_have_it(port, monkeypatch):
    monkeypatch.setattr(transport, "LAST_TIMEOUT", 0.3)
    with MailServer(port) as server:
        server.mailbox.seconds = 1
        with pytest.raises(Deferred) as error:
            send_once(f"smtp://{HOST}:{port}")

    assert not isinstance(error.value, Unreachable)


def test_server_that_spreads_its_answers_gets_no_message_beyond_the_lease(port, monkeypatch):
    monkeypatch.setattr(transport, "LONGEST", 0)
    with MailServer(port) as server, pytest.raises(Unreachable):
        send_once(f"smtp://{HOST}:{port}")

    assert server.mailbox.received == []


def test_server_that_dribbles_its_answer_is_cut_before_the_lease_ends(monkeypatch):
    monkeypatch.setattr(transport, "LONGEST_EXCHANGE", 0.5)
    waits = ["354-wait"] * 2000  # without an end: the server says them as long as it is listened to

    with server_that_says("220 Hello", "250 Hello", "250 OK", "250 OK", *waits) as host:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            send_once(f"smtp://{host}")

    assert time.monotonic() - began < 5


def test_server_that_is_silent_after_half_an_answer_is_cut_before_the_lease_ends(monkeypatch):
    monkeypatch.setattr(transport, "LONGEST_EXCHANGE", 0.5)
    answers = ("220 Hello", "250 Hello", "250 OK", "250 OK", "354 Go ahead", "250-Let me see", "250 OK")

    with server_that_says(*answers, pause=2) as host:
        began = time.monotonic()
        with pytest.raises(Deferred):
            send_once(f"smtp://{host}")

    assert time.monotonic() - began < 5


def test_exchange_ends_before_the_lease_with_time_to_write_the_outcome():
    assert transport.LONGEST + transport.LAST_TIMEOUT < transport.LONGEST_EXCHANGE
    assert outbox.LEASE.total_seconds() - transport.LONGEST_EXCHANGE >= 60


def test_421_to_a_recipient_counts_against_the_mail_and_ends_the_connection(port):
    with MailServer(port) as server:
        server.mailbox.answers["eve@example.org"] = "421 4.7.0 Too many to this mailbox"
        outgoing = SmtpTransport(f"smtp://{HOST}:{port}")
        with pytest.raises(Deferred, match="421") as error:
            send(outgoing, "eve@example.org")
        send(outgoing)
        outgoing.close()

    assert not isinstance(error.value, Unreachable)
    assert len(server.connections) == 2


@pytest.mark.parametrize("answer", ["530 5.7.1 Authentication required", None])
def test_trouble_before_the_message_is_the_servers(port, answer):
    with MailServer(port) as server:
        server.mailbox.answers["eve@example.org"] = answer
        with pytest.raises(Unreachable):
            send_once(f"smtp://{HOST}:{port}", "eve@example.org")

    assert server.mailbox.received == []


def test_server_that_hangs_up_instead_of_asking_for_the_message_is_the_trouble():
    with (
        server_that_says("220 Hello", "250 Hello", "250 OK", "250 OK") as host,
        pytest.raises(Unreachable, match="closed"),
    ):
        send_once(f"smtp://{host}")


def test_server_that_asks_for_no_message_gets_none_and_may_get_the_next():
    answers = ("220 Hello", "250 Hello", "250 OK", "250 OK", "451 4.3.0 Later", "250 OK", "250 OK")
    with server_that_says(*answers) as host:
        outgoing = SmtpTransport(f"smtp://{host}")
        with pytest.raises(Deferred, match="451") as error:
            send(outgoing)
        outgoing.open()  # NOOP, after RSET
        outgoing.close()

    assert not isinstance(error.value, Unreachable)


def test_challenge_that_cannot_be_read_is_the_servers_trouble():
    with (
        server_that_says("220 Hello", "250-Hello\r\n250 AUTH CRAM-MD5", "334 not base64!") as host,
        pytest.raises(Unreachable, match="base64"),
    ):
        send_once(f"smtp://{signed_in_as(USER, PASSWORD)}{host}")


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
