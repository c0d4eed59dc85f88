"""POST /organiser/mails/<number>/address: the right address of a delegate whom a mail did not reach."""

import json
from email import message_from_string, policy
from urllib.parse import urlsplit

import pytest
from support.journey import ON_SQLITE, again, amend, everything, own_page, stored

from db import connection
from domain import clock, mailroom, registration
from models import Announcement, AuditEntry, Mail, Organiser, Registration

PAGE = "/organiser/mails"
NEW = "Ada@example.net"
NO_SUCH_MAILBOX = "550 5.1.1 No such user here"


@pytest.fixture
def failed(mailed) -> Mail:
    """ada's confirmation, which went to an address that does not exist."""
    return mailed(
        email="ada@exmaple.org", columns={"state": "failed", "attempts": 3, "error": NO_SUCH_MAILBOX}
    )


def correct(desk_client, mail: Mail, address: str = NEW, *, status: int = 303):
    token = desk_client.get(PAGE).select("[name=csrf_token]")[0]["value"]
    return desk_client.post(
        f"{PAGE}/{mail.id}/address", {"csrf_token": token, "email": address}, status=status
    )


def without_to(message: str) -> list[str]:
    return [line for line in message.splitlines(keepends=True) if not line.startswith("To: ")]


def test_mails_that_failed_go_to_the_new_address_otherwise_as_they_were(desk_client, failed):
    page = correct(desk_client, failed)

    mail = again(failed)
    assert page.headers["Location"] == f"{PAGE}/{failed.id}?done=corrected"
    assert (mail.state, mail.attempts, mail.error, mail.recipient) == ("queued", 0, "", NEW)
    assert mail.due_at > failed.due_at
    assert (mail.message_id, mail.once) == (failed.message_id, failed.once)
    assert without_to(mail.message) == without_to(failed.message)
    assert message_from_string(mail.message, policy=policy.SMTP)["To"] == NEW
    assert len(stored(Mail)) == 1


def test_new_link_goes_out_where_no_words_are_left_to_be_sent(desk_client, mailed):
    mail = mailed(
        email="ada@exmaple.org", columns={"state": "failed", "error": NO_SUCH_MAILBOX, "message": ""}
    )
    before = desk_client.get(f"{PAGE}/{mail.id}")

    answer = correct(desk_client, mail)

    page = desk_client.get(answer.headers["Location"])
    old, new = stored(Mail)
    assert (old.state, new.kind, new.recipient, new.state) == ("failed", "new_link", NEW, "queued")
    assert again(mail.registration).link_version == 2
    assert before.select("form[action$='/retries']") == []
    assert page.texts("[role=status]") == [
        "The address is corrected, and mails go there from now on. This mail itself is not sent again."
    ]


def test_stopped_mail_is_not_offered_for_the_address_that_was_wrong(desk_client, failed, put):
    with connection():
        stopped = Announcement.create(state="stopped", created_at=clock.now())
    theirs = {"registration": failed.registration, "recipient": failed.recipient, "announcement": stopped}
    (mail,) = put(state="failed", kind="announcement", error=NO_SUCH_MAILBOX, **theirs)
    before = desk_client.get(f"{PAGE}/{mail.id}")

    page = desk_client.get(correct(desk_client, mail).headers["Location"])

    assert len(before.select("form[action$='/retries']")) == 1
    assert page.select("form[action$='/retries']") == []
    assert page.texts("[role=status]")[0].endswith("This mail itself is not sent again.")
    assert [(one.kind, one.state) for one in stored(Mail)] == [
        ("confirmation", "queued"),
        ("announcement", "failed"),
    ]


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ("queued", ["It is being sent again."]),
        ("accepted", ["The mail server has accepted it."]),
        ("failed", []),
    ],
)
def test_page_says_of_a_corrected_mail_only_what_holds_by_now(desk_client, failed, state, told):
    answer = correct(desk_client, failed)
    with connection():
        Mail.update(state=state).execute()

    assert desk_client.get(answer.headers["Location"]).texts("[role=status]") == told


@pytest.mark.parametrize(
    "name", ["Ада Лавлейс", "x" * 100, '"Ünal, Ada" <b>é</b>'], ids=["cyrillic", "long", "odd"]
)
def test_mail_with_any_name_goes_on_as_it_was(desk_client, mailed, name):
    mail = mailed(given_names=name, lang="fr", organisation="é" * 200, columns={"state": "failed"})

    correct(desk_client, mail)

    assert without_to(again(mail).message) == without_to(mail.message)


