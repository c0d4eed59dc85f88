"""POST /organiser/account/end: signing out everywhere else, or everywhere."""

import pytest
from conftest import PASSWORD
from flask import Flask
from support.journey import SESSION, sign_in
from support.page import PageClient

END = "/organiser/account/end"
LIST = "/organiser/registrations"


@pytest.fixture
def browsers(app: Flask, organiser) -> list[PageClient]:
    """Two browsers in which cem has signed in."""
    both = [PageClient(app), PageClient(app)]
    for browser in both:
        sign_in(browser, organiser.email, PASSWORD)
    return both


def end(browser: PageClient, where: str) -> str:
    token = browser.get(LIST).value("csrf_token")
    return str(browser.post(END, {"csrf_token": token, "where": where}, status=303).headers["Location"])


def test_signing_out_elsewhere_ends_the_other_browser_at_once(browsers):
    here, elsewhere = browsers

    assert end(here, "elsewhere") == "/organiser/account?done=elsewhere"

    here.get("/organiser/account?done=elsewhere")
    elsewhere.get(LIST, status=303)


def test_signing_out_everywhere_ends_this_browser_too(browsers):
    here, elsewhere = browsers

    assert end(here, "everywhere") == SESSION

    for browser in (here, elsewhere):
        browser.get(LIST, status=303)


def test_button_of_an_old_page_is_refused_in_words(browsers):
    page = browsers[0].post(END, {"csrf_token": "forged", "where": "everywhere"}, status=400)

    assert page.texts(".prose__lede")[0].startswith("This page had been open for too long")
    browsers[1].get(LIST)
