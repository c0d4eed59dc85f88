"""What every mail owes its reader: its structure, its headers, nothing sensitive, nothing from elsewhere."""

import re
import subprocess
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from itertools import pairwise, product
from urllib.parse import urlsplit

import pytest
import time_machine
from bs4 import BeautifulSoup
from conftest import CLOSED_DAY, OPEN_DAY
from factories import JOURNEY, NEEDS, PASSPORT, STAY, make_answers
from icalendar import Calendar
from pydantic import NameEmail
from support.journey import ON_SQLITE

from config import ROOT
from domain import clock
from domain.conference import LANGUAGES
from domain.mail import compose, confirmation, mailbox, message_id
from domain.registration import build
from models import Mail, Registration

# What a mail holds, apart from what all of them hold: a greeting by name and the reference, or the reference alone,
# the private link, the calendar file.
KINDS = {
    "confirmation": {"name", "link", "calendar"},
    "repeat": {"name", "link", "calendar"},
    "link": {"name", "link"},
    "new_link": {"name", "link"},
    "changed": {"name", "link"},
    "address": set(),
    "moved": {"name"},
    "cancelled": {"name", "link", "calendar"},
    "restored": {"name", "link", "calendar"},
    "erased": {"reference"},
    "late": set(),
    "reminder": {"name", "link"},
    "digest": set(),
    "announcement": {"name", "link"},
}
NOT_ABOUT_ONE = ("late", "digest")  # registration
# What the templates of a mail speak of, besides the registration.
FACTS = {
    "new_link": {"is_moved": False},
    "changed": {"changes": ["Function: President"], "is_moving": True},
    "address": {"confirming": "https://convoke.example/en/address"},
    "erased": {"is_blocking": True},
    "late": {"until": datetime(2017, 5, 12, 12, tzinfo=UTC)},
    "digest": {
        "day": date(2017, 4, 11),
        "since": datetime(2017, 4, 10, tzinfo=UTC),
        "until": datetime(2017, 4, 11, tzinfo=UTC),
        "numbers": defaultdict(int),
        "list_page": "https://convoke.example/organiser/registrations",
    },
    "announcement": {"subject": "Shuttles", "text": "At nine", "written_in": "en", "language": "English"},
}
# The same where they speak of something else.
OTHER_FACTS = {
    "new_link": {"is_moved": True},
    "changed": {"changes": ["Function: President"], "is_moving": False},
    "erased": {"is_blocking": False},
    "announcement": {"subject": "Shuttles", "text": "At nine", "written_in": "xx", "language": "English"},
}
NU_CHECKER = ROOT / "node_modules" / "vnu-jar" / "build" / "dist" / "vnu.jar"
pytestmark = ON_SQLITE
in_each_language = pytest.mark.parametrize("lang", LANGUAGES)
of_each_kind = pytest.mark.parametrize("kind", KINDS)


