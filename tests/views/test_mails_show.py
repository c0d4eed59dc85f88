"""GET /organiser/mails/<number>: one mail as it was sent, why it failed, and what can be done about it."""

import json
import re
from datetime import timedelta

import pytest
from factories import make_answers
from support.journey import ON_SQLITE, amend, own_page, stored

from db import connection
from domain import clock, late, registration
from models import AuditEntry, Mail, Organiser

PAGE = "/organiser/mails"
NO_SUCH_MAILBOX = "550 5.1.1 No such user here"
GONE = "Its words have been erased, or can no longer be read."


def shown(page) -> dict[str, str]:
    pairs = zip(page.select("dt"), page.select("dd"), strict=True)
    return {question.get_text(): " ".join(answer.stripped_strings) for question, answer in pairs}


@ON_SQLITE
def test_mail_is_shown_as_it_was_sent(desk_client, mailed):
    mail = mailed(
        email="ada@example.org", lang="fr", columns={"state": "accepted", "accepted_at": clock.now()}
    )

    page = desk_client.get(f"{PAGE}/{mail.id}")

    facts = shown(page)
    assert page.texts("h1") == ["Confirmation"]
    assert page.texts("title") == ["Mail – Organisers"]
    assert (facts["To"], facts["Attempts"]) == ("ada@example.org", "0")
    assert facts["Delegate"] == f"Ada Lovelace · {mail.registration.reference}"
    assert facts["State"].startswith("Accepted by the mail server 10 April 2017")
    assert facts.keys() == {"To", "Delegate", "State", "Written on", "Attempts"}
    assert page.one("#message-title").text == "The mail as it was sent"
    assert mail.registration.reference in page.one("strong[lang=fr]").text
    assert "Attached: conference.ics" in page.texts("section p")
    assert page.one("pre[lang=fr]").text.lstrip().startswith("Bonjour")


@ON_SQLITE
def test_frame_shows_the_html_and_the_page_allows_no_other(desk_client, mailed):
    mail = mailed()

    page = desk_client.get(f"{PAGE}/{mail.id}")

    frame = page.one("iframe")
    usual = desk_client.get(PAGE).headers["Content-Security-Policy"]
    assert (frame["src"], frame["sandbox"]) == (f"{PAGE}/{mail.id}/body", [])  # it may do nothing
    assert page.headers["Content-Security-Policy"] == f"{usual}; frame-src 'self'"
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "frame-src" not in usual


@ON_SQLITE
@pytest.mark.parametrize(
    ("state", "title"),
    [
        ("accepted", "The mail as it was sent"),
        ("queued", "The mail as it will be sent"),
        ("sending", "The mail as it will be sent"),
        ("retrying", "The mail as it will be sent"),
        ("failed", "The mail"),
    ],
)
def test_buttons_fit_the_state(desk_client, mailed, state, title):
    mail = mailed(columns={"state": state})

    page = desk_client.get(f"{PAGE}/{mail.id}")

    is_in_trouble = state in ("retrying", "failed")
    assert page.one("#message-title").text == title
    assert ("Next attempt" in shown(page)) is (state in ("queued", "retrying"))
    assert bool(page.select(f"form[action='{PAGE}/{mail.id}/retries']")) is is_in_trouble
    assert bool(page.select(f"form[action='{PAGE}/{mail.id}/address']")) is is_in_trouble


@ON_SQLITE
@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("fr", "Le serveur de messagerie dit que cette boîte n’existe pas."),
        ("en", "The mail server says that there is no such mailbox."),
        ("es", "El servidor de correo dice que ese buzón no existe."),
    ],
)
def test_reason_is_told_in_plain_words_and_in_those_of_the_server(desk_client, mailed, lang, words):
    mail = mailed(columns={"state": "failed", "error": NO_SUCH_MAILBOX})

    page = desk_client.get(f"{PAGE}/{mail.id}?lang={lang}")

    assert words in [" ".join(answer.find_all(string=True, recursive=False)) for answer in page.select("dd")]
    assert page.texts("dd samp") == [NO_SUCH_MAILBOX]


# Private links

TOKEN = re.compile(r"(?:/r/|/address/|late=)([\w.-]{20,})")


@pytest.fixture
def every_kind(app, client, registered) -> dict[str, Mail]:
    """The newest mail of each kind there is."""
    row, other = registered(email="ada@example.org"), registered(email="bo@example.org")
    desk = app.extensions["desk"]
    own = own_page(app, row)
    amend(client, f"{own}/edit", {"email": "ada@new.example"})
    with app.test_request_context("/"), connection():
        registration.register(make_answers(email="bo@example.org"), lang="en", key="later", desk=desk)
        late.make("eve@example.org", lang="en", organiser=None, desk=desk)
        registration.send_link("bo@example.org", lang="en", desk=desk)
        registration.renew_link(other, desk=desk)
        registration.cancel(other, "", desk=desk)
        registration.restore(other, desk=desk)
        row = type(row).get_by_id(row.id)
        registration.move(row, row.pending_email, desk=desk)
    return {mail.kind: mail for mail in stored(Mail)}


