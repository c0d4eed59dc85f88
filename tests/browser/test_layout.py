"""Narrow screens, great magnification, writing from right to left, and paper."""

from collections.abc import Iterator

import pytest
from browser import steps
from browser.steps import LANGUAGES
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

# 1280 pixels at 400 % are as wide as 320, and 256 high (WCAG 2.2, 1.4.10).
SHAPES = {"320 px": (320, 900), "360 px": (360, 900), "1280 px at 400 %": (320, 256)}
# Where words and borders are, measured from the right-hand side of what holds them.
RIGHT_SIDE = """
() => {
    const words = (element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        return range.getBoundingClientRect();
    };
    const seen = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
    const right = (element) => element.getBoundingClientRect().right;
    const labels = seen(".field__label").filter((label) => words(label).right < right(label) - 1);
    const borders = seen(".field--invalid, .summary, .notice, .follow-up").filter((one) => {
        const {borderRightWidth, borderLeftWidth} = getComputedStyle(one);
        return parseFloat(borderRightWidth) < 4 || parseFloat(borderLeftWidth) > 2;
    });
    return [...labels, ...borders].map((one) => one.outerHTML.slice(0, 120));
}
"""


def is_too_wide(page: Page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")


def faults(page: Page, state: str) -> list[str]:
    """Where a page scrolls sideways, in each shape and in either direction, or keeps to the left when it must not."""
    found = []
    page.wait_for_load_state()  # before the style sheet has come, nothing is where it belongs
    for shape, (width, height) in SHAPES.items():
        page.set_viewport_size({"width": width, "height": height})
        if is_too_wide(page):
            found.append(f"{state}: scrolls sideways at {shape}")
        page.evaluate("document.documentElement.dir = 'rtl'")
        if is_too_wide(page):
            found.append(f"{state}: scrolls sideways at {shape} from right to left")
        found += [f"{state}: on the left at {shape}: {element}" for element in page.evaluate(RIGHT_SIDE)]
        page.evaluate("document.documentElement.removeAttribute('dir')")
    return found


def faults_in(page: Page, states: Iterator[str]) -> list[str]:
    return [fault for state in states for fault in faults(page, state)]


def test_page_that_is_too_wide_or_keeps_to_the_left_would_be_noticed(open_page, server):
    page = open_page(server)
    steps.open_form(page)
    page.locator("#registration-title").evaluate("title => title.append('x'.repeat(400))")
    page.locator("#registration").evaluate("section => section.style.setProperty('overflow-wrap', 'normal')")
    page.locator("#email-field label").evaluate("label => label.style.setProperty('text-align', 'left')")

    found = faults(page, "form")

    assert [fault for fault in found if "scrolls" in fault] == [
        f"form: scrolls sideways at {shape}{direction}"
        for shape in SHAPES
        for direction in ("", " from right to left")
    ]
    assert len([fault for fault in found if "on the left" in fault]) == len(SHAPES)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_public_page_scrolls_sideways_or_keeps_to_the_left(open_page, server, ada, lang):
    page = open_page(server, width=320, expecting="status of 404")

    found = faults_in(page, steps.public_states(page, server, ada, lang))

    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_page_behind_the_link_scrolls_sideways_or_keeps_to_the_left(open_page, server, ada, lang):
    page = open_page(server, width=320, expecting="status of 4(04|09|10)")

    found = faults_in(page, steps.link_states(page, lang))
    found += faults_in(page, steps.own_states(page, server, ada, lang))

    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_late_links_of_the_organisers_do_not_scroll_sideways_or_keep_to_the_left(
    open_page, late_server, lang
):
    page = open_page(late_server, width=320, locale=lang)

    found = faults_in(page, steps.late_link_states(page))

    assert page.locator("html").get_attribute("lang") == lang
    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_access_of_organisers_does_not_scroll_sideways_or_keep_to_the_left(open_page, late_server, lang):
    page = open_page(late_server, width=320, locale=lang, expecting="status of 4(01|10)")

    found = faults_in(page, steps.access_states(page, late_server))

    assert page.locator("html").get_attribute("lang") == lang
    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_log_does_not_scroll_sideways_or_keep_to_the_left(open_page, desk, signed_in, lang):
    page = open_page(desk, width=320, **signed_in)

    page.goto(f"/organiser/log?lang={lang}")

    assert page.locator("html").get_attribute("lang") == lang
    assert faults(page, "log") == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_list_with_its_panels_open_does_not_scroll_sideways_or_keep_to_the_left(
    open_page, desk, signed_in, lang
):
    page = open_page(desk, width=320, **signed_in)
    page.goto(f"/organiser/registrations?lang={lang}&state=received&country=GB&session=nonsense&not=country")
    for panel in page.locator(".panel__summary").all():
        panel.click()

    found = faults(page, "list with filters")

    assert page.locator("html").get_attribute("lang") == lang
    assert page.locator(".chip").count() == 2
    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_sheets_and_statistics_do_not_scroll_sideways_or_keep_to_the_left(open_page, desk, signed_in, lang):
    page = open_page(desk, width=320, **signed_in)
    page.goto(f"/organiser/sheets?lang={lang}")
    found = faults(page, "sheets")
    paths = [link.get_attribute("href") for link in page.locator(".sheets__title a").all()]

    for path in [*paths, "/organiser/statistics"]:
        page.goto(path)
        for numbers in page.locator(".plot__numbers summary").all():
            numbers.click()
        found += faults(page, path)

    assert len(paths) == 9
    assert page.locator("html").get_attribute("lang") == lang
    assert found == []


def displayed(page: Page, selector: str) -> int:
    return page.locator(selector).evaluate_all("all => all.filter((one) => one.checkVisibility()).length")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_own_page_on_paper_is_answers_without_buttons(open_page, server, ada, lang):
    page = open_page(server)
    page.goto(steps.register(page, server, ada, lang))
    assert displayed(page, ".masthead") == 1
    assert displayed(page, ".button") > 5

    page.emulate_media(media="print")

    assert displayed(page, ".masthead, .menu, .rehearsal, .button, button") == 0
    expect(page.locator(".answers__address")).to_be_visible()
    expect(page.locator("h1")).to_be_visible()
