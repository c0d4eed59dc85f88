"""The form while it is being filled in: the check of each field, the questions that open, what is asked about."""

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


SECTIONS = {"visa_letter": ["yes"], "travel": ["known"], "pickup": ["y"]}


def open_sections(page: Page) -> None:
    """The form with its follow-ups open, counting the answers to checks that have arrived."""
    steps.open_form(page)
    page.evaluate("window.swaps = 0; document.addEventListener('htmx:after:swap', () => swaps++)")
    steps.fill_in(page, SECTIONS)
    expect_answers(page, len(SECTIONS))


def expect_answers(page: Page, count: int) -> None:
    page.wait_for_function("count => swaps >= count", arg=count)


def let_go(page: Page, held: list) -> None:
    """Let the newest check of a field go, and those to come; wait until its answer stands on the page."""
    before = page.evaluate("swaps")
    held[-1].continue_()
    page.unroute_all()
    expect_answers(page, before + 1)


def caret(page: Page) -> list:
    return page.evaluate(
        "(({id, selectionStart, selectionEnd}) => [id, selectionStart, selectionEnd])(document.activeElement)"
    )


@pytest.mark.parametrize("field", ["function", "visa_post", "arrival_flight", "access_needs"])
def test_check_of_the_same_field_leaves_focus_caret_and_text_alone(open_page, server, field):
    page = open_page(server)
    open_sections(page)
    held = hold(page, field)
    page.fill(f"#{field}", "Paris")
    with page.expect_request(f"**/fields/{field}"):
        page.keyboard.press("Tab")
    page.focus(f"#{field}")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Home")
    page.keyboard.type("In ")

    let_go(page, held)

    assert caret(page) == [field, 3, 3]
    page.keyboard.type("a ")
    expect(page.locator(f"#{field}")).to_have_value("In a Paris")


@pytest.mark.parametrize(
    ("checked", "field"),
    [("email", "visa_post"), ("email", "access_needs"), ("mobile", "arrival_flight"), ("mobile", "function")],
)
def test_check_of_another_field_leaves_focus_caret_and_text_alone(open_page, server, checked, field):
    page = open_page(server)
    open_sections(page)
    held = hold(page, checked)
    page.fill(f"#{checked}", "ada")
    with page.expect_request(f"**/fields/{checked}"):
        page.keyboard.press("Tab")
    page.focus(f"#{field}")
    page.keyboard.type("Paris")
    page.keyboard.press("Home")
    page.keyboard.type("In ")

    let_go(page, held)

    expect(page.locator(f"#{checked}-error")).not_to_be_empty()
    assert caret(page) == [field, 3, 3]
    expect(page.locator(f"#{field}")).to_have_value("In Paris")


@pytest.mark.parametrize("stage", ["errors", "change"])
def test_check_of_a_field_does_not_lead_back_to_where_the_page_began(open_page, server, ada, stage):
    page = open_page(server)
    if stage == "errors":
        steps.open_form(page)
        steps.press(page, "check")
        expect(page.locator("#summary")).to_be_focused()
    else:
        steps.to_check_page(page, ada)
        page.locator("button[value='edit:you']").click()
        expect(page.locator("#you-title")).to_be_focused()
    page.evaluate("window.swaps = 0; document.addEventListener('htmx:after:swap', () => swaps++)")
    page.focus("#given_names")
    page.keyboard.type("Augusta")

    page.keyboard.press("Tab")
    expect_answers(page, 1)

    expect(page.locator("#family_name")).to_be_focused()
    page.keyboard.type("King")
    page.keyboard.press("Tab")
    expect_answers(page, 3)  # of the given names too: one of the two is enough
    expect(page.locator("#email")).to_be_focused()


