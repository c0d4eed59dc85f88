"""One registration on the desk: marks, notes, what a role sees, and what another organiser did meanwhile."""

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from browser import steps
from browser.cast import ADA, BO
from browser.server import ORGANISER, Server
from browser.test_accessibility import violations
from browser.test_layout import faults
from factories import NEEDS, PASSPORT
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

BY_HAND = pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "no-javascript"])


@pytest.fixture(scope="session")
def marking_desk(start_server, desk: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The cast once more, for organisers who change something."""
    folder = tmp_path_factory.mktemp("marking")
    desk.copy_database(folder)
    return start_server(folder)


@pytest.fixture
def as_role(marking_desk: Server, open_page):
    """The page of a delegate, found by a word, in the window of an organiser with a role."""

    def open_as(role: str, word: str, **options) -> Page:
        change(marking_desk, "UPDATE organiser SET roles = ?", role)
        page = open_page(marking_desk, **options)
        steps.sign_in(page)
        page.fill("#q", word)
        page.keyboard.press("Enter")
        expect(page.locator("tbody th")).to_have_count(1)
        page.locator("tbody th a").click()
        expect(page.locator("#handling")).to_be_visible()
        return page

    yield open_as
    change(marking_desk, "UPDATE organiser SET roles = ?", "admin")


@pytest.fixture
def one(as_role) -> Callable[..., Page]:
    return lambda word, javascript=True, **options: as_role(
        "admin", word, java_script_enabled=javascript, **options
    )


def change(server: Server, statement: str, *values: str) -> None:
    with closing(sqlite3.connect(server.database, timeout=10)) as database, database:
        database.execute(statement, values)


def set_mark(page: Page, name: str, value: str) -> None:
    page.select_option(f"#mark-{name}", value)
    page.click(f"#mark-{name}-store")


@BY_HAND
def test_mark_is_set_and_the_history_says_so(one, javascript):
    page = one("lovelace", javascript)
    if javascript:
        page.evaluate("window.marked = true")

    set_mark(page, "visa", "sent")

    expect(page.locator("#handling [role=status]")).to_have_text("The mark is stored.")
    expect(page.locator("#mark-visa")).to_have_value("sent")
    expect(page.locator("#history-title + ul")).to_contain_text(f"→ Sent – {ORGANISER}")
    if javascript:
        assert page.evaluate("window.marked")
        expect(page.locator("#mark-visa-store")).to_be_focused()
    set_mark(page, "visa", "requested")
    expect(page.locator("#mark-visa")).to_have_value("requested")


@BY_HAND
def test_note_is_written_and_removed(one, javascript):
    page = one("güneşoğlu", javascript)

    page.click("#add-note")
    expect(page.locator("#note-error")).to_have_text("Write the note")
    expect(page.locator("#note")).to_be_focused()
    page.fill("#note", "Speaks on Friday.\nNeeds a lectern.")
    page.click("#add-note")

    expect(page.locator(".note")).to_have_text("Speaks on Friday. Needs a lectern.")
    expect(page.locator(".note__by")).to_contain_text(ORGANISER)
    expect(page.locator("#note")).to_have_value("")
    page.locator('form[action*="/removal"] button').click()
    expect(page.locator(".note")).to_have_count(0)
    expect(page.locator("#history-title + ul")).to_contain_text("Note removed")


def test_mark_that_is_saved_leaves_a_note_that_is_being_typed(one):
    page = one("lovelace")
    page.fill("#note", "Speaks on Friday.")

    set_mark(page, "visa", "sent")

    expect(page.locator("#handling [role=status]")).to_have_text("The mark is stored.")
    expect(page.locator("#note")).to_have_value("Speaks on Friday.")
    page.click("#add-note")
    expect(page.locator(".note")).to_have_text("Speaks on Friday.")
    expect(page.locator("#note")).to_have_value("")
    page.locator('form[action*="/removal"] button').click()
    expect(page.locator(".note")).to_have_count(0)
    set_mark(page, "visa", "requested")


def test_note_that_is_saved_or_removed_leaves_a_mark_that_has_been_chosen(one):
    page = one("lovelace")
    page.select_option("#mark-visa", "sent")

    page.click("#add-note")
    expect(page.locator("#note-error")).to_have_text("Write the note")
    expect(page.locator("#mark-visa")).to_have_value("sent")
    page.fill("#note", "Speaks on Friday.")
    page.click("#add-note")
    expect(page.locator(".note")).to_have_count(1)
    expect(page.locator("#mark-visa")).to_have_value("sent")
    page.locator('form[action*="/removal"] button').click()
    expect(page.locator(".note")).to_have_count(0)
    expect(page.locator("#mark-visa")).to_have_value("sent")

    page.click("#mark-visa-store")
    expect(page.locator("#handling [role=status]")).to_have_text("The mark is stored.")
    expect(page.locator("#mark-visa")).to_have_value("sent")
    set_mark(page, "visa", "requested")
    expect(page.locator("#mark-visa")).to_have_value("requested")


def test_one_renewal_of_a_page_that_was_open_for_too_long_is_enough_for_all_its_forms(one):
    page = one("lovelace", expecting="status of 422")
    page.locator("#handling [name=csrf_token]").evaluate_all(
        "them => them.forEach(one => { one.value = 'old' })"
    )
    page.fill("#note", "Speaks on Friday.")
    page.select_option("#mark-visa", "sent")

    page.click("#add-note")

    expect(page.locator("#handling [role=alert]")).to_contain_text("open for too long")
    expect(page.locator("#note")).to_have_value("Speaks on Friday.")
    expect(page.locator("#mark-visa")).to_have_value("sent")
    page.click("#mark-visa-store")
    expect(page.locator("#handling [role=status]")).to_have_text("The mark is stored.")
    expect(page.locator("#mark-visa")).to_have_value("sent")
    page.click("#add-note")
    expect(page.locator(".note")).to_have_text("Speaks on Friday.")
    page.locator('form[action*="/removal"] button').click()
    expect(page.locator(".note")).to_have_count(0)
    set_mark(page, "visa", "requested")
    expect(page.locator("#handling [role=status]")).to_have_text("The mark is stored.")


def test_note_stays_in_the_history_however_often_somebody_looks(one, marking_desk):
    page = one("güneşoğlu")
    page.fill("#note", "Speaks on Friday.")
    page.click("#add-note")
    expect(page.locator(".note")).to_have_count(1)
    change(
        marking_desk,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 101) INSERT INTO audit_entry"
        " (at, action, registration_id, details) SELECT at, action, registration_id, details FROM n, (SELECT * FROM"
        " audit_entry WHERE action = 'registration.viewed' ORDER BY id DESC LIMIT 1)",
    )

    page.reload()

    expect(page.locator("#history-title + ul li", has_text="Viewed")).to_have_count(20)
    expect(page.locator("#history-title + ul")).to_contain_text("Note added")
    page.locator("#history-title ~ p a").click()
    expect(page.locator("#reference")).not_to_have_value("")
    expect(page.locator("#log tbody tr").first).to_contain_text("Viewed")
    page.go_back()
    page.locator('form[action*="/removal"] button').click()
    expect(page.locator(".note")).to_have_count(0)


@BY_HAND
def test_link_back_to_the_list_leads_to_it_as_it_was_left(one, javascript):
    page = one("lovelace", javascript)
    page.get_by_role("button", name="Show the sensitive answers").click()
    for value in ("sent", "requested"):
        set_mark(page, "visa", value)
        expect(page.locator("#handling [role=status]")).to_have_text("The mark is stored.")
        expect(page.locator("#mark-visa")).to_have_value(value)

    page.get_by_role("link", name="Back to the list").click()

    expect(page.locator("#q")).to_have_value("lovelace")
    expect(page.locator("tbody th")).to_have_text(["Ada Lovelace"])


@pytest.mark.history
def test_way_back_from_a_registration_that_was_changed_leads_to_the_list(one):
    page = one("lovelace")
    set_mark(page, "visa", "in_preparation")
    expect(page.locator("#mark-visa")).to_have_value("in_preparation")

    steps.back(page)

    expect(page.locator("tbody th")).to_have_text(["Ada Lovelace"])
    page.go_forward(wait_until="commit")
    expect(page.locator("#history-title + ul")).to_contain_text("In preparation")


@BY_HAND
def test_what_another_organiser_has_changed_meanwhile_is_not_overwritten(one, marking_desk, javascript):
    page = one("lovelace", javascript, expecting="status of 409")
    page.select_option("#mark-visa", "sent")
    page.fill("#note", "Speaks on Friday.")
    change(marking_desk, "UPDATE registration SET sequence = sequence + 1 WHERE email = ?", "ada@example.org")

    page.click("#mark-visa-store")

    expect(page.locator("#handling [role=alert]")).to_contain_text("has changed in the meantime")
    expect(page.locator("#mark-visa")).not_to_have_value("sent")
    expect(page.locator("#note")).to_have_value("Speaks on Friday." if javascript else "")
    set_mark(page, "visa", "sent")
    expect(page.locator("#handling [role=status]")).to_have_text("The mark is stored.")
    set_mark(page, "visa", "requested")
    expect(page.locator("#mark-visa")).to_have_value("requested")


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("visa", [PASSPORT.number, PASSPORT.name]),
        ("logistics", [NEEDS.access]),
        ("admin", [PASSPORT.number, PASSPORT.name, NEEDS.access]),
    ],
)
def test_each_role_is_shown_its_own_block(as_role, role, seen):
    page = as_role(role, "lovelace")
    secrets = [PASSPORT.number, PASSPORT.name, NEEDS.access]
    assert [secret for secret in secrets if secret in page.content()] == []

    page.locator("form.notice button").click()

    expect(page.locator("form.notice")).to_have_count(0)
    assert [secret for secret in secrets if secret in page.content()] == seen


def test_reader_is_offered_nothing(as_role):
    page = as_role("reader", "lovelace")

    expect(page.locator("main form")).to_have_count(0)
    expect(page.locator(".mark")).to_contain_text("Visa letter")


@pytest.mark.parametrize("lang", steps.LANGUAGES)
def test_registration_with_all_that_belongs_to_it_has_no_faults(one, marking_desk, lang):
    page = one("güneşoğlu", locale=lang)
    change(
        marking_desk,
        "UPDATE registration SET name_words = (SELECT name_words FROM registration WHERE email = ?) WHERE email = ?",
        "ada@example.org",
        BO["email"],
    )
    page.fill("#note", "x" * 300)
    page.click("#add-note")
    expect(page.locator(".note")).to_be_visible()
    page.reload()

    expect(page.locator("#twins-title")).to_be_visible()
    assert faults(page, "registration with notes and duplicates") == []
    assert violations(page, "registration with notes and duplicates", lang) == []
    page.click("#add-note")
    expect(page.locator("#note-error")).not_to_be_empty()
    assert violations(page, "note that is none", lang) == []
    page.locator('form[action*="/removal"] button').click()
    expect(page.locator(".note")).to_have_count(0)


def test_ada_needs_what_these_tests_look_for():
    assert ADA["passport"] is PASSPORT
