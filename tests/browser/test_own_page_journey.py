"""What delegates do on their own page, from the link in the confirmation to the last mail of all."""

import json
import re
from typing import Any

import pytest
from browser import steps
from browser.server import Server
from browser.steps import MODES, WAYS
from factories import next_address
from icalendar import Calendar
from playwright.sync_api import Download, Page, expect

pytestmark = pytest.mark.browser

BOTH = pytest.mark.parametrize("mode", ["javascript", "no-javascript"])
MASKED = "••••567"


@pytest.fixture
def own_page(open_page, server, ada):
    """Open the own page of ada, who has just registered."""

    def open_own_page(
        mode: str = "javascript", *, lang: str = "en", width: int = 1280, expecting: str = ""
    ) -> Page:
        page = open_page(server, width=width, expecting=expecting, **MODES[mode])
        page.goto(steps.register(page, server, ada, lang))
        return page

    return open_own_page


def row_of(server: Server, answers: dict[str, Any]) -> dict[str, Any]:
    (row,) = server.registrations(answers["email"])
    return dict(row)


def expect_done(page: Page, word: str) -> None:
    """The own page says that it has been done, to those who hear it first of all."""
    expect(page).to_have_url(re.compile(rf"/r/[^/?]+\?done={word}$"))
    expect(page.locator(".notice--good")).to_be_focused()


def content(download: Download) -> bytes:
    return download.path().read_bytes()


def event_in(file: bytes) -> Any:
    (event,) = Calendar.from_ical(file).walk("VEVENT")
    return event


@pytest.mark.parametrize(("lang", "mode", "width"), WAYS)
def test_delegate_sees_confirms_and_changes_a_registration(open_page, server, ada, lang, mode, width):
    page = open_page(server, width=width, **MODES[mode])
    link = steps.register(page, server, ada, lang)
    before = row_of(server, ada)

    page.goto(link)

    assert page.locator("html").get_attribute("lang") == lang
    expect(page.locator(".answers__address")).to_have_text(ada["email"])
    expect(page.locator("[aria-labelledby=visa-title]")).to_contain_text(MASKED)
    assert ada["passport_number"] not in page.content()
    assert row_of(server, ada) == before
    steps.press_in(page, "confirmation")
    expect_done(page, "confirmed")
    expect(page.locator('form[action$="/confirmation"]')).to_have_count(0)
    assert (before["state"], row_of(server, ada)["state"]) == ("received", "confirmed")
    page.locator('a[href$="/edit#journey"]').click()
    expect(page.locator("#passport_number")).to_have_value("")
    steps.fill_in(page, {"given_names": "Augusta", "function": "President", "arrival_flight": "MR 812"})
    steps.save(page)
    expect_done(page, "changed")
    expect(page.locator("[aria-labelledby=you-title]")).to_contain_text("President")
    expect(page.locator("[aria-labelledby=journey-title]")).to_contain_text("MR 812")
    expect(page.locator("[aria-labelledby=visa-title]")).to_contain_text(MASKED)
    (mail,) = server.mails(ada["email"], "changed")
    assert mail["Content-Language"] == lang
    words = mail.get_body(("plain",)).get_content()
    assert [told for told in ("Augusta", "President", "MR 812") if told in words] == ["Augusta"]


@pytest.mark.parametrize("mode", MODES)
def test_switch_of_language_keeps_what_was_typed_on_the_edit_page(own_page, server, ada, mode):
    page = own_page(mode, expecting="beforeunload")
    page.locator('a[href$="/edit#you"]').click()
    page.fill("#function", "President")

    page.locator('button[name=step][value=language][lang="es"]').click()

    expect(page.locator('html[lang="es"]')).to_have_count(1)
    expect(page.locator("#function")).to_have_value("President")
    steps.save(page)
    row = row_of(server, ada)
    assert (row["function"], row["language"]) == ("President", "es")


@pytest.mark.parametrize(("lang", "mode", "width"), WAYS[1:5:3])
def test_new_address_counts_once_it_is_confirmed_from_there(own_page, server, ada, lang, mode, width):
    page = own_page(mode, lang=lang, width=width, expecting="status of 404")
    old_link, new = page.url, next_address()
    page.locator('a[href$="/edit#you"]').click()
    page.fill("#email", new)
    steps.save(page)
    expect_done(page, "asked")
    expect(page.get_by_text(new)).to_be_visible()
    assert (row_of(server, ada)["state"], server.registrations(new)) == ("confirmed", [])
    (mail,) = server.mails(new)
    page.goto(steps.link_in(server, mail, "/../registration/address/"))
    assert page.locator("html").get_attribute("lang") == lang
    assert server.registrations(new) == []

    page.locator("main form button").click()

    expect_done(page, "moved")
    assert server.registrations(ada["email"]) == []
    assert len(server.registrations(new)) == 1
    assert len(server.mails(ada["email"], "changed")) == 1
    assert len(server.mails(ada["email"], "moved")) == 1
    assert page.goto(old_link).status == 404
    assert page.goto(steps.private_link(server, new, "new_link")).status == 200
    expect(page.locator(".answers__address")).to_have_text(new)


