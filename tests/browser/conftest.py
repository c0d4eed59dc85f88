"""Real servers, a real Chromium, and browsers that fail the test for whatever they complain of."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from browser import steps
from browser.server import Server, wait_for
from factories import next_address
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright
from support.smtp import MailServer

from config import HTMX_URL, ROOT

# The same engine twice: the second opens a window in a fraction of the time, but keeps no page that one has left.
WHOLE = "chromium"
QUICK = "chromium-headless-shell"
HTMX = ROOT / "node_modules" / "htmx.org" / "dist" / "htmx.min.js"
HARMLESS = "Autofocus processing was blocked|the server responded with a status of 422"
BLOCKED = "Failed to load resource: net::ERR_FAILED"
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation",
                          (event) => console.error("CSP", event.violatedDirective, event.blockedURI));
"""
# Nothing leaves this machine: neither the pages' requests nor those that a browser makes of its own accord.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--lang=en-US",  # decides in which order the parts of a date are typed
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]

_visitors = (str(IPv4Address("10.0.0.0") + number) for number in count(1))


@pytest.fixture(scope="session")
def launch() -> Iterator[Callable[[str], Browser]]:
    """Start a browser when it is first asked for; each test opens private windows in it."""
    expect.set_options(timeout=20_000)
    with sync_playwright() as playwright, ExitStack() as running:

        @cache
        def start(name: str) -> Browser:
            program = shutil.which(name)
            assert program, f"{name} is missing: apt-get install {name}"
            browser = playwright.chromium.launch(
                executable_path=program,
                args=ARGUMENTS,
                ignore_default_args=["--disable-back-forward-cache"],  # visitors have it
            )
            running.callback(browser.close)
            return browser

        yield start


@pytest.fixture(scope="session")
def start_server(free_port: Callable[[], int]) -> Iterator[Callable[..., Server]]:
    """Start servers that are stopped when the last test is over."""
    with ExitStack() as running:

        def start(folder: Path, **settings: str) -> Server:
            server = Server(folder, free_port(), **settings)
            server.start()
            running.callback(server.stop)
            wait_for(server.is_up)
            return server

        yield start


@pytest.fixture(scope="session")
def server(start_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The service on 10 April 2017: registration is open."""
    return start_server(tmp_path_factory.mktemp("public"))


@pytest.fixture(scope="session")
def desk(start_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The service with the cast registered and an organiser."""
    server = start_server(tmp_path_factory.mktemp("desk"))
    server.run("browser.cast")
    server.run("flask", "--app", "app", "organiser", "demo")
    return server


@pytest.fixture(scope="session")
def late_desk(
    start_server: Callable[..., Server], desk: Server, tmp_path_factory: pytest.TempPathFactory
) -> Server:
    """The same registrations on 10 May 2017: registration is closed."""
    folder = tmp_path_factory.mktemp("late")
    desk.copy_database(folder)
    return start_server(folder, CONVOKE_REHEARSAL_DATE="2017-05-10")


@pytest.fixture(scope="session")
def late_server(
    start_server: Callable[..., Server], desk: Server, tmp_path_factory: pytest.TempPathFactory
) -> Server:
    """The same once more, for tests that change something."""
    folder = tmp_path_factory.mktemp("later")
    desk.copy_database(folder)
    return start_server(folder, CONVOKE_REHEARSAL_DATE="2017-05-10")


@pytest.fixture(scope="session")
def post(free_port: Callable[[], int]) -> Iterator[MailServer]:
    """A mail server that refuses what a test tells it to."""
    with MailServer(free_port()) as server:
        yield server


@pytest.fixture(scope="session")
def mail_desk(
    start_server: Callable[..., Server],
    desk: Server,
    post: MailServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Server:
    """The same registrations once more, with a real mail server, for tests of the mails."""
    folder = tmp_path_factory.mktemp("mails")
    wait_for(lambda: not desk.rows("SELECT id FROM mail WHERE state != 'accepted'"))
    desk.copy_database(folder)
    return start_server(folder, CONVOKE_MAIL_URL=f"smtp://{post.hostname}:{post.port}")


@pytest.fixture
def unreached(mail_desk: Server, post: MailServer, open_page: Callable[..., Page]) -> str:
    """The address of somebody who has registered, and whom the confirmation did not reach."""
    address = next_address()
    post.mailbox.answers[address] = "550 5.1.1 No such user here"
    steps.send_form(open_page(mail_desk), mail_desk, steps.ADA | {"email": address})
    wait_for(lambda: mail_desk.rows("SELECT id FROM mail WHERE recipient = ? AND state = 'failed'", address))
    return address


@pytest.fixture(scope="session")
def signed_in(launch: Callable[[str], Browser], desk: Server) -> dict[str, Any]:
    """The options of a window in which an organiser has signed in."""
    context = launch(QUICK).new_context(base_url=desk.url)
    page = context.new_page()
    steps.sign_in(page)
    expect(page).to_have_url(f"{desk.url}/organiser/registrations")
    state = context.storage_state()
    context.close()
    return {"storage_state": state}


@pytest.fixture
def open_page(
    request: pytest.FixtureRequest, launch: Callable[[str], Browser]
) -> Iterator[Callable[..., Page]]:
    """Open private windows, and fail the test when one of them complained or reached for the outside world.

    `expecting` is a pattern for complaints that the test provokes on purpose.
    """
    browser = launch(WHOLE if request.node.get_closest_marker("history") else QUICK)
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_window(
        server: Server, *, cdn: bool = True, width: int = 1280, expecting: str = "", **options: Any
    ) -> Page:
        context = browser.new_context(
            base_url=server.url,
            viewport={"width": width, "height": 900},
            extra_http_headers={"X-Forwarded-For": next(_visitors)},  # rate limits go by address
            **{"locale": "en-GB"} | options,
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        context.add_init_script(REPORT_VIOLATIONS)
        deliver_htmx(context) if cdn else block_htmx(context)
        harmless = "|".join(filter(None, (HARMLESS, expecting, "" if cdn else BLOCKED)))
        listen(context, complaints, harmless)
        return context.new_page()

    yield open_window
    for context in contexts:
        context.close()
    assert complaints == []


def deliver_htmx(context: BrowserContext) -> None:
    """Answer in the place of the CDN, with the bytes of the npm package: the browser checks their hash."""
    assert HTMX.exists(), f"{HTMX} is missing: npm ci"
    headers = {"access-control-allow-origin": "*"}
    context.route(
        HTMX_URL, lambda route: route.fulfill(path=HTMX, content_type="text/javascript", headers=headers)
    )


def block_htmx(context: BrowserContext) -> None:
    context.route(HTMX_URL, lambda route: route.abort())


def listen(context: BrowserContext, complaints: list[str], harmless: str) -> None:
    """Collect errors on the console, uncaught exceptions, policy violations and requests to anywhere else."""

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not re.search(harmless, message.text):
            complaints.append(f"{message.page and message.page.url}: {message.text}")

    def watch(url: str) -> None:
        if url != HTMX_URL and urlsplit(url).hostname not in ("127.0.0.1", None):
            complaints.append(f"a request to {url}")

    context.on("console", hear)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    context.on("request", lambda request: watch(request.url))


@pytest.fixture
def ada() -> dict[str, Any]:
    """What ada types, with an address that nobody has registered yet."""
    return steps.ADA | {"email": next_address()}
