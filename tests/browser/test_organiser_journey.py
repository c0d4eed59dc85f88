"""An organiser's way: signing in, finding people, looking at one of them, the export, signing out."""

import csv
import io
import re

import pytest
from browser import steps
from browser.cast import ADA, BO, DELEGATES
from browser.server import ORGANISER
from factories import PASSPORT, make_answers
from playwright.sync_api import Page, expect
from pypdf import PdfReader

pytestmark = pytest.mark.browser

LIST = "/organiser/registrations"
PAGE_SIZE = 50


@pytest.fixture(params=[True, False], ids=["javascript", "no-javascript"])
def desk_page(request, open_page, desk, signed_in) -> Page:
    """The list, in the window of an organiser who has signed in."""
    page = open_page(desk, java_script_enabled=request.param, **signed_in)
    page.goto(LIST)
    return page


def name(delegate: dict) -> str:
    answers = make_answers(**delegate)
    return f"{answers.given_names} {answers.family_name}"


NEWEST_FIRST = [name(delegate) for delegate in reversed(DELEGATES)]


def expect_names(page: Page, expected: list[str]) -> None:
    expect(page.locator("tbody th")).to_have_text(expected)


def search(page: Page, words: str) -> None:
    page.fill("#q", words)
    page.keyboard.press("Enter")


def sign_out(page: Page) -> None:
    page.locator(".account__end button").click()
    expect(page.locator("#password")).to_be_visible()


def mark(page: Page) -> None:
    """Leave a mark that only survives as long as no page is loaded."""
    page.evaluate("window.marked = true")


def is_marked(page: Page) -> bool:
    return page.evaluate("window.marked === true")


@pytest.mark.parametrize("javascript", [True, False])
def test_wrong_password_is_refused_with_a_summary_and_the_right_one_opens_the_list(
    open_page, desk, javascript
):
    page = open_page(desk, java_script_enabled=javascript)
    page.goto(LIST)

    with page.expect_response(lambda response: response.request.method == "POST") as answer:
        steps.give_password(page, "wrong")

    assert answer.value.status == 422
    expect(page.locator("#summary")).to_be_focused()
    expect(page.locator("#email")).to_have_value(ORGANISER)
    expect(page.locator("#password")).to_have_value("")
    steps.give_password(page)
    expect(page).to_have_url(desk.url + LIST)


def test_search_finds_a_delegate_without_accents(desk_page):
    search(desk_page, "GUNESOGLU")

    expect_names(desk_page, [name(BO)])
    expect(desk_page).to_have_url(re.compile(r"\?q=GUNESOGLU$"))


def test_search_narrows_the_list_while_somebody_types(open_page, desk, signed_in):
    page = open_page(desk, **signed_in)
    page.goto(LIST)
    expect_names(page, NEWEST_FIRST[:PAGE_SIZE])
    mark(page)

    page.locator("#q").press_sequentially("güneşoğlu")

    expect_names(page, [name(BO)])
    expect(page).to_have_url(re.compile(r"\?q=g%C3%BCne%C5%9Fo%C4%9Flu$"))
    expect(page.locator("#q")).to_be_focused()
    assert is_marked(page)


@pytest.mark.history
def test_way_back_from_a_delegate_leads_to_the_search(desk_page):
    search(desk_page, "gunesoglu")
    expect_names(desk_page, [name(BO)])
    desk_page.locator("tbody th a").click()
    expect(desk_page.locator("h1")).to_have_text(name(BO))

    steps.back(desk_page)

    expect_names(desk_page, [name(BO)])
    expect(desk_page.locator("#q")).to_have_value("gunesoglu")


def test_search_that_finds_nobody_says_so(desk_page):
    search(desk_page, "nobody of this name")

    expect(desk_page.locator(".list__empty")).to_be_visible()
    expect(desk_page.locator("table")).to_have_count(0)


def test_head_of_a_column_sorts_and_turns_the_order_round(desk_page):
    by_name = sorted((name(delegate) for delegate in DELEGATES), key=lambda words: words.split()[1:])

    desk_page.click("#sort-name")
    expect(desk_page.locator("th:has(#sort-name)")).to_have_attribute("aria-sort", "ascending")
    expect_names(desk_page, by_name[:PAGE_SIZE])
    desk_page.click("#sort-name")
    expect(desk_page.locator("th:has(#sort-name)")).to_have_attribute("aria-sort", "descending")

    expect_names(desk_page, by_name[: -PAGE_SIZE - 1 : -1])
    expect(desk_page.locator("[aria-sort]")).to_have_count(1)


