"""The database is out (full, locked, gone): nothing is lost, nothing is half stored, all goes on by itself."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest
from conftest import PASSWORD
from factories import PASSPORT, typed, typed_with_visa
from support.journey import (
    FORM,
    HTMX,
    again,
    amended,
    as_typed,
    check,
    everything,
    lists,
    own_page,
    send,
    sign_in,
    stored,
)
from werkzeug.datastructures import MultiDict

from db import connection, db
from domain import late
from models import AuditEntry, Consent, Mail, Registration
from security import late_token

LIST = "/organiser/registrations"
MAILS = "/organiser/mails"
LINK = f"{FORM}/link"
OUT = (
    "The service is unavailable for a moment. Nothing was stored, and your answers are still here: please send them "
    "again in a minute."
)


@contextmanager
def pragma(name: str, value: int, usual: int) -> Iterator[None]:
    """Every connection to SQLite with another setting, for a while."""
    db.obj.close_all()
    with connection():
        db.pragma(name, value, permanent=True)
    yield
    with connection():
        db.pragma(name, usual, permanent=True)


@contextmanager
def locked() -> Iterator[None]:
    """Another program holds the write lock for longer than anybody waits."""
    with (
        pragma("busy_timeout", 50, 15_000),
        closing(sqlite3.connect(db.database, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        yield


@contextmanager
def full() -> Iterator[None]:
    """The file has no free page and may not grow by one: what SQLite sees when the disk is full."""
    with connection():
        db.execute_sql("VACUUM")
    with pragma("max_page_count", 1, 2**30):
        yield


@contextmanager
def gone() -> Iterator[None]:
    """PostgreSQL has ended every session and answers nobody: what clients see when it stops."""
    folder = Path(db.connect_params["host"])
    door, elsewhere = folder / ".s.PGSQL.5432", folder / ".s.PGSQL.5433"
    door.rename(elsewhere)
    with psycopg.connect(
        host=str(folder), port=5433, user="convoke", dbname="postgres", autocommit=True
    ) as server:
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'convoke'")
    yield
    elsewhere.rename(door)


def on(database: str, outage):
    return pytest.param(database, outage, id=outage.__name__)


EVERY_OUTAGE = pytest.mark.parametrize(
    ("service", "outage"),
    [on("sqlite", locked), on("sqlite", full), on("postgresql", gone)],
    indirect=["service"],
)
LOCKED_OR_GONE = pytest.mark.parametrize(
    ("service", "outage"), [on("sqlite", locked), on("postgresql", gone)], indirect=["service"]
)
GONE = pytest.mark.parametrize(("service", "outage"), [on("postgresql", gone)], indirect=["service"])


@EVERY_OUTAGE
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_form_keeps_everything_in_an_outage_and_succeeds_when_it_is_over(app, client, outage, headers):
    fields = typed_with_visa(sessions=["asia"], access_needs="Step-free route", consent_needs="y")
    form = check(client, fields).hidden_fields() | {"step": "send"}

    with outage():
        page = client.post(FORM, form, headers=headers, status=503)

    assert page.texts("h1") == ["Check your answers"]
    assert len(page.texts("[role=alert]:not([hidden])")) == 1
    assert page.headers["Retry-After"] == "30"
    assert page.hidden_fields() | {"step": "send"} == form
    assert [stored(table) for table in (Registration, Consent, Mail, AuditEntry)] == [[], [], [], []]

    client.post(
        FORM, page.hidden_fields() | {"step": "send"}, headers=headers, status=204 if headers else 303
    )

    assert [row.email for row in stored(Registration)] == ["ada@example.org"]
    assert [mail.kind for mail in stored(Mail)] == ["confirmation"]


@EVERY_OUTAGE
def test_repeat_keeps_everything_in_an_outage_too(app, client, registered, outage):
    registered(email="ada@example.org")
    form = check(client, typed_with_visa()).hidden_fields() | {"step": "send"}

    with outage():
        client.post(FORM, form, status=503)
    assert [mail.kind for mail in stored(Mail)] == ["confirmation"]
    client.post(FORM, form, status=303)

    assert [mail.kind for mail in stored(Mail)] == ["confirmation", "repeat"]


@EVERY_OUTAGE
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_edit_page_keeps_everything_in_an_outage_and_succeeds_when_it_is_over(
    app, client, registered, outage, headers
):
    row = registered(passport=PASSPORT, consents=["affiliation", "visa"])
    path = f"{own_page(app, row)}/edit"
    fields = amended(
        client.get(path), function="President", passport_number="99X888777", mobile="+33 6 12 34"
    )
    before = everything()

    with outage():
        page = client.post(path, fields, headers=headers, status=503)

    assert page.texts("[role=alert]:not([hidden])") == [OUT]
    assert page.headers["Retry-After"] == "30"
    assert as_typed(page) == lists(fields)
    assert page.value("sequence") == "0"
    assert everything() == before

    client.post(path, amended(page), headers=headers, status=204 if headers else 303)

    after = again(row)
    assert (after.function, after.passport["number"], after.sequence) == ("President", "99X888777", 1)
    assert [mail.kind for mail in stored(Mail)] == ["confirmation", "changed"]


@EVERY_OUTAGE
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_wish_for_a_link_keeps_the_address_in_an_outage(app, client, registered, outage, headers):
    registered(email="ada@example.org")

    with outage():
        page = client.post(LINK, {"email": "ada@example.org"}, headers=headers, status=503)

    assert page.texts("[role=alert]:not([hidden])") == [OUT]
    assert page.headers["Retry-After"] == "30"
    assert page.value("email") == "ada@example.org"
    assert [mail.kind for mail in stored(Mail)] == ["confirmation"]

    client.post(LINK, {"email": page.value("email")}, headers=headers, status=204 if headers else 303)

    assert [mail.kind for mail in stored(Mail)] == ["confirmation", "link"]


@GONE
@pytest.mark.parametrize("step", ["check", "send"])
def test_late_form_keeps_everything_while_its_link_cannot_be_looked_up(
    app, client, after_the_deadline, outage, step
):
    with app.test_request_context("/"), connection():
        token = late_token(
            late.make("bo@example.org", lang="en", organiser=None, desk=app.extensions["desk"])
        )
    form = typed(email="bo@example.org", late=token)
    if step == "send":
        form = MultiDict(check(client, form).hidden_fields())
    form["step"] = step

    with outage():
        page = client.post(FORM, form, status=503)

    assert page.texts("[role=alert]:not([hidden])") == [OUT]
    assert page.headers["Retry-After"] == "30"
    assert as_typed(page) == lists(form)
    assert stored(Registration) == []

    send(client, MultiDict(as_typed(page) | {"late": page.value("late")}))

    assert [row.is_late for row in stored(Registration)] == [True]


@LOCKED_OR_GONE
@pytest.mark.parametrize(
    "button", ["confirmation", "cancellation", "consents", "link", "erasure", "data.json"]
)
def test_button_of_the_own_page_does_nothing_in_an_outage(app, client, registered, outage, button):
    path = f"{own_page(app, registered(consents=['affiliation', 'list']))}/{button}"
    fields = {"kind": "list", "sure": "y"}
    before = everything()

    with outage():
        page = client.post(path, fields, status=503)

    assert page.texts("h1") == ["The service is unavailable for a moment"]
    assert page.headers["Retry-After"] == "30"
    assert everything() == before
    assert client.client.post(path, data=fields).status_code in (200, 303)
    assert everything() != before


@EVERY_OUTAGE
def test_form_can_be_filled_in_and_checked_in_an_outage(app, client, outage):
    fields = typed_with_visa(passport_number="12E34567")

    with outage():
        client.get(FORM)
        client.get("/en/")
        form = client.post(FORM, fields | {"step": "edit"})
        page = check(client, fields)

    assert as_typed(form)["passport_name"] == ["ADA LOVELACE"]
    assert page.texts("h1") == ["Check your answers"]


@GONE
def test_pages_behind_the_database_say_that_it_is_out_and_come_back_by_themselves(
    app, client, organiser, registered, outage
):
    row = registered()
    sign_in(client, organiser.email, PASSWORD)
    with connection():
        mail = Mail.get()
        Mail.update(
            state="failed"
        ).execute()  # every page of the organisers warns of it, when there is a database
    mails = [MAILS, f"{MAILS}/{mail.id}", "/organiser/late-links"]
    pages = [LIST, f"{LIST}/{row.reference}", *mails, "/organiser/session?lang=en", own_page(app, row)]

    with outage():
        out = [client.get(path, status=503) for path in pages]
        client.get("/readyz", status=503)

    assert {page.texts("h1")[0] for page in out} == {"The service is unavailable for a moment"}
    assert {page.headers["Retry-After"] for page in out} == {"30"}
    assert [row.email in page.text for page in out] == [False] * len(pages)
    assert {client.client.get(path).status_code for path in (*pages, "/readyz")} == {200}


@GONE
def test_next_request_works_though_no_request_noticed_the_outage(app, client, registered, outage):
    path = own_page(app, registered())
    client.get(path)

    with outage():
        pass

    client.get(path)


@pytest.mark.parametrize(("service", "outage"), [on("sqlite", locked)], indirect=["service"])
def test_nothing_is_shown_that_cannot_be_logged(app, client, organiser, registered, outage):
    path = f"{LIST}/{registered(email='ada@example.org').reference}"
    sign_in(client, organiser.email, PASSWORD)

    with outage():
        client.get(f"{LIST}?lang=en")
        page = client.get(path, status=503)

    assert "ada@example.org" not in page.text


@pytest.mark.parametrize("service", ["postgresql"], indirect=True)
def test_thread_that_was_left_with_a_dead_connection_gets_another(app):
    db.connect(reuse_if_open=True)
    db.connection().close()

    assert stored(Registration) == []
    assert db.is_closed()