def kinds_with(part: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("kind", [kind for kind, parts in KINDS.items() if part in parts])


# What people do type as a name: 100 characters, two directions, quotes, a tag, a comma, a placeholder.
NAME = (
    'Жанна «Jo» O’Neill, "محمد" <b>Ünal</b> & Söhne %(name)s {{ name }} =?utf-8?q?x?= 王小明 '.ljust(99, "x")
    + "é"
)


def text_of(message: EmailMessage) -> str:
    return message.get_body(("plain",)).get_content()


def html_of(message: EmailMessage) -> BeautifulSoup:
    return BeautifulSoup(message.get_body(("html",)).get_content(), "html5lib")


def everything_in(message: EmailMessage) -> str:
    """Headers and bodies of every part, decoded."""
    parts = [part for part in message.walk() if not part.is_multipart()]
    headers = [value for part in message.walk() for value in part.values()]
    return "\n".join([*headers, *(part.get_payload(decode=True).decode() for part in parts)])


@of_each_kind
@in_each_language
def test_mail_holds_text_and_html_and_if_the_dates_change_the_calendar_file(read, kind, lang):
    message = read(kind, lang=lang)

    bodies = ["multipart/alternative", "text/plain", "text/html"]
    whole = ["multipart/mixed", *bodies, "text/calendar"] if "calendar" in KINDS[kind] else bodies
    assert [part.get_content_type() for part in message.walk()] == whole
    charsets = {part.get_content_charset() for part in message.walk() if not part.is_multipart()}
    assert charsets == {"utf-8"}


@kinds_with("calendar")
@in_each_language
def test_mail_attaches_the_conference_for_the_calendar(read, kind, lang, app):
    (attachment,) = read(kind, lang=lang).iter_attachments()

    conference = app.extensions["desk"].conference
    (event,) = Calendar.from_ical(attachment.get_payload(decode=True)).walk("VEVENT")
    assert attachment["Content-Type"].params["method"] == "PUBLISH"
    assert attachment.get_filename() == "conference.ics"
    assert event["DTSTART"].to_ical() == b"20170525"
    assert event["SUMMARY"] == f"{conference.kind[lang]} – {conference.title[lang]}"
    assert event["URL"] == f"http://127.0.0.1:8000/{lang}/"


@of_each_kind
@in_each_language
def test_mail_has_the_headers_of_an_automatic_mail(read, kind, lang):
    clock.rehearse(None)
    with time_machine.travel(datetime(2017, 4, 10, 12, 30, tzinfo=UTC), tick=False):
        message = read(kind, lang=lang)

    assert message["From"] == "Secretariat <secretariat@example.org>"
    assert message["To"] == ("ada@example.net" if kind == "address" else "ada@example.org")
    assert message["Date"] == "Mon, 10 Apr 2017 12:30:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert message["Content-Language"] == lang
    assert {"Reply-To", "Cc", "Bcc"} & set(message.keys()) == set()
    assert sorted(set(message.keys())) == sorted(message.keys())


@of_each_kind
def test_mail_is_answered_at_the_reply_address(app, database, kind):
    desk = replace(app.extensions["desk"], reply_to="Secretariat <answers@example.org>")

    with app.test_request_context("/en/"):
        ada = build(make_answers(), lang="en", form_key="", desk=desk)
        message = compose(kind, ada, once="once", desk=desk, **FACTS.get(kind, {}))

    assert message["Reply-To"] == "Secretariat <answers@example.org>"


@pytest.mark.parametrize(
    "name",
    ["Secretariat, Progressive Alliance", "Secrétariat, Conférence", 'Secrétariat (Alliance) "PA"', "王小明"],
)
def test_sender_may_have_any_name(app, database, name):
    sender = mailbox(NameEmail(name=name, email="secretariat@example.org"))
    desk = replace(app.extensions["desk"], sender=sender, reply_to=sender)

    with app.test_request_context("/en/"):
        ada = build(make_answers(), lang="en", form_key="", desk=desk)
        message = compose("link", ada, once="once", desk=desk)

    received = message_from_bytes(message.as_bytes(), policy=SMTP)
    for header in ("From", "Reply-To"):
        (address,) = received[header].addresses
        assert (address.display_name, address.addr_spec) == (name, "secretariat@example.org")
    assert message["Message-ID"].endswith("@example.org>")


@of_each_kind
def test_mail_goes_to_the_bare_address(read, kind):
    awkward = "o'neill+list@müller.example"

    message = read(kind, **{"new" if kind == "address" else "email": awkward})

    (address,) = message["To"].addresses
    assert address.addr_spec == "o'neill+list@xn--mller-kva.example"
    assert address.display_name == ""


@of_each_kind
def test_mail_has_the_same_message_id_for_the_same_occasion(app, database, kind):
    desk = app.extensions["desk"]

    with app.test_request_context("/en/"):
        ada = build(make_answers(), lang="en", form_key="", desk=desk)
        first, again, other = (
            compose(kind, ada, once=once, desk=desk, **FACTS.get(kind, {}))
            for once in ("one", "one", "other")
        )

    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert first["Message-ID"].endswith("@example.org>")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("confirmation", *NOT_ABOUT_ONE)])
def test_mail_about_a_registration_answers_its_confirmation(read, newest, kind):
    message = read(kind)

    if kind == "erased":  # the confirmation itself is no more
        once = confirmation(Registration.get())
        first = message_id(once, message["From"])
    else:
        first = newest("confirmation")["Message-ID"]
    assert message["In-Reply-To"] == message["References"] == first != message["Message-ID"]


