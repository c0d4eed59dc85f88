"""The front desk of this application, for the views that call a verb of the domain."""

from collections.abc import Callable
from typing import NoReturn, ParamSpec

from flask import Flask, abort, current_app, has_request_context, request
from flask_babel import gettext

from domain.conference import Conference
from domain.desk import Desk

Given = ParamSpec("Given")


def front_desk() -> Desk:
    desk: Desk = current_app.extensions["desk"]
    return desk


def conference() -> Conference:
    return front_desk().conference


def asked_for(*names: str) -> dict[str, str]:
    """Parts of the query in the address, without what no database takes, and none of them endless."""
    return {name: request.args.get(name, "").replace("\0", "")[:200] for name in names}


def refuse_old_page() -> NoReturn:
    """Answer a button of a page that belongs to an earlier sign-in: there is nothing typed to give back."""
    abort(
        400,
        gettext(
            "This page had been open for too long, so its button no longer works. Nothing was done. Please go back, "
            "reload the page and press it again."
        ),
    )


def outside(path: str) -> str:
    """A path as it stands in a mail. Its host is the configured one: a request's Host header may lie."""
    return f"{current_app.config['ORIGIN']}{path}"


def anywhere(app: Flask, address: Callable[Given, str]) -> Callable[Given, str]:
    """An address of a page that the worker and the commands can write too: they have no request."""

    def written(*given: Given.args, **named: Given.kwargs) -> str:
        if has_request_context():
            return address(*given, **named)
        with app.test_request_context():
            return address(*given, **named)

    return written
