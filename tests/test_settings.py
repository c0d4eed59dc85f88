"""The settings: production refuses to start on a missing, weak or wrong one, and names every fault at once."""

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

import config
from config import Settings, SettingsError

STRONG = "Zq8v1N0xT5rKc7LwYb3HfD9sJm2PgUe6AiRo4t"
OLDER = "older-Zq8v1N0xT5rKc7LwYb3HfD9sJm2PgUe6Ai"
FIELD_KEY, OLDER_FIELD_KEY = Fernet.generate_key().decode(), Fernet.generate_key().decode()

PRODUCTION = {
    "SECRET_KEY": STRONG,
    "FIELD_KEYS": FIELD_KEY,
    "PUBLIC_URL": "https://conference.example.org",
    "MAIL_URL": "smtp+starttls://convoke:password@mail.example.org:587",
    "MAIL_FROM": "Secretariat <secretariat@example.org>",
}

Load = Callable[..., Settings]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Load the settings of a production, some of them changed; None takes one away."""

    def load(**changes: str | None) -> Settings:
        for name, value in (PRODUCTION | changes).items():
            if value is not None:
                monkeypatch.setenv(f"CONVOKE_{name}", value)
        return config.load(_env_file=None)

    return load


@pytest.fixture
def faults(load: Load) -> Callable[..., list[str]]:
    def refused(**changes: str | None) -> list[str]:
        with pytest.raises(SettingsError) as error:
            load(**changes)
        return error.value.faults

    return refused


@pytest.fixture
def var(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder that a rehearsal keeps to."""
    monkeypatch.setattr(config, "VAR", tmp_path / "var")
    return tmp_path / "var"


# Production


def test_production_needs_no_more_than_its_secrets_and_addresses(load):
    settings = load()

    assert settings.mode == "production"
    assert not settings.is_rehearsal
    assert settings.secret_key == [STRONG]
    assert settings.field_keys == [FIELD_KEY]
    assert settings.mail_from.email == "secretariat@example.org"
    assert (settings.processes, settings.threads, settings.port) == (1, 16, 8000)
    assert (settings.rehearsal_date, settings.rehearsal_password, settings.redis_url) == (None, None, None)


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_refuses_a_missing_setting(faults, name):
    assert faults(**{name: None}) == [f"CONVOKE_{name}: Field required"]


