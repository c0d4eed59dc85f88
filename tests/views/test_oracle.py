"""Nobody learns from an answer who is registered: for every public answer, a known address is like an unknown one."""

import re
from collections.abc import Callable

import pytest
from conftest import OPEN_DAY
from factories import typed
from flask import Flask
from support.emptying import empty_tables
from support.journey import FORM, HTMX, amend, amended, check, own_page, stored
from support.page import Page, PageClient

from db import connection
from domain import blocked, clock
from domain.answers import address_key
from models import Mail, Registration
from security import limiter

ADDRESS = "bo@example.org"
NOT_COMPARED = {"X-Request-ID", "Date"}
SECRETS = [  # what differs between any two answers, and what stands for it here
    (r"/registration/received/[\w=-]+", "/registration/received/RECEIPT"),
    (r"colleague=[\w=-]+", "colleague=RECEIPT"),
    (r"/r/[\w.-]+", "/r/LINK"),
    (r"OB17-[2-9A-Z]{4}-[2-9A-Z]{2}", "REFERENCE"),
    (r"\d{4}-\d\d-\d\dT[\d:.]+\+00:00|\d\d:\d\d UTC", "TIME"),
    (r'name="key" type="hidden" value="[\w.-]+"', "KEY"),
]


def without_secrets(text: str) -> str:
    for pattern, word in SECRETS:
        text = re.sub(pattern, word, text)
    return text


def told(page: Page) -> tuple[int, list[tuple[str, str]], str]:
    """All that an answer says: status, headers and body."""
    headers = [(name, without_secrets(value)) for name, value in page.headers if name not in NOT_COMPARED]
    return page.status, headers, without_secrets(page.text)


def followed(client: PageClient, page: Page) -> list[Page]:
    """An answer, and the page to which it leads."""
    address = page.headers.get("Location") or page.headers.get("HX-Redirect")
    return [page, client.get(address)] if address else [page]


def form_with_errors(client, headers):
    return [client.post(FORM, typed(email=ADDRESS, days=None), headers=headers, status=422)]


def check_page(client, headers):
    return [check(client, typed(email=ADDRESS), headers=headers)]


def sent(client, headers):
    form = check(client, typed(email=ADDRESS)).hidden_fields() | {"step": "send"}
    return followed(client, client.post(FORM, form, headers=headers, status=204 if headers else 303))


def sent_in_another_spelling(client, headers):
    form = check(client, typed(email="BO@Example.ORG")).hidden_fields() | {"step": "send"}
    return followed(client, client.post(FORM, form, headers=headers, status=204 if headers else 303))


def sent_without_a_key(client, headers):
    return [client.post(FORM, typed(email=ADDRESS, step="send"), headers=headers, status=422)]


def sent_twice(client, headers):
    form = check(client, typed(email=ADDRESS)).hidden_fields() | {"step": "send"}
    first, second = (
        client.post(FORM, form, headers=headers, status=204 if headers else 303) for _ in range(2)
    )
    return followed(client, first) + followed(client, second)


def checked_field(client, headers):
    return [client.post(f"{FORM}/fields/email", typed(email=ADDRESS), headers=HTMX)]


def link_again(client, headers):
    page = client.post(f"{FORM}/link", {"email": ADDRESS}, headers=headers, status=204 if headers else 303)
    return followed(client, page)


def new_address(client, headers):
    ada = own_page(client.client.application, stored(Registration)[0])
    page = amend(client, f"{ada}/edit", {"email": ADDRESS}, headers=headers, status=204 if headers else 303)
    return [*followed(client, page), client.get(f"{ada}/data.json"), client.get(f"{ada}/data.html")]


def new_address_twice(client, headers):
    ada = own_page(client.client.application, stored(Registration)[0])
    fields = amended(client.get(f"{ada}/edit"), email=ADDRESS)
    client.post(f"{ada}/edit", fields, status=303)
    fields["function"] = "President"
    return [client.get(f"{ada}/edit"), client.post(f"{ada}/edit", fields, headers=headers, status=409)]


ANSWERS = [
    form_with_errors,
    check_page,
    sent,
    sent_in_another_spelling,
    sent_without_a_key,
    sent_twice,
    checked_field,
    link_again,
    new_address,
    new_address_twice,
]


def is_registered(app: Flask, registered: Callable[..., Registration]) -> None:
    registered(email=ADDRESS)


def has_confirmed(app: Flask, registered: Callable[..., Registration]) -> None:
    row = registered(email=ADDRESS)
    PageClient(app).post(f"{own_page(app, row)}/confirmation", {}, status=303)


def has_cancelled(app: Flask, registered: Callable[..., Registration]) -> None:
    row = registered(email=ADDRESS)
    PageClient(app).post(f"{own_page(app, row)}/cancellation", {}, status=303)


def is_erased(app: Flask, registered: Callable[..., Registration]) -> None:
    row = registered(email=ADDRESS)
    PageClient(app).post(f"{own_page(app, row)}/erasure", {"sure": "y"}, status=303)


def is_blocked(app: Flask, registered: Callable[..., Registration]) -> None:
    with connection():
        blocked.block(address_key(ADDRESS))


WORLDS = [is_registered, has_confirmed, has_cancelled, is_erased, is_blocked]


@pytest.fixture
def in_a_world(app: Flask, registered: Callable[..., Registration]) -> Callable[..., list]:
    """Begin again with ada alone, plant what there is to be found out, and ask."""

    def ask(plant: Callable[..., None] | None, answer: Callable[..., list[Page]], headers: dict) -> list:
        with connection():
            empty_tables()
        limiter.reset()
        clock.rehearse(OPEN_DAY)
        registered(email="ada@example.org")
        if plant:
            plant(app, registered)
        return [told(page) for page in answer(PageClient(app), headers)]

    return ask


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["plain", "htmx"])
@pytest.mark.parametrize("answer", ANSWERS)
def test_answer_is_the_same_for_a_known_address_and_an_unknown_one(in_a_world, headers, answer):
    unknown = in_a_world(None, answer, headers)

    known = {plant.__name__: in_a_world(plant, answer, headers) for plant in WORLDS}

    assert known == dict.fromkeys(known, unknown)


@pytest.mark.parametrize(
    ("plant", "kinds"),
    [
        (None, ["confirmation"]),
        (is_registered, ["repeat"]),
        (has_cancelled, ["confirmation"]),
        (is_blocked, []),
    ],
)
def test_only_the_mailbox_tells_the_difference(in_a_world, plant, kinds):
    def planted_then_sent(client, headers):
        with connection():
            before = Mail.select().count()
        pages = sent(client, headers)
        assert [mail.kind for mail in stored(Mail)[before:]] == kinds
        return pages

    assert len(in_a_world(plant, planted_then_sent, {})) == 2
