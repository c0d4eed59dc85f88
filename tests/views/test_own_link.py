"""POST /<lang>/r/<token>/link: a new link by mail, and the old one dies."""

import pytest
from support.journey import HTMX, again, amend, new_address_page, own_page, stored

from domain.conference import LANGUAGES
from models import AuditEntry, Mail, Registration


@pytest.fixture
def row(registered) -> Registration:
    return registered(email="ada@example.org")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_new_link_goes_to_the_mailbox_and_the_old_one_opens_nothing(app, client, row, lang):
    old = own_page(app, row, lang=lang)
    client.get(old)

    page = client.post(f"{old}/link", {}, status=303)

    new = own_page(app, again(row), lang=lang)
    assert page.headers["Location"] == f"/{lang}/registration/link/renewed"
    assert new not in page.text + client.get(page.headers["Location"]).text
    assert [(mail.kind, mail.recipient) for mail in stored(Mail)][1:] == [("new_link", "ada@example.org")]
    assert [entry.action for entry in stored(AuditEntry)][1:] == ["registration.link_renewed"]
    client.get(old, status=404)
    client.get(new)


def test_new_link_with_htmx_leads_on_too(app, client, row):
    page = client.post(f"{own_page(app, row)}/link", {}, headers=HTMX, status=204)

    assert page.headers["HX-Redirect"] == "/en/registration/link/renewed"


def test_pressing_twice_sends_one_link(app, client, row):
    path = f"{own_page(app, row)}/link"
    client.post(path, {}, status=303)

    client.post(path, {}, status=404)

    assert [mail.kind for mail in stored(Mail)] == ["confirmation", "new_link"]
    assert again(row).link_version == 2


def test_confirmation_of_a_new_address_dies_with_the_old_link(app, client, row):
    amend(client, f"{own_page(app, row)}/edit", {"email": "eve@new.example"})
    confirming = new_address_page(app, again(row))
    client.get(confirming)

    client.post(f"{own_page(app, row)}/link", {}, status=303)

    client.get(confirming, status=404)
    client.post(confirming, {}, status=404)
    assert again(row).email == "ada@example.org"
    assert again(row).pending_email is None


def test_new_address_that_waited_can_be_entered_again(app, client, row):
    amend(client, f"{own_page(app, row)}/edit", {"email": "ada@new.example"})
    warning = "The new address that is waiting to be confirmed is dropped."
    assert warning in client.get(own_page(app, row)).text
    client.post(f"{own_page(app, row)}/link", {}, status=303)
    assert warning not in client.get(own_page(app, again(row))).text

    amend(client, f"{own_page(app, again(row))}/edit", {"email": "ada@new.example"})

    client.post(new_address_page(app, again(row)), {}, status=303)
    assert again(row).email == "ada@new.example"
