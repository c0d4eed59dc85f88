"""GET /<lang>/: the invitation, and its way to the form while that is open."""

from datetime import UTC, date, datetime, time

import pytest
import time_machine
from support.journey import ON_SQLITE

from domain import clock
from domain.conference import LANGUAGES

pytestmark = ON_SQLITE


@pytest.mark.parametrize("lang", LANGUAGES)
def test_invitation_leads_to_the_form_in_its_language(client, lang):
    page = client.get(f"/{lang}/")

    assert page.one(".call a")["href"] == f"/{lang}/registration"
    client.get(page.one(".call a")["href"])


def test_invitation_names_dates_and_place(client):
    page = client.get("/en/")

    assert page.texts(".letter__when") == ["25–26 May 2017 Ulaanbaatar, Mongolia"]
    assert page.texts(".call__note") == ["Please register by 8 May 2017"]


def test_invitation_says_after_the_deadline_that_registration_is_closed(client, after_the_deadline):
    page = client.get("/en/")

    assert page.texts(".call") == ["Registration is closed"]
    assert page.select("main a[href='/en/registration']") == []


def test_invitation_that_was_kept_is_out_of_date_from_the_deadline_on(client):
    clock.rehearse(date(2017, 5, 9))
    today = datetime.now(UTC).date()
    with time_machine.travel(datetime.combine(today, time(11, 59, 58), UTC)):
        kept = client.get("/en/").headers["ETag"]
        client.get("/en/", headers={"If-None-Match": kept}, status=304)

    with time_machine.travel(datetime.combine(today, time(12), UTC)):
        page = client.get("/en/", headers={"If-None-Match": kept})

    assert page.texts(".call") == ["Registration is closed"]
