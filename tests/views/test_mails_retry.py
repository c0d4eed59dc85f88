"""POST /organiser/mails/<number>/retries: send one mail again."""

import pytest
from support.journey import HTMX, again, everything, stored

from models import AuditEntry, Organiser

PAGE = "/organiser/mails"
ERROR = "451 4.3.0 Later"


def send_again(desk_client, number: int, *, status: int = 303, **given):
    token = desk_client.get(PAGE).select("[name=csrf_token]")[0]["value"]
    return desk_client.post(f"{PAGE}/{number}/retries", {"csrf_token": token}, status=status, **given)


@pytest.mark.parametrize("state", ["failed", "retrying"])
def test_one_mail_is_sent_again_at_once(desk_client, put, state):
    one, other = put(2, state=state, attempts=5, error=ERROR)

    page = send_again(desk_client, one.id)

    after = again(one)
    assert page.headers["Location"] == f"{PAGE}/{one.id}?done=1"
    assert (after.state, after.attempts, after.error) == ("queued", 0, "")
    assert after.due_at > one.due_at
    assert again(other).__data__ == other.__data__


@pytest.mark.parametrize("state", ["queued", "sending", "accepted"])
def test_mail_that_is_on_its_way_or_went_out_is_left_alone(desk_client, put, state):
    (mail,) = put(state=state, attempts=5)

    send_again(desk_client, mail.id)

    assert again(mail).__data__ == mail.__data__


def test_retry_is_logged(desk_client, put):
    one, _ = put(2, state="failed")

    send_again(desk_client, one.id)

    entry = stored(AuditEntry)[-1]
    assert (entry.action, entry.organiser_id, entry.details) == (
        "mails.retried",
        stored(Organiser)[0].id,
        {"mails": 1},
    )


def test_retry_with_htmx_leads_back_too(desk_client, put):
    (mail,) = put(state="failed")

    page = send_again(desk_client, mail.id, status=204, headers=HTMX)

    assert page.headers["HX-Redirect"] == f"{PAGE}/{mail.id}?done=1"


@pytest.mark.parametrize("token", [None, "", "forged"])
def test_mail_is_not_sent_again_without_the_token(desk_client, put, token):
    (mail,) = put(state="failed")
    before = everything()

    data = {"csrf_token": token} if token is not None else {}
    desk_client.post(f"{PAGE}/{mail.id}/retries", data, status=400)

    assert everything() == before


@pytest.mark.parametrize("number", [0, 99_999_999, 2**31, 2**40])
def test_unknown_mail_is_not_found(desk_client, put, number):
    put(state="failed")
    before = everything()

    send_again(desk_client, number, status=404)

    assert everything() == before
