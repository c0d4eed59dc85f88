"""GET and POST /<lang>/registration: the form, the check page, and the way on."""

from factories import typed

from db import connection
from models import Mail, Registration


def form_key(client) -> str:
    return client.get("/en/registration").value("key")


def test_registration_reports_a_missing_name_next_to_the_field(client):
    page = client.post("/en/registration", typed(given_names="", family_name=""), status=422)

    assert page.texts("#given_names-error") == ["Enter your given names or your family name"]
    assert page.value("email") == "ada@example.org"


def test_registration_stores_one_row_with_its_confirmation(client):
    answers = typed(key=form_key(client))
    check = client.post("/en/registration", answers)

    client.post("/en/registration", check.hidden_fields() | {"step": "send"}, status=303)

    with connection():
        assert [row.email for row in Registration.select()] == ["ada@example.org"]
        assert [(mail.kind, mail.recipient, mail.state) for mail in Mail.select()] == [
            ("confirmation", "ada@example.org", "queued")
        ]


def test_list_shows_a_registration(desk_client, registered):
    registered(given_names="Bo")

    page = desk_client.get("/organiser/registrations")

    assert page.texts("tbody th") == ["Bo Lovelace"]
    reference = page.texts(".table__code")[0]
    assert desk_client.get(f"/organiser/registrations/{reference}").texts("h1") == ["Bo Lovelace"]
