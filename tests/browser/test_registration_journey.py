"""A delegate's way from the invitation to the private page, with whatever may go wrong on it."""

import pytest
from babel.support import Translations
from browser import steps
from browser.steps import MODES, WAYS
from icalendar import Calendar
from playwright.sync_api import expect

from config import HTMX_URL, ROOT

pytestmark = pytest.mark.browser

WITHOUT_CDN = ("es", "cdn-blocked", 360)
REQUIRED = [
    "#given_names",
    "#email",
    "#organisation",
    "#country",
    "#function",
    "#category-0",
    "#days-0",
    "#interpretation-0",
    "#visa_letter-0",
    "#travel-0",
    "#hotel-0",
    "#consent_affiliation",
]


def error_title(lang: str, title: str) -> str:
    catalogue = Translations.load(ROOT / "translations", [lang])
    return catalogue.gettext("Error: %(title)s") % {"title": title}


def test_htmx_arrives_from_the_network_that_the_page_names(open_page, server):
    page = open_page(server)

    steps.open_form(page)

    assert page.evaluate("htmx.version") == "4.0.1"


def test_htmx_is_refused_when_its_bytes_are_not_the_promised_ones(open_page, server):
    page = open_page(server, expecting="'integrity' attribute")
    headers = {"access-control-allow-origin": "*"}
    page.route(HTMX_URL, lambda route: route.fulfill(body="window.htmx = {}", headers=headers))

    steps.open_form(page)

    assert page.evaluate("'htmx' in window") is False


@pytest.mark.parametrize(("lang", "mode", "width"), [*WAYS, WITHOUT_CDN])
def test_form_left_empty_comes_back_with_a_summary_of_what_to_do(open_page, server, lang, mode, width):
    page = open_page(server, width=width, **MODES[mode])
    page.goto(f"/{lang}/")
    page.locator(".call a").click()
    expect(page.locator("#registration-form")).to_be_visible()
    title = page.title()

    status = steps.press(page, "check")

    assert status == 422
    expect(page.locator("#summary")).to_be_focused()
    links = page.locator("#summary a")
    assert [link.get_attribute("href") for link in links.all()] == REQUIRED
    assert page.title() == error_title(lang, title)
    links.nth(1).click()
    expect(page.locator("#email")).to_be_focused()


@pytest.mark.parametrize(("lang", "mode", "width"), [*WAYS, WITHOUT_CDN])
def test_registration_arrives_once_with_its_mail_and_its_private_page(
    open_page, server, ada, lang, mode, width
):
    page = open_page(server, width=width, **MODES[mode])
    steps.to_check_page(page, ada, lang)
    steps.press(page, "edit")
    steps.expect_form(page)
    assert steps.typed(page) == steps.as_typed(ada)
    steps.press(page, "check")
    steps.expect_check_page(page)

    reference = steps.send(page)

    assert page.locator("html").get_attribute("lang") == lang
    (row,) = server.registrations(ada["email"])
    assert (row["reference"], row["language"], row["visa_state"]) == (reference, lang, "requested")
    (mail,) = server.mails(ada["email"])
    assert mail["Content-Language"] == lang
    page.goto(steps.private_link(server, ada["email"]))
    assert page.locator("html").get_attribute("lang") == lang
    expect(page.locator(".answers__address")).to_have_text(ada["email"])


def test_mail_brings_the_conference_as_a_calendar_file(open_page, server, ada):
    page = open_page(server)
    steps.to_check_page(page, ada)
    steps.send(page)

    (mail,) = server.mails(ada["email"])

    (part,) = [part for part in mail.walk() if part.get_content_type() == "text/calendar"]
    calendar = Calendar.from_ical(part.get_content())
    (event,) = calendar.walk("VEVENT")
    assert calendar["METHOD"] == part.get_param("method") == "PUBLISH"
    assert event["DTSTART"].dt.isoformat() == "2017-05-25"
    assert event["DTEND"].dt.isoformat() == "2017-05-27"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("stage", ["form", "check"])
def test_switch_of_language_keeps_what_was_typed(open_page, server, ada, mode, stage):
    page = open_page(server, **MODES[mode])
    steps.open_form(page, "en")
    steps.fill_in(page, ada)
    if stage == "check":
        steps.press(page, "check")
        steps.expect_check_page(page)

    page.locator('button[name=step][value=language][lang="es"]').click()

    expect(page.locator('html[lang="es"] body > main h1')).to_have_count(1)
    expect(page.locator("#registration-form [name=stage]")).to_have_value(stage)
    assert page.url == f"{server.url}/es/registration"
    assert steps.typed(page) == steps.as_typed(ada)


