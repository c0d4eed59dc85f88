"""POST /<lang>/r/<token>/confirmation: the delegate confirms that the link has arrived."""

from datetime import UTC, datetime

import pytest
from support.journey import HTMX, again, own_page, stored

from domain.conference import LANGUAGES
from models import AuditEntry, Mail


@pytest.mark.parametrize("lang", LANGUAGES)
def test_confirming_is_noted_with_its_time(app, client, registered, lang):
    row = registered()
    assert (row.state, row.confirmed_at) == ("received", None)

    page = client.post(f"{own_page(app, row, lang=lang)}/confirmation", {}, status=303)

    after = again(row)
    assert page.headers["Location"] == f"{own_page(app, row, lang=lang)}?done=confirmed"
    assert (after.state, after.confirmed_at.date()) == ("confirmed", datetime(2017, 4, 10, tzinfo=UTC).date())
    assert [entry.action for entry in stored(AuditEntry)] == [
        "registration.received",
        "registration.confirmed",
    ]
    assert [mail.kind for mail in stored(Mail)] == ["confirmation"]


def test_confirming_with_htmx_leads_on_too(app, client, registered):
    row = registered()

    page = client.post(f"{own_page(app, row)}/confirmation", {}, headers=HTMX, status=204)

    assert page.headers["HX-Redirect"] == f"{own_page(app, row)}?done=confirmed"
    assert again(row).state == "confirmed"


def test_confirming_again_keeps_the_first_time(app, client, registered):
    row = registered()
    client.post(f"{own_page(app, row)}/confirmation", {}, status=303)
    first = again(row).confirmed_at

    client.post(f"{own_page(app, row)}/confirmation", {}, status=303)

    assert (again(row).state, again(row).confirmed_at) == ("confirmed", first)


def test_confirming_does_not_bring_back_what_was_cancelled(app, client, registered):
    row = registered()
    client.post(f"{own_page(app, row)}/cancellation", {}, status=303)

    client.post(f"{own_page(app, row)}/confirmation", {}, status=303)

    assert again(row).state == "cancelled"
