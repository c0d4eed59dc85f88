"""GET /organiser/account/everybody: who has access."""

import logging

from support.access import enrolled

from db import connection
from domain import organisers

PATH = "/organiser/account/everybody"


def test_admin_sees_who_has_access_and_who_has_not_enrolled(desk_client):
    enrolled("ada@example.org", roles=("visa", "logistics"))
    with connection():
        organisers.invite("bo@example.org", roles=["reader"])
        organisers.invite("eve@example.org", roles=["reader"])
        organisers.remove("eve@example.org")

    page = desk_client.get(PATH)

    assert page.texts("tbody th") == ["ada@example.org", "bo@example.org", "cem@example.org"]
    last = [cell.get_text(strip=True) for cell in page.select("tbody td:last-child")]
    assert last[:2] == ["Never", "Has not enrolled yet"]
    assert last[2].startswith("April 10, 2017") or last[2].startswith("10 April 2017")
    assert "Visa: keeps" in page.texts("tbody td")[0]


def test_list_of_organisers_costs_the_same_however_many_there_are(desk_client, caplog):
    def queries() -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            desk_client.get(PATH)
        return len(caplog.records)

    for_one = queries()
    for number in (1, 2):
        enrolled(f"organiser{number}@example.org")

    assert queries() == for_one > 1
