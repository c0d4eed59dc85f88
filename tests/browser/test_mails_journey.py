"""An organiser's way through the mails: finding what failed, why, sending it again, a corrected address."""

import re
from email import message_from_bytes, policy

import pytest
from browser import steps
from browser.cast import BO
from browser.server import wait_for
from factories import make_answers, next_address
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

MAILS = "/organiser/mails"
NO_SUCH_MAILBOX = "The mail server says that there is no such mailbox."
IN_BOTH_WORLDS = pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])


@pytest.fixture
def mails_page(open_page, mail_desk, javascript) -> Page:
    """The mails, in the window of an organiser who has signed in."""
    page = open_page(mail_desk, java_script_enabled=javascript)
    steps.sign_in(page)
    page.goto(MAILS)
    return page


def expect_recipients(page: Page, *expected: str) -> None:
    expect(page.locator("tbody td:nth-of-type(1) bdi:last-child")).to_have_text(list(expected))


def search(page: Page, words: str) -> None:
    page.fill("#q", words)
    page.keyboard.press("Enter")


def received(post, address: str) -> list:
    return [
        message_from_bytes(mail.content, policy=policy.default)
        for mail in post.mailbox.received
        if mail.recipients == [address]
    ]


@pytest.mark.parametrize("javascript", [True])
def test_search_and_kind_narrow_the_mails_at_once(mails_page):
    mails_page.evaluate("window.marked = true")

    mails_page.locator("#q").press_sequentially("güneşoğlu")
    expect_recipients(mails_page, BO["email"])
    expect(mails_page).to_have_url(re.compile(r"\?q=g%C3%BCne%C5%9Fo%C4%9Flu&kind=$"))
    expect(mails_page.locator("#q")).to_be_focused()
    mails_page.select_option("#kind", "late")
    expect(mails_page.locator(".list__empty")).to_be_visible()
    mails_page.select_option("#kind", "confirmation")
    expect_recipients(mails_page, BO["email"])

    assert mails_page.evaluate("window.marked === true")


@pytest.mark.parametrize("javascript", [False])
def test_search_finds_a_mail_by_name_and_kind(mails_page):
    mails_page.select_option("#kind", "confirmation")

    search(mails_page, "GUNESOGLU")

    expect_recipients(mails_page, BO["email"])
    expect(mails_page.locator("#kind")).to_have_value("confirmation")


@IN_BOTH_WORLDS
@pytest.mark.history
def test_states_narrow_the_mails_and_back_and_forward_restore_them(mails_page, unreached):
    search(mails_page, unreached)
    expect_recipients(mails_page, unreached)

    mails_page.click("#state-accepted")
    expect(mails_page.locator(".list__empty")).to_be_visible()
    mails_page.click("#state-failed")
    expect_recipients(mails_page, unreached)
    steps.back(mails_page)
    expect(mails_page.locator(".list__empty")).to_be_visible()
    expect(mails_page.locator("#state-accepted")).to_have_attribute("aria-current", "true")
    steps.back(mails_page)
    expect_recipients(mails_page, unreached)
    expect(mails_page.locator("#state-all")).to_have_attribute("aria-current", "true")
    mails_page.go_forward(wait_until="commit")
    mails_page.go_forward(wait_until="commit")

    expect_recipients(mails_page, unreached)
    expect(mails_page.locator("#state-failed")).to_have_attribute("aria-current", "true")
    expect(mails_page.locator("#q")).to_have_value(unreached)


@IN_BOTH_WORLDS
def test_search_keeps_the_state(mails_page, unreached):
    mails_page.click("#state-failed")
    expect(mails_page.locator("#state-failed")).to_have_attribute("aria-current", "true")

    search(mails_page, BO["email"])

    expect(mails_page.locator(".list__empty")).to_be_visible()
    expect(mails_page.locator("#state-failed")).to_have_attribute("aria-current", "true")


@pytest.mark.parametrize("javascript", [True])
def test_pages_lead_to_older_mails_and_back(mails_page):
    search(mails_page, "number")
    expect(mails_page.locator(".list__count")).to_have_text("51 mails")
    newest = mails_page.locator("tbody tr").first.inner_text()

    mails_page.click("#page-older")
    expect(mails_page.locator("tbody tr")).to_have_count(1)
    mails_page.click("#page-newest")

    expect(mails_page.locator("tbody tr")).to_have_count(50)
    assert mails_page.locator("tbody tr").first.inner_text() == newest


@IN_BOTH_WORLDS
def test_mail_is_shown_in_its_frame_and_as_plain_text(mails_page):
    search(mails_page, BO["email"])
    expect_recipients(mails_page, BO["email"])
    mails_page.locator("tbody th a").click()

    frame = mails_page.frame_locator("iframe")
    answers = make_answers(**BO)
    expect(frame.locator("body")).to_contain_text(f"{answers.given_names} {answers.family_name}")
    expect(mails_page.locator("pre")).to_be_hidden()
    mails_page.locator("summary").click()

    expect(mails_page.locator("pre")).to_contain_text(answers.family_name)
    links = frame.locator("a").evaluate_all("links => links.map((link) => link.getAttribute('href'))")
    private = [link.rpartition("/r/")[2] for link in links if "/r/" in link]
    assert private == re.findall(r"/r/(\S+)", mails_page.locator("pre").inner_text()) == ["…"]


@IN_BOTH_WORLDS
def test_mail_that_failed_is_sent_again_when_the_mailbox_exists(mails_page, unreached, post):
    mails_page.reload()
    mails_page.locator(".undelivered a").first.click()
    search(mails_page, unreached)
    expect_recipients(mails_page, unreached)
    mails_page.locator("tbody th a").click()
    expect(mails_page.locator("dl")).to_contain_text(NO_SUCH_MAILBOX)
    del post.mailbox.answers[unreached]

    mails_page.locator("form[action$='/retries'] button").click()

    wait_for(lambda: received(post, unreached))
    expect(mails_page.locator("form[action$='/retries']")).to_have_count(0)
    assert [mail["To"] for mail in received(post, unreached)] == [unreached]


@IN_BOTH_WORLDS
def test_corrected_address_gets_the_mail(mails_page, unreached, post):
    right = next_address()
    search(mails_page, unreached)
    expect_recipients(mails_page, unreached)
    mails_page.locator("tbody th a").click()
    button = mails_page.locator("form[action$='/address'] button")

    mails_page.fill("#email", "nobody")
    button.click()
    expect(mails_page.locator("#summary")).to_be_focused()
    expect(mails_page.locator("#email")).to_have_value("nobody")
    mails_page.fill("#email", right)
    button.click()

    expect(mails_page.locator("dl")).to_contain_text(right)
    wait_for(lambda: received(post, right))
    (mail,) = received(post, right)
    assert mail["To"] == right
    assert received(post, unreached) == []
    mails_page.goto(f"{MAILS}?q={right}")
    expect_recipients(mails_page, right)


@pytest.mark.parametrize("javascript", [False])
def test_every_mail_that_failed_is_sent_again_with_one_button(mails_page, unreached, post):
    post.mailbox.answers.clear()
    mails_page.reload()

    mails_page.locator(f"form[action='{MAILS}/retries'] button").click()

    wait_for(lambda: received(post, unreached))
    expect(mails_page.locator("h1")).to_have_text("Mails")
    mails_page.reload()
    expect(mails_page.locator(".undelivered")).to_have_count(0)
