"""The delegate's own page, behind a private link: seeing, changing, cancelling, withdrawing, downloading, erasing.

Looking changes nothing, because programs that scan mails follow links. Every button confirms that the link arrived.
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

from flask import Blueprint, abort, g, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from itsdangerous import BadData
from werkzeug import Response
from werkzeug.exceptions import Gone, NotFound, TooManyRequests

from db import DatabaseOut, connection
from domain import audit, mailroom
from domain import registration as verbs
from domain.answers import Answers, answers_of, masked
from domain.registration import (
    AddressTaken,
    ChangedMeanwhile,
    LinkUnknown,
    PartClosed,
    RegistrationClosed,
    RegistrationErased,
    find_by_link,
    own_data,
)
from forms import AmendForm, CancelForm, EraseForm, RegistrationForm
from htmx import go, render
from i18n import PREFIX, current_language
from models import ACTIVE, Registration
from security import digest, limiter, read_link, receipt, retry_after
from views.connections import hold_connection
from views.desk import conference, front_desk
from views.errors import RETRY_AFTER, failed, refused

# What is said after a button has been pressed; the word stands in the address.
DONE = {
    "same": _l("Everything is as it was: there was nothing to save."),
    "kept": _l("The new address has been dropped. We go on writing to the old one."),
    "changed": _l("Your changes have been saved, and a mail with a summary is on its way."),
    "asked": _l("Your changes have been saved. Please open the mail that we have sent to your new address."),
    "moved": _l("Your new address is confirmed. From now on we write there; the old link no longer works."),
    "confirmed": _l("Thank you: your address is confirmed."),
    "cancelled": _l("Your registration has been cancelled, and a mail that says so is on its way."),
    "restored": _l("Your registration holds again, and a mail that says so is on its way."),
    "withdrawn": _l("Your consent has been withdrawn, and what rested on it has been erased."),
    "meanwhile": _l("Your registration was changed in another window meanwhile. Please look and try again."),
    "closed": _l("Nothing has been changed: this is no longer possible."),
    "taken": _l(
        "You have registered again with this address meanwhile. Please use the link of that registration."
    ),
}
WITHDRAWABLE = ("needs", "visa", "list", "photo")

bp = Blueprint("own", __name__, url_prefix=f"{PREFIX}/r/<token>")
limiter.limit("60/minute")(bp)
hold_connection(bp)


@bp.url_value_preprocessor
def take_token(endpoint: str | None, values: dict | None) -> None:
    """The views need no token as an argument: it has become a registration, see find."""
    g.token = (values or {}).pop("token")


@bp.url_defaults
def give_token(endpoint: str, values: dict) -> None:
    if "token" in g:
        values.setdefault("token", g.token)


@bp.before_request
def find() -> None:
    """Hold the registration that the link names."""
    with connection():
        g.registration = find_by_link(*read_link(g.token))


@bp.errorhandler(BadData)
@bp.errorhandler(LinkUnknown)
def unknown(error: BadData | LinkUnknown) -> Response:
    """The link is not ours, or another window has asked for a new one, perhaps while this button was pressed."""
    words = _("This link does not open a registration. Please use the link in your newest mail from us.")
    return refused(NotFound(words))


@bp.errorhandler(RegistrationErased)
def gone(error: RegistrationErased) -> Response:
    return refused(Gone(_("This registration has been erased.")))


def again(verb: Callable[..., None], **given: Any) -> None:
    """Press a button that says what is to be, whatever the page showed: a second press finds it done."""
    try:
        verb(g.registration, **given)
    except ChangedMeanwhile:
        verb(find_by_link(*read_link(g.token)), **given)


def stored_answers(registration: Registration) -> Answers:
    """The answers as delegates left them, with the address that is waiting to be confirmed."""
    return replace(answers_of(registration), email=registration.pending_email or registration.email)


def to_own_page(done: str) -> Response:
    return go(url_for("own.show", done=done))


@bp.errorhandler(ChangedMeanwhile)
def meanwhile(error: ChangedMeanwhile) -> Response:
    return to_own_page("meanwhile")


@bp.errorhandler(RegistrationClosed)
def too_late(error: RegistrationClosed) -> Response:
    return to_own_page("closed")


@bp.errorhandler(AddressTaken)
def taken(error: AddressTaken) -> Response:
    return to_own_page("taken")


@bp.get("")
def show() -> Response:
    """Show delegates what they registered, and what they can do about it."""
    return show_page()


def show_page(
    status: int = 200, *, cancelling: CancelForm | None = None, erasing: EraseForm | None = None
) -> Response:
    """The page; with 422 it names what was wrong with the form for cancelling or for erasing."""
    registration = g.registration
    answers = answers_of(registration)
    form = RegistrationForm.showing(answers, conference())
    form.raise_doubts()
    title = _("Your registration")
    page = render_template(
        "own/show.html",
        title=_("Error: %(title)s", title=title) if status == 422 else title,
        registration=registration,
        is_active=registration.state in ACTIVE,
        has_failed=bool(registration.pending_email)
        and mailroom.has_failed_at(registration, registration.pending_email),
        form=form,
        open_sections=amend_form(answers).sections,
        late_sections=AmendForm(conference(), answers, has_closed=True).sections,
        asks_visa="visa" not in conference().leave_out,
        hidden=form.masks("passport_number"),
        consents=answers.consents,
        cancelling=cancelling or CancelForm(formdata=None),
        erasing=erasing or EraseForm(formdata=None),
        done=DONE.get(request.args.get("done", "")),
        colleague=receipt(
            registration.reference, organisation=registration.organisation, country=registration.country
        ),
    )
    return make_response(page, status)


def amend_form(before: Answers) -> AmendForm:
    """The questions that are still open. A page from before the deadline may send more; see amend."""
    is_whole = request.method == "POST" and "given_names" in request.form
    has_closed = not conference().is_open and not is_whole
    return AmendForm(conference(), before, has_closed=has_closed)


def by_link() -> str:
    return f"link:{digest(g.token)}"


def is_another_language() -> bool:
    return request.form.get("step") == "language"


@bp.route("/edit", methods=["GET", "POST"])
@limiter.limit("60/minute")  # once more: a limit of a route's own takes the place of the blueprint's
@limiter.limit("30/hour", methods=["POST"], key_func=by_link, exempt_when=is_another_language)
def edit() -> Response:
    """Let delegates change their answers; after the deadline those that are still open."""
    registration = g.registration
    if registration.state not in ACTIVE:
        return to_own_page("closed")
    before = stored_answers(registration)
    form = amend_form(before)
    if not form.sections:
        return to_own_page("closed")
    if request.method != "POST":
        form.sequence.data = registration.sequence
        return show_edit(form)
    is_valid = is_another_language() or form.validate()
    if is_another_language() or not is_valid:
        show_again = show_conflict if form.agreed.data else show_edit
        return show_again(form, status=200 if is_valid else 422)
    waiting = registration.pending_email
    try:
        with connection():
            has_changed = verbs.amend(
                registration,
                form.answers(),
                sequence=form.seen,
                lang=current_language(),
                describe=form.describe,
                desk=front_desk(),
            )
    except ChangedMeanwhile:
        return show_conflict(form)
    except PartClosed as error:
        reduced = AmendForm(conference(), before, has_closed=True)
        return show_edit(reduced, status=422, closed_parts=form.titles(error.args))
    if not has_changed:
        return to_own_page("same")
    return to_own_page("asked" if registration.pending_email not in (None, waiting) else "changed")


def show_edit(form: AmendForm, status: int = 200, **notices: object) -> Response:
    return render(
        "own/edit.html",
        "own/_edit.html",
        title=_("Change my registration"),
        status=status,
        form=form,
        trouble=status,
        **notices,
    )


def show_conflict(form: AmendForm, status: int = 409) -> Response:
    """The form as it was sent, beside what has been stored meanwhile: saved once more, it counts."""
    now = find_by_link(*read_link(g.token))
    if now.state not in ACTIVE:
        return to_own_page("closed")
    form.agreed.data = str(now.sequence)
    return show_edit(form, status=status, differing=form.differing(stored_answers(now)))


@bp.errorhandler(DatabaseOut)
@bp.errorhandler(TooManyRequests)
def send_again(error: DatabaseOut | TooManyRequests) -> Response:
    """What was typed comes back, whatever keeps it from being stored."""
    if request.endpoint != "own.edit" or request.method != "POST":
        return refused(error) if isinstance(error, TooManyRequests) else failed(error)
    is_busy, form = isinstance(error, TooManyRequests), amend_form(Answers())
    form.agreed.data = ""  # what it was agreed to overwrite is not shown here
    response = show_edit(form, status=429 if is_busy else 503)
    response.retry_after = retry_after() if is_busy else RETRY_AFTER
    return response


@bp.post("/confirmation")
def confirmation() -> Response:
    """Confirm the address."""
    verbs.confirm(g.registration)
    return to_own_page("confirmed")


@bp.post("/address/withdrawal")
def address_withdrawal() -> Response:
    """Drop the new address that is waiting to be confirmed."""
    again(verbs.stay)
    return to_own_page("kept")


@bp.post("/cancellation")
def cancellation() -> Response:
    """Cancel the registration."""
    form = CancelForm()
    if not form.validate():
        return show_page(422, cancelling=form)
    again(verbs.cancel, reason=form.reason.data, desk=front_desk())
    return to_own_page("cancelled")


@bp.post("/restoration")
def restoration() -> Response:
    """Take the cancellation back."""
    again(verbs.restore, desk=front_desk())
    return to_own_page("restored")


@bp.post("/consents")
def consents() -> Response:
    """Withdraw one consent."""
    kind = request.form.get("kind")
    if kind not in WITHDRAWABLE:
        abort(400)
    title = RegistrationForm(conference(), formdata=None)[f"consent_{kind}"].label.text
    changes = [_("%(consent)s: withdrawn", consent=title)]
    again(verbs.withdraw, kind=kind, lang=current_language(), changes=changes, desk=front_desk())
    return to_own_page("withdrawn")


@bp.post("/link")
def link() -> Response:
    """Send a new link, and let this one die."""
    verbs.renew_link(g.registration, desk=front_desk())
    return go(url_for("registration.link_renewed"))


@bp.post("/erasure")
def erasure() -> Response:
    """Erase everything."""
    form = EraseForm()
    if not form.validate():
        return show_page(422, erasing=form)
    with suppress(RegistrationErased):
        again(verbs.erase, is_blocking=form.block.data, desk=front_desk())
    return go(url_for("registration.erased"))


@bp.route("/data.json", methods=["GET", "POST"])
def data() -> Response:
    """Give everything that is stored as JSON; the passport number in full only at the press of a button."""
    if request.method == "POST":
        verbs.confirm(g.registration)
        g.registration = find_by_link(*read_link(g.token))
        audit.record("registration.downloaded", registration=g.registration)
    content = own_data(g.registration)
    passport = content["answers"]["passport"]
    if request.method != "POST" and passport:
        passport["number"] = masked(passport["number"])
    text = json.dumps(content, default=lambda value: value.isoformat(), ensure_ascii=False, indent=2)
    return attachment(text, "application/json", "registration.json")


@bp.get("/data.html")
def readable() -> Response:
    """Give everything that is stored as a page to keep and to read without this service."""
    form = RegistrationForm.showing(answers_of(g.registration), conference())
    page = render_template(
        "own/readable.html",
        title=_("Your registration"),
        form=form,
        registration=g.registration,
        data=own_data(g.registration),
        hidden=form.masks("passport_number"),
    )
    return attachment(page, "text/html", "registration.html")


@bp.get("/calendar.ics")
def calendar() -> Response:
    """Give the conference as a calendar file that takes the place of earlier ones, or the event away."""
    registration, lang = g.registration, current_language()
    file = conference().calendar(
        lang,
        url=front_desk().home(lang),
        sequence=registration.sequence,
        is_cancelled=registration.state == "cancelled",
    )
    return attachment(file, "text/calendar", "conference.ics")


def attachment(content: str | bytes, kind: str, name: str) -> Response:
    response = make_response(content)
    response.mimetype = kind
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response