@pytest.mark.history
def test_way_back_undoes_the_sorting(desk_page):
    desk_page.click("#sort-name")
    expect(desk_page.locator("th:has(#sort-name)")).to_have_attribute("aria-sort", "ascending")

    steps.back(desk_page)

    expect(desk_page.locator("th:has(#sort-received)")).to_have_attribute("aria-sort", "descending")
    expect_names(desk_page, NEWEST_FIRST[:PAGE_SIZE])


def test_search_keeps_the_order(desk_page):
    desk_page.click("#sort-name")
    expect(desk_page.locator("th:has(#sort-name)")).to_have_attribute("aria-sort", "ascending")

    search(desk_page, "number")

    expect(desk_page.locator(".list__count")).to_have_text(re.compile(r"\b51\b"))
    expect(desk_page.locator("th:has(#sort-name)")).to_have_attribute("aria-sort", "ascending")


def test_pages_of_the_list_lead_on_and_back(desk_page):
    expect_names(desk_page, NEWEST_FIRST[:PAGE_SIZE])

    desk_page.click("#page-next")
    expect_names(desk_page, NEWEST_FIRST[PAGE_SIZE:])
    expect(desk_page.locator("#page-next")).to_have_count(0)
    desk_page.click("#page-previous")

    expect_names(desk_page, NEWEST_FIRST[:PAGE_SIZE])


@pytest.mark.history
def test_way_back_leads_to_the_page_before(desk_page):
    desk_page.click("#page-next")
    expect_names(desk_page, NEWEST_FIRST[PAGE_SIZE:])

    steps.back(desk_page)

    expect_names(desk_page, NEWEST_FIRST[:PAGE_SIZE])


def test_sensitive_answers_are_hidden_until_they_are_asked_for(desk_page):
    search(desk_page, "lovelace")
    expect_names(desk_page, [name(ADA)])
    desk_page.locator("tbody th a").click()
    expect(desk_page.locator("h1")).to_have_text(name(ADA))
    assert PASSPORT.number not in desk_page.content()
    assert PASSPORT.name not in desk_page.content()
    looks = desk_page.locator("#history-title + ul li")
    before = looks.count()

    desk_page.locator("form.notice button").click()

    expect(desk_page.locator("form.notice")).to_have_count(0)
    expect(desk_page.locator(".answers__hidden")).to_have_count(0)
    expect(desk_page.locator("[aria-labelledby=visa-title]")).to_contain_text(PASSPORT.number)
    expect(looks).to_have_count(before + 1)
    expect(looks.first).to_contain_text(ORGANISER)


@pytest.mark.parametrize("javascript", [True, False])
def test_signing_out_closes_the_list(open_page, desk, javascript):
    page = open_page(desk, java_script_enabled=javascript)
    steps.sign_in(page)
    expect_names(page, NEWEST_FIRST[:PAGE_SIZE])
    sign_out(page)

    page.goto(LIST)

    expect(page.locator("#password")).to_be_visible()
    expect(page.locator("table")).to_have_count(0)


def test_list_left_open_after_signing_out_elsewhere_goes_on_after_signing_in(open_page, desk):
    page = open_page(desk, expecting="status of 401")
    steps.sign_in(page)
    other = page.context.new_page()
    other.goto(LIST)
    sign_out(other)

    page.click("#sort-name")

    expect(page.locator("#password")).to_be_visible()
    expect(page.locator("h1")).to_have_count(1)
    steps.give_password(page)
    expect(page).to_have_url(f"{desk.url}{LIST}?sort=name")


def test_export_is_refused_before_the_deadline_and_says_when_it_opens(open_page, desk, signed_in):
    page = open_page(desk, expecting="status of 403", **signed_in)
    page.goto(LIST)
    announced = page.locator(".list__export").inner_text()

    answer = page.goto(f"{LIST}.csv")

    assert answer.status == 403
    assert page.locator(".prose__lede").inner_text() == announced
    assert "9 May 2017, 12:00 UTC" in announced


@pytest.mark.parametrize("javascript", [True, False])
def test_export_after_the_deadline_brings_back_what_was_registered(open_page, late_desk, javascript):
    page = open_page(late_desk, java_script_enabled=javascript)
    steps.sign_in(page)

    with page.expect_download() as download:
        page.locator('a[href$="registrations.csv"]').click()
    content = page.request.get(download.value.url, timeout=10_000).body()  # a download has no time-out

    assert download.value.suggested_filename == "registrations.csv"
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    assert content.startswith(b"\xef\xbb\xbf")
    assert [told(row) for row in rows] == [given(delegate) for delegate in reversed(DELEGATES)]
    assert PASSPORT.number.encode() not in content


