"""The organisers' pages: sign-in, the list, late links, the exports."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

from flask import Blueprint, abort, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug import Response

from db import connection
from domain import clock, export, late, organisers, roster, workbook
from domain.blocked import Unwanted
from domain.references import is_mistyped
from forms import LateLinkForm, SignInForm, SignOutForm
from htmx import go, render
from i18n import current_language
from models import Announcement
from security import by_address, freshly_proved, limiter, local_target, needs_code, sign_in, sign_out
from views import kept
from views.batches import batch_kinds
from views.connections import hold_connection
from views.desk import conference, front_desk, outside, refuse_old_page
from views.filters import PRESETS, TITLES, asked, chips, choices, columns, in_address, is_sensitive, presets
from views.registration import late_link

bp = Blueprint("organiser", __name__, url_prefix="/organiser")
hold_connection(bp)


@bp.app_context_processor
def for_every_page() -> dict[str, Any]:
    return {
        "current_user": current_user,
        "sign_out_form": SignOutForm,
        "in_address": in_address,
        "chips_of": lambda words: chips(roster.from_words(words)),
        "query_of": roster.from_words,
    }


@bp.get("/")
def desk() -> Response:
    """Lead to the list."""
    return go(url_for("organiser.registrations"))


@bp.route("/session", methods=["GET", "POST"])
@limiter.limit("30/15minutes", methods=["POST"])
@limiter.limit("30/hour", methods=["POST"], key_func=by_address)
def session() -> Response:
    """Let an organiser sign in; every failure gets the same answer."""
    form = SignInForm(needs_code=needs_code())
    if form.validate_on_submit():
        organiser = organisers.authenticate(
            form.email.data, form.password.data, form.code.data, needs_code=needs_code()
        )
        if organiser is not None:
            organisers.note_language(organiser, current_language())
            sign_in(organiser)
            return go_on(kept.read(form.kept.data))
        form.password.errors = [
            _(
                "This address, this password and this code do not belong together, or the code has been used before. "
                "Please try again."
            )
        ]
    return render(
        "organiser/session.html",
        "organiser/_session.html",
        title=_("Sign in"),
        status=422 if form.errors else 200,
        form=form,
    )


def go_on(typed: tuple[str, kept.Fields] | None) -> Response:
    """Lead to what was asked for; or offer to send what was typed before the last sign-in ended, never by itself."""
    if typed is None:
        return go(local_target(request.args.get("next")))
    path, fields = typed
    title = _("You are signed in again")
    return make_response(
        render_template(
            "organiser/resumption.html",
            title=title,
            path=path,
            fields=fields,
            form=SignOutForm(formdata=None),
        )
    )


@bp.post("/session/end")
def session_end() -> Response:
    """Sign out."""
    if not SignOutForm().validate():
        refuse_old_page()
    sign_out()
    return go(url_for("organiser.session"))


def list_page() -> str:
    """The public address of the list."""
    return outside(url_for("organiser.registrations"))


@bp.get("/registrations")
def registrations() -> Response:
    """Show the list, or to htmx the rows."""
    query = asked()
    return render(
        "organiser/registrations.html",
        "organiser/_registrations.html",
        title=_("Registrations"),
        query=query,
        choices=choices(),
        columns=columns(),
        titles=TITLES,
        presets=presets(),
        preset_words=PRESETS,
        page=roster.page(query),
        chips=chips(query),
        usual_columns=roster.USUAL_COLUMNS,
        batch_kinds=batch_kinds(),
        is_sensitive=is_sensitive(query),
        is_short=len(roster.in_words(query)) <= Announcement.search.max_length,
        mistyped=is_mistyped(query.q, conference().reference_prefix),
    )


@bp.route("/late-links", methods=["GET", "POST"])
def late_links() -> Response | tuple[str, int]:
    """Let an organiser make a link with which one person can register after the deadline, and list those made."""
    form = LateLinkForm()
    if form.validate_on_submit():
        try:
            late.make(
                form.email.data, lang=form.language.data, organiser=current_user.organiser, desk=front_desk()
            )
            return go(url_for("organiser.late_links", done=1))
        except Unwanted:
            form.email.errors = [
                _("Whoever has this address asked that this service never write to it again")
            ]
        except late.Registered:
            form.email.errors = [_("Somebody is registered with this address already")]
    page = render_template(
        "organiser/late_links.html",
        title=_("Error: %(title)s", title=_("Late registrations"))
        if form.errors
        else _("Late registrations"),
        form=form,
        links=late.newest(),
        now=clock.now(),
        address_of=late_link,
    )
    return page, 422 if form.errors else 200


def once_closed(view: Callable[[], Response]) -> Callable[[], Response | tuple[str, int]]:
    """Say when the exports open for as long as they have not."""

    @wraps(view)
    def answer() -> Response | tuple[str, int]:
        if not conference().is_open:
            return view()
        return render_template("organiser/export_closed.html", title=_("The export is not open yet")), 403

    return answer


@bp.get("/registrations.csv")
@once_closed
def registrations_csv() -> Response:
    """Give the list as CSV, once registration has closed."""
    separator = request.args.get("sep", ",")
    if separator not in export.SEPARATORS:
        abort(400)
    return exported("csv", "text/csv", shown=shown_columns(), separator=separator)


@bp.get("/registrations.xlsx")
@once_closed
def registrations_xlsx() -> Response:
    """Give the list as XLSX, once registration has closed."""
    return exported("xlsx", workbook.MIMETYPE, shown=shown_columns())


@bp.get("/registrations.json")
@once_closed
@freshly_proved
def registrations_json() -> Response:
    """Give the registrations of the list with all their answers as JSON, once registration has closed."""
    return exported("json", "application/json")


def shown_columns() -> tuple[str, ...]:
    """The columns of the list that an export is asked for; without any it has them all."""
    offered = columns()
    return tuple(name for name in asked().columns if name in offered) if "columns" in request.args else ()


def exported(kind: str, mimetype: str, *, shown: tuple[str, ...] = (), **given: Any) -> Response:
    """The answer with a file of the registrations that the list shows; each is in the log."""
    query = asked()
    export.record(query, conference(), kind=kind, organiser=current_user.organiser, shown=shown)
    rows, chunks = export.FORMATS[kind]
    given |= {"shown": shown} if shown else {}
    pieces = chunks(rows(query), conference(), **given)
    # The first is made here, so that a page says what is wrong; what fails later cuts the answer off.
    response = Response(with_connection(next(pieces), pieces), mimetype=mimetype)
    response.headers["Content-Disposition"] = f"attachment; filename=registrations.{kind}"
    return response


def with_connection(first: bytes, others: Iterator[bytes]) -> Iterator[bytes]:
    """Hold a connection for as long as the answer flows: the request's own is closed by then."""
    yield first
    with connection():
        yield from others
