"""GET /<lang>/registration/received/<receipt>: the reference, and what happens next."""

import pytest
from factories import PASSPORT, typed_with_visa
from support.journey import own_page, send, stored

from domain.conference import LANGUAGES
from models import AuditEntry, Mail, Registration
from security import receipt

RECEIVED = "/en/registration/received"


@pytest.fixture
def received(client) -> str:
    """The path of ada's receipt."""
    return send(client, typed_with_visa()).headers["Location"]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_receipt_shows_the_reference_in_the_language_of_its_address(client, received, lang):
    page = client.get(received.replace("/en/", f"/{lang}/"))

    assert page.texts(".received__reference bdi") == [stored(Registration)[0].reference]
    assert page.one("html")["lang"] == lang
    assert {link["hreflang"]: link["href"] for link in page.select(".languages a")} == {
        other: received.replace("/en/", f"/{other}/") for other in LANGUAGES
    }


def test_receipt_shows_nothing_personal_and_is_not_kept(client, received):
    page = client.get(received)

    for personal in ("Ada", "Lovelace", "ada@example.org", "Labour Party", PASSPORT.number, "/r/"):
        assert personal not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers


def test_reloading_the_receipt_changes_nothing(client, received):
    before = [stored(table) for table in (Registration, Mail, AuditEntry)]

    first, second = client.get(received), client.get(received)

    assert first.data == second.data
    assert [stored(table) for table in (Registration, Mail, AuditEntry)] == before


@pytest.mark.parametrize(
    "change", [lambda token: token[:-1], lambda token: "x" + token, lambda token: "x", str.upper]
)
def test_forged_receipt_is_not_found(app, client, change):
    with app.app_context():
        token = receipt("OB17-7KQ4-M2")
    client.get(f"{RECEIVED}/{token}")

    page = client.get(f"{RECEIVED}/{change(token)}", status=404)

    assert "OB17" not in page.text


def test_private_link_is_no_receipt(app, client, registered):
    token = own_page(app, registered()).rpartition("/")[2]

    client.get(f"{RECEIVED}/{token}", status=404)