@pytest.mark.parametrize(("kind", "beginning"), [("xlsx", b"PK"), ("json", b"[\n{")])
def test_other_formats_are_downloaded_too(open_page, late_desk, kind, beginning):
    page = open_page(late_desk)
    steps.sign_in(page)

    with page.expect_download() as download:
        page.locator(f'a[href$="registrations.{kind}"]').click()
    content = page.request.get(download.value.url, timeout=10_000).body()

    assert download.value.suggested_filename == f"registrations.{kind}"
    assert content.startswith(beginning)
    assert (PASSPORT.number.encode() in content) == (kind == "json")


def told(row: dict[str, str]) -> dict[str, str]:
    """A line of the export; an apostrophe keeps spreadsheets from taking a text for a formula."""
    row = {column: row[column].removeprefix("'") for column in row}
    return {column: row[column] for column in EXPORTED} | {"days": row["days"].split()}


def given(delegate: dict) -> dict[str, str]:
    answers = make_answers(**delegate)
    consents = {f"consent_{kind}": "yes" if kind in answers.consents else "no" for kind in ("list", "photo")}
    visa = {"visa_letter": "requested" if answers.passport else "none"}
    return {column: (vars(answers) | consents | visa)[column] for column in EXPORTED} | {"days": answers.days}


EXPORTED = (
    "given_names",
    "family_name",
    "email",
    "organisation",
    "country",
    "function",
    "category",
    "interpretation",
    "visa_letter",
    "consent_list",
    "consent_photo",
)


# Filters, columns, presets and the keyboard


def open_panel(page: Page, words: str) -> None:
    page.locator("summary", has_text=words).click()


def test_filter_narrows_the_list_and_its_chip_takes_it_back(desk_page):
    open_panel(desk_page, "Filters")
    desk_page.check("#filter-visa-requested")
    if desk_page.locator(".chip").count() == 0:
        desk_page.locator("#filters button").click()

    expect_names(desk_page, [name(ADA)])
    expect(desk_page).to_have_url(re.compile(r"[?&]visa=requested$"))
    expect(desk_page.locator(".list__count")).to_have_text("1 registration")
    desk_page.locator(".chip").click()

    expect_names(desk_page, NEWEST_FIRST[:PAGE_SIZE])
    expect(desk_page.locator("#filter-visa-requested")).not_to_be_checked()


@pytest.mark.history
def test_filter_applies_at_once_and_back_and_forward_restore_it(open_page, desk, signed_in):
    page = open_page(desk, **signed_in)
    page.goto(LIST)
    mark(page)
    open_panel(page, "Filters")

    page.check("#filter-visa-requested")
    expect_names(page, [name(ADA)])
    page.check("#filter-not-visa")
    expect(page.locator(".chip")).to_contain_text("Visa letter: not Requested")
    assert is_marked(page)

    steps.back(page)
    expect_names(page, [name(ADA)])
    expect(page.locator("#filter-not-visa")).not_to_be_checked()
    expect(page.locator("#filter-visa-requested")).to_be_checked()
    steps.back(page)
    expect_names(page, NEWEST_FIRST[:PAGE_SIZE])
    expect(page.locator("#filter-visa-requested")).not_to_be_checked()
    page.go_forward()
    expect_names(page, [name(ADA)])
    expect(page.locator("#filter-visa-requested")).to_be_checked()


def test_other_language_keeps_search_filter_and_order(open_page, desk, signed_in):
    page = open_page(desk, **signed_in)
    page.goto(LIST)
    mark(page)
    page.fill("#q", "number")
    expect(page.locator(".list__count")).to_have_text(re.compile(r"\b51\b"))
    open_panel(page, "Filters")
    page.check("#filter-state-received")
    expect(page.locator(".chip")).to_have_count(1)
    page.click("#sort-name")
    expect(page.locator("th:has(#sort-name)")).to_have_attribute("aria-sort", "ascending")
    assert is_marked(page)

    page.locator(".languages__link[lang=fr]").click()

    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("#q")).to_have_value("number")
    expect(page.locator(".list__count")).to_have_text(re.compile(r"\b51\b"))
    expect(page.locator(".chip")).to_have_count(1)
    expect(page.locator("th:has(#sort-name)")).to_have_attribute("aria-sort", "ascending")
    page.click("#page-next")
    expect(page).to_have_url(re.compile(r"[?&]after="))
    page.locator(".languages__link[lang=es]").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    expect(page.locator("tbody th")).to_have_text(["Delegate Number 51"])