@pytest.mark.parametrize("kind", ["confirmation", *NOT_ABOUT_ONE])
def test_first_mail_to_somebody_answers_none(read, kind):
    message = read(kind)

    assert (message["In-Reply-To"], message["References"]) == (None, None)


def test_mails_about_two_registrations_answer_each_its_own(read, send, inbox):
    send("en", email="bo@example.org", key="another form")
    message = read("new_link", email="ada@example.org")

    first = {mail["To"]: mail["Message-ID"] for mail in inbox() if mail["In-Reply-To"] is None}
    assert message["In-Reply-To"] == first[message["To"]]


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in NOT_ABOUT_ONE])
@in_each_language
def test_mail_names_the_reference_in_its_subject_and_where_it_is_known_anyhow(read, kind, lang):
    message = read(kind, lang=lang)

    reference = Registration.get().reference
    assert reference in message["Subject"]
    for body in (text_of(message), html_of(message).get_text()):
        assert (reference in body) is bool({"name", "reference"} & KINDS[kind])


@of_each_kind
@in_each_language
def test_mail_has_nothing_that_was_typed_in_its_headers(read, kind, lang):
    typed = dict.fromkeys(("given_names", "family_name", "organisation", "function"), "Canary")

    message = read(
        kind, lang=lang, changes={"family_name": "Canary Bird"} if kind == "changed" else None, **typed
    )

    assert ("Canary" in text_of(message)) is ("name" in KINDS[kind])
    assert (": Canary Bird\r\n" in text_of(message)) is (kind == "changed")
    assert "canary" not in str(message.items()).casefold()


@of_each_kind
@in_each_language
def test_mail_holds_nothing_sensitive(read, kind, lang):
    sensitive = {
        "needs": replace(NEEDS, diet_other="Canary seed", access="Canary lift"),
        "passport": replace(PASSPORT, name="CANARY", number="CANARY9", post="Canary Islands"),
        "journey": replace(JOURNEY, arrival_flight="CANARY 1", departure_flight="CANARY 2"),
        "mobile": "+976 CANARY",
        "stay": replace(STAY, share_with="Canary Bird"),
        "extra": {"dinner": "Canary"},
    }
    travel = "later" if kind == "reminder" else "known"
    given = {"travel": travel, "hotel": "reserve", "consents": ["affiliation", "visa", "needs"]}

    if kind == "changed":
        message = read(kind, lang=lang, consents=["affiliation"], changes=given | sensitive)
    else:
        message = read(kind, lang=lang, **given, **sensitive)

    if kind not in ("erased", "late"):
        stored = Registration.get()
        planted = set(sensitive) - ({"passport"} if kind in ("cancelled", "restored") else set())
        assert {name for name in planted if "canary" not in str(getattr(stored, name)).casefold()} == set()
    assert "canary" not in everything_in(message).casefold()


@kinds_with("name")
@in_each_language
def test_mail_carries_every_name_as_it_was_typed(read, kind, lang):
    message = read(kind, lang=lang, given_names=NAME, family_name="")

    assert len(NAME) == 100
    assert NAME in text_of(message)
    assert NAME in html_of(message).get_text()
    assert html_of(message).select("b") == []


@of_each_kind
@pytest.mark.parametrize("day", [OPEN_DAY, CLOSED_DAY], ids=["before the deadline", "after it"])
def test_text_of_a_mail_has_one_empty_line_at_most_in_a_row(app, database, kind, day):
    desk = app.extensions["desk"]
    asking_less = desk.conference.model_copy(update={"leave_out": ["visa", "interpretation", "journey"]})
    clock.rehearse(day)

    texts = []
    with app.test_request_context("/en/"):
        for given, conference, facts in product(
            ({"passport": PASSPORT, "consents": ["affiliation", "visa"]}, {"travel": "none"}),
            (desk.conference, asking_less),
            (FACTS, FACTS | OTHER_FACTS),
        ):
            front = replace(desk, conference=conference)
            ada = build(make_answers(**given), lang="en", form_key="", desk=front)
            texts.append(text_of(compose(kind, ada, once="once", desk=front, **facts.get(kind, {}))))

    lines = [[line.rstrip() for line in text.splitlines()] for text in texts]
    assert [one for one in lines if one[0] == "" or one[-1] == "" or ("", "") in pairwise(one)] == []


