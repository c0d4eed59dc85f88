"""What holds for every page that a signed link opens: a wrong link opens none, and looking changes nothing."""

import pytest
from conftest import CLOSED_DAY
from factories import SENSITIVE_PARTS, typed
from support.journey import FORM, HTMX, again, amend, everything, new_address_page, own_page

from db import connection
from domain import clock, late
from models import LateLink, Registration
from security import address_token, late_token, link_token, receipt, signer
from views import own

NEW = "ada@new.example"
FULL = SENSITIVE_PARTS | {"consents": ["affiliation", "visa", "needs", "list", "photo"]}
# Whatever button is pressed, this would change something.
PRESSED = typed(given_names="Eve", sequence="1", step="save", kind="photo", sure="y", block="y", reason="Eve")


@pytest.fixture
def row(app, client, registered) -> Registration:
    """ada, with everything that can be asked, and with a new address that waits to be confirmed."""
    row = registered(email="ada@example.org", **FULL)
    amend(client, f"{own_page(app, row)}/edit", {"email": NEW})
    return again(row)


@pytest.fixture
def late_link(app) -> LateLink:
    """Leave for bo to register after the deadline."""
    with app.test_request_context("/"), connection():
        return late.make("bo@example.org", lang="en", organiser=None, desk=app.extensions["desk"])


def requests(app, blueprint: str, token: str) -> list[tuple[str, str]]:
    """Each route of a blueprint that a token opens, once for each of its methods: method and path."""
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if rule.endpoint.startswith(blueprint) and "token" in rule.arguments:
                path = rule.build({"lang": "en", "token": token})[1]
                found += [(method, path) for method in sorted(rule.methods - {"OPTIONS"})]
    return found


def answers(app, client, blueprint: str, token: str, **given) -> dict[tuple[str, str], int]:
    """What each of these requests is answered with, by its method and its path behind the token."""
    return {
        (method, path.partition(token)[2]): client.client.open(
            path, method=method, data=PRESSED if method == "POST" else None, **given
        ).status_code
        for method, path in requests(app, blueprint, token)
    }


def as_private_link(row) -> str:
    return link_token(row)


def as_new_address(row) -> str:
    return address_token(row)


def as_receipt(row) -> str:
    return receipt(row.reference)


def as_late_link(row) -> str:
    return signer("late-link").dumps(row.public_id)


def of_another_salt(row) -> str:
    return signer("eve").dumps([row.public_id, row.link_version])


def of_an_earlier_version(row) -> str:
    return signer("private-link").dumps([row.public_id, row.link_version - 1])


def of_a_later_version(row) -> str:
    return signer("private-link").dumps([row.public_id, row.link_version + 1])


def of_nobody(row) -> str:
    return signer("private-link").dumps(["0" * 32, 1])


def cut(row) -> str:
    return link_token(row)[:-1]


def longer(row) -> str:
    return link_token(row) + "A"


def unsigned(row) -> str:
    return link_token(row).rpartition(".")[0]


WRONG_LINKS = [
    as_new_address,
    as_receipt,
    as_late_link,
    of_another_salt,
    of_an_earlier_version,
    of_a_later_version,
    of_nobody,
    cut,
    longer,
    unsigned,
]


@pytest.mark.parametrize("forge", WRONG_LINKS)
def test_wrong_link_opens_no_page_and_presses_no_button(app, client, row, forge):
    assert row.email in client.get(own_page(app, row)).text
    with app.app_context():
        token = forge(row)
    before = everything()

    given = answers(app, client, "own.", token)

    assert given == dict.fromkeys(given, 404)
    assert row.email not in client.get(f"/en/r/{token}", status=404).text
    assert len(given) >= 18
    assert everything() == before


def test_links_of_an_erased_registration_say_so_and_do_nothing(app, client, row):
    with app.app_context():
        token, confirming = link_token(row), address_token(row)
    client.post(f"{own_page(app, row)}/erasure", {"sure": "y"}, status=303)
    before = everything()

    own = answers(app, client, "own.", token)
    address = answers(app, client, "registration.address", confirming)

    assert own == dict.fromkeys(own, 410)
    assert address == dict.fromkeys([("GET", ""), ("HEAD", ""), ("POST", "")], 404)
    assert "This registration has been erased." in client.get(own_page(app, row), status=410).text
    assert everything() == before


def of_an_earlier_link(row) -> str:
    row.link_version -= 1
    return address_token(row)


def of_another_address(row) -> str:
    row.pending_email = "eve@new.example"
    return address_token(row)


def of_no_address(row) -> str:
    row.pending_email = None
    return address_token(row)


def of_another_person(row) -> str:
    row.public_id = "0" * 32
    return address_token(row)


def cut_short(row) -> str:
    return address_token(row)[:-1]


WRONG_ADDRESSES = [
    as_private_link,
    as_receipt,
    as_late_link,
    of_another_salt,
    of_an_earlier_link,
    of_another_address,
    of_no_address,
    of_another_person,
    cut_short,
]


