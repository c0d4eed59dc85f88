"""The mails about what delegates do with their own registration, and the one that brings a late link."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from urllib.parse import urlsplit

import pytest
import time_machine
from bs4 import BeautifulSoup
from factories import NEEDS, SENSITIVE_PARTS, STAY
from icalendar import Calendar
from support.journey import ON_SQLITE, amend, own_page

from domain import clock
from domain.registration import erase
from models import Mail, Registration

pytestmark = ON_SQLITE


def text_of(message: EmailMessage) -> str:
    return message.get_body(("plain",)).get_content().replace("\r\n", "\n")


def html_of(message: EmailMessage) -> BeautifulSoup:
    return BeautifulSoup(message.get_body(("html",)).get_content(), "html5lib")


def items_of(message: EmailMessage) -> list[str]:
    """The list in a mail, the same in text and HTML."""
    in_text = re.findall(r"(?m)^- (.*)$", text_of(message))
    assert in_text == [item.get_text() for item in html_of(message).select("li")]
    return in_text


def event_of(message: EmailMessage) -> dict[str, str]:
    (attachment,) = message.iter_attachments()
    (event,) = Calendar.from_ical(attachment.get_payload(decode=True)).walk("VEVENT")
    return {name: str(event[name]) for name in ("UID", "STATUS", "SEQUENCE")}


def paths_in(message: EmailMessage) -> list[str]:
    """The pages of the service that a mail leads to, with their queries."""
    links = (urlsplit(link) for link in re.findall(r"http://127\.0\.0\.1:8000\S+", text_of(message)))
    return [f"{link.path}?{link.query}" if link.query else link.path for link in links]


# Changed


def test_changed_lists_what_changed_in_the_order_of_the_form(read, app):
    asia, gender = (
        session.title["en"]
        for session in app.extensions["desk"].conference.sessions
        if session.key in ("asia", "gender")
    )
    changes = {
        "interpretation": "none",
        "days": ["2017-05-26", "2017-05-25"],
        "sessions": ["gender", "asia"],
        "family_name": "King",
        "given_names": "Augusta Ada",
        "travel": "none",
        "hotel": "later",
    }

    message = read("changed", changes=changes)

    assert message["Subject"] == f"Registration changed – {Registration.get().reference}"
    assert items_of(message) == [
        "Given names: Augusta Ada",
        "Family name: King",
        "Which days will you attend?: Thursday, 25 May 2017; Friday, 26 May 2017",
        f"Which sessions interest you?: {asia}; {gender}",
        "In which language will you listen?: I need no interpretation",
        "Do you know your flights?: I need no transfer",
        "Do you need a hotel room?: I do not know yet",
    ]


def test_changed_tells_who_somebody_is_in_politics_by_the_title_only(read):
    changes = {"organisation": "Canary", "country": "FR", "function": "Canary", "category": "guest"}

    message = read("changed", changes=changes)

    stored = Registration.get()
    assert {name: getattr(stored, name) for name in changes} == changes
    assert items_of(message) == ["Organisation", "Country or territory", "Function", "You come as"]
    text = message.as_string() + text_of(message) + str(html_of(message))
    assert [word for word in ("Canary", "France", "Labour", "Guest") if word in text] == []


def test_changed_tells_another_spelling_of_the_address_by_its_title(read):
    message = read("changed", changes={"email": "ADA@example.org"})

    assert items_of(message) == ["E-mail address"]
    assert message["To"] == "ADA@example.org"


def test_changed_names_a_new_address_once_among_what_else_changed(read, newest):
    read("changed", changes={"email": "new@example.net", "function": "President", "hotel": "later"})

    first, second, waiting = items_of(newest("changed"))
    assert [first, second] == ["Function", "Do you need a hotel room?: I do not know yet"]
    assert waiting.startswith("E-mail address: a new one has been entered.")


def test_changed_tells_each_consent_that_was_given_or_withdrawn(send, client, app, newest):
    send("en", needs=NEEDS, consents=["affiliation", "needs", "list"])
    page = f"{own_page(app, Registration.get())}/edit"

    withdrawn = {"consent_needs": None, "consent_list": None, "diet": None, "access_needs": ""}
    amend(client, page, withdrawn | {"consent_photo": "y"})

    assert items_of(newest("changed")) == [
        "Diet and accessibility",
        "Consent for diet and accessibility: withdrawn",
        "List of participants: withdrawn",
        "Pictures: given",
    ]


def test_changed_tells_a_consent_that_was_withdrawn_by_its_button(send, client, app, newest):
    send("en", consents=["affiliation", "photo"])

    client.post(f"{own_page(app, Registration.get())}/consents", {"kind": "photo"}, status=303)

    assert items_of(newest("changed")) == ["Pictures: withdrawn"]


def test_changed_tells_sensitive_answers_by_their_title_only(read):
    changes = SENSITIVE_PARTS | {
        "extra": {"dinner": "yes"},
        "consents": ["affiliation", "needs", "visa"],
    }

    assert items_of(read("changed", changes=changes)) == [
        "Diet and accessibility",
        "Visa letter and passport",
        "Do you know your flights?: I know my flights",
        "Flights",
        "Mobile phone",
        "Do you need a hotel room?: Reserve a room for me",
        "Hotel reservation",
        "Further questions",
        "Consents",
    ]


def test_changed_names_an_answer_that_was_taken_out_by_its_title(read):
    assert items_of(read("changed", changes={"family_name": "", "sessions": []}, sessions=["asia"])) == [
        "Family name",
        "Which sessions interest you?",
    ]


def test_changed_carries_what_was_typed_and_nothing_that_it_would_mean(read):
    name = "King <b>&amp; %(name)s {{ link }}"

    message = read("changed", changes={"family_name": name})

    assert items_of(message) == [f"Family name: {name}"]
    assert html_of(message).select("b") == []


def test_changed_says_that_a_new_address_waits_and_not_which(read, newest):
    read("address", new="canary@example.net")

    message = newest("changed")

    (item,) = items_of(message)
    assert item.startswith("E-mail address: a new one has been entered. It counts once it is confirmed")
    assert message["To"] == "ada@example.org"
    assert "canary" not in message.as_string().casefold()


def test_changed_is_in_the_language_of_the_page_on_which_it_was_changed(send, happen, newest):
    send("fr")

    happen("changed", lang="es")

    assert newest("confirmation")["Content-Language"] == "fr"
    assert newest("changed")["Content-Language"] == "es"


@pytest.mark.parametrize("kind", ["link", "new_link", "changed", "moved", "cancelled", "restored"])
def test_mail_greets_by_the_name_that_is_stored(read, kind):
    message = read(kind, given_names="Ada", family_name="")

    assert text_of(message).startswith("Dear Ada,\n")


# Another address


def test_address_goes_to_the_new_address_and_opens_the_page_that_confirms_it(read, client):
    message = read("address", new="new@example.net")

    (path,) = [path for path in paths_in(message) if "/address/" in path]
    page = client.get(path)
    assert message["To"] == "new@example.net"
    assert page.texts("h1") == ["Use this e-mail address"]
    assert "new@example.net" in page.text


def test_address_that_is_confirmed_through_the_link_counts(read, client):
    (path,) = [path for path in paths_in(read("address", new="new@example.net")) if "/address/" in path]

    client.post(path, status=303)

    assert Registration.get().email == "new@example.net"


def test_address_tells_a_stranger_nothing_of_the_delegate(read):
    given = {"given_names": "Canary", "family_name": "Bird", "organisation": "Canary", "function": "Canary"}

    message = read("address", new="eve@example.net", **given)

    assert text_of(message).startswith("Good day,\n")
    text = message.as_string() + text_of(message) + str(html_of(message))
    assert [word for word in ("Canary", "Bird", "ada@example.org", "/r/") if word in text] == []


def test_new_address_of_somebody_who_is_registered_gets_the_mail_of_a_later_form(send, happen, newest):
    send("en", email="ada@example.org")
    send("fr", key="bo's form", email="bo@example.org", given_names="Bo")

    happen("address", new="bo@example.org")

    message = newest("repeat")
    assert Mail.select().where(Mail.kind == "address").count() == 0
    assert (message["To"], message["Content-Language"]) == ("bo@example.org", "fr")
    assert "Bo Lovelace" in text_of(message)
    assert "Ada" not in text_of(message)


def test_moved_goes_to_the_old_address_whose_link_works_no_longer(app, read, client):
    message = read("moved", new="new@example.net")

    assert message["To"] == "ada@example.org"
    assert paths_in(message) == ["/en/privacy"]
    assert "new@example.net" not in message.as_string() + text_of(message)
    row = Registration.get()
    row.link_version -= 1
    client.get(own_page(app, row), status=404)


def test_new_address_gets_a_link_that_works_after_the_move(read, client, newest):
    read("moved", new="new@example.net")

    message = newest("new_link")

    (path,) = private_links(message)
    assert message["To"] == "new@example.net"
    assert Mail.select().where(Mail.kind == "link").count() == 0
    assert Registration.get().reference in client.get(path).text


def private_links(*messages: EmailMessage) -> list[str]:
    return [path for message in messages for path in paths_in(message) if "/r/" in path]


# The link


def test_new_link_takes_the_place_of_the_one_in_earlier_mails(read, client, newest):
    message = read("new_link")

    (path,) = private_links(message)
    reference = Registration.get().reference
    assert message["Subject"] == f"Your new personal link – {reference}"
    assert "Here is the new personal link to your registration. Earlier ones no longer work." in text_of(
        message
    )
    assert "somebody else has used your old link" in text_of(message)
    assert reference in client.get(path).text
    for old in private_links(newest("confirmation")):
        client.get(old, status=404)


def test_link_that_is_sent_again_is_the_one_in_earlier_mails(read, client, newest):
    message = read("link")

    assert message["Subject"] == f"Your personal link – {Registration.get().reference}"
    assert "Here is the personal link to your registration, as you asked." in text_of(message)
    for path in private_links(message, newest("confirmation")):
        client.get(path)


@pytest.mark.parametrize("kind", ["confirmation", "repeat", "link", "new_link", "changed", "restored"])
def test_mail_says_what_the_personal_link_is_for(read, kind):
    message = read(kind)

    words = (
        "With your personal link you see, change or cancel your registration. Whoever has it can do so too,"
    )
    assert words in text_of(message)
    assert words in html_of(message).get_text()


# Cancelled and restored


def test_cancelled_takes_the_conference_out_of_the_calendar(read, newest):
    cancelled = event_of(read("cancelled"))

    confirmed = event_of(newest("confirmation"))
    assert (confirmed["STATUS"], cancelled["STATUS"]) == ("CONFIRMED", "CANCELLED")
    assert int(cancelled["SEQUENCE"]) > int(confirmed["SEQUENCE"])
    assert cancelled["UID"] == confirmed["UID"]


def test_restored_puts_the_conference_back_into_the_calendar(read, newest):
    restored = event_of(read("restored"))

    cancelled = event_of(newest("cancelled"))
    assert restored["STATUS"] == "CONFIRMED"
    assert int(restored["SEQUENCE"]) > int(cancelled["SEQUENCE"])
    assert restored["UID"] == cancelled["UID"]


def test_repeat_has_the_event_as_it_is_by_now(send, happen, newest):
    send("en")
    happen("changed")

    send("en", key="a later form")

    assert event_of(newest("repeat")) == event_of(newest("confirmation")) | {"SEQUENCE": "1"}


def test_cancelled_says_until_when_it_can_be_taken_back(read):
    assert "Until 8 May 2017 you can take this back with your personal link:" in text_of(read("cancelled"))


def test_cancelled_after_the_deadline_says_that_it_stays(send, happen, newest, after_the_deadline, app):
    clock.rehearse(datetime(2017, 4, 10).date())
    send("en")
    clock.rehearse(datetime(2017, 5, 10).date())

    happen("cancelled")

    text = text_of(newest("cancelled"))
    assert "take this back" not in text
    assert "With your personal link you can still see it or have it erased:" in text


def test_restored_asks_for_the_passport_again(read):
    message = read("restored")

    assert message["Subject"] == f"Your registration holds again – {Registration.get().reference}"
    assert "Passport details, if you had given any, have to be given again." in text_of(message)


@pytest.mark.parametrize("kind", ["cancelled", "restored"])
def test_conference_that_asks_for_no_passport_speaks_of_none(read, leave_out, kind):
    leave_out("visa")

    message = read(kind)

    assert "passport" not in f"{text_of(message)} {html_of(message).get_text()}".casefold()


# Erased


@pytest.mark.parametrize(
    ("is_blocking", "words"),
    [
        (
            True,
            "As you asked, this service will never write to this address again; nobody can register with it any more.",
        ),
        (False, "You are welcome to register again."),
    ],
)
def test_erased_says_whether_the_service_will_write_again(send, newest, app, is_blocking, words):
    send("en")
    with app.test_request_context("/en/"):
        erase(Registration.get(), is_blocking=is_blocking, desk=app.extensions["desk"])

    message = newest("erased")

    assert words in text_of(message)
    assert words in html_of(message).get_text()


def test_erased_names_the_reference_and_nobody(read):
    message = read("erased", given_names="Canary", organisation="Canary", function="Canary")

    reference = Registration.get().reference
    assert message["Subject"] == f"Your data have been erased – {reference}"
    for body in (text_of(message), html_of(message).get_text()):
        assert f"a registration with the reference number {reference}, without a name, and when" in body
    assert "Canary" not in text_of(message) + str(html_of(message))
    assert paths_in(message) == ["/en/privacy"]


# Late


def test_late_brings_a_link_that_opens_the_form_after_the_deadline(read, client, after_the_deadline):
    client.get("/en/registration", status=403)

    (path,) = [path for path in paths_in(read("late")) if "late=" in path]

    page = client.get(path)
    assert page.value("email") == "ada@example.org"


def test_late_says_until_when_and_for_whom_the_link_works(read):
    clock.rehearse(None)
    with time_machine.travel(datetime(2017, 5, 10, 9, 30, tzinfo=UTC), tick=False):
        message = read("late")

    words = "It works for this e-mail address only, once, and until 13 May 2017, 09:30 UTC:"
    assert words in text_of(message)
    assert words in html_of(message).get_text()


@pytest.mark.parametrize("kind", ["changed", "link", "new_link"])
def test_each_mail_about_a_change_has_a_message_id_of_its_own(send, happen, kind):
    send("en")

    for function in ("Secretary", "President", "Treasurer"):
        happen(kind, changes={"function": function})

    assert len({mail.message_id for mail in Mail.select().where(Mail.kind == kind)}) == 3


def test_changed_tells_the_nights_only_by_their_title(read):
    changes = {"stay": replace(STAY, share_with="Canary Bird")}

    message = read("changed", changes=changes, hotel="reserve", stay=STAY)

    assert items_of(message) == ["Hotel reservation"]
    assert "Canary" not in text_of(message)
