"""Every setting, typed and validated. Owns the environment: no other module reads it."""

import json
import os
import secrets
import ssl
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import SplitResult, parse_qsl, urlsplit

from click import ClickException
from cryptography.fernet import Fernet
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    NameEmail,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ROOT = Path(__file__).parent
VAR = ROOT / "var"
PREFIX = "CONVOKE_"
SECRETS_FOLDERS = ("/run/secrets", os.environ.get("CREDENTIALS_DIRECTORY", ""))
HTMX_URL = "https://cdn.jsdelivr.net/npm/htmx.org@4.0.1/dist/htmx.min.js"
HTMX_INTEGRITY = "sha384-Qp9rdC8H7EqOoX+nR0P3RPG2Noji+qdwJlGpfzwQJsfOpp3sGwIdSP9xO3+UlEhn"
LOCAL_SCHEMES = {"sqlite", "file"}
LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Faults(ClickException):
    """Why the service cannot start: `faults` names every reason, a line each. A command prints them."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("please mend this first:\n" + "\n".join(f"  {fault}" for fault in faults))
        self.faults = faults


class SettingsError(Faults):
    """Settings are missing, weak, wrong or unknown."""


def split_list(value: Any) -> Any:
    """Accept a list as JSON or separated by commas, as people write it in an environment file."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        return json.loads(value)
    return [part.strip() for part in value.split(",") if part.strip()]


def strong(keys: list[str]) -> list[str]:
    for key in keys:
        if len(key) < 32 or len(set(key)) < 12:
            raise ValueError("needs 32 random characters or more; make one with: openssl rand -base64 48")
    return keys


def fernet(keys: list[str]) -> list[str]:
    for key in keys:
        try:
            Fernet(key)
        except ValueError:
            raise ValueError(
                "needs 32 bytes in url-safe base64; make one with: openssl rand -base64 32 | tr +/ -_"
            ) from None
    return keys


