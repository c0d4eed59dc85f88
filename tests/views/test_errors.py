"""What is answered when there is nothing, or nothing to be done: always a page, in the visitor's language."""

import pytest
from factories import SENSITIVE_PARTS
from support.journey import FORM, HTMX, ON_SQLITE, SESSION, stored
from support.page import Page, check_page

from domain.conference import LANGUAGES
from models import Registration
from security import link_token

pytestmark = ON_SQLITE

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/registration/../nothing", 404),
        ("POST", "/", 405),
        ("POST", "/programme", 405),
        ("POST", "/conference.ics", 405),
        ("POST", "/registration/received/x", 405),
        ("POST", "/r/x", 405),
        ("PUT", "/registration", 405),
        ("DELETE", "/registration", 405),
        ("GET", "/registration/fields/email", 405),
    ],
)
def test_delegates_get_a_page_in_their_language(client, lang, method, path, status):
    page = client.open(f"/{lang}{path}", method=method, status=status)

    assert page.one("html")["lang"] == lang
    assert page.texts(".error__code") == [str(status)]
    assert page.one(".error a")["href"] == f"/{lang}/"
    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "nothing", 404), ("GET", "session/end", 405), ("POST", "registrations", 405)],
)
def test_organisers_get_a_page_of_theirs(desk_client, method, path, status):
    page = desk_client.open(f"/organiser/{path}", method=method, status=status)

    assert page.texts(".account__name") == ["cem@example.org"]
    assert page.one(".error a")["href"] == "/organiser/registrations"


def test_answer_to_a_wrong_method_says_which_are_right(client):
    page = client.post("/en/programme", status=405)

    assert {method.strip() for method in page.headers["Allow"].split(",")} == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff%fe",
        "/en/%00",
        "/%zz",
        "/en/registration/received/%ff.%00",
        "/en/r/%ff.%00",
        "/en/r/" + "x" * 10_000,
        "/en/r/.",
        "/static/%00",
        "/static/%2e%2e/app.py",
        "/static/",
        "/en/registration/fields/%ff",
        "/EN/",
        "/en//programme",
    ],
)
def test_odd_path_is_answered_with_a_page(client, path):
    page = Page(client.client.get(path, follow_redirects=True))

    assert 400 <= page.status < 500 or page.response.request.path == "/en/programme"
    check_page(page)


@pytest.mark.parametrize(
    "path", ["/", "/en/", FORM, "/en/conference.ics", SESSION, "/en/nothing", "/organiser/"]
)
@pytest.mark.parametrize(
    "query", ["q=\xff\xfe", "\0", "%ff=%00&lang=%ff", "=&&%", "lang=de", "v=" + "x" * 10_000]
)
def test_odd_query_changes_nothing(client, path, query):
    status = client.client.get(path).status_code

    assert client.client.get(path, environ_overrides={"QUERY_STRING": query}).status_code == status


@pytest.mark.parametrize(
    "query",
    ["endpoint=x", "_anchor=x", "_external=1", "_method=POST", "_scheme=x", "_external=&_scheme=http"],
)
def test_query_cannot_change_what_links_to_other_languages_are_made_of(client, query):
    links = [link["href"] for link in client.get(SESSION).select(".languages__list a")]

    page = client.get(f"{SESSION}?{query}")

    assert [link["href"] for link in page.select(".languages__list a")] == links
    assert len(links) >= 2


@pytest.mark.parametrize("lang", LANGUAGES)
def test_too_large_a_form_is_refused_with_a_page(client, lang):
    page = client.post(f"/{lang}/registration", {"given_names": "x" * MEGABYTE, "step": "send"}, status=413)

    assert page.one("html")["lang"] == lang
    assert page.texts(".error__code") == ["413"]
    assert stored(Registration) == []


def test_too_large_a_form_names_the_longest_answers_and_their_limits(client):
    page = client.post(FORM, {"given_names": "x" * MEGABYTE}, status=413)

    told = " ".join(page.texts("main li"))
    limits = {"E-mail address": 254, "Organisation": 200, "Name as printed in the passport": 200}
    limits["Accessibility needs"] = 500
    assert [name for name, most in limits.items() if f"{name}: {most}" not in told] == []
    assert told.index("500") < told.index("254") < told.index("200")


def test_other_errors_name_no_limits(client):
    assert client.get("/en/nothing", status=404).texts("main li") == []


@pytest.mark.parametrize("path", [FORM, f"{FORM}/fields/email", SESSION, "/en/r/x/edit", f"{FORM}/link"])
@pytest.mark.parametrize(
    "sent",
    [
        {"data": {"email": "x" * MEGABYTE}},
        {"data": {f"field{number}": "" for number in range(300)}, "content_type": "multipart/form-data"},
        {"data": b"x=" + b"x" * MEGABYTE, "content_type": "application/x-www-form-urlencoded"},
    ],
    ids=["field", "parts", "body"],
)
def test_too_large_a_body_is_refused_everywhere(client, path, sent):
    client.post(path, status=413, **sent)


def test_body_just_under_the_limit_is_read(client):
    page = client.post(FORM, {"given_names": "x" * (MEGABYTE - 100)}, status=422)

    assert len(page.value("given_names")) == MEGABYTE - 100


def test_htmx_gets_an_error_as_an_error(client):
    client.post("/en/programme", status=405, headers=HTMX)


def test_fault_of_ours_is_a_page_without_its_cause(app, client, monkeypatch):
    def broken(**given):
        raise RuntimeError("ada@example.org")

    monkeypatch.setitem(app.view_functions, "registration.received", broken)

    page = client.get("/en/registration/received/x", status=500)

    assert page.texts("h1") == ["Something went wrong on our side"]
    assert "ada@example.org" not in page.text
    assert "Traceback" not in page.text


@pytest.mark.parametrize(
    "path",
    ["registrations/{reference}", "sheets/visa", "sheets/visa.xlsx", "sheets/arrivals", "sheets/meals"],
)
def test_organisers_are_told_that_the_field_keys_are_lost_and_the_list_still_works(
    desk_client, registered, lost_keys, path
):
    row = registered(**SENSITIVE_PARTS)
    lost_keys()

    page = desk_client.get(f"/organiser/{path.format(reference=row.reference)}", status=500)

    assert page.texts("h1") == ["Encrypted answers cannot be read"]
    assert "put the former key back" in page.texts(".prose__lede")[0]
    assert page.one(".error a")["href"] == "/organiser/registrations"
    assert row.reference in desk_client.get("/organiser/registrations").text


def test_delegates_are_not_bothered_with_keys(client, registered, lost_keys, app):
    row = registered(**SENSITIVE_PARTS)
    with app.test_request_context():
        token = link_token(row)
    lost_keys()

    page = client.get(f"/en/r/{token}", status=500)

    assert page.texts("h1") == ["Something went wrong on our side"]
