"""The mails that come of a registration, as the mail server gets them."""

import email
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest
from factories import make_answers
from flask import Flask

from domain import announcements, clock, daily, late
from domain.answers import answers_of
from domain.desk import Desk
from domain.registration import amend, cancel, erase, move, register, renew_link, restore, send_link
from forms import RegistrationForm
from models import Mail, Organiser, Registration

NEW = "ada@example.net"
REASON = "Canary flu"


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
def happen(app: Flask, database: None) -> Callable[..., None]:
    """Let happen to ada's registration, or to her address, what a mail of a kind tells of."""

    def happen(
        kind: str,
        *,
        lang: str = "en",
        address: str = "ada@example.org",
        new: str = NEW,
        changes: dict[str, Any] | None = None,
    ) -> None:
        desk = app.extensions["desk"]
        row = Registration.select().order_by(Registration.id).first()
        with app.test_request_context(f"/{lang}/registration"):
            if kind == "late":
                late.make(address, lang=lang, organiser=None, desk=desk)
            if kind == "announcement":
                announce(desk)
            if kind == "link":
                send_link(address, lang=lang, desk=desk)
            if kind == "new_link":
                renew_link(row, desk=desk)
            if kind in ("changed", "address", "moved"):
                answers = answers_of(row)
                changes = changes or ({"function": "President"} if kind == "changed" else {"email": new})
                describe = RegistrationForm.showing(replace(answers, **changes), desk.conference).describe
                amend(
                    row,
                    replace(answers, **changes),
                    sequence=row.sequence,
                    lang=lang,
                    describe=describe,
                    desk=desk,
                )
            if kind == "moved":
                move(row, row.pending_email, desk=desk)
            if kind in ("cancelled", "restored"):
                cancel(row, REASON, desk=desk)
            if kind == "restored":
                restore(row, desk=desk)
            if kind == "erased":
                erase(row, is_blocking=False, desk=desk)
            if kind == "reminder":
                daily.write_reminders(desk.conference.daily_round.reminders[0], desk)
            if kind == "digest":
                Organiser.create(email=address, password_hash="", language=lang, created_at=clock.now())
                daily.write_digests(clock.today() + timedelta(days=1), desk)

    return happen


def announce(desk: Desk) -> None:
    """Write to everybody, in each language."""
    organiser = Organiser.create(email="cem@example.org", password_hash="", created_at=clock.now())
    subject = {"fr": "Navettes", "en": "Shuttles", "es": "Lanzaderas"}
    draft = announcements.draft(
        subject, dict.fromkeys(subject, "https://example.org/8"), search="", organiser=organiser
    )
    announcements.send(
        draft, number=announcements.count(""), version=announcements.version_of(draft), organiser=organiser
    )
    announcements.prepare_some(desk)


@pytest.fixture
def newest(database: None) -> Callable[[str], EmailMessage]:
    """The newest mail of a kind, as a mail program reads it."""

    def newest(kind: str) -> EmailMessage:
        mail = Mail.select().where(Mail.kind == kind).order_by(Mail.id.desc()).get()
        return email.message_from_string(mail.message, policy=SMTP)

    return newest


@pytest.fixture
def read(
    send: Callable[..., None], happen: Callable[..., None], newest: Callable[[str], EmailMessage]
) -> Callable[..., EmailMessage]:
    """The mail of a kind that ada gets: the confirmation of her form, or what she hears later."""

    def read(
        kind: str, *, lang: str = "en", new: str = NEW, changes: dict[str, Any] | None = None, **answers: Any
    ) -> EmailMessage:
        if kind != "late":
            send(lang, **answers)
        if kind == "repeat":
            send(lang, key="a later form", **answers)
        address = answers.get("email", "ada@example.org")
        happen(kind, lang=lang, address=address, new=new, changes=changes)
        return newest(kind)

    return read


@pytest.fixture
def leave_out(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the conference leave out some of its questions."""

    def leave_out(*questions: str) -> None:
        desk = app.extensions["desk"]
        conference = desk.conference.model_copy(update={"leave_out": list(questions)})
        monkeypatch.setitem(app.extensions, "desk", replace(desk, conference=conference))

    return leave_out
