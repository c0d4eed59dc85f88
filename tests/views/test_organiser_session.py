"""GET and POST /organiser/session: the sign-in."""

from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from conftest import PASSWORD
from support.journey import ON_SQLITE, SESSION, sign_in, stored
from support.page import PageClient

from db import connection
from domain import clock, organisers
from models import AuditEntry, Organiser, SignIn

LIST = "/organiser/registrations"
ANNOUNCEMENTS = "/organiser/announcements"
WRONG = (
    "This address, this password and this code do not belong together, or the code has been used before. Please try "
    "again."
)


@ON_SQLITE
@pytest.mark.parametrize("lang", ["fr", "en", "es"])
def test_sign_in_page_speaks_the_language_that_was_chosen(client, lang):
    page = client.get(f"{SESSION}?lang={lang}")

    assert page.one("html")["lang"] == client.get(SESSION).one("html")["lang"] == lang


@ON_SQLITE
def test_other_languages_of_the_sign_in_lead_on_to_the_same_page(client):
    asked = client.get(f"{LIST}?q=ada", status=303).headers["Location"]

    page = client.get(asked)

    for link in page.select(".languages a"):
        assert parse_qs(urlsplit(link["href"]).query) == {"next": [f"{LIST}?q=ada"], "lang": [link["lang"]]}


@pytest.mark.parametrize("email", ["cem@example.org", " CEM@example.org "])
def test_organiser_signs_in(client, organiser, email):
    page = sign_in(client, email, PASSWORD)

    assert page.headers["Location"] == LIST
    assert client.get(LIST).texts(".account__name") == ["cem@example.org"]
    assert [entry.action for entry in stored(AuditEntry)] == ["organiser.added", "organiser.signed_in"]


@pytest.mark.parametrize("lang", ["en", "es", "fr"])
def test_organiser_is_written_to_in_the_language_of_the_last_sign_in(app, organiser, lang):
    for chosen in ("es", lang):
        browser = PageClient(app)
        data = {"csrf_token": browser.get(f"{SESSION}?lang={chosen}").value("csrf_token")}
        data |= {"email": organiser.email, "password": PASSWORD}
        browser.post(SESSION, data, status=303)

    assert [row.language for row in stored(Organiser)] == [lang]


def test_failed_sign_in_leaves_the_language_of_the_mails(client, organiser):
    client.get(f"{SESSION}?lang=es")

    sign_in(client, organiser.email, "wrong", status=422)

    assert [row.language for row in stored(Organiser)] == ["fr"]


@pytest.mark.parametrize(
    ("email", "password"),
    [("cem@example.org", "wrong"), ("eve@example.org", PASSWORD), ("ü" * 254, "ü" * 200)],
    ids=["wrong password", "unknown", "long"],
)
def test_every_failure_gets_the_same_answer(client, organiser, email, password):
    page = sign_in(client, email, password, status=422)

    assert page.texts(".field__error") == page.texts("#password-error") == page.texts("#summary a") == [WRONG]
    assert page.value("password") == ""
    assert stored(SignIn) == []
    client.get(LIST, status=303)


def test_sign_in_survives_a_nul(client):
    data = {"csrf_token": client.get(SESSION).value("csrf_token"), "email": "a\0b", "password": "a\0b"}

    assert client.client.post(SESSION, data=data).status_code == 422


@ON_SQLITE
@pytest.mark.parametrize(
    ("email", "password", "errors"),
    [
        ("", "", ["Enter your e-mail address", "Enter your password"]),
        (
            "a" * 255,
            "a" * 201,
            ["Shorten this to 254 characters or fewer", "Shorten this to 200 characters or fewer"],
        ),
    ],
)
def test_sign_in_says_what_is_missing_or_too_long(client, email, password, errors):
    page = sign_in(client, email, password, status=422)

    assert page.texts(".field__error") == page.texts("#summary a") == errors
    assert page.value("email") == email


