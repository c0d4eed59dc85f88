"""The warning on every organisers' page while mails do not get through."""

from datetime import timedelta

import pytest
from conftest import CLOSED_DAY
from support.journey import ON_SQLITE, amend, own_page

from db import connection
from domain import clock, outbox
from models import Mail

EVERY_PAGE = [
    "/organiser/registrations",
    "/organiser/registrations/{reference}",
    "/organiser/registrations.csv",
    "/organiser/late-links",
    "/organiser/mails",
    "/organiser/mails/{number}",
    "/organiser/log",
    "/organiser/nothing",
]
ERROR = "ConnectionRefusedError: [Errno 111] Connection refused"
NO_SUCH_MAILBOX = "550 5.1.1 No such user here"
pytestmark = ON_SQLITE


def warnings(desk_client, path: str) -> list[str]:
    status = {"/organiser/nothing": 404, "/organiser/registrations.csv": 403}.get(path, 200)
    page = desk_client.get(path, status=status)
    assert bool(page.select(".undelivered")) is bool(page.texts(".undelivered p"))
    return page.texts(".undelivered p")


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_page_warns_of_delegates_who_are_not_reached_and_then_no_more(desk_client, mailed, path):
    mail = mailed(columns={"state": "failed", "error": NO_SUCH_MAILBOX})
    path = path.format(reference=mail.registration.reference, number=mail.id)

    before = warnings(desk_client, path)
    with connection():
        outbox.retry()
    after = warnings(desk_client, path)

    assert before == [
        "1 mail has failed: its delegate has not been reached. See why, and send again",
    ]
    assert after == []


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_page_says_since_when_and_why_mails_wait_for_the_server(desk_client, mailed, path):
    mail = mailed(columns={"due_at": clock.now() - timedelta(hours=1)})
    path = path.format(reference=mail.registration.reference, number=mail.id)
    assert warnings(desk_client, path) == []

    with connection():
        outbox.say_why(ERROR)
        since = Mail.get().due_at

    (line,) = warnings(desk_client, path)
    assert line.startswith("Mails have been waiting since ")
    assert f"{since:%H:%M} UTC. No mail server answers on this port: is it running" in line


@pytest.mark.parametrize(("accepted", "is_silent"), [(16, True), (14, False)])
def test_page_says_when_nothing_sends_the_mails_that_are_due(desk_client, mailed, put, accepted, is_silent):
    now = clock.now()
    long_ago = now - timedelta(minutes=16)
    mailed(columns={"due_at": long_ago, "created_at": long_ago})
    put(state="accepted", accepted_at=now - timedelta(minutes=accepted))

    lines = warnings(desk_client, "/organiser/mails")

    assert ["nothing sends mails at present" in line for line in lines] == [True] * is_silent


def test_page_goes_on_to_say_so_after_another_mail_was_sent_again(desk_client, mailed, put):
    long_ago = clock.now() - timedelta(hours=1)
    put(state="failed", created_at=long_ago)
    mailed(columns={"due_at": long_ago, "created_at": long_ago})
    with connection():
        outbox.retry()

    assert "nothing sends mails at present" in warnings(desk_client, "/organiser/mails")[0]


def test_warning_leads_to_what_failed(desk_client, mailed, put):
    mail = mailed(columns={"state": "failed", "error": NO_SUCH_MAILBOX})
    put()

    page = desk_client.get(desk_client.get("/organiser/late-links").one(".undelivered a")["href"])

    assert [link["href"] for link in page.select("tbody th a")] == [f"/organiser/mails/{mail.id}"]


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("fr", "2 messages n’ont pas pu être remis"),
        ("en", "2 mails have failed"),
        ("es", "2 correos no se han podido entregar"),
    ],
)
def test_warning_counts_in_each_language(desk_client, mailed, lang, words):
    for _ in range(2):
        mailed(columns={"state": "failed", "error": NO_SUCH_MAILBOX})

    assert warnings(desk_client, f"/organiser/mails?lang={lang}")[0].startswith(words)


@pytest.mark.parametrize("path", ["/en/", "/en/registration", "/en/nothing", "own", "/organiser/session"])
def test_nobody_else_sees_the_warning(app, client, mailed, path):
    mail = mailed(columns={"state": "failed", "error": NO_SUCH_MAILBOX})
    path = own_page(app, mail.registration) if path == "own" else path

    page = client.get(path, status=404 if "nothing" in path else 200)

    assert page.select(".undelivered") == []


def test_public_page_in_an_organisers_browser_has_no_warning(desk_client, mailed):
    mailed(columns={"state": "failed", "error": NO_SUCH_MAILBOX})
    assert len(warnings(desk_client, "/organiser/mails")) == 1

    assert desk_client.get("/en/registration").select(".undelivered") == []


def test_new_address_that_gets_no_mail_is_told_to_both(app, desk_client, mailed):
    mail = mailed()
    own = own_page(app, mail.registration)
    amend(desk_client, f"{own}/edit", {"email": "ada@wrong.example"})
    assert "could not be delivered" not in desk_client.get(own).text
    with connection():
        Mail.update(state="failed", error=NO_SUCH_MAILBOX).where(Mail.kind == "address").execute()
        asking = Mail.get(Mail.kind == "address")

    organisers = desk_client.get(f"/organiser/mails/{asking.id}")
    delegates = desk_client.get(own)

    assert organisers.texts(".undelivered p")[0].startswith("1 mail has failed")
    assert "only the delegate can correct that" in organisers.text
    assert "The mail that we sent there could not be delivered." in delegates.text


def test_new_address_that_gets_no_mail_cannot_be_corrected_by_the_delegate_after_the_deadline(
    app, desk_client, mailed
):
    mail = mailed()
    amend(desk_client, f"{own_page(app, mail.registration)}/edit", {"email": "ada@wrong.example"})
    with connection():
        Mail.update(state="failed", error=NO_SUCH_MAILBOX).where(Mail.kind == "address").execute()
        asking = Mail.get(Mail.kind == "address")
    clock.rehearse(CLOSED_DAY)

    page = desk_client.get(f"/organiser/mails/{asking.id}")

    assert "only the delegate can correct that" not in page.text
    assert "With a late link to the right one they can register anew" in page.text
