"""What an operator sees: health, and a line for each request. Nothing personal."""

import io
import json
import logging
import re
import shutil
from pathlib import Path

import pytest
from conftest import CLOSED_DAY, PASSWORD
from factories import typed_with_visa
from support.journey import (
    FORM,
    HTMX,
    ON_SQLITE,
    again,
    amend,
    new_address_page,
    own_page,
    send,
    sign_in,
    stored,
)
from support.page import PageClient
from support.second import second_service

from db import DatabaseOut, db
from domain import clock
from models import Registration
from observability import JsonLine, init_logging

PEOPLE = {
    "given_names": "Canaryada",
    "family_name": "Canarylove",
    "email": "canary@canary.example",
    "organisation": "Canaryparty",
    "function": "Canarysecretary",
    "passport_name": "CANARY LOVE",
    "passport_number": "CANARY1234",
    "visa_post": "Canarytown",
    "diet_other": "Canaryseed",
    "access_needs": "Canaryramp",
    "consent_needs": "y",
    "travel": "known",
    "arrival_date": "2017-05-24",
    "arrival_time": "06:10",
    "arrival_flight": "CANARY 1",
    "pickup": "y",
    "mobile": "+976 99 7654321",
    "hotel": "reserve",
    "check_in": "2017-05-24",
    "check_out": "2017-05-27",
    "room": "twin",
    "share_with": "Canarybo",
}
NETWORK = "203.0.113.77"


