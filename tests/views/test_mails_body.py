"""GET /organiser/mails/<number>/body: the HTML of a mail, for the frame in which it is shown."""

import pytest
from support.journey import ON_SQLITE, own_page

from models import Mail

PAGE = "/organiser/mails"
pytestmark = ON_SQLITE


def body(desk_client, mail: Mail, *, status: int = 200):
    """The frame's answer as it is: it is no page of ours."""
    answer = desk_client.client.get(f"{PAGE}/{mail.id}/body")
    assert answer.status_code == status
    return answer


@pytest.mark.parametrize(("lang", "words"), [("fr", "Bonjour"), ("en", "Hello"), ("es", "Hola")])
def test_body_is_the_html_of_the_mail(desk_client, mailed, lang, words):
    mail = mailed(lang=lang)

    answer = body(desk_client, mail)

    assert answer.mimetype == "text/html"
    assert f'<html lang="{lang}"' in answer.text
    assert mail.registration.reference in answer.text


def test_body_may_be_framed_by_us_alone_and_do_nothing(desk_client, mailed):
    answer = body(desk_client, mailed())

    assert answer.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert answer.headers["Content-Security-Policy"] == (
        "sandbox; default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'"
    )
    assert answer.headers["Cache-Control"] == "no-store"


def test_body_shows_a_name_as_it_was_typed(desk_client, mailed):
    answer = body(desk_client, mailed(given_names="<b>Ada</b>"))

    assert "&lt;b&gt;Ada&lt;/b&gt;" in answer.text
    assert "<b>Ada" not in answer.text


def test_body_of_an_erased_mail_is_gone(app, desk_client, mailed):
    mail = mailed(columns={"state": "accepted"})
    body(desk_client, mail)
    desk_client.post(f"{own_page(app, mail.registration)}/erasure", {"sure": "y"}, status=303)

    body(desk_client, mail, status=410)


def test_body_whose_key_is_lost_is_gone(desk_client, passport_of_a_lost_key):
    body(desk_client, passport_of_a_lost_key, status=410)


def test_mail_without_html_has_no_body(desk_client, put):
    (mail,) = put(message="Subject: a\r\nMessage-ID: <b>\r\n\r\nText alone\r\n")

    body(desk_client, mail, status=410)


@pytest.mark.parametrize("number", [0, 99_999_999, 2**31, 2**40])
def test_body_of_an_unknown_mail_is_not_found(desk_client, number):
    desk_client.get(f"{PAGE}/{number}/body", status=404)
