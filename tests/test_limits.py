"""How often one address, e-mail or network, may ask; and where that is counted."""

import shutil
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
import redis
import time_machine
from conftest import PASSWORD
from factories import typed, typed_with_travel
from support.journey import (
    FORM,
    HTMX,
    ON_SQLITE,
    SESSION,
    again,
    amended,
    as_typed,
    check,
    fresh_key,
    lists,
    own_page,
    stored,
)
from support.page import PageClient
from support.second import second_service
from werkzeug.datastructures import MultiDict

from domain.conference import LANGUAGES
from models import Mail, Registration
from security import Counters

pytestmark = ON_SQLITE

LINK = f"{FORM}/link"
WAIT = (
    "There have been too many attempts. Nothing was stored, and your answers are still here: please send them again "
    "in a few minutes, at the latest in an hour."
)
OFTEN = (
    "The link has been asked for often today. Please look into the mailbox, also in the spam folder: up to three mails "
    "are there. You can ask again tomorrow."
)
NETWORKS = [f"192.0.2.{number}" for number in range(1, 41)]


def statuses(client, times, method="POST", path=FORM, networks=None, **given) -> list[int]:
    """The answers to the same request again and again, from one network or from a list of them in turn."""
    networks = networks or ["192.0.2.1"]
    asked = [{"REMOTE_ADDR": networks[number % len(networks)]} for number in range(times)]
    return [client.client.open(path, method=method, environ_base=base, **given).status_code for base in asked]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_eleventh_form_for_one_address_within_an_hour_has_to_wait(client, lang):
    given = {"path": f"/{lang}/registration", "networks": NETWORKS, "data": typed(step="send")}
    assert statuses(client, 10, **given) == [422] * 10  # without a key each is asked for once more

    page = client.post(given["path"], given["data"], status=429)

    assert page.one("html")["lang"] == lang
    assert as_typed(page) == lists(given["data"])
    assert len(page.texts("[role=alert]:not([hidden])")) == 1
    assert 0 < int(page.headers["Retry-After"]) <= 3600
    assert stored(Registration) == []


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("stage", ["form", "check"])
def test_what_has_to_wait_comes_back_as_it_was_sent_and_is_one_registration_in_the_end(
    app, client, stage, headers
):
    fields = typed_with_travel(key=fresh_key(app), arrival_flight="OM 302", sessions=["asia", "gender"])
    if stage == "check":
        fields = MultiDict(check(client, fields).hidden_fields())
    sent = fields | {"step": "send"}
    statuses(client, 10, networks=NETWORKS, data=typed(step="send"))

    page = client.post(FORM, sent, headers=headers, status=429)

    assert page.texts("h1") == ["Check your answers" if stage == "check" else "Register for the conference"]
    assert page.texts("[role=alert]:not([hidden])") == [WAIT]
    assert 0 < int(page.headers["Retry-After"]) <= 3600
    kept = page.hidden_fields() | ({} if stage == "check" else as_typed(page))
    assert lists(MultiDict(kept)) == lists(fields)
    assert kept["key"] == [fields["key"]]
    assert stored(Registration) == []

    with time_machine.travel(datetime.now(UTC) + timedelta(hours=1, seconds=1)):
        for _ in range(2):
            client.post(FORM, kept | {"step": "send"}, headers=headers, status=204 if headers else 303)

    assert [row.email for row in stored(Registration)] == ["ada@example.org"]
    assert [mail.kind for mail in stored(Mail)] == ["confirmation"]


