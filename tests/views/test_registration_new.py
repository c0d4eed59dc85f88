"""GET and POST /<lang>/registration: the form, the check page, and the way on. What is typed: …_input."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from conftest import CLOSED_DAY
from factories import typed, typed_with_visa
from support.journey import FORM, HTMX, ON_SQLITE, as_typed, check, fresh_key, lists, send, stored
from werkzeug.datastructures import MultiDict

from domain import clock
from domain.conference import LANGUAGES, Option, Question, Text
from models import Consent, Mail, Registration
from security import is_form_key, read_receipt

RECEIVED = "/en/registration/received/"
UNFINISHED = {"email": "ada at example", "days": None, "passport_number": "?!", "diet": ["vegan", "none"]}


def same(words: str) -> Text:
    return Text(**dict.fromkeys(LANGUAGES, words))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_form_opens_empty_with_a_key_and_without_a_cookie(app, client, lang):
    page = client.get(f"/{lang}/registration")

    with app.app_context():
        assert is_form_key(page.value("key"))
    assert page.one("html")["lang"] == lang
    assert as_typed(page) == {}
    assert page.select("#summary, .field--invalid") == []
    assert "Set-Cookie" not in page.headers
    assert page.headers["Cache-Control"] == "private, no-cache"


@ON_SQLITE
@pytest.mark.parametrize("kind", ["one", "several"])
def test_none_stands_behind_an_or_only_where_it_goes_with_no_other_answer(client, with_facts, kind):
    options = [Option(key=key, label=same(key)) for key in ("river", "none")]
    with_facts(questions=[Question(key="walks", kind=kind, label=same("Walks"), options=options)])

    page = client.get(FORM)

    apart = [str(field["id"]).removesuffix("-field") for field in page.select("fieldset:has(.choices__or)")]
    assert len(page.select("#question_walks-field [value=none]")) == 1
    assert apart == ["interpretation", "diet", "travel"]


def test_form_gets_a_key_of_its_own_each_time(client):
    assert client.get(FORM).value("key") != client.get(FORM).value("key")


@ON_SQLITE
@pytest.mark.parametrize(
    ("method", "fields", "status"),
    [
        ("GET", None, 200),
        ("POST", typed(), 200),
        ("POST", typed(step="edit"), 200),
        ("POST", typed(email=""), 422),
        ("POST", typed(step="send"), 422),
    ],
)
def test_htmx_gets_the_part_that_the_page_holds(client, method, fields, status):
    page = client.open(FORM, method=method, data=fields, status=status)
    fragment = client.open(FORM, method=method, data=fields, status=status, headers=HTMX)

    assert "<html" not in fragment.text
    assert fragment.texts("title") == page.texts("title")
    assert fragment.texts("#registration") == page.texts("#registration")
    assert [element.name for element in fragment.one("body").find_all(recursive=False)] == ["section"]
    assert "HX-Request-Type" in page.response.vary
    assert "HX-Request-Type" in fragment.response.vary


@ON_SQLITE
def test_errors_are_summed_up_in_the_title_too(client):
    page = client.post(FORM, typed(email=""), status=422)

    assert page.texts("title")[0].startswith("Error: ")
    assert page.texts("#summary h2") == ["There is a problem"]


def test_check_page_carries_every_answer_and_stores_nothing(client):
    fields = typed_with_visa(sessions=["asia", "gender"], diet=["vegan", "halal"], consent_needs="y")

    page = check(client, fields)

    assert page.texts("h1") == ["Check your answers"]
    assert page.texts(".answers__address") == ["ada@example.org"]
    assert page.hidden_fields() == dict(fields.lists()) | {"stage": ["check"]}
    assert (stored(Registration), stored(Mail)) == ([], [])


@ON_SQLITE
@pytest.mark.parametrize("step", ["edit", "language"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_form_keeps_what_was_typed_right_and_wrong(client, lang, step):
    fields = typed_with_visa(visa_letter="no", **UNFINISHED)

    page = client.post(f"/{lang}/registration", fields | {"step": step, "stage": "form"})

    assert page.one("html")["lang"] == lang
    assert as_typed(page) == lists(fields)
    assert page.texts(".field__error") == []


@ON_SQLITE
def test_change_leads_from_the_check_page_back_to_the_form(client):
    fields = typed_with_visa(visa_letter="no", passport_number="?!")
    page = check(client, fields)

    form = client.post(FORM, page.hidden_fields() | {"step": "edit"})

    assert as_typed(form) == lists(fields)
    assert form.value("key") == page.value("key")


@ON_SQLITE
def test_check_page_changes_its_language(client):
    fields = typed_with_visa()
    page = check(client, fields)

    french = client.post("/fr/registration", page.hidden_fields() | {"step": "language"})

    assert french.one("html")["lang"] == "fr"
    assert french.hidden_fields() == page.hidden_fields()


def test_sending_stores_the_registration_with_its_confirmation_and_leads_on(client):
    page = send(client, typed(consent_list="y"), form="/es/registration")

    (row,) = stored(Registration)
    assert page.headers["Location"].startswith("/es/registration/received/")
    assert (row.email, row.language, row.state) == ("ada@example.org", "es", "received")
    assert [consent.kind for consent in stored(Consent)] == ["affiliation", "list"]
    assert [(mail.kind, mail.recipient, mail.state) for mail in stored(Mail)] == [
        ("confirmation", "ada@example.org", "queued")
    ]


def test_sending_with_htmx_leads_on_too(client):
    page = send(client, typed(), headers=HTMX, status=204)

    assert page.headers["HX-Redirect"].startswith(RECEIVED)
    assert page.data == b""
    assert len(stored(Registration)) == 1


def reference_in(app, answer) -> str:
    """The reference in the receipt to which an answer leads: receipts are encrypted, and no two are alike."""
    with app.app_context():
        return read_receipt(answer.headers["Location"].removeprefix(RECEIVED))["receipt"]


def test_same_form_sent_twice_is_one_registration(app, client):
    fields = check(client, typed()).hidden_fields() | {"step": "send"}

    references = [reference_in(app, client.post(FORM, fields, status=303)) for _ in range(2)]

    assert references == [row.reference for row in stored(Registration)] * 2
    assert [mail.kind for mail in stored(Mail)] == ["confirmation"]


def receipt_and_rest(client, answer) -> tuple[str, str]:
    """The reference on the page that an answer leads to, and the page without it."""
    address = answer.headers["Location"]
    page = client.get(address)
    (reference,) = page.texts(".received__reference bdi")
    receipt = address.removeprefix(RECEIVED)
    colleague = str(page.one("a[href*=colleague]")["href"]).partition("colleague=")[2]
    return reference, page.text.replace(reference, "").replace(receipt, "").replace(colleague, "")


@pytest.mark.parametrize("address", ["ada@example.org", "Ada@EXAMPLE.org"])
def test_nobody_learns_from_the_answer_whether_an_address_is_registered(client, address):
    first = send(client, typed(email="ada@example.org"))

    second = send(client, typed(email=address, given_names="Eve", organisation="Social Party"))

    (row,) = stored(Registration)
    references, pages = zip(*(receipt_and_rest(client, answer) for answer in (first, second)), strict=True)
    assert pages[0] == pages[1]
    assert [name for name, _ in first.headers] == [name for name, _ in second.headers]
    assert len(first.headers["Location"]) == len(second.headers["Location"])
    assert references[0] == row.reference != references[1]
    assert re.fullmatch(r"OB17-[2-9A-Z]{4}-[2-9A-Z]{2}", references[1])
    assert (row.given_names, row.organisation) == ("Ada", "Labour Party")
    assert [(mail.kind, mail.recipient) for mail in stored(Mail)] == [
        ("confirmation", "ada@example.org"),
        ("repeat", "ada@example.org"),
    ]


def stale_key(app) -> str:
    with time_machine.travel(datetime.now(UTC) - timedelta(days=31)):
        return fresh_key(app)


@pytest.mark.parametrize(
    "key",
    [lambda app: None, lambda app: "forged", lambda app: fresh_key(app)[:-1], stale_key],
    ids=["missing", "forged", "cut", "stale"],
)
def test_form_without_a_good_key_is_asked_for_once_more_and_loses_nothing(app, client, key):
    fields = typed_with_visa(key=key(app), step="send")

    page = client.post(FORM, fields, status=422)

    assert page.texts("h1") == ["Check your answers"]
    assert len(page.texts(".notice")) == 1
    assert stored(Registration) == []
    hidden = page.hidden_fields()
    assert lists(MultiDict(hidden)) == lists(fields)
    client.post(FORM, hidden | {"step": "send"}, status=303)
    assert [row.email for row in stored(Registration)] == ["ada@example.org"]


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("lang", LANGUAGES)
def test_form_is_closed_after_the_deadline(client, lang, headers):
    fields = check(client, typed()).hidden_fields() | {"step": "send"}
    clock.rehearse(CLOSED_DAY)

    asked = client.get(f"/{lang}/registration", headers=headers, status=403)
    sent = client.post(f"/{lang}/registration", fields, headers=headers, status=403)

    assert asked.texts("#registration") == sent.texts("#registration")
    assert sent.select("form, button") == []
    assert ("<html" in sent.text) == (not headers)
    assert stored(Registration) == []


def test_closed_form_says_until_when_it_was_open(client, after_the_deadline):
    page = client.get(FORM, status=403)

    assert page.texts("h1") == ["Registration is closed"]
    assert "8 May 2017" in page.texts(".prose__lede")[0]
    assert "9 May 2017, 12:00 UTC" in page.texts(".prose__lede")[0]