@pytest.mark.parametrize("name", PRODUCTION)
def test_production_takes_an_empty_setting_for_a_missing_one(faults, name):
    assert faults(**{name: ""}) == [f"CONVOKE_{name}: Field required"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("SECRET_KEY", "short", "needs 32 random characters or more"),
        ("SECRET_KEY", STRONG[:31], "needs 32 random characters or more"),
        ("SECRET_KEY", "a" * 64, "needs 32 random characters or more"),
        ("SECRET_KEY", f"{STRONG},short", "needs 32 random characters or more"),
        ("SECRET_KEY", "[", ""),
        ("FIELD_KEYS", "short", "needs 32 bytes in url-safe base64"),
        ("FIELD_KEYS", STRONG, "needs 32 bytes in url-safe base64"),
        ("FIELD_KEYS", "[]", "Value should have at least 1 item"),
        ("PUBLIC_URL", "conference.example.org", "must begin with https:// or http://"),
        ("PUBLIC_URL", "http://conference.example.org", "must begin with https:// in production"),
        ("DATABASE_URL", "mysql://localhost/convoke", "must begin with sqlite:// or postgresql://"),
        ("REDIS_URL", "localhost:6379", "must begin with redis:// or rediss://"),
        (
            "MAIL_URL",
            "mail.example.org",
            "must begin with smtp+starttls:// or smtps:// or smtp:// or file://",
        ),
        ("MAIL_URL", "file:///var/mail", "needs smtp+starttls:// or smtps:// in production"),
        ("MAIL_URL", "smtp://mail.example.org", "needs smtp+starttls:// or smtps:// in production"),
        ("MAIL_URL", "smtps://", "names no host"),
        ("MAIL_URL", "smtps://mail.example.org:0", "has no such port"),
        ("MAIL_URL", "smtps://mail.example.org:mail", "has no such port"),
        ("MAIL_URL", "smtps://user:pa#ss@mail.example.org", "has no such port; a #, / or @ in a password"),
        ("PUBLIC_URL", "https://", "names no host"),
        ("HTMX_URL", "javascript:alert(1)", "String should match pattern"),
        ("MAIL_FROM", "secretariat", "value is not a valid email address"),
        ("MAIL_REPLY_TO", "nobody", "value is not a valid email address"),
        ("CONFERENCE", "/nowhere", "there is no conference.toml in /nowhere"),
        ("HTMX_INTEGRITY", "md5-abc", "String should match pattern"),
        ("MAILS_PER_HOUR", "0", "Input should be greater than or equal to 1"),
        ("MAILS_PER_HOUR", "many", "Input should be a valid integer"),
        ("OUTBOX_THREAD", "perhaps", "Input should be a valid boolean"),
        ("MODE", "test", "Input should be 'production' or 'rehearsal'"),
        ("PORT", "0", "Input should be greater than or equal to 1"),
        ("PORT", "http", "Input should be a valid integer"),
        ("THREADS", "0", "Input should be greater than or equal to 1"),
        ("TRUSTED_PROXIES", "-1", "Input should be greater than or equal to 0"),
        ("LOG_LEVEL", "LOUD", "Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ("REHEARSAL_DATE", "2017-04-10", "belongs to a rehearsal (CONVOKE_MODE=rehearsal)"),
        ("REHEARSAL_PASSWORD", "long enough", "belongs to a rehearsal (CONVOKE_MODE=rehearsal)"),
        ("PROCESSES", "2", "must be 1 on SQLite; use PostgreSQL for more"),
        ("SECRET_KEYS", STRONG, "no such setting"),
    ],
)
def test_production_refuses_a_wrong_setting_and_names_it(faults, name, value, reason):
    found = faults(**{name: value})

    assert [fault for fault in found if fault.startswith(f"CONVOKE_{name}: {reason}")]
    assert {fault.partition(":")[0] for fault in found} <= {f"CONVOKE_{name}", "CONVOKE_REDIS_URL"}


AUTHORITY = "smtps://mail.example.org?ca={path}"


def test_certificate_of_a_mail_servers_authority_is_read(load, authority):
    url = AUTHORITY.format(path=authority.path)

    assert load(MAIL_URL=url).mail_url == url


@pytest.mark.parametrize(
    "content",
    [
        None,
        "",
        "no certificate",
        "-----BEGIN CERTIFICATE-----\nbm8gY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n",
    ],
    ids=["missing", "empty", "text", "nonsense"],
)
@pytest.mark.parametrize("mode", ["production", "rehearsal"])
def test_certificate_that_is_missing_or_none_is_a_fault(faults, var, tmp_path, mode, content):
    path = tmp_path / "authority.pem"
    if content is not None:
        path.write_text(content)

    found = faults(MODE=mode, MAIL_URL=AUTHORITY.format(path=path))

    assert found == [f"CONVOKE_MAIL_URL: there is no certificate in {path}"]


def test_folder_is_no_certificate(faults, tmp_path):
    assert faults(MAIL_URL=AUTHORITY.format(path=tmp_path)) == [
        f"CONVOKE_MAIL_URL: there is no certificate in {tmp_path}"
    ]


@pytest.mark.parametrize(
    ("given", "mails_per_hour", "outbox_thread"),
    [
        ({}, 1000, True),
        ({"MAILS_PER_HOUR": "1", "OUTBOX_THREAD": "false"}, 1, False),
        ({"MAILS_PER_HOUR": "", "OUTBOX_THREAD": ""}, 1000, True),
        ({"MAILS_PER_HOUR": "20000", "OUTBOX_THREAD": "0"}, 20000, False),
    ],
    ids=str,
)
def test_outbox_is_limited_and_can_be_left_to_another_process(load, given, mails_per_hour, outbox_thread):
    settings = load(**given)

    assert (settings.mails_per_hour, settings.outbox_thread) == (mails_per_hour, outbox_thread)