@ON_SQLITE
@pytest.mark.parametrize("token", [None, "forged"])
def test_form_without_its_token_is_refused_in_words_and_kept(client, organiser, token):
    data = {"email": organiser.email, "password": PASSWORD, "csrf_token": token}

    page = client.post(
        f"{SESSION}?lang=en", {name: value for name, value in data.items() if value}, status=422
    )

    assert page.value("email") == "cem@example.org"
    assert page.texts("#summary p") == ["This page had been open for too long. Please send it once more."]
    client.get(LIST, status=303)


@ON_SQLITE
@pytest.mark.parametrize(
    "path",
    [
        *(f"{LIST}?q=ada&sort=name", f"{LIST}/OB17-2222-22", f"{LIST}.csv"),
        *(ANNOUNCEMENTS, f"{ANNOUNCEMENTS}/new?q=ada", f"{ANNOUNCEMENTS}/12", f"{ANNOUNCEMENTS}/12/edit"),
    ],
)
def test_sign_in_leads_on_to_the_page_that_was_asked_for(client, organiser, path):
    asked = client.get(path, status=303).headers["Location"]
    token = client.get(asked).value("csrf_token")

    page = client.post(
        asked, {"csrf_token": token, "email": organiser.email, "password": PASSWORD}, status=303
    )

    assert page.headers["Location"] == path


@ON_SQLITE
@pytest.mark.parametrize(
    "wish",
    [
        "//eve.example",
        "https://eve.example",
        "/\\eve.example",
        "/en/",
        "javascript:alert(1)",
        "/organiser/../en/",
        "/organiser/registrations/../../en/",
        "/organiser/%2e%2e/en/",
        "/organiser/..\\..\\eve",
        "/organiser/\r\nX: y",
        "/organiser/\0",
        "organiser/registrations",
        "",
    ],
)
def test_sign_in_leads_nowhere_but_to_the_organisers_pages(client, organiser, wish):
    data = {
        "csrf_token": client.get(SESSION).value("csrf_token"),
        "email": organiser.email,
        "password": PASSWORD,
    }

    page = client.post(SESSION, data, query_string={"next": wish}, status=303)

    leads_to = urlsplit(
        urljoin("http://localhost/", page.headers["Location"].replace("\\", "/").replace("%2e", "."))
    )
    assert leads_to.netloc == "localhost"
    assert leads_to.path.startswith("/organiser/")


def test_session_is_a_new_one_after_the_sign_in(client, organiser):
    token = client.get(SESSION).value("csrf_token")
    client.post(SESSION, {"csrf_token": token, "email": organiser.email, "password": PASSWORD}, status=303)

    client.post("/organiser/session/end", {"csrf_token": token}, status=400)

    client.get(LIST)


def test_sign_in_ends_after_eight_hours(client, organiser, monkeypatch):
    sign_in(client, organiser.email, PASSWORD)
    client.get(LIST)
    monkeypatch.setattr(organisers, "IDLE", organisers.LIFETIME * 2)
    soon = clock.real_now() + organisers.LIFETIME

    monkeypatch.setattr(clock, "real_now", lambda: soon)

    client.get(LIST, status=303)


@pytest.mark.parametrize("end", [organisers.remove, organisers.reset])
def test_organiser_who_was_removed_or_reset_is_out_at_once(client, organiser, end):
    sign_in(client, organiser.email, PASSWORD)
    client.get(LIST)

    with connection():
        end(organiser.email)

    client.get(LIST, status=303)
    sign_in(client, organiser.email, PASSWORD, status=422)


def test_two_browsers_sign_in_and_out_apart(app, client, organiser):
    other = PageClient(app)
    for browser in (client, other):
        sign_in(browser, organiser.email, PASSWORD)

    other.post("/organiser/session/end", {"csrf_token": other.get(LIST).value("csrf_token")}, status=303)

    other.get(LIST, status=303)
    client.get(LIST)
