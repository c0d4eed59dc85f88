"""The front desk without Flask, and a quick way onto the list."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from factories import make_answers, next_address

from config import ROOT
from db import connection
from domain import clock
from domain import conference as conferences
from domain.answers import answers_of, index
from domain.conference import Conference
from domain.desk import Desk
from domain.registration import amend, build, register
from models import Registration


@pytest.fixture(scope="session")
def conference() -> Conference:
    return conferences.load(ROOT / "conferences" / "oulan-bator-2017")


@pytest.fixture(scope="session")
def desk(conference: Conference) -> Desk:
    """A desk whose addresses need no routes."""
    return Desk(
        conference=conference,
        sender="Secretariat <secretariat@example.org>",
        reply_to=None,
        link=lambda registration, lang: f"https://convoke.example/{lang}/r/{registration.public_id}",
        new_address=lambda registration, lang: (
            f"https://convoke.example/{lang}/address/{registration.public_id}"
        ),
        late_link=lambda link: f"https://convoke.example/{link.language}/late/{link.public_id}",
        home=lambda lang: f"https://convoke.example/{lang}/",
        list_page=lambda: "https://convoke.example/organiser/registrations",
    )


@pytest.fixture
def noon(database: None) -> Iterator[time_machine.Traveller]:
    """Time stands still at noon of 10 April 2017, until a test moves it."""
    clock.rehearse(None)
    with time_machine.travel(datetime(2017, 4, 10, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def send(database: None, desk: Desk) -> Callable[..., str]:
    """Send the form as ada fills it in; returns the reference."""

    def send(*, lang: str = "en", key: str = "a form", late_link: str | None = None, **answers: Any) -> str:
        return register(make_answers(**answers), lang=lang, key=key, desk=desk, late_link=late_link)

    return send


@pytest.fixture
def stored(send: Callable[..., str]) -> Callable[..., Registration]:
    """Register somebody through the front desk; the row as the next request reads it."""

    def store(**given: Any) -> Registration:
        return Registration.get(Registration.reference == send(**given))

    return store


@pytest.fixture
def ada(stored: Callable[..., Registration]) -> Registration:
    """ada, who has just registered."""
    return stored(email="ada@example.org")


@pytest.fixture
def change(database: None, desk: Desk) -> Callable[..., bool]:
    """Change some answers of a registration as its edit page shows them; the mail lists them by their names."""

    def change(
        registration: Registration, *, sequence: int | None = None, lang: str = "en", **answers: Any
    ) -> bool:
        answers.setdefault("email", registration.pending_email or registration.email)
        given = replace(answers_of(registration), **answers)
        seen = registration.sequence if sequence is None else sequence
        return amend(registration, given, sequence=seen, lang=lang, describe=sorted, desk=desk)

    return change


@pytest.fixture
def listed(database: None, desk: Desk) -> Callable[..., Registration]:
    """Put somebody on the list: the row alone, with columns of one's choice, without mail or log entry."""

    def put(*, columns: dict[str, Any] | None = None, **answers: Any) -> Registration:
        answers.setdefault("email", next_address())
        row = build(make_answers(**answers), lang="en", form_key=answers["email"], desk=desk)
        for name, value in (columns or {}).items():
            setattr(row, name, value)
        index(row)
        row.save(force_insert=True)
        return row

    return put


@pytest.fixture
def together(database: None) -> Callable[..., list[Any]]:
    """Make calls at the same moment, each in a thread with a connection of its own; returns their answers in order."""

    def run(*calls: Callable[[], Any]) -> list[Any]:
        start = threading.Barrier(len(calls), timeout=10)

        def one(call: Callable[[], Any]) -> Any:
            with connection():
                start.wait()
                return call()

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(one, calls))

    return run
