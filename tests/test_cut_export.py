"""An export that fails after it has begun: it is seen not to be whole, and no word of whoever asked is logged."""

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, IncompleteRead
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urlsplit

import pytest
from browser.server import ORGANISER, PASSWORD
from support.victim import Victim
from support.visitor import hidden

SESSION = "/organiser/session"
FILE = "/organiser/registrations.json?lang=en&q=example.org"


@pytest.fixture
def desk(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Victim]:
    """The service after the deadline, with more registrations than are read at once."""
    server = Victim(tmp_path, free_port(), CONVOKE_REHEARSAL_DATE="2017-05-10")
    server.run("flask", "--app", "app", "organiser", "demo")
    server.run("flask", "--app", "app", "demo", "seed", "300")
    server.start_and_wait()
    yield server
    server.kill()


@pytest.fixture
def asking(desk: Victim) -> Iterator[Callable[[str], HTTPConnection]]:
    """Ask for a page as an organiser who has signed in; the connection on which the answer comes."""
    connection = HTTPConnection(urlsplit(desk.url).netloc, timeout=20)
    cookies = SimpleCookie[str]()

    def ask(path: str, method: str = "GET", fields: dict[str, str] | None = None):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        headers["Cookie"] = "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items())
        connection.request(method, path, urlencode(fields or {}), headers)
        answer = connection.getresponse()
        for line in answer.headers.get_all("Set-Cookie", []):
            cookies.load(line)
        return answer

    form = hidden(ask(SESSION).read().decode())
    ask(SESSION, "POST", form | {"email": ORGANISER, "password": PASSWORD}).read()
    yield ask
    connection.close()


def lose_key(desk: Victim, order: str) -> None:
    """Make the answers of the first or the last of the list those of a key that is not there."""
    one = (
        f"SELECT id FROM registration WHERE state != 'erased' ORDER BY created_at {order}, id {order} LIMIT 1"
    )
    desk.change(f"UPDATE registration SET mobile = 'of a lost key' WHERE id = ({one})")


def errors(desk: Victim) -> list[dict]:
    """The faults in the log, whose every line is ours and without a word of what was asked for."""
    text = desk.log.read_text()
    assert "example.org" not in text
    assert "registrations.json?" not in text
    return [line for line in map(json.loads, text.splitlines()) if line["level"] == "error"]


def test_export_that_fails_at_once_is_answered_with_a_page(desk, asking):
    lose_key(desk, "DESC")

    answer = asking(FILE)

    assert answer.status == 500
    assert "its field keys" in answer.read().decode()
    assert [line["error"] for line in errors(desk)] == ["InvalidToken"]


def test_export_that_fails_later_ends_so_that_it_is_seen_to_be_cut(desk, asking):
    lose_key(desk, "ASC")

    answer = asking(FILE)

    with pytest.raises(IncompleteRead) as cut:
        answer.read()
    assert answer.status == 200
    assert cut.value.partial.count(b'"reference"') == 200
    (line,) = errors(desk)
    assert (line["event"], line["error"]) == ("request.failed", "InvalidToken")
    assert desk.is_up()
