"""GET and POST /organiser/enrolment/<token>: a password, an app, and ten recovery codes."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from conftest import PASSWORD
from flask import Flask
from support.access import SECRET, shown
from support.journey import ON_SQLITE, everything, sign_in, stored
from support.page import Page, PageClient

import security
from db import connection
from domain import clock, organisers
from models import AuditEntry, Authenticator, Organiser, SignIn

LIST = "/organiser/registrations"
TAKEN = "This link worked once and for one day. If you have not enrolled yet, please ask for a new one."
NOT_WHOLE = "This link is not whole, or a newer one has taken its place. Please ask for a new one."


@pytest.fixture
def link(app: Flask) -> str:
    """The path of cem's link."""
    with connection():
        return f"/organiser/enrolment/{organisers.invite('cem@example.org', roles=['visa'])}"


def secret_of(page: Page) -> str:
    return "".join(page.texts(".key span"))


def enrol(client: PageClient, link: str, *, status: int = 200, **given: str) -> Page:
    """Open the page, do what it says, and send it."""
    page = client.get(f"{link}?lang=en")
    return client.post(link, filled_in(page) | given, status=status)


def filled_in(page: Page) -> dict[str, str]:
    fields = {str(field["name"]): str(field["value"]) for field in page.select("main input[type=hidden]")}
    return fields | {"password": PASSWORD, "again": PASSWORD, "code": shown(secret_of(page))}


def test_page_offers_a_secret_as_picture_as_text_and_as_link(client, link):
    page = client.get(link)

    address = page.one("a[href^='otpauth:']")["href"]
    given = parse_qs(urlsplit(address).query)
    assert given["secret"] == [secret_of(page)]
    assert given["issuer"] == ["Convoke 127.0.0.1"]
    assert urlsplit(address).path == "/Convoke%20127.0.0.1:cem%40example.org"
    assert page.one("img.qr")["src"].startswith("data:image/svg+xml")
    assert page.one("img.qr")["alt"]


def test_looking_at_the_page_changes_nothing_and_tells_no_secret_twice(client, link):
    before = everything()

    secrets = {secret_of(client.get(link)) for _ in range(3)}

    assert len(secrets) == 3
    assert everything() == before


def test_organiser_enrols_is_signed_in_and_gets_ten_recovery_codes(client, link):
    page = enrol(client, link)

    codes = page.texts(".codes code")
    assert page.texts("h1") == ["Your recovery codes"]
    assert len(set(codes)) == 10
    assert client.get(LIST).texts(".account__name") == ["cem@example.org"]
    assert [entry.action for entry in stored(AuditEntry)] == [
        "organiser.added",
        "organiser.enrolled",
        "organiser.signed_in",
    ]
    assert [row.language for row in stored(Organiser)] == ["en"]


@ON_SQLITE
def test_buttons_of_the_page_with_the_recovery_codes_work(client, link):
    page = enrol(client, link)

    client.post("/organiser/session/end", {"csrf_token": page.value("csrf_token")}, status=303)


def test_second_click_shows_the_same_codes(app, link):
    client = PageClient(app)
    page = client.get(f"{link}?lang=en")
    cookie = client.client.get_cookie("session").value
    fields = filled_in(page)

    answers = []
    for _ in range(2):
        client.client.set_cookie("session", cookie)
        answers.append(client.post(link, fields).texts(".codes code"))

    assert answers[0] == answers[1]
    sign_in(PageClient(app), "cem@example.org", PASSWORD, code=answers[1][0])


@ON_SQLITE
@pytest.mark.parametrize(
    ("given", "field", "error"),
    [
        ({"password": ""}, "password", "Choose a password"),
        ({"password": "short", "again": "short"}, "password", "Choose a password of 12 characters or more"),
        (
            {"password": "cem@example.org", "again": "cem@example.org"},
            "password",
            "Choose a password that is harder to guess: not the address, not a well-known word",
        ),
        ({"again": "something else"}, "again", "Type the same password twice"),
        ({"code": ""}, "code", "Enter the six digits that your app shows"),
        (
            {"code": "000000"},
            "code",
            "Enter the code that your app shows now. If it is refused, check the clock of your device",
        ),
    ],
)
def test_page_says_what_is_wrong_and_keeps_the_secret(client, link, given, field, error):
    first = client.get(f"{link}?lang=en")
    fields = filled_in(first)

    page = client.post(link, fields | given, status=422)

    assert page.texts(f"#{field}-error") == [error]
    assert secret_of(page) == secret_of(first)
    assert page.value("password") == page.value("again") == ""
    assert stored(Authenticator) == stored(SignIn) == []
    fields["secret"] = page.value("secret")
    client.post(link, fields | {"csrf_token": page.value("csrf_token"), "code": shown(secret_of(page))})


@ON_SQLITE
def test_secret_is_never_the_browsers_choice(app, client, link):
    other = link.rpartition("/")[2] + "x"
    with app.app_context():
        forged = security.seal_secret(SECRET, other)

    for secret in ("", SECRET, forged):
        page = enrol(client, link, secret=secret, code=shown(SECRET), status=422)
        assert secret_of(page) != SECRET

    assert stored(Authenticator) == []


@ON_SQLITE
def test_form_without_its_token_is_refused_in_words(client, link):
    page = enrol(client, link, csrf_token="forged", status=422)

    assert page.texts("#summary p") == ["This page had been open for too long. Please send it once more."]
    assert stored(Authenticator) == []


@ON_SQLITE
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_used_link_says_so(client, link, method):
    enrol(client, link)

    page = client.open(link, method=method, status=410)

    assert page.texts(".prose__lede") == [TAKEN]


@ON_SQLITE
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_link_says_so_when_its_day_is_over(client, link, monkeypatch, method):
    client.get(f"{link}?lang=en")
    tomorrow = clock.real_now() + timedelta(days=1)
    monkeypatch.setattr(clock, "real_now", lambda: tomorrow)

    page = client.open(link, method=method, status=410)

    assert page.texts(".prose__lede") == [TAKEN]


@ON_SQLITE
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("change", [lambda link: link[:-1], lambda link: link + "x", str.upper])
def test_link_that_is_not_whole_says_so(client, link, method, change):
    path = "/organiser/enrolment/" + change(link.rpartition("/")[2])
    client.get("/organiser/session?lang=en")

    page = client.open(path, method=method, status=404)

    assert page.texts(".prose__lede") == [NOT_WHOLE]
    assert "cem" not in page.text


@ON_SQLITE
def test_link_of_somebody_who_was_removed_opens_nothing(client, link):
    with connection():
        organisers.remove("cem@example.org")

    client.get(link, status=404)


@ON_SQLITE
def test_enrolling_ends_whatever_session_there_was(app, client, link, organiser_named_bo):
    sign_in(client, "bo@example.org", PASSWORD)

    enrol(client, link)

    assert client.get(LIST).texts(".account__name") == ["cem@example.org"]


@pytest.fixture
def organiser_named_bo(app: Flask) -> Organiser:
    with connection():
        return organisers.add("bo@example.org", PASSWORD)
