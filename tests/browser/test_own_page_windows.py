"""One registration in two windows: nobody overwrites unseen what was saved in the other."""

import re

import pytest
from browser import steps
from browser.steps import MODES
from playwright.sync_api import Locator, Page, expect

pytestmark = pytest.mark.browser

BOTH = pytest.mark.parametrize("mode", ["javascript", "no-javascript"])


@pytest.fixture
def two_windows(open_page, server, ada):
    """The edit page of ada in two windows."""

    def open_two_windows(mode: str) -> tuple[Page, Page]:
        page = open_page(server, expecting="status of 40[49]", **MODES[mode])
        link = steps.register(page, server, ada)
        pages = page, page.context.new_page()
        for window in pages:
            window.goto(f"{link}/edit")
        return pages

    return open_two_windows


def save_in_both(first: Page, second: Page) -> Locator:
    """Save another function in the first window, then another organisation in the second; what that is told."""
    first.fill("#function", "President")
    steps.save(first)
    second.fill("#organisation", "Labour Party of Great Britain")
    second.locator("button[value=save]").click()
    notice = second.locator(".notice[role=alert]")
    expect(notice).to_be_focused()
    return notice


@BOTH
def test_second_window_is_told_of_the_first_and_keeps_what_was_typed(two_windows, server, ada, mode):
    first, second = two_windows(mode)

    notice = save_in_both(first, second)

    expect(notice.locator("li")).to_have_text(
        ["Organisation – stored now: Labour Party", "Function – stored now: President"]
    )
    expect(second.locator("#organisation")).to_have_value("Labour Party of Great Britain")
    expect(second.locator("#function")).to_have_value(ada["function"])
    (row,) = server.registrations(ada["email"])
    assert (row["organisation"], row["function"]) == (ada["organisation"], "President")
    second.fill("#function", "President")
    steps.save(second)
    (row,) = server.registrations(ada["email"])
    assert (row["organisation"], row["function"]) == ("Labour Party of Great Britain", "President")
    assert len(server.mails(ada["email"], "changed")) == 2


@BOTH
def test_conflict_is_told_in_another_language_and_beside_an_error_too(two_windows, server, ada, mode):
    first, second = two_windows(mode)
    notice = save_in_both(first, second)

    second.get_by_role("button", name="Français").click()

    expect(notice.locator("li").last).to_contain_text("enregistré maintenant")
    second.fill("#organisation", "")
    second.locator("button[value=save]").click()
    expect(second.locator("#organisation-error")).not_to_be_empty()
    expect(notice.locator("li").last).to_contain_text("enregistré maintenant")
    (row,) = server.registrations(ada["email"])
    assert row["function"] == "President"
    second.fill("#organisation", "Labour Party")
    steps.save(second)
    (row,) = server.registrations(ada["email"])
    assert row["function"] == ada["function"]


@BOTH
def test_second_window_of_a_registration_cancelled_in_the_first_changes_nothing(
    two_windows, server, ada, mode
):
    first, second = two_windows(mode)
    first.goto(first.url.removesuffix("/edit"))
    steps.press_in(first, "cancellation")
    expect(first.locator('form[action$="/restoration"]')).to_be_visible()
    second.fill("#function", "President")

    second.locator("button[value=save]").click()

    expect(second).to_have_url(re.compile(r"\?done=closed$"))
    (row,) = server.registrations(ada["email"])
    assert (row["state"], row["function"]) == ("cancelled", ada["function"])
    assert server.mails(ada["email"], "changed") == []


@BOTH
def test_link_that_was_renewed_in_the_other_window_saves_nothing(two_windows, server, ada, mode):
    first, second = two_windows(mode)
    first.goto(first.url.removesuffix("/edit"))
    steps.press_in(first, "link")
    expect(first).to_have_url(re.compile(r"/link/renewed$"))
    second.fill("#function", "President")

    with second.expect_response("**/edit") as answer:
        second.locator("button[value=save]").click()

    assert answer.value.status == 404
    (row,) = server.registrations(ada["email"])
    assert row["function"] == ada["function"]


def test_window_whose_link_has_died_says_so_and_keeps_what_was_typed(two_windows):
    first, second = two_windows("javascript")
    first.goto(first.url.removesuffix("/edit"))
    first.locator("form[action$='/link'] button").click()
    expect(first).to_have_url(re.compile("/link/renewed$"))
    second.fill("#function", "President")

    second.locator("button[value=save]").click()

    expect(second.locator("#trouble")).to_have_text(
        "This link does not open your registration any more. Please use the link in your newest mail from us."
    )
    expect(second.locator("#function")).to_have_value("President")
