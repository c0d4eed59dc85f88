"""The only module that knows htmx: whether a fragment is wanted, and how to answer with one or lead elsewhere."""

from typing import Any

from flask import make_response, redirect, render_template, request
from flask_babel import gettext
from werkzeug import Response


def wants_fragment() -> bool:
    return request.headers.get("HX-Request-Type") == "partial"


def render(page: str, fragment: str, /, *, title: str, status: int = 200, **context: Any) -> Response:
    """Answer with the fragment to htmx and with the whole page to everybody else.

    The title goes with both, and so do the organisers' links to the other languages. With 422 it begins with "Error: ".
    """
    title = gettext("Error: %(title)s", title=title) if status == 422 else title
    if wants_fragment():
        body = render_template("layouts/_along.html", title=title) + render_template(fragment, **context)
    else:
        body = render_template(page, title=title, **context)
    response = make_response(body, status)
    response.vary.add("HX-Request-Type")
    return response


def go(url: str) -> Response:
    """Leave for another page: a navigation in both worlds."""
    if wants_fragment():
        return make_response("", 204, {"HX-Redirect": url})
    return redirect(url, code=303)


def turn_away(url: str) -> Response:
    """Lead somebody who may not see this elsewhere; to htmx as a 401, so that no page lands inside a table."""
    return make_response("", 401, {"HX-Redirect": url}) if wants_fragment() else go(url)


def tell(event: str) -> Response:
    """Refuse what is asked for and leave the page as it is: what was typed there stays. An element that hears of the
    event says why."""
    return make_response("", 401, {"HX-Trigger": event})
