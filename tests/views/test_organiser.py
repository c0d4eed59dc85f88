"""What holds for every organisers' page: nothing without a sign-in."""

from urllib.parse import unquote

import pytest
from support.journey import HTMX, ON_SQLITE, SESSION, everything

pytestmark = ON_SQLITE

PAGES = {
    "GET": [
        "/organiser/registrations",
        "/organiser/registrations?q=ada&sort=name",
        "/organiser/registrations/{reference}",
        "/organiser/registrations/OB17-2222-22",
        "/organiser/registrations.csv",
        "/organiser/registrations.xlsx",
        "/organiser/registrations.json",
        "/organiser/batches/new",
        "/organiser/batches/1",
        "/organiser/log",
        "/organiser/sheets",
        "/organiser/sheets/arrivals",
        "/organiser/sheets/arrivals.xlsx",
        "/organiser/statistics",
        "/organiser/statistics/country.svg",
        "/organiser/late-links",
        "/organiser/announcements",
        "/organiser/announcements/new",
        "/organiser/announcements/1",
        "/organiser/announcements/1/edit",
        "/organiser/announcements/1/preview/en",
        "/organiser/mails",
        "/organiser/mails?q=canary&state=queued",
        "/organiser/mails/{number}",
        "/organiser/mails/{number}/body",
        "/organiser/session/proof",
        "/organiser/account",
        "/organiser/account/codes",
        "/organiser/account/password",
        "/organiser/account/everybody",
    ],
    "POST": [
        "/organiser/registrations/{reference}",
        "/organiser/registrations/{reference}/marks",
        "/organiser/registrations/{reference}/notes",
        "/organiser/registrations/{reference}/notes/1/removal",
        "/organiser/batches/new",
        "/organiser/batches/1/undo",
        "/organiser/session/end",
        "/organiser/late-links",
        "/organiser/announcements/new",
        "/organiser/announcements/1/edit",
        "/organiser/announcements/1/sending",
        "/organiser/announcements/1/stop",
        "/organiser/mails/retries",
        "/organiser/mails/{number}/retries",
        "/organiser/mails/{number}/address",
        "/organiser/session/proof",
        "/organiser/session/extension",
        "/organiser/account/end",
        "/organiser/account/codes",
        "/organiser/account/password",
    ],
}
OPEN = {"/organiser/", SESSION, "/organiser/session/warning", "/organiser/enrolment/x"}
SAMPLES = {"reference": "{reference}", "number": 1, "language": "en", "token": "x"}
NAMES = {"sheets.show": "arrivals", "sheets.show_xlsx": "arrivals", "statistics.plot": "country"}
EVERY_PAGE = pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, paths in PAGES.items() for path in paths]
)


def test_every_route_of_the_organisers_is_tried(app):
    tried = {
        path.partition("?")[0].format(reference="{reference}", number=1)
        for paths in PAGES.values()
        for path in paths
    }

    theirs = tuple(
        f"{part}."
        for part in (
            "organiser",
            "access",
            "dossier",
            "batches",
            "mails",
            "announcements",
            "log",
            "sheets",
            "statistics",
        )
    )
    with app.test_request_context():
        routes = {
            unquote(rule.build(SAMPLES | {"name": NAMES.get(rule.endpoint)}, append_unknown=False)[1])
            for rule in app.url_map.iter_rules()
            if rule.endpoint.startswith(theirs)
        }

    assert routes - tried == OPEN


def test_desk_leads_to_the_list(client):
    assert client.get("/organiser/", status=303).headers["Location"] == "/organiser/registrations"


@pytest.fixture
def canary(mailed) -> dict[str, str]:
    """What stands in the addresses of the pages of somebody."""
    mail = mailed(family_name="Canary")
    return {"reference": mail.registration.reference, "number": mail.id}


@EVERY_PAGE
def test_stranger_is_led_to_the_sign_in(client, canary, method, path):
    path = path.format(**canary)
    before = everything()
    holds = method == "POST" and not path.startswith((SESSION, "/organiser/account"))

    page = client.open(path, method=method, status=401 if holds else 303)

    assert "Canary" not in page.text
    assert everything() == before
    if holds:
        assert page.one("#session form")["action"] == SESSION
        return
    address, _, wish = page.headers["Location"].partition("?")
    assert address == SESSION
    assert wish.startswith("next=") == (method == "GET")
    assert "Canary" not in client.get(page.headers["Location"]).text


@EVERY_PAGE
def test_stranger_with_htmx_is_told_where_to_sign_in_and_keeps_the_page_with_what_was_typed(
    client, canary, method, path
):
    path = path.format(**canary)

    page = client.open(path, method=method, status=401, headers=HTMX)

    assert page.headers.get("HX-Redirect", "").partition("?")[0] == (SESSION if method == "GET" else "")
    assert page.headers.get("HX-Trigger") == (None if method == "GET" else "sign-in-ended")
    assert page.data == b""


@pytest.mark.parametrize("cookie", ["", "x", "eyJfdXNlcl9pZCI6ImEifQ.aaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaa"])
def test_made_up_cookie_opens_nothing(client, cookie):
    client.client.set_cookie("session", cookie)

    assert client.get("/organiser/registrations", status=303).headers["Location"].startswith(SESSION)


def test_delegates_pages_know_no_organiser(desk_client):
    page = desk_client.get("/en/")

    assert "cem@example.org" not in page.text
    assert "Set-Cookie" not in page.headers
