"""POST /<lang>/r/<token>/erasure: everything is erased, and what remains says only that there was something."""

import json
from dataclasses import asdict, replace

import pytest
from factories import JOURNEY, NEEDS, PASSPORT, STAY, typed
from support.journey import HTMX, ON_SQLITE, again, amend, everything, own_page, send, stored

from domain.conference import LANGUAGES
from models import AuditEntry, Blocked, Consent, Mail, Registration, Repeat

CANARY = "Canary"
MOBILE = "+976 99 112233"
PLANTED = {
    "given_names": CANARY,
    "family_name": CANARY,
    "email": "canary@example.org",
    "organisation": CANARY,
    "function": CANARY,
    "needs": replace(NEEDS, diet_other=CANARY, access=CANARY),
    "passport": replace(PASSPORT, name=CANARY, number="CANARY123", post=CANARY),
    "travel": "known",
    "journey": replace(JOURNEY, arrival_flight="CANARY1"),
    "mobile": MOBILE,
    "hotel": "reserve",
    "stay": replace(STAY, share_with=CANARY),
    "consents": ["affiliation", "visa", "needs", "list"],
}


@pytest.fixture
def row(app, client, registered) -> Registration:
    """Somebody who has left traces everywhere: a repeat, a new address, a reason for cancelling."""
    row = registered(**PLANTED)
    send(client, typed(email="canary@example.org", given_names="Canary the second"))
    amend(client, f"{own_page(app, row)}/edit", {"email": "canary@new.example"})
    return again(row)


@pytest.fixture
def path(app, row) -> str:
    return f"{own_page(app, row)}/erasure"


def told() -> str:
    """All that is stored, as text; the farewell has to go out and does not count."""
    kept = everything()
    kept["Mail"] = [mail for mail in kept["Mail"] if mail["kind"] != "erased"]
    return json.dumps(kept, default=str).casefold()


@pytest.mark.parametrize(
    ("headers", "address", "status"),
    [({}, "Location", 303), (HTMX, "HX-Redirect", 204)],
    ids=["plain", "htmx"],
)
def test_erasing_leaves_nothing_of_the_person(client, row, path, headers, address, status):
    assert told().count("canary") > 20
    assert MOBILE in told()

    page = client.post(path, {"sure": "y"}, headers=headers, status=status)

    after = again(row)
    assert page.headers[address] == "/en/registration/erased"
    assert "canary" not in told()
    assert MOBILE not in told()
    assert (after.state, after.reference) == ("erased", row.reference)
    assert (stored(Repeat), stored(Blocked)) == ([], [])
    assert [one.withdrawn_at is None for one in stored(Consent)] == [False] * 4
    assert stored(AuditEntry)[-1].action == "registration.erased"


def test_erasing_sends_one_last_mail(client, path):
    assert len(stored(Mail)) > 1

    client.post(path, {"sure": "y"}, status=303)

    assert [(mail.kind, mail.recipient, mail.state) for mail in stored(Mail)] == [
        ("erased", "canary@example.org", "queued")
    ]


@pytest.mark.parametrize("cancelled", [False, True], ids=["active", "cancelled"])
def test_erasing_is_possible_at_any_time(app, client, row, path, after_the_deadline, cancelled):
    if cancelled:
        client.post(f"{own_page(app, row)}/cancellation", {"reason": CANARY}, status=303)

    client.post(path, {"sure": "y"}, status=303)

    assert again(row).state == "erased"
    assert "canary" not in told()


@ON_SQLITE
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("fields", [{}, {"block": "y"}, {"sure": ""}], ids=str)
def test_erasing_needs_the_tick(client, path, fields, headers):
    before = everything()

    page = client.post(path, fields, headers=headers, status=422)

    words = "Tick this box to have your data erased"
    assert page.texts("#sure-error") == [words]
    assert [(link["href"], link.get_text()) for link in page.select("#summary a")] == [("#sure", words)]
    assert page.checked("block") == (["y"] if "block" in fields else [])
    assert everything() == before


def test_erasing_twice_finds_nothing(client, path):
    client.post(path, {"sure": "y"}, status=303)
    before = everything()

    client.post(path, {"sure": "y"}, status=410)

    assert everything() == before


def test_blocked_address_gets_no_mail_from_a_new_registration(client, path):
    client.post(path, {"sure": "y", "block": "y"}, status=303)
    (blocked,) = stored(Blocked)
    before = everything()

    page = send(client, typed(email="Canary@example.org"))

    after = everything()
    assert page.headers["Location"].startswith("/en/registration/received/")
    assert "canary" not in str(blocked.__data__).casefold()
    assert after["Registration"] == before["Registration"]
    assert after["Mail"] == before["Mail"]
    assert stored(AuditEntry)[-1].action == "registration.blocked"


def test_address_that_is_not_blocked_can_be_registered_again(client, path):
    client.post(path, {"sure": "y"}, status=303)

    send(client, typed(email="canary@example.org"))

    assert [one.state for one in stored(Registration)] == ["erased", "received"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_erasing_in_a_language_leads_to_a_page_in_it(app, client, registered, lang):
    page = client.post(f"{own_page(app, registered(), lang=lang)}/erasure", {"sure": "y"}, status=303)

    assert page.headers["Location"] == f"/{lang}/registration/erased"


def test_erased_registration_is_on_no_list(app, desk_client, row, path):
    assert row.reference in desk_client.get("/organiser/registrations?q=canary").texts(".table__code")

    desk_client.post(path, {"sure": "y"}, status=303)

    for query in ("", "?q=canary", f"?q={row.reference}"):
        assert desk_client.get(f"/organiser/registrations{query}").select("tbody tr") == []


def test_what_is_planted_is_all_that_can_be_asked(row):
    assert None not in [getattr(row, name) for name in ("needs", "passport", "journey", "mobile", "stay")]
    assert asdict(PLANTED["stay"])["share_with"] == CANARY
