"""An organiser's access: from the printed link to codes, proof, signing out elsewhere, and a sign-in that ends."""

import re

import pytest
from browser import steps
from browser.server import PASSWORD
from browser.steps import FEW_WAYS
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

LIST = "/organiser/registrations"
BOTH = pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
TEXT = "The buses leave\nat eight o’clock, “sharp” & on <time>."


def way(mode: str) -> dict:
    return steps.MODES[mode]


@pytest.mark.parametrize(("lang", "mode", "width"), FEW_WAYS)
def test_organiser_enrols_and_signs_in_with_a_code(open_page, late_server, lang, mode, width):
    email, link = steps.invite(late_server, "admin")
    page = open_page(late_server, width=width, locale=lang, **way(mode))

    secret, recovery = steps.enrol(page, link)
    page.locator("main a.button").click()
    expect(page).to_have_url(late_server.url + LIST)
    page.locator(".account__end button").click()
    steps.give_password(page, email=email, code="000000")
    expect(page.locator("#summary")).to_be_visible()
    steps.give_password(page, email=email, code=steps.code_of(secret))
    expect(page).to_have_url(late_server.url + LIST)

    page.locator(".account a", has_text=email).click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody th")).to_contain_text("Chrome")
    page.locator(".account__end button").click()
    steps.give_password(page, email=email, code=recovery[0].lower())
    expect(page).to_have_url(late_server.url + LIST)
    assert page.locator("html").get_attribute("lang") == lang


@BOTH
def test_signing_out_elsewhere_ends_the_other_browser(open_page, late_server, javascript):
    email, link = steps.invite(late_server, "reader")
    here = open_page(late_server, java_script_enabled=javascript)
    _, recovery = steps.enrol(here, link)
    there = open_page(late_server)
    there.goto("/organiser/session")
    steps.give_password(there, email=email, code=recovery[0])
    expect(there.locator("#q")).to_be_visible()

    here.goto("/organiser/account")
    expect(here.locator("tbody tr")).to_have_count(2)
    here.locator("button[value=elsewhere]").click()

    expect(here.locator(".notice--good")).to_be_visible()
    expect(here.locator("tbody tr")).to_have_count(1)
    there.goto(LIST)
    expect(there.locator("#password")).to_be_visible()


@BOTH
def test_sensitive_export_wants_password_and_code_once_more(open_page, late_server, javascript):
    _, link = steps.invite(late_server, "admin")
    page = open_page(late_server, java_script_enabled=javascript)
    secret, _ = steps.enrol(page, link)
    late_server.change("UPDATE sign_in SET proved_at = '2017-01-01 00:00:00'")

    page.goto(LIST)
    page.locator('a[href$="registrations.json"]').click()
    expect(page).to_have_url(re.compile(r"/session/proof\?next="))
    steps.fill_in(page, {"password": PASSWORD, "code": steps.code_of(secret)})
    page.locator("main form button").click()
    with page.expect_download() as download:
        page.locator("main a.button").click()

    assert download.value.suggested_filename == "registrations.json"
    assert late_server.rows("SELECT id FROM audit_entry WHERE action = 'organiser.proved'")


@pytest.fixture
def writer(open_page, late_server) -> tuple[Page, str, str]:
    """Somebody who is writing an announcement, with their address and a recovery code."""
    email, link = steps.invite(late_server, "admin")
    page = open_page(late_server, expecting="status of 401")
    _, recovery = steps.enrol(page, link)
    page.goto("/organiser/announcements/new")
    steps.fill_in(page, {"subject_en": "Buses", "text_en": TEXT})
    return page, email, recovery[0]


def test_warning_comes_before_the_end_and_one_button_keeps_the_page_as_it_is(writer, late_server):
    page, email, _ = writer
    expect(page.locator("#sign-in-warning")).to_be_empty()
    steps.idle(late_server, email, 26)

    steps.look_again(page)
    expect(page.locator("#sign-in-warning [role=alert]")).to_contain_text("signed out in 4 minutes")
    page.locator("#sign-in-warning button").click()

    expect(page.locator("#sign-in-warning [role=alert]")).to_have_count(0)
    expect(page.locator("#text_en")).to_have_value(TEXT)
    page.locator("main form button").last.click()
    expect(page.locator("h1")).to_have_text("Buses")


def test_page_asks_by_itself_when_it_is_time(open_page, late_server):
    email, link = steps.invite(late_server, "reader")
    page = open_page(late_server)
    steps.enrol(page, link)
    steps.idle(late_server, email, 24)
    late_server.change("UPDATE sign_in SET seen_at = datetime(seen_at, '-52 seconds')")
    steps.look_again(page)
    expect(page.locator("#sign-in-warning")).to_have_attribute("hx-trigger", re.compile("^load delay:[1-9]s"))

    expect(page.locator("#sign-in-warning [role=alert]")).to_contain_text("5 minutes")


def test_what_was_typed_outlives_a_sign_in_in_another_tab(writer, late_server):
    page, email, code = writer
    steps.idle(late_server, email, 31)
    steps.look_again(page)

    with page.context.expect_page() as opened:
        page.locator("#sign-in-warning a").click()
    other = opened.value
    steps.give_password(other, email=email, code=code)
    expect(other.locator("#q")).to_be_visible()
    other.close()
    steps.look_again(page)

    expect(page.locator("#sign-in-warning [role=alert]")).to_have_count(0)
    page.locator("main form button").last.click()
    expect(page.locator("#summary")).to_be_visible()
    expect(page.locator("#text_en")).to_have_value(TEXT)
    page.locator("main form button").last.click()
    expect(page.locator("h1")).to_have_text("Buses")


@BOTH
@pytest.mark.parametrize("lang", steps.LANGUAGES)
def test_form_that_is_sent_after_the_sign_in_has_ended_is_sent_on_by_one_button(
    open_page, late_server, javascript, lang
):
    email, link = steps.invite(late_server, "admin")
    page = open_page(late_server, java_script_enabled=javascript, locale=lang, expecting="status of 401")
    _, recovery = steps.enrol(page, link)
    page.goto("/organiser/announcements/new")
    subject = f"Buses of {email}"
    steps.fill_in(page, {"subject_en": subject, "text_en": TEXT})
    steps.idle(late_server, email, 31)

    page.locator("main form button").last.click()
    expect(page.locator("#password")).to_be_visible()
    steps.give_password(page, email=email, code=recovery[0])
    expect(page.locator('main form[action="/organiser/announcements/new"]')).to_be_visible()
    assert not late_server.rows("SELECT id FROM announcement WHERE subject LIKE ?", f"%{subject}%")
    page.locator("main form button").click()

    expect(page.locator("h1")).to_have_text(subject)
    expect(page.locator(".plain-text").nth(1)).to_contain_text("“sharp” & on <time>.")


def test_form_that_htmx_sends_after_the_end_stays_on_the_page_which_says_why(writer, late_server):
    page, email, _ = writer
    page.locator("main form").last.evaluate(
        "form => { form.setAttribute('hx-post', form.action); form.setAttribute('hx-target', 'this');"
        " htmx.process(form); }"
    )
    steps.idle(late_server, email, 31)

    page.locator("main form button").last.click()

    expect(page.locator("#sign-in-warning [role=alert] a")).to_be_visible()
    expect(page.locator("#text_en")).to_have_value(TEXT)
    expect(page).to_have_url(f"{late_server.url}/organiser/announcements/new")
