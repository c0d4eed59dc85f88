"""The flask commands: what they say, what they do, and with what code they end."""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine
from click.testing import Result
from conftest import PASSWORD
from factories import PASSPORT, SENSITIVE_PARTS
from flask import Flask
from openpyxl import load_workbook

import config
from config import ROOT
from db import connection
from domain import clock, daily, organisers
from domain.export import COLUMNS
from domain.organisers import authenticate
from models import AuditEntry, Mail, Organiser, Registration

SHIPPED = ROOT / "conferences" / "oulan-bator-2017"


def password_in(result: Result) -> str:
    return str(result.output.split()[-1])


def addresses() -> list[str]:
    with connection():
        return [row.email for row in Organiser.select().order_by(Organiser.email)]


def may_sign_in(email: str, password: str) -> bool:
    with connection():
        return authenticate(email, password, needs_code=False) is not None


def whose_link(result: Result) -> str:
    """Whom the link that a command prints is for."""
    link = str(result.output.split()[-1])
    with connection():
        return str(organisers.invited(link.removeprefix("http://127.0.0.1:8000/organiser/enrolment/")).email)


# conference


def test_conference_check_finds_no_fault_in_the_shipped_one(run):
    assert run("conference", "check").output == f"{SHIPPED}: no faults; 15 pages, 4 sessions.\n"
    assert run("conference", "check", SHIPPED).output == f"{SHIPPED}: no faults; 15 pages, 4 sessions.\n"


def test_conference_check_names_every_fault(run, tmp_path):
    folder = tmp_path / "conference"
    shutil.copytree(SHIPPED, folder)
    toml = folder / "conference.toml"
    toml.write_text(toml.read_text().replace("register_by = 2017-05-08", "register_by = 2017-05-30"))
    (folder / "en" / "privacy.md").unlink()
    (folder / "fr" / "programme.md").write_text("No title\n")

    output = run("conference", "check", folder, code=1).output

    assert output.splitlines() == [
        "Error: please mend this first:",
        f"  {toml}: starts_on: is before register_by",
        f"  {toml}: closes_at: is before register_by",
        f"  {folder}/fr/programme.md: line 1: must begin with a '# Title' and a paragraph",
        f"  {folder}/en/privacy.md: is missing",
    ]


def test_conference_check_of_no_folder_is_wrong_usage(run, tmp_path):
    run("conference", "check", tmp_path / "nowhere", code=2)


# db


def test_db_status_lists_the_migrations(run):
    assert run("db", "status").output.splitlines() == [
        f"applied  {path.stem}" for path in sorted((ROOT / "migrations").glob("[0-9]*.py"))
    ]


def test_db_upgrade_has_nothing_to_do_a_second_time(run):
    assert run("db", "upgrade").output == "The database is up to date.\n"


# organiser


def test_organiser_add_prints_a_link_that_works(run):
    result = run("organiser", "add", "Cem@example.org", "--role", "visa")

    assert whose_link(result) == "cem@example.org"
    assert result.output.startswith(
        "Cem@example.org enrols here, once and within 24 hours:\nhttp://127.0.0.1:8000/"
    )


def test_organiser_add_refuses_an_address_that_is_there(run, organiser):
    result = run("organiser", "add", "Cem@Example.org", "--role", "visa", code=1)

    assert "is an organiser already" in result.output
    assert addresses() == ["cem@example.org"]


@pytest.mark.parametrize("email", ["cem", "cém@example.org"])
def test_organiser_add_refuses_what_is_no_address(run, email):
    result = run("organiser", "add", email, "--role", "visa", code=1)

    assert f"{email} is no e-mail address" in result.output
    assert addresses() == []


def test_organiser_reset_prints_a_new_link_and_takes_password_and_sign_ins_away(run, organiser):
    with connection():
        token = organisers.sign_in(organiser)

    result = run("organiser", "reset", "cem@example.org")

    assert whose_link(result) == "cem@example.org"
    assert not may_sign_in("cem@example.org", PASSWORD)
    with connection():
        assert organisers.signed_in(token) is None


def test_organiser_remove_takes_the_access(run, organiser):
    assert may_sign_in("cem@example.org", PASSWORD)

    result = run("organiser", "remove", "cem@example.org")

    assert result.output == "cem@example.org has no access any more.\n"
    assert not may_sign_in("cem@example.org", PASSWORD)


