"""GET and POST /<lang>/r/<token>/edit: delegates change their answers; after the deadline those that are still open."""

import re
from dataclasses import asdict, replace

import pytest
from conftest import CLOSED_DAY
from factories import NEEDS, PASSPORT, SENSITIVE_PARTS, typed, typed_with_travel, typed_with_visa
from support.journey import (
    HTMX,
    ON_SQLITE,
    again,
    amend,
    amended,
    as_typed,
    everything,
    lists,
    new_address_page,
    own_page,
    stored,
)
from support.page import Page

from db import DatabaseOut, connection
from domain import clock, registration
from domain.answers import plain
from domain.conference import LANGUAGES
from models import AuditEntry, Consent, Mail, Registration
from security import digest, read_address

BOTH_WORLDS = pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
FULL = SENSITIVE_PARTS | {"consents": ["affiliation", "visa", "needs", "list"]}
# What the page holds of all this: everything but the passport number.
ON_PAGE = dict(
    typed_with_travel(diet="vegetarian", access_needs="Step-free route", consent_needs="y").lists()
)
ON_PAGE |= dict(typed_with_visa().lists()) | {
    "travel": ["known"],
    "hotel": ["reserve"],
    "consent_list": ["y"],
}
ON_PAGE |= {"arrival_flight": ["OM 302"]}
del ON_PAGE["passport_number"], ON_PAGE["consent_affiliation"]


@pytest.fixture
def row(registered) -> Registration:
    """ada, with everything that can be asked."""
    return registered(email="ada@example.org", **FULL)


@pytest.fixture
def path(app, row) -> str:
    return f"{own_page(app, row)}/edit"


def leads_to(page: Page) -> str:
    """Where an answer leads, in both worlds: the last part of the path with the query."""
    address = page.headers["HX-Redirect"] if page.status == 204 else page.headers["Location"]
    return str(address).rpartition("/")[2]


def done(page: Page) -> str:
    return leads_to(page).partition("?done=")[2]


def reported(page: Page) -> dict[str, str]:
    errors = page.select(".field__error")
    return {str(one["id"]).removesuffix("-error"): one.get_text() for one in errors if one.get_text()}


def mails() -> list[tuple[str, str]]:
    """The mails after the confirmation of the registration: kind and recipient."""
    return [(mail.kind, mail.recipient) for mail in stored(Mail) if mail.kind != "confirmation"]


def actions() -> list[str]:
    return [entry.action for entry in stored(AuditEntry)]


@ON_SQLITE
@pytest.mark.parametrize("lang", LANGUAGES)
def test_edit_page_holds_every_answer_but_the_passport_number(app, client, row, lang):
    page = client.get(f"{own_page(app, row, lang=lang)}/edit")

    assert page.one("html")["lang"] == lang
    assert as_typed(page) == ON_PAGE
    assert page.value("sequence") == "0"
    assert PASSPORT.number not in page.text
    assert "••••567" in page.text
    assert page.headers["Cache-Control"] == "no-store"


@ON_SQLITE
def test_edit_page_has_a_part_for_htmx(client, path):
    page, fragment = client.get(path), client.get(path, headers=HTMX)

    assert "<html" not in fragment.text
    assert fragment.texts("title") == page.texts("title")
    assert fragment.texts("#registration") == page.texts("#registration")


@BOTH_WORLDS
def test_changes_are_stored_and_told_by_mail(client, row, path, headers):
    changes = {"function": " President ", "days": ["2017-05-25", "2017-05-26"], "consent_photo": "y"}

    page = amend(client, path, changes, headers=headers, status=204 if headers else 303)

    after = again(row)
    assert done(page) == "changed"
    assert (after.function, after.days) == ("President", ["2017-05-25", "2017-05-26"])
    assert (after.state, after.sequence, after.reference) == ("confirmed", 1, row.reference)
    assert [one.kind for one in stored(Consent)] == ["affiliation", "visa", "needs", "list", "photo"]
    assert mails() == [("changed", "ada@example.org")]
    assert actions() == ["registration.received", "registration.changed"]
    assert stored(AuditEntry)[-1].details == {"answers": ["consents", "days", "function"]}