@of_each_kind
@in_each_language
def test_mail_is_plain_ascii_in_short_lines(read, kind, lang):
    read(kind, lang=lang, given_names=NAME, family_name="")

    for mail in Mail.select():
        assert mail.message.isascii()
        assert max(map(len, mail.message.splitlines())) <= 998


@kinds_with("link")
@in_each_language
def test_link_in_the_text_opens_the_registration(read, client, kind, lang):
    text = text_of(read(kind, lang=lang))

    (link,) = [line for line in text.splitlines() if "/r/" in line]
    page = client.get(urlsplit(link).path)

    assert link.startswith(f"http://127.0.0.1:8000/{lang}/r/")
    assert page.one("html")["lang"] == lang
    assert Registration.get().reference in page.text


@pytest.mark.parametrize("kind", [kind for kind, parts in KINDS.items() if "link" not in parts])
def test_mail_without_the_private_link_does_not_hold_it_anywhere(read, kind):
    assert "/r/" not in everything_in(read(kind))


@of_each_kind
@in_each_language
def test_links_are_the_same_in_text_and_html(read, kind, lang):
    message = read(kind, lang=lang)

    in_html = {str(link["href"]) for link in html_of(message).select("a")}
    in_text = set(re.findall(r"https?://\S+", text_of(message)))
    assert in_html == in_text


@of_each_kind
@in_each_language
def test_links_lead_to_pages_of_the_service(read, app, client, kind, lang):
    message = read(kind, lang=lang)

    links = {str(link["href"]) for link in html_of(message).select("a")}
    typed = {"https://example.org/8"} if kind == "announcement" else set()
    ours = {link for link in links if link.startswith("http://127.0.0.1:8000/")}
    assert links - ours == {app.extensions["desk"].conference.website} | typed
    for link in ours:
        signed_out = "/organiser/" in link
        page = client.get(link.removeprefix("http://127.0.0.1:8000"), status=303 if signed_out else 200)
        assert signed_out or page.one("html")["lang"] == lang


@of_each_kind
@in_each_language
def test_html_of_a_mail_loads_nothing_from_elsewhere(read, kind, lang):
    html = html_of(read(kind, lang=lang))

    styles = " ".join(style.get_text() for style in html.select("style"))
    assert (
        html.select("img, link, script, iframe, object, embed, form, [src], [srcset], [background], [style]")
        == []
    )
    assert [word for word in ("url(", "@import", "http") if word in styles] == []


@of_each_kind
@in_each_language
def test_html_of_a_mail_says_its_language_and_has_a_title(read, kind, lang):
    html = html_of(read(kind, lang=lang))

    assert html.html["lang"] == lang
    assert html.title.get_text().strip()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "digest"])
@in_each_language
def test_mail_ends_with_who_wrote_it_and_where_the_privacy_notice_is(read, app, kind, lang):
    message = read(kind, lang=lang)

    conference = app.extensions["desk"].conference
    for body in (text_of(message), html_of(message).get_text()):
        assert conference.contact.name[lang] in body
        assert conference.website in body
        assert f"http://127.0.0.1:8000/{lang}/privacy" in body


def test_html_of_every_mail_passes_the_nu_checker(app, database, tmp_path):
    """The checker of the W3C, in one call: starting it costs more than what it has to read."""
    desk = app.extensions["desk"]
    for lang in LANGUAGES:
        with app.test_request_context(f"/{lang}/"):
            ada = build(make_answers(given_names=NAME), lang=lang, form_key="", desk=desk)
            for kind in KINDS:
                message = compose(kind, ada, once=kind, desk=desk, **FACTS.get(kind, {}))
                html = message.get_body(("html",)).get_content()
                (tmp_path / f"{kind}-{lang}.html").write_text(html)

    command = ["java", "-jar", NU_CHECKER, *sorted(tmp_path.iterdir())]
    judged = subprocess.run(command, capture_output=True, text=True, check=False)

    assert len(list(tmp_path.iterdir())) == len(KINDS) * len(LANGUAGES)
    assert (judged.stderr + judged.stdout, judged.returncode) == ("", 0)


def test_every_kind_of_mail_is_checked(service):
    folders = {path.name for path in (ROOT / "templates" / "mail").iterdir() if path.is_dir()}

    assert folders == set(KINDS)
