"""GET and POST /<lang>/registration: a colleague is registered by somebody who has just registered."""

import pytest
from conftest import CLOSED_DAY
from factories import typed
from support.journey import FORM, HTMX, ON_SQLITE, as_typed, check, own_page, send, stored

from domain import clock
from domain.conference import LANGUAGES
from models import Registration
from security import link_token, receipt, signer

PERSONAL = ("given_names", "family_name", "email", "organisation", "country", "function", "mobile")
NOTICE = (
    "You are registering somebody else. Please ask them first: the confirmation and the personal link go to their "
    "e-mail address."
)


@pytest.fixture
def colleague(client) -> str:
    """The path of the form for a colleague, as ada's receipt offers it."""
    page = client.get(send(client, typed()).headers["Location"])
    return str(page.one("a[href*=colleague]")["href"])


@ON_SQLITE
def test_form_for_a_colleague_begins_with_the_organisation_alone(client, colleague):
    page = client.get(colleague)

    assert as_typed(page) == {"organisation": ["Labour Party"], "country": ["GB"]}
    assert NOTICE in page.texts(".notice")
    assert page.headers["Cache-Control"] == "no-store"


@ON_SQLITE
@pytest.mark.parametrize("lang", LANGUAGES)
def test_form_for_a_colleague_changes_its_language(client, colleague, lang):
    page = client.get(colleague)
    fields = page.hidden_fields() | as_typed(page) | {"step": "language", "given_names": "Bo"}

    other = client.post(f"/{lang}/registration", fields)

    assert other.one("html")["lang"] == lang
    assert as_typed(other) == {"organisation": ["Labour Party"], "country": ["GB"], "given_names": ["Bo"]}
    assert other.value("on_behalf") == "1"


@ON_SQLITE
def test_browser_is_not_offered_to_fill_in_its_own_person(client, colleague):
    own, other = client.get(FORM), client.get(colleague)

    assert {name: other.one(f"#{name}")["autocomplete"] for name in PERSONAL} == dict.fromkeys(
        PERSONAL, "off"
    )
    assert [name for name in PERSONAL if own.one(f"#{name}")["autocomplete"] == "off"] == []


@ON_SQLITE
@pytest.mark.parametrize("name", PERSONAL)
def test_checked_field_does_not_offer_it_either(client, colleague, name):
    fields = client.get(colleague).hidden_fields() | {"travel": "known", "pickup": "y"}

    fragment = client.post(f"{FORM}/fields/{name}", fields, headers=HTMX)

    assert fragment.one(f"#{name}")["autocomplete"] == "off"


def test_colleague_is_registered_with_an_address_of_their_own(client, colleague):
    page = client.get(colleague)
    fields = typed(email="bo@example.org", given_names="Bo")
    for name, values in page.hidden_fields().items():
        fields.setlist(name, values)

    checked = check(client, fields)
    back = client.post(FORM, checked.hidden_fields() | {"step": "edit"})
    client.post(FORM, checked.hidden_fields() | {"step": "send"}, status=303)

    assert back.value("on_behalf") == "1"
    assert [row.email for row in stored(Registration)] == ["ada@example.org", "bo@example.org"]


def test_own_page_offers_the_same(app, client, registered):
    row = registered(organisation="Bund", country="DE")

    address = client.get(own_page(app, row)).one("a[href*=colleague]")["href"]

    assert as_typed(client.get(address)) == {"organisation": ["Bund"], "country": ["DE"]}


def test_receipt_hides_what_it_knows(client, colleague):
    for secret in ("Labour", "GB17", "OB17", "eyJ"):
        assert secret not in colleague


def forgeries(app, row) -> list[str]:
    """Tokens that are no receipt, or not ours."""
    with app.app_context():
        right = receipt(row.reference, organisation="Labour Party", country="GB")
        content = {"receipt": row.reference, "organisation": "Labour Party", "country": "GB"}
        return [
            right[:-1],
            "x" + right,
            right.swapcase(),
            "x",
            "",
            link_token(row),
            signer("receipt").dumps(content),
        ]


@ON_SQLITE
def test_forged_receipt_opens_the_plain_form(app, client, registered, colleague):
    row = registered()
    plain = client.get(FORM)

    pages = [client.get(FORM, query_string={"colleague": token}) for token in forgeries(app, row)]

    assert len(pages) == 7
    assert [as_typed(page) for page in pages] == [{}] * 7
    assert [page.texts("#registration") for page in pages] == [plain.texts("#registration")] * 7
    assert [page.select("[name=on_behalf]") for page in pages] == [[]] * 7


@ON_SQLITE
def test_nobody_registers_a_colleague_after_the_deadline(client, colleague):
    received = send(client, typed(email="bo@example.org")).headers["Location"]
    assert client.get(received).select("a[href*=colleague]") != []
    clock.rehearse(CLOSED_DAY)

    assert client.get(received).select("a[href*=colleague]") == []
    client.get(colleague, status=403)
