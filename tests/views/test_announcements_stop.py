"""POST /organiser/announcements/<number>/stop: nobody else gets it."""

import pytest
from support.announcing import ANNOUNCEMENTS, sent, token_on, written
from support.journey import everything, stored

from db import connection
from domain import announcements
from models import Announcement, AuditEntry, Mail


def stop(desk_client, path: str, *, status: int = 303, token: str | None = None):
    token = token_on(desk_client.get(path)) if token is None else token
    return desk_client.post(f"{path}/stop", {"csrf_token": token}, status=status)


def test_sending_is_stopped(desk_client, registered):
    registered()
    path = sent(desk_client)

    page = stop(desk_client, path)

    assert page.headers["Location"] == path
    assert stored(Announcement)[0].state == "stopped"
    assert stored(AuditEntry)[-1].action == "announcement.stopped"
    page = desk_client.get(path)
    assert page.texts("#progress [role=status]") == ["Stopped"]
    assert page.texts("#progress dd")[-1] == "1"
    assert page.select("#progress a, #progress form") == []


def test_page_offers_no_second_stop_while_a_mail_is_in_hand(app, desk_client, registered):
    registered()
    path = sent(desk_client)
    with connection():
        announcements.prepare_some(app.extensions["desk"])
    give(stored(Mail)[-1], state="sending")
    before = desk_client.get(path)

    stop(desk_client, path)

    page = desk_client.get(path)
    assert before.one("#progress form")["action"] == f"{path}/stop"
    assert page.texts("#progress [role=status]") == ["Stopped"]
    assert page.texts("#progress a") == ["Look again"]
    assert page.select("#progress form") == []


def give(mail: Mail, **columns: str) -> None:
    with connection():
        Mail.update(**columns).where(Mail.id == mail.id).execute()


def test_draft_is_not_stopped(desk_client, registered):
    registered()
    path = written(desk_client)
    token = token_on(desk_client.get(path))
    before = everything()

    stop(desk_client, path, token=token)

    assert everything() == before


@pytest.mark.parametrize("token", ["", "forged"])
def test_nothing_is_stopped_without_the_token(desk_client, registered, token):
    registered()
    path = sent(desk_client)

    stop(desk_client, path, token=token, status=400)

    assert stored(Announcement)[0].state == "sending"


def test_stranger_stops_nothing(desk_client, registered):
    registered()
    path = sent(desk_client)
    token = token_on(desk_client.get(path))
    desk_client.client.delete_cookie("session")

    stop(desk_client, path, token=token, status=401)

    assert stored(Announcement)[0].state == "sending"


def test_unknown_number_is_not_found(desk_client):
    token = token_on(desk_client.get(f"{ANNOUNCEMENTS}/new"))

    stop(desk_client, f"{ANNOUNCEMENTS}/1", token=token, status=404)
