"""The mail for a registration that exists already: its link again, and nothing of what the later form said."""

from models import Mail, Registration


def bodies(message) -> list[str]:
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


def test_repeat_says_that_nothing_has_been_changed(read):
    message = read("repeat")

    reference = Registration.get().reference
    assert message["Subject"] == f"You are registered already – {reference}"
    for body in bodies(message):
        assert "Dear Ada Lovelace," in body
        assert "nothing has been changed" in body


def test_repeat_is_in_the_language_of_the_registration(send, parse):
    send("fr", email="ada@example.org")

    send("es", email="ada@example.org")

    repeat = Mail.get(Mail.kind == "repeat")
    message = parse(repeat)
    assert repeat.language == "fr"
    assert message["Content-Language"] == "fr"
    assert "http://127.0.0.1:8000/fr/" in bodies(message)[0]


def test_repeat_tells_nothing_of_the_later_form(send, parse):
    send("en", given_names="Ada")

    send("en", given_names="Eve", family_name="Canary", organisation="Canary")

    message = parse(Mail.get(Mail.kind == "repeat"))
    assert [body for body in bodies(message) if "Eve" in body or "Canary" in body] == []
    assert "Dear Ada Lovelace," in bodies(message)[0]


def test_repeat_goes_to_the_address_as_it_was_registered(send, parse):
    send("en", email="Ada@example.org")

    send("en", email="ADA@EXAMPLE.ORG")

    assert parse(Mail.get(Mail.kind == "repeat"))["To"] == "Ada@example.org"


def test_confirmation_and_repeat_have_message_ids_of_their_own(send):
    send("en")
    send("en", function="President")
    send("en", function="Treasurer")

    mails = list(Mail.select().order_by(Mail.id))

    assert [mail.kind for mail in mails] == ["confirmation", "repeat", "repeat"]
    assert len({mail.message_id for mail in mails}) == 3
