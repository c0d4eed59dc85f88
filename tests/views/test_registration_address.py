"""GET and POST /<lang>/registration/address/<token>: the owner of a new address confirms it."""

import pytest
from conftest import CLOSED_DAY
from support.journey import HTMX, again, amend, everything, new_address_page, own_page, stored

from domain import clock
from domain.conference import LANGUAGES
from models import AuditEntry, Mail, Registration

NEW = "ada@new.example"


@pytest.fixture
def row(app, client, registered) -> Registration:
    """ada, who has entered a new address."""
    row = registered(email="ada@example.org")
    amend(client, f"{own_page(app, row)}/edit", {"email": NEW})
    return again(row)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_page_shows_the_address_and_nothing_else_of_the_registration(app, client, row, lang):
    page = client.get(new_address_page(app, row, lang=lang))

    assert page.one("html")["lang"] == lang
    assert page.texts("main bdi") == [NEW]
    assert page.headers["Cache-Control"] == "no-store"
    for secret in ("Lovelace", row.reference, "ada@example.org", "/r/"):
        assert secret not in page.text


@pytest.mark.parametrize("day", [None, CLOSED_DAY], ids=["before the deadline", "after it"])
@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [({}, "Location", 303), (HTMX, "HX-Redirect", 204)],
    ids=["plain", "htmx"],
)
def test_confirming_moves_the_registration_to_the_new_address(
    app, client, row, day, headers, address, status
):
    old = own_page(app, row)
    client.get(old)
    if day:
        clock.rehearse(day)

    page = client.post(new_address_page(app, row), {}, headers=headers, status=status)

    after = again(row)
    assert (after.email, after.address_key, after.pending_email) == (NEW, NEW, None)
    assert after.link_version == row.link_version + 1
    assert NEW in after.search
    assert "ada@example.org" not in after.search
    assert [(mail.kind, mail.recipient) for mail in stored(Mail)][3:] == [
        ("moved", "ada@example.org"),
        ("new_link", NEW),
    ]
    assert stored(AuditEntry)[-1].action == "registration.address_changed"
    assert page.headers[address] == f"{own_page(app, after)}?done=moved"
    client.get(old, status=404)
    client.get(own_page(app, after))


def test_confirming_twice_leads_on_and_changes_nothing_more(app, client, row):
    path = new_address_page(app, row)
    first = client.post(path, {}, status=303)
    before = everything()

    second = client.post(path, {}, status=303)
    looked = client.get(path, status=410)

    assert second.headers["Location"] == first.headers["Location"]
    assert looked.texts(".prose__lede") == [
        "This address is in use already. The newest mail has the link to the registration."
    ]
    assert everything() == before


def test_address_that_somebody_has_taken_meanwhile_is_refused(app, client, registered, row):
    path = new_address_page(app, row)
    registered(email=NEW)
    before = everything()

    page = client.post(path, {}, status=404)

    assert page.texts(".prose__lede") == ["Another registration has this address by now."]
    assert everything() == before


def test_cancelled_registration_does_not_move(app, client, row):
    path = new_address_page(app, row)
    client.post(f"{own_page(app, row)}/cancellation", {}, status=303)

    client.post(path, {}, status=404)

    assert again(row).email == "ada@example.org"