def test_other_language_keeps_the_search_of_the_mails_and_of_the_log(open_page, desk, signed_in):
    page = open_page(desk, **signed_in)
    page.goto("/organiser/mails")
    page.fill("#q", "lovelace")
    expect(page.locator("tbody tr")).to_have_count(1)

    page.locator(".languages__link[lang=fr]").click()

    expect(page.locator("html")).to_have_attribute("lang", "fr")
    expect(page.locator("#q")).to_have_value("lovelace")
    page.goto("/organiser/log")
    page.select_option("#action", "organiser.signed_in")
    expect(page).to_have_url(re.compile("action=organiser.signed_in"))
    page.locator(".languages__link[lang=en]").click()
    expect(page.locator("#action")).to_have_value("organiser.signed_in")


def test_search_and_filter_work_together(desk_page):
    search(desk_page, "number")
    expect(desk_page.locator(".list__count")).to_have_text(re.compile(r"\b51\b"))
    open_panel(desk_page, "Filters")
    desk_page.check("#filter-visa-requested")
    if desk_page.locator(".chip").count() == 0:
        desk_page.locator("#filters button").click()

    expect(desk_page.locator("table")).to_have_count(0)
    expect(desk_page.locator("#q")).to_have_value("number")
    expect(desk_page.locator(".chip")).to_have_count(1)


def test_columns_are_chosen(desk_page):
    open_panel(desk_page, "Columns")
    for column in ("organisation", "email", "received", "reference", "state", "visa"):
        desk_page.uncheck(f"#show-columns-{column}")
    desk_page.check("#show-columns-travel")

    desk_page.locator("#columns button").click()

    expect(desk_page.locator("thead th:not(.table__tick)")).to_have_text(["Name", "Country", "Flights"])


@pytest.mark.parametrize("lang", steps.LANGUAGES)
def test_list_on_paper_has_all_its_columns(open_page, desk, signed_in, lang):
    page = open_page(desk, width=658, **signed_in | {"locale": lang})  # what A4 leaves between its margins
    page.goto(f"{LIST}?q=number&lang={lang}")
    codes = page.locator("tbody .table__code").all_inner_texts()
    assert len(codes) == PAGE_SIZE

    paper = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, format="A4")))

    text = "".join("".join(one.extract_text() for one in paper.pages).split())
    assert [code for code in codes if code not in text] == []
    page.emulate_media(media="print")
    box = page.locator(".table-scroll")
    assert box.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    expect(page.locator("#q, .table__tick, .panel, .batch, .presets").locator("visible=true")).to_have_count(
        0
    )


def test_preset_is_one_click(desk_page):
    desk_page.click("#preset-visa")

    expect_names(desk_page, [name(ADA)])
    expect(desk_page.locator("th:has(#sort-received)")).to_have_attribute("aria-sort", "ascending")


def test_list_is_walked_with_the_keyboard(open_page, desk, signed_in):
    page = open_page(desk, **signed_in)
    page.goto(LIST)
    rows = page.locator("tbody th a")

    page.keyboard.press("ArrowDown")
    expect(rows.nth(0)).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(rows.nth(2)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(rows.nth(1)).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text(NEWEST_FIRST[1])


def test_slash_leads_to_the_search_and_is_a_letter_there(open_page, desk, signed_in):
    page = open_page(desk, **signed_in)
    page.goto(LIST)

    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    expect(page.locator("#q")).to_have_value("")
    page.keyboard.press("/")

    expect(page.locator("#q")).to_have_value("/")
    expect(page.locator("#q")).to_be_focused()


def test_arrows_lead_from_the_search_to_the_rows_and_back(open_page, desk, signed_in):
    page = open_page(desk, **signed_in)
    page.goto(LIST)
    page.focus("#q")

    page.keyboard.press("ArrowDown")
    expect(page.locator("tbody th a").first).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#q")).to_be_focused()


def test_arrows_lead_along_the_tick_boxes(open_page, desk, signed_in):
    page = open_page(desk, **signed_in)
    page.goto(LIST)
    ticks = page.locator("tbody .tick__input")
    ticks.nth(0).focus()

    page.keyboard.press("ArrowDown")
    expect(ticks.nth(1)).to_be_focused()
    page.keyboard.press("Space")
    expect(ticks.nth(1)).to_be_checked()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#q")).to_be_focused()


def test_arrows_are_the_browsers_in_other_fields(open_page, desk, signed_in):
    page = open_page(desk, **signed_in)
    page.goto(LIST)
    open_panel(page, "Filters")

    for field in ("#filter-visa-requested", "#batch-kind"):
        page.focus(field)
        page.keyboard.press("ArrowDown")
        expect(page.locator(field)).to_be_focused()
