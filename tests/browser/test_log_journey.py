"""An organiser's way through the log: narrowing it down, older entries, and on to a registration."""

import re

import pytest
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

LOG = "/organiser/log"


@pytest.fixture
def log_page(open_page, desk, signed_in, javascript) -> Page:
    """The log, in the window of an organiser who has signed in."""
    page = open_page(desk, java_script_enabled=javascript, width=360, **signed_in)
    page.goto(LOG)
    return page


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_log_is_narrowed_down_and_leads_to_a_registration(log_page, javascript):
    total = int(log_page.locator(".list__count").inner_text().split()[0])
    if javascript:
        log_page.evaluate("window.marked = true")

    log_page.select_option("#action", "registration.received")
    if not javascript:
        log_page.locator("#search button").click()
    expect(log_page).to_have_url(re.compile(r"action=registration\.received"))
    expect(log_page.locator(".list__count")).to_have_text("53 entries")
    assert total > 53
    expect(log_page.locator("tbody tr")).to_have_count(53)
    if javascript:
        assert log_page.evaluate("window.marked === true")
    reference = log_page.locator("tbody a").first.inner_text()
    log_page.locator("tbody a").first.click()

    expect(log_page.locator(".received__reference strong")).to_have_text(reference)
    log_page.goto(f"{LOG}?reference={reference}")
    expect(log_page.locator("tbody tr td:first-child").first).to_have_text("Viewed")


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_log_leads_to_older_entries_and_back(log_page):
    for _ in range(48):
        log_page.context.request.get(log_page.locator("tbody a").last.get_attribute("href"))
    log_page.goto(LOG)
    newest = log_page.locator("tbody tr").first.inner_text()

    log_page.click("#page-older")
    expect(log_page.locator("#page-newest")).to_be_visible()
    log_page.click("#page-newest")

    expect(log_page.locator("tbody tr")).to_have_count(100)
    assert log_page.locator("tbody tr").first.inner_text() == newest
