"""A desk for the tests of the views: quick to open, and in English; and an outbox as a day may leave it."""

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from cryptography.fernet import Fernet, MultiFernet
from factories import PASSPORT
from flask import Flask
from support.page import PageClient

from db import connection, db
from domain import clock, organisers
from models import EncryptedField, Mail, Organiser, Registration


@pytest.fixture
def desk_client(app: Flask, client: PageClient) -> PageClient:
    """A browser in which cem, who reads English, has signed in; without a password, for scrypt is slow on purpose."""
    with connection():
        cem = Organiser.create(
            email="cem@example.org", password_hash="", roles="admin", created_at=clock.now()
        )
        token = organisers.sign_in(cem)
    with client.client.session_transaction() as session:
        session.update(_user_id=token, _fresh=True, lang="en")
    return client


@pytest.fixture
def sign_in_as(app: Flask, client: PageClient) -> Callable[[str], PageClient]:
    """A browser in which somebody with a role, or with several, has signed in; or nobody."""

    def sign_in(roles: str) -> PageClient:
        if roles != "nobody":
            with connection():
                somebody = Organiser.create(
                    email="cem@example.org", password_hash="", roles=roles, created_at=clock.now()
                )
                token = organisers.sign_in(somebody)
            with client.client.session_transaction() as session:
                session.update(_user_id=token, _fresh=True, lang="en")
        return client

    return sign_in


@pytest.fixture
def with_facts(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the conference have other facts: leave out questions, ask some of its own."""

    def change(**facts: Any) -> None:
        desk = app.extensions["desk"]
        conference = desk.conference.model_copy(update=facts)
        monkeypatch.setitem(app.extensions, "desk", replace(desk, conference=conference))

    return change


@pytest.fixture
def mailed(registered: Callable[..., Registration]) -> Callable[..., Mail]:
    """Register somebody; the confirmation, with columns of one's choice."""

    def mail(*, columns: dict[str, Any] | None = None, **answers: Any) -> Mail:
        row = registered(**answers)
        with connection():
            if columns:
                Mail.update(**columns).where(Mail.registration == row).execute()
            return Mail.select(Mail, Registration).join(Registration).where(Mail.registration == row).get()

    return mail


@pytest.fixture
def put(app: Flask) -> Callable[..., list[Mail]]:
    """Put a number of mails into the outbox: rows alone, with columns of one's choice."""
    numbers = count(1)

    def put(how_many: int = 1, **columns: Any) -> list[Mail]:
        now = clock.now()
        usual = {
            "kind": "late",
            "language": "en",
            "recipient": "bo@example.org",
            "message": "Subject: a\n\nb",
        }
        usual |= {"state": "accepted", "due_at": now, "created_at": now}
        names = [f"put {next(numbers)}" for _ in range(how_many)]
        with connection():
            Mail.insert_many(
                [usual | {"once": name, "message_id": name} | columns for name in names]
            ).execute()
            return list(Mail.select().where(Mail.once.in_(names)).order_by(Mail.id))

    return put


@pytest.fixture
def passport_of_a_lost_key(mailed: Callable[..., Mail]) -> Mail:
    """A mail that failed, and a registration with a passport; the key of neither is known any more."""
    mail = mailed(columns={"state": "failed"}, passport=PASSPORT, consents=["affiliation", "visa"])
    stranger = MultiFernet([Fernet(Fernet.generate_key())])
    with connection():
        for table, column, number in (
            ("mail", "message", mail.id),
            ("registration", "passport", mail.registration_id),
        ):
            lost = stranger.encrypt(b'"lost"').decode()
            db.execute_sql(f"UPDATE {table} SET {column} = '{lost}' WHERE id = {number}")
    return mail


@pytest.fixture
def lost_keys(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Put another key in the place of the field keys, as after a restart with wrong settings."""
    other = MultiFernet([Fernet(Fernet.generate_key())])
    return lambda: monkeypatch.setattr(EncryptedField, "keys", other)
