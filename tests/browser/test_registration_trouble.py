"""Trouble between the browser and the server: the form stays, says so, and can be sent again."""

import re

import pytest
from browser import steps
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

ADDRESS = re.compile(r"/en/registration(\?|$)|/edit$")


def proxy_page(route: Route) -> None:
    route.fulfill(status=502, content_type="text/html", body="<h1>Bad Gateway</h1>")


def unavailable(route: Route) -> None:
    """The service itself, without its database."""
    route.fulfill(status=503, content_type="text/html", body="<h1>503</h1>", headers={"X-Convoke": "1"})


def captive_portal(route: Route) -> None:
    route.fulfill(content_type="text/html", body="<h1>Welcome to the hotel</h1>")


def refused(route: Route) -> None:
    route.abort("connectionrefused")


def answer_lost(route: Route) -> None:
    """The server gets the form, and its answer never arrives."""
    route.fetch()
    route.abort("connectionreset")


def offline(page: Page) -> None:
    page.context.set_offline(True)


def online(page: Page) -> None:
    page.unroute_all()
    page.context.set_offline(False)


TROUBLE = {
    "bad gateway": (lambda page: page.route(ADDRESS, proxy_page), "other"),
    "captive portal": (lambda page: page.route(ADDRESS, captive_portal), "other"),
    "connection refused": (lambda page: page.route(ADDRESS, refused), "other"),
    "answer lost": (lambda page: page.route(ADDRESS, answer_lost), "other"),
    "offline": (offline, "offline"),
}
UNAVAILABLE = {"unavailable": (lambda page: page.route(ADDRESS, unavailable), "other")}
EXPECTED = "status of (413|429|50.)|net::ERR_|Failed to fetch"


@pytest.mark.parametrize("trouble", TROUBLE)
def test_trouble_costs_no_answer_and_ends_in_one_registration(open_page, server, ada, trouble):
    begin, words = TROUBLE[trouble]
    page = open_page(server, expecting=EXPECTED)
    steps.open_form(page)
    steps.fill_in(page, ada)

    begin(page)
    page.locator("button[value=check]").click()
    expect_trouble(page, words)
    steps.expect_form(page)
    assert steps.typed(page) == steps.as_typed(ada)
    online(page)
    steps.press(page, "check")
    steps.expect_check_page(page)
    begin(page)
    page.locator("button[value=send]").click()
    expect_trouble(page, words)
    assert steps.typed(page) == steps.as_typed(ada)
    online(page)
    reference = steps.send(page)

    assert [row["reference"] for row in server.registrations(ada["email"])] == [reference]
    assert len(server.mails(ada["email"])) == 1


@pytest.mark.parametrize(("status", "words"), [(413, "large"), (429, "busy"), (500, "other"), (503, "other")])
def test_refusal_by_the_service_itself_leaves_the_form_and_says_why(open_page, server, status, words):
    page = open_page(server, expecting=EXPECTED)
    steps.open_form(page)
    page.fill("#family_name", "Lovelace")
    body = "<h1>A whole page</h1>"
    page.route(ADDRESS, lambda route: route.fulfill(status=status, body=body, headers={"X-Convoke": "1"}))

    page.locator("button[value=check]").click()

    expect_trouble(page, words)
    assert steps.typed(page) == [("family_name", "Lovelace")]


def test_answer_that_does_not_come_is_given_up_after_a_while(open_page, server, ada):
    page = open_page(server, expecting="htmx:error: timeout")
    page.clock.install()
    steps.open_form(page)
    steps.fill_in(page, ada)
    page.route(ADDRESS, lambda route: None)
    with page.expect_request(ADDRESS):
        page.locator("button[value=check]").click()

    page.clock.fast_forward("00:16")

    expect_trouble(page, "timeout")
    assert steps.typed(page) == steps.as_typed(ada)


@pytest.mark.parametrize("button", ["check", "save"])
def test_nobody_types_into_a_form_whose_answer_would_take_its_place(open_page, server, ada, button):
    page, held = open_page(server, expecting=EXPECTED), []
    if button == "check":
        steps.open_form(page)
        steps.fill_in(page, ada)
    else:
        page.goto(f"{steps.register(page, server, ada)}/edit")
    page.route(ADDRESS, lambda route: held.append(route))
    page.press("#function", "Enter")
    expect(page.locator(".section[inert]").first).to_be_attached()
    expect(page.locator("#function")).not_to_be_focused()

    page.keyboard.type(" and Treasurer")

    expect(page.locator("#function")).to_have_value(ada["function"])
    held.pop().abort("connectionrefused")
    expect_trouble(page, "other")
    expect(page.locator("#function")).to_be_focused()
    page.keyboard.type(" and Treasurer")
    expect(page.locator("#function")).to_have_value(re.compile(" and Treasurer"))


@pytest.mark.parametrize("trouble", [*TROUBLE, "unavailable"])
def test_trouble_with_a_change_costs_no_answer_and_it_is_saved_once(open_page, server, ada, trouble):
    begin, words = (TROUBLE | UNAVAILABLE)[trouble]
    page = open_page(server, expecting=EXPECTED)
    page.goto(f"{steps.register(page, server, ada)}/edit")
    steps.fill_in(page, {"function": "President", "passport_number": "98Z76543"})
    typed = steps.typed(page)

    begin(page)
    page.locator("button[value=save]").click()

    expect_trouble(page, words)
    expect_just_above(page, "button[value=save]")
    assert steps.typed(page) == typed
    online(page)
    steps.save(page)
    (row,) = server.registrations(ada["email"])
    assert (row["function"], row["sequence"]) == ("President", 1)
    assert len(server.mails(ada["email"], "changed")) == 1


def test_change_that_gets_no_answer_is_given_up_after_a_while(open_page, server, ada):
    page = open_page(server, expecting="htmx:error: timeout")
    page.clock.install()
    page.goto(f"{steps.register(page, server, ada)}/edit")
    page.fill("#function", "President")
    page.route(ADDRESS, lambda route: None)
    with page.expect_request(ADDRESS):
        page.locator("button[value=save]").click()

    page.clock.fast_forward("00:16")

    expect_trouble(page, "timeout")
    expect(page.locator("#function")).to_have_value("President")
    online(page)
    steps.save(page)
    assert [row["function"] for row in server.registrations(ada["email"])] == ["President"]


def test_trouble_with_the_check_of_a_field_is_kept_from_the_visitor(open_page, server):
    page = open_page(server, expecting=EXPECTED)
    steps.open_form(page)
    page.route("**/fields/email", proxy_page)
    page.fill("#email", "ada@example")

    with page.expect_response("**/fields/email"):
        page.keyboard.press("Tab")

    page.fill("#organisation", "Labour Party")
    expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#email")).to_have_value("ada@example")


def expect_trouble(page: Page, words: str) -> None:
    """The page says what is wrong, just above the button, in the words it has brought along for it."""
    trouble = page.locator("#trouble")
    expect(trouble).to_be_visible()
    expect(trouble).to_have_text(trouble.get_attribute(f"data-{words}"))


def expect_just_above(page: Page, button: str) -> None:
    """The words stand where somebody looks who has just pressed the button."""
    words, pressed = page.locator("#trouble").bounding_box(), page.locator(button).bounding_box()
    assert 0 <= pressed["y"] - (words["y"] + words["height"]) < 60
