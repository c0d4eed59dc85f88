"""The headers of every answer, and what a page may load."""

import pytest
from conftest import PASSWORD
from support.journey import FORM, ON_SQLITE, SESSION, sign_in
from support.page import Page, PageClient
from support.second import second_service

from config import HTMX_INTEGRITY, HTMX_URL
from db import DatabaseOut, connection
from domain import organisers

CSP = (
    f"default-src 'none'; script-src 'self' {HTMX_URL}; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
EVERY_ANSWER = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "X-Convoke": "1",
}
SAMPLES = {
    "lang": "en",
    "name": "email",
    "receipt": "x",
    "token": "x",
    "reference": "x",
    "number": 1,
    "filename": "app.js",
    "language": "en",
}
PUBLIC_URL = "https://convoke.example.org"


def requests(app) -> list[tuple[str, str]]:
    """Each route once for each of its methods, as (method, path)."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            path = rule.build({name: SAMPLES[name] for name in rule.arguments}, append_unknown=False)[1]
            found += [(method, path) for method in sorted(rule.methods)]
    return found


def headers_of(response) -> dict[str, str | None]:
    return {name: response.headers.get(name) for name in EVERY_ANSWER}


def test_every_route_answers_with_every_header(app, client):
    missing = {}

    for method, path in requests(app):
        response = client.client.open(path, method=method, buffered=True)
        if headers_of(response) != EVERY_ANSWER or "Cache-Control" not in response.headers:
            missing[method, path] = dict(response.headers)

    assert missing == {}


@ON_SQLITE
def test_every_route_answers_to_head_as_to_get(app, client):
    readable = [path for method, path in requests(app) if method == "GET"]

    answers = {
        path: [client.client.open(path, method=method, buffered=True) for method in ("GET", "HEAD")]
        for path in readable
    }

    assert {path: head.status_code for path, (_, head) in answers.items()} == {
        path: get.status_code for path, (get, _) in answers.items()
    }
    assert {head.data for _, head in answers.values()} == {b""}


def too_much(client):
    return client.client.post(FORM, data={"given_names": "x" * 1024 * 1024})


def too_often(client):
    for _ in range(10):
        client.client.post(FORM, data={"step": "send"})
    return client.client.post(FORM, data={"step": "send"})


def failing_with(error):
    def ask(client):
        def broken(**given):
            raise error

        client.client.application.view_functions["pages.calendar"] = broken
        return client.client.get("/en/conference.ics")

    return ask


@ON_SQLITE
@pytest.mark.parametrize(
    ("ask", "status"),
    [
        (lambda client: client.client.get("/nothing"), 404),
        (lambda client: client.client.post("/en/programme"), 405),
        (lambda client: client.client.post(FORM, headers={"Origin": "null"}), 403),
        (lambda client: client.client.get("/en"), 308),
        (too_much, 413),
        (too_often, 429),
        (failing_with(RuntimeError()), 500),
        (failing_with(DatabaseOut()), 503),
    ],
    ids=[404, 405, 403, 308, 413, 429, 500, 503],
)
def test_every_error_answers_with_every_header(app, client, monkeypatch, ask, status):
    monkeypatch.setitem(app.view_functions, "pages.calendar", app.view_functions["pages.calendar"])

    response = ask(client)

    assert response.status_code == status
    assert headers_of(response) == EVERY_ANSWER
    assert response.headers["Cache-Control"] == "no-store"


@ON_SQLITE
def test_every_page_loads_its_own_files_and_one_pinned_file_of_htmx(app, desk_client):
    pages = [
        Page(desk_client.client.get(path, buffered=True)) for method, path in requests(app) if method == "GET"
    ]
    pages = [page for page in pages if page.soup is not None and page.status not in (302, 303, 308)]

    for page in pages:
        pinned, own = page.select("script")
        loaded = page.select("link[rel=stylesheet], link[rel=icon], img, iframe, object, embed, video, audio")
        assert pinned["src"] == HTMX_URL
        assert (pinned["integrity"], pinned["crossorigin"]) == (HTMX_INTEGRITY, "anonymous")
        assert own["src"].startswith("/static/app.js?v=")
        assert {(element.get("src") or element["href"])[:1] for element in loaded} == {"/"}
    assert len(pages) >= 12


def test_version_of_htmx_is_pinned_by_its_content():
    assert "@4.0.1/" in HTMX_URL
    assert HTMX_INTEGRITY.startswith("sha384-")
    assert len(HTMX_INTEGRITY) == 71


@ON_SQLITE
@pytest.mark.parametrize("path", ["/style.css", "/static/app.js", "/static/monogram.svg"])
def test_files_are_kept_for_a_year_under_an_address_that_names_their_content(client, path):
    addresses = client.get("/en/").select("link[rel=icon], link[rel=stylesheet], script")
    (named,) = [found for tag in addresses if (found := tag.get("href") or tag["src"]).startswith(path)]

    kept, unnamed = (client.client.get(address, buffered=True) for address in (named, path))

    assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in unnamed.headers["Cache-Control"]
    assert kept.data == unnamed.data


@ON_SQLITE
@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/static/none.js?v=1", 404),
        ("/static/x/../app.js?v=1", 200),
        ("/static/app.js?v=wrong", 200),
        ("/static/app.js?v=", 200),
        ("/style.css?v=wrong", 200),
    ],
)
def test_nothing_is_kept_for_a_year_under_an_address_that_names_something_else(client, path, status):
    answer = client.client.get(path, buffered=True)

    assert answer.status_code == status
    assert "immutable" not in answer.headers["Cache-Control"]
    assert "max-age" not in answer.headers["Cache-Control"]


@ON_SQLITE
def test_file_that_has_not_changed_is_kept_on(client):
    address = client.get("/en/").one("script[src^='/static']")["src"]
    tag = client.client.get(address, buffered=True).headers["ETag"]

    again = client.client.get(address, headers={"If-None-Match": tag}, buffered=True)
    partly = client.client.get(address, headers={"Range": "bytes=9999999-"}, buffered=True)

    assert (again.status_code, partly.status_code) == (304, 416)
    assert again.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert "immutable" not in partly.headers.get("Cache-Control", "")


def test_delegates_get_no_cookie(app, client):
    cookies = {
        path: response.headers["Set-Cookie"]
        for method, path in requests(app)
        if not path.startswith("/organiser")
        for response in [client.client.open(path, method=method, buffered=True)]
        if "Set-Cookie" in response.headers
    }

    assert cookies == {}


@ON_SQLITE
def test_cookie_of_an_organiser_is_out_of_reach_for_scripts_and_other_sites(client, organiser):
    page = sign_in(client, organiser.email, PASSWORD)

    name, *attributes = page.headers["Set-Cookie"].split("; ")
    assert name.startswith("session=")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax"]


@pytest.fixture
def https_client(make_settings):
    """A browser at a service with a public https address."""
    with second_service(make_settings(public_url=PUBLIC_URL)) as app:
        with connection():
            organisers.add("cem@example.org", PASSWORD, roles=["admin"])
        yield PageClient(app)


def test_cookie_travels_over_https_alone_and_belongs_to_the_host(https_client):
    page = sign_in(https_client, "cem@example.org", PASSWORD, base_url=PUBLIC_URL)

    name, *attributes = page.headers["Set-Cookie"].split("; ")
    assert name.startswith("__Host-session=")
    assert sorted(attributes) == ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]
    assert https_client.get("/organiser/registrations", base_url=PUBLIC_URL).texts("tbody") == []


def test_browsers_are_told_to_stay_with_https(https_client):
    secure = https_client.get("/en/", base_url=PUBLIC_URL)
    plain = https_client.get("/en/", base_url="http://convoke.example.org")

    assert secure.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
    assert "Strict-Transport-Security" not in plain.headers


def test_public_address_is_the_configured_one_whatever_host_is_asked(https_client):
    page = https_client.get("/en/", base_url="http://localhost")
    https_client.get("/en/", base_url="https://eve.example", status=400)

    alternates = [link["href"] for link in page.select("link[rel=alternate]")]
    assert alternates == [f"{PUBLIC_URL}/fr/", f"{PUBLIC_URL}/en/", f"{PUBLIC_URL}/es/", f"{PUBLIC_URL}/"]


def test_own_copy_of_htmx_replaces_the_pinned_one(make_settings):
    own = {"htmx_url": "/static/htmx.min.js", "htmx_integrity": HTMX_INTEGRITY}
    with second_service(make_settings(**own)) as app:
        page = PageClient(app).get(SESSION)

    assert page.select("script")[0]["src"] == "/static/htmx.min.js"
    assert "jsdelivr" not in page.headers["Content-Security-Policy"] + page.text