def url_of(*schemes: str) -> Callable[[str], str]:
    def check(value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in schemes:
            raise ValueError(f"must begin with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        if parts.scheme not in LOCAL_SCHEMES and not parts.hostname and not parts.path.strip("/"):
            raise ValueError("names no host")
        if port_of(parts) == 0:
            raise ValueError("has no such port; a #, / or @ in a password is written %23, %2F or %40")
        return value

    return check


def port_of(parts: SplitResult) -> int | None:
    """The port of an address, 0 where it is none: urllib's own words would quote a part of a password."""
    try:
        return parts.port
    except ValueError:
        return 0


Keys = Annotated[list[str], NoDecode, BeforeValidator(split_list), Field(min_length=1)]
HttpUrl = Annotated[str, AfterValidator(url_of("https", "http"))]


class Settings(BaseSettings):
    """What an operator decides. A rehearsal has a default for everything; production refuses to guess."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=ROOT / ".env", env_ignore_empty=True, extra="forbid", frozen=True
    )

    mode: Literal["production", "rehearsal"] = "production"
    secret_key: Annotated[Keys, AfterValidator(strong)]
    field_keys: Annotated[Keys, AfterValidator(fernet)]
    public_url: HttpUrl
    conference: Path = ROOT / "conferences" / "oulan-bator-2017"
    database_url: Annotated[str, AfterValidator(url_of("sqlite", "postgresql"))] = (
        f"sqlite:///{VAR}/convoke.db"
    )
    redis_url: Annotated[str, AfterValidator(url_of("redis", "rediss"))] | None = None
    mail_url: Annotated[str, AfterValidator(url_of("smtp+starttls", "smtps", "smtp", "file"))]
    mail_from: NameEmail
    mail_reply_to: NameEmail | None = None
    mails_per_hour: int = Field(default=1000, ge=1)
    outbox_thread: bool = True
    rehearsal_date: date | None = None
    rehearsal_password: str | None = Field(default=None, min_length=8)
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    htmx_url: str = Field(default=HTMX_URL, pattern=r"^(https://|/)[\w./@:-]+$")
    htmx_integrity: str = Field(default=HTMX_INTEGRITY, pattern=r"^sha(256|384|512)-[A-Za-z0-9+/=]+$")
    processes: int = Field(default=1, ge=1, le=64)
    threads: int = Field(default=16, ge=1, le=256)
    port: int = Field(default=8000, ge=1, le=65535)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @property
    def is_rehearsal(self) -> bool:
        return self.mode == "rehearsal"

    @property
    def keeps_mails(self) -> bool:
        """Whether mails go to a folder and not out."""
        return self.mail_url.startswith("file:")

    @model_validator(mode="wrap")
    @classmethod
    def every_fault_at_once(
        cls, given: dict[str, Any], handler: ModelWrapValidatorHandler["Settings"]
    ) -> "Settings":
        """Judge the settings together as well as one by one, so that an operator sees all faults in one go."""
        given = given if given.get("mode") != "rehearsal" else rehearsal_defaults(given) | given
        faults = [f"{PREFIX}{name.upper()}: {message}" for name, message in faults_between(given)]
        try:
            settings = handler(given)
        except ValidationError as error:
            raise SettingsError([fault_line(fault) for fault in error.errors()] + faults) from None
        if faults:
            raise SettingsError(faults)
        return settings


def faults_between(given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What is wrong with settings taken together, as (name, message)."""
    text = {name: str(value) for name, value in given.items()}
    faults = []
    several = text.get("processes", "1") != "1"
    postgresql = text.get("database_url", "").startswith("postgresql")
    if several and not postgresql:
        faults.append(("processes", "must be 1 on SQLite; use PostgreSQL for more"))
    if "conference" in text and not (Path(text["conference"]) / "conference.toml").is_file():
        faults.append(("conference", f"there is no conference.toml in {text['conference']}"))
    authority = dict(parse_qsl(urlsplit(text.get("mail_url", "")).query)).get("ca")
    if authority and not is_certificate(authority):
        faults.append(("mail_url", f"there is no certificate in {authority}"))
    if text.get("mode") == "rehearsal":
        return faults

    faults += [
        (name, f"belongs to a rehearsal ({PREFIX}MODE=rehearsal)")
        for name in ("rehearsal_date", "rehearsal_password")
        if name in text
    ]
    if text.get("public_url", "").startswith("http://"):
        faults.append(("public_url", "must begin with https:// in production"))
    mail = urlsplit(text.get("mail_url", ""))
    if mail.scheme == "file" or (mail.scheme == "smtp" and mail.hostname not in LOOPBACK):
        faults.append(
            ("mail_url", "needs smtp+starttls:// or smtps:// in production, except on this machine itself")
        )
    if (several or postgresql) and "redis_url" not in text:
        faults.append(
            (
                "redis_url",
                "is required with several processes or PostgreSQL: they share their rate limits there",
            )
        )
    return faults


def is_certificate(path: str) -> bool:
    try:
        ssl.create_default_context(cafile=path)
    except OSError:  # SSLError is one
        return False
    return True


def fault_line(fault: Any) -> str:
    name = str(fault["loc"][0]).upper()
    name = name if name.startswith(PREFIX) else PREFIX + name
    kind = (
        "no such setting"
        if fault["type"] == "extra_forbidden"
        else fault["msg"].removeprefix("Value error, ")
    )
    return f"{name}: {kind}"


def rehearsal_defaults(given: Mapping[str, Any]) -> dict[str, Any]:
    """A rehearsal keeps to itself: its own database, keys and mails in `var/`, on 10 April 2017."""
    return rehearsal_keys() | {
        "public_url": f"http://127.0.0.1:{given.get('port', 8000)}",
        "database_url": f"sqlite:///{VAR}/rehearsal.db",
        "mail_url": f"file://{VAR}/mail",
        "mail_from": "Convoke <organiser@example.org>",
        "rehearsal_date": date(2017, 4, 10),
    }


def rehearsal_keys() -> dict[str, list[str]]:
    """Keys made on the first rehearsal and kept, so that links in mails outlive a restart.

    Several programs may begin at once: the file appears whole, and whoever comes second takes the first one's.
    """
    path = VAR / "rehearsal-keys.json"
    if not path.exists():
        VAR.mkdir(exist_ok=True)
        keys = {"secret_key": [secrets.token_urlsafe(48)], "field_keys": [Fernet.generate_key().decode()]}
        with tempfile.NamedTemporaryFile("w", dir=VAR) as file:  # readable for its owner only
            json.dump(keys, file)
            file.flush()
            with suppress(FileExistsError):
                os.link(file.name, path)
    return json.loads(path.read_text())


def load(**given: Any) -> Settings:
    """Read the settings from `given`, the environment, `.env` and the secrets folders, in this order.

    Raises SettingsError with one line for each fault.
    """
    unknown = [
        f"{name}: no such setting"
        for name in sorted(os.environ)
        if name.startswith(PREFIX) and name.removeprefix(PREFIX).lower() not in Settings.model_fields
    ]
    folders = [folder for folder in SECRETS_FOLDERS if folder and Path(folder).is_dir()]
    try:
        settings = Settings(_secrets_dir=folders or None, **given)  # type: ignore[call-arg]
    except SettingsError as error:
        raise SettingsError(unknown + error.faults) from None
    if unknown:
        raise SettingsError(unknown)
    return settings
