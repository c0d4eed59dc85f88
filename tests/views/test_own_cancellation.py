"""POST /<lang>/r/<token>/cancellation: the delegate cancels, for a reason or for none."""

from dataclasses import replace

import pytest
from conftest import CLOSED_DAY
from factories import PASSPORT
from support.journey import HTMX, ON_SQLITE, again, amend, everything, new_address_page, own_page, stored

from domain import clock
from models import AuditEntry, Consent, Mail, Registration

REASON = "Our congress is on the same day.\r\nNext time!"


@pytest.fixture
def row(registered) -> Registration:
    """ada, with a passport and the consent to keep it."""
    return registered(email="ada@example.org", passport=PASSPORT, consents=["affiliation", "visa", "list"])


@pytest.fixture
def path(app, row) -> str:
    return f"{own_page(app, row)}/cancellation"


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [({}, "Location", 303), (HTMX, "HX-Redirect", 204)],
    ids=["plain", "htmx"],
)
def test_cancelling_erases_the_passport_and_is_told_by_mail(app, client, row, path, headers, address, status):
    assert (row.state, row.visa_state, row.passport["number"]) == ("received", "requested", PASSPORT.number)

    page = client.post(path, {"reason": REASON}, headers=headers, status=status)

    after = again(row)
    assert page.headers[address] == f"{own_page(app, row)}?done=cancelled"
    assert (after.state, after.passport, after.visa_state) == ("cancelled", None, "none")
    assert after.cancel_reason == "Our congress is on the same day.\nNext time!"
    assert after.cancelled_at is not None
    assert [one.kind for one in stored(Consent) if one.withdrawn_at] == ["visa"]
    assert [(mail.kind, mail.recipient) for mail in stored(Mail)][1:] == [("cancelled", "ada@example.org")]
    assert [entry.action for entry in stored(AuditEntry)][1:] == ["registration.cancelled"]


@pytest.mark.parametrize("fields", [{}, {"reason": ""}, {"reason": " \n "}])
def test_nobody_has_to_say_why(client, row, path, fields):
    client.post(path, fields, status=303)

    assert (again(row).state, again(row).cancel_reason) == ("cancelled", None)


def test_reason_is_shown_to_organisers(desk_client, row, path):
    desk_client.post(path, {"reason": REASON}, status=303)

    page = desk_client.get(f"/organiser/registrations/{row.reference}")

    assert page.texts(".notice bdi") == ["Our congress is on the same day. Next time!"]
    assert page.texts(".received__reference") == [f"Reference {row.reference} Cancelled"]


@ON_SQLITE
@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("x" * 501, "Shorten this to 500 characters or fewer"),
        ("\u202eno", "Remove the invisible characters; typing the text again usually helps"),
        ("…", "Enter letters or digits"),
    ],
    ids=["long", "turned round", "no words"],
)
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_reason_that_cannot_be_kept_is_reported_and_nothing_is_cancelled(
    client, row, path, reason, error, headers
):
    before = everything()

    page = client.post(path, {"reason": reason}, headers=headers, status=422)

    assert page.texts("#reason-error") == [error]
    assert [(link["href"], link.get_text()) for link in page.select("#summary a")] == [("#reason", error)]
    assert page.value("reason") == reason
    assert page.texts("title")[0].startswith("Error: ")
    assert everything() == before


def test_cancelling_is_possible_after_the_deadline(client, row, path, after_the_deadline):
    client.post(path, {}, status=303)

    assert again(row).state == "cancelled"


@pytest.mark.parametrize("day", [None, CLOSED_DAY], ids=["before the deadline", "after it"])
def test_cancelling_twice_changes_nothing_more(client, path, day):
    client.post(path, {"reason": "First"}, status=303)
    if day:
        clock.rehearse(day)
    before = everything()

    page = client.post(path, {"reason": "Second"}, status=303)

    assert page.headers["Location"].endswith("?done=cancelled")
    assert everything() == before


def test_new_address_that_waits_is_forgotten(app, client, row, path):
    amend(client, f"{own_page(app, row)}/edit", {"email": "ada@new.example"})
    confirming = new_address_page(app, again(row))
    client.get(confirming)

    client.post(path, {}, status=303)

    assert again(row).pending_email is None
    client.get(confirming, status=404)


def test_address_is_free_again_after_cancelling(app, client, registered, row, path):
    client.post(path, {}, status=303)

    registered(email="ada@example.org", key="another form")

    assert [one.state for one in stored(Registration)] == ["cancelled", "received"]


def test_page_with_an_error_leads_to_the_own_page_in_another_language(app, client, row, path):
    page = client.post(path, {"reason": "x" * 501}, status=422)

    languages = {link["hreflang"]: link["href"] for link in page.select(".languages a")}
    assert languages["fr"] == own_page(app, row).replace("/en/", "/fr/")
    assert client.get(languages["fr"]).one("html")["lang"] == "fr"


def test_conference_that_asks_for_no_passport_speaks_of_none(app, client, registered, monkeypatch):
    path = own_page(app, registered())
    desk = app.extensions["desk"]
    facts = desk.conference.model_copy(update={"leave_out": ["visa"]})
    monkeypatch.setitem(app.extensions, "desk", replace(desk, conference=facts))

    before = client.get(path)
    client.post(f"{path}/cancellation", {}, status=303)
    after = client.get(path)

    assert "passport" not in f"{before.text} {after.text}".casefold()