def test_registration_has_the_new_address(app, desk_client, client, failed):
    before = failed.registration

    correct(desk_client, failed)

    after = again(before)
    assert (after.email, after.address_key) == (NEW, "ada@example.net")
    assert (after.sequence, after.link_version) == (before.sequence + 1, before.link_version)
    assert after.updated_at > before.updated_at
    assert client.get(own_page(app, before)).texts("h1") != []
    for path in (PAGE, "/organiser/registrations"):
        assert failed.registration.reference in desk_client.get(f"{path}?q=ada@example.net").text
        assert failed.registration.reference not in desk_client.get(f"{path}?q=exmaple").text


def test_correction_is_logged_without_the_addresses(desk_client, failed):
    correct(desk_client, failed)

    entry = stored(AuditEntry)[-1]
    details = json.dumps([entry.details for entry in stored(AuditEntry)])
    assert (entry.action, entry.organiser_id, entry.registration_id) == (
        "registration.address_corrected",
        stored(Organiser)[0].id,
        failed.registration_id,
    )
    assert "ada" not in details.casefold()


def test_correction_takes_the_warning_away(desk_client, failed):
    assert desk_client.get(PAGE).select(".undelivered") != []

    correct(desk_client, failed)

    assert desk_client.get(PAGE).select(".undelivered") == []


def test_sensitive_answers_outlive_a_correction(desk_client, mailed):
    mail = mailed(mobile="+976 99 112233", columns={"state": "failed"})

    correct(desk_client, mail)

    assert again(mail.registration).mobile == "+976 99 112233"


def test_address_that_waited_to_be_confirmed_counts_no_more(app, desk_client, client, failed):
    amend(client, f"{own_page(app, failed.registration)}/edit", {"email": "ada@third.example"})
    assert again(failed.registration).pending_email == "ada@third.example"

    correct(desk_client, failed)

    assert again(failed.registration).pending_email is None


# Where somebody at the old address holds the link


def test_old_link_opens_nothing_where_a_mail_had_reached_the_old_address(
    app, desk_client, client, failed, put
):
    put(registration=failed.registration, recipient="Ada@exmaple.org", kind="link")
    old_link = own_page(app, failed.registration)
    client.get(old_link)

    correct(desk_client, failed)

    client.get(old_link, status=404)
    row, mail = again(failed.registration), stored(Mail)[-1]
    assert row.link_version == failed.registration.link_version + 1
    assert (mail.kind, mail.recipient, mail.state) == ("new_link", NEW, "queued")
    assert (again(failed).state, again(failed).recipient) == ("queued", NEW)
    text = message_from_string(mail.message, policy=policy.SMTP).get_body(("plain",)).get_content()
    (link,) = [line for line in text.splitlines() if "/r/" in line]
    assert client.get(urlsplit(link).path).texts("h1") != []


# What is refused


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "Enter the right e-mail address"),
        ("ada", "Enter an e-mail address such as name@example.org"),
        ("ada@example.org\nBcc: eve@example.org", "Enter an e-mail address such as name@example.org"),
        ("Bo@example.org", "Another registration has this address"),
        (
            "cem@example.org",
            "Whoever has this address asked that this service never write to it again",
        ),
    ],
)
def test_address_that_cannot_be_taken_is_refused_with_words(
    app, desk_client, failed, registered, address, words
):
    registered(email="bo@example.org")
    blocked = registered(email="cem@example.org")
    desk_client.post(f"{own_page(app, blocked)}/erasure", {"sure": "y", "block": "y"}, status=303)
    before = everything()

    page = correct(desk_client, failed, address, status=422)

    assert page.texts("#email-error") == [words]
    assert len(page.select("#summary a")) == 1
    assert page.texts("title") == ["Error: Mail – Organisers"]
    assert page.value("email") == " ".join(address.split())
    after = everything()
    looks = after.pop("AuditEntry")[len(before.pop("AuditEntry")) :]
    assert {entry["action"] for entry in looks} == {"mail.viewed"}
    assert after == before


def test_delegate_who_changed_the_registration_meanwhile_wins(desk_client, failed, monkeypatch):
    is_correctable = mailroom.is_correctable

    def and_then_the_delegate_is_quicker(mail: Mail) -> bool:
        Registration.update(sequence=Registration.sequence + 1).execute()
        return is_correctable(mail)

    monkeypatch.setattr(mailroom, "is_correctable", and_then_the_delegate_is_quicker)

    page = correct(desk_client, failed, status=422)

    assert page.texts("#email-error") == [
        "The delegate has just changed this registration. Please look at it first"
    ]
    assert again(failed.registration).email == "ada@exmaple.org"
    assert again(failed).__data__ == failed.__data__


