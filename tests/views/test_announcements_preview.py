"""GET /organiser/announcements/<number>/preview/<language>: the mail's HTML, for the frame on its page."""

import pytest
from bs4 import BeautifulSoup
from support.announcing import written

from domain.conference import LANGUAGES


@pytest.fixture
def preview(desk_client):
    """Fetch the preview; not as a page, for it is a mail."""

    def preview(path: str, lang: str):
        return desk_client.client.get(f"{path}/preview/{lang}")

    return preview


@pytest.mark.parametrize("lang", LANGUAGES)
def test_preview_is_the_mail_in_a_language(desk_client, preview, lang):
    path = written(desk_client)

    html = BeautifulSoup(preview(path, lang).text, "html5lib")

    text = {"fr": "Départ à 8 h 30", "en": "They leave at 8:30", "es": "Salen a las 8:30"}[lang]
    assert html.html["lang"] == lang
    assert [p.get_text() for p in html.select("main div p")] == [text]
    assert "Alex Example" in html.get_text()
    assert "OB17-0000-00" in html.get_text()


def test_preview_says_when_it_is_in_another_language(desk_client, preview):
    path = written(desk_client, "fr")

    html = BeautifulSoup(preview(path, "en").text, "html5lib")

    assert html.select_one("main div")["lang"] == "fr"
    assert "This text is not available in your language. It follows in French." in html.get_text()


def test_preview_can_do_nothing_but_be_looked_at_in_our_own_page(desk_client, preview):
    response = preview(written(desk_client), "en")

    assert response.headers["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    assert response.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.mimetype == "text/html"


def test_link_in_the_preview_opens_nobodys_registration(desk_client, preview, registered):
    registered()

    html = BeautifulSoup(preview(written(desk_client), "en").text, "html5lib")

    link = html.select_one("a.button")["href"]
    assert link == "http://127.0.0.1:8000/en/r/example"
    assert desk_client.client.get("/en/r/example").status_code == 404


def test_words_are_shown_and_never_obeyed(desk_client, preview):
    path = written(desk_client, text_en="<b id=canary>&amp;</b><script>alert(1)</script>{{ 7 * 7 }}")

    html = BeautifulSoup(preview(path, "en").text, "html5lib")

    assert html.select("script, [id=canary]") == []
    assert (
        html.select_one("main div p").get_text()
        == "<b id=canary>&amp;</b><script>alert(1)</script>{{ 7 * 7 }}"
    )


@pytest.mark.parametrize("lang", ["de", "xx", "EN"])
def test_other_languages_are_not_found(desk_client, preview, lang):
    assert preview(written(desk_client), lang).status_code == 404


def test_unknown_number_is_not_found(desk_client, preview):
    assert preview("/organiser/announcements/1", "en").status_code == 404
