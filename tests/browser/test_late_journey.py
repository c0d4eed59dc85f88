"""After the deadline: what delegates can still change, and how an organiser lets somebody in after all."""

import re
from urllib.parse import urlsplit

import pytest
from browser import steps
from browser.cast import OTHERS
from browser.server import Server
from browser.steps import FEW_WAYS, MODES
from factories import next_address
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

BOTH = pytest.mark.parametrize("mode", ["javascript", "no-javascript"])
CLOSED = ("given_names", "family_name", "email", "organisation", "country", "function", "category", "days")
OPEN = ("diet", "visa_letter", "travel", "hotel", "consent_list", "consent_photo")
FLIGHTS = {
    "travel": ["known"],
    "arrival_date": "2017-05-24",
    "arrival_time": "06:10",
    "arrival_flight": "OM 302",
    "pickup": ["y"],
    "mobile": "+976 99 112233",
}


def address_of_own_page(desk: Server, email: str) -> str:
    """The path of the link that somebody got before the deadline."""
    return urlsplit(steps.private_link(desk, email)).path


@pytest.mark.parametrize(
    ("number", "lang", "mode", "width"), [(number, *way) for number, way in enumerate(FEW_WAYS)]
)
def test_travel_can_be_completed_after_the_deadline_and_nothing_else_changed(
    open_page, desk, late_server, number, lang, mode, width
):
    email = OTHERS[number]["email"]
    page = open_page(late_server, width=width, **MODES[mode])
    page.goto(address_of_own_page(desk, email).replace("/en/", f"/{lang}/"))
    changes = [link.get_attribute("href") for link in page.locator('a[href*="/edit#"]').all()]
    assert [address.partition("#")[2] for address in changes] == ["taking_part", "visa", "journey", "consent"]
    expect(page.locator('form[action$="/restoration"], a[href*="colleague="]')).to_have_count(0)
    page.locator('a[href$="/edit#journey"]').click()
    expect(page.locator("#registration-form")).to_be_visible()
    assert page.locator("html").get_attribute("lang") == lang
    offered = page.locator("#registration-form").evaluate("form => [...form.elements].map((one) => one.name)")
    assert set(CLOSED) & set(offered) == set()
    assert set(OPEN) <= set(offered)

    steps.fill_in(page, FLIGHTS)
    steps.save(page)

    expect(page.locator("[aria-labelledby=journey-title]")).to_contain_text("OM 302")
    (row,) = late_server.registrations(email)
    assert (row["travel"], row["hotel"], row["family_name"]) == (
        "known",
        "own",
        OTHERS[number]["family_name"],
    )
    assert len(late_server.mails(email, "changed")) == 1


@BOTH
def test_cancelling_after_the_deadline_cannot_be_taken_back(open_page, desk, late_server, mode):
    email = OTHERS[10 + list(MODES).index(mode)]["email"]
    page = open_page(late_server, **MODES[mode])
    page.goto(address_of_own_page(desk, email))

    steps.press_in(page, "cancellation")

    expect(page).to_have_url(re.compile(r"\?done=cancelled$"))
    expect(page.locator('form[action$="/restoration"]')).to_have_count(0)
    assert [row["state"] for row in late_server.registrations(email)] == ["cancelled"]


def make_late_link(desk_page: Page, email: str, lang: str) -> None:
    """Let an organiser who has signed in make a late link."""
    desk_page.goto("/organiser/late-links")
    desk_page.fill("#email", email)
    desk_page.check(f'[name=language][value="{lang}"]')
    desk_page.locator("main form button").click()
    expect(desk_page.locator(".notice--good")).to_be_visible()


@pytest.mark.parametrize(("lang", "mode", "width"), FEW_WAYS)
def test_late_link_lets_one_delegate_in_once(open_page, late_server, ada, lang, mode, width):
    desk_page = open_page(late_server, **MODES[mode])
    steps.sign_in(desk_page)
    make_late_link(desk_page, ada["email"], lang)
    (mail,) = late_server.mails(ada["email"], "late")
    assert mail["Content-Language"] == lang
    link = steps.link_in(late_server, mail, r"/../registration\?late=")
    page = open_page(late_server, width=width, expecting="status of 403", **MODES[mode])

    page.goto(link)
    assert page.locator("html").get_attribute("lang") == lang
    expect(page.locator("#email")).to_have_value(ada["email"])
    steps.fill_in(page, ada)
    assert steps.press(page, "check") == 200
    steps.expect_check_page(page)
    reference = steps.send(page)

    (row,) = late_server.registrations(ada["email"])
    assert (row["reference"], row["language"], bool(row["is_late"])) == (reference, lang, True)
    assert page.goto(link).status == 403
    expect(page.locator("main [role=alert]")).to_be_visible()
    desk_page.goto(f"/organiser/registrations?q={reference}")
    expect(desk_page.locator("tbody tr")).to_have_count(1)
    expect(desk_page.locator("tbody .state--late")).to_be_visible()
    desk_page.goto("/organiser/late-links")
    expect(desk_page.locator("tbody tr", has_text=ada["email"]).locator("td a")).to_have_attribute(
        "href", f"/organiser/registrations/{reference}"
    )


@BOTH
def test_late_link_lets_nobody_else_in(open_page, late_server, ada, mode):
    desk_page = open_page(late_server, **MODES[mode])
    steps.sign_in(desk_page)
    make_late_link(desk_page, ada["email"], "en")
    (mail,) = late_server.mails(ada["email"], "late")
    page = open_page(late_server, **MODES[mode])
    page.goto(steps.link_in(late_server, mail, r"/../registration\?late="))
    eve = ada | {"email": next_address()}
    steps.fill_in(page, eve)

    status = steps.press(page, "check")

    assert status == 422
    expect(page.locator("#summary a")).to_have_attribute("href", "#email")
    expect(page.locator("#email-error")).to_contain_text(ada["email"])
    assert late_server.registrations(eve["email"]) == []
    page.fill("#email", ada["email"])
    steps.press(page, "check")
    steps.expect_check_page(page)
    steps.send(page)
    assert len(late_server.registrations(ada["email"])) == 1