@pytest.mark.parametrize("forge", WRONG_ADDRESSES)
def test_wrong_link_confirms_no_address(app, client, row, forge):
    assert NEW in client.get(new_address_page(app, row)).text
    with app.app_context():
        token = forge(row)
    before = everything()

    given = answers(app, client, "registration.address", token)

    assert given == dict.fromkeys([("GET", ""), ("HEAD", ""), ("POST", "")], 404)
    assert NEW not in client.get(f"{FORM}/address/{token}", status=404).text
    assert everything() == before


def late_of_nobody(link, row) -> str:
    return signer("late-link").dumps("0" * 32)


def late_of_another_salt(link, row) -> str:
    return signer("private-link").dumps(link.public_id)


def late_as_private_link(link, row) -> str:
    return link_token(row)


def late_as_new_address(link, row) -> str:
    return address_token(row)


def late_cut(link, row) -> str:
    return late_token(link)[:-1]


def late_as_public_id(link, row) -> str:
    return link.public_id


def late_as_list(link, row) -> str:
    return signer("late-link").dumps([link.public_id, 1])


@pytest.mark.parametrize(
    "forge",
    [
        late_of_nobody,
        late_of_another_salt,
        late_as_private_link,
        late_as_new_address,
        late_cut,
        late_as_public_id,
        late_as_list,
    ],
)
def test_wrong_late_link_opens_no_form_and_stores_nothing(app, client, row, late_link, forge):
    clock.rehearse(CLOSED_DAY)
    with app.app_context():
        right, wrong = late_token(late_link), forge(late_link, row)
    with connection():
        LateLink.update(expires_at=clock.now() + late.LIFETIME).execute()
    client.get(f"{FORM}?late={right}")
    before = everything()

    asked = client.get(f"{FORM}?late={wrong}", status=403)
    sent = client.post(FORM, typed(email="bo@example.org", late=wrong, step="send"), status=403)

    assert (asked.select("form"), sent.select("form")) == ([], [])
    assert everything() == before


@pytest.mark.parametrize("state", ["active", "cancelled"])
@pytest.mark.parametrize("day", [None, CLOSED_DAY], ids=["before the deadline", "after it"])
@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
def test_looking_changes_nothing(app, client, row, late_link, state, day, headers):
    if state == "cancelled":
        client.post(f"{own_page(app, row)}/cancellation", {}, status=303)
    if day:
        clock.rehearse(day)
    with app.app_context():
        paths = requests(app, "own.", link_token(row)) + requests(app, "registration.", address_token(row))
        paths += [(method, f"{FORM}?late={late_token(late_link)}") for method in ("GET", "HEAD")]
    before = everything()

    given = [
        client.client.open(path, method=method, headers=headers).status_code
        for method, path in paths
        if method != "POST"
    ]

    assert everything() == before
    assert len(given) >= 14
    assert given.count(200) >= 8


def test_looking_at_the_late_links_changes_nothing(desk_client, late_link):
    before = everything()

    for method in ("GET", "HEAD"):
        assert desk_client.client.open("/organiser/late-links", method=method).status_code == 200

    assert everything() == before


BUTTONS = {
    "edit": {"given_names": "Augusta"},
    "confirmation": {},
    "cancellation": {"reason": ""},
    "consents": {"kind": "photo"},
    "link": {},
    "data.json": {},
}


def test_every_button_that_is_always_there_is_tried(app):
    with app.test_request_context():
        posted = {
            path.partition("/r/x/")[2] for method, path in requests(app, "own.", "x") if method == "POST"
        }

    assert posted - set(BUTTONS) == {"restoration", "erasure", "address/withdrawal"}


@pytest.mark.parametrize("button", BUTTONS)
def test_whoever_presses_a_button_has_confirmed_the_address(app, client, registered, button):
    row = registered(**FULL)
    assert (row.state, row.confirmed_at) == ("received", None)
    path = f"{own_page(app, row)}/{button}"

    if button == "edit":
        amend(client, path, BUTTONS[button])
    else:
        client.client.post(path, data=BUTTONS[button])

    row = again(row)
    assert row.state == ("cancelled" if button == "cancellation" else "confirmed")
    assert row.confirmed_at is not None


@pytest.mark.parametrize(("meanwhile", "status"), [("link", 404), ("erasure", 410)])
def test_button_pressed_while_another_window_ends_the_link_says_so(
    app, client, row, monkeypatch, meanwhile, status
):
    path = own_page(app, row)
    press = own.verbs.cancel

    def press_too_late(*given, **named) -> None:
        monkeypatch.setattr(own.verbs, "cancel", press)
        client.client.post(f"{path}/{meanwhile}", data={"sure": "y"})
        press(*given, **named)

    monkeypatch.setattr(own.verbs, "cancel", press_too_late)

    client.post(f"{path}/cancellation", {}, status=status)

    assert again(row).state == ("erased" if meanwhile == "erasure" else "confirmed")
