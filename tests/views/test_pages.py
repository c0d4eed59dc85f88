"""GET /<lang>/…: what holds for each of the five pages, in each language."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from support.journey import ON_SQLITE

from domain.conference import LANGUAGES

pytestmark = ON_SQLITE

ORIGIN = "http://127.0.0.1:8000"
PATHS = {"invitation": "", "programme": "programme", "practical": "practical"}
PATHS |= {"privacy": "privacy", "accessibility": "accessibility"}
EVERY_PAGE = pytest.mark.parametrize("name", PATHS)
EVERY_LANGUAGE = pytest.mark.parametrize("lang", LANGUAGES)


@EVERY_PAGE
@EVERY_LANGUAGE
def test_page_shows_its_words_in_the_language_of_its_address(app, client, name, lang):
    written = app.extensions["desk"].conference.page(name, lang)

    page = client.get(f"/{lang}/{PATHS[name]}")

    assert page.one("html")["lang"] == lang
    assert page.texts("h1") == [written.title]
    assert page.texts("title")[0].startswith(f"{written.title} – ")
    assert str(written.body) in page.text


@EVERY_PAGE
@EVERY_LANGUAGE
def test_page_names_and_links_itself_in_every_language(client, name, lang):
    page = client.get(f"/{lang}/{PATHS[name]}")

    alternates = {link["hreflang"]: link["href"] for link in page.select("link[rel=alternate]")}
    links = {link["hreflang"]: link["href"] for link in page.select(".languages a")}
    assert alternates == {other: f"{ORIGIN}/{other}/{PATHS[name]}" for other in LANGUAGES} | {
        "x-default": f"{ORIGIN}/"
    }
    assert links == {other: f"/{other}/{PATHS[name]}" for other in LANGUAGES}
    assert [link["hreflang"] for link in page.select(".languages a[aria-current]")] == [lang]
    for link in links.values():
        client.get(link)


@EVERY_PAGE
def test_page_may_be_kept_by_everybody(client, name):
    first = client.get(f"/en/{PATHS[name]}")

    again = client.get(f"/en/{PATHS[name]}", headers={"If-None-Match": first.headers["ETag"]}, status=304)

    assert first.headers["Cache-Control"] == again.headers["Cache-Control"] == "public, max-age=300"
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.data == b""
    assert "Set-Cookie" not in first.headers


def test_page_is_sent_again_to_those_who_hold_another_version(client):
    page = client.get("/en/programme", headers={"If-None-Match": '"0123456789abcdef"'})

    assert page.texts("h1") == ["Draft programme"]


def test_page_of_an_unknown_language_is_not_found(client):
    page = client.get("/de/programme", headers={"Accept-Language": "es"}, status=404)

    assert page.one("html")["lang"] == "es"
    assert page.one(".error a")["href"] == "/es/"


def test_rehearsal_names_the_day_that_it_plays(client):
    client.get("/en/programme")

    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        page = client.get("/en/programme")

    assert "today is 11 April 2017" in page.texts(".rehearsal")[0]