@pytest.fixture
def log():
    """What the service writes to its log, with everything set up as an operator sets it up, at the loudest level."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in ("flask-limiter", "peewee", "convoke")}
    init_logging("DEBUG")
    written = io.StringIO()
    root.handlers[0].setStream(written)
    yield written
    root.handlers[:], root.level = before
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def lines(log) -> list[dict]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def test_service_lives_and_is_ready(client):
    for path in ("/healthz", "/readyz"):
        page = client.get(path)

        assert json.loads(page.text) == {"status": "ok"}
        assert page.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in page.headers


def test_service_whose_database_is_gone_lives_but_is_not_ready(app, make_settings, tmp_path):
    with second_service(make_settings(database_url=f"sqlite:///{tmp_path}/data/convoke.db")) as without:
        client = PageClient(without)
        client.get("/readyz")
        db.obj.close_all()
        shutil.rmtree(tmp_path / "data")

        page = client.get("/readyz", status=503)

        assert json.loads(page.text) == {"status": "the database cannot be written to"}
        client.get("/healthz")
        client.get("/en/")
    assert not Path(tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("method", "path", "rule", "status"),
    [
        ("GET", "/en/programme", "/<any(fr,en,es):lang>/programme", 200),
        ("POST", FORM, "/<any(fr,en,es):lang>/registration", 422),
        ("GET", "/en/r/canary", "/<any(fr,en,es):lang>/r/<token>", 404),
        ("GET", "/organiser/registrations?q=canary", "/organiser/registrations", 303),
        ("GET", "/canary", None, 404),
        ("POST", "/en/programme", None, 405),
    ],
)
@ON_SQLITE
def test_request_is_one_line_that_names_the_rule_and_not_the_address(client, log, method, path, rule, status):
    page = client.open(path, method=method, status=status)

    (line,) = [line for line in lines(log) if line["event"] == "request"]
    assert line.keys() == {"at", "level", "event", "request", "method", "rule", "status", "ms"}
    assert (line["level"], line["method"], line["rule"], line["status"]) == ("info", method, rule, status)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", line["at"])
    assert 0 <= line["ms"] < 10_000
    assert line["request"] == page.headers["X-Request-ID"]
    assert "canary" not in log.getvalue()


@ON_SQLITE
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/static/app.js"])
def test_what_machines_ask_all_day_is_not_logged(client, log, path):
    client.client.get(path, buffered=True)

    assert [line for line in lines(log) if line["event"] == "request"] == []


@ON_SQLITE
def test_each_request_has_a_name_of_its_own(client):
    names = [client.get("/en/", headers={"X-Request-ID": "canary"}).headers["X-Request-ID"] for _ in range(2)]

    assert len(set(names)) == 2
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)


def test_journeys_leave_nothing_personal_in_the_log(app, client, organiser, log):
    client.client.environ_base["REMOTE_ADDR"] = NETWORK
    receipt = send(client, typed_with_visa(**PEOPLE)).headers["Location"]
    send(client, typed_with_visa(**PEOPLE | {"given_names": "Canaryeve"}))
    client.post(FORM, typed_with_visa(**PEOPLE | {"email": "canary@", "country": "CANARY"}), status=422)
    client.post(f"{FORM}/fields/email", PEOPLE, headers=HTMX)
    client.get(receipt)
    (row,) = stored(Registration)
    link = own_page(app, row)
    client.get(link)
    client.get(f"{link}canary", status=404)
    client.get(f"/canary/{row.reference}", status=404)
    amend(client, f"{link}/edit", {"email": "canary@new.example", "function": "Canarypresident"})
    confirming = new_address_page(app, again(row))
    client.get(confirming)
    client.get(f"{confirming}canary", status=404)
    client.post(f"{link}/data.json", {})
    client.post(f"{FORM}/link", {"email": "canary@canary.example"}, status=303)
    client.post(f"{link}/cancellation", {"reason": "Canaryreason"}, status=303)
    clock.rehearse(CLOSED_DAY)
    sign_in(client, row.email, "canary-password", status=422)
    sign_in(client, organiser.email, PASSWORD)
    client.client.get(f"/organiser/registrations?q={row.reference}&after=canary")
    client.client.get(f"/organiser/registrations/{row.reference}")
    client.client.get(f"/organiser/registrations.csv?q={row.email}")
    token = client.get("/organiser/late-links").select("main [name=csrf_token]")[0]["value"]
    client.post(
        "/organiser/late-links",
        {"csrf_token": token, "email": "canary@late.example", "language": "en"},
        status=303,
    )
    client.client.get(f"{FORM}?late=canary")
    client.post(f"{link}/erasure", {"sure": "y"}, status=303)
    for _ in range(61):
        client.client.get(link)
    secrets = [
        row.reference,
        row.public_id,
        row.form_key,
        link.rpartition("/")[2],
        confirming.rpartition("/")[2],
        "7654321",
        receipt.rpartition("/")[2],
    ]

    text = log.getvalue().casefold()

    assert len(lines(log)) > 70
    told = [*secrets, "canary", "cem@", NETWORK, PASSWORD]
    assert [secret for secret in told if secret.casefold() in text] == []


def test_error_is_logged_by_its_kind_and_place_without_its_words(app, client, log, monkeypatch):
    def broken(**given):
        raise RuntimeError("canary@canary.example")

    monkeypatch.setitem(app.view_functions, "registration.received", broken)

    page = client.get("/en/registration/received/canary", status=500)

    (line,) = [line for line in lines(log) if line["event"] == "request.failed"]
    assert (line["level"], line["error"]) == ("error", "RuntimeError")
    assert line["where"][-1].endswith(" broken")
    assert "canary" not in log.getvalue()
    assert lines(log)[-1]["request"] == page.headers["X-Request-ID"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("error", "level", "event"),
    [(RuntimeError("canary"), "error", "request.failed"), (DatabaseOut("canary"), "warning", "database.out")],
)
def test_what_only_the_web_server_notices_is_logged_without_the_address_either(app, log, error, level, event):
    server = logging.getLogger("gunicorn.error")

    try:
        raise error
    except Exception:
        server.exception("Error handling request %s %s", "GET", "/organiser/registrations.json?q=canary")

    (line,) = lines(log)
    assert (line["level"], line["event"], line["error"]) == (level, event, type(error).__name__)
    assert "canary" not in log.getvalue()


def test_line_is_json_whatever_its_fields_hold():
    record = logging.makeLogRecord({"msg": 'a\n"b"', "levelname": "INFO", "field": Path("é\u2028")})

    text = JsonLine().format(record)

    assert text.count("\n") == 0
    assert (json.loads(text)["event"], json.loads(text)["field"]) == ('a\n"b"', "é\u2028")
