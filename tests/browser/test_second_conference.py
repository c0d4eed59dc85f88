"""Another conference, with other days, without travel and hotel, and with questions of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest
from browser import steps
from browser.server import Server
from browser.steps import FEW_WAYS, MODES
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FOLDER = Path(__file__).parent.parent / "conferences" / "lisbon-2018"
QUESTIONS = {"question_walks": ["river", "hills"], "question_topic": "Squares"}
WALKS = {
    "fr": ["Le long du fleuve", "Par les collines"],
    "en": ["Along the river", "Over the hills"],
    "es": ["A lo largo del río", "Por las colinas"],
}
LEFT_OUT = ("travel", "hotel", "pickup", "room")


@pytest.fixture(scope="session")
def lisbon(start_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    return start_server(tmp_path_factory.mktemp("lisbon"), CONVOKE_CONFERENCE=str(FOLDER))


@pytest.fixture
def tagus(ada) -> dict:
    """What ada answers there, in the order of that form."""
    names = ("given_names", "family_name", "email", "organisation", "country", "function")
    return {name: ada[name] for name in names} | {
        "category": ["city"],
        "days": ["2018-03-15", "2018-03-17"],
        "sessions": ["housing"],
        "interpretation": ["en"],
        "visa_letter": ["no"],
        **QUESTIONS,
        "consent_affiliation": ["y"],
    }


@pytest.mark.parametrize(("lang", "mode", "width"), FEW_WAYS)
def test_its_questions_are_asked_shown_and_changed_and_no_others(open_page, lisbon, tagus, lang, mode, width):
    page = open_page(lisbon, width=width, **MODES[mode])
    steps.open_form(page, lang)
    assert [name for name in LEFT_OUT if page.locator(f"[name={name}]").count()] == []
    steps.fill_in(page, tagus | {"question_walks": []})
    assert steps.press(page, "check") == 422
    expect(page.locator("#summary a")).to_have_attribute("href", "#question_walks-0")
    steps.fill_in(page, QUESTIONS)
    assert steps.press(page, "check") == 200
    steps.expect_check_page(page)
    assert steps.typed(page) == steps.as_typed(tagus)

    reference = steps.send(page)

    assert reference.startswith("LX18")
    page.goto(steps.private_link(lisbon, tagus["email"]))
    assert page.locator("html").get_attribute("lang") == lang
    expect(page.locator("[aria-labelledby=questions-title] bdi")).to_have_text([*WALKS[lang], "Squares"])
    page.locator('a[href$="/edit#questions"]').click()
    page.uncheck('[name=question_walks][value="hills"]')
    page.fill("#question_topic", "Stairs")
    steps.save(page)
    expect(page.locator("[aria-labelledby=questions-title] bdi")).to_have_text([WALKS[lang][0], "Stairs"])
