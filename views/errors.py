"""Error pages: in the visitor's language, saying what happened, what was kept, and what to do."""

from cryptography.fernet import InvalidToken
from flask import Flask, make_response, render_template, request
from flask_babel import gettext as _
from werkzeug import Response
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, SecurityError

from fields import EmailText, LongText, Text
from forms import RegistrationForm, SignInForm
from observability import report
from security import needs_code, retry_after
from views import kept
from views.desk import conference

RETRY_AFTER = 30  # seconds
LONG = 200  # characters


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(Exception, failed)


def refused(error: HTTPException) -> Response:
    """Answer every HTTP error with a page of our own; redirects and ready-made answers pass through."""
    if isinstance(error, SecurityError):
        return Response(
            "This service has another address.\n", 400
        )  # no page: its links would need that address
    if error.response is not None or error.code is None:
        return error.get_response()
    if error.code == 401:
        return sign_in_again()
    title, text = words(error.code)
    own_words = (
        error.description
        if error.code in (400, 403, 404, 410) and error.description != type(error).description
        else None
    )
    return page(error.code, title, own_words or text, error)


def failed(error: Exception) -> Response:
    """Answer an outage of the database with 503; whatever else went wrong is ours: 500, and logged with its place."""
    if report(error):
        response = page(503, *words(503))
        response.headers["Retry-After"] = str(RETRY_AFTER)
        return response
    if isinstance(error, InvalidToken) and request.path.startswith("/organiser"):
        return page(500, *keys_lost(), InternalServerError(), is_desk_open=True)
    return page(500, *words(500), InternalServerError())


def sign_in_again() -> Response:
    """Ask whoever sent a form without being signed in, or no longer, for their sign-in, and hold what was typed."""
    form = SignInForm(formdata=None, needs_code=needs_code())
    form.kept.data = kept.keep()
    return make_response(
        render_template("organiser/session.html", title=_("Your sign-in has ended"), form=form), 401
    )


def page(
    code: int, title: str, text: str, error: HTTPException | None = None, *, is_desk_open: bool = False
) -> Response:
    is_theirs = request.path.startswith("/organiser") and (is_desk_open or code < 500)
    layout = "organiser" if is_theirs else "public"
    response = make_response(
        render_template(
            "errors/error.html",
            title=title,
            text=text,
            code=code,
            layout=layout,
            limits=longest_texts() if code == 413 else [],
        ),
        code,
    )
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.allow.update(error.valid_methods)
    if code == 429:
        response.retry_after = retry_after()
    return response


def longest_texts() -> list[tuple[str, int]]:
    """The questions of the form that take the longest answers, with their limits: what to shorten."""
    form = RegistrationForm(conference(), formdata=None)
    texts = [form[name] for name in form.names if isinstance(form[name], Text | EmailText | LongText)]
    limits = [(field.label.text, field.render_kw["maxlength"]) for field in texts]
    return sorted((limit for limit in limits if limit[1] >= LONG), key=lambda limit: -limit[1])


def keys_lost() -> tuple[str, str]:
    """Title and text where encrypted answers were stored with a key that is not among the service's field keys."""
    return (
        _("Encrypted answers cannot be read"),
        _(
            "Passports, flights, stays, diets and the like are stored encrypted, and the service was started without "
            "the key that they need. Nothing is lost: whoever runs the service has to put the former key back among "
            "its field keys. The list works meanwhile."
        ),
    )


def words(code: int) -> tuple[str, str]:
    """Title and text for a status; anything unforeseen speaks as a faulty request."""
    known = {
        400: (_("This request could not be understood"), _("Please go back, reload the page and try again.")),
        403: (
            _("This request was refused"),
            _(
                "It seems to come from another site. Please open the form on this site and send it from there."
            ),
        ),
        404: (
            _("Page not found"),
            _("There is nothing at this address. Please check it, or begin with the invitation."),
        ),
        405: (
            _("This address does not work this way"),
            _("It only receives forms. Please begin with the invitation and use the buttons there."),
        ),
        410: (_("No longer here"), _("What was at this address has been removed.")),
        413: (
            _("This is too much text"),
            _(
                "Nothing was stored. Go back with your browser: your answers are still there. Shorten the longest; "
                "this is how much goes into each:"
            ),
        ),
        429: (
            _("Too many attempts"),
            _(
                "Please wait a few minutes, then go back with your browser and try again: your answers are still there."
            ),
        ),
        500: (
            _("Something went wrong on our side"),
            _(
                "Nothing was stored. It is not your fault, and we have been told. Please try again in a few minutes."
            ),
        ),
        503: (
            _("The service is unavailable for a moment"),
            _(
                "Nothing was stored, but your browser has kept your answers: go back and send them again in a minute."
            ),
        ),
    }
    return known.get(code, known[400])