@pytest.mark.parametrize("command", ["reset", "remove"])
def test_organiser_who_is_unknown_is_said_to_be(run, organiser, command):
    result = run("organiser", command, "eve@example.org", code=1)

    assert result.output == "Error: eve@example.org is no organiser\n"
    assert addresses() == ["cem@example.org"]


def test_organiser_list_names_the_addresses_in_order_and_says_who_has_not_enrolled(run, organiser):
    run("organiser", "add", "bo@example.org", "--role", "visa")

    assert run("organiser", "list").output == "bo@example.org  visa  not enrolled\ncem@example.org  admin\n"


def test_organiser_add_gives_every_role_once(run):
    run("organiser", "add", "cem@example.org", *("--role", "visa", "--role", "logistics", "--role", "visa"))

    assert run("organiser", "list").output == "cem@example.org  visa logistics  not enrolled\n"


@pytest.mark.parametrize("roles", [[], ["--role", "chair"]])
def test_organiser_add_without_a_role_that_there_is_is_wrong_usage(run, roles):
    run("organiser", "add", "cem@example.org", *roles, code=2)

    assert addresses() == []


@pytest.mark.parametrize("command", ["add", "reset", "remove"])
def test_organiser_without_an_address_is_wrong_usage(run, command):
    run("organiser", command, code=2)


def test_organiser_demo_says_how_to_sign_in(run):
    first, second = run("organiser", "demo"), run("organiser", "demo")

    assert "http://127.0.0.1:8000/organiser/" in second.output
    assert addresses() == ["organiser@example.org"]
    assert not may_sign_in("organiser@example.org", password_in(first))
    assert may_sign_in("organiser@example.org", password_in(second))


def test_organiser_demo_is_refused_in_production(app, run, monkeypatch):
    rehearsal = app.extensions["settings"]
    production = config.load(
        _env_file=None,
        secret_key=rehearsal.secret_key,
        field_keys=rehearsal.field_keys,
        public_url="https://conference.example.org",
        mail_url="smtps://mail.example.org",
        mail_from="secretariat@example.org",
    )
    monkeypatch.setitem(app.extensions, "settings", production)

    result = run("organiser", "demo", code=1)

    assert result.output == "Error: only in a rehearsal (CONVOKE_MODE=rehearsal)\n"
    assert addresses() == []


# registrations


@pytest.fixture
def three(registered: Callable[..., Registration]) -> list[Registration]:
    """Zoë, Ada with everything that is sensitive, and Bo."""
    return [
        registered(given_names="Zoë"),
        registered(given_names="Ada", **SENSITIVE_PARTS),
        registered(given_names="Bo"),
    ]


def exports() -> list[tuple[str, dict]]:
    with connection():
        entries = AuditEntry.select().where(AuditEntry.action.startswith("registrations."))
        return [(entry.action, entry.details) for entry in entries.order_by(AuditEntry.id)]


def references_in(file: Path) -> list[str]:
    if file.suffix == ".csv":
        with file.open(encoding="utf-8-sig", newline="") as text:
            return [row["reference"] for row in csv.DictReader(text)]
    if file.suffix == ".json":
        return [row["reference"] for row in json.loads(file.read_text())]
    _, *rows = load_workbook(file).active.iter_rows(values_only=True)
    return [row[0] for row in rows]


@pytest.mark.parametrize("kind", ["csv", "xlsx", "json"])
def test_registrations_export_writes_a_file_for_its_owner(run, three, after_the_deadline, tmp_path, kind):
    file = tmp_path / f"registrations.{kind}"
    file.touch()
    file.chmod(0o644)

    result = run("registrations", "export", file, "--format", kind)

    assert result.output.splitlines()[-1] == f"3 registrations in {file}."
    assert references_in(file) == [row.reference for row in reversed(three)]
    assert file.stat().st_mode & 0o777 == 0o600
    assert (PASSPORT.number.encode() in file.read_bytes()) == (kind == "json")


@pytest.mark.parametrize(
    ("kind", "action", "details"),
    [
        ("csv", "registrations.exported", {"columns": list(COLUMNS)}),
        ("xlsx", "registrations.exported", {"columns": list(COLUMNS)}),
        ("json", "registrations.exported_whole", {}),
    ],
)
def test_registrations_export_is_logged_without_the_words_of_the_search(
    run, three, after_the_deadline, tmp_path, kind, action, details
):
    file = tmp_path / f"registrations.{kind}"

    result = run("registrations", "export", file, "--format", kind, "--q", "zoe")

    assert result.output.splitlines()[-1] == f"1 registration in {file}."
    assert references_in(file) == [three[0].reference]
    assert exports() == [(action, details | {"format": kind, "has_search": True, "rows": 1})]


