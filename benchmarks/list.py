"""Is the organisers' list as fast with 100,000 registrations as with 1,000? Medians in one run, and their ratios.

Whole requests of an organiser through the application, on a SQLite file with the settings of production. Each list has
a process of its own; they take turns, so that what disturbs the machine disturbs both.
"""

import statistics
import tempfile
import time
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from app import create_app
from benchmarks.known_address import settings
from db import connection
from domain import clock, demo, organisers
from domain.roster import SORTS
from security import limiter

ROUNDS = 20
SIZES = (1_000, 100_000)
LIST = "/organiser/registrations"
SEARCHES = ("lovelace", "nobody of this name", "достоевский labour")


def sign_in(client: FlaskClient) -> None:
    password = organisers.new_password()
    with connection():
        organisers.add("organiser@example.org", password, roles=["admin"])
    page = BeautifulSoup(client.get("/organiser/session").text, "html.parser")
    given = {"csrf_token": page.select_one("[name=csrf_token]")["value"], "email": "organiser@example.org"}
    assert client.post("/organiser/session", data=given | {"password": password}).status_code == 303


def pages(client: FlaskClient) -> dict[str, str]:
    """What is measured: the first, the next and the last page by every column, and searches."""
    found = {}
    for column in SORTS:
        first = f"{LIST}?sort={column}&columns={','.join(dict.fromkeys(('name', column)))}"
        links = BeautifulSoup(client.get(first).text, "html.parser")
        found[f"{column}: first"] = first
        found[f"{column}: next"] = links.select_one("#page-next")["href"]
        found[f"{column}: last"] = links.select_one("#page-last")["href"]
    return found | {f"search: {words}": f"{LIST}?q={words}" for words in SEARCHES}


def serve(size: int, questions: Connection) -> None:
    """Fill a list, and answer the name of a page with its milliseconds until there are no more questions."""
    with tempfile.TemporaryDirectory() as folder:
        chosen = settings(Path(folder))
        app = create_app(chosen)
        limiter.enabled = False
        clock.rehearse(chosen.rehearsal_date)
        client = app.test_client()
        sign_in(client)
        began = time.perf_counter()
        with connection():
            sum(demo.seed(size, app.extensions["desk"]))
        print(
            f"{size:,} registrations seeded, {size / (time.perf_counter() - began):,.0f} a second", flush=True
        )
        measured = pages(client)
        questions.send(list(measured))
        while name := questions.recv():
            began = time.perf_counter()
            assert client.get(measured[name]).status_code == 200
            questions.send((time.perf_counter() - began) * 1000)


def main() -> None:
    spawning = get_context("spawn")
    ends = []
    for size in SIZES:
        here, there = spawning.Pipe()
        spawning.Process(target=serve, args=(size, there), daemon=True).start()
        ends.append(here)
    names, *_ = [end.recv() for end in ends]
    print(f"{'page':30}{SIZES[0]:>14,}{SIZES[1]:>14,}{'ratio':>8}")
    for name in names:
        few, many = map(statistics.median, zip(*(turn(ends, name) for _ in range(ROUNDS)), strict=True))
        print(f"{name:30}{few:11.1f} ms{many:11.1f} ms{many / few:8.2f}", flush=True)
    for end in ends:
        end.send("")


def turn(ends: list[Connection], name: str) -> list[float]:
    """The milliseconds of a page in each list, one after the other."""
    times = []
    for end in ends:
        end.send(name)
        times.append(end.recv())
    return times


if __name__ == "__main__":
    main()
