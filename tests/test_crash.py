"""What "received" promises: whatever kills the server afterwards, the registration is there and its mail arrives."""

import os
import signal
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from browser.server import Server, wait_for
from bs4 import BeautifulSoup
from factories import typed

from config import ROOT

FORM = "/en/registration"


class Victim(Server):
    """A server that can be killed like a machine that loses power to its processes: nobody gets to finish anything."""

    configuration = ROOT / "tests" / "support" / "short_lease.py"

    def start(self) -> None:
        super().start()
        wait_for(self.is_up)

    def is_up(self) -> bool:
        try:
            return super().is_up()
        except ConnectionError:  # the last breath of the one that was killed
            return False

    def kill(self) -> None:
        master = self.process.pid
        workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        for process in (master, *map(int, workers)):
            os.kill(process, signal.SIGKILL)
        self.process.wait(10)

    def ask(self, method: str, path: str, fields: list[tuple[str, str]] | None = None) -> tuple[int, str]:
        """The status of an answer and its text."""
        connection = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, urlencode(fields or []), headers)
        answer: HTTPResponse = connection.getresponse()
        try:
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def register(self, email: str) -> int:
        """Go the whole way: form, check page, send. The status of the last answer."""
        _, form = self.ask("GET", FORM)
        _, check = self.ask(
            "POST", FORM, [*typed(email=email).items(multi=True), ("key", hidden(form)["key"])]
        )
        status, _ = self.ask("POST", FORM, [*hidden(check).items(), ("step", "send")])
        return status


def hidden(page: str) -> dict[str, str]:
    """The fields that travel with a form. Nobody here answers a question twice."""
    inputs = BeautifulSoup(page, "html5lib").select("#registration-form input[type=hidden]")
    return {str(field["name"]): str(field["value"]) for field in inputs}


@pytest.fixture
def server(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Victim]:
    server = Victim(tmp_path, free_port())
    yield server
    if server.process.poll() is None:
        server.kill()


def test_registration_outlives_a_server_that_is_killed_right_after_its_answer(server):
    people = ["ada@example.org", "bo@example.org"]

    for email in people:
        server.start()
        assert server.register(email) == 303
        server.kill()
    server.start()

    for email in people:
        (row,) = server.registrations(email)
        mails = server.mails(email)
        assert row["state"] == "received"
        assert row["reference"] in mails[0]["Subject"]
        assert len({mail["Message-ID"] for mail in mails}) == 1


def test_mail_that_was_not_sent_before_the_crash_is_sent_after_it(server, tmp_path):
    in_the_way = tmp_path / "mail"
    in_the_way.write_text("where the folder of the mails should be")
    server.start()
    assert server.register("ada@example.org") == 303
    server.kill()
    (mail,) = server.rows("SELECT state FROM mail")
    assert mail["state"] in ("queued", "sending", "retrying")

    in_the_way.unlink()
    server.start()

    (mail,) = server.mails("ada@example.org")
    assert mail["To"] == "ada@example.org"


def test_server_that_is_told_to_end_finishes_what_it_has_begun(server):
    server.start()
    assert server.register("ada@example.org") == 303

    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(10) == 0
    assert len(server.registrations("ada@example.org")) == 1
    assert [row["state"] for row in server.rows("SELECT state FROM mail")] in (["accepted"], ["queued"])