@ON_SQLITE
@pytest.mark.parametrize("token", [None, "", "forged"])
def test_address_is_not_corrected_without_the_token(desk_client, failed, token):
    data = {"email": NEW} | ({"csrf_token": token} if token is not None else {})

    page = desk_client.post(f"{PAGE}/{failed.id}/address", data, status=422)

    assert "This page had been open for too long" in page.text
    assert page.value("email") == NEW
    assert again(failed.registration).email == "ada@exmaple.org"
    assert again(failed).__data__ == failed.__data__


@ON_SQLITE
def test_refusal_leads_to_the_mail_in_another_language(desk_client, failed):
    page = correct(desk_client, failed, "", status=422)

    addresses = [link["href"] for link in page.select(".languages a")]
    assert addresses == [f"{PAGE}/{failed.id}?lang={lang}" for lang in ("fr", "en", "es")]


# What cannot be corrected


def expect_no_correction(desk_client, mail: Mail) -> None:
    """Neither the page offers it nor does the address behind the button do anything."""
    before = everything()

    page = correct(desk_client, mail)

    assert page.headers["Location"] == f"{PAGE}/{mail.id}"
    assert everything() == before
    assert desk_client.get(f"{PAGE}/{mail.id}").select("form[action$='/address']") == []


@ON_SQLITE
@pytest.mark.parametrize("state", ["queued", "sending", "accepted"])
def test_address_of_a_mail_that_is_in_no_trouble_stays(desk_client, mailed, state):
    expect_no_correction(desk_client, mailed(columns={"state": state}))


@ON_SQLITE
def test_address_of_a_late_link_stays(desk_client, put):
    (mail,) = put(state="failed")

    expect_no_correction(desk_client, mail)


@ON_SQLITE
def test_mail_of_an_erased_registration_is_gone(app, desk_client, failed):
    desk_client.post(f"{own_page(app, failed.registration)}/erasure", {"sure": "y"}, status=303)
    before = everything()

    correct(desk_client, failed, status=404)

    assert everything() == before


@ON_SQLITE
def test_address_that_is_no_longer_the_delegates_stays(app, desk_client, failed):
    with app.test_request_context("/"), connection():
        row = Registration.get_by_id(failed.registration_id)
        row.pending_email = "ada@third.example"
        registration.move(row, row.pending_email, desk=app.extensions["desk"])

    expect_no_correction(desk_client, failed)


@pytest.mark.parametrize("number", [0, 99_999_999, 2**31, 2**40])
def test_address_of_an_unknown_mail_is_not_found(desk_client, failed, number):
    failed.id = number

    correct(desk_client, failed, status=404)


# Odd cases


@ON_SQLITE
def test_address_can_be_corrected_though_a_mail_cannot_be_read_any_more(desk_client, passport_of_a_lost_key):
    mail = passport_of_a_lost_key

    correct(desk_client, mail)

    with connection():
        assert Mail.select(Mail.state, Mail.recipient).tuples().get() == ("failed", mail.recipient)
        assert Registration.select(Registration.email).tuples().get() == (NEW,)


@ON_SQLITE
def test_other_spelling_of_the_address_can_be_set_right(desk_client, failed):
    correct(desk_client, failed, "ADA@exmaple.org")

    assert (again(failed).recipient, again(failed.registration).email) == ("ADA@exmaple.org",) * 2


@ON_SQLITE
def test_address_in_letters_of_any_alphabet_is_written_as_mail_servers_take_it(desk_client, failed):
    correct(desk_client, failed, "ada@müller.example")

    mail = again(failed)
    assert mail.recipient == again(failed.registration).email == "ada@xn--mller-kva.example"
    assert "\nTo: ada@xn--mller-kva.example\r\n" in mail.message


@ON_SQLITE
def test_name_is_escaped_on_the_page_of_a_refusal_too(desk_client, mailed):
    mail = mailed(given_names="<b>Ada</b>", columns={"state": "failed"})

    page = correct(desk_client, mail, "<b>", status=422)

    assert page.value("email") == "<b>"
    assert page.select("main b") == []


@ON_SQLITE
def test_mail_that_waits_for_its_next_attempt_can_be_redirected(desk_client, mailed):
    mail = mailed(columns={"state": "retrying", "due_at": clock.now(), "error": "450 4.2.0 Greylisted"})

    correct(desk_client, mail)

    assert (again(mail).state, again(mail).recipient) == ("queued", NEW)
