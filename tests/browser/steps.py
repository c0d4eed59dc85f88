"""What visitors do, step by step, and what they see: shared by the journeys."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlencode, urlsplit

import pyotp
from browser.server import ORGANISER, PASSWORD, Server
from factories import next_address
from playwright.sync_api import Page, Response, expect

LANGUAGES = ("fr", "en", "es")
MODES = {"javascript": {}, "no-javascript": {"java_script_enabled": False}, "cdn-blocked": {"cdn": False}}
# Language, mode and width of the screen: each meets each other one, not every combination of all three.
WAYS = [
    ("fr", "javascript", 360),
    ("fr", "no-javascript", 1280),
    ("en", "javascript", 1280),
    ("en", "no-javascript", 360),
    ("es", "javascript", 360),
    ("es", "no-javascript", 1280),
]

# Text is typed, a list is ticked or chosen; in the order of the form.
ADA = {
    "given_names": "Ada",
    "family_name": "Lovelace",
    "email": "ada@example.org",
    "organisation": "Labour Party",
    "country": "GB",
    "function": "International Secretary",
    "category": ["party"],
    "days": ["2017-05-25", "2017-05-26"],
    "sessions": ["gender"],
    "interpretation": ["en"],
    "diet": ["vegetarian"],
    "access_needs": "Step-free route",
    "consent_needs": ["y"],
    "visa_letter": ["yes"],
    "passport_name": "ADA LOVELACE",
    "nationality": "GB",
    "passport_number": "12E34567",
    "passport_expiry": "2020-01-31",
    "visa_post": "Paris, France",
    "consent_visa": ["y"],
    "travel": ["known"],
    "arrival_date": "2017-05-24",
    "arrival_time": "06:10",
    "arrival_flight": "OM 302",
    "departure_date": "2017-05-27",
    "departure_time": "08:45",
    "departure_flight": "OM 301",
    "pickup": ["y"],
    "mobile": "+976 99 112233",
    "hotel": ["reserve"],
    "check_in": "2017-05-24",
    "check_out": "2017-05-27",
    "room": ["twin"],
    "share_with": "Bo Example",
    "consent_affiliation": ["y"],
    "consent_list": ["y"],
}
FEW_WAYS = [WAYS[0], WAYS[3], WAYS[5]]  # each language, each mode and each width at least once
PAGES = ("", "programme", "practical", "privacy", "accessibility")


def open_form(page: Page, lang: str = "en") -> None:
    page.goto(f"/{lang}/registration")
    expect(page.locator("#registration-form")).to_be_visible()


def fill_in(page: Page, answers: dict[str, Any]) -> None:
    for name, value in answers.items():
        if isinstance(value, list):
            settle(page)  # an error that goes moves what is below it
            for choice in value:
                page.check(f'[name="{name}"][value="{choice}"]')
        elif name in ("country", "nationality"):
            page.select_option(f"#{name}", value)
        else:
            page.fill(f"#{name}", value)


def settle(page: Page) -> None:
    """Wait until htmx has put every answer in its place."""
    expect(page.locator(".htmx-request")).to_have_count(0)


def press(page: Page, step: str) -> int:
    """Press the last button of a step and return the status of the answer."""
    with page.expect_response(is_answer) as answer:
        page.locator(f"#registration button[name=step][value={step}]").last.click()
    return answer.value.status


def is_answer(response: Response) -> bool:
    return response.request.method == "POST" and urlsplit(response.url).path.endswith("/registration")


def to_check_page(page: Page, answers: dict[str, Any], lang: str = "en") -> None:
    """From nothing to the check page."""
    open_form(page, lang)
    fill_in(page, answers)
    assert press(page, "check") == 200
    expect_check_page(page)


def back(page: Page) -> None:
    """Go back; without waiting for a page to load, because the browser may have kept it as it was."""
    page.go_back(wait_until="commit")


def expect_form(page: Page) -> None:
    expect(page.locator("#registration-form [name=stage]")).to_have_value("form")


def expect_check_page(page: Page) -> None:
    expect(page.locator("#registration-form [name=stage]")).to_have_value("check")
    expect(page.locator("h1")).to_be_focused()


def send(page: Page) -> str:
    """Send the registration from the check page and return its reference."""
    page.locator("button[name=step][value=send]").click()
    return reference(page)


def reference(page: Page) -> str:
    """The reference on the page that says that a registration has been received."""
    expect(page).to_have_url(re.compile("/registration/received/"))
    return page.locator(".received__reference strong").inner_text()


def typed(page: Page) -> list[tuple[str, str]]:
    """What the form holds, visible or travelling with it, without what is empty."""
    entries = page.locator("#registration-form").evaluate("form => [...new FormData(form)]")
    return [
        (name, value)
        for name, value in entries
        if value and name not in ("key", "stage", "sequence", "agreed")
    ]


def as_typed(answers: dict[str, Any]) -> list[tuple[str, str]]:
    """The same answers as `typed` reads them."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in answers.items()}
    return [(name, value) for name, values in lists.items() for value in values]