def test_production_names_every_fault_at_once(faults):
    found = faults(
        SECRET_KEY=None,
        FIELD_KEYS="weak",
        PUBLIC_URL="http://conference.example.org",
        MAIL_URL="file:///var/mail",
        MAIL_FROM="nobody",
        REHEARSAL_DATE="2017-04-10",
        PROCESSES="4",
        PORT="none",
        COLOUR="red",
    )

    assert sorted(fault.partition(":")[0] for fault in found) == [
        "CONVOKE_COLOUR",
        "CONVOKE_FIELD_KEYS",
        "CONVOKE_MAIL_FROM",
        "CONVOKE_MAIL_URL",
        "CONVOKE_PORT",
        "CONVOKE_PROCESSES",
        "CONVOKE_PUBLIC_URL",
        "CONVOKE_REDIS_URL",
        "CONVOKE_REHEARSAL_DATE",
        "CONVOKE_SECRET_KEY",
    ]


def test_faults_tell_no_secret(faults):
    found = faults(SECRET_KEY="my-weak-secret", FIELD_KEYS="my-weak-field-key", PORT="none")

    assert len(found) == 3
    assert "my-weak" not in str(found)


@pytest.mark.parametrize(
    "url",
    [
        "smtp+starttls://mail.example.org",
        "smtps://convoke:password@mail.example.org:465",
        "smtp://localhost:25",
        "smtp://127.0.0.1:1025",
        "smtp://[::1]:25",
    ],
)
def test_production_sends_mail_encrypted_or_on_the_machine_itself(load, url):
    assert load(MAIL_URL=url).mail_url == url


def test_several_processes_need_postgresql_and_redis(load, faults):
    postgresql, redis = "postgresql://convoke@db.example.org/convoke", "redis://localhost:6379"

    with_sqlite = faults(PROCESSES="2", REDIS_URL=redis)
    without_redis = faults(PROCESSES="2", DATABASE_URL=postgresql, REDIS_URL="")
    settings = load(PROCESSES="2", DATABASE_URL=postgresql, REDIS_URL=redis)

    assert with_sqlite == ["CONVOKE_PROCESSES: must be 1 on SQLite; use PostgreSQL for more"]
    assert [fault.partition(":")[0] for fault in without_redis] == ["CONVOKE_REDIS_URL"]
    assert (settings.processes, settings.database_url) == (2, postgresql)


def test_postgresql_needs_redis_even_with_one_process(faults):
    found = faults(DATABASE_URL="postgresql://convoke@db.example.org/convoke")

    assert [fault.partition(":")[0] for fault in found] == ["CONVOKE_REDIS_URL"]


@pytest.mark.parametrize(
    "value", [f"{STRONG},{OLDER}", f" {STRONG} , {OLDER} ,", json.dumps([STRONG, OLDER])]
)
def test_secret_keys_rotate_as_a_list(load, value):
    assert load(SECRET_KEY=value).secret_key == [STRONG, OLDER]


@pytest.mark.parametrize(
    "value",
    [f"{FIELD_KEY},{OLDER_FIELD_KEY}", json.dumps([FIELD_KEY, OLDER_FIELD_KEY])],
    ids=["commas", "json"],
)
def test_field_keys_rotate_as_a_list(load, value):
    assert load(FIELD_KEYS=value).field_keys == [FIELD_KEY, OLDER_FIELD_KEY]


# Where settings come from


def test_secrets_are_read_from_a_folder(load, monkeypatch, tmp_path):
    (tmp_path / "convoke_secret_key").write_text(f"{STRONG}\n")
    (tmp_path / "another_programs_secret").write_text("nothing to us")
    monkeypatch.setattr(config, "SECRETS_FOLDERS", (str(tmp_path), "/nowhere", ""))

    assert load(SECRET_KEY=None).secret_key == [STRONG]


