"""POST /organiser/mails/retries: send again every mail that failed."""

import pytest
from support.journey import HTMX, everything, own_page, stored

from db import connection
from domain import clock
from models import MAIL_STATES, Announcement, AuditEntry, Mail, Organiser

PAGE = "/organiser/mails"
ERROR = "550 5.1.1 No such user here"


def send_again(desk_client, *, status: int = 303, **given):
    token = desk_client.get(PAGE).select(f"form[action='{PAGE}/retries'] [name=csrf_token]")[0]["value"]
    return desk_client.post(f"{PAGE}/retries", {"csrf_token": token}, status=status, **given)


def test_every_mail_that_failed_is_sent_again_and_no_other(desk_client, put):
    mails = {state: put(2, state=state, attempts=5, error=ERROR) for state in MAIL_STATES}
    before = {mail.id: mail for mail in stored(Mail)}

    page = send_again(desk_client)

    after = {mail.id: mail for mail in stored(Mail)}
    again = {mail.id for mail in mails["failed"]}
    assert page.headers["Location"] == PAGE
    assert {(after[id].state, after[id].attempts, after[id].error) for id in again} == {("queued", 0, "")}
    assert all(after[id].due_at > before[id].due_at for id in again)
    assert [after[id].__data__ for id in after if id not in again] == [
        before[id].__data__ for id in before if id not in again
    ]


def test_mails_of_a_stopped_announcement_are_neither_offered_nor_sent_again(desk_client, put):
    with connection():
        stopped = Announcement.create(state="stopped", created_at=clock.now())
    put(2, state="failed", announcement=stopped)
    assert desk_client.get(PAGE).select(f"form[action='{PAGE}/retries']") == []
    put(state="failed")

    assert "Send again the 1 mail that failed" in desk_client.get(PAGE).text
    send_again(desk_client)

    assert [mail.state for mail in stored(Mail)] == ["failed", "failed", "queued"]


def test_retries_are_logged_with_their_number(desk_client, put):
    put(3, state="failed")

    send_again(desk_client)

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.organiser_id, entry.registration_id, entry.details) == (
        "mails.retried",
        stored(Organiser)[0].id,
        None,
        {"mails": 3},
    )


def test_retries_with_htmx_lead_back_too(desk_client, put):
    put(state="failed")

    page = send_again(desk_client, status=204, headers=HTMX)

    assert page.headers["HX-Redirect"] == PAGE
    assert [mail.state for mail in stored(Mail)] == ["queued"]


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_nothing_is_sent_again_without_the_token(desk_client, put, token):
    put(state="failed")
    before = everything()

    desk_client.post(f"{PAGE}/retries", {"csrf_token": token} if token is not None else {}, status=400)

    assert everything() == before


def test_mail_that_was_erased_is_not_sent_again(app, desk_client, mailed, put):
    erased = mailed(columns={"state": "failed"})
    desk_client.post(f"{own_page(app, erased.registration)}/erasure", {"sure": "y"}, status=303)
    put(state="failed")

    send_again(desk_client)

    assert {mail.kind: mail.state for mail in stored(Mail)} == {
        "erased": "queued",  # on its way
        "late": "queued",
    }
