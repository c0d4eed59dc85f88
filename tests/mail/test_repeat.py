"""The mail for a registration that exists already: its link again, and nothing of what the later form said."""

from models import Registration


def bodies(message) -> list[str]:
    return [message.get_body((kind,)).get_content() for kind in ("plain", "html")]


def test_repeat_says_that_nothing_has_been_changed(read):
    message = read("repeat")

    reference = Registration.get().reference
    assert message["Subject"] == f"You are registered already – {reference}"
    for body in bodies(message):
        assert "Dear Ada Lovelace," in body
        assert "nothing has been changed" in body


def test_repeat_is_in_the_language_of_the_registration(send, inbox):
    send("fr")
    send("es", key="a later form")

    repeat = inbox()[-1]

    assert repeat["Content-Language"] == "fr"
    assert "http://127.0.0.1:8000/fr/r/" in bodies(repeat)[0]


def test_repeat_tells_nothing_of_the_later_form(send, inbox):
    send("en")
    send("en", given_names="Eve", family_name="Canary", organisation="Canary")

    confirmation, repeat = inbox()

    assert bodies(confirmation)[0].startswith("Dear Ada Lovelace,")
    assert bodies(repeat)[0].startswith("Dear Ada Lovelace,")
    assert [body for body in bodies(repeat) if "Eve" in body or "Canary" in body] == []


def test_repeat_goes_to_the_address_that_was_registered(send, inbox):
    send("en", email="Ada@example.org")
    send("en", email="ADA@EXAMPLE.ORG")

    assert [message["To"] for message in inbox()] == ["Ada@example.org"] * 2


def test_each_repeat_has_a_message_id_of_its_own(send, inbox):
    for function in ("Secretary", "President", "Treasurer"):
        send("en", function=function)

    assert len({message["Message-ID"] for message in inbox()}) == 3
