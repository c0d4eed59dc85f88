"""POST /organiser/session/end: the sign-out."""

from support.journey import SESSION, stored
from support.page import PageClient

from models import AuditEntry, SignIn

END = "/organiser/session/end"
LIST = "/organiser/registrations"


def sign_out(client):
    return client.post(END, {"csrf_token": client.get(LIST).value("csrf_token")}, status=303)


def test_sign_out_leads_to_the_sign_in(desk_client):
    page = sign_out(desk_client)

    assert page.headers["Location"] == SESSION
    desk_client.get(LIST, status=303)
    assert stored(SignIn) == []
    assert stored(AuditEntry)[-1].action == "organiser.signed_out"


def test_stolen_cookie_is_dead_after_the_sign_out(app, desk_client):
    cookie = desk_client.client.get_cookie("session").value
    eve = PageClient(app)
    eve.client.set_cookie("session", cookie)
    eve.get(LIST)

    sign_out(desk_client)

    eve.client.set_cookie("session", cookie)
    eve.get(LIST, status=303)


def test_sign_out_needs_its_token(desk_client):
    desk_client.post(END, {"csrf_token": "forged"}, status=400)

    desk_client.get(LIST)
