"""The service as an operator runs it: gunicorn in a process of its own, with its own database and mail folder."""

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from urllib.error import URLError
from urllib.request import urlopen

from config import PREFIX, ROOT

T = TypeVar("T")

SECRET_KEY = "a-secret-key-of-the-tests-0123456789-abcdef"
FIELD_KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
ORGANISER = "organiser@example.org"
PASSWORD = "correct horse battery staple"


class Server:
    """A server with its own folder."""

    configuration = ROOT / "gunicorn.conf.py"

    @property
    def command(self) -> tuple[str | Path, ...]:
        return ("gunicorn", "-c", self.configuration)

    def __init__(self, folder: Path, port: int, **settings: str) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        self.environment |= {
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}",
            "CONVOKE_MODE": "rehearsal",
            "CONVOKE_PORT": str(port),
            "CONVOKE_DATABASE_URL": f"sqlite:///{self.database}",
            "CONVOKE_MAIL_URL": f"file://{folder / 'mail'}",
            "CONVOKE_SECRET_KEY": SECRET_KEY,
            "CONVOKE_FIELD_KEYS": FIELD_KEY,
            "CONVOKE_REHEARSAL_PASSWORD": PASSWORD,
            "CONVOKE_TRUSTED_PROXIES": "1",
        } | settings

    @property
    def database(self) -> Path:
        return self.folder / "convoke.db"

    def run(self, *arguments: str) -> None:
        """Run a Python module with the settings of this server."""
        subprocess.run([sys.executable, "-m", *arguments], cwd=ROOT, env=self.environment, check=True)

    def flask(self, *arguments: str) -> str:
        """Run a command of the service; what it prints."""
        command = [sys.executable, "-m", "flask", "--app", "app", *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, check=True, capture_output=True, text=True
        )
        return done.stdout

    def start(self) -> None:
        self.log = self.folder / f"{self.url.rpartition(':')[2]}.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.command],
                cwd=ROOT, env=self.environment, stdout=log, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def is_up(self) -> bool:
        assert self.process.poll() is None, f"the server did not start:\n{self.log.read_text()}"
        try:
            with urlopen(f"{self.url}/readyz"):
                return True
        except URLError:
            return False

    def stop(self) -> None:
        """End it as an operator does; it must go in peace and have met no fault of its own."""
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log.read_text()
        lines = self.log.read_text().splitlines()
        assert [line for line in lines if json.loads(line)["level"] == "error"] == []

    def copy_database(self, folder: Path) -> None:
        here, there = sqlite3.connect(self.database), sqlite3.connect(folder / self.database.name)
        with closing(here), closing(there):
            here.backup(there)

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """What a query finds in the database file."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return database.execute(query, values).fetchall()

    def change(self, statement: str, *values: Any) -> None:
        """Change the database behind the service's back."""
        with closing(sqlite3.connect(self.database, timeout=10)) as database, database:
            database.execute(statement, values)

    def registrations(self, email: str) -> list[sqlite3.Row]:
        return self.rows("SELECT * FROM registration WHERE email = ?", email)

    def mails(self, email: str, kind: str = "*") -> list[EmailMessage]:
        """Every mail (of a kind) to an address, oldest first, once the outbox has delivered them all."""
        wait_for(
            lambda: not self.rows("SELECT id FROM mail WHERE recipient = ? AND state != 'accepted'", email)
        )
        files = sorted((self.folder / "mail").glob(f"*-{kind}-*.eml"), key=number)
        mails = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        return [mail for mail in mails if mail["To"] == email]


def number(file: Path) -> int:
    """The number of a mail, which ends the name of its file."""
    return int(file.stem.rpartition("-")[2])


def wait_for(found: Callable[[], T], seconds: float = 20) -> T:
    """What `found` finds, as soon as it finds something."""
    end = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < end, f"waited {seconds} seconds in vain"
        time.sleep(0.02)
    return result
