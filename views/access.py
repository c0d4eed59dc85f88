"""An organiser's own access: enrolling by a link, codes, password, sign-ins, and staying signed in."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, abort, current_app, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug import Response as WerkzeugResponse

from domain import clock, codes, organisers
from forms import CodesForm, EnrolmentForm, PasswordForm, ProofForm, SignOutForm, StayForm
from htmx import go, wants_fragment
from i18n import current_language
from models import Organiser
from security import (
    by_organiser,
    freshly_proved,
    is_form_key,
    limiter,
    local_target,
    needs_code,
    new_form_key,
    open_secret,
    seal_secret,
    sign_in,
)
from views.connections import hold_connection
from views.desk import refuse_old_page

ROLES = {
    "reader": _l("Reader: sees the list, but no sensitive answers"),
    "logistics": _l("Logistics: keeps journeys, rooms, diets and access needs, and acts for delegates"),
    "visa": _l("Visa: keeps passports and letters, and acts for delegates"),
    "admin": _l("Admin: may do everything"),
}
# What is said after a button has been pressed; the word stands in the address.
DONE = {
    "password": _l("Your new password holds. You have been signed out everywhere else."),
    "elsewhere": _l("You have been signed out everywhere else."),
}
WARNED_BEFORE = timedelta(minutes=5)

bp = Blueprint("access", __name__, url_prefix="/organiser")
hold_connection(bp)


@dataclass(frozen=True)
class TimeLeft:
    """How long a sign-in still lasts, whether a button can prolong it, and in how many seconds to ask again."""

    minutes: int
    is_short: bool
    can_stay: bool
    ask_again: int


@bp.app_context_processor
def for_every_page() -> dict[str, Any]:
    return {"time_left": time_left, "stay_form": StayForm, "roles_in_words": ROLES}


def time_left() -> TimeLeft | None:
    """What is left of the sign-in of whoever looks at this, if there is any."""
    if not current_user.is_authenticated:
        return None
    row = current_user.sign_in
    left = organisers.ends_at(row) - clock.real_now()
    seconds = max(0, ceil(left.total_seconds()))
    is_short = left <= WARNED_BEFORE
    pause = seconds % 60 or min(60, seconds) if is_short else seconds - WARNED_BEFORE.total_seconds()
    return TimeLeft(
        minutes=ceil(seconds / 60),
        is_short=is_short,
        can_stay=organisers.ends_at(row) < row.expires_at,
        ask_again=int(pause) + 1,
    )


def answer_page(template: str, form: Any, *, title: str, **context: Any) -> tuple[str, int]:
    """A page with a form: 422, and a title that says so, where something is wrong with it."""
    shown = _("Error: %(title)s", title=title) if form.errors else title
    return render_template(template, title=shown, form=form, **context), 422 if form.errors else 200


@bp.route("/enrolment/<token>", methods=["GET", "POST"])
@limiter.limit("30/15minutes", methods=["POST"])
def enrolment(token: str) -> str | tuple[str, int]:
    """Let somebody whom a link was made for choose a password and add their app, and show recovery codes once."""
    try:
        organiser = organisers.of_link(token)
        form = EnrolmentForm(email=organiser.email)
        secret = open_secret(form.secret.data or "", token) or codes.new_secret()
        if form.validate_on_submit():
            try:
                return enrolled(token, secret, form)
            except organisers.WrongCode:
                form.code.errors = [
                    _(
                        "Enter the code that your app shows now. If it is refused, check the clock of your device"
                    )
                ]
        organisers.invited(token)
    except organisers.EnrolmentUnknown:
        abort(404, _("This link is not whole, or a newer one has taken its place. Please ask for a new one."))
    except organisers.EnrolmentOver:
        abort(
            410,
            _(
                "This link worked once and for one day. If you have not enrolled yet, please ask for a new one."
            ),
        )
    form.secret.data = seal_secret(secret, token)
    address = codes.address(secret, email=organiser.email, issuer=issuer())
    return answer_page(
        "access/enrolment.html",
        form,
        title=_("Set up your access"),
        organiser=organiser,
        address=address,
        picture=qr_code(address),
        groups=[secret[start : start + 4] for start in range(0, len(secret), 4)],
    )


def enrolled(token: str, secret: str, form: EnrolmentForm) -> str:
    """Enrol, sign in, and show the recovery codes. Raises WrongCode or EnrolmentOver."""
    organiser, fresh = organisers.enrol(
        token, secret=secret, password=form.password.data, code=form.code.data
    )
    organisers.note_language(organiser, current_language())
    sign_in(organiser)
    return codes_page(fresh, is_new=True)


def codes_page(fresh: list[str], *, is_new: bool) -> str:
    """The only page that ever shows recovery codes."""
    return render_template(
        "access/fresh_codes.html", title=_("Your recovery codes"), codes=fresh, is_new=is_new
    )


def issuer() -> str:
    """What an app lists its codes under: one for each service."""
    return f"Convoke {urlsplit(current_app.config['ORIGIN']).hostname}"


def qr_code(address: str) -> str:
    """The address of a picture that an app scans: black on white, in dark mode too."""
    import segno  # 40 ms that no other page needs

    return str(segno.make(address, error="m").svg_data_uri(scale=5, light="#fff"))


@bp.get("/session/warning")
def warning() -> WerkzeugResponse:
    """Tell a page, which asks by itself, how long its sign-in lasts, or that it has ended."""
    return warning_fragment()


@bp.post("/session/extension")
def extension() -> WerkzeugResponse:
    """Stay signed in."""
    if StayForm().validate():
        organisers.note_activity(current_user.sign_in, at_once=True)
    return warning_fragment()


def warning_fragment() -> WerkzeugResponse:
    if not wants_fragment():
        return go(url_for("organiser.registrations"))
    return make_response(render_template("access/_warning.html"))


@bp.route("/session/proof", methods=["GET", "POST"])
@limiter.limit("30/15minutes", methods=["POST"])
@limiter.limit("30/hour", methods=["POST"], key_func=by_organiser)
def proof() -> WerkzeugResponse | str | tuple[str, int]:
    """Ask an organiser who is signed in for password and code before what is sensitive."""
    asks_code = needs_code() or codes.has_app(current_user.organiser)
    form, target = ProofForm(needs_code=asks_code), local_target(request.args.get("next"))
    if form.validate_on_submit():
        if organisers.prove(
            current_user.sign_in, form.password.data, form.code.data, needs_code=needs_code()
        ):
            is_file = bool(PurePosixPath(urlsplit(target).path).suffix)
            title = _("Thank you")
            return (
                render_template("access/proved.html", title=title, target=target) if is_file else go(target)
            )
        form.password.errors = [
            _("This is not right, or the code has been used before. Please try again.")
            if asks_code
            else _("This is not your password. Please try again.")
        ]
    return answer_page("access/proof.html", form, title=_("Is it you?"), asks_code=asks_code)


@bp.get("/account")
def account() -> str:
    """Show organisers what they may do, where they are signed in, and how many recovery codes they have left."""
    organiser = current_user.organiser
    return render_template(
        "access/account.html",
        title=_("My access"),
        sign_ins=organisers.sign_ins_of(organiser),
        has_app=codes.has_app(organiser),
        codes_left=codes.left(organiser),
        form=SignOutForm(),
        done=DONE.get(request.args.get("done", "")),
    )


@bp.post("/account/end")
def end() -> WerkzeugResponse:
    """Sign out everywhere else, or everywhere."""
    if not SignOutForm().validate():
        refuse_old_page()
    everywhere = request.form.get("where") == "everywhere"
    organisers.sign_out_elsewhere(current_user.sign_in, here_too=everywhere)
    return go(url_for("organiser.session") if everywhere else url_for("access.account", done="elsewhere"))


@bp.route("/account/codes", methods=["GET", "POST"])
@freshly_proved
def recovery_codes() -> WerkzeugResponse | str | tuple[str, int]:
    """Make new recovery codes, and show them once."""
    form = CodesForm()
    if not codes.has_app(current_user.organiser):
        return go(url_for("access.account"))
    if form.validate_on_submit() and is_form_key(form.key.data or ""):
        return codes_page(organisers.make_codes(current_user.organiser, form.key.data), is_new=False)
    form.key.data = new_form_key()
    return answer_page(
        "access/recovery_codes.html",
        form,
        title=_("New recovery codes"),
        codes_left=codes.left(current_user.organiser),
    )


@bp.route("/account/password", methods=["GET", "POST"])
@freshly_proved
def password() -> WerkzeugResponse | tuple[str, int]:
    """Let an organiser choose another password."""
    form = PasswordForm(email=current_user.organiser.email)
    if form.validate_on_submit():
        organisers.change_password(current_user.sign_in, form.password.data)
        return go(url_for("access.account", done="password"))
    return answer_page("access/password.html", form, title=_("Change your password"))


@bp.get("/account/everybody")
def everybody() -> str:
    """Show an admin who has access, with which roles, and who signed in when."""
    return render_template(
        "access/everybody.html",
        title=_("Who has access"),
        organisers=organisers.current().order_by(Organiser.email),
        has_enrolled=organisers.has_enrolled,
        last_sign_ins=organisers.last_sign_ins(),
    )
