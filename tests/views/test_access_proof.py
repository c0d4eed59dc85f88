"""GET and POST /organiser/session/proof: password and code once more, before what is sensitive."""

from datetime import timedelta

import pytest
from conftest import PASSWORD
from flask import Flask
from support.access import enrolled, proved_before, shown
from support.journey import ON_SQLITE, sign_in, stored
from support.page import Page, PageClient

from models import AuditEntry

PROOF = "/organiser/session/proof"
JSON = "/organiser/registrations.json"
LATER = timedelta(minutes=10)
WRONG = "This is not right, or the code has been used before. Please try again."


@pytest.fixture
def cems(app: Flask, client: PageClient) -> tuple[PageClient, list[str]]:
    """A browser in which cem signed in ten minutes ago, with an app; and nine recovery codes."""
    codes = enrolled()
    sign_in(client, "cem@example.org", PASSWORD, code=codes.pop())
    proved_before(LATER)
    return client, codes


def prove(client: PageClient, path: str, *, status: int = 200, **given: str) -> Page:
    return client.post(
        path,
        {"csrf_token": client.get(path).select("main [name=csrf_token]")[0]["value"]} | given,
        status=status,
    )


def test_sensitive_export_asks_for_password_and_code_and_is_then_given(cems, registered, after_the_deadline):
    client, codes = cems
    asked = client.get(f"{JSON}?q=ada", status=303).headers["Location"]

    page = prove(client, asked, password=PASSWORD, code=codes[0])

    path = page.one("main a.button")["href"]
    assert path == f"{JSON}?q=ada"
    assert client.get(path).headers["Content-Disposition"] == "attachment; filename=registrations.json"
    assert [entry.action for entry in stored(AuditEntry)][-2:] == [
        "organiser.proved",
        "registrations.exported_whole",
    ]


def test_proof_holds_for_ten_minutes(cems, after_the_deadline):
    client, _ = cems

    proved_before(LATER - timedelta(seconds=5))
    client.get(JSON)

    proved_before(LATER)
    client.get(JSON, status=303)


@pytest.mark.parametrize("name", ["arrivals", "departures", "rooms", "access", "visa"])
def test_sensitive_sheet_as_a_file_asks_for_it_too(cems, name):
    client, codes = cems
    file = f"/organiser/sheets/{name}.xlsx"
    asked = client.get(file, status=303).headers["Location"]

    page = prove(client, asked, password=PASSWORD, code=codes[0])

    assert page.one("main a.button")["href"] == file
    assert client.client.get(file).status_code == 200


@pytest.mark.parametrize("name", ["meals", "headsets", "badges", "sign-in"])
def test_sheet_without_sensitive_answers_asks_for_nothing(cems, name):
    client, _ = cems

    assert client.client.get(f"/organiser/sheets/{name}.xlsx").status_code == 200


def test_other_exports_ask_for_nothing(cems, after_the_deadline):
    client, _ = cems

    for kind in ("csv", "xlsx"):
        assert client.client.get(f"/organiser/registrations.{kind}").status_code == 200


def test_export_that_is_not_open_yet_asks_for_nothing(cems):
    client, _ = cems

    client.get(JSON, status=403)


@pytest.mark.parametrize(
    "given",
    [
        {"password": "wrong", "code": "a recovery code"},
        {"password": PASSWORD, "code": "000000"},
        {"password": "wrong", "code": "000000"},
    ],
    ids=["password", "code", "both"],
)
def test_every_failure_gets_the_same_answer_and_is_in_the_log(cems, after_the_deadline, given):
    client, codes = cems
    given["code"] = codes[0] if given["code"] == "a recovery code" else given["code"]

    page = prove(client, PROOF, status=422, **given)

    assert page.texts(".field__error") == page.texts("#summary a") == [WRONG]
    assert stored(AuditEntry)[-1].action == "organiser.proof_refused"
    client.get(JSON, status=303)
    prove(client, PROOF, password=PASSWORD, code=codes[0], status=303)


def test_code_that_signed_in_proves_nothing(app, client, after_the_deadline):
    enrolled()
    code = shown(ahead=30)
    sign_in(client, "cem@example.org", PASSWORD, code=code)

    prove(client, PROOF, password=PASSWORD, code=code, status=422)


@ON_SQLITE
def test_organiser_without_an_app_gives_the_password_alone_in_a_rehearsal(client, organiser):
    sign_in(client, organiser.email, PASSWORD)

    assert client.get(PROOF).select("#code") == []
    wrong = prove(client, PROOF, password="wrong", status=422)
    assert wrong.texts("#password-error") == ["This is not your password. Please try again."]
    page = prove(client, PROOF, password=PASSWORD, status=303)
    assert page.headers["Location"] == "/organiser/registrations"


@ON_SQLITE
@pytest.mark.parametrize(
    "wish", ["https://eve.example", "//eve.example/a.json", "/en/", "/organiser/session", ""]
)
def test_proof_leads_nowhere_but_to_pages_of_the_organisers(cems, wish):
    client, codes = cems
    data = {"csrf_token": client.get(PROOF).select("main [name=csrf_token]")[0]["value"]}
    data |= {"password": PASSWORD, "code": codes[0]}

    page = client.post(PROOF, data, query_string={"next": wish}, status=303)

    assert page.headers["Location"] == "/organiser/registrations"


@ON_SQLITE
@pytest.mark.parametrize("email", ["", "eve{}@example.org"], ids=["as it is", "with other addresses"])
def test_proof_is_limited_for_each_organiser(cems, email):
    client, _ = cems

    tries = [
        ({"REMOTE_ADDR": f"192.0.2.{number}"}, {"email": email.format(number)}) for number in range(1, 32)
    ]
    statuses = [client.client.post(PROOF, environ_base=base, data=data).status_code for base, data in tries]

    assert statuses == [422] * 30 + [429]
