"""The statistics in a browser: plots that load, and numbers that keep up by themselves without moving the page."""

import pytest
from browser import steps
from factories import next_address
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

STATISTICS = "/organiser/statistics"


@pytest.fixture(scope="module")
def counting_desk(start_server, desk, tmp_path_factory):
    """The registrations of the desk once more, for others to join them."""
    folder = tmp_path_factory.mktemp("statistics")
    desk.copy_database(folder)
    return start_server(folder)


def total(page: Page) -> int:
    return int(page.locator(".figures dd a").first.evaluate("link => link.firstChild.data"))


def register(page: Page, server) -> None:
    steps.send_form(page, server, steps.ADA | {"email": next_address(), "country": "MN"})


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_plot_is_drawn(open_page, counting_desk, signed_in, width, scheme):
    page = open_page(counting_desk, width=width, color_scheme=scheme, **signed_in)

    page.goto(STATISTICS)

    images = page.locator(".plot__image")
    expect(images).to_have_count(12)
    assert images.evaluate_all("all => all.map((one) => one.complete && one.naturalWidth)") == [340] * 12


def test_plot_by_itself_keeps_to_its_policy(open_page, counting_desk, signed_in):
    page = open_page(counting_desk, **signed_in)

    for name in ("arrival", "country"):
        assert page.goto(f"{STATISTICS}/{name}.svg").status == 200
        expect(page.locator("svg text").first).to_be_visible()


def test_numbers_keep_up_without_moving_the_page(open_page, counting_desk, signed_in):
    page = open_page(counting_desk, width=360, **signed_in)
    page.clock.install()
    page.goto(STATISTICS)
    before, plot = total(page), page.locator("#country img").get_attribute("src")
    page.locator("#hotel summary").scroll_into_view_if_needed()
    page.locator("#hotel summary").click()
    page.locator("#hotel tbody a").first.focus()
    place = page.locator("#hotel").evaluate("one => one.getBoundingClientRect().top")
    register(page, counting_desk)

    page.clock.fast_forward("01:01")

    expect(page.locator(".figures dd a").first).to_contain_text(str(before + 1))
    assert page.locator("#country img").get_attribute("src") != plot
    assert page.locator("#hotel details").get_attribute("open") is not None
    expect(page.locator("#hotel tbody a").first).to_be_focused()
    expect(page.locator("#country tbody")).to_contain_text("Mongolia")
    # The plot of the countries has a bar more; the browser keeps what is on the screen where it was.
    assert abs(page.locator("#hotel").evaluate("one => one.getBoundingClientRect().top") - place) < 1


def test_plots_are_fetched_again_only_when_they_have_changed(open_page, counting_desk, signed_in):
    page = open_page(counting_desk, **signed_in)
    page.clock.install()
    page.goto(STATISTICS)
    page.wait_for_load_state("networkidle")
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url.rpartition("/")[2].partition("?")[0]))

    for _ in range(2):
        with page.expect_response(lambda answer: answer.url.endswith(STATISTICS)):
            page.clock.fast_forward("01:01")
        steps.settle(page)  # the next minute would be a time-out of this request

    assert fetched == ["statistics", "statistics"]


def test_without_javascript_everything_is_there_and_a_link_looks_again(open_page, counting_desk, signed_in):
    page = open_page(counting_desk, java_script_enabled=False, **signed_in)
    page.goto(STATISTICS)
    before = int(page.locator(".figures dd a").first.inner_text().split()[0])
    page.locator("#state summary").click()
    expect(page.locator("#state tbody tr")).to_have_count(3)
    register(page, counting_desk)

    page.click("#again")

    expect(page.locator(".figures dd a").first).to_contain_text(str(before + 1))


def test_number_leads_to_the_list(open_page, counting_desk, signed_in):
    page = open_page(counting_desk, **signed_in)
    page.goto(STATISTICS)

    page.locator(".figures__figure--open a").first.click()

    expect(page.locator("h1")).to_have_text("Registrations")
    expect(page.locator(".chip")).to_have_count(4)


def test_arrows_scroll_the_statistics(open_page, counting_desk, signed_in):
    page = open_page(counting_desk, **signed_in)
    page.goto(STATISTICS)

    page.keyboard.press("ArrowDown")

    page.wait_for_function("() => window.scrollY > 0")
    expect(page.locator("body")).to_be_focused()