@BOTH
def test_new_address_with_a_slip_in_it_can_be_dropped(own_page, server, ada, mode):
    page = own_page(mode, expecting="status of 404")
    new = next_address()
    page.locator('a[href$="/edit#you"]').click()
    page.fill("#email", new)
    steps.save(page)
    expect(page.get_by_text(new)).to_be_visible()
    (mail,) = server.mails(new)

    steps.press_in(page, "address/withdrawal")

    expect_done(page, "kept")
    expect(page.get_by_text(new)).to_have_count(0)
    assert page.goto(steps.link_in(server, mail, "/../registration/address/")).status == 404
    assert (len(server.registrations(ada["email"])), server.registrations(new)) == (1, [])


@BOTH
def test_cancelling_can_be_taken_back(own_page, server, ada, mode):
    page = own_page(mode)
    page.fill("#reason", "The airport is closed")

    steps.press_in(page, "cancellation")

    expect_done(page, "cancelled")
    cancelled = row_of(server, ada)
    assert (cancelled["state"], cancelled["passport"]) == ("cancelled", "")
    assert "The airport is closed" not in page.content()
    expect(page.locator("#reason, a[href*='/edit']")).to_have_count(0)
    assert len(server.mails(ada["email"], "cancelled")) == 1
    steps.press_in(page, "restoration")
    expect_done(page, "restored")
    restored = row_of(server, ada)
    assert (restored["state"], restored["cancel_reason"], restored["visa_state"]) == ("confirmed", "", "none")
    assert len(server.mails(ada["email"], "restored")) == 1
    expect(page.locator("#reason")).to_be_visible()


@BOTH
def test_withdrawing_consents_erases_what_rested_on_them(own_page, server, ada, mode):
    page = own_page(mode)
    before = row_of(server, ada)
    expect(page.get_by_text("Step-free route")).to_be_visible()

    for kind in ("needs", "visa", "list"):
        page.locator(f'button[name=kind][value="{kind}"]').click()
        expect_done(page, "withdrawn")
        expect(page.locator(f'button[name=kind][value="{kind}"]')).to_have_count(0)

    row = row_of(server, ada)
    assert "" not in (before["needs"], before["passport"])
    assert (row["needs"], row["passport"], row["visa_state"]) == ("", "", "none")
    ledger = server.rows(
        "SELECT kind FROM consent WHERE registration_id = ? AND withdrawn_at IS NOT NULL", row["id"]
    )
    assert sorted(kind for (kind,) in ledger) == ["list", "needs", "visa"]
    expect(page.get_by_text("Step-free route")).to_have_count(0)
    expect(page.get_by_text(MASKED)).to_have_count(0)


@BOTH
def test_new_link_takes_the_place_of_the_old_one(own_page, server, ada, mode):
    page = own_page(mode, expecting="status of 404")
    old = page.url

    steps.press_in(page, "link")

    expect(page).to_have_url(f"{server.url}/en/registration/link/renewed")
    new = steps.private_link(server, ada["email"], "new_link")
    assert page.goto(old).status == 404
    assert page.goto(new).status == 200
    expect(page.locator(".answers__address")).to_have_text(ada["email"])


@BOTH
def test_downloads_hold_everything_that_is_kept(own_page, server, ada, mode):
    page = own_page(mode)

    with page.expect_download() as data:
        steps.press_in(page, "data.json")
    with page.expect_download() as readable:
        page.locator('a[href$="/data.html"]').click()

    assert data.value.suggested_filename == "registration.json"
    kept = json.loads(content(data.value))
    assert kept["answers"]["email"] == ada["email"]
    assert kept["answers"]["passport"]["number"] == ada["passport_number"]
    assert kept["answers"]["stay"]["share_with"] == ada["share_with"]
    assert [mail["kind"] for mail in kept["mails"]] == ["confirmation"]
    log = "SELECT action FROM audit_entry WHERE registration_id = ? ORDER BY id"
    actions = [action for (action,) in server.rows(log, row_of(server, ada)["id"])]
    assert actions[-1] == "registration.downloaded"
    assert readable.value.suggested_filename == "registration.html"
    words = content(readable.value).decode()
    assert kept["reference"] in words
    assert ada["share_with"] in words
    assert ada["passport_number"] not in words


