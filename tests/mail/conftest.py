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
def mailed(send: Callable[..., None]) -> Callable[..., Mail]:
    """The mail of a kind that ada gets: the confirmation of her form, or the answer to a later one."""

    def mail(kind: str, *, lang: str = "en", **answers: Any) -> Mail:
        send(lang, **answers)
        if kind == "repeat":
            send(lang, key="a later form", **answers)
        return Mail.get(Mail.kind == kind)

    return mail


@pytest.fixture
def read(mailed: Callable[..., Mail]) -> Callable[..., EmailMessage]:
    """The same, as a mail program reads it."""
    return lambda kind, **given: parse(mailed(kind, **given))


def parse(mail: Mail) -> EmailMessage:
    return email.message_from_string(mail.message, policy=SMTP)
