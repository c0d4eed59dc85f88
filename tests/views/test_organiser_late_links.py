"""GET and POST /organiser/late-links: leave to register after the deadline, for one address."""

import json
from datetime import timedelta

import pytest
from support.journey import HTMX, everything, own_page, stored

from db import connection
from domain import clock
from domain.conference import LANGUAGES
from models import AuditEntry, LateLink, Mail
from security import late_token

PAGE = "/organiser/late-links"


def make(desk_client, *, status: int = 303, **fields: str):
    token = desk_client.get(PAGE).select("main [name=csrf_token]")[0]["value"]
    return desk_client.post(PAGE, {"csrf_token": token, "language": "en"} | fields, status=status)


def path_of(app, link: LateLink) -> str:
    with app.app_context():
        return f"/{link.language}/registration?late={late_token(link)}"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_link_is_made_mailed_and_logged(app, desk_client, lang):
    page = make(desk_client, email="Bo@Example.org", language=lang)

    (link,), (mail,), entry = stored(LateLink), stored(Mail), stored(AuditEntry)[-1]
    assert page.headers["Location"] == f"{PAGE}?done=1"
    assert (link.email, link.language, link.registration_id) == ("Bo@example.org", lang, None)
    assert link.expires_at - link.created_at == timedelta(hours=72)
    assert (mail.kind, mail.recipient, mail.language) == ("late", "Bo@example.org", lang)
    assert f"http://127.0.0.1:8000{path_of(app, link)}" in words_of(mail)
    assert (entry.action, entry.organiser_id, entry.details) == (
        "late_link.made",
        link.organiser_id,
        {"late_link": link.id},
    )


def test_second_click_makes_no_other_link_and_says_the_same(desk_client):
    answers = [make(desk_client, email="bo@example.org") for _ in range(2)]

    assert [page.headers["Location"] for page in answers] == [f"{PAGE}?done=1"] * 2
    assert (len(stored(LateLink)), len(stored(Mail))) == (1, 1)


def words_of(mail: Mail) -> str:
    return mail.message.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=")


def test_link_with_htmx_leads_on_too(desk_client):
    token = desk_client.get(PAGE).select("main [name=csrf_token]")[0]["value"]
    fields = {"csrf_token": token, "language": "en", "email": "bo@example.org"}

    page = desk_client.post(PAGE, fields, headers=HTMX, status=204)

    assert page.headers["HX-Redirect"] == f"{PAGE}?done=1"


def test_log_names_no_address(desk_client):
    make(desk_client, email="bo@example.org")

    assert "bo@" not in json.dumps([entry.details for entry in stored(AuditEntry)])


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"email": ""}, {"email": "Enter your e-mail address"}),
        ({"email": "bo"}, {"email": "Enter an e-mail address such as name@example.org"}),
        ({"email": "bo@example.org", "language": ""}, {"language": "Choose the language of the mail"}),
        ({"email": "bo@example.org", "language": "de"}, {"language": "Choose one of the answers on offer"}),
    ],
    ids=str,
)
def test_what_cannot_be_mailed_is_reported(desk_client, fields, errors):
    before = everything()

    page = make(desk_client, **fields, status=422)

    found = {str(one["id"]).removesuffix("-error"): one.get_text() for one in page.select(".field__error")}
    assert {name: words for name, words in found.items() if words} == errors
    assert len(page.select("#summary a")) == 1
    assert page.texts("title")[0].startswith("Error: ")
    assert everything() == before


@pytest.mark.parametrize("token", ["", "forged"])
def test_no_link_is_made_without_the_token(desk_client, token):
    make(desk_client, email="bo@example.org")
    before = everything()

    page = desk_client.post(
        PAGE, {"csrf_token": token, "email": "eve@example.org", "language": "en"}, status=422
    )

    assert everything() == before
    assert page.value("email") == "eve@example.org"
    assert "This page had been open for too long" in page.text


def test_stranger_makes_no_link(client):
    client.post(PAGE, {"email": "eve@example.org", "language": "en"}, status=401)

    assert (stored(LateLink), stored(Mail)) == ([], [])


def test_blocked_address_gets_no_link(app, desk_client, registered):
    row = registered(email="bo@example.org")
    desk_client.post(f"{own_page(app, row)}/erasure", {"sure": "y", "block": "y"}, status=303)
    before = everything()

    page = make(desk_client, email="Bo@example.org", status=422)

    assert page.texts("#email-error") == [
        "Whoever has this address asked that this service never write to it again"
    ]
    assert everything() == before


def test_list_names_who_made_which_link_and_what_became_of_it(app, desk_client, registered):
    for name in ("expired", "used", "erased", "open"):
        make(desk_client, email=f"{name}@example.org")
    expired, used, erased, open_ = stored(LateLink)
    with connection():
        LateLink.update(expires_at=clock.now()).where(LateLink.id == expired.id).execute()
        for link in (used, erased):
            link.registration = registered(email=link.email)
            link.save()
    desk_client.post(f"{own_page(app, erased.registration)}/erasure", {"sure": "y"}, status=303)

    page = desk_client.get(PAGE)

    rows = [
        [" ".join(cell.get_text().split()) for cell in row.select("th, td")]
        for row in page.select("tbody tr")
    ]
    assert [(row[0], row[1], row[3].partition(" until")[0]) for row in rows] == [
        ("open@example.org", "cem@example.org", "Open"),
        ("–", "cem@example.org", "Erased"),
        ("used@example.org", "cem@example.org", "Registered"),
        ("expired@example.org", "cem@example.org", "Expired"),
    ]
    assert [link["href"] for link in page.select("tbody a")] == [
        f"http://127.0.0.1:8000{path_of(app, open_)}",
        f"/organiser/registrations/{used.registration.reference}",
    ]