def test_environment_goes_before_the_folder_of_secrets(load, monkeypatch, tmp_path):
    (tmp_path / "convoke_secret_key").write_text(OLDER)
    monkeypatch.setattr(config, "SECRETS_FOLDERS", (str(tmp_path),))

    assert load().secret_key == [STRONG]


def test_settings_are_read_from_a_file_after_the_environment(monkeypatch, tmp_path):
    lines = [f'CONVOKE_{name}="{value}"' for name, value in PRODUCTION.items()]
    (tmp_path / ".env").write_text("\n".join([*lines, "CONVOKE_PORT=9000", "CONVOKE_THREADS=4"]))
    monkeypatch.setenv("CONVOKE_PORT", "9001")

    settings = config.load(_env_file=tmp_path / ".env")

    assert (settings.port, settings.threads) == (9001, 4)
    assert settings.secret_key == [STRONG]


def test_unknown_name_in_the_file_is_a_fault(tmp_path):
    lines = [f'CONVOKE_{name}="{value}"' for name, value in PRODUCTION.items()]
    (tmp_path / ".env").write_text("\n".join([*lines, "CONVOKE_COLOUR=red"]))

    with pytest.raises(SettingsError) as error:
        config.load(_env_file=tmp_path / ".env")

    assert error.value.faults == ["CONVOKE_COLOUR: no such setting"]


def test_settings_cannot_be_changed_once_they_are_loaded(load):
    with pytest.raises(ValueError, match="frozen"):
        load().port = 9000


# Rehearsal


def test_rehearsal_has_a_default_for_everything(monkeypatch, var):
    monkeypatch.setenv("CONVOKE_MODE", "rehearsal")

    settings = config.load(_env_file=None)

    assert settings.is_rehearsal
    assert settings.public_url == "http://127.0.0.1:8000"
    assert settings.database_url == f"sqlite:///{var}/rehearsal.db"
    assert settings.mail_url == f"file://{var}/mail"
    assert settings.rehearsal_date == date(2017, 4, 10)


def test_rehearsal_keeps_its_keys_to_itself_and_for_the_next_time(monkeypatch, var):
    monkeypatch.setenv("CONVOKE_MODE", "rehearsal")

    first, second = config.load(_env_file=None), config.load(_env_file=None)

    assert (first.secret_key, first.field_keys) == (second.secret_key, second.field_keys)
    assert (var / "rehearsal-keys.json").stat().st_mode & 0o777 == 0o600


def test_rehearsals_that_begin_at_once_have_the_same_keys(var):
    start = threading.Barrier(8, timeout=10)

    def begin(_: int) -> str:
        start.wait()
        return json.dumps(config.rehearsal_keys())

    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(begin, range(8)))

    assert len(keys) == 1
    assert [path.name for path in var.iterdir()] == ["rehearsal-keys.json"]


def test_rehearsal_honours_every_setting_that_is_given(load, var):
    settings = load(
        MODE="rehearsal",
        PORT="9000",
        PUBLIC_URL=None,
        MAIL_URL="smtp://mail.example.org",
        REHEARSAL_DATE="2017-05-10",
        REHEARSAL_PASSWORD="long enough",
    )

    assert settings.public_url == "http://127.0.0.1:9000"
    assert settings.mail_url == "smtp://mail.example.org"
    assert settings.rehearsal_date == date(2017, 5, 10)
    assert settings.rehearsal_password == "long enough"
    assert settings.secret_key == [STRONG]


def test_rehearsal_refuses_wrong_settings_too(faults, var):
    found = faults(
        MODE="rehearsal", SECRET_KEY="weak", PROCESSES="2", REHEARSAL_PASSWORD="short", COLOUR="red"
    )

    assert sorted(fault.partition(":")[0] for fault in found) == [
        "CONVOKE_COLOUR",
        "CONVOKE_PROCESSES",
        "CONVOKE_REHEARSAL_PASSWORD",
        "CONVOKE_SECRET_KEY",
    ]
