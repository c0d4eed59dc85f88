"""An organiser's way to the sheets: on screen, on paper, and as files."""

import io
import re

import pytest
from browser import steps
from factories import next_address
from playwright.sync_api import Page, expect
from pypdf import PdfReader

pytestmark = pytest.mark.browser

A4 = (595, 842)  # points


@pytest.fixture(scope="module")
def sheet_desk(start_server, desk, tmp_path_factory):
    """The registrations of the desk once more, for a delegate with flights and a room to join them."""
    folder = tmp_path_factory.mktemp("sheets")
    desk.copy_database(folder)
    return start_server(folder)


@pytest.fixture
def zoe(open_page, sheet_desk) -> str:
    """The name of somebody who has answered everything."""
    given = {"email": next_address(), "given_names": "Zoë", "passport_name": "ZOE LOVELACE"}
    steps.send_form(open_page(sheet_desk), sheet_desk, steps.ADA | given)
    return f"Zoë {steps.ADA['family_name']}"


@pytest.fixture
def sheets_page(open_page, sheet_desk, javascript) -> Page:
    page = open_page(sheet_desk, java_script_enabled=javascript)
    steps.sign_in(page)
    page.locator(".account__list a[href$='/sheets']").click()
    expect(page.locator("h1")).to_have_text("Sheets")
    return page


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])
def test_sheet_is_opened_and_taken_as_a_file(zoe, sheets_page):
    sheets_page.locator(".sheets__title a", has_text="Arrivals").click()
    expect(sheets_page.locator("tbody th[scope=row]", has_text=zoe).first).to_be_visible()
    expect(sheets_page.locator(".account__link[aria-current]")).to_have_count(0)

    with sheets_page.expect_download() as download:
        sheets_page.locator(".sheet__head a", has_text="XLSX").click()

    assert download.value.suggested_filename == "arrivals.xlsx"
    expect(sheets_page.locator("h1")).to_have_text("Arrivals")


def printed(page: Page, name: str) -> PdfReader:
    page.goto(f"/organiser/sheets/{name}")
    return PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))


def words(page) -> str:
    return " ".join(page.extract_text().split())


def size(page) -> tuple[int, int]:
    return round(page.mediabox.width), round(page.mediabox.height)


@pytest.mark.parametrize(
    "name", ["arrivals", "departures", "rooms", "visa", "access", "meals", "headsets", "sign-in"]
)
def test_sheet_on_paper_has_its_heading_and_no_navigation(zoe, open_page, sheet_desk, signed_in, name):
    page = open_page(sheet_desk, color_scheme="dark", **signed_in)

    paper = printed(page, name)

    first = words(paper.pages[0])
    assert first.startswith(f"1 / {len(paper.pages)} {page.locator('h1').inner_text()} ")
    assert "Ulaanbaatar, Mongolia" in first
    assert re.search(r"As of 10 April 2017, \d\d:\d\d UTC", first)
    assert "Sign out" not in first
    assert "XLSX" not in first
    assert size(paper.pages[0]) == (A4[::-1] if name in ("arrivals", "departures", "rooms", "visa") else A4)


def test_head_of_a_table_is_repeated_on_each_page_of_the_sign_in_sheet(zoe, open_page, sheet_desk, signed_in):
    paper = printed(open_page(sheet_desk, **signed_in), "sign-in")

    assert len(paper.pages) > 2
    for page in paper.pages:
        assert re.search(r"Sign-in sheet · \w+, 2[56] May 2017 Name Organisation Signature", words(page))


def test_ten_badges_are_on_a_page(zoe, open_page, sheet_desk, signed_in):
    page = open_page(sheet_desk, **signed_in)
    page.goto("/organiser/sheets/badges")
    total = page.locator(".badge").count()

    paper = printed(page, "badges")

    assert [words(one).count("International Secretary") for one in paper.pages[:5]] == [10] * 5
    assert len(paper.pages) == -(-total // 10)
    assert "Badges" not in words(paper.pages[0])