def test_page_that_is_saved_as_it_stands_changes_no_answer_and_sends_no_mail(client, row, path):
    columns = (
        "needs",
        "passport",
        "journey",
        "mobile",
        "stay",
        "extra",
        "visa_state",
        "days",
        "search",
        "language",
    )
    before = [getattr(again(row), name) for name in columns]

    page = amend(client, path, {})

    assert done(page) == "same"
    assert [getattr(again(row), name) for name in columns] == before
    assert mails() == []
    assert actions() == ["registration.received", "registration.confirmed"]


def test_second_time_the_same_page_finds_nothing_to_do(client, row, path):
    amend(client, path, {"function": "President"})
    before = everything()

    amend(client, path, {"function": "President"})

    assert everything() == before


@ON_SQLITE
@BOTH_WORLDS
def test_wrong_answer_is_reported_and_nothing_is_lost(client, path, headers):
    wrong = {"email": "ada at example", "days": None, "arrival_flight": "", "given_names": "Augusta"}
    fields = amended(client.get(path), **wrong)
    before = everything()

    page = client.post(path, fields, headers=headers, status=422)

    assert reported(page) == {
        "email": "Enter an e-mail address such as name@example.org",
        "days": "Choose at least one day",
        "arrival_flight": "Enter the number of the flight on which you arrive",
    }
    assert as_typed(page) == {name: values for name, values in lists(fields).items() if values != [""]}
    assert page.value("sequence") == "0"
    assert page.texts("title")[0].startswith("Error: ")
    assert ("<html" in page.text) == (not headers)
    assert everything() == before


@ON_SQLITE
def test_page_without_a_single_answer_is_refused(client, path):
    before = everything()

    client.post(path, {}, status=422)

    assert everything() == before


@ON_SQLITE
@pytest.mark.parametrize("lang", LANGUAGES)
def test_edit_page_keeps_what_was_typed_in_another_language(app, client, row, path, lang):
    fields = amended(
        client.get(path), email="ada at example", days=None, passport_number="?!", step="language"
    )
    before = everything()

    page = client.post(f"{own_page(app, row, lang=lang)}/edit", fields)

    assert page.one("html")["lang"] == lang
    assert as_typed(page) == lists(fields)
    assert page.value("sequence") == "0"
    assert reported(page) == {}
    assert everything() == before


def test_language_of_the_page_becomes_that_of_the_mails(app, client, row):
    amend(client, f"{own_page(app, row, lang='es')}/edit", {"function": "Presidenta"})

    assert again(row).language == "es"
    assert stored(Mail)[-1].language == "es"


# Sensitive answers


@ON_SQLITE
def test_passport_number_that_another_window_erased_is_asked_for_again(client, row, path):
    page = client.get(path)
    fields = amended(page, kept=page.value("kept"))
    client.post(path.replace("/edit", "/consents"), {"kind": "visa"}, status=303)

    page = client.post(path, fields, status=422)

    assert reported(page) == {"passport_number": "Enter your passport number"}
    assert "Stored" not in page.text
    assert page.select("[name=kept]") == []


def test_passport_number_that_is_left_empty_stays(client, row, path):
    amend(client, path, {"passport_number": "", "visa_post": "Rome, Italy"})

    assert again(row).passport == plain(replace(PASSPORT, post="Rome, Italy"))


def test_passport_number_that_is_typed_takes_the_place_of_the_stored_one(client, row, path):
    amend(client, path, {"passport_number": "99-x 888777"})

    assert again(row).passport == plain(replace(PASSPORT, number="99X888777"))


@ON_SQLITE
def test_passport_number_that_is_wrong_does_not_count_as_empty(client, row, path):
    before = everything()

    page = amend(client, path, {"passport_number": "12"}, status=422)

    assert reported(page) == {
        "passport_number": "Enter 5 to 20 letters and digits, as printed in the passport"
    }
    assert everything() == before


@ON_SQLITE
def test_passport_number_is_asked_of_whoever_has_given_none(app, client, registered):
    path = f"{own_page(app, registered())}/edit"
    passport = {name: value for name, value in typed_with_visa().items() if name not in typed()}
    passport |= {"visa_letter": "yes", "passport_number": ""}

    page = amend(client, path, passport, status=422)
    client.post(path, amended(page, passport_number="12E34567"), status=303)

    assert reported(page) == {"passport_number": "Enter your passport number"}
    assert [row.passport for row in stored(Registration)] == [plain(PASSPORT)]
    assert [row.visa_state for row in stored(Registration)] == ["requested"]


