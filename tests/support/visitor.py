"""Registering over HTTP as a browser without JavaScript does it."""

from collections.abc import Callable
from http.client import HTTPConnection
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

from bs4 import BeautifulSoup, SoupStrainer
from factories import typed

FORM = "/en/registration"
Fields = list[tuple[str, str]]


class Answer(NamedTuple):
    status: int
    text: str
    location: str | None


def ask(
    url: str, method: str, path: str, fields: Fields | None = None, *, network: str = "192.0.2.1"
) -> Answer:
    """One request; `network` is what the proxy in front says of where it comes from."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=10)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Forwarded-For": network}
    try:
        connection.request(method, path, urlencode(fields or []), headers)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read().decode(), answer.headers["Location"])
    finally:
        connection.close()


def register(ask: Callable[..., Answer], **given: str) -> Answer:
    """Go the whole way: form, check page, send. The last answer."""
    form = ask("GET", FORM)
    check = ask("POST", FORM, [*typed(**given).items(multi=True), ("key", hidden(form.text)["key"])])
    return ask("POST", FORM, [*hidden(check.text).items(), ("step", "send")])


def hidden(page: str) -> dict[str, str]:
    """The fields that travel with a form. Nobody here answers a question twice."""
    inputs = BeautifulSoup(page, "html.parser", parse_only=SoupStrainer("input", type="hidden"))
    return {str(field["name"]): str(field["value"]) for field in inputs}
