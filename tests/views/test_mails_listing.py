"""GET /organiser/mails: the mails with their states, searched, narrowed down, page by page."""

import logging
from urllib.parse import parse_qs, urlsplit

import pytest
from support.journey import HTMX, ON_SQLITE, own_page

from db import connection
from models import MAIL_STATES, Mail

PAGE = "/organiser/mails"
NO_SUCH_MAILBOX = "550 5.1.1 No such user here"
ROWS = "tbody tr"


@pytest.fixture
def three(mailed) -> None:
    """Confirmations to Zoë, Ada and Bo, who came in this order; Zoë's failed and Ada's went out."""
    (
        mailed(given_names="Zoë", family_name="Ünal", email="zoe@example.org", columns={"state": "failed"}),
        mailed(email="ada@example.org", columns={"state": "accepted"}),
    )
    mailed(given_names="Bo", family_name="Adams", email="Bo@müller.example", organisation="Bund_100%")


def recipients(page) -> list[str]:
    return [cell.find_all("bdi")[-1].get_text() for cell in page.select(f"{ROWS} td:nth-of-type(1)")]


def cells(page) -> list[str]:
    return [" ".join(cell.stripped_strings) for cell in page.select(f"{ROWS} th, {ROWS} td")]


def names_of_tabs(page) -> dict[str, str]:
    return {
        link["id"].removeprefix("state-"): link.select_one("span").text for link in page.select(".tabs a")
    }


def test_listing_shows_each_mail_with_its_state(desk_client, mailed):
    mail = mailed(email="ada@example.org")

    page = desk_client.get(PAGE)

    assert cells(page) == [
        "Confirmation",
        "Ada Lovelace ada@example.org",
        "Queued",
        page.texts("tbody time")[0],
        mail.registration.reference,
    ]
    assert page.texts("tbody time")[0].startswith("10 April 2017")
    assert [link["href"] for link in page.select("tbody a")] == [
        f"{PAGE}/{mail.id}",
        f"/organiser/registrations/{mail.registration.reference}",
    ]
    assert page.texts("[role=status]") == ["1 mail"]
    assert page.texts("title") == ["Mails – Organisers"]


def test_empty_listing_says_so(desk_client):
    assert desk_client.get(PAGE).texts(".list__empty") == ["There are no mails yet."]
    assert desk_client.get(f"{PAGE}?q=eve").texts(".list__empty") == ["No mail matches."]
    assert desk_client.get(f"{PAGE}?state=failed").texts(".list__empty") == ["No mail matches."]
    assert desk_client.get(f"{PAGE}?kind=late").texts(".list__empty") == ["No mail matches."]


def test_listing_counts_the_mails_in_each_state_whatever_is_looked_for(desk_client, put):
    for how_many, state in enumerate(MAIL_STATES, 1):
        put(how_many, state=state)

    pages = [desk_client.get(address) for address in (PAGE, f"{PAGE}?state=failed&q=nobody")]

    counts = {"all": "15", "queued": "1", "sending": "2", "accepted": "3", "retrying": "4", "failed": "5"}
    assert [names_of_tabs(page) for page in pages] == [counts, counts]
    assert [page.one(".tabs [aria-current]")["id"] for page in pages] == ["state-all", "state-failed"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["Bo@xn--mller-kva.example", "ada@example.org", "zoe@example.org"]),
        ("state=failed", ["zoe@example.org"]),
        ("state=queued", ["Bo@xn--mller-kva.example"]),
        ("state=sending", []),
        ("kind=confirmation", ["Bo@xn--mller-kva.example", "ada@example.org", "zoe@example.org"]),
        ("kind=late", []),
        ("q=unal", ["zoe@example.org"]),
        ("q=ZOE+%C3%BCnal", ["zoe@example.org"]),
        ("q=zoe+lovelace", []),
        ("q=ada@EXAMPLE.org", ["ada@example.org"]),
        ("q=bo@xn--MLLER", ["Bo@xn--mller-kva.example"]),
        ("q=%25", ["Bo@xn--mller-kva.example"]),
        ("q=_", ["Bo@xn--mller-kva.example"]),
        ("q=example.org&state=accepted", ["ada@example.org"]),
        ("q=ada&state=failed&kind=confirmation", []),
    ],
)
def test_listing_is_searched_and_narrowed_down(desk_client, three, query, expected):
    page = desk_client.get(f"{PAGE}?{query}")

    assert recipients(page) == expected
    assert page.texts("[role=status]") == [f"{len(expected)} mail{'s' * (len(expected) != 1)}"]