def test_passport_goes_with_the_wish_for_a_letter(client, row, path):
    amend(client, path, {"visa_letter": "no"})

    after = again(row)
    assert (after.passport, after.visa_state) == (None, "none")
    assert [one.kind for one in stored(Consent) if one.withdrawn_at] == ["visa"]


def test_needs_go_with_their_consent(client, row, path):
    amend(client, path, {"diet": None, "access_needs": "", "consent_needs": None})

    assert again(row).needs is None
    assert [one.kind for one in stored(Consent) if one.withdrawn_at] == ["needs"]


def test_optional_consents_are_given_and_withdrawn(client, row, path):
    amend(client, path, {"consent_list": None, "consent_photo": "y"})

    ledger = {one.kind: one.withdrawn_at is None for one in stored(Consent)}
    assert ledger == {"affiliation": True, "visa": True, "needs": True, "list": False, "photo": True}


def test_consent_to_the_registration_cannot_be_dropped_by_leaving_it_out(client, path):
    assert "consent_affiliation" not in as_typed(client.get(path))

    amend(client, path, {"consent_affiliation": None, "function": "President"})

    assert [one.withdrawn_at for one in stored(Consent) if one.kind == "affiliation"] == [None]


def test_journey_and_stay_go_when_they_are_no_longer_asked(client, row, path):
    amend(client, path, {"travel": "later", "hotel": "own"})

    after = again(row)
    assert (after.travel, after.journey, after.mobile) == ("later", None, None)
    assert (after.hotel, after.stay) == ("own", None)


# Two windows


@BOTH_WORLDS
def test_second_window_loses_nothing_and_can_save_again(client, row, path, headers):
    second = amended(
        client.get(path), function="Treasurer", given_names="Augusta", mobile="+33 6 12 34 56 78"
    )
    amend(client, path, {"function": "President", "visa_post": "Rome, Italy"})
    before = everything()

    page = client.post(path, second, headers=headers, status=409)

    assert page.texts("[role=alert]:not([hidden]) li") == [
        "Given names – stored now: Ada",
        "Function – stored now: President",
        "Visa letter and passport",
        "Mobile phone",
    ]
    assert as_typed(page) == lists(second)
    assert page.value("agreed") == "1"
    assert everything() == before

    client.post(path, amended(page), headers=headers, status=204 if headers else 303)

    after = again(row)
    assert (after.given_names, after.function, after.sequence) == ("Augusta", "Treasurer", 2)
    assert after.passport == plain(PASSPORT)
    assert mails() == [("changed", "ada@example.org")] * 2


@BOTH_WORLDS
def test_conflict_that_has_been_typed_away_is_told_no_more(client, path, headers):
    second = amended(client.get(path), function="Treasurer")
    amend(client, path, {"function": "President"})
    page = client.post(path, second, headers=headers, status=409)

    page = client.post(path, amended(page, function="President", step="language"), headers=headers)

    assert page.texts("[role=alert]:not([hidden])") == []


def test_conflict_is_asked_about_again_after_an_outage_that_hid_it(client, path, monkeypatch):
    def fail(*args, **kwargs):
        raise DatabaseOut

    second = amended(client.get(path), function="Treasurer")
    amend(client, path, {"function": "President"})
    page = client.post(path, second, status=409)
    with monkeypatch.context() as broken:
        broken.setattr(registration, "amend", fail)
        page = client.post(path, amended(page), status=503)

    client.post(path, amended(page), status=409)


@ON_SQLITE
@pytest.mark.parametrize(
    "sequence", ["", "x", "-1", "1", "²", "9" * 100, "9" * 5000, None], ids=lambda text: (text or "none")[:9]
)
def test_page_without_its_place_in_the_sequence_is_asked_about_again(client, path, sequence):
    fields = amended(client.get(path), sequence=sequence, function="President")
    before = everything()

    page = client.post(path, fields, status=409)

    assert page.value("agreed") == "0"
    assert as_typed(page) == lists(fields)
    assert everything() == before


def test_window_of_a_registration_that_was_cancelled_meanwhile_says_so(client, row, path):
    second = amended(client.get(path), function="Treasurer")
    client.post(path.replace("/edit", "/cancellation"), {}, status=303)
    before = everything()

    page = client.post(path, second, status=303)

    assert done(page) == "closed"
    assert everything() == before


