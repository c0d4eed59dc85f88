"""The registration: the form, its field checks, the check page, the receipt, and the delegate's own page."""

from flask import Blueprint, abort, current_app, render_template, request, url_for
from flask_babel import gettext as _
from itsdangerous import BadData
from werkzeug import Response

from db import DatabaseOut, connection
from domain.desk import Desk
from domain.registration import (
    LinkUnknown,
    RegistrationClosed,
    RegistrationErased,
    answers_of,
    find_by_link,
    register,
)
from forms import RegistrationForm
from htmx import go, render
from i18n import PREFIX, current_language
from models import Registration
from security import (
    by_address,
    is_form_key,
    limiter,
    link_token,
    new_form_key,
    read_link,
    read_receipt,
    receipt,
)

bp = Blueprint("registration", __name__, url_prefix=PREFIX)


def desk() -> Desk:
    return current_app.extensions["desk"]


def private_link(registration: Registration, lang: str) -> str:
    """The address of a delegate's own page. Its host is the configured one: a request's Host header may lie."""
    path = url_for("registration.own", lang=lang, token=link_token(registration))
    return f"{current_app.config['ORIGIN']}{path}"


def is_not_sent() -> bool:
    return request.form.get("step") != "send"


@bp.route("/registration", methods=["GET", "POST"])
@limiter.limit("60/minute", methods=["POST"])
@limiter.limit("60/hour", methods=["POST"], exempt_when=is_not_sent)
@limiter.limit("10/hour", methods=["POST"], key_func=by_address, exempt_when=is_not_sent)
def new() -> Response:
    """Show the registration form, take it on to the check page, and from there store it."""
    if not desk().conference.is_open:
        return closed()
    form = RegistrationForm(desk().conference)
    has_key = is_form_key(form.key.data or "")
    if not has_key:
        form.key.data = new_form_key()
    if request.method != "POST" or wants_form():
        return show_form(form)
    if not form.validate():
        return show_form(form, status=422)
    if is_not_sent():
        return show_check(form)
    if not has_key:
        return show_check(form, status=422)
    try:
        with connection():
            reference = register(form.answers(), lang=current_language(), key=form.key.data, desk=desk())
    except RegistrationClosed:
        return closed()
    except DatabaseOut:
        return show_check(form, status=503)
    return go(url_for("registration.received", receipt=receipt(reference)))


def wants_form() -> bool:
    """Whether the button pressed asks for the form as it is: "Change", or another language while filling it in."""
    step = request.form.get("step", "")
    return step.startswith("edit") or (step == "language" and request.form.get("stage") != "check")


def show_form(form: RegistrationForm, status: int = 200) -> Response:
    title = _("Register for the conference")
    response = render(
        "registration/new.html", "registration/_form.html", title=title, status=status, form=form
    )
    if request.method != "POST":
        # Not no-store: with that, browsers forget on "Back" what was typed. There is nothing personal in it yet.
        response.cache_control.private = True
        response.cache_control.no_cache = True
    return response


def show_check(form: RegistrationForm, status: int = 200) -> Response:
    """Everything once more before it is sent. With 422 the form's key had run out, with 503 the database was out."""
    title = _("Check your answers")
    response = render(
        "registration/check.html",
        "registration/_check.html",
        title=title,
        status=status,
        form=form,
        trouble=status,
    )
    if status == 503:
        response.headers["Retry-After"] = "30"
    return response


def closed() -> Response:
    title = _("Registration is closed")
    return render("registration/closed.html", "registration/_closed.html", title=title, status=403)


@bp.post("/registration/fields/<name>")
@limiter.limit("120/minute")
def field(name: str) -> str:
    """Check one field, in the light of the others, and answer with it; what is still empty is not scolded."""
    form = RegistrationForm(desk().conference)
    if not any(name in names for names in form.SECTIONS.values()):
        abort(404)
    form.validate()
    if not any(value.strip() for value in form[name].raw_data or []):
        form[name].errors = []
    return render_template("registration/_field.html", field=form[name])


@bp.get("/registration/received/<receipt>")
def received(receipt: str) -> str:
    """Tell the reference, and what happens next."""
    try:
        reference = read_receipt(receipt)
    except BadData:
        abort(404)
    title = _("Your registration has been received")
    return render_template("registration/received.html", title=title, reference=reference)


@bp.get("/r/<token>")
@limiter.limit("60/minute")
def own(token: str) -> str:
    """Show delegates what they registered; looking changes nothing, because programs that scan mails follow links."""
    try:
        with connection():
            registration = find_by_link(*read_link(token))
            answers = answers_of(registration)
    except (BadData, LinkUnknown):
        abort(
            404, _("This link does not open a registration. Please use the link in your newest mail from us.")
        )
    except RegistrationErased:
        abort(410, _("This registration has been erased."))
    form = RegistrationForm.showing(answers, desk().conference)
    return render_template(
        "registration/own.html",
        title=_("Your registration"),
        registration=registration,
        form=form,
        hidden=form.masks("passport_number"),
    )
