"""axe on every page in every state: WCAG 2.2 AA and good practice, narrow and wide, light and dark."""

from itertools import chain
from urllib.parse import urlsplit

import pytest
from browser import steps
from browser.cast import ADA, OTHERS
from browser.steps import LANGUAGES
from playwright.sync_api import Page, expect

from config import ROOT

pytestmark = pytest.mark.browser

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# Narrow and wide, light and dark; each language costs time, so they share the combinations.
VIEWS = {
    "fr": [(360, "light")],
    "en": [(360, "dark"), (1280, "light")],
    "es": [(1280, "dark")],
}


def violations(page: Page, state: str, lang: str = "en") -> list[str]:
    """What axe finds on a page, one line for each rule and place."""
    found = []
    for width, scheme in VIEWS[lang]:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        for rule, target, reason in audit(page):
            found.append(f"{state} ({lang}, {width} px, {scheme}): {rule} at {target}: {reason}")
    return found


def audit(page: Page) -> list[list[str]]:
    """Run axe; rule, place and reason of each violation."""
    assert AXE.exists(), f"{AXE} is missing: npm ci"
    page.wait_for_load_state()
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.read_text())
    return page.evaluate(
        """async (tags) => {
            const {violations} = await axe.run(document, {runOnly: tags, resultTypes: ["violations"], iframes: false});
            return violations.flatMap((rule) => rule.nodes.map(
                (node) => [rule.id, node.target.join(" "), node.failureSummary.replace(/\\s+/g, " ")]));
        }""",
        TAGS,
    )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_public_pages_have_no_violations(open_page, server, ada, lang):
    page = open_page(server, expecting="status of 404")

    found = [
        violation
        for state in steps.public_states(page, server, ada, lang)
        for violation in violations(page, state, lang)
    ]

    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_behind_the_link_have_no_violations(open_page, server, ada, lang):
    page = open_page(server, expecting="status of 4(04|09|10)")
    states = chain(steps.link_states(page, lang), steps.own_states(page, server, ada, lang))

    found = [violation for state in states for violation in violations(page, state, lang)]

    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_late_links_have_no_violations(open_page, late_server, lang):
    page = open_page(late_server, locale=lang)

    found = [
        violation
        for state in steps.late_link_states(page)
        for violation in violations(page, f"organiser: {state}", lang)
    ]

    assert page.locator("html").get_attribute("lang") == lang
    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_access_of_organisers_has_no_violations(open_page, late_server, lang):
    page = open_page(late_server, locale=lang, expecting="status of 4(01|10)")

    found = [
        violation
        for state in steps.access_states(page, late_server)
        for violation in violations(page, f"organiser: {state}", lang)
    ]

    assert page.locator("html").get_attribute("lang") == lang
    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_mails_have_no_violations(open_page, mail_desk, unreached, lang):
    page = open_page(mail_desk, locale=lang)

    found = [
        violation
        for state in steps.mail_states(page, unreached)
        for violation in violations(page, f"organiser: {state}", lang)
    ]

    assert page.locator("html").get_attribute("lang") == lang
    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_own_page_after_the_deadline_has_no_violations(open_page, desk, late_server, lang):
    page = open_page(late_server)
    path = urlsplit(steps.private_link(desk, OTHERS[-1]["email"])).path.replace("/en/", f"/{lang}/")
    page.goto(path)
    expect(page.locator("#cancel")).to_be_visible()
    found = violations(page, "own page after the deadline", lang)

    page.goto(f"{path}/edit")
    steps.fill_in(page, {"travel": ["known"], "pickup": ["y"], "hotel": ["reserve"], "room": ["twin"]})

    steps.settle(page)
    found += violations(page, "edit page after the deadline, follow-ups open", lang)
    assert page.locator("html").get_attribute("lang") == lang
    assert found == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_closed_form_has_no_violations(open_page, late_desk, lang):
    page = open_page(late_desk, expecting="status of 403")

    answer = page.goto(f"/{lang}/registration")

    assert answer.status == 403
    assert violations(page, "closed form", lang) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_form_in_trouble_has_no_violations(open_page, server, lang):
    page = open_page(server, expecting="net::ERR_|Failed to fetch")
    steps.open_form(page, lang)
    page.route(f"**/{lang}/registration*", lambda route: route.abort())

    page.locator("button[value=check]").click()

    expect(page.locator("#trouble")).to_be_visible()
    assert violations(page, "form in trouble", lang) == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_organisers_pages_have_no_violations(open_page, desk, lang):
    page = open_page(desk, locale=lang, expecting="status of 40[34]")

    found = [
        violation
        for state in organiser_states(page)
        for violation in violations(page, f"organiser: {state}", lang)
    ]

    assert page.locator("html").get_attribute("lang") == lang
    assert found == []


def organiser_states(page: Page):
    """Take an organiser through the pages, with a halt at each."""
    page.goto("/organiser/session")
    yield "sign-in"
    page.locator("#session button").click()
    expect(page.locator("#summary")).to_be_focused()
    yield "sign-in refused"
    steps.sign_in(page)
    expect(page.locator("#q")).to_be_visible()
    yield "list"
    page.goto(
        "/organiser/registrations?state=received&country=GB&not=country&columns=name,travel,hotel,category"
    )
    for panel in page.locator(".panel__summary").all():
        panel.click()
    yield "list with filters, its panels open"
    page.goto("/organiser/registrations?q=nobody")
    yield "empty search"
    page.goto("/organiser/registrations.csv")
    yield "export refused"
    page.goto("/organiser/registrations/nobody")
    yield "not found"
    page.goto(f"/organiser/registrations?q={ADA['passport'].name.split()[1]}")
    page.locator("tbody th a").click()
    expect(page.locator("form.notice")).to_be_visible()
    yield "registration"
    page.locator("form.notice button").click()
    expect(page.locator("form.notice")).to_have_count(0)
    yield "registration with its sensitive answers"
    page.goto("/organiser/sheets")
    yield "sheets"
    for name in ("arrivals", "visa", "meals", "badges", "sign-in"):
        page.goto(f"/organiser/sheets/{name}")
        yield f"sheet: {name}"
    page.goto("/organiser/statistics")
    for numbers in page.locator(".plot__numbers summary").all():
        numbers.click()
    yield "statistics, the tables open"
    page.goto("/organiser/log")
    yield "log"
    page.goto("/organiser/log?action=mails.retried")
    yield "log without entries"
