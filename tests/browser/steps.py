"""What visitors do, step by step, and what they see: shared by the journeys."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from browser.server import ORGANISER, PASSWORD, Server
from playwright.sync_api import Page, Response, expect

LANGUAGES = ("fr", "en", "es")
MODES = {"javascript": {}, "no-javascript": {"java_script_enabled": False}, "cdn-blocked": {"cdn": False}}

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
    "consent_affiliation": ["y"],
    "consent_list": ["y"],
}
PAGES = ("", "programme", "practical", "privacy", "accessibility")


def open_form(page: Page, lang: str = "en") -> None:
    page.goto(f"/{lang}/registration")
    expect(page.locator("#registration-form")).to_be_visible()


def fill_in(page: Page, answers: dict[str, Any]) -> None:
    for name, value in answers.items():
        if isinstance(value, list):
            for choice in value:
                page.check(f'[name="{name}"][value="{choice}"]')
        elif name in ("country", "nationality"):
            page.select_option(f"#{name}", value)
        else:
            page.fill(f"#{name}", value)


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
    page.wait_for_url(re.compile("/registration/received/"))
    return page.locator(".received__reference strong").inner_text()


def typed(page: Page) -> list[tuple[str, str]]:
    """What the form holds, visible or travelling with it, without what is empty."""
    entries = page.locator("#registration-form").evaluate("form => [...new FormData(form)]")
    return [(name, value) for name, value in entries if value and name not in ("key", "stage")]


def as_typed(answers: dict[str, Any]) -> list[tuple[str, str]]:
    """The same answers as `typed` reads them."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in answers.items()}
    return [(name, value) for name, values in lists.items() for value in values]


def private_link(server: Server, email: str) -> str:
    """The link in the one mail that a delegate has got."""
    (mail,) = server.mails(email)
    text = mail.get_body(("plain",)).get_content()
    (link,) = re.findall(rf"^{server.url}/../r/\S+", text, re.MULTILINE)
    return link


def sign_in(page: Page) -> None:
    page.goto("/organiser/session")
    give_password(page)


def give_password(page: Page, password: str = PASSWORD) -> None:
    fill_in(page, {"email": ORGANISER, "password": password})
    page.locator("#session button").click()


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
    press(page, "check")
    expect_check_page(page)
    yield "check page"
    send(page)
    yield "received"
    page.goto(private_link(server, answers["email"]))
    yield "private page"