@BOTH_WORLDS
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_cancelled_registration_is_not_edited(client, row, path, method, headers):
    client.post(path.replace("/edit", "/cancellation"), {}, status=303)

    page = client.open(path, method=method, data=typed(), headers=headers, status=204 if headers else 303)

    assert done(page) == "closed"
    assert again(row).function == row.function


# After the deadline


OPEN_LATE = [
    *("diet", "diet_other", "access_needs", "consent_needs", "visa_letter", "passport_name", "nationality"),
    *(
        "passport_number",
        "passport_expiry",
        "visa_post",
        "consent_visa",
        "travel",
        "arrival_date",
        "arrival_time",
    ),
    *("arrival_flight", "departure_date", "departure_time", "departure_flight", "pickup", "mobile", "hotel"),
    *("check_in", "check_out", "room", "share_with", "consent_list", "consent_photo"),
]


def test_after_the_deadline_only_what_is_still_open_is_asked(client, path, after_the_deadline):
    page = client.get(path)

    asked = dict.fromkeys(
        str(field["name"]) for field in page.select("#registration-form [name]:not(button)")
    )
    assert [*asked] == ["sequence", "kept", *OPEN_LATE]
    assert as_typed(page) == {name: ON_PAGE[name] for name in OPEN_LATE if name in ON_PAGE}


@BOTH_WORLDS
def test_after_the_deadline_open_answers_can_be_changed(client, row, path, headers):
    clock.rehearse(CLOSED_DAY)
    changes = {
        "diet": "vegan",
        "visa_letter": "no",
        "departure_time": "10:00",
        "mobile": "+33 6 12 34 56 78",
        "hotel": "own",
        "consent_list": None,
        "consent_photo": "y",
    }

    page = amend(client, path, changes, headers=headers, status=204 if headers else 303)

    after = again(row)
    assert done(page) == "changed"
    assert after.needs == asdict(replace(NEEDS, diet=["vegan"]))
    assert (after.passport, after.hotel, after.stay) == (None, "own", None)
    assert (after.journey["departure_time"], after.mobile) == ("10:00:00", "+33 6 12 34 56 78")
    closed = (
        "given_names",
        "email",
        "organisation",
        "country",
        "function",
        "category",
        "days",
        "interpretation",
    )
    assert [getattr(after, name) for name in closed] == [getattr(row, name) for name in closed]
    ledger = {one.kind: one.withdrawn_at is None for one in stored(Consent)}
    assert ledger == {"affiliation": True, "visa": False, "needs": True, "list": False, "photo": True}


@pytest.mark.parametrize(
    "forged",
    [{"function": "Eve"}, {"email": "eve@example.org"}, {"days": "2017-05-26"}, {"category": "guest"}],
    ids=["function", "email", "days", "category"],
)
def test_closed_answer_that_is_slipped_in_changes_nothing(client, row, path, after_the_deadline, forged):
    before = again(row)

    amend(client, path, forged | {"departure_time": "10:00"})

    after = again(row)
    assert [getattr(after, name) for name in forged] == [getattr(before, name) for name in forged]
    assert (after.email, after.pending_email) == ("ada@example.org", None)
    assert after.journey["departure_time"] == "10:00:00"


@BOTH_WORLDS
def test_page_from_before_the_deadline_is_told_what_can_no_longer_be_changed(client, row, path, headers):
    changes = {
        "function": "President",
        "days": "2017-05-26",
        "departure_time": "10:00",
        "mobile": "+33 612345678",
    }
    fields = amended(client.get(path), **changes)
    clock.rehearse(CLOSED_DAY)
    before = everything()

    page = client.post(path, fields, headers=headers, status=422)

    assert page.texts("[role=alert]:not([hidden]) li") == ["Function", "Which days will you attend?"]
    assert "these answers can no longer be changed" in page.text.casefold()
    assert as_typed(page) == {name: values for name, values in lists(fields).items() if name in OPEN_LATE}
    assert everything() == before

    client.post(path, amended(page), headers=headers, status=204 if headers else 303)

    after = again(row)
    assert (after.function, after.days) == (row.function, row.days)
    assert (after.journey["departure_time"], after.mobile) == ("10:00:00", "+33 612345678")


