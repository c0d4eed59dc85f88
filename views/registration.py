"""Registering: the form, its field checks, the check page, the receipt; the link again, and a new address."""

from flask import Blueprint, abort, render_template, request, url_for
from flask_babel import gettext as _
from itsdangerous import BadData
from werkzeug import Response
from werkzeug.exceptions import TooManyRequests

from db import DatabaseOut, connection
from domain import late
from domain.answers import address_key
from domain.registration import (
    AddressTaken,
    ChangedMeanwhile,
    LinkUnknown,
    RegistrationClosed,
    RegistrationErased,
    find_by_link,
    move,
    register,
    send_link,
)
from forms import LinkForm, RegistrationForm
from htmx import go, render
from i18n import PREFIX, current_language
from models import LateLink, Registration
from security import (
    address_token,
    by_address,
    digest,
    is_form_key,
    late_token,
    limiter,
    link_token,
    new_form_key,
    read_address,
    read_late,
    read_receipt,
    receipt,
    retry_after,
)
from views.desk import conference, front_desk, outside
from views.errors import RETRY_AFTER, failed, refused

bp = Blueprint("registration", __name__, url_prefix=PREFIX)


def private_link(registration: Registration, lang: str) -> str:
    return outside(url_for("own.show", lang=lang, token=link_token(registration)))


def new_address_link(registration: Registration, lang: str) -> str:
    return outside(url_for("registration.address", lang=lang, token=address_token(registration)))


def late_link(link: LateLink) -> str:
    return outside(url_for("registration.new", lang=link.language, late=late_token(link)))


def is_not_sent() -> bool:
    return request.form.get("step") != "send"


@bp.route("/registration", methods=["GET", "POST"])
@limiter.limit("60/minute", methods=["POST"])
@limiter.limit("60/hour", methods=["POST"], exempt_when=is_not_sent)
@limiter.limit("10/hour", methods=["POST"], key_func=by_address, exempt_when=is_not_sent)
def new() -> Response:
    """Show the registration form, take it on to the check page, and from there store it."""
    form = opened_form()
    leave = None if conference().is_open else late_leave(form)
    may_register = conference().is_open or leave is not None
    if not may_register and is_not_sent():  # what is sent may be a form that was stored before the deadline
        return closed(form)
    has_key = keyed(form)
    if leave and request.method != "POST":
        form.email.data = leave.email
    if request.method != "POST" or wants_form():
        return show_form(form)
    if not form.validate() or not suits(form, leave):
        return show_form(form, status=422) if may_register else closed(form)
    if is_not_sent():
        return show_check(form)
    if not has_key:
        return show_check(form, status=422) if may_register else closed(form)
    return store(form, leave)


def keyed(form: RegistrationForm) -> bool:
    """Whether the form came with a key that counts; if not, it gets one."""
    if is_form_key(form.key.data or ""):
        return True
    form.key.data = new_form_key()
    return False


def store(form: RegistrationForm, leave: LateLink | None) -> Response:
    """Store the registration and lead to the receipt; whether somebody had this address before does not show."""
    answers, late_id = form.answers(), leave.public_id if leave else None
    try:
        with connection():
            reference = register(
                answers, lang=current_language(), key=form.key.data, desk=front_desk(), late_link=late_id
            )
    except RegistrationClosed:
        return closed(form)
    token = receipt(reference, organisation=answers.organisation, country=answers.country)
    return go(url_for("registration.received", receipt=token))


def opened_form() -> RegistrationForm:
    """The form as it was sent; a fresh one may come from a late link, or begin with a colleague's organisation."""
    if request.method == "POST":
        return RegistrationForm(conference())
    given = {"late": request.args.get("late", "")}
    try:
        before = read_receipt(request.args["colleague"])
        given |= {"on_behalf": "1", "organisation": before["organisation"], "country": before["country"]}
    except (BadData, KeyError):
        pass
    return RegistrationForm(conference(), data=given)


def late_leave(form: RegistrationForm) -> LateLink | None:
    """The late link through which the form was opened, if it may still be used."""
    try:
        with connection():
            return late.find(read_late(form.late.data or ""))
    except BadData:
        return None


def suits(form: RegistrationForm, leave: LateLink | None) -> bool:
    """Whether the address is the one for which an organiser made the late link."""
    if leave is None or address_key(form.email.data) == address_key(leave.email):
        return True
    form.email.errors = [_("This link is for %(address)s: enter that address", address=leave.email)]
    return False


def wants_form() -> bool:
    """Whether the button pressed asks for the form as it is: "Change", or another language while filling it in."""
    step = request.form.get("step", "")
    return step.startswith("edit") or (step == "language" and request.form.get("stage") != "check")


def show_form(form: RegistrationForm, status: int = 200) -> Response:
    """The form; with 429 or 503 as it was sent, and with the reason why it has to be sent again."""
    title = _("Register for the conference")
    response = render(
        "registration/new.html",
        "registration/_form.html",
        title=title,
        status=status,
        form=form,
        trouble=status,
        changed=request.form.get("step", "").removeprefix("edit:"),
    )
    if request.method != "POST" and not (form.organisation.data or form.email.data):
        # Not no-store: with that, browsers forget on "Back" what was typed. There is nothing personal in it yet.
        response.cache_control.private = True
        response.cache_control.no_cache = True
    return response


