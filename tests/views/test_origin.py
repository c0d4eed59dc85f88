"""What other sites send in a visitor's name is refused; what is only read may come from anywhere."""

import pytest
from factories import typed
from support.journey import FORM, ON_SQLITE, SESSION, fresh_key, stored

from domain.conference import LANGUAGES
from models import Registration

FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"},
    {"Origin": "https://eve.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost.eve.example"},
    {"Origin": "https://localhost"},
    {"Origin": "http://["},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    {"Origin": "http://localhost"},
    {"Origin": "http://127.0.0.1:8000"},
]


@pytest.mark.parametrize("headers", FOREIGN, ids=str)
def test_form_from_another_site_is_refused(app, client, headers):
    page = client.post(FORM, typed(key=fresh_key(app), step="send"), headers=headers, status=403)

    assert page.texts("h1") == ["This request was refused"]
    assert stored(Registration) == []


@pytest.mark.parametrize("headers", OWN, ids=str)
def test_form_from_this_site_is_taken(app, client, headers):
    client.post(FORM, typed(key=fresh_key(app), step="send"), headers=headers, status=303)

    assert len(stored(Registration)) == 1


@ON_SQLITE
@pytest.mark.parametrize(
    "path",
    [
        *(SESSION, "/organiser/session/end", "/organiser/late-links", f"{FORM}/fields/email", "/en/nothing"),
        *("/organiser/announcements/new", "/organiser/announcements/1/sending"),
        *(f"{FORM}/link", f"{FORM}/address/x", "/en/r/x/edit", "/en/r/x/erasure", "/en/r/x/data.json"),
    ],
)
def test_every_address_is_guarded(client, path):
    client.post(path, headers={"Sec-Fetch-Site": "cross-site"}, status=403)


@ON_SQLITE
@pytest.mark.parametrize("lang", LANGUAGES)
def test_refusal_speaks_the_visitors_language(client, lang):
    page = client.post(f"/{lang}/registration", headers={"Origin": "null"}, status=403)

    assert page.one("html")["lang"] == lang


@ON_SQLITE
@pytest.mark.parametrize("headers", FOREIGN, ids=str)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_reading_is_open_to_links_from_everywhere(client, headers, method):
    assert client.client.open(FORM, method=method, headers=headers).status_code == 200
