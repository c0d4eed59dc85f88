"""GET and POST /organiser/session: the sign-in."""

import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
from conftest import PASSWORD
from cryptography.fernet import Fernet
from flask import Flask
from support.access import enrolled, idle_for, shown
from support.journey import ON_SQLITE, SESSION, sign_in, stored
from support.page import Page, PageClient

import config
from db import connection, db
from domain import clock, organisers
from models import Announcement, AuditEntry, Organiser, SignIn

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


# Codes


@pytest.fixture
def production(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """What production asks of a sign-in."""
    given = app.extensions["settings"]
    real = config.load(
        _env_file=None,
        secret_key=given.secret_key,
        field_keys=given.field_keys,
        public_url="https://conference.example.org",
        mail_url="smtps://mail.example.org",
        mail_from="secretariat@example.org",
    )
    monkeypatch.setitem(app.extensions, "settings", real)


def test_organiser_with_an_app_needs_its_code_in_a_rehearsal_too(client):
    (recovery, *_) = enrolled()

    for code in ("", "000000"):
        page = sign_in(client, "cem@example.org", PASSWORD, code=code, status=422)
        assert page.texts("#password-error") == [WRONG]
    sign_in(client, "cem@example.org", PASSWORD, code=recovery)

    client.get(LIST)


def test_code_of_the_app_signs_in_once(app, client):
    enrolled()
    code = shown(ahead=30)

    sign_in(client, "cem@example.org", PASSWORD, code=f"{code[:3]} {code[3:]}")

    sign_in(PageClient(app), "cem@example.org", PASSWORD, code=code, status=422)


def test_production_never_signs_in_with_a_password_alone(client, organiser, production):
    page = sign_in(client, organiser.email, PASSWORD, status=422)
    assert page.texts("#code-error") == ["Enter the code that your app shows, or a recovery code"]
    assert page.select("#code-field .field__optional") == []

    for code in ("000000", "ABCD-EFGH-IJKL-MNOP"):
        page = sign_in(client, organiser.email, PASSWORD, code=code, status=422)
        assert page.texts(".field__error") == [WRONG]

    client.get(LIST, status=303)


def test_production_signs_in_with_password_and_code(client, production):
    enrolled()

    sign_in(client, "cem@example.org", PASSWORD, code=shown(ahead=30))

    client.get(LIST)


@pytest.mark.parametrize(
    "who", ["unknown", "invited", "without an app", "wrong password", "wrong code", "used code"]
)
def test_every_failure_looks_the_same_in_production(app, client, production, who):
    (used, recovery, *_) = enrolled()
    sign_in(PageClient(app), "cem@example.org", PASSWORD, code=used)
    with connection():
        organisers.invite("bo@example.org", roles=["reader"])
        organisers.add("ada@example.org", PASSWORD)
    given = {
        "unknown": ("eve@example.org", PASSWORD, recovery),
        "invited": ("bo@example.org", PASSWORD, recovery),
        "without an app": ("ada@example.org", PASSWORD, recovery),
        "wrong password": ("cem@example.org", "wrong", recovery),
        "wrong code": ("cem@example.org", PASSWORD, "000000"),
        "used code": ("cem@example.org", PASSWORD, used),
    }
    email, password, code = given[who]

    page = sign_in(client, email, password, code=code, status=422)

    assert page.texts(".field__error") == page.texts("#summary a") == [WRONG]
    assert page.value("password") == ""
    assert re.sub(r'value="[^"]*"', "", str(page.one("#session"))) == re.sub(
        r'value="[^"]*"', "", str(sign_in(client, "x@example.org", "x", code="x", status=422).one("#session"))
    )
    sign_in(client, "cem@example.org", PASSWORD, code=recovery)


def test_sign_in_hashes_a_password_whoever_is_asked_for(client, production, monkeypatch):
    enrolled()
    with connection():
        organisers.invite("bo@example.org", roles=["reader"])
    hashed, check = [], organisers.check_password_hash
    monkeypatch.setattr(
        organisers, "check_password_hash", lambda *given: hashed.append(given[0][:7]) or check(*given)
    )

    for email in ("cem@example.org", "bo@example.org", "eve@example.org"):
        sign_in(client, email, "wrong", code="000000", status=422)

    assert hashed == ["scrypt:"] * 3


def test_sign_in_whose_secret_cannot_be_read_is_refused_politely(client):
    (recovery, *_) = enrolled()
    lost = Fernet(Fernet.generate_key()).encrypt(b'"lost"').decode()
    with connection():
        db.execute_sql(f"UPDATE authenticator SET secret = '{lost}'")

    sign_in(client, "cem@example.org", PASSWORD, code=shown(ahead=30), status=422)

    sign_in(client, "cem@example.org", PASSWORD, code=recovery)
    client.get(LIST)
    client.get("/organiser/account")
    client.get("/organiser/log")


# What was typed when the sign-in had ended


WRITTEN = {
    "subject_en": "Buses <b>",
    "text_en": 'They leave\r\nat 8 o’clock & "sharp".',
    "password": "a secret",
}


@pytest.fixture
def too_late(desk_client: PageClient) -> tuple[PageClient, Page]:
    """cem has written an announcement, and been away for too long before sending it; the answer."""
    token = desk_client.get(f"{ANNOUNCEMENTS}/new").select("main [name=csrf_token]")[0]["value"]
    idle_for(timedelta(minutes=30))
    path = f"{ANNOUNCEMENTS}/new?q=ada"
    return desk_client, desk_client.post(path, WRITTEN | {"csrf_token": token}, status=401)


def go_on(client: PageClient, page: Page, *, password: str = PASSWORD, status: int = 200) -> Page:
    form = page.one("#session form")
    data = {field["name"]: field["value"] for field in form.select("input[type=hidden]")}
    return client.post(
        form["action"], data | {"email": "bo@example.org", "password": password}, status=status
    )


@pytest.fixture
def bo(app: Flask) -> Organiser:
    with connection():
        return organisers.add("bo@example.org", PASSWORD, roles=["admin"])


def test_form_that_comes_after_the_sign_in_is_kept_and_sent_by_a_button_of_its_own(too_late, bo):
    client, page = too_late
    assert page.texts("h1") == ["Your sign-in has ended"]
    assert page.select(".languages") == []

    wrong = go_on(client, page, password="wrong", status=422)
    resumption = go_on(client, wrong)

    form = resumption.one("main form")
    fields = {field["name"]: field["value"] for field in form.select("input[type=hidden]")}
    assert form["action"] == f"{ANNOUNCEMENTS}/new?q=ada"
    assert fields.keys() == {"csrf_token", "subject_en", "text_en"}
    assert stored(Announcement) == []
    client.post(form["action"], fields, status=303)
    (written,) = stored(Announcement)
    assert (written.subject["en"], written.search) == ("Buses <b>", "ada")
    assert written.text["en"] == 'They leave\nat 8 o’clock & "sharp".'


def test_kept_form_holds_neither_token_nor_password(too_late):
    _, page = too_late

    kept = json.loads(page.value("kept"))

    assert {name for name, _ in kept["fields"]} == {"subject_en", "text_en"}
    assert "a secret" not in page.text


@ON_SQLITE
@pytest.mark.parametrize(
    "text",
    [
        "", "nonsense", "[]", "{}", '{"path": 1, "fields": []}', '{"path": "/organiser/late-links", "fields": [1]}',
        '{"path": "https://eve.example/", "fields": []}', '{"path": "//eve.example/", "fields": []}',
        '{"path": "/en/registration", "fields": []}', '{"path": "/organiser/registrations", "fields": []}',
        '{"path": "/organiser/session", "fields": []}', '{"path": "/organiser/../en/registration", "fields": []}',
    ],
)  # fmt: skip
def test_nothing_is_kept_for_another_place(client, organiser, text):
    data = {"csrf_token": client.get(SESSION).value("csrf_token"), "kept": text}
    data |= {"email": organiser.email, "password": PASSWORD}

    page = client.post(SESSION, data, status=303)

    assert page.headers["Location"] == LIST


@ON_SQLITE
@pytest.mark.parametrize("lang", ["fr", "en", "es"])
def test_page_that_holds_what_was_typed_speaks_the_language_of_the_organiser(client, lang):
    client.get(f"{SESSION}?lang={lang}")

    page = client.post("/organiser/late-links", {"email": "bo@example.org"}, status=401)

    assert page.one("html")["lang"] == lang
