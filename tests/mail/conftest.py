"""The mails that a registration causes, as the mail server gets them."""

import email
from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from factories import make_answers
from flask import Flask

from domain.registration import register
from models import Mail


@pytest.fixture
def send(app: Flask, database: None) -> Callable[..., None]:
    """Send the form as ada fills it in."""

    def send(lang: str, *, key: str = "a form", **answers: Any) -> None:
        with app.test_request_context(f"/{lang}/registration"):
            register(make_answers(**answers), lang=lang, key=key, desk=app.extensions["desk"])

    return send


@pytest.fixture
def inbox(database: None) -> Callable[[], list[EmailMessage]]:
    """What has been mailed, oldest first, as a mail program reads it."""

    def read() -> list[EmailMessage]:
        stored = Mail.select().order_by(Mail.id)
        return [email.message_from_string(mail.message, policy=SMTP) for mail in stored]

    return read


@pytest.fixture
def read(send: Callable[..., None], inbox: Callable[[], list[EmailMessage]]) -> Callable[..., EmailMessage]:
    """The mail of a kind that ada gets: the confirmation of her form, or the answer to a later one."""

    def read(kind: str, *, lang: str = "en", **answers: Any) -> EmailMessage:
        send(lang, **answers)
        if kind == "repeat":
            send(lang, key="a later form", **answers)
        return inbox()[-1]

    return read
