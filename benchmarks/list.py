"""Is the organisers' list as fast with 100,000 registrations as with 1,000? Medians in one run, and their ratios.

Whole requests of an organiser through the application, on a SQLite file with the settings of production. The list is
filled up between the two measurements.
"""

import statistics
import tempfile
import time
from pathlib import Path

from bs4 import BeautifulSoup
from flask.testing import FlaskClient

from app import create_app
from benchmarks.known_address import settings
from db import connection
from domain import clock, demo, organisers
from domain.conference import Conference
from domain.roster import SORTS
from security import limiter

ROUNDS = 20
SIZES = (1_000, 100_000)
LIST = "/organiser/registrations"
SEARCHES = ("lovelace", "nobody of this name", "достоевский labour")


def sign_in(client: FlaskClient) -> None:
    password = organisers.new_password()
    with connection():
        organisers.add("organiser@example.org", password)
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


def median(client: FlaskClient, path: str) -> float:
    """Milliseconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert client.get(path).status_code == 200
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def fill_up(size: int, stored: int, conference: Conference) -> None:
    began = time.perf_counter()
    with connection():
        sum(demo.seed(size - stored, conference))
    print(
        f"{size - stored:,} registrations seeded, {(size - stored) / (time.perf_counter() - began):,.0f} a second"
    )


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        chosen = settings(Path(folder))
        app = create_app(chosen)
        limiter.enabled = False
        clock.rehearse(chosen.rehearsal_date)
        client = app.test_client()
        sign_in(client)
        times: list[dict[str, float]] = []
        for stored, size in zip((0, *SIZES), SIZES, strict=False):
            fill_up(size, stored, app.extensions["desk"].conference)
            times.append({name: median(client, path) for name, path in pages(client).items()})
        print(f"{'page':30}{SIZES[0]:>14,}{SIZES[1]:>14,}{'ratio':>8}")
        for name, few in times[0].items():
            print(f"{name:30}{few:11.1f} ms{times[1][name]:11.1f} ms{times[1][name] / few:8.2f}")


if __name__ == "__main__":
    main()