def private_link(server: Server, email: str, kind: str = "confirmation") -> str:
    """The private link in the newest mail of a kind to a delegate."""
    return link_in(server, server.mails(email, kind)[-1], "/../r/")


def link_in(server: Server, mail: EmailMessage, path: str) -> str:
    """The one link in a mail that begins with a path; a dot stands for any sign."""
    text = mail.get_body(("plain",)).get_content()
    (link,) = re.findall(rf"^{server.url}{path}\S+", text, re.MULTILINE)
    return link


def register(page: Page, server: Server, answers: dict[str, Any], lang: str = "en") -> str:
    """Register somebody without filling in the form in the window, and return the private link."""
    send_form(page, server, answers, lang)
    return private_link(server, answers["email"])


def send_form(page: Page, server: Server, answers: dict[str, Any], lang: str = "en") -> None:
    """Send the form without a window."""
    address = f"{server.url}/{lang}/registration"
    (key,) = re.findall('name="key".*? value="([^"]+)"', page.request.get(address).text())
    sent = urlencode(answers | {"key": key, "step": "send"}, doseq=True)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = page.request.post(address, data=sent, headers=headers, max_redirects=0)
    assert answer.status == 303


def press_in(page: Page, action: str) -> None:
    """Press the button of one of the forms of the own page."""
    page.locator(f'form[action$="/{action}"] button').click()


def save(page: Page) -> None:
    """Save the changes, which leads to the own page."""
    page.locator("button[value=save]").click()
    expect(page).to_have_url(re.compile(r"/r/[^/?]+\?done="))


def sign_in(page: Page) -> None:
    page.goto("/organiser/session")
    give_password(page)


def give_password(page: Page, password: str = PASSWORD, email: str = ORGANISER, code: str = "") -> None:
    fill_in(page, {"email": email, "password": password, "code": code})
    page.locator("#session button").click()


def invite(server: Server, *roles: str) -> tuple[str, str]:
    """Let somebody enrol; the address and the link that the command prints."""
    email = next_address()
    given = [part for role in roles for part in ("--role", role)]
    return email, server.flask("organiser", "add", email, *given).split()[-1]


def code_of(secret: str) -> str:
    """What an app shows by its own clock, for the next half minute: the present one may have been used."""
    return str(pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=30)))


def enrol(page: Page, link: str) -> tuple[str, list[str]]:
    """Do what the page behind a link says; the secret and the recovery codes."""
    page.goto(link)
    secret = page.locator(".key").inner_text().replace(" ", "")
    fill_in(page, {"password": PASSWORD, "again": PASSWORD, "code": str(pyotp.TOTP(secret).now())})
    page.locator("main form button").click()
    expect(page.locator(".codes li")).to_have_count(10)
    return secret, page.locator(".codes li").all_inner_texts()


def idle(server: Server, email: str, minutes: int) -> None:
    """Let somebody have done nothing for so many minutes."""
    server.change(
        "UPDATE sign_in SET seen_at = ? WHERE organiser_id = (SELECT id FROM organiser WHERE email = ?)",
        str(datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=minutes)),
        email,
    )


def access_states(page: Page, server: Server) -> Iterator[str]:
    """Take an organiser from the link to the end of the sign-in, with a halt at each state."""
    email, link = invite(server, "admin")
    page.goto(link)
    yield "enrolment"
    page.locator("main form button").click()
    expect(page.locator("#summary")).to_be_visible()
    yield "enrolment with errors"
    secret, _ = enrol(page, link)
    yield "recovery codes"
    page.goto(link)
    yield "link that was used"
    for path in ("account", "account/codes", "account/password", "account/everybody", "session/proof"):
        page.goto(f"/organiser/{path}")
        yield path
    page.locator("main form button").click()
    expect(page.locator("#summary")).to_be_visible()
    yield "proof with errors"
    fill_in(page, {"password": PASSWORD, "code": code_of(secret)})
    page.goto("/organiser/session/proof?next=/organiser/registrations.json")
    fill_in(page, {"password": PASSWORD, "code": code_of(secret)})
    page.locator("main form button").click()
    expect(page.locator("h1")).not_to_contain_text("?")
    yield "proved"
    page.goto("/organiser/late-links")
    idle(server, email, 26)
    look_again(page)
    expect(page.locator("#sign-in-warning button")).to_be_visible()
    yield "warning"
    idle(server, email, 31)
    look_again(page)
    expect(page.locator("#sign-in-warning a")).to_be_visible()
    yield "warning that is over"
    page.locator("main form button").last.click()
    expect(page.locator("#password")).to_be_visible()
    yield "sign-in for what was typed"