def test_check_page_that_was_tampered_with_comes_back_as_a_form(app, client):
    form = check(client, typed()).hidden_fields() | {"step": "send", "email": "ada at example"}
    statuses(client, 10, networks=NETWORKS, data=form)

    page = client.post(FORM, form, status=429)

    assert as_typed(page)["email"] == ["ada at example"]
    assert page.texts("h1") == ["Register for the conference"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_fourth_wish_for_a_link_within_a_day_has_to_wait(client, headers):
    wish = {"email": "ada@example.org"}
    assert statuses(client, 3, networks=NETWORKS, path=LINK, data=wish) == [303] * 3

    page = client.post(LINK, {"email": " ADA@example.org "}, headers=headers, status=429)

    assert page.value("email") == "ADA@example.org"
    assert page.texts("[role=alert]:not([hidden])") == [OFTEN]
    assert 0 < int(page.headers["Retry-After"]) <= 24 * 3600
    client.post(LINK, {"email": "bo@example.org"}, headers=headers, status=204 if headers else 303)


def test_who_forgets_the_address_is_told_so_however_often_others_did(client):
    statuses(client, 3, networks=NETWORKS, path=LINK, data={"email": " "})

    page = client.post(LINK, {"email": ""}, status=422)

    assert page.texts("#email-error") == ["Enter your e-mail address"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_edit_page_that_has_to_wait_comes_back_as_it_was_sent(app, client, registered, headers):
    row = registered()
    path = f"{own_page(app, row)}/edit"
    fields = amended(client.get(path), function="President", days=["2017-05-25", "2017-05-26"])
    statuses(client, 60, networks=["127.0.0.1"], path=path, method="GET")

    page = client.post(path, fields, headers=headers, status=429)

    assert as_typed(page) == lists(fields)
    assert page.value("sequence") == "0"
    assert page.texts("[role=alert]:not([hidden])") == [WAIT]
    assert 0 < int(page.headers["Retry-After"]) <= 60
    assert again(row).function == row.function
    with time_machine.travel(datetime.now(UTC) + timedelta(seconds=61)):
        client.post(path, amended(page), headers=headers, status=204 if headers else 303)
    assert again(row).function == "President"


def test_limit_of_one_address_stops_no_other(app, client):
    statuses(client, 11, data=typed(step="send"))

    client.post(FORM, typed(email="bo@example.org", key=fresh_key(app), step="send"), status=303)


@pytest.mark.parametrize("spelling", [" ADA@example.ORG", "ada@\uff45xample.org", "ada@example\u3002org"])
def test_another_spelling_makes_no_new_address(client, spelling):
    statuses(client, 10, networks=NETWORKS, data=typed(step="send"))

    client.post(FORM, typed(email=spelling, step="send"), status=429)


def test_spellings_of_one_address_get_its_three_links_together(client, registered):
    registered(email="ada@example.org")
    spellings = [f"ada@{word}.org" for word in ("example", "\uff45xample", "e\uff58ample", "ex\uff41mple")]

    answers = [statuses(client, 1, path=LINK, data={"email": one})[0] for one in spellings]

    assert answers == [303] * 3 + [429]
    assert [mail.kind for mail in stored(Mail)] == ["confirmation", "link", "link", "link"]


def test_what_is_no_address_is_counted_too(client):
    given = typed(email="ada at example", step="send")

    assert statuses(client, 11, networks=NETWORKS, data=given) == [422] * 10 + [429]


def test_reading_the_check_page_is_not_counted_as_sending(client):
    assert statuses(client, 11, networks=NETWORKS, data=typed(step="check")) == [200] * 11
    assert statuses(client, 1, networks=NETWORKS, data=typed(step="send")) == [422]


def test_htmx_learns_that_it_has_to_wait(client):
    statuses(client, 10, data=typed(step="send"))

    page = client.client.post(FORM, data=typed(step="send"), headers=HTMX)

    assert page.status_code == 429
    assert page.headers["X-Convoke"] == "1"


@pytest.mark.parametrize(
    ("method", "path", "data", "allowed"),
    [
        ("POST", FORM, {"step": "edit"}, 60),
        ("POST", f"{FORM}/fields/email", {"email": "ada"}, 120),
        ("POST", SESSION, {}, 30),
        ("GET", "/en/r/x", {}, 60),
        ("POST", "/en/r/x/erasure", {}, 60),
        ("GET", f"{FORM}/address/x", {}, 60),
        ("POST", LINK, {}, 20),
    ],
)
def test_one_network_may_ask_so_often(client, method, path, data, allowed):
    asked = statuses(client, allowed + 1, method=method, path=path, data=data)

    assert 429 not in asked[:allowed]
    assert asked[allowed] == 429
    elsewhere = {"networks": ["192.0.2.2"], "data": data | {"email": "bo@example.org"}}
    assert statuses(client, 1, method=method, path=path, **elsewhere)[0] != 429


def test_one_network_may_send_so_many_forms_an_hour(client):
    forms = [typed(email=f"delegate{number}@example.org", step="send") for number in range(61)]
    start = datetime.now(UTC)

    asked = []
    for number, form in enumerate(forms):
        with time_machine.travel(start + timedelta(seconds=30 * number), tick=False):
            asked += statuses(client, 1, data=form)

    assert asked == [422] * 60 + [429]


def test_public_pages_and_health_know_no_limit(client):
    for path in ("/en/", "/healthz", "/readyz", FORM):
        assert statuses(client, 130 if path != FORM else 61, method="GET", path=path)[-1] == 200


def test_thirty_first_sign_in_to_one_account_has_to_wait_even_with_the_right_password(client, organiser):
    token = client.get(SESSION).value("csrf_token")
    statuses(client, 30, path=SESSION, networks=NETWORKS, data={"email": organiser.email})

    right = {"email": organiser.email, "password": PASSWORD, "csrf_token": token}
    client.post(SESSION, right, status=429)

    client.post(SESSION, right | {"email": "bo@example.org"}, status=422)


def test_requests_at_once_start_the_timer_of_the_counters_once(app):
    class SlowCounters(Counters):
        @property
        def timer(self) -> threading.Timer:
            time.sleep(0.02)
            return self.latest

        @timer.setter
        def timer(self, timer: threading.Timer) -> None:
            self.latest = timer

    counters = SlowCounters("memory://")
    counters.timer.join()

    with ThreadPoolExecutor() as requests:
        allowed = requests.map(lambda number: counters.acquire_entry(f"{number}", 1, 60), range(4))

        assert list(allowed) == [True] * 4


def test_answers_within_the_limits_speak_of_no_waiting(client):
    page = client.post(FORM, typed())

    assert "Retry-After" not in page.headers


def test_limits_hold_after_a_body_that_was_too_large(client):
    client.client.post(FORM, data={"step": "send", "given_names": "x" * 1024 * 1024})

    assert statuses(client, 11, networks=NETWORKS, data=typed(step="send")) == [422] * 10 + [429]


@pytest.fixture
def redis_server(free_port, tmp_path):
    """A Redis server of our own: its process and its address."""
    program = shutil.which("redis-server")
    assert program, "Redis is missing: apt-get install redis-server"
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
    address = f"redis://127.0.0.1:{port}/0"
    with redis.Redis.from_url(address) as session:
        for _ in range(100):
            try:
                session.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.05)
    yield server, address
    server.terminate()
    server.wait(10)


@pytest.fixture
def counted_in_redis(app, redis_server, make_settings):
    with second_service(make_settings(redis_url=redis_server[1])) as counting:
        yield counting


def test_limits_are_counted_in_redis_by_all_processes_together(redis_server, counted_in_redis, make_settings):
    assert statuses(PageClient(counted_in_redis), 6, data=typed(step="send")) == [422] * 6

    with second_service(make_settings(redis_url=redis_server[1])) as another:
        assert statuses(PageClient(another), 5, data=typed(step="send")) == [422] * 4 + [429]

    with redis.Redis.from_url(redis_server[1]) as session:
        keys = b" ".join(session.keys())
    assert b"address:" in keys
    assert b"ada@example.org" not in keys


def test_service_keeps_answering_without_redis(redis_server, counted_in_redis):
    server, _ = redis_server
    client = PageClient(counted_in_redis)
    assert statuses(client, 1, data=typed(step="send")) == [422]

    server.terminate()
    server.wait(10)

    client.post(FORM, typed(key=fresh_key(counted_in_redis), step="send"), status=303)
    assert statuses(client, 3, path=SESSION) == [422] * 3
    assert statuses(client, 201, path=f"{FORM}/fields/email")[-1] == 429
    assert len(stored(Registration)) == 1


def test_private_link_opens_without_redis(redis_server, counted_in_redis):
    client = PageClient(counted_in_redis)
    client.post(FORM, typed(key=fresh_key(counted_in_redis), step="send"), status=303)

    redis_server[0].terminate()
    redis_server[0].wait(10)

    assert client.get(own_page(counted_in_redis, stored(Registration)[0])).texts("h1") == [
        "Your registration"
    ]
