"""Bulk actions: ticking some, or all that match; the number; doing it; taking it back; the way back and forward."""

import re
import sqlite3
from contextlib import closing

import pytest
from browser import steps
from browser.cast import BO
from browser.server import Server
from browser.test_accessibility import violations
from browser.test_layout import faults
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

LIST = "/organiser/registrations"
BOOKING = f"{LIST}?hotel=reserve&state=received&sort=name"
TICKS = "tbody .tick__input"


@pytest.fixture(scope="session")
def booking_desk(start_server, desk: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The cast once more: those with a number want a room."""
    folder = tmp_path_factory.mktemp("booking")
    desk.copy_database(folder)
    server = start_server(folder)
    with closing(sqlite3.connect(server.database, timeout=10)) as database, database:
        database.execute("UPDATE registration SET hotel = 'reserve' WHERE email LIKE 'number%'")
    return server


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def booking(request, open_page, booking_desk) -> Page:
    """The list of those who want a room, in the window of an organiser."""
    page = open_page(booking_desk, java_script_enabled=request.param)
    steps.sign_in(page)
    page.goto(BOOKING)
    expect(page.locator(".list__count")).to_have_text("51 registrations")
    return page


def ticked(page: Page) -> list[str]:
    return page.locator(f"{TICKS}:checked").evaluate_all("ticks => ticks.map((tick) => tick.name)")


def choose(page: Page, kind: str, scope: str) -> None:
    page.select_option("#batch-kind", kind)
    page.locator(f"#batch button[value={scope}]").click()
    expect(page.locator(".batch__number")).to_be_visible()


def agree(page: Page) -> None:
    page.locator("main article form button").click()
    expect(page).to_have_url(re.compile(r"/organiser/batches/\d+\?"))


def undo(page: Page) -> None:
    page.locator('form[action*="/undo"] button').click()
    expect(page.locator("article [role=status]")).to_contain_text("Undone on")


def booked(server: Server) -> list[str]:
    rows = server.rows("SELECT email FROM registration WHERE is_hotel_booked ORDER BY name_key")
    return [row["email"] for row in rows]


def test_three_are_ticked_marked_and_put_back(booking, booking_desk):
    for number in (0, 2, 4):
        booking.locator(TICKS).nth(number).check()

    choose(booking, "hotel_booked", "chosen")
    expect(booking.locator(".batch__number")).to_have_text("3 hotel rooms will be marked as booked.")
    expect(booking.locator("#names-title + ul li")).to_have_text(
        [f"Delegate Number {number}" for number in ("01", "03", "05")]
    )
    agree(booking)

    expect(booking.locator("article [role=status]")).to_have_text("3 hotel rooms were marked as booked.")
    assert booked(booking_desk) == [f"number0{number}@example.org" for number in (1, 3, 5)]
    undo(booking)
    expect(booking.locator("article [role=status]")).to_contain_text(
        "3 registrations are as they were before."
    )
    assert booked(booking_desk) == []
    booking.locator("article a").first.click()
    expect(booking).to_have_url(re.compile(r"hotel=reserve"))


def test_all_that_match_are_marked_beyond_the_page_that_is_shown(booking, booking_desk):
    choose(booking, "hotel_booked", "all")
    expect(booking.locator(".batch__number")).to_have_text("51 hotel rooms will be marked as booked.")
    expect(booking.locator("#names-title + ul li").last).to_have_text("and 41 others")

    agree(booking)

    assert len(booked(booking_desk)) == 51
    undo(booking)
    assert booked(booking_desk) == []


@pytest.mark.history
def test_back_and_forward_restore_what_was_ticked_and_what_was_shown(booking):
    for number in (1, 3):
        booking.locator(TICKS).nth(number).check()
    before = ticked(booking)
    choose(booking, "hotel_booked", "chosen")

    steps.back(booking)

    expect(booking.locator(".list__count")).to_have_text("51 registrations")
    expect(booking.locator(f"{TICKS}:checked")).to_have_count(2)
    assert ticked(booking) == before
    expect(booking.locator("#batch-kind")).to_have_value("hotel_booked")
    booking.go_forward(wait_until="commit")
    expect(booking.locator(".batch__number")).to_have_text("2 hotel rooms will be marked as booked.")


@pytest.mark.history
def test_way_back_ticks_nobody_else_when_somebody_has_come_in_between(open_page, booking_desk):
    page = open_page(booking_desk)
    steps.sign_in(page)
    page.goto(f"{LIST}?state=received")
    page.evaluate(
        "window.addEventListener('unload', () => {})"
    )  # nor does the browser keep the page as it was
    page.locator(TICKS).first.check()
    before = ticked(page)
    choose(page, "confirmation", "chosen")
    with closing(sqlite3.connect(booking_desk.database, timeout=10)) as database, database:
        database.execute("UPDATE registration SET created_at = '2018-01-01' WHERE email = ?", (BO["email"],))

    steps.back(page)

    expect(page.locator("tbody th").first).to_have_text("Bo Güneşoğlu")
    expect(page.locator(f"{TICKS}:checked")).to_have_count(1)
    assert ticked(page) == before


def test_ticks_follow_their_rows_and_stick_to_no_others(open_page, booking_desk):
    page = open_page(booking_desk)
    steps.sign_in(page)
    page.goto(BOOKING)
    for number in (1, 20):  # the first of the 51 is on the other page when the order is turned round
        page.locator(TICKS).nth(number).check()
    before = ticked(page)

    page.click("#sort-name")
    expect(page.locator("th:has(#sort-name)")).to_have_attribute("aria-sort", "descending")
    assert sorted(ticked(page)) == sorted(before)
    page.click("#sort-name")
    expect(page.locator("th:has(#sort-name)")).to_have_attribute("aria-sort", "ascending")
    assert ticked(page) == before
    page.click("#page-next")
    expect(page.locator(TICKS)).to_have_count(1)
    assert ticked(page) == []
    page.click("#page-previous")
    expect(page.locator(TICKS)).to_have_count(50)

    assert ticked(page) == []


def test_tick_is_set_by_keyboard_and_named_for_readers(open_page, booking_desk):
    page = open_page(booking_desk)
    steps.sign_in(page)
    page.goto(BOOKING)

    page.get_by_role("checkbox", name="Delegate Number 01").focus()
    page.keyboard.press("Space")

    assert len(ticked(page)) == 1


@pytest.mark.parametrize("lang", steps.LANGUAGES)
def test_pages_of_a_bulk_action_have_no_faults(open_page, booking_desk, lang):
    page = open_page(booking_desk, locale=lang)
    steps.sign_in(page)
    page.goto(BOOKING)
    states = ["list with ticks"]
    assert faults(page, states[0]) + violations(page, states[0], lang) == []
    choose(page, "hotel_booked", "all")
    assert faults(page, "preview") + violations(page, "preview", lang) == []
    agree(page)
    assert faults(page, "done") + violations(page, "done", lang) == []
    page.locator('form[action*="/undo"] button').click()
    expect(page.locator('form[action*="/undo"]')).to_have_count(0)
    assert faults(page, "undone") + violations(page, "undone", lang) == []
    page.goto("/organiser/batches/new?kind=reminder")
    assert faults(page, "nobody") + violations(page, "nobody", lang) == []
