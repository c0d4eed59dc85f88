"""GET /organiser/account: who I am, what I may do, and where I am signed in."""

import pytest
from conftest import PASSWORD
from support.access import enrolled
from support.journey import ON_SQLITE, sign_in
from support.page import PageClient

ACCOUNT = "/organiser/account"
AGENTS = {
    "Firefox, Linux": "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "Edge, Windows": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 "
    "Safari/537.36 Edg/142.0",
    "Chrome, Android": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Mobile "
    "Safari/537.36",
    "Safari, iPhone": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Mobile/15E148 Safari/604.1",
    "Safari, macOS": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.0 Safari/605.1.15",
    "Unknown browser": "curl/8 <script>",
}


@ON_SQLITE
def test_account_tells_who_and_what_in_words(client):
    enrolled(roles=("logistics", "visa"))
    sign_in(client, "cem@example.org", PASSWORD, code=enrolled("bo@example.org")[0], status=422)
    codes = enrolled("eve@example.org", roles=("logistics", "visa"))
    sign_in(client, "eve@example.org", PASSWORD, code=codes[0])

    page = client.get(ACCOUNT)

    told = " ".join(page.texts(".answers dd"))
    assert "eve@example.org" in told
    assert "Logistics: keeps" in told
    assert "Visa: keeps" in told
    assert "Admin" not in told
    assert "9 recovery codes are left" in told
    assert page.select('main a[href="/organiser/account/everybody"]') == []


@ON_SQLITE
def test_account_without_an_app_says_so(desk_client):
    page = desk_client.get(ACCOUNT)

    assert "None: in this rehearsal you sign in with the password alone." in page.text
    assert page.select('main a[href="/organiser/account/everybody"]')


@ON_SQLITE
@pytest.mark.parametrize("browser", AGENTS)
def test_browser_is_named_in_a_few_words(client, organiser, browser):
    sign_in(client, organiser.email, PASSWORD, headers={"User-Agent": AGENTS[browser]})

    page = client.get(ACCOUNT)

    assert page.texts("tbody th") == [f"{browser} This one"]
    assert len(page.select("tbody time")) == 2


@ON_SQLITE
def test_account_lists_every_browser_of_mine_and_nobody_elses(app, client, organiser):
    enrolled("bo@example.org")
    for browser in (PageClient(app), client):
        sign_in(browser, organiser.email, PASSWORD)
    sign_in(PageClient(app), "bo@example.org", PASSWORD, code="000000", status=422)

    page = client.get(ACCOUNT)

    assert len(page.select("tbody tr")) == 2
    assert [bool(row.select(".state")) for row in page.select("tbody tr")] == [True, False]


@ON_SQLITE
def test_address_in_the_head_of_every_page_leads_here(desk_client):
    page = desk_client.get("/organiser/registrations")

    assert page.one(f'.account a[href="{ACCOUNT}"]').get_text(" ", strip=True) == "My access cem@example.org"
