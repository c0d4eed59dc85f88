"""GET /organiser/sheets: the sheets that there are, for those who may open them."""

import pytest
from support.journey import ON_SQLITE

from views.organiser import local_target

pytestmark = ON_SQLITE

LISTING = "/organiser/sheets"
NAMES = ["arrivals", "departures", "rooms", "access", "meals", "visa", "headsets", "badges", "sign-in"]
OPEN_TO = {
    "reader": ["headsets", "badges", "sign-in"],
    "logistics": [name for name in NAMES if name != "visa"],
    "visa": ["visa", "headsets", "badges", "sign-in"],
    "admin": NAMES,
}


def test_every_sheet_is_named_with_its_page_and_its_file(desk_client):
    page = desk_client.get(LISTING)

    assert [link["href"] for link in page.select(".sheets__title a")] == [
        f"{LISTING}/{name}" for name in NAMES
    ]
    assert [link["href"] for link in page.select(".sheets__links a")] == [
        f"{LISTING}/{name}{ending}" for name in NAMES for ending in ("", ".xlsx")
    ]
    assert len(page.texts(".sheets__sheet > p:not(.sheets__links)")) == len(NAMES)


@pytest.mark.parametrize("role", OPEN_TO)
def test_only_what_a_role_may_open_is_named(sign_in_as, role):
    page = sign_in_as(role).get(LISTING)

    assert [link["href"].rpartition("/")[2] for link in page.select(".sheets__title a")] == OPEN_TO[role]


@pytest.mark.parametrize("role", OPEN_TO)
@pytest.mark.parametrize("ending", ["", ".xlsx"])
def test_only_what_a_role_may_open_opens(sign_in_as, registered, role, ending):
    registered()
    browser = sign_in_as(role)

    status = {name: browser.client.get(f"{LISTING}/{name}{ending}").status_code for name in NAMES}

    assert status == {name: 200 if name in OPEN_TO[role] else 403 for name in NAMES}


@pytest.mark.parametrize(
    "path", [LISTING, f"{LISTING}/sign-in", f"{LISTING}/visa.xlsx", "/organiser/statistics"]
)
def test_sign_in_leads_on_to_what_was_asked_for(app, client, path):
    with app.test_request_context("/"):
        assert local_target(path) == path
