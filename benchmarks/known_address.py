"""Does the time of an answer tell whether an address is registered, or blocked? Medians, in one run.

Whole requests through the application, on a SQLite file with the settings of production (synchronous=FULL). Each
address is used once; known, blocked and unknown ones take turns in random order, so that what disturbs the machine
disturbs all.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

import config
from app import create_app
from db import connection
from domain import blocked, clock
from models import Registration
from security import limiter, link_token, new_form_key

ROUNDS = 200
ANSWERS = {
    "given_names": "Ada", "family_name": "Lovelace", "organisation": "Labour Party", "country": "GB",
    "function": "International Secretary", "category": "party", "days": "2017-05-25", "interpretation": "en",
    "visa_letter": "no", "travel": "later", "hotel": "own", "consent_affiliation": "y",
}  # fmt: skip


def settings(folder: Path, **given: Any) -> config.Settings:
    usual = {
        "mode": "rehearsal",
        "database_url": f"sqlite:///{folder}/convoke.db",
        "mail_url": f"file://{folder}/mail",
    }
    return config.load(_env_file=None, **usual | given)


def send(client: FlaskClient, address: str) -> int:
    """A whole registration, as the button on the check page sends it."""
    with client.application.app_context():
        given = ANSWERS | {"email": address, "key": new_form_key(), "step": "send"}
    return client.post("/en/registration", data=given).status_code


def ask_for_link(client: FlaskClient, address: str) -> int:
    return client.post("/en/registration/link", data={"email": address}).status_code


def change_address(own_pages: Iterator[str]) -> Callable[[FlaskClient, str], int]:
    """A delegate enters another address on the own page; each time it is another delegate."""

    def change(client: FlaskClient, address: str) -> int:
        return client.post(next(own_pages), data=ANSWERS | {"email": address, "sequence": "0"}).status_code

    return change


def own_pages(app: Flask, rows: list[Registration]) -> Iterator[str]:
    for row in rows:
        with app.app_context():
            token = link_token(row)
        yield f"/en/r/{token}/edit"


def medians(
    client: FlaskClient, ask: Callable[[FlaskClient, str], int], kinds: dict[str, list[str]]
) -> dict[str, float]:
    """Median milliseconds for each kind of address; every answer must have been a redirect."""
    turns = [(address, kind) for kind, addresses in kinds.items() for address in addresses]
    random.shuffle(turns)
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for address, kind in turns:
        began = time.perf_counter()
        status = ask(client, address)
        times[kind].append((time.perf_counter() - began) * 1000)
        assert status == 303, status
    return {kind: statistics.median(taken) for kind, taken in times.items()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings(Path(folder)))
        limiter.enabled = False
        clock.rehearse(app.extensions["settings"].rehearsal_date)
        client = app.test_client()
        for number in range(4 * ROUNDS):
            send(client, f"known{number}@example.org")
        with connection():
            rows = list(Registration.select().order_by(Registration.id))
        known = [row.email for row in rows[:ROUNDS]]
        asks = {
            "registration": send,
            "link again": ask_for_link,
            "new address": change_address(own_pages(app, rows[ROUNDS:])),
        }
        print(f"{'answer':14}{'known':>10}{'blocked':>10}{'unknown':>10}{'ratios':>14}")
        for name, ask in asks.items():
            word = name.replace(" ", "-")
            stopped, unknown = (
                [f"{word}{number}@{domain}" for number in range(ROUNDS)]
                for domain in ("example.net", "example.com")
            )
            with connection():
                for address in stopped:
                    blocked.block(address)
            taken = medians(client, ask, {"known": known, "blocked": stopped, "unknown": unknown})
            ratios = [taken[kind] / taken["unknown"] for kind in ("known", "blocked")]
            print(f"{name:14}" + "".join(f"{one:7.1f} ms" for one in taken.values()), end="")
            print("".join(f"{ratio:7.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