def test_page_from_before_the_deadline_without_a_closed_change_is_saved(client, row, path):
    fields = amended(client.get(path), departure_time="10:00")
    clock.rehearse(CLOSED_DAY)

    page = client.post(path, fields, status=303)

    assert done(page) == "changed"
    assert again(row).journey["departure_time"] == "10:00:00"


def test_page_from_before_the_deadline_cannot_move_to_another_address(client, row, path):
    fields = amended(client.get(path), email="eve@example.org")
    clock.rehearse(CLOSED_DAY)

    page = client.post(path, fields, status=422)

    assert page.texts("[role=alert]:not([hidden]) li") == ["E-mail address"]
    assert (again(row).pending_email, mails()) == (None, [])


# A new address


@BOTH_WORLDS
def test_new_address_waits_until_it_is_confirmed(app, client, row, path, headers):
    page = amend(client, path, {"email": "Ada@New.example"}, headers=headers, status=204 if headers else 303)

    after = again(row)
    assert done(page) == "asked"
    assert (after.email, after.pending_email) == ("ada@example.org", "Ada@new.example")
    assert after.link_version == 1
    assert mails() == [("address", "Ada@new.example"), ("changed", "ada@example.org")]
    (token,) = set(re.findall(r"/en/registration/address/([\w.-]+)", mail_to("Ada@new.example")))
    with app.app_context():
        assert read_address(token) == (after.public_id, after.link_version, digest("Ada@new.example"))


def mail_to(recipient: str) -> str:
    """The words of the newest mail to somebody."""
    with connection():
        newest = Mail.select().where(Mail.recipient == recipient).order_by(Mail.id.desc()).first()
    return newest.message.replace("=\n", "").replace("=\r\n", "")


def test_mail_to_a_new_address_tells_nothing_of_the_registration(app, client, row, path):
    amend(client, path, {"email": "eve@new.example"})

    told = mail_to("eve@new.example")
    for secret in ("Ada", "Lovelace", "Labour", "ada@example.org", "/r/"):
        assert secret not in told


def test_new_address_of_somebody_else_is_told_to_its_owner_alone(app, client, registered, row, path):
    bo = registered(email="bo@example.org", given_names="Bo")

    page = amend(client, path, {"email": "BO@example.org"})

    assert done(page) == "asked"
    assert mails() == [("repeat", "bo@example.org"), ("changed", "ada@example.org")]
    assert again(bo).sequence == 0
    assert own_page(app, bo) in mail_to("bo@example.org")
    assert row.reference not in mail_to("bo@example.org")


def test_other_spelling_of_the_same_address_needs_no_confirmation(client, row, path):
    page = amend(client, path, {"email": "ADA@Example.org"})

    assert done(page) == "changed"
    assert (again(row).email, again(row).pending_email) == ("ADA@example.org", None)
    assert mails() == [("changed", "ADA@example.org")]


def test_address_that_waits_goes_on_waiting_while_other_answers_change(client, row, path):
    amend(client, path, {"email": "ada@new.example"})

    page = amend(client, path, {"function": "President"})

    assert done(page) == "changed"
    assert (again(row).pending_email, again(row).function) == ("ada@new.example", "President")


def test_last_of_several_new_addresses_counts(app, client, row, path):
    amend(client, path, {"email": "one@new.example"})
    first = new_address_page(app, again(row))
    client.get(first)

    amend(client, path, {"email": "two@new.example"})

    client.get(first, status=404)
    assert "two@new.example" in client.get(new_address_page(app, again(row))).text


def test_switching_the_language_is_not_counted_as_saving(app, client, row, path):
    fields = amended(client.get(path), step="language")
    for number in range(31):
        client.post(path, fields, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})

    client.post(path, amended(client.get(path), function="President"), status=303)


def test_edit_page_without_a_question_that_is_open_leads_back(app, client, row, path, monkeypatch):
    desk = app.extensions["desk"]
    asked_late = ["visa", "journey", "diet", "access_needs", "consent_list", "consent_photo"]
    facts = desk.conference.model_copy(update={"leave_out": asked_late})
    monkeypatch.setitem(app.extensions, "desk", replace(desk, conference=facts))
    clock.rehearse(CLOSED_DAY)

    answer = client.get(path, status=303)

    assert answer.headers["Location"] == f"{own_page(app, row)}?done=closed"
    page = client.get(own_page(app, row))
    assert page.texts(".form__intro") == ["Registration has closed. You can still cancel."]
