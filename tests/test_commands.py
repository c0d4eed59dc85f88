"""The flask commands: what they say, what they do, and with what code they end."""

import shutil

import pytest
from click.testing import Result

import config
from config import ROOT
from db import connection
from domain import organisers
from domain.organisers import authenticate
from models import Organiser

SHIPPED = ROOT / "conferences" / "oulan-bator-2017"


def password_in(result: Result) -> str:
    return str(result.output.split()[-1])


def addresses() -> list[str]:
    with connection():
        return [row.email for row in Organiser.select().order_by(Organiser.email)]


def may_sign_in(email: str, password: str) -> bool:
    with connection():
        return authenticate(email, password) is not None


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


def test_organiser_add_prints_a_password_that_works(run):
    result = run("organiser", "add", "cem@example.org")

    password = password_in(result)
    assert result.output == f"Password of cem@example.org: {password}\n"
    assert may_sign_in("cem@example.org", password)


def test_organiser_add_refuses_an_address_that_is_there(run, organiser):
    result = run("organiser", "add", "Cem@Example.org", code=1)

    assert "is an organiser already" in result.output
    assert addresses() == ["cem@example.org"]


def test_organiser_add_refuses_what_is_no_address(run):
    result = run("organiser", "add", "cem", code=1)

    assert "cem is no e-mail address" in result.output
    assert addresses() == []


def test_organiser_reset_gives_a_new_password_and_ends_the_sign_ins(run):
    before = password_in(run("organiser", "add", "cem@example.org"))
    with connection():
        token = organisers.sign_in(Organiser.get())

    after = password_in(run("organiser", "reset", "cem@example.org"))

    assert may_sign_in("cem@example.org", after)
    assert not may_sign_in("cem@example.org", before)
    with connection():
        assert organisers.signed_in(token) is None


def test_organiser_remove_takes_the_access(run):
    password = password_in(run("organiser", "add", "cem@example.org"))

    result = run("organiser", "remove", "cem@example.org")

    assert result.output == "cem@example.org has no access any more.\n"
    assert not may_sign_in("cem@example.org", password)


@pytest.mark.parametrize("command", ["reset", "remove"])
def test_organiser_who_is_unknown_is_said_to_be(run, organiser, command):
    result = run("organiser", command, "eve@example.org", code=1)

    assert result.output == "Error: eve@example.org is no organiser\n"
    assert addresses() == ["cem@example.org"]


def test_organiser_list_names_the_addresses_in_order(run):
    for email in ("cem@example.org", "bo@example.org"):
        run("organiser", "add", email)

    assert run("organiser", "list").output == "bo@example.org\ncem@example.org\n"


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


# Help


@pytest.mark.parametrize(
    "command",
    [
        ("conference", "check"),
        ("db", "status"),
        ("db", "upgrade"),
        *(("outbox", name) for name in ("check", "retry", "status", "work")),
        *(("organiser", name) for name in ("add", "list", "reset", "remove", "demo")),
    ],
    ids=" ".join,
)
def test_every_command_has_a_help_text(run, command):
    output = run(*command, "--help").output

    assert output.startswith("Usage: ")
    assert len(output.splitlines()[2].strip()) > 20
