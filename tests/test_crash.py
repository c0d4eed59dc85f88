"""What "received" promises: whatever kills the server afterwards, the registration is there and its mail arrives."""

import signal
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser.server import wait_for
from support import visitor
from support.smtp import HOST, MailServer
from support.victim import Victim


def register(server: Victim, email: str) -> int:
    return visitor.register(partial(visitor.ask, server.url), email=email).status


def hanging_request(server: Victim) -> socket.socket:
    """A request whose body does not come."""
    request = socket.create_connection(("127.0.0.1", urlsplit(server.url).port))
    request.sendall(b"POST /en/registration HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n")
    return request


@pytest.fixture
def server(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Victim]:
    server = Victim(tmp_path, free_port())
    yield server
    if server.process.poll() is None:
        server.kill()


def test_registration_outlives_a_server_that_is_killed_right_after_its_answer(server):
    people = ["ada@example.org", "bo@example.org"]

    for email in people:
        server.start_and_wait()
        assert register(server, email) == 303
        server.kill()
    server.start_and_wait()

    for email in people:
        (row,) = server.registrations(email)
        mails = server.mails(email)
        assert row["state"] == "received"
        assert row["reference"] in mails[0]["Subject"]
        assert len({mail["Message-ID"] for mail in mails}) == 1


def test_mail_that_was_not_sent_before_the_crash_is_sent_after_it(server, tmp_path):
    in_the_way = tmp_path / "mail"
    in_the_way.write_text("where the folder of the mails should be")
    server.start_and_wait()
    assert register(server, "ada@example.org") == 303
    server.kill()
    (mail,) = server.rows("SELECT state FROM mail")
    assert mail["state"] in ("queued", "sending", "retrying")

    in_the_way.unlink()
    server.start_and_wait()

    (mail,) = server.mails("ada@example.org")
    assert mail["To"] == "ada@example.org"


def test_server_that_is_told_to_end_finishes_what_it_has_begun(server):
    server.start_and_wait()
    assert register(server, "ada@example.org") == 303

    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(10) == 0
    assert len(server.registrations("ada@example.org")) == 1
    assert [row["state"] for row in server.rows("SELECT state FROM mail")] in (["accepted"], ["queued"])


def test_server_that_is_told_to_end_begins_no_further_mail_while_a_request_hangs(server, free_port):
    port = free_port()
    server.environment["CONVOKE_MAIL_URL"] = f"smtp://{HOST}:{port}"
    server.start_and_wait()
    with MailServer(port) as mail_server, hanging_request(server) as request:
        mail_server.mailbox.seconds = 0.5
        for number in range(8):
            assert register(server, f"bo{number}@example.org") == 303

        server.process.terminate()
        wait_for(lambda: not mail_server.still_connected)
        request.close()

        assert server.process.wait(10) == 0
    states = Counter(row["state"] for row in server.rows("SELECT state FROM mail"))
    assert set(states) == {"accepted", "queued"}
    assert states["accepted"] == len(mail_server.mailbox.received)