@pytest.mark.parametrize(
    ("checked", "wrong"),
    [("email", "ada@example"), ("arrival_date", "2016-05-20"), ("departure_date", "2017-05-02")],
)
def test_date_can_be_typed_on_while_checks_arrive(open_page, server, checked, wrong):
    page = open_page(server)
    open_sections(page)
    page.fill("#arrival_date", "2017-04-20")
    expect_answers(page, len(SECTIONS) + 2)
    held = hold(page, checked)
    with page.expect_request(f"**/fields/{checked}"):
        page.fill(f"#{checked}", wrong)
        page.focus("#function")
    page.focus("#arrival_date")
    page.keyboard.type("05")

    let_go(page, held)

    expect(page.locator("#arrival_date")).to_be_focused()
    page.keyboard.type("242017")
    expect(page.locator("#arrival_date")).to_have_value("2017-05-24")
    page.focus("#function")
    steps.settle(page)
    expect(page.locator("#arrival_date")).to_have_value("2017-05-24")
    expect(page.locator("#arrival_date-error")).to_be_empty()
    expect(page.locator("#arrival_date-doubt")).to_be_empty()


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


@pytest.mark.parametrize("mode", MODES)
def test_conditional_questions_open_one_in_another_and_forget_nothing(open_page, server, mode):
    page = open_page(server, **MODES[mode])
    steps.open_form(page)
    mobile, share_with = page.locator("#mobile"), page.locator("#share_with")
    expect(page.locator(".follow-up")).to_have_count(5)
    expect(page.locator(".follow-up >> visible=true")).to_have_count(0)
    steps.fill_in(page, {"travel": ["known"], "pickup": ["y"], "mobile": "+976 99 112233"})
    steps.fill_in(page, {"hotel": ["reserve"], "room": ["twin"], "share_with": "Bo Example"})

    steps.fill_in(page, {"travel": ["later"], "room": ["single"]})
    expect(mobile).to_be_hidden()
    expect(share_with).to_be_hidden()
    steps.fill_in(page, {"travel": ["known"], "room": ["twin"]})

    expect(mobile).to_have_value("+976 99 112233")
    expect(mobile).to_be_visible()
    expect(share_with).to_have_value("Bo Example")
    expect(share_with).to_be_visible()


def test_likely_slip_in_an_address_is_asked_about_in_place_and_holds_nobody_up(open_page, server, ada):
    page = open_page(server)
    steps.open_form(page)
    page.focus("#email")

    page.keyboard.type("ada@gmial.com")
    page.keyboard.press("Tab")

    expect(page.locator("#email-doubt")).to_have_text("Did you mean ada@gmail.com?")
    expect(page.locator("#email-error")).to_be_empty()
    expect(page.locator("#email")).to_have_value("ada@gmial.com")
    expect(page.locator("#email")).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#organisation")).to_be_focused()
    page.fill("#email", "ada@gmail.com")
    page.keyboard.press("Tab")
    expect(page.locator("#email-doubt")).to_be_empty()


def test_doubt_about_a_night_goes_when_the_flight_is_corrected(open_page, server, ada):
    page = open_page(server)
    steps.open_form(page)
    steps.fill_in(page, ada | {"arrival_date": "2017-05-20", "check_in": "2017-05-24"})
    page.press("#check_in", "Tab")
    expect(page.locator("#check_in-doubt")).to_contain_text("20 May 2017")

    page.fill("#arrival_date", "2017-05-24")
    page.press("#arrival_date", "Tab")

    expect(page.locator("#check_in-doubt")).to_be_empty()


@pytest.mark.parametrize(("lang", "mode", "width"), steps.WAYS[:4])
def test_doubts_are_shown_on_the_check_page_and_hold_nobody_up(open_page, server, ada, lang, mode, width):
    page = open_page(server, width=width, **MODES[mode])
    address = ada["email"].replace("example.org", "gmial.com")
    doubtful = {"email": address, "passport_expiry": "2017-08-01", "arrival_flight": "BY TRAIN"}

    steps.to_check_page(page, ada | doubtful, lang)

    doubts = page.locator(".field__doubt")
    expect(doubts).to_have_count(3)
    expect(doubts.first).to_contain_text(address.replace("gmial", "gmail"))
    steps.send(page)
    assert len(server.registrations(address)) == 1
