"""POST /<lang>/r/<token>/consents: the delegate withdraws one consent, and what rests on it is erased."""

import pytest
from conftest import CLOSED_DAY
from factories import NEEDS, PASSPORT
from support.journey import HTMX, again, everything, own_page, stored

from domain import clock
from models import AuditEntry, Consent, Mail, Registration

KINDS = ("needs", "visa", "list", "photo")


@pytest.fixture
def row(registered) -> Registration:
    """ada, who has agreed to everything."""
    return registered(needs=NEEDS, passport=PASSPORT, consents=["affiliation", *KINDS])


@pytest.fixture
def path(app, row) -> str:
    return f"{own_page(app, row)}/consents"


def holding() -> list[str]:
    return [one.kind for one in stored(Consent) if one.withdrawn_at is None]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("day", [None, CLOSED_DAY], ids=["before the deadline", "after it"])
def test_consent_is_withdrawn_with_what_rests_on_it_alone(app, client, row, path, kind, day):
    assert holding() == ["affiliation", *KINDS]
    if day:
        clock.rehearse(day)

    page = client.post(path, {"kind": kind}, status=303)

    after = again(row)
    assert page.headers["Location"] == f"{own_page(app, row)}?done=withdrawn"
    assert holding() == [one for one in ("affiliation", *KINDS) if one != kind]
    assert (after.needs is None, after.passport is None) == (kind == "needs", kind == "visa")
    assert after.visa_state == ("none" if kind == "visa" else "requested")
    assert stored(AuditEntry)[-1].action == "registration.consent_withdrawn"
    assert stored(AuditEntry)[-1].details == {"kind": kind}
    assert [mail.kind for mail in stored(Mail)] == ["confirmation", "changed"]


def test_withdrawing_with_htmx_leads_on_too(app, client, row, path):
    page = client.post(path, {"kind": "list"}, headers=HTMX, status=204)

    assert page.headers["HX-Redirect"] == f"{own_page(app, row)}?done=withdrawn"
    assert "list" not in holding()


@pytest.mark.parametrize(
    "fields", [{}, {"kind": ""}, {"kind": "affiliation"}, {"kind": "unheard_of"}], ids=str
)
def test_other_kinds_are_refused(client, path, fields):
    before = everything()

    client.post(path, fields, status=400)

    assert everything() == before


def test_withdrawing_again_changes_nothing_more(client, path):
    client.post(path, {"kind": "visa"}, status=303)
    before = everything()

    client.post(path, {"kind": "visa"}, status=303)

    assert everything() == before
