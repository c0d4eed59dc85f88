"""How long does the export take, against csv.writer over a bare sqlite3 cursor? And how much memory does it take?

100,000 registrations on a SQLite file, through the view, as a browser gets them; the bare loop asks for the same
columns in the same order and writes them as they are. They take turns, in one run. The memory is what the process has
grown by since before the first of them.
"""

import csv
import io
import os
import sqlite3
import statistics
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient

from app import create_app
from benchmarks.known_address import send, settings
from db import connection, write
from domain import clock, organisers
from models import Consent, Registration
from security import limiter

ROWS = 100_000
ROUNDS = 5
NAMES = ("Ünal", "Zoë", "Nguyễn", "Олена", "María José", "王", "O’Neill", "Güneşoğlu", "Ada", "Bo")
BARE = """
SELECT reference, state, language, created_at, updated_at, given_names, family_name, email, organisation, country,
    function, category, days, sessions, interpretation, visa_state, travel, hotel, is_travel_checked,
    is_hotel_booked, is_late,
    EXISTS (SELECT 1 FROM consent WHERE registration_id = r.id AND kind = 'list' AND withdrawn_at IS NULL),
    EXISTS (SELECT 1 FROM consent WHERE registration_id = r.id AND kind = 'photo' AND withdrawn_at IS NULL)
FROM registration r WHERE state != 'erased' ORDER BY created_at DESC, id DESC"""


def fill() -> None:
    """Make the others from the one registration that there is; every second and third has a consent more."""
    with connection(), write():
        pattern = Registration.get().__data__
        consent = {name: value for name, value in Consent.get().__data__.items() if name != "id"}
        for first in range(2, ROWS + 2, 1000):
            numbers = range(first, first + 1000)
            Registration.insert_many([pattern | another(number, pattern) for number in numbers]).execute()
            given = [("list", number) for number in numbers if number % 2]
            given += [("photo", number) for number in numbers if number % 3]
            Consent.insert_many(
                [consent | {"kind": kind, "registration": number} for kind, number in given]
            ).execute()


def another(number: int, pattern: dict[str, Any]) -> dict[str, Any]:
    given, family = NAMES[number % len(NAMES)], NAMES[number // 7 % len(NAMES)]
    unique = dict.fromkeys(("reference", "public_id", "form_key", "address_key"), f"{number:06}")
    return unique | {
        "id": number,
        "given_names": given,
        "family_name": family,
        "name_key": f"{family} {given}",
        "email": f"delegate{number}@example.org",
        "organisation": f"Association of the {family}, section {number % 97}",
        "created_at": pattern["created_at"] + timedelta(seconds=number // 3),
        "days": ["2017-05-25", "2017-05-26"][: 1 + number % 2],
    }


def signed_in(client: FlaskClient) -> FlaskClient:
    with connection():
        token = organisers.sign_in(organisers.add("cem@example.org", "a password of some length"))
    with client.session_transaction() as session:
        session.update(_user_id=token, _fresh=True, lang="en")
    return client


def through_the_view(client: FlaskClient) -> int:
    answer = client.get("/organiser/registrations.csv", buffered=False)
    assert answer.status_code == 200
    return sum(len(piece) for piece in answer.iter_encoded())


class Counted(io.RawIOBase):
    """A file that only counts what is written into it."""

    size = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.size += len(piece)
        return len(piece)


def bare_loop(database: Path) -> int:
    file = Counted()
    text = io.TextIOWrapper(io.BufferedWriter(file), encoding="utf-8", newline="")
    here = sqlite3.connect(database)
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(here.execute(BARE))
    text.flush()
    here.close()
    return file.size


def resident() -> float:
    """The memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "convoke.db"
        chosen = settings(Path(folder))
        app = create_app(chosen)
        limiter.enabled = False
        clock.rehearse(chosen.rehearsal_date)
        client = app.test_client()
        send(client, "ada@example.org")
        fill()
        clock.rehearse(date(2017, 5, 10))
        client = signed_in(client)
        client.get("/organiser/registrations")
        before, most = resident(), 0.0
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(ROUNDS):
            for taken, run in zip(
                times, (lambda: through_the_view(client), lambda: bare_loop(database)), strict=True
            ):
                began = time.perf_counter()
                assert run() > ROWS * 100
                taken.append(time.perf_counter() - began)
            most = max(most, resident())
        ours, bare = (statistics.median(taken) for taken in times)
        print(f"CSV of {ROWS:,} registrations, medians of {ROUNDS} turns")
        print(f"  csv.writer over a bare cursor {bare:5.2f} s")
        print(f"  the view                      {ours:5.2f} s, {ours / bare:.2f} times as long")
        print(f"  memory, grown by              {most - before:5.1f} MB")


if __name__ == "__main__":
    main()
