"""Who may open what: every page of the organisers, by method and role. What is not in this table is a fault."""

import pytest
from flask import Flask
from support.journey import HTMX, ON_SQLITE, SESSION

import security

EVERYBODY = {"nobody", "reader", "logistics", "visa", "admin"}
SIGNED_IN = EVERYBODY - {"nobody"}
ACTING = {"logistics", "visa", "admin"}
ADMIN = {"admin"}
ALLOWED = {
    ("GET", "organiser.desk"): EVERYBODY,
    ("GET", "organiser.session"): EVERYBODY,
    ("POST", "organiser.session"): EVERYBODY,
    ("POST", "organiser.session_end"): SIGNED_IN,
    ("GET", "access.enrolment"): EVERYBODY,
    ("POST", "access.enrolment"): EVERYBODY,
    ("GET", "access.warning"): EVERYBODY,
    ("POST", "access.extension"): SIGNED_IN,
    ("GET", "access.proof"): SIGNED_IN,
    ("POST", "access.proof"): SIGNED_IN,
    ("GET", "access.account"): SIGNED_IN,
    ("POST", "access.end"): SIGNED_IN,
    ("GET", "access.recovery_codes"): SIGNED_IN,
    ("POST", "access.recovery_codes"): SIGNED_IN,
    ("GET", "access.password"): SIGNED_IN,
    ("POST", "access.password"): SIGNED_IN,
    ("GET", "access.everybody"): ADMIN,
    ("GET", "organiser.registrations"): SIGNED_IN,
    ("GET", "dossier.show"): SIGNED_IN,
    ("POST", "dossier.show"): ACTING,
    ("POST", "dossier.marks"): ACTING,
    ("POST", "dossier.add_note"): ACTING,
    ("POST", "dossier.note_removal"): ACTING,
    ("GET", "batches.new"): ACTING,
    ("POST", "batches.new"): ACTING,
    ("GET", "batches.show"): SIGNED_IN,
    ("POST", "batches.undo"): ACTING,
    ("GET", "organiser.registrations_csv"): SIGNED_IN,
    ("GET", "organiser.registrations_xlsx"): SIGNED_IN,
    ("GET", "organiser.registrations_json"): ADMIN,
    ("GET", "organiser.late_links"): ACTING,
    ("POST", "organiser.late_links"): ACTING,
    ("GET", "mails.listing"): SIGNED_IN,
    ("GET", "mails.show"): SIGNED_IN,
    ("GET", "mails.body"): SIGNED_IN,
    ("POST", "mails.retries"): ACTING,
    ("POST", "mails.retry"): ACTING,
    ("POST", "mails.address"): ACTING,
    ("GET", "announcements.listing"): SIGNED_IN,
    ("GET", "announcements.new"): ACTING,
    ("POST", "announcements.new"): ACTING,
    ("GET", "announcements.show"): SIGNED_IN,
    ("GET", "announcements.edit"): ACTING,
    ("POST", "announcements.edit"): ACTING,
    ("GET", "announcements.preview"): SIGNED_IN,
    ("POST", "announcements.sending"): ACTING,
    ("POST", "announcements.stop"): ACTING,
    ("GET", "log.listing"): SIGNED_IN,
    ("GET", "sheets.listing"): SIGNED_IN,
    ("GET", "sheets.show"): SIGNED_IN,  # of each sheet: test_sheets_listing.py
    ("GET", "sheets.show_xlsx"): SIGNED_IN,
    ("GET", "statistics.show"): SIGNED_IN,
    ("GET", "statistics.plot"): SIGNED_IN,
}
SAMPLES = {"reference": "OB17-2222-22", "number": 1, "language": "en", "name": "badges", "token": "x"}
METHODS = {"HEAD": "GET", "OPTIONS": "GET"}
REFUSED = "Your role does not allow this"

pytestmark = ON_SQLITE


def path_of(app: Flask, endpoint: str) -> str:
    with app.test_request_context():
        rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint)
        return rule.build({name: SAMPLES[name] for name in rule.arguments}, append_unknown=False)[1]


def test_table_has_every_page_of_the_organisers(app):
    theirs = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/organiser")]

    pages = {(METHODS.get(method, method), rule.endpoint) for rule in theirs for method in rule.methods}

    assert pages >= ALLOWED.keys()
    assert {("GET", endpoint) for _, endpoint in ALLOWED} >= pages - ALLOWED.keys()  # OPTIONS of a button


@pytest.mark.parametrize("role", sorted(EVERYBODY))
@pytest.mark.parametrize(("method", "endpoint"), ALLOWED)
def test_page_opens_for_whom_it_is_meant_and_for_nobody_else(app, sign_in_as, method, endpoint, role):
    browser = sign_in_as(role)

    page = browser.client.open(path_of(app, endpoint), method=method)

    if role in ALLOWED[method, endpoint]:
        assert REFUSED.encode() not in page.data
        assert not page.headers.get("Location", "").startswith(SESSION)
    elif role == "nobody" and page.status_code == 401:
        assert method == "POST"
        assert 'name="password"' in page.text
    elif role == "nobody":
        assert (page.status_code, page.headers["Location"].partition("?")[0]) == (303, SESSION)
    else:
        assert page.status_code == 403
        assert REFUSED in page.text


def test_several_roles_allow_what_each_of_them_does(sign_in_as):
    browser = sign_in_as("reader visa")

    assert browser.get("/organiser/late-links", status=200)
    browser.get("/organiser/registrations.json", status=403)


@pytest.mark.parametrize("endpoint", ["organiser.registrations", "organiser.late_links"])
def test_page_that_the_table_of_rights_leaves_out_is_closed_to_everybody(
    app, sign_in_as, monkeypatch, endpoint
):
    browser = sign_in_as("admin")
    browser.get(path_of(app, endpoint))

    monkeypatch.delitem(security.RIGHTS, endpoint)

    browser.get(path_of(app, endpoint), status=403)


def test_refusal_tells_htmx_nothing_else(sign_in_as):
    page = sign_in_as("reader").get("/organiser/late-links", status=403, headers=HTMX)

    assert page.texts("h1") == ["This request was refused"]


@pytest.mark.parametrize(("role", "offered"), [("reader", False), ("admin", True)])
def test_only_who_may_act_is_offered_what_acts(sign_in_as, registered, role, offered):
    registered()
    browser = sign_in_as(role)

    texts = [browser.get(path).text for path in ("/organiser/registrations", "/organiser/announcements")]

    assert [
        "Write to" in texts[0],
        "/organiser/late-links" in texts[0],
        "Write an announcement" in texts[1],
    ] == ([offered] * 3)
