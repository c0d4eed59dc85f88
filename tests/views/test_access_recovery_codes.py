"""GET and POST /organiser/account/codes: new recovery codes."""

from datetime import timedelta

import pytest
from conftest import PASSWORD
from flask import Flask
from support.access import enrolled, proved_before
from support.journey import sign_in, stored
from support.page import PageClient

from models import AuditEntry, RecoveryCode

CODES = "/organiser/account/codes"


@pytest.fixture
def cems(app: Flask, client: PageClient) -> tuple[PageClient, list[str]]:
    codes = enrolled()
    sign_in(client, "cem@example.org", PASSWORD, code=codes.pop())
    return client, codes


def wish(client: PageClient) -> dict[str, str]:
    page = client.get(CODES)
    return {"csrf_token": page.select("main [name=csrf_token]")[0]["value"], "key": page.value("key")}


def test_new_codes_take_the_place_of_the_old(app, cems):
    client, old = cems

    fresh = client.post(CODES, wish(client)).texts(".codes code")

    assert len(set(fresh) - set(old)) == 10
    assert stored(AuditEntry)[-1].action == "organiser.codes_made"
    sign_in(PageClient(app), "cem@example.org", PASSWORD, code=old[0], status=422)
    sign_in(PageClient(app), "cem@example.org", PASSWORD, code=fresh[0])


def test_second_click_shows_the_same_codes(app, cems):
    client, _ = cems
    given = wish(client)

    answers = [client.post(CODES, given).texts(".codes code") for _ in range(2)]

    assert answers[0] == answers[1]
    assert len(stored(RecoveryCode)) == 10


@pytest.mark.parametrize("given", [{"csrf_token": "forged"}, {"key": "made up"}, {"key": ""}])
def test_form_that_is_not_ours_makes_none(cems, given):
    client, old = cems

    page = client.post(CODES, wish(client) | given, status=422 if "csrf_token" in given else 200)

    assert page.texts("h1") == ["New recovery codes"]
    assert len(stored(RecoveryCode)) == len(old)


def test_making_codes_asks_for_password_and_code_first(cems):
    client, old = cems
    given = wish(client)
    proved_before(timedelta(minutes=10))

    for method, data in (("GET", None), ("POST", given)):
        page = client.open(CODES, method=method, data=data, status=303)
        assert page.headers["Location"] == f"/organiser/session/proof?next={CODES}"

    assert len(stored(RecoveryCode)) == len(old)


def test_organiser_without_an_app_needs_none(desk_client):
    assert desk_client.get(CODES, status=303).headers["Location"] == "/organiser/account"
