"""The application, its clients, its databases and its clock. No test data here: see factories.py."""

import os
import socket
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from factories import make_answers, next_address
from flask import Flask
from support.emptying import empty_tables
from support.page import PageClient
from support.postgresql import postgresql_server
from support.smtp import Authority
from werkzeug.security import generate_password_hash

import config
from app import create_app
from db import connection, db
from domain import clock, organisers
from domain.registration import register
from models import Organiser, Registration
from security import limiter

SECRET_KEY = "a-secret-key-of-the-tests-0123456789-abcdef"
FIELD_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OPEN_DAY = date(2017, 4, 10)
CLOSED_DAY = date(2017, 5, 10)
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session", autouse=True)
def no_settings_of_the_machine() -> Iterator[None]:
    """Take the CONVOKE_ variables of whoever runs the tests out of the environment."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(config.PREFIX)}
    yield
    os.environ.update(kept)


@pytest.fixture(scope="session", autouse=True)
def quick_passwords() -> Iterator[None]:
    """Hash passwords in a thirtieth of the time: scrypt is slow on purpose, and the tests do it some thousand times."""
    with pytest.MonkeyPatch.context() as patch:
        quick = partial(generate_password_hash, method="scrypt:1024:8:1")
        patch.setattr(organisers, "generate_password_hash", quick)
        patch.setattr(organisers, "NOBODY", quick(organisers.new_password()))
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The address of a database on a PostgreSQL server of our own."""
    with postgresql_server() as address:
        yield address


@pytest.fixture(scope="session")
def make_settings(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., config.Settings]:
    """Settings of a rehearsal that touches nothing but a folder of its own."""

    def make(**overrides: Any) -> config.Settings:
        folder = tmp_path_factory.mktemp("convoke")
        given = {
            "mode": "rehearsal",
            "secret_key": [SECRET_KEY],
            "field_keys": [FIELD_KEY],
            "public_url": "http://127.0.0.1:8000",
            "database_url": f"sqlite:///{folder}/convoke.db",
            "mail_url": f"file://{folder}/mail",
            "mail_from": "Secretariat <secretariat@example.org>",
            "rehearsal_date": OPEN_DAY,
        }
        return config.load(_env_file=None, **given | overrides)

    return make


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def service(request: pytest.FixtureRequest, make_settings: Callable[..., config.Settings]) -> Iterator[Flask]:
    """The application, once on each database."""
    overrides = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("postgresql")}
    yield create_app(make_settings(**overrides))
    db.obj.close_all()


@pytest.fixture
def app(service: Flask) -> Iterator[Flask]:
    """The application with an empty database, an untouched clock and no rate limit used up."""
    with connection():
        empty_tables()
    limiter.reset()
    clock.rehearse(OPEN_DAY)
    yield service
    clock.rehearse(OPEN_DAY)


@pytest.fixture
def client(app: Flask) -> PageClient:
    return PageClient(app)


@pytest.fixture
def database(app: Flask) -> Iterator[None]:
    """A connection for the test itself."""
    with connection():
        yield


@pytest.fixture
def after_the_deadline(app: Flask) -> None:
    clock.rehearse(CLOSED_DAY)


@pytest.fixture
def registered(app: Flask) -> Callable[..., Registration]:
    """Register somebody through the front desk; without an address of their own they get a fresh one."""

    def make(*, lang: str = "en", key: str = "", **answers: Any) -> Registration:
        answers.setdefault("email", next_address())
        with app.test_request_context(f"/{lang}/registration"), connection():
            given = make_answers(**answers)
            reference = register(given, lang=lang, key=key or given.email, desk=app.extensions["desk"])
            return Registration.get(Registration.reference == reference)

    return make


@pytest.fixture
def organiser(app: Flask) -> Organiser:
    """cem, of the secretariat."""
    with connection():
        return organisers.add("cem@example.org", PASSWORD, roles=["admin"])


@pytest.fixture
def desk_client(organiser: Organiser, client: PageClient) -> PageClient:
    """A browser in which cem has signed in."""
    page = client.get("/organiser/session")
    data = {"csrf_token": page.value("csrf_token"), "email": organiser.email, "password": PASSWORD}
    client.post("/organiser/session", data, status=303)
    return client


@pytest.fixture
def run(app: Flask) -> Callable[..., Result]:
    """Run `flask …` and check its exit code."""
    runner = app.test_cli_runner()

    def run(*arguments: str | Path, code: int = 0) -> Result:
        result = runner.invoke(args=[str(argument) for argument in arguments])
        assert result.exit_code == code, result.output
        return result

    return run


@pytest.fixture(scope="session")
def free_port() -> Callable[[], int]:
    def find() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return find


@pytest.fixture
def port(free_port: Callable[[], int]) -> int:
    return free_port()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Who certifies the mail servers of the tests."""
    return Authority(tmp_path_factory.mktemp("authority"))
