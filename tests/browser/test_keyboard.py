"""Nothing but the keyboard: every control is reached, in the order in which it is read, and seen to be reached."""

import re
from urllib.parse import urlsplit

import pytest
from browser import keyboard, steps
from browser.keyboard import Keyboard, Stop
from browser.steps import MODES
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SHORT = {"email": "bo@example.org", "visa_letter": ["no"], "travel": ["later"], "hotel": ["own"]}


def tell(capsys, keys: int, what: str) -> None:
    with capsys.disabled():
        print(f"\n{keys} keys for {what}")  # noqa: T201 - what these tests measure


def expect_good_stops(page: Page, stops: list[Stop]) -> None:
    """Every control that can be seen is a stop, in the order of the page, nothing else is, and each shows a ring."""
    reached = [stop.control for stop in stops]
    assert reached == keyboard.visible_controls(page)[: len(reached)]
    assert [stop for stop in stops if not stop.is_seen] == []
    assert [stop for stop in stops if not stop.has_ring] == []


def test_form_with_visa_flights_and_hotel_can_be_sent_with_the_keyboard_alone(open_page, server, ada, capsys):
    page = open_page(server)
    steps.open_form(page)
    keys = Keyboard(page)

    stops = keyboard.fill_in(keys, steps.ADA)

    assert steps.typed(page) == steps.as_typed(steps.ADA)
    expect_good_stops(page, stops)
    assert {"passport_number", "arrival_time", "mobile", "share_with"} <= {stop.id for stop in stops}
    count = keyboard.send(keys)
    (row,) = server.registrations(steps.ADA["email"])
    assert (row["visa_state"], row["travel"], row["hotel"]) == ("requested", "known", "reserve")
    tell(capsys, count, "a registration with visa letter, flights and hotel")


def test_short_registration_takes_few_keys(open_page, server, capsys):
    page = open_page(server)
    steps.open_form(page)

    count = keyboard.register(page, steps.ADA | SHORT)

    (row,) = server.registrations(SHORT["email"])
    assert (row["visa_state"], row["travel"], row["hotel"]) == ("none", "later", "own")
    tell(capsys, count, "a registration without them")


@pytest.mark.parametrize("mode", MODES)
def test_enter_in_a_field_checks_the_answers_and_on_the_edit_page_saves_them(open_page, server, ada, mode):
    page = open_page(server, **MODES[mode])
    steps.open_form(page)
    steps.fill_in(page, ada)

    page.press("#given_names", "Enter")

    steps.expect_check_page(page)
    assert page.locator("html").get_attribute("lang") == "en"
    steps.press(page, "send")
    page.goto(f"{urlsplit(steps.private_link(server, ada['email'])).path}/edit")
    page.fill("#function", "President")
    page.press("#function", "Enter")
    expect(page).to_have_url(re.compile(r"/en/r/[^/]+\?done=changed"))
    (row,) = server.registrations(ada["email"])
    assert row["function"] == "President"


@pytest.mark.parametrize("path", ["/registration", "/registration/link"])
def test_keyboard_goes_through_a_whole_page_and_out_of_it(open_page, server, path):
    page = open_page(server)
    page.goto(f"/en{path}")

    stops = keyboard.walk(Keyboard(page))

    expect_good_stops(page, stops)
    assert len(stops) == len(keyboard.visible_controls(page))


def test_keyboard_goes_through_the_own_page_and_out_of_it(open_page, server, ada):
    page = open_page(server)
    page.goto(steps.register(page, server, ada))

    stops = keyboard.walk(Keyboard(page))

    expect_good_stops(page, stops)
    assert {"reason", "sure", "block"} <= {stop.id for stop in stops}
    assert len(stops) == len(keyboard.visible_controls(page))
