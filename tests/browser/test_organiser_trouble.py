"""Trouble between an organiser's browser and the server: the page says so, in view, until it works again."""

import re

import pytest
from browser import steps
from browser.test_accessibility import violations
from browser.test_dossier_journey import set_mark
from browser.test_layout import faults
from browser.test_registration_trouble import EXPECTED, expect_trouble, proxy_page, refused
from playwright.sync_api import Page, Route, expect

pytestmark = pytest.mark.browser

LIST = "/organiser/registrations"


def broken(route: Route) -> None:
    """The service itself, out of order."""
    route.fulfill(status=500, content_type="text/html", body="<h1>500</h1>", headers={"X-Convoke": "1"})


def forbidden(route: Route) -> None:
    """The service itself, when the role of an organiser has changed since the page was opened."""
    route.fulfill(status=403, content_type="text/html", body="<h1>403</h1>", headers={"X-Convoke": "1"})


@pytest.fixture
def troubled(open_page, late_server) -> Page:
    """The page of a registration that no other test changes."""
    page = open_page(late_server, expecting=f"{EXPECTED}|status of 403")
    steps.sign_in(page)
    page.goto(f"{LIST}?q=ada@example.org")
    page.locator("tbody th a").click()
    expect(page.locator("#handling")).to_be_visible()
    return page


def expect_in_view(page: Page) -> None:
    place = page.locator("#trouble").bounding_box()
    assert place["y"] >= 0
    assert place["y"] + place["height"] <= page.viewport_size["height"]


@pytest.mark.parametrize("fail", [refused, broken, proxy_page, forbidden])
def test_mark_that_was_not_saved_is_told_where_it_is_seen_until_it_is_saved(troubled, fail):
    troubled.route("**/marks*", fail)

    set_mark(troubled, "visa", "sent")

    expect_trouble(troubled, "other")
    expect_in_view(troubled)
    troubled.unroute("**/marks*")
    troubled.click("#mark-visa-store")
    expect(troubled.locator("#handling [role=status]")).to_have_text("The mark is stored.")
    expect(troubled.locator("#trouble")).to_be_hidden()
    set_mark(troubled, "visa", "requested")
    expect(troubled.locator("#mark-visa")).to_have_value("requested")


def test_note_that_was_not_saved_is_told_and_stays(troubled):
    troubled.route("**/notes*", refused)
    troubled.fill("#note", "Speaks on Friday.")

    troubled.click("#add-note")

    expect_trouble(troubled, "other")
    expect_in_view(troubled)
    expect(troubled.locator("#note")).to_have_value("Speaks on Friday.")


def test_search_that_finds_no_server_is_told_until_the_next_one_does(open_page, desk, signed_in):
    page = open_page(desk, expecting=EXPECTED, **signed_in)
    page.goto(LIST)
    page.route(re.compile(r"\?q="), broken)
    page.fill("#q", "lovelace")
    expect_trouble(page, "other")
    expect_in_view(page)
    page.unroute_all()

    page.fill("#q", "lovelac")

    expect(page.locator("tbody th")).to_have_text(["Ada Lovelace"])
    expect(page.locator("#trouble")).to_be_hidden()


def test_mark_that_was_not_saved_is_told_when_the_page_has_asked_by_itself(troubled):
    """The warning of the end of the sign-in asks when somebody comes back to the page."""
    troubled.route("**/marks*", refused)
    set_mark(troubled, "visa", "sent")
    expect_trouble(troubled, "other")

    with troubled.expect_response("**/warning"):
        troubled.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    steps.settle(troubled)

    expect_trouble(troubled, "other")


@pytest.mark.parametrize("lang", steps.LANGUAGES)
def test_trouble_has_no_faults(open_page, desk, signed_in, lang):
    page = open_page(desk, expecting=EXPECTED, **signed_in | {"locale": lang})
    page.goto(LIST)
    page.route(re.compile(r"\?q="), broken)

    page.fill("#q", "lovelace")

    expect_trouble(page, "other")
    assert faults(page, "trouble") == []
    assert violations(page, "trouble", lang) == []