def test_listing_finds_a_reference_as_it_is_spoken(desk_client, mailed):
    mailed()
    mail = mailed(email="ada@example.org")

    spoken = [mail.registration.reference, mail.registration.reference.replace("-", "").lower()]

    assert [recipients(desk_client.get(f"{PAGE}?q={words}")) for words in spoken] == [["ada@example.org"]] * 2


def test_listing_finds_the_address_to_which_a_mail_went_without_a_registration(desk_client, put):
    put(recipient="Bo@example.org", kind="late")
    put(recipient="eve@example.org", kind="late")

    page = desk_client.get(f"{PAGE}?q=bo@example.org")

    assert recipients(page) == ["Bo@example.org"]
    assert page.texts(f"{ROWS} th, {ROWS} td:last-child") == ["Late link", "–"]


@pytest.mark.parametrize(
    "query",
    [
        "state=nothing",
        "kind=nothing",
        "before=abc",
        "before=-1",
        "before=99999999999",
        f"before={'9' * 30}",
        "before=%D9%A3",
        "state=queued%00&kind=%00&before=%00&q=%00",
        "q=+&before=",
        "lang=xx",
        "%ff=%ff&state=%ff",
    ],
)
def test_nonsense_in_the_address_counts_for_nothing(desk_client, mailed, query):
    mailed(email="ada@example.org")

    page = desk_client.get(f"{PAGE}?{query}")

    assert recipients(page) == ["ada@example.org"]
    assert page.select(".pager a") == []


@pytest.mark.parametrize("query", [f"q={'x' * 5000}", f"q={'+a' * 100}", "q=%5C%25_%27%22", "before=0001"])
def test_odd_query_still_gets_a_list(desk_client, mailed, query):
    mailed()

    assert desk_client.get(f"{PAGE}?{query}").texts("h1") == ["Mails"]


@pytest.mark.parametrize(("how_many", "pages"), [(50, [50]), (51, [50, 1]), (101, [50, 50, 1])])
def test_pages_hold_fifty_mails_and_lead_to_older_ones_and_back(desk_client, put, how_many, pages):
    mails = put(how_many, state="failed")
    put(kind="link")
    page = desk_client.get(f"{PAGE}?state=failed&kind=late&q=bo")

    found = [numbers(page)]
    while older := page.select("#page-older"):
        page = desk_client.get(older[0]["href"])
        found.append(numbers(page))

    assert [len(one) for one in found] == pages
    assert [number for one in found for number in one] == [mail.id for mail in reversed(mails)]
    assert page.texts("[role=status]") == [f"{how_many} mails"]
    if len(pages) > 1:
        address = page.one("#page-newest")["href"]
        assert parse_qs(urlsplit(address).query) == {"state": ["failed"], "kind": ["late"], "q": ["bo"]}
        assert numbers(desk_client.get(address)) == found[0]


def numbers(page) -> list[int]:
    return [int(link["href"].rpartition("/")[2]) for link in page.select("tbody th a")]


def test_first_page_leads_to_no_newer_and_last_to_no_older_one(desk_client, put):
    put(51)
    first = desk_client.get(PAGE)

    last = desk_client.get(first.one("#page-older")["href"])

    assert [link["id"] for link in first.select(".pager a")] == ["page-older"]
    assert [link["id"] for link in last.select(".pager a")] == ["page-newest"]


def test_tabs_keep_the_search_and_begin_at_the_newest(desk_client, put):
    put(51, kind="late")
    page = desk_client.get(desk_client.get(f"{PAGE}?q=bo&kind=late").one("#page-older")["href"])

    targets = {link["id"]: parse_qs(urlsplit(link["href"]).query) for link in page.select(".tabs a")}

    assert targets["state-all"] == {"q": ["bo"], "kind": ["late"]}
    assert targets["state-failed"] == {"q": ["bo"], "kind": ["late"], "state": ["failed"]}