@BOTH
def test_calendar_file_follows_the_registration(own_page, server, ada, mode):
    page = own_page(mode)

    def event() -> Any:
        with page.expect_download() as download:
            page.locator('a[href$="/calendar.ics"]').click()
        return event_in(content(download.value))

    first = event()
    steps.press_in(page, "cancellation")
    expect_done(page, "cancelled")
    second = event()

    assert first["UID"] == second["UID"]
    assert first["SEQUENCE"] < second["SEQUENCE"]
    assert (first.get("STATUS"), second["STATUS"]) == ("CONFIRMED", "CANCELLED")


@pytest.mark.parametrize(("lang", "mode", "width"), WAYS[::5])
def test_erasing_leaves_nothing_but_a_last_mail(own_page, server, ada, lang, mode, width):
    page = own_page(mode, lang=lang, width=width, expecting="status of 410")
    link, number = page.url, row_of(server, ada)["id"]
    steps.press_in(page, "erasure")
    expect(page.locator("#summary a")).to_have_attribute("href", "#sure")
    assert len(server.registrations(ada["email"])) == 1

    page.check("#sure")
    steps.press_in(page, "erasure")

    expect(page).to_have_url(f"{server.url}/{lang}/registration/erased")
    assert page.locator("html").get_attribute("lang") == lang
    assert server.registrations(ada["email"]) == []
    (row,) = server.rows("SELECT * FROM registration WHERE id = ?", number)
    assert (row["state"], row["family_name"], row["passport"], row["journey"]) == ("erased", "", "", "")
    (mail,) = server.mails(ada["email"], "erased")
    assert mail["Content-Language"] == lang
    assert page.goto(link).status == 410


@BOTH
def test_whoever_wants_no_more_mails_gets_none(own_page, server, ada, mode):
    page = own_page(mode)
    page.check("#sure")
    page.check("#block")
    steps.press_in(page, "erasure")
    expect(page).to_have_url(f"{server.url}/en/registration/erased")
    assert len(server.mails(ada["email"], "erased")) == 1

    steps.to_check_page(page, ada)
    steps.send(page)

    assert server.registrations(ada["email"]) == []
    assert len(server.mails(ada["email"])) == 2


@pytest.mark.parametrize(("lang", "mode", "width"), WAYS[2:4])
def test_link_is_sent_again_to_whoever_has_registered(open_page, server, ada, lang, mode, width):
    page = open_page(server, width=width, **MODES[mode])
    link, eve = steps.register(page, server, ada, lang), next_address()
    answers = []
    for address in (eve, ada["email"]):
        page.goto(f"/{lang}/registration/link")
        page.fill("#email", address)

        page.locator("#registration button[type=submit]").click()

        expect(page).to_have_url(f"{server.url}/{lang}/registration/link/sent")
        answers.append(page.locator("main").inner_html())

    assert answers[0] == answers[1]
    assert steps.private_link(server, ada["email"], "link") == link
    assert server.mails(eve) == []


@BOTH
def test_colleague_is_registered_with_the_same_organisation(own_page, server, ada, mode):
    page = own_page(mode)
    colleague = ada | {"given_names": "Bo", "email": next_address(), "visa_letter": ["no"]}
    page.locator('a[href*="colleague="]').click()
    steps.expect_form(page)
    assert steps.typed(page) == [
        ("on_behalf", "1"),
        ("organisation", ada["organisation"]),
        ("country", ada["country"]),
    ]
    expect(page.locator("#family_name")).to_have_attribute("autocomplete", "off")
    asked = ("given_names", "family_name", "email", "function", "category", "days", "interpretation")
    steps.fill_in(page, {name: colleague[name] for name in (*asked, "visa_letter", "consent_affiliation")})
    steps.fill_in(page, {"travel": ["later"], "hotel": ["own"]})
    steps.press(page, "check")
    steps.expect_check_page(page)

    steps.send(page)

    row = row_of(server, colleague)
    assert (row["given_names"], row["organisation"], row["country"]) == ("Bo", ada["organisation"], "GB")
    assert row_of(server, ada)["given_names"] == "Ada"
    assert len(server.mails(colleague["email"], "confirmation")) == 1
