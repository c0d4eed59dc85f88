"""POST /<lang>/r/<token>/address/withdrawal: a new address is dropped before it is confirmed."""

import pytest
from support.journey import HTMX, again, amend, everything, new_address_page, own_page, stored

from models import AuditEntry, Registration


@pytest.fixture
def row(app, client, registered) -> Registration:
    """ada, whose new address has a slip in it."""
    row = registered(email="ada@example.org")
    amend(client, f"{own_page(app, row)}/edit", {"email": "eve@new.example"})
    return again(row)


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [({}, "Location", 303), (HTMX, "HX-Redirect", 204)],
    ids=["plain", "htmx"],
)
def test_new_address_is_dropped_and_its_link_confirms_nothing(app, client, row, headers, address, status):
    confirming = new_address_page(app, row)
    client.get(confirming)

    page = client.post(f"{own_page(app, row)}/address/withdrawal", {}, headers=headers, status=status)

    assert page.headers[address] == f"{own_page(app, row)}?done=kept"
    assert (again(row).email, again(row).pending_email) == ("ada@example.org", None)
    assert stored(AuditEntry)[-1].action == "registration.address_kept"
    client.get(confirming, status=404)
    client.post(confirming, {}, status=404)


def test_dropping_twice_changes_nothing_more(app, client, row):
    path = f"{own_page(app, row)}/address/withdrawal"
    client.post(path, {}, status=303)
    before = everything()

    client.post(path, {}, status=303)

    assert everything() == before