def test_search_keeps_the_state_and_shows_what_was_asked(desk_client, put):
    put(state="failed")

    page = desk_client.get(f"{PAGE}?state=failed&kind=late&q=bo")

    assert (page.value("state"), page.value("kind"), page.value("q")) == ("failed", "late", "bo")
    assert page.one("[name=state]")["form"] == page.one("[role=search]")["id"]


@ON_SQLITE
def test_other_languages_keep_what_was_asked(desk_client, put):
    page = desk_client.get(f"{PAGE}?state=failed&kind=late&q=bo")

    (address,) = [link["href"] for link in page.select(".languages a[lang=fr]")]
    asked = {"state": ["failed"], "kind": ["late"], "q": ["bo"]}
    assert parse_qs(urlsplit(address).query) == {"lang": ["fr"]} | asked


def test_listing_asks_the_database_as_often_for_fifty_as_for_one(desk_client, mailed, put, caplog):
    def queries() -> int:
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="peewee"):
            desk_client.client.get(PAGE)
        return sum(record.name == "peewee" for record in caplog.records)

    one = mailed()
    for_one = queries()
    mailed(), mailed()
    for_three = queries()
    put(47, registration=one.registration)

    assert for_one == for_three == queries() > 3


def test_htmx_gets_the_rows_alone(desk_client, three):
    page = desk_client.get(f"{PAGE}?q=unal", headers=HTMX)

    assert [element["id"] for element in page.one("body").find_all(id=True, recursive=False)] == ["mails"]
    assert recipients(page) == ["zoe@example.org"]
    assert page.texts("title") == desk_client.get(PAGE).texts("title")
    assert "HX-Request-Type" in page.response.vary


@ON_SQLITE
@pytest.mark.parametrize(
    ("lang", "words"),
    [
        ("fr", "Échec de l’envoi Le serveur de messagerie dit que cette boîte n’existe pas."),
        ("en", "Failed The mail server says that there is no such mailbox."),
        ("es", "Envío fallido El servidor de correo dice que ese buzón no existe."),
    ],
)
def test_reason_of_a_failure_is_told_in_plain_words(desk_client, mailed, lang, words):
    mailed(columns={"state": "failed", "error": NO_SUCH_MAILBOX})

    assert cells(desk_client.get(f"{PAGE}?lang={lang}"))[2] == words


@ON_SQLITE
def test_button_says_how_many_mails_failed(desk_client, put):
    put(state="retrying")
    assert desk_client.get(PAGE).select(f"form[action='{PAGE}/retries']") == []

    put(2, state="failed")

    assert desk_client.get(PAGE).texts(f"form[action='{PAGE}/retries'] button") == [
        "Send again the 2 mails that failed"
    ]


@ON_SQLITE
def test_mails_of_an_erased_registration_name_nobody(app, desk_client, mailed):
    row = mailed(email="ada@example.org", columns={"state": "accepted"}).registration
    before = desk_client.get(PAGE)
    desk_client.post(f"{own_page(app, row)}/erasure", {"sure": "y"}, status=303)
    with connection():
        Mail.delete().where(Mail.kind == "erased").execute()

    page = desk_client.get(PAGE)

    assert "Lovelace" in before.text
    assert row.reference in before.text
    assert [words for words in ("Lovelace", "ada@", row.reference) if words in page.text] == []
    assert page.texts(f"{ROWS} th, {ROWS} td:first-of-type, {ROWS} td:last-child") == [
        "Confirmation",
        "–",
        "–",
    ]


@ON_SQLITE
def test_listing_outlives_a_lost_key(desk_client, mailed, put, passport_of_a_lost_key):
    assert recipients(desk_client.get(PAGE)) == [passport_of_a_lost_key.recipient]


@ON_SQLITE
def test_name_is_shown_as_it_was_typed(desk_client, mailed):
    mailed(given_names="<b>Ada</b>", family_name='"&amp;')

    page = desk_client.get(PAGE)

    assert page.texts("tbody bdi")[0] == '<b>Ada</b> "&amp;'
    assert page.select("tbody b") == []