def show_check(form: RegistrationForm, status: int = 200) -> Response:
    """Everything once more before it is sent. With 422 the form's key had run out; for 429 and 503 see send_again."""
    title = _("Check your answers")
    return render(
        "registration/check.html",
        "registration/_check.html",
        title=title,
        status=status,
        form=form,
        trouble=status,
    )


def closed(form: RegistrationForm) -> Response:
    title = _("Registration is closed")
    return render(
        "registration/closed.html",
        "registration/_closed.html",
        title=title,
        status=403,
        was_late=bool(form.late.data),
    )


@bp.errorhandler(DatabaseOut)
@bp.errorhandler(TooManyRequests)
def send_again(error: DatabaseOut | TooManyRequests) -> Response:
    """Too often, or the database is out: the form comes back as it was sent."""
    is_busy = isinstance(error, TooManyRequests)
    status = 429 if is_busy else 503
    if request.method == "POST" and request.endpoint == "registration.link":
        response = show_link(LinkForm(), status)
    elif request.method == "POST" and request.endpoint == "registration.new":
        response = show_as_sent(status)
    else:
        return refused(error) if isinstance(error, TooManyRequests) else failed(error)
    response.retry_after = retry_after() if is_busy else RETRY_AFTER
    return response


def show_as_sent(status: int) -> Response:
    """The check page to whoever sent it, the form to everybody else."""
    form = RegistrationForm(conference())
    keyed(form)
    is_checked = request.form.get("stage") == "check" and form.validate()
    return show_check(form, status) if is_checked else show_form(form, status)


@bp.post("/registration/fields/<name>")
@limiter.limit("120/minute")
def field(name: str) -> str:
    """Check one field, in the light of the others, and answer with it; what is still empty is not scolded."""
    form = RegistrationForm(conference())
    if name not in form.names:
        abort(404)
    form.validate()
    if not any(value.strip() for value in form[name].raw_data or []):
        form[name].errors = []
    return render_template("registration/_field.html", field=form[name])


@bp.get("/registration/received/<receipt>")
def received(receipt: str) -> str:
    """Tell the reference, and what happens next."""
    try:
        reference = read_receipt(receipt)["receipt"]
    except BadData:
        abort(404)
    title = _("Your registration has been received")
    return render_template("registration/received.html", title=title, reference=reference, receipt=receipt)


def is_without_address() -> bool:
    return not request.form.get("email", "").strip()


@bp.route("/registration/link", methods=["GET", "POST"])
@limiter.limit("20/hour", methods=["POST"])
@limiter.limit("3/day", methods=["POST"], key_func=by_address, exempt_when=is_without_address)
def link() -> Response:
    """Send the private link again; whether somebody has registered shows in the mailbox only."""
    form = LinkForm()
    if not form.validate_on_submit():
        return show_link(form, status=422 if form.errors else 200)
    with connection():
        send_link(form.email.data, lang=current_language(), desk=front_desk())
    return go(url_for("registration.link_sent"))


def show_link(form: LinkForm, status: int) -> Response:
    title = _("Send me my link again")
    return render(
        "registration/link.html",
        "registration/_link.html",
        title=title,
        status=status,
        form=form,
        trouble=status,
    )


@bp.get("/registration/link/sent")
def link_sent() -> str:
    """Say where to look for the link."""
    return render_template("registration/link_sent.html", title=_("Please look into your mailbox"))


@bp.get("/registration/link/renewed")
def link_renewed() -> str:
    """Say that the link that was open works no longer, and where the new one is."""
    return render_template("registration/link_renewed.html", title=_("A new link is on its way"))


@bp.get("/registration/erased")
def erased() -> str:
    """Say that the data have been erased."""
    return render_template("registration/erased.html", title=_("Your data have been erased"))


def asked_to_move(public_id: str, version: int, hashed: str) -> Registration:
    """The registration that is to have a new address, or that has it by now."""
    try:
        registration = find_by_link(public_id, version)
        address = registration.pending_email
    except LinkUnknown:
        registration = find_by_link(public_id, version + 1)
        address = registration.email
    if digest(address) != hashed:
        raise LinkUnknown
    return registration


@bp.route("/registration/address/<token>", methods=["GET", "POST"])
@limiter.limit("60/minute")
def address(token: str) -> Response | str:
    """Let the owner of a new address confirm it; looking at the page changes nothing."""
    try:
        with connection():
            registration = asked_to_move(*read_address(token))
            if request.method == "POST":
                if registration.pending_email is not None:
                    move(registration, registration.pending_email, desk=front_desk())
                return go(url_for("own.show", token=link_token(registration), done="moved"))
            if registration.pending_email is None:
                abort(
                    410,
                    _("This address is in use already. The newest mail has the link to the registration."),
                )
    except (BadData, LinkUnknown, ChangedMeanwhile, RegistrationErased):
        abort(404, _("This link confirms no address, or no longer."))
    except AddressTaken:
        abort(404, _("Another registration has this address by now."))
    return render_template(
        "registration/address.html", title=_("Use this e-mail address"), address=registration.pending_email
    )