@ON_SQLITE
def test_no_private_link_is_shown_of_any_mail(desk_client, every_kind):
    carrying = {kind for kind, mail in every_kind.items() if TOKEN.search(plain(mail))}
    tokens = {token for mail in every_kind.values() for token in TOKEN.findall(plain(mail))}

    pages = {
        kind: [desk_client.client.get(f"{PAGE}/{mail.id}{part}").text for part in ("", "/body")]
        for kind, mail in every_kind.items()
    }

    assert carrying == {
        "confirmation", "repeat", "link", "new_link", "changed", "address", "cancelled", "restored", "late",
    }  # fmt: skip
    assert carrying == set(pages) - {"moved"}
    shown = "".join(text for both in pages.values() for text in both)
    assert [token for token in tokens if token in shown or token[:20] in shown] == []
    for kind in carrying:
        assert [len(re.findall(r"(?:/r/|/address/|late=)…", text)) >= 1 for text in pages[kind]] == [
            True,
            True,
        ]


def plain(mail: Mail) -> str:
    """A mail without the line breaks and signs of its transport."""
    return mail.message.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=")


# What is gone


@ON_SQLITE
def test_mail_that_was_erased_says_so_and_cannot_be_sent_again(app, desk_client, mailed):
    sent = mailed(email="ada@example.org", columns={"state": "accepted"})
    path = f"{PAGE}/{sent.id}"
    before = desk_client.get(path)
    desk_client.post(f"{own_page(app, sent.registration)}/erasure", {"sure": "y"}, status=303)

    page = desk_client.get(path)

    assert GONE not in before.text
    assert "Lovelace" in before.text
    assert page.texts("[aria-labelledby=message-title] p") == [GONE]
    assert shown(page).keys() == {"State", "Written on", "Attempts"}
    assert page.select("main form, iframe") == []
    assert "Lovelace" not in page.text


@ON_SQLITE
def test_mail_whose_key_is_lost_says_so(desk_client, passport_of_a_lost_key):
    page = desk_client.get(f"{PAGE}/{passport_of_a_lost_key.id}")

    assert page.texts("[aria-labelledby=message-title] p") == [GONE]
    assert shown(page)["To"] == passport_of_a_lost_key.recipient
    assert page.select("iframe") == []


@pytest.mark.parametrize("number", [0, 99_999_999, 2**31 - 1])
def test_unknown_mail_is_not_found(desk_client, mailed, number):
    mailed()

    page = desk_client.get(f"{PAGE}/{number}", status=404)

    assert page.texts(".prose__lede") == ["There is no such mail."]


@ON_SQLITE
@pytest.mark.parametrize("number", [2**31, 2**40, 10**30])
def test_number_that_no_column_holds_is_not_found(desk_client, number):
    desk_client.get(f"{PAGE}/{number}", status=404)


# The log


@ON_SQLITE
def test_each_look_is_logged_without_the_address(desk_client, mailed):
    mail = mailed(email="ada@example.org")

    for _ in range(2):
        desk_client.get(f"{PAGE}/{mail.id}")

    *_, one, other = stored(AuditEntry)
    assert one.action == other.action == "mail.viewed"
    assert one.details == other.details == {"mail": mail.id}
    assert (one.organiser_id, one.registration_id) == (stored(Organiser)[0].id, mail.registration_id)
    assert "ada" not in json.dumps([entry.details for entry in stored(AuditEntry)])


@ON_SQLITE
def test_look_at_a_mail_without_a_registration_is_logged(desk_client, put):
    (mail,) = put()

    desk_client.get(f"{PAGE}/{mail.id}")

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.registration_id, entry.details) == ("mail.viewed", None, {"mail": mail.id})


@ON_SQLITE
def test_name_is_shown_as_it_was_typed(desk_client, mailed):
    mail = mailed(given_names="<b>Ada</b>", family_name='"&amp;')

    page = desk_client.get(f"{PAGE}/{mail.id}")

    assert shown(page)["Delegate"].startswith('<b>Ada</b> "&amp; · ')
    assert '<b>Ada</b> "&amp;' in page.one("pre").text
    assert page.select("main b") == []


@ON_SQLITE
def test_mail_that_waits_says_until_when(desk_client, mailed):
    mail = mailed(
        columns={"state": "queued", "due_at": clock.now() + timedelta(days=1), "error": "daily limit"}
    )

    page = desk_client.get(f"{PAGE}/{mail.id}")

    assert shown(page)["Next attempt"].startswith("11 April 2017")
    assert shown(page)["Why"].startswith(
        "This address has had many mails today; this one waits for a day to pass."
    )
