"""The form while it is being filled in: the check of each field, the visa section, the keyboard."""

from collections.abc import Iterator

import pytest
from browser import steps
from browser.steps import MODES
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser


def hold(page: Page, field: str) -> list:
    """Keep the checks of a field back until the test lets them go."""
    held = []
    page.route(f"**/registration/fields/{field}", lambda route: held.append(route))
    return held


def test_mistyped_address_is_reported_beside_the_field(open_page, server):
    page = open_page(server)
    steps.open_form(page)
    page.focus("#email")

    page.keyboard.type("ada@example")
    page.keyboard.press("Tab")

    expect(page.locator("#email-error")).not_to_be_empty()
    expect(page.locator("#email")).to_have_value("ada@example")
    expect(page.locator("#email")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#organisation")).to_be_focused()


def test_corrected_address_is_scolded_no_longer(open_page, server):
    page = open_page(server)
    steps.open_form(page)
    page.fill("#email", "ada@example")
    page.keyboard.press("Tab")
    expect(page.locator("#email-error")).not_to_be_empty()

    page.fill("#email", "ada@example.org")
    page.keyboard.press("Tab")

    expect(page.locator("#email-error")).to_be_empty()
    expect(page.locator("#email")).not_to_have_attribute("aria-invalid", "true")


def test_check_of_a_field_leaves_alone_what_is_typed_meanwhile(open_page, server):
    page = open_page(server)
    steps.open_form(page)
    held = hold(page, "email")
    page.fill("#email", "ada@example")
    with page.expect_request("**/fields/email"):
        page.keyboard.press("Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("End")
    page.keyboard.type(".or")

    held[0].continue_()

    expect(page.locator("#email-error")).not_to_be_empty()
    page.keyboard.type("g")
    expect(page.locator("#email")).to_be_focused()
    expect(page.locator("#email")).to_have_value("ada@example.org")


def test_field_left_empty_is_not_scolded(open_page, server):
    page = open_page(server)
    steps.open_form(page)
    page.fill("#email", "ada@example.org")
    page.keyboard.press("Tab")

    page.fill("#email", "")
    with page.expect_response("**/fields/email"):
        page.keyboard.press("Tab")

    expect(page.locator("#email-error")).to_be_empty()


def test_family_name_alone_answers_the_question_for_a_name(open_page, server):
    page = open_page(server)
    steps.open_form(page)
    steps.press(page, "check")
    expect(page.locator("#given_names-error")).not_to_be_empty()

    page.fill("#family_name", "Lovelace")
    page.keyboard.press("Tab")

    expect(page.locator("#given_names-error")).to_be_empty()
    expect(page.locator("#given_names-field")).not_to_have_class("field--invalid")


@pytest.mark.parametrize("mode", MODES)
def test_visa_section_opens_on_yes_and_forgets_nothing_on_no(open_page, server, mode):
    page = open_page(server, **MODES[mode])
    steps.open_form(page)
    passport = page.locator("#passport_number")
    expect(passport).to_be_hidden()

    page.check("[name=visa_letter][value=yes]")
    passport.fill("12E34567")
    page.check("[name=visa_letter][value=no]")
    expect(passport).to_be_hidden()
    page.check("[name=visa_letter][value=yes]")

    expect(passport).to_be_visible()
    expect(passport).to_have_value("12E34567")


def test_form_can_be_filled_in_and_sent_with_the_keyboard_alone(open_page, server, ada):
    page = open_page(server)
    steps.open_form(page)

    for field in ("given_names", "family_name", "email", "organisation"):
        tab_to(page, f"#{field}", ada[field])
    tab_to(page, "#country", "United Kingdom")
    tab_to(page, "#function", ada["function"])
    tab_to(page, "[name=category]", " ")
    tab_to(page, "[name=days]", " ")
    tab_to(page, "[name=interpretation]", " ")
    page.keyboard.press("ArrowDown")
    tab_to(page, "[name=visa_letter]", " ")
    page.keyboard.press("ArrowDown")
    tab_to(page, "#consent_affiliation", " ")
    tab_to(page, "button[name=step]", "\n")
    steps.expect_check_page(page)
    tab_to(page, "button[value=send]", "\n")

    reference = steps.reference(page)
    (row,) = server.registrations(ada["email"])
    assert (row["reference"], row["country"], row["category"]) == (reference, "GB", "party")
    assert (row["days"], row["interpretation"], row["visa_state"]) == ('["2017-05-25"]', "en", "none")


def test_keyboard_shows_at_every_stop_where_it_is(open_page, server):
    page = open_page(server)
    steps.open_form(page)

    stops = dict(walk(page))

    assert {"#given_names", "#country", "#category-0", "#consent_affiliation"} < stops.keys()
    assert [name for name, outline in stops.items() if outline == "none"] == []


def walk(page: Page) -> Iterator[tuple[str, str]]:
    """Press Tab through the whole page: each stop with the style of its outline."""
    while True:
        page.keyboard.press("Tab")
        stop = page.evaluate(
            """() => {
                const stop = document.activeElement;
                return [stop.id ? `#${stop.id}` : stop.outerHTML, getComputedStyle(stop).outlineStyle];
            }"""
        )
        if stop[0].startswith("<body"):
            return
        yield stop


def tab_to(page: Page, selector: str, keys: str) -> None:
    """Press Tab until a control has the focus, and type."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            break
    else:
        raise AssertionError(f"{selector} cannot be reached with Tab")
    page.keyboard.press("Enter") if keys == "\n" else page.keyboard.type(keys)