def test_registrations_export_before_the_deadline_is_refused(run, three, tmp_path):
    file = tmp_path / "registrations.csv"

    result = run("registrations", "export", file, code=1)

    assert result.output == (
        "Error: registration is open until 2017-05-09 12:00 UTC; --early exports all the same\n"
    )
    assert not file.exists()
    assert exports() == []


def test_registrations_export_before_the_deadline_is_possible_when_asked(run, three, tmp_path):
    file = tmp_path / "registrations.csv"

    run("registrations", "export", file, "--early")

    assert references_in(file) == [row.reference for row in reversed(three)]
    assert [action for action, _ in exports()] == ["registrations.exported"]


def test_registrations_export_into_no_folder_says_why(run, after_the_deadline, tmp_path):
    file = tmp_path / "nowhere" / "registrations.csv"

    result = run("registrations", "export", file, code=1)

    assert result.output == f"Error: {file} cannot be written: No such file or directory\n"
    assert exports() == []


def test_registrations_export_in_another_format_is_wrong_usage(run, tmp_path):
    run("registrations", "export", tmp_path / "registrations.ods", "--format", "ods", code=2)


# reminders


@pytest.fixture
def people(registered: Callable[..., Registration]) -> list[Registration]:
    """Two who have not told their flights, and one who needs no transfer."""
    return [registered(), registered(), registered(travel="none")]


def reminded() -> list[str]:
    with connection():
        return [mail.recipient for mail in Mail.select().where(Mail.kind == "reminder").order_by(Mail.id)]


@pytest.fixture
def early(app: Flask) -> Iterator[None]:
    """One o'clock in the morning of the first reminder, in Ulaanbaatar."""
    clock.rehearse(None)
    with time_machine.travel(datetime(2017, 5, 10, 17, tzinfo=UTC), tick=False):
        yield


def test_reminders_send_writes_what_is_owed_whatever_the_hour(run, people, early):
    assert run("reminders", "send").output == "2 reminders of 2017-05-11.\n"
    assert reminded() == [people[0].email, people[1].email]
    assert run("reminders", "send").output == "No reminder is owed.\n"
    assert len(reminded()) == 2


def test_reminders_send_makes_up_for_the_latest_day(run, people, early):
    with time_machine.travel(datetime(2017, 5, 20, 17, tzinfo=UTC), tick=False):
        assert run("reminders", "send").output == "2 reminders of 2017-05-18.\n"


def test_reminders_send_leaves_the_worker_nothing_to_write(run, people, early, app):
    run("reminders", "send")

    with time_machine.travel(datetime(2017, 5, 11, 1, tzinfo=UTC), tick=False), connection():
        daily.write_due(app.extensions["desk"])

    assert len(reminded()) == 2


def test_reminders_send_writes_them_all(run, registered, early):
    with time_machine.travel(datetime(2017, 5, 8, tzinfo=UTC), tick=False):
        people = [registered() for _ in range(51)]

    assert run("reminders", "send").output == "51 reminders of 2017-05-11.\n"
    assert reminded() == [row.email for row in people]


def test_reminders_send_lists_in_a_dry_run_who_would_be_reminded(run, people, early):
    output = run("reminders", "send", "--dry-run").output

    assert output.splitlines() == [
        *(f"{row.reference}  {row.email}" for row in people[:2]),
        "2 reminders of 2017-05-11, not written.",
    ]
    assert reminded() == []
    assert run("reminders", "send").output == "2 reminders of 2017-05-11.\n"


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_reminders_send_before_the_first_day_says_that_none_is_owed(run, people, options):
    assert run("reminders", "send", *options).output == "No reminder is owed.\n"
    assert reminded() == []


# Help


@pytest.mark.parametrize(
    "command",
    [
        ("conference", "check"),
        ("db", "status"),
        ("db", "upgrade"),
        *(("outbox", name) for name in ("check", "retry", "status", "work")),
        *(("organiser", name) for name in ("add", "list", "reset", "remove", "demo")),
        ("registrations", "export"),
        ("reminders", "send"),
    ],
    ids=" ".join,
)
def test_every_command_has_a_help_text(run, command):
    output = run(*command, "--help").output

    assert output.startswith("Usage: ")
    assert len(output.splitlines()[2].strip()) > 20
