"""GET and POST /<lang>/registration/link: the private link once more, into the mailbox alone."""

import pytest
from conftest import CLOSED_DAY
from support.journey import FORM, HTMX, ON_SQLITE, again, everything, own_page, stored

from db import connection
from domain import clock
from domain.conference import LANGUAGES
from models import AuditEntry, Mail

LINK = f"{FORM}/link"


@pytest.mark.parametrize("lang", LANGUAGES)
@ON_SQLITE
def test_form_asks_for_the_address(client, lang):
    page = client.get(f"/{lang}/registration/link")

    assert page.one("html")["lang"] == lang
    assert page.value("email") == ""
    assert page.select("#summary") == []
    assert "Set-Cookie" not in page.headers


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [({}, "Location", 303), (HTMX, "HX-Redirect", 204)],
    ids=["plain", "htmx"],
)
def test_link_goes_to_whoever_is_registered(app, client, registered, headers, address, status):
    row = registered(email="ada@example.org")

    page = client.post(LINK, {"email": " ADA@example.org "}, headers=headers, status=status)

    assert page.headers[address] == f"{LINK}/sent"
    mail = stored(Mail)[-1]
    assert (mail.kind, mail.recipient) == ("link", "ada@example.org")
    assert own_page(app, row) in mail.message.replace("=\n", "").replace("=\r\n", "")
    assert stored(AuditEntry)[-1].action == "registration.link_requested"
    assert again(row).link_version == row.link_version


def test_unknown_address_gets_the_same_answer_and_no_mail(client, registered):
    registered(email="ada@example.org")

    known, unknown = (
        client.post(LINK, {"email": f"{name}@example.org"}, status=303) for name in ("ada", "eve")
    )

    assert known.headers["Location"] == unknown.headers["Location"]
    assert [(mail.kind, mail.recipient) for mail in stored(Mail)][1:] == [("link", "ada@example.org")]


def test_link_of_a_cancelled_registration_goes_out_too(app, client, registered):
    row = registered(email="ada@example.org")
    client.post(f"{own_page(app, row)}/cancellation", {}, status=303)

    client.post(LINK, {"email": "ada@example.org"}, status=303)

    assert stored(Mail)[-1].kind == "link"


def test_link_of_an_erased_registration_does_not(app, client, registered):
    row = registered(email="ada@example.org")
    client.post(f"{own_page(app, row)}/erasure", {"sure": "y"}, status=303)
    with connection():
        Mail.delete().execute()

    client.post(LINK, {"email": "ada@example.org"}, status=303)

    assert stored(Mail) == []


def test_link_goes_out_after_the_deadline(client, registered):
    registered(email="ada@example.org")
    clock.rehearse(CLOSED_DAY)

    client.post(LINK, {"email": "ada@example.org"}, status=303)

    assert stored(Mail)[-1].kind == "link"


@ON_SQLITE
@pytest.mark.parametrize(
    ("typed", "error"),
    [
        ("", "Enter your e-mail address"),
        (None, "Enter your e-mail address"),
        ("ada", "Enter an e-mail address such as name@example.org"),
        ("ada@example.org, bo@example.org", "Enter an e-mail address such as name@example.org"),
        (f"{'a' * 255}@example.org", "Shorten this to 254 characters or fewer"),
    ],
    ids=["empty", "missing", "no address", "two", "long"],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_what_is_no_address_is_reported(client, registered, typed, error, headers):
    registered(email="ada@example.org")
    before = everything()

    page = client.post(LINK, {"email": typed} if typed is not None else {}, headers=headers, status=422)

    assert page.texts("#email-error") == [error]
    assert [(link["href"], link.get_text()) for link in page.select("#summary a")] == [("#email", error)]
    assert page.value("email") == (typed or "")
    assert page.texts("title")[0].startswith("Error: ")
    assert ("<html" in page.text) == (not headers)
    assert everything() == before
