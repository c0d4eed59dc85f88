"""An organiser writes to many delegates: with a search, a preview, a wrong number, the right one, to the last mail."""

import re

import pytest
from browser import steps
from browser.server import Server
from browser.steps import FEW_WAYS, MODES
from browser.test_accessibility import violations
from browser.test_layout import faults
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

SUBJECT = "Shuttles between the hotel and the conference centre"
TEXT = "They leave at 8:30.\nPlease be on time.\n\nMore: https://example.org/shuttles"
NOTES = {
    "fr": "Ce texte n’est pas disponible dans votre langue. Le voici en anglais.",
    "es": "Este texto no está disponible en su idioma. A continuación figura en inglés.",
}


@pytest.fixture(scope="session")
def announcing_desk(start_server, desk: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The cast once more, for somebody who writes to them."""
    folder = tmp_path_factory.mktemp("announcing")
    desk.copy_database(folder)
    return start_server(folder)


def expect_no_faults(page: Page, state: str, lang: str, mode: str) -> None:
    """Look at the layout, and where there is JavaScript at the accessibility too: axe is JavaScript."""
    page.wait_for_load_state()  # before the style sheet has come, everything is too wide
    size = page.viewport_size
    assert faults(page, state) == []
    assert mode == "no-javascript" or violations(page, state, lang) == []
    page.set_viewport_size(size)


def write(page: Page, subject: str = SUBJECT) -> None:
    """Write to those whom the list shows; in English alone, after a try with a subject alone."""
    page.locator('a[href*="/announcements/new"]').click()
    page.fill("#subject_en", subject)
    page.locator("main form button").click()
    expect(page.locator("#summary a")).to_have_attribute("href", "#text_en")
    page.fill("#text_en", TEXT)
    page.locator("main form button").click()
    expect(page).to_have_url(re.compile(r"/announcements/\d+$"))


def send(page: Page, number: int) -> None:
    page.fill("#number", str(number))
    page.locator('form[action$="/sending"] button').click()


def expect_end(page: Page, mode: str) -> None:
    """See how the progress comes to its end: by itself with JavaScript, otherwise by looking again."""
    again = page.locator("#progress a")
    if mode == "javascript":
        page.evaluate("window.marked = true")
    else:
        while again.count():
            again.click()
    expect(page.locator("#progress .state--sent")).to_be_visible()
    expect(again).to_have_count(0)
    if mode == "javascript":
        assert page.evaluate("window.marked === true")


@pytest.mark.parametrize(
    ("lang", "mode", "width", "search"),
    [(*way, f"number{number}") for number, way in enumerate(FEW_WAYS, start=1)],
)
@pytest.mark.history
def test_announcement_reaches_those_whom_the_search_finds(
    open_page, announcing_desk, lang, mode, width, search
):
    page = open_page(announcing_desk, width=width, locale=lang, expecting="status of 422", **MODES[mode])
    steps.sign_in(page)
    page.goto(f"/organiser/registrations?q={search}")
    shown = [address for address in page.locator("tbody").inner_text().split() if "@" in address]
    assert len(shown) >= 10
    page.locator('a[href*="/announcements/new"]').click()
    expect(page.locator("#recipients strong")).to_have_text(str(len(shown)))
    expect_no_faults(page, "new announcement", lang, mode)
    steps.back(page)

    write(page)

    assert page.locator("html").get_attribute("lang") == lang
    for one, note in NOTES.items():
        frame = page.frame_locator(f'iframe[src$="/{one}"]').locator("main")
        expect(frame).to_contain_text(note)
        expect(frame.locator("div p")).to_have_text(
            ["They leave at 8:30.Please be on time.", "More: https://example.org/shuttles"]
        )
    expect(page.locator("#recipients strong")).to_have_text(str(len(shown)))
    expect_no_faults(page, "draft", lang, mode)
    send(page, len(shown) - 1)
    expect(page.locator("#number-error")).to_contain_text(f" {len(shown)}, ")
    expect_no_faults(page, "wrong number", lang, mode)
    assert announcing_desk.mails(shown[0], "announcement") == []
    send(page, len(shown))
    expect(page.locator("#progress")).to_be_visible()
    expect_end(page, mode)

    assert page.locator("#progress progress").evaluate("bar => [bar.value, bar.max]") == [len(shown)] * 2
    expect_no_faults(page, "sent", lang, mode)
    for address in shown:
        (mail,) = announcing_desk.mails(address, "announcement")
        (row,) = announcing_desk.registrations(address)
        assert mail["Subject"] == f"{SUBJECT} – {row['reference']}"
        assert TEXT in mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert announcing_desk.mails("bo@example.org", "announcement") == []
    page.locator(".account a", has_text=re.compile("^(Annonces|Announcements|Comunicaciones)$")).click()
    expect(page.locator("tbody th").first).to_have_text(SUBJECT)
    expect_no_faults(page, "announcements", lang, mode)


@pytest.mark.parametrize("mode", ["javascript", "no-javascript"])
def test_announcement_is_stopped(open_page, start_server, desk, tmp_path, mode):
    desk.copy_database(tmp_path)
    slow = start_server(tmp_path, CONVOKE_OUTBOX_THREAD="false")
    page = open_page(slow, **MODES[mode])
    steps.sign_in(page)
    page.goto("/organiser/registrations")
    write(page, "Too soon")
    expect_no_faults(page, "draft", "en", mode)
    send(page, 53)
    expect(page.locator("#progress progress")).to_be_visible()
    expect_no_faults(page, "being sent", "en", mode)

    page.locator('form[action$="/stop"] button').click()

    expect(page.locator("#progress .state--stopped")).to_be_visible()
    expect_no_faults(page, "stopped", "en", mode)
    expect(page.locator("#progress a, #progress form")).to_have_count(0)
    assert slow.rows("SELECT id FROM mail WHERE kind = 'announcement'") == []


@pytest.mark.parametrize(
    ("lang", "mode", "width"),
    [("fr", "javascript", 360), ("en", "no-javascript", 1280), ("es", "javascript", 360)],
)
def test_what_another_has_changed_meanwhile_is_neither_sent_nor_overwritten(
    open_page, announcing_desk, lang, mode, width
):
    page = open_page(announcing_desk, width=width, locale=lang, expecting="status of 409", **MODES[mode])
    steps.sign_in(page)
    page.goto("/organiser/registrations")
    write(page)
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(f"{page.url.removesuffix('/edit')}/edit")
    save(other, "Coaches")
    expect(other.locator("h1")).to_have_text("Coaches")

    save(page, "Taxis")

    expect(page.locator("main .notice[role=alert] dd")).to_have_text("Coaches")
    expect(page.locator("#subject_en")).to_have_value("Taxis")
    expect_no_faults(page, "draft that another has changed", lang, mode)
    page.goto(other.url)
    expect(page.locator("h1")).to_have_text("Coaches")
    other.goto(f"{other.url}/edit")
    save(other, "Trains")
    expect(other.locator("h1")).to_have_text("Trains")
    send(page, int(page.locator("#recipients strong").inner_text()))
    expect(page.locator("main .notice[role=alert]")).to_be_visible()
    expect(page.locator("h1")).to_have_text("Trains")
    expect_no_faults(page, "draft shown again", lang, mode)


def save(page: Page, subject: str) -> None:
    """Give a draft that is open another subject."""
    page.fill("#subject_en", subject)
    page.locator("main form button").click()
