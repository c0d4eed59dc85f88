"""The public pages: the invitation, the programme, practical information, privacy, accessibility, the calendar file."""

from collections.abc import Callable

from flask import (
    Blueprint,
    Flask,
    current_app,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug import Response

from domain import clock
from domain.conference import LANGUAGES, PAGES
from i18n import PREFIX, current_language, preferred_language
from views.desk import conference, outside

MINUTES = 60

bp = Blueprint("pages", __name__)


def home(lang: str) -> str:
    """The public address of the invitation."""
    return outside(url_for("pages.invitation", lang=lang))


@bp.get("/")
def choose_language() -> Response:
    """Lead to the invitation in the visitor's language."""
    response = redirect(url_for("pages.invitation", lang=preferred_language()), code=302)
    response.vary.add("Accept-Language")
    response.cache_control.private = True
    response.cache_control.max_age = 5 * MINUTES
    return response


def page_view(name: str) -> Callable[[], Response]:
    def view() -> Response:
        return cacheable(make_response(rendered(name)))

    view.__name__ = name
    view.__doc__ = f"Show the page {name}.md of the conference."
    return view


PATHS = {name: "" if name == "invitation" else name for name in PAGES}
for name, path in PATHS.items():
    bp.add_url_rule(f"{PREFIX}/{path}", name, page_view(name))


def rendered(name: str) -> str:
    """A page as HTML, made once for each language, and once more when registration closes."""
    playing_on = (
        clock.today() if current_app.extensions["settings"].is_rehearsal else None
    )  # it is on the page
    key = (name, current_language(), conference().is_open, playing_on)
    made = current_app.extensions.setdefault("rendered pages", {})
    if key not in made:
        page = conference().page(name, current_language())
        made[key] = render_template(f"pages/{name}.html", page=page, title=page.title)
    return made[key]


def render_all(app: Flask) -> None:
    """Render every page in every language, at start: a fault in a template shows before the first visitor does."""
    for lang in LANGUAGES:
        for name, path in PATHS.items():
            with app.test_request_context(f"/{lang}/{path}"):
                rendered(name)


@bp.get(f"{PREFIX}/conference.ics")
def calendar() -> Response:
    """Give the conference as a calendar file."""
    lang = current_language()
    response = make_response(conference().calendar(lang, url=home(lang)))
    response.mimetype = "text/calendar"
    response.headers["Content-Disposition"] = "attachment; filename=conference.ics"
    return cacheable(response)


def cacheable(response: Response) -> Response:
    """Let everybody keep the answer for five minutes and then ask whether it has changed."""
    response.cache_control.public = True
    response.cache_control.max_age = 5 * MINUTES
    response.add_etag()
    return response.make_conditional(request)
