"""POST /<lang>/r/<token>/restoration: the delegate comes after all."""

import pytest
from conftest import CLOSED_DAY
from factories import PASSPORT
from support.journey import HTMX, again, everything, own_page, stored

from domain import clock
from models import AuditEntry, Consent, Mail, Registration


@pytest.fixture
def row(app, client, registered) -> Registration:
    """ada, who has cancelled."""
    row = registered(email="ada@example.org", passport=PASSPORT, consents=["affiliation", "visa"])
    client.post(f"{own_page(app, row)}/cancellation", {"reason": "Ill"}, status=303)
    return again(row)


@pytest.fixture
def path(app, row) -> str:
    return f"{own_page(app, row)}/restoration"


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [({}, "Location", 303), (HTMX, "HX-Redirect", 204)],
    ids=["plain", "htmx"],
)
def test_cancellation_is_taken_back_without_the_passport(app, client, row, path, headers, address, status):
    assert (row.state, row.cancel_reason) == ("cancelled", "Ill")

    page = client.post(path, {}, headers=headers, status=status)

    after = again(row)
    assert page.headers[address] == f"{own_page(app, row)}?done=restored"
    assert (after.state, after.cancelled_at, after.cancel_reason) == ("confirmed", None, None)
    assert (after.passport, after.visa_state) == (None, "none")
    assert [one.kind for one in stored(Consent) if one.withdrawn_at is None] == ["affiliation"]
    assert [(mail.kind, mail.recipient) for mail in stored(Mail)][2:] == [("restored", "ada@example.org")]
    assert [entry.action for entry in stored(AuditEntry)][2:] == ["registration.restored"]


def test_cancellation_cannot_be_taken_back_after_the_deadline(client, path):
    clock.rehearse(CLOSED_DAY)
    before = everything()

    page = client.post(path, {}, status=303)

    assert page.headers["Location"].endswith("?done=closed")
    assert everything() == before


def test_taking_back_twice_changes_nothing_more(client, path):
    client.post(path, {}, status=303)
    before = everything()

    page = client.post(path, {}, status=303)

    assert page.headers["Location"].endswith("?done=restored")
    assert everything() == before


def test_cancellation_stays_where_the_address_has_been_registered_again(client, registered, path):
    registered(email="Ada@example.org", key="another form")
    before = everything()

    page = client.post(path, {}, status=303)

    assert page.headers["Location"].endswith("?done=taken")
    assert everything() == before
