"""What organisers wrote, as delegates get it: their words, escaped, with the note where it is another language."""

import email
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from bs4 import BeautifulSoup, Tag
from support.journey import ON_SQLITE

from domain import announcements, clock
from domain.conference import LANGUAGES
from models import Mail, Organiser, Registration

pytestmark = ON_SQLITE

TEXT = """Dear friends,

Shuttles leave at 8:30 & 9:00.
Please be on time: <b>really</b>.



More: https://example.org/shuttles?a=1&b=2."""


@pytest.fixture
def announced(app, send, database) -> Callable[..., EmailMessage]:
    """The mail that ada, who reads a language, gets of an announcement in some languages."""

    def announced(lang: str, subject: dict[str, str], text: dict[str, str]) -> EmailMessage:
        send(lang)
        cem = Organiser.create(email="cem@example.org", password_hash="", created_at=clock.now())
        draft = announcements.draft(subject, text, search="", organiser=cem)
        announcements.send(draft, number=1, version=announcements.version_of(draft), organiser=cem)
        announcements.prepare_some(app.extensions["desk"])
        stored = Mail.get(Mail.kind == "announcement").message
        return email.message_from_string(stored, policy=SMTP)

    return announced


def plain(message: EmailMessage) -> str:
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def html(message: EmailMessage) -> Tag:
    return BeautifulSoup(message.get_body(("html",)).get_content(), "html5lib").main


@pytest.mark.parametrize("lang", LANGUAGES)
def test_delegate_reads_it_in_their_language(announced, lang):
    subject = {one: f"Subject {one}" for one in LANGUAGES}
    text = {one: f"Text {one}" for one in LANGUAGES}

    message = announced(lang, subject, text)

    assert message["Subject"] == f"Subject {lang} – {Registration.get().reference}"
    assert [f"Text {one}" in plain(message) for one in LANGUAGES] == [one == lang for one in LANGUAGES]
    assert html(message).select("[lang]") == []
    assert len(html(message).select("p")) == 7


@pytest.mark.parametrize(
    ("lang", "written", "note"),
    [
        ("fr", "en", "Ce texte n’est pas disponible dans votre langue. Le voici en anglais."),
        ("en", "es", "This text is not available in your language. It follows in Spanish."),
        ("es", "fr", "Este texto no está disponible en su idioma. A continuación figura en francés."),
    ],
)
def test_delegate_is_told_when_it_is_in_another_language(announced, lang, written, note):
    message = announced(lang, {written: "Subject"}, {written: "Text of it"})

    (in_another,) = html(message).select("[lang]")
    assert (in_another["lang"], in_another.get_text().strip()) == (written, "Text of it")
    assert in_another.find_previous_sibling("p").get_text() == note
    assert plain(message).split("\n\n")[1:3] == [note, "Text of it"]


def test_paragraphs_and_lines_are_kept(announced):
    message = announced("en", {"en": "Shuttles"}, {"en": TEXT})

    paragraphs = html(message).select("div p")
    assert [str(one) for one in paragraphs[:2]] == [
        '<p dir="auto">Dear friends,</p>',
        '<p dir="auto">Shuttles leave at 8:30 &amp; 9:00.<br/>Please be on time: &lt;b&gt;really&lt;/b&gt;.</p>',
    ]
    assert len(paragraphs) == 3
    assert TEXT in plain(message)


def test_web_addresses_become_links(announced):
    message = announced("en", {"en": "Shuttles"}, {"en": TEXT})

    (link,) = html(message).select("div a")
    assert link["href"] == link.get_text() == "https://example.org/shuttles?a=1&b=2"
    assert link.parent.get_text() == "More: https://example.org/shuttles?a=1&b=2."


@pytest.mark.parametrize(
    "text", ["javascript:alert(1)", "data:text/html,x", '"><a href="https://eve.example">']
)
def test_nothing_else_becomes_a_link(announced, text):
    message = announced("en", {"en": "Shuttles"}, {"en": text})

    links = [link["href"] for link in html(message).select("div a")]
    assert [link for link in links if not link.startswith("https://eve.example")] == []
    assert html(message).select_one("div").get_text().strip() == text


def test_subject_is_one_header_whatever_it_holds(announced):
    subject = "Жанна, “Bo” <b>: " + "é" * 133

    message = announced("en", {"en": subject}, {"en": "Text"})

    assert len(subject) == 150
    assert message["Subject"] == f"{subject} – {Registration.get().reference}"


def test_mail_answers_the_confirmation(announced, inbox):
    message = announced("en", {"en": "Shuttles"}, {"en": TEXT})

    confirmation = inbox()[0]
    assert message["In-Reply-To"] == confirmation["Message-ID"]


def test_private_link_is_the_delegates_own(announced, client):
    message = announced("en", {"en": "Shuttles"}, {"en": TEXT})

    link = html(message).select_one("a.button")["href"]
    assert link in plain(message)
    assert Registration.get().reference in client.get(link.removeprefix("http://127.0.0.1:8000")).text
