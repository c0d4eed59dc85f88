"""The ways of people through the service, as a browser without JavaScript goes them; and what was stored on the way."""

from typing import Any

import pytest
from bs4 import Tag
from flask import Flask
from peewee import Model
from werkzeug.datastructures import MultiDict

from db import connection
from models import TABLES, Registration
from security import address_token, link_token, new_form_key
from support.page import Page, PageClient

FORM = "/en/registration"
SESSION = "/organiser/session"
HTMX = {"HX-Request-Type": "partial"}
PASSENGERS = (
    "key",
    "stage",
    "step",
    "late",
    "on_behalf",
    "sequence",
    "agreed",
    "kept",
)  # fields of the forms that are no answers
ON_SQLITE = pytest.mark.parametrize(
    "service", ["sqlite"], indirect=True
)  # for what asks no database anything


def fresh_key(app: Flask) -> str:
    """The key of a form that was opened just now."""
    with app.app_context():
        return new_form_key()


def check(client: PageClient, fields: MultiDict, *, form: str = FORM, **given: Any) -> Page:
    """Fill in a fresh form and go on to the check page."""
    fields.setdefault("key", fresh_key(client.client.application))
    return client.post(form, fields, **given)


def send(client: PageClient, fields: MultiDict, *, form: str = FORM, status: int = 303, **given: Any) -> Page:
    """Fill in a fresh form, read the check page, and press "Send my registration"."""
    page = check(client, fields, form=form)
    return client.post(form, page.hidden_fields() | {"step": "send"}, status=status, **given)


def own_page(app: Flask, row: Registration, *, lang: str = "en") -> str:
    """The path of a private link."""
    with app.app_context():
        return f"/{lang}/r/{link_token(row)}"


def new_address_page(app: Flask, row: Registration, *, lang: str = "en") -> str:
    """The path of the link that confirms a new e-mail address."""
    with app.app_context():
        return f"/{lang}/registration/address/{address_token(row)}"


def amend(client: PageClient, path: str, changes: dict[str, Any], *, status: int = 303, **given: Any) -> Page:
    """Open an edit page, change some answers and save; an answer that becomes None is left out."""
    return client.post(path, amended(client.get(path), **changes), status=status, **given)


def amended(page: Page, **changes: Any) -> MultiDict:
    """What a browser sends of an edit page after some changes."""
    passengers = {name: page.value(name) for name in ("sequence", "agreed") if page.select(f"#{name}")}
    fields = as_typed(page) | passengers | {"step": "save"} | changes
    return MultiDict({name: value for name, value in fields.items() if value is not None})


def sign_in(
    client: PageClient, email: str, password: str, *, code: str = "", status: int = 303, **given: Any
) -> Page:
    token = client.get(f"{SESSION}?lang=en", **given).value("csrf_token")
    data = {"csrf_token": token, "email": email, "password": password, "code": code}
    return client.post(SESSION, data, status=status, **given)


def stored(table: type[Model]) -> list[Any]:
    """Every row of a table, in the order in which they came."""
    with connection():
        return list(table.select().order_by(table.id))


def again(row: Any) -> Any:
    """The same row as it is stored by now."""
    with connection():
        return type(row).get_by_id(row.id)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All that is stored, table by table."""
    return {table.__name__: [row.__data__ for row in stored(table)] for table in TABLES}


def as_typed(page: Page) -> dict[str, list[str]]:
    """What a browser would send of the registration form as it stands on a page."""
    sent: dict[str, list[str]] = {}
    for field in page.select("#registration-form [name]:not(button)"):
        name, value = str(field["name"]), value_of(field)
        if value and name not in PASSENGERS:
            sent.setdefault(name, []).append(value)
    return sent


def value_of(field: Tag) -> str:
    if field.get("type") in ("radio", "checkbox"):
        return str(field["value"]) if field.has_attr("checked") else ""
    if field.name == "textarea":
        return field.get_text().removeprefix("\n")
    if field.name == "select":
        chosen = field.select_one("option[selected]")
        return str(chosen["value"]) if chosen else ""
    return str(field.get("value", ""))


def lists(fields: MultiDict) -> dict[str, list[str]]:
    """The answers among the fields of a form."""
    return {name: values for name, values in fields.lists() if name not in PASSENGERS}