def look_again(page: Page) -> None:
    """Come back to a tab: the page asks by itself how long the sign-in lasts."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def public_states(page: Page, server: Server, answers: dict[str, Any], lang: str) -> Iterator[str]:
    """Take a visitor to every public page and through every state of the form, with a halt at each."""
    for name in PAGES:
        page.goto(f"/{lang}/{name}")
        yield name or "invitation"
    page.goto(f"/{lang}/nowhere")
    yield "not found"
    open_form(page, lang)
    yield "form"
    press(page, "check")
    expect(page.locator("#summary")).to_be_focused()
    yield "form with errors"
    fill_in(page, answers)
    expect(page.locator(".field--invalid")).to_have_count(0)
    yield "form filled in, with the visa section"
    page.fill("#email", "ada@gmial.com")
    page.fill("#arrival_flight", "by train")
    page.fill("#check_in", "2017-01-01")
    page.fill("#mobile", "112233")
    page.keyboard.press("Tab")
    expect(page.locator("#mobile-error")).not_to_be_empty()
    expect(page.locator(".field__doubt:not(:empty)")).to_have_count(3)
    yield "form with doubts and an error in a follow-up"
    fill_in(page, {name: answers[name] for name in ("arrival_flight", "mobile")})
    press(page, "check")
    expect_check_page(page)
    yield "check page with doubts"
    press(page, "edit")
    expect_form(page)
    yield "form again"
    fill_in(page, {name: answers[name] for name in ("email", "check_in")})
    press(page, "check")
    expect_check_page(page)
    yield "check page"
    send(page)
    yield "received"
    page.locator('a[href*="colleague="]').click()
    expect_form(page)
    yield "form for a colleague"


def link_states(page: Page, lang: str) -> Iterator[str]:
    """Ask for the link again, with a halt at each page."""
    page.goto(f"/{lang}/registration/link")
    yield "link page"
    page.locator("#registration button[type=submit]").click()
    expect(page.locator("#summary")).to_be_focused()
    yield "link page with an error"
    page.fill("#email", next_address())
    page.locator("#registration button[type=submit]").click()
    expect(page).to_have_url(re.compile("/link/sent$"))
    yield "link sent"
    page.goto(f"/{lang}/registration/link/renewed")
    yield "link renewed"


def own_states(page: Page, server: Server, answers: dict[str, Any], lang: str) -> Iterator[str]:
    """Take a delegate through every state of the own page, until everything is erased, with a halt at each."""
    link = register(page, server, answers, lang)
    page.goto(link)
    yield "own page, received"
    press_in(page, "confirmation")
    expect(page.locator(".notice--good")).to_be_focused()
    yield "own page, confirmed"
    page.goto(f"{link}/edit")
    yield "edit page"
    page.fill("#email", "ada@example")
    page.fill("#mobile", "")
    page.locator("button[value=save]").click()
    expect(page.locator("#summary")).to_be_focused()
    yield "edit page with errors"
    other = page.context.new_page()
    other.goto(f"{link}/edit")
    other.fill("#function", "President")
    save(other)
    other.close()
    moved_to = next_address()
    fill_in(page, {"email": moved_to, "mobile": answers["mobile"]})
    page.locator("button[value=save]").click()
    expect(page.locator(".notice[role=alert]")).to_be_focused()
    yield "edit page, changed in another window"
    save(page)
    yield "own page, new address not confirmed"
    (mail,) = server.mails(moved_to, "address")
    page.goto(link_in(server, mail, "/../registration/address/"))
    yield "address page"
    page.locator("main form button").click()
    expect(page).to_have_url(re.compile("done=moved$"))
    yield "own page, address moved"
    gone, link = link, page.url.partition("?")[0]
    page.goto(gone)
    yield "link that opens nothing"
    page.goto(link)
    press_in(page, "erasure")
    expect(page.locator("#summary")).to_be_visible()
    yield "own page, erasure without the tick"
    press_in(page, "cancellation")
    expect(page).to_have_url(re.compile("done=cancelled$"))
    yield "own page, cancelled"
    page.check("#sure")
    press_in(page, "erasure")
    expect(page).to_have_url(re.compile("/erased$"))
    yield "erased page"
    page.goto(link)
    yield "own page, gone"


def late_link_states(page: Page) -> Iterator[str]:
    """Take an organiser through the page of late links, with a halt at each state."""
    sign_in(page)
    page.goto("/organiser/late-links")
    yield "late links"
    page.locator("main form button").click()
    expect(page.locator("#summary")).to_be_visible()
    yield "late links with errors"
    page.fill("#email", next_address())
    page.check('[name=language][value="es"]')
    page.locator("main form button").click()
    expect(page.locator(".notice--good")).to_be_visible()
    yield "late link made"


def mail_states(page: Page, failed: str) -> Iterator[str]:
    """Take an organiser through the mails, of which one failed, with a halt at each state."""
    sign_in(page)
    page.goto("/organiser/mails")
    yield "mails"
    page.locator("#page-older").click()
    expect(page.locator("#page-newest")).to_be_visible()
    yield "older mails"
    page.goto("/organiser/mails?q=nobody")
    yield "empty search"
    page.goto(f"/organiser/mails?state=failed&q={failed}")
    yield "mails that failed"
    page.locator("tbody th a").click()
    expect(page.locator("iframe")).to_be_visible()
    page.locator("summary").click()
    yield "mail that failed"
    # By key: a mouse that Chromium moves right after a scroll may still hit the frame that was there before.
    page.locator("form[action$='/address'] button").press("Enter")
    expect(page.locator("#summary")).to_be_visible()
    yield "correction with an error"
