"""GET and POST /<lang>/registration after the deadline: with a late link, for one address, once."""

from datetime import timedelta

import pytest
from conftest import CLOSED_DAY, OPEN_DAY
from factories import typed, typed_with_travel
from support.journey import FORM, HTMX, ON_SQLITE, again, as_typed, check, everything, own_page, send, stored

from db import connection
from domain import clock, late
from domain.conference import LANGUAGES
from models import LateLink, Mail, Registration
from security import late_token

USED = "Your link for a late registration has been used, or its 72 hours are over. Please write to the secretariat."
ELSEWHERE = "This link is for bo@example.org: enter that address"


@pytest.fixture
def link(app, after_the_deadline) -> LateLink:
    """Leave for bo, made after the deadline."""
    with app.test_request_context("/"), connection():
        return late.make("bo@example.org", lang="en", organiser=None, desk=app.extensions["desk"])


@pytest.fixture
def token(app, link) -> str:
    with app.app_context():
        return late_token(link)


def late_form(token: str, lang: str = "en") -> str:
    return f"/{lang}/registration?late={token}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_late_link_opens_the_form_with_its_address(client, token, lang):
    page = client.get(late_form(token, lang))

    assert page.one("html")["lang"] == lang
    assert as_typed(page) == {"email": ["bo@example.org"]}
    assert page.value("late") == token
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_late_link_leads_to_one_registration_that_is_marked(client, link, token, desk_client, headers):
    opened = client.get(late_form(token))
    fields = typed(email=" BO@example.org ", late=token, key=opened.value("key"))

    page = send(client, fields, headers=headers, status=204 if headers else 303)

    (row,) = stored(Registration)
    assert page.headers["HX-Redirect" if headers else "Location"].startswith(f"{FORM}/received/")
    assert (row.email, row.is_late) == ("BO@example.org", True)
    assert again(link).registration_id == row.id
    assert [mail.kind for mail in stored(Mail)] == ["late", "confirmation"]
    listed = desk_client.get("/organiser/registrations")
    assert listed.one("tbody tr").select("td")[5].get_text().split() == ["Received", "Late"]
    one = desk_client.get(f"/organiser/registrations/{row.reference}")
    assert one.texts(".received__reference") == [f"Reference {row.reference} Received Late"]


def test_registration_before_the_deadline_is_not_late(client):
    send(client, typed())

    assert [row.is_late for row in stored(Registration)] == [False]


def test_late_link_works_once(client, token):
    send(client, typed(email="bo@example.org", late=token))
    before = everything()

    asked = client.get(late_form(token), status=403)
    sent = client.post(FORM, typed(email="bo@example.org", late=token, step="send"), status=403)

    assert (asked.texts(".notice"), sent.texts(".notice")) == ([USED], [USED])
    assert everything() == before


def test_same_late_form_sent_twice_is_one_registration(client, token):
    fields = check(client, typed(email="bo@example.org", late=token)).hidden_fields() | {"step": "send"}
    client.post(FORM, fields, status=303)

    page = client.post(FORM, fields, status=303)

    assert client.get(page.headers["Location"]).texts(".received__reference bdi") == [
        row.reference for row in stored(Registration)
    ]


@pytest.mark.parametrize(("hours", "status"), [(71.9, 200), (72, 403), (73, 403)])
def test_late_link_lasts_72_hours(client, token, hours, status):
    with connection():
        LateLink.update(expires_at=clock.now() + timedelta(hours=72 - hours)).execute()

    page = client.get(late_form(token), status=status)

    assert page.texts(".notice") == ([USED] if status == 403 else [])


@pytest.mark.parametrize("step", ["check", "send"])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_late_link_is_for_its_address_alone(client, token, step, headers):
    fields = typed_with_travel(email="eve@example.org", late=token, step=step, arrival_flight="OM 302")
    before = everything()

    page = client.post(FORM, fields, headers=headers, status=422)

    assert page.texts("#email-error") == [ELSEWHERE]
    assert [(one["href"], one.get_text()) for one in page.select("#summary a")] == [("#email", ELSEWHERE)]
    assert as_typed(page)["email"] == ["eve@example.org"]
    assert as_typed(page)["arrival_flight"] == ["OM 302"]
    assert page.value("late") == token
    assert everything() == before


def test_late_link_of_somebody_who_is_registered_is_answered_like_any_other(
    app, client, registered, link, token
):
    clock.rehearse(OPEN_DAY)
    row = registered(email="bo@example.org")
    clock.rehearse(CLOSED_DAY)

    page = send(client, typed(email="bo@example.org", late=token))

    assert page.headers["Location"].startswith(f"{FORM}/received/")
    assert [one.id for one in stored(Registration)] == [row.id]
    assert stored(Mail)[-1].kind == "repeat"


@ON_SQLITE
@pytest.mark.parametrize("stage", ["form", "check"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_late_form_keeps_its_link_in_another_language(client, token, lang, stage):
    fields = typed(email="bo@example.org", late=token)
    page = check(client, fields) if stage == "check" else client.get(late_form(token))
    given = page.hidden_fields() | {"email": "bo@example.org", "step": "language"}

    other = client.post(f"/{lang}/registration", given)

    assert other.one("html")["lang"] == lang
    assert other.value("late") == token


@ON_SQLITE
def test_late_form_keeps_its_link_on_the_way_back(client, token):
    checked = check(client, typed(email="bo@example.org", late=token))

    back = client.post(FORM, checked.hidden_fields() | {"step": "edit:you"})

    assert back.value("late") == token
    client.post(FORM, checked.hidden_fields() | {"step": "send"}, status=303)


@ON_SQLITE
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_closed_form_speaks_of_a_late_link_only_to_who_has_one(client, after_the_deadline, headers):
    without = client.get(FORM, headers=headers, status=403)
    forged = client.get(late_form("x"), headers=headers, status=403)

    assert without.texts("h1") == forged.texts("h1") == ["Registration is closed"]
    assert without.texts(".notice") == []
    assert forged.texts(".notice") == [USED]
    assert [link["href"] for link in without.select("#registration a")] == [f"{FORM}/link"]
    assert "your personal link from the confirmation still works" in without.texts("#registration")[0]


def test_late_link_changes_nothing_before_the_deadline(app, client, token):
    clock.rehearse(OPEN_DAY)

    send(client, typed(email="ada@example.org", late=token))

    (row,) = stored(Registration)
    assert (row.email, row.is_late) == ("ada@example.org", False)
    assert [link.registration_id for link in stored(LateLink)] == [None]


def test_late_registration_has_an_own_page_like_any_other(app, client, token):
    send(client, typed(email="bo@example.org", late=token))

    page = client.get(own_page(app, stored(Registration)[0]))

    assert page.texts("h1") == ["Your registration"]
