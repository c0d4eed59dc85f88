"""The organisers' mail page: what is on its way, what went out, what failed and why, and sending again."""

import re
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

from flask import Blueprint, Response, abort, make_response, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from werkzeug import Response as WerkzeugResponse

from db import connection
from domain import audit, mailroom, outbox
from domain.blocked import Unwanted
from domain.reasons import reason_of
from domain.registration import AddressTaken, ChangedMeanwhile, correct_address
from forms import CorrectionForm, RetryForm
from htmx import go, render
from models import MAIL_STATES, Mail
from views.connections import hold_connection
from views.desk import asked_for, front_desk, refuse_old_page
from views.frames import framed, with_frames

MAIL_KINDS = {
    "confirmation": _l("Confirmation"),
    "repeat": _l("Registered already: link sent again"),
    "link": _l("Personal link"),
    "new_link": _l("New personal link"),
    "changed": _l("Registration changed"),
    "address": _l("New address to be confirmed"),
    "moved": _l("Address changed, to the old address"),
    "cancelled": _l("Registration cancelled"),
    "restored": _l("Cancellation taken back"),
    "erased": _l("Data erased"),
    "late": _l("Late link"),
    "reminder": _l("Reminder: flights are missing"),
    "announcement": _l("Announcement to delegates"),
    "digest": _l("Daily digest to organisers"),
}
PATIENCE = timedelta(minutes=5)  # before every page says that mails wait
ONE = "/<int(max=2147483647):number>"  # what the column holds
PRIVATE_LINK = re.compile(r"(/r/|/registration/address/|[?&]late=)[\w.~%=-]+")

Answer = TypeVar("Answer")

bp = Blueprint("mails", __name__, url_prefix="/organiser/mails")
hold_connection(bp)


@bp.app_context_processor
def for_every_page() -> dict[str, Any]:
    return {
        "mail_kinds": MAIL_KINDS,
        "mail_reason": lambda error: _(reason_of(error)),
        "mails_in_address": in_address,
        "mails_waiting": partial(ask, partial(outbox.waiting, longer_than=PATIENCE)),
        "mails_unreached": partial(ask, mailroom.unreached),
    }


def ask(question: Callable[[], Answer]) -> Answer:
    """Put a question to the outbox, also for an address without a page: no blueprint holds a connection there."""
    with connection():
        return question()


def asked() -> mailroom.Query:
    """The query in the address; what makes no sense there counts for nothing."""
    given = asked_for("state", "kind", "q", "before")
    return mailroom.Query(
        state=given["state"] if given["state"] in MAIL_STATES else "",
        kind=given["kind"] if given["kind"] in MAIL_KINDS else "",
        q=given["q"],
        before=int(given["before"]) if re.fullmatch("[0-9]{1,9}", given["before"]) else 0,
    )


def in_address(query: mailroom.Query, **changes: Any) -> dict[str, Any]:
    """A query as it stands in an address: only what is not as usual."""
    return {name: value for name, value in asdict(replace(query, **changes)).items() if value}


def found(number: int) -> Mail:
    mail = mailroom.find(number)
    if mail is None:
        abort(404, _("There is no such mail."))
    return mail


@bp.get("")
def listing() -> WerkzeugResponse:
    """Show the mails with their states, or to htmx the rows."""
    query = asked()
    return render(
        "mails/listing.html",
        "mails/_listing.html",
        title=_("Mails"),
        query=query,
        page=mailroom.page(query),
        counts=outbox.backlog(),
        failures=outbox.failures(),
        form=RetryForm(),
    )


@bp.get(ONE)
def show(number: int) -> WerkzeugResponse:
    """Show one mail as it was sent, and why it failed; each look is in the log."""
    return show_mail(found(number), CorrectionForm(formdata=None))


def show_mail(mail: Mail, form: CorrectionForm) -> WerkzeugResponse:
    audit.record(
        "mail.viewed", organiser=current_user.organiser, registration=mail.registration, mail=mail.id
    )
    try:
        message = mailroom.message_of(mail)
    except mailroom.MessageGone:
        message = None
    text = message.get_body(("plain",)) if message else None
    page = make_response(
        render_template(
            "mails/show.html",
            title=_("Error: %(title)s", title=_("Mail")) if form.errors else _("Mail"),
            mail=mail,
            subject=message["Subject"] if message else "",
            text=without_private_links(text.get_content()) if text else "",
            attachments=[part.get_filename() for part in message.iter_attachments()] if message else [],
            form=form,
            retry_form=RetryForm(),
            is_repeatable=mailroom.is_repeatable(mail),
            is_correctable=mailroom.is_correctable(mail),
            is_up_to_the_delegate=mailroom.is_up_to_the_delegate(mail),
        ),
        422 if form.errors else 200,
    )
    return with_frames(page)


def without_private_links(text: str) -> str:
    """What organisers may see of a mail: its links let their delegate change and erase everything."""
    return PRIVATE_LINK.sub(r"\1…", text)


@bp.get(f"{ONE}/body")
def body(number: int) -> Response:
    """Give the HTML of a mail to the frame in which it is shown: no scripts, no links, nothing from elsewhere."""
    try:
        part = mailroom.message_of(found(number)).get_body(("html",))
    except mailroom.MessageGone:
        part = None
    if part is None:
        abort(410)
    return framed(without_private_links(part.get_content()))


@bp.post("/retries")
def retries() -> WerkzeugResponse:
    """Send again every mail that failed, as many as the button says."""
    if not RetryForm().validate():
        refuse_old_page()
    outbox.retry(outbox.has_failed(), organiser=current_user.organiser)
    return go(url_for("mails.listing"))


@bp.post(f"{ONE}/retries")
def retry(number: int) -> WerkzeugResponse:
    """Send one mail again."""
    if not RetryForm().validate():
        refuse_old_page()
    outbox.retry(Mail.id == found(number).id, organiser=current_user.organiser)
    return go(url_for("mails.show", number=number, done=1))


@bp.post(f"{ONE}/address")
def address(number: int) -> WerkzeugResponse:
    """Correct the address of a delegate whom a mail did not reach, and send it there."""
    mail, form = found(number), CorrectionForm()
    if mail.registration is None or not mailroom.is_correctable(mail):
        return go(url_for("mails.show", number=number))
    if not form.validate():
        return show_mail(mail, form)
    try:
        correct_address(
            mail.registration, form.email.data, organiser=current_user.organiser, desk=front_desk()
        )
    except AddressTaken:
        form.email.errors = [_("Another registration has this address")]
    except Unwanted:
        form.email.errors = [_("Whoever has this address asked that this service never write to it again")]
    except ChangedMeanwhile:
        form.email.errors = [_("The delegate has just changed this registration. Please look at it first")]
    return (
        show_mail(found(number), form)
        if form.errors
        else go(url_for("mails.show", number=number, done="corrected"))
    )