def test_switch_of_language_scolds_nobody_who_has_not_finished(open_page, server):
    page = open_page(server)
    steps.open_form(page, "en")
    page.fill("#family_name", "Lovelace")

    page.locator('button[name=step][value=language][lang="fr"]').click()

    expect(page.locator('html[lang="fr"]')).to_have_count(1)
    expect(page.locator("#summary, .field--invalid")).to_have_count(0)
    assert steps.typed(page) == [("family_name", "Lovelace")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.history
def test_back_from_the_check_page_leads_to_the_form_with_everything_in_it(open_page, server, ada, mode):
    page = open_page(server, **MODES[mode])
    steps.to_check_page(page, ada)

    steps.back(page)

    steps.expect_form(page)
    assert steps.typed(page) == steps.as_typed(ada)


@pytest.mark.history
def test_way_to_and_fro_between_form_and_check_page_loses_nothing(open_page, server, ada):
    page = open_page(server)
    steps.to_check_page(page, ada)
    steps.back(page)
    steps.expect_form(page)
    page.fill("#function", "President")
    page.go_forward()
    steps.expect_check_page(page)
    steps.back(page)
    steps.expect_form(page)
    steps.press(page, "check")
    steps.expect_check_page(page)

    steps.send(page)

    assert [row["function"] for row in server.registrations(ada["email"])] == ["President"]


def test_skip_link_on_the_check_page_leads_to_its_content(open_page, server, ada):
    page = open_page(server)
    steps.to_check_page(page, ada)

    page.focus(".skip-link")
    page.keyboard.press("Enter")

    expect(page.locator("main")).to_be_focused()
    expect(page.locator("#registration-form [name=stage]")).to_have_value("check")
    steps.send(page)
    assert len(server.registrations(ada["email"])) == 1


def test_leaving_the_check_page_without_sending_is_asked_about(open_page, server, ada):
    page = open_page(server)
    steps.to_check_page(page, ada)
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))

    page.locator(".masthead__home").click()

    expect(page.locator("#registration-form [name=stage]")).to_have_value("check")
    assert asked == ["beforeunload"]
    assert steps.typed(page) == steps.as_typed(ada)


@pytest.mark.parametrize("mode", MODES)
def test_double_click_on_send_registers_once(open_page, server, ada, mode):
    page = open_page(server, **MODES[mode])
    steps.to_check_page(page, ada)

    page.locator("button[name=step][value=send]").dblclick()

    reference = steps.reference(page)
    assert [row["reference"] for row in server.registrations(ada["email"])] == [reference]
    assert len(server.mails(ada["email"])) == 1


def test_five_parallel_sends_register_once(open_page, server, ada):
    page = open_page(server)
    steps.to_check_page(page, ada)

    answers = page.locator("#registration-form").evaluate(
        """async (form) => {
            const body = new URLSearchParams(new FormData(form));
            body.set("step", "send");
            const send = () => fetch(form.action, {method: "POST", body, headers: {"HX-Request-Type": "partial"}});
            const answers = await Promise.all([1, 2, 3, 4, 5].map(send));
            return answers.map((answer) => [answer.status, answer.headers.get("HX-Redirect")]);
        }"""
    )

    assert [status for status, _ in answers] == [204] * 5
    receipts = {(page.goto(receipt), steps.reference(page))[1] for _, receipt in answers}
    assert {row["reference"] for row in server.registrations(ada["email"])} == receipts
    assert len(server.registrations(ada["email"])) == 1
    assert len(server.mails(ada["email"])) == 1


@pytest.mark.parametrize("mode", MODES)
def test_receipt_loaded_again_registers_nobody_again(open_page, server, ada, mode):
    page = open_page(server, **MODES[mode])
    steps.to_check_page(page, ada)
    reference = steps.send(page)

    page.reload()

    assert steps.reference(page) == reference
    assert [row["reference"] for row in server.registrations(ada["email"])] == [reference]


@pytest.mark.history
def test_back_from_the_receipt_and_send_again_leads_to_the_same_receipt(open_page, server, ada):
    page = open_page(server)
    steps.to_check_page(page, ada)
    reference = steps.send(page)
    steps.back(page)
    expect(page.locator("button[value=send]")).to_be_visible()

    again = steps.send(page)

    assert again == reference
    assert [row["reference"] for row in server.registrations(ada["email"])] == [reference]
    assert len(server.mails(ada["email"])) == 1


def test_visitor_who_changes_to_no_letter_leaves_no_passport_behind(open_page, server, ada):
    page = open_page(server)
    steps.open_form(page)
    steps.fill_in(page, ada)
    page.check("[name=visa_letter][value=no]")
    steps.press(page, "check")
    steps.expect_check_page(page)

    steps.send(page)

    (row,) = server.registrations(ada["email"])
    assert (row["visa_state"], row["passport"]) == ("none", "")
